#!/usr/bin/env bash
# Several machines, as near as one machine comes to them: network namespaces as hosts, each with an
# address and a name of its own, joined by a bridge in a namespace of its own, with bandwidth
# limited by tc. What stands for ssh enters a host's namespace. Nothing leaves these namespaces.
#   tests/system/check-machines.sh BUILD [HOSTS]        (as root; HOSTS: 4; ROUNDS=n: runs of which the best counts)
#
# It shows that skin-faces and skin-train give the bytes of one process on 2 and on HOSTS hosts,
# that the messages of a training step are as many and as large as docs/machines.md says, and how
# its times compare with the model there at 1 Gbit/s and 200 Mbit/s. Latency is that of the machine:
# netem is not in every kernel.
set -u
cd "$(dirname "$0")/../.." || exit 1
root=$PWD bin=$(cd "${1:?usage: check-machines.sh BUILD [HOSTS]}/bin" && pwd) || exit 1
hosts=${2:-4} tag=skin$$ scratch=$(mktemp -d)
export NBASE_VERBOSE=0 SKIN_WEIGHTS=${SKIN_WEIGHTS:-$root/weights/mtcnn.safetensors} \
    OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fail() { echo "FAILED: $*" >&2; exit 1; }
command -v mpirun >/dev/null || { echo "needs mpirun (apt-get install openmpi-bin)"; exit 77; }
[ -f "$bin/../lib/skincredible/skin-mpi.so" ] ||
    { echo "needs skin-mpi.so (apt-get install libopenmpi-dev, and make)"; exit 77; }

