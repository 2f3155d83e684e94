#!/usr/bin/env bash
# skin-train as several ranks under mpirun: the model, the log and the checkpoint of one process,
# for any number of ranks and threads; kill -9 of a rank, Ctrl-C, and resuming with another number
# of ranks; an error on one rank.
#   ranks_train.sh BIN SCRATCH
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../cli/help.bash"
. "$here/ranks.bash"
bin=$1 dir=$2
need_ranks "$bin"
python3 -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
cd "$dir" || exit 1

sum() { sha256sum <"$1" | cut -d' ' -f1; }
same() { [ "$(sum "$1")" = "$(sum "$2")" ] || fail "$1 and $2 differ: $3"; }
log_numbers() { cut -d, -f1-10 "$1"; } # without the seconds
same_run() { # A B WHAT
    same "$1/model.safetensors" "$2/model.safetensors" "$3"
    [ "$(log_numbers "$1/log.csv")" = "$(log_numbers "$2/log.csv")" ] ||
        fail "$3: another log: $(diff <(log_numbers "$1/log.csv") <(log_numbers "$2/log.csv"))"
    [ ! -f "$1/people.json" ] || same "$1/people.json" "$2/people.json" "$3"
}

python3 "$here/../cli/made_people.py" people 23 || fail "made_people.py"
common=("$bin/skin-train" --data people/data --faces people/faces --image-size 16 --batch 4 \
    --epochs 2 --seed 3 --augment all)

# ---- the presets' recipe (batch normalisation), and a network with dropout and stateful layers on
# arrays ----
run 0 "${common[@]}" -o one --threads 2
for n in 2 3 8; do
    ranks $n 0 "${common[@]}" -o many --threads $((n % 2 + 1))
    says err "$n ranks on 1 host"
    says out "epoch 2/2"
    [ "$(wc -l <out)" = 2 ] || fail "$n ranks: one line an epoch: $(cat out)"
    same_run one many "$n ranks of $((n % 2 + 1)) threads"
    [ ! -e many/.lock ] || fail "a lock is left"
    rm -rf many
done
cat >kept.json <<'JSON'
{"format": 1, "input": {"height": 8, "width": 8, "channels": 3}, "layers": [
 {"type": "dropout", "rate": 0.2},
 {"type": "conv_lstm2d", "filters": 3, "kernel_size": 3, "padding": "same",
  "recurrent_activation": "sigmoid", "return_sequences": true, "stateful": true, "dropout": 0.2},
 {"type": "conv_lstm2d", "filters": 2, "kernel_size": 3, "padding": "same",
  "recurrent_activation": "sigmoid", "stateful": true},
 {"type": "flatten"}, {"type": "dense", "units": 2, "activation": "sigmoid"}]}
JSON
python3 - <<'PY'
import numpy as np
r = np.random.default_rng(1)
np.savez("arrays.npz", x=r.random((10, 4, 8, 8, 3), dtype=np.float32), y=r.integers(0, 2, 10),
         mask=(r.random((10, 4)) < 0.7).astype(np.uint8))
PY
arrays=("$bin/skin-train" --npz arrays.npz --validation arrays.npz --network kept.json --batch 5 \
    --steps 9 --seed 2 --optimizer adam --quiet)
run 0 "${arrays[@]}" -o kept --threads 2
for n in 2 3 8; do
    ranks $n 0 "${arrays[@]}" -o many --threads 1
    same kept/model.safetensors many/model.safetensors "a stateful network with dropout, $n ranks"
    [ "$(arrays_digest kept/checkpoint.safetensors)" = "$(arrays_digest many/checkpoint.safetensors)" ] ||
        fail "a stateful network's checkpoint, $n ranks"
    same kept/log.csv many/log.csv "a stateful network's log, $n ranks"
    rm -rf many
done