clean_up() {
    for i in $(seq 0 "$hosts"); do ip netns del "$tag-$i" 2>/dev/null; done
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

# ---- hosts 1 .. n, and 0, the switch between them ----
namespaces=yes
make_hosts() {
    ip netns add "$tag-0" && ip -n "$tag-0" link add bridge type bridge &&
        ip -n "$tag-0" link set bridge up || return 1
    for i in $(seq "$hosts"); do
        ip netns add "$tag-$i" && ip -n "$tag-$i" link set lo up &&
            ip -n "$tag-$i" link add net0 type veth peer name "port$i" netns "$tag-0" &&
            ip -n "$tag-$i" addr add "10.99.0.$i/24" dev net0 && ip -n "$tag-$i" link set net0 up &&
            ip -n "$tag-0" link set "port$i" master bridge up || return 1
    done
}
if ! command -v ip >/dev/null || ! make_hosts 2>"$scratch/log"; then
    echo "network namespaces are not to be had here ($(head -n 1 "$scratch/log")): all ranks run on one host"
    namespaces=no
fi

# A small bucket: a step's messages must not pass on what was saved between steps.
limit() { # MEGABITS: of each host's link, in both directions; 0: none
    for i in $(seq "$hosts"); do
        for side in "$tag-$i net0" "$tag-0 port$i"; do
            # shellcheck disable=SC2086  # namespace and device
            set -- $1 $side
            ip netns exec "$2" tc qdisc del dev "$3" root 2>/dev/null
            [ "$1" = 0 ] || ip netns exec "$2" tc qdisc add dev "$3" root \
                tbf rate "$1mbit" burst 16kb latency 50ms || fail "tc on $2"
        done
    done
}

# The launch agent: "ssh 10.99.0.3 COMMAND" starts it in the namespace, under the host's name.
cat >"$scratch/agent" <<END
#!/bin/bash
host=\$1
shift
exec ip netns exec $tag-\${host##*.} unshare --uts sh -c "hostname host-\${host##*.}; \$*"
END
chmod +x "$scratch/agent"

enter() { # HOST COMMAND...
    local i=$1
    shift
    # shellcheck disable=SC2016  # for the inner shell
    ip netns exec "$tag-$i" unshare --uts sh -c 'hostname "$0"; exec "$@"' "host-$i" "$@"
}

on_hosts() { # RANKS COMMAND...: one rank on each host; output to $scratch/out and err
    local n=$1 list=
    shift
    if [ $namespaces = no ]; then
        mpirun --oversubscribe -n "$n" --bind-to none "$@" >"$scratch/out" 2>"$scratch/err"
        return
    fi
    for i in $(seq "$n"); do list=$list${list:+,}10.99.0.$i:1; done
    enter 1 mpirun -n "$n" --host "$list" --bind-to none --mca plm_rsh_agent "$scratch/agent" \
        --mca btl tcp,self --mca btl_tcp_if_include 10.99.0.0/24 \
        --mca oob_tcp_if_include 10.99.0.0/24 -x SKIN_WEIGHTS -x NBASE_VERBOSE \
        "$@" >"$scratch/out" 2>"$scratch/err"
}

# ---- skin-faces: the bytes of one process, and a message that names the host ----
"$bin/skin-synth" "$scratch/clinic" --patients 12 --seed 2 --quiet >/dev/null || fail skin-synth
"$bin/skin-getdata" "$scratch/clinic" -o "$scratch/users.txt" --quiet || fail skin-getdata
"$bin/skin-faces" "$scratch/users.txt" --images "$scratch/clinic/images" -o "$scratch/one" \
    >"$scratch/one.out" || fail skin-faces
for n in 2 "$hosts"; do
    [ $namespaces = no ] || limit 200
    on_hosts "$n" "$bin/skin-faces" "$scratch/users.txt" --images "$scratch/clinic/images" \
        -o "$scratch/many" --threads 1 || fail "skin-faces on $n hosts: $(cat "$scratch/err")"
    diff -r "$scratch/one" "$scratch/many" >/dev/null && cmp -s "$scratch/out" "$scratch/one.out" ||
        fail "skin-faces on $n hosts: other bytes"
    rm -rf "$scratch/many"
    echo "skin-faces, $n hosts: the bytes of one process"
done
on_hosts 2 sh -c "[ \$OMPI_COMM_WORLD_RANK = 0 ] || set -- --weights $scratch/nowhere; exec $bin/skin-faces $scratch/users.txt --images $scratch/clinic/images -o $scratch/many \"\$@\"" -- && fail "a rank without weights: status 0"
grep -q "rank 1 on" "$scratch/err" ||
    fail "the message does not name the rank: $(cat "$scratch/err")"
[ $namespaces = no ] || grep -q "rank 1 on host-2: " "$scratch/err" ||
    fail "the message does not name the host: $(cat "$scratch/err")"
echo "an error on one host: $(grep "rank 1 on" "$scratch/err")"

# ---- skin-train: the bytes of one process, the messages of the model ----
/usr/bin/python3 - "$scratch" 4 $((2 * hosts)) <<'END'
import sys
import numpy as np
r = np.random.default_rng(1)
for n in map(int, sys.argv[2:]):  # one batch, so that each step has all of it
    np.savez(f"{sys.argv[1]}/{n}.npz", img=r.integers(0, 256, (n, 4, 80, 80, 3), np.uint8), labels=r.integers(0, 2, n))
END
train() { # PRESET BATCH STEPS: the arguments of skin-train
    echo "--npz $scratch/$2.npz --preset $1 --image-size 80 --batch $2 --steps $3 --no-shuffle --quiet --threads 1 --force -o $scratch/run"
}
sent() { # RANK: bytes, from what NBASE_VERBOSE=1 printed
    sed -n "s/.*: rank $1 on [^ ]* sent \([0-9]*\) bytes.*/\1/p" "$scratch/err"
}
[ $namespaces = no ] || limit 0
for preset in skincredible skincredible-gap; do
    for n in 2 "$hosts"; do
        batch=$((2 * n))
        # shellcheck disable=SC2046  # words
        "$bin/skin-train" $(train $preset $batch 4) >/dev/null 2>"$scratch/log" ||
            fail "skin-train: $(cat "$scratch/log")"
        cp "$scratch/run/model.safetensors" "$scratch/one.safetensors"
        export NBASE_VERBOSE=1
        for steps in 2 4; do
            # shellcheck disable=SC2046
            on_hosts "$n" "$bin/skin-train" $(train $preset $batch $steps) ||
                fail "skin-train on $n hosts: $(cat "$scratch/err")"
            for rank in $(seq 0 $((n - 1))); do sent "$rank"; done >"$scratch/sent.$steps"
        done
        export NBASE_VERBOSE=0
        cmp -s "$scratch/run/model.safetensors" "$scratch/one.safetensors" ||
            fail "skin-train $preset on $n hosts: another model"
        paste "$scratch/sent.2" "$scratch/sent.4" \
            <(tests/system/scale.py --bytes $preset $batch "$n") |
            awk -v n="$n" '{ own = ($2 - $1) / 2; if (own > 1.05 * $3 || own < 0.95 * $3) { print "rank " NR - 1 " sends " own " bytes in a step, the model says " $3; bad = 1 } }
                           { all += own; model += $3 } END { printf "%d bytes in a step, the model says %d\n", all, model; exit bad || NR != n }' >"$scratch/log" ||
            fail "$preset on $n hosts: $(cat "$scratch/log")"
        echo "skin-train $preset, $n hosts: the bits of one process; $(cat "$scratch/log")"
    done
done

# ---- its time where bandwidth matters, against the model with the time measured without a limit ----
if [ $namespaces = no ]; then exit 0; fi
run_time() { # HOSTS PRESET BATCH STEPS: nanoseconds
    local begin
    begin=$(date +%s%N)
    # shellcheck disable=SC2046  # words
    on_hosts "$1" "$bin/skin-train" $(train "$2" "$3" "$4") ||
        fail "skin-train: $(cat "$scratch/err")"
    echo $(($(date +%s%N) - begin))
}
# Whatever else the machine does falls on all rates alike, if they take turns. It makes a run
# longer, never shorter: so the best of ROUNDS counts, of short and of long runs each, and a step is
# what lies between these. (Of differences the best would be that with the slowest short run.)
best() { # NAME NANOSECONDS: keeps the least of each name
    [ "${least[$1]:-$2}" -lt "$2" ] || least[$1]=$2
}
milliseconds() { # RATE: of a step
    awk "BEGIN { print (${least[$1 long]} - ${least[$1 short]}) / 12e6 }"
}
bad=0
for preset in skincredible skincredible-gap; do
    for n in 2 "$hosts"; do
        batch=$((2 * n))
        declare -A least=()
        for _ in $(seq "${ROUNDS:-8}"); do
            for rate in 0 1000 200; do
                limit $rate
                short=$(run_time "$n" $preset $batch 2) &&
                    long=$(run_time "$n" $preset $batch 14) || exit 1
                best "$rate short" "$short"
                best "$rate long" "$long"
            done
        done
        alone=$(milliseconds 0)
        for rate in 1000 200; do
            own=$(milliseconds $rate)
            model=$(tests/system/scale.py --seconds $preset $batch "$n" $rate 60 "$(awk "BEGIN { print $alone / 1000 }")" | awk '{ print 1000 * $1 }')
            off=$(awk "BEGIN { printf \"%.0f\", 100 * ($own / $model - 1) }")
            printf '%s, %d hosts, %d Mbit/s: %.1f ms a step (%.1f ms without a limit); the model says %.1f ms: %+d %% off\n' $preset "$n" $rate "$own" "$alone" "$model" "$off"
            [ "$off" -le 15 ] || bad=1 # less is what hides behind the backward pass
        done
    done
done
[ $bad = 0 ] || fail "a step takes 15 % longer than the model says; was the machine quiet?"