# ---- files are read by one rank each: as often in all as by one process ----
if command -v strace >/dev/null && strace -f -o none.trace true 2>none.err; then
    opened() { cat "$1".trace.* | grep -c 'faces/p[0-9]*\.npz.*= [0-9]'; }
    traced() { # NAME N: with N ranks, 0: without mpirun
        local launch=()
        [ "$2" = 0 ] || launch=(mpirun --oversubscribe -n "$2")
        "${launch[@]}" strace -ff -e trace=open,openat -o "$1.trace" "${common[@]}" -o "$1" \
            --cache 0 --threads 1 >out 2>err || fail "under strace: $(tail -n 3 err)"
    }
    traced reads 0
    for n in 2 3; do
        traced "reads$n" $n
        [ "$(opened reads)" = "$(opened "reads$n")" ] ||
            fail "$n ranks read $(opened "reads$n") files, one process $(opened reads)"
        same_run one "reads$n" "$n ranks without a cache"
    done
fi

# ---- people who are left out, and one person under two ids, whom two ranks read ----
messages() { grep -v 'ranks on 1 host\|^skin-train: seed' err | sort; }
cp -r people some
rm some/faces/p002.npz
printf 'no archive' >some/faces/p010.npz
few=("$bin/skin-train" --data some/data --faces some/faces --image-size 16 --batch 4 --epochs 1)
run 0 "${few[@]}" -o few
messages >few.err
grep -q "p002.*left out" few.err || fail "nobody was left out: $(cat few.err)"
ranks 3 0 "${few[@]}" -o few3
messages | diff few.err - >few.diff || fail "other messages: $(cat few.diff)"
same_run few few3 "people left out"
cp some/faces/p000.npz some/faces/p008.npz \
    # of the training people the first, and the second to validate
"${few[@]}" -o twice >out 2>err
status=$?
messages >twice.err
grep -q p008 twice.err || fail "one person under two ids was not found: $(cat twice.err)"
ranks 3 $status "${few[@]}" -o twice3
messages | diff twice.err - >twice.diff || fail "other messages: $(cat twice.diff)"

# ---- a rank is killed in the middle, again and again; others go on, in other numbers ----
long=("${common[@]}" --checkpoint-steps 1 --epochs 30)
run 0 "${long[@]}" -o whole
restore=() size=3 kills=0
while :; do
    ranks_behind $size "${long[@]}" -o killed "${restore[@]}" --threads 1
    for _ in $(seq 100); do [ -f killed/checkpoint.safetensors ] && break; sleep 0.1; done
    sleep "0.$((kills * 2))"
    victim=$(rank_process $((size - 1)) skin-train)
    [ -z "$victim" ] || kill -9 "$victim"
    wait "$job" && break
    kills=$((kills + 1)) size=$((4 - size % 3)) restore=(--restore)
    [ $kills -lt 4 ] || { ranks 2 0 "${long[@]}" -o killed --restore; break; }
done
[ $kills -gt 0 ] || fail "no rank was killed in time"
same_run whole killed "a rank killed $kills times"

# ---- Ctrl-C to one rank: a checkpoint, one message ----
ranks_behind 2 "${long[@]}" -o stopped --threads 1
for _ in $(seq 100); do [ -f stopped/checkpoint.safetensors ] && break; sleep 0.1; done
kill -INT "$(rank_process 1 skin-train)"
if wait "$job"; then fail "Ctrl-C of one rank did not end the job"; fi
says err "(rank 1 on $(uname -n)); resume with --restore"
[ "$(grep -c 'resume with --restore' err)" = 1 ] || fail "more than one message: $(cat err)"
run 0 "${long[@]}" -o stopped --restore
same_run whole stopped "stopped by Ctrl-C to one of two ranks, resumed by one process"

# ---- errors: one message, no hang ----
ranks 3 1 "${common[@]}" -o whole
says err "whole/checkpoint.safetensors exists"
[ "$(grep -c exists err)" = 1 ] || fail "more than one message: $(cat err)"
ranks 2 1 "${common[@]}" -o none --restore
says err "there is no run to restore"
ranks 2 1 "${common[@]}" -o parts --micro-batch 2
says err "batch_normalization has the statistics of a part"
ranks 2 1 "${common[@]}" -o dry --dry-run
says err "run it without mpirun"
mkdir full && ranks 2 1 "${common[@]}" -o /dev/full/run
says err "/dev/full"
