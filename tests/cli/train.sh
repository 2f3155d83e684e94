#!/usr/bin/env bash
# skin-train: the same bits after SIGKILL and --restore, after Ctrl-C, and for 1 and 2 threads;
# arrays; leaks, bad input, a full disk.
set -u
. "$(dirname "$0")/help.bash"
bin=$1 dir=$2 here=$(cd "$(dirname "$0")" && pwd)
python3 -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
cd "$dir" || exit 1

sum() { sha256sum <"$1" | cut -d' ' -f1; }
same() { [ "$(sum "$1")" = "$(sum "$2")" ] || fail "$1 and $2 differ: $3"; }
log_numbers() { cut -d, -f1-10 "$1"; } # without the seconds

python3 "$here/made_people.py" people 40 || fail "made_people.py"
common=(--data people/data --faces people/faces --image-size 16 --batch 4 --epochs 4 --seed 3 \
    --augment all --optimizer adam --recipe original)

# ---- an undisturbed run ----
run 0 "$bin/skin-train" "${common[@]}" -o whole --threads 2
says out "epoch 4/4"
[ "$(wc -l <whole/log.csv)" = 5 ] || fail "log.csv has not 5 lines"
head -1 whole/log.csv | grep -q \
    '^epoch,loss,accuracy,precision,val_loss,val_accuracy,val_precision,' ||
    fail "columns: $(head -1 whole/log.csv)"
run 0 "$bin/skin-train" "${common[@]}" -o one --threads 1 --quiet --cache 0
[ ! -s out ] && [ ! -s err ] || fail "--quiet is not quiet"
same whole/model.safetensors one/model.safetensors "1 and 2 threads, with and without a cache"
[ "$(log_numbers whole/log.csv)" = "$(log_numbers one/log.csv)" ] ||
    fail "the logs of 1 and 2 threads differ"
run 0 "$bin/skin-train" "${common[@]}" -o eight --threads 8
same whole/model.safetensors eight/model.safetensors "1 and 8 threads"
says err "seed 3, kernels "
run 0 "$bin/skin-train" "${common[@]}" -o other --seed 4
[ "$(arrays_digest whole/model.safetensors)" != "$(arrays_digest other/model.safetensors)" ] ||
    fail "another seed, the same weights"

# ---- schedules, losses, networks of a description, batches in parts ----
rates() { cut -d, -f10 "$1/log.csv" | tail -n +2 | tr '\n' ' '; }
steps=$(((32 + 3) / 4))
run 0 "$bin/skin-train" "${common[@]}" -o halved --schedule step --schedule-every $((2 * steps)) \
    --schedule-factor 0.5 --learning-rate 0.01 --loss mse --quiet
[ "$(rates halved | tr ' ' '\n' | sort -u | wc -l)" -ge 2 ] || fail "schedule step: $(rates halved)"
cat >tiny.json <<'JSON'
{"format": 1, "name": "tiny", "input": {"height": 16, "width": 16, "channels": 3}, "layers": [
 {"type": "average_pool2d"},
 {"type": "conv2d", "filters": 4, "kernel_size": 3, "padding": "same", "activation": "relu"},
 {"type": "dropout", "rate": 0.2},
 {"type": "conv_lstm2d", "filters": 4, "kernel_size": 3, "padding": "same",
  "recurrent_activation": "sigmoid", "return_sequences": true, "recurrent_dropout": 0.1},
 {"type": "layer_normalization"},
 {"type": "global_average_pool"},
 {"type": "dense", "units": 2, "activation": "sigmoid"}]}
JSON
run 0 "$bin/skin-train" "${common[@]}" -o plateau --network tiny.json --schedule plateau \
    --schedule-patience 1 --schedule-factor 0.5 --learning-rate 1e-12 --optimizer sgd --loss mae \
    --quiet
awk -F, 'NR == 4 && $10 < 1e-12 { found = 1 } END { exit !found }' plateau/log.csv ||
    fail "schedule plateau never fell: $(rates plateau)"
run 0 "$bin/skin-train" "${common[@]}" -o tiny --network tiny.json --quiet
run 0 "$bin/skin-train" "${common[@]}" -o parts --network tiny.json --micro-batch 1 --threads 1 \
    --quiet
[ "$(arrays_digest tiny/model.safetensors)" = "$(arrays_digest parts/model.safetensors)" ] ||
    fail "a batch whole and in parts, for a network without batch normalisation"

# ---- gates computed again, and not with bfloat16 ----
run 0 "$bin/skin-train" "${common[@]}" -o again --epochs 1 --recompute-gates --threads 1 --quiet
run 0 "$bin/skin-train" "${common[@]}" -o again2 --epochs 1 --recompute-gates --threads 2 --quiet
same again/model.safetensors again2/model.safetensors "1 and 2 threads with gates computed again"
run 1 "$bin/skin-train" "${common[@]}" -o bad --recompute-gates --bf16
says err "bf16: "
rm -rf bad

# ---- bfloat16, where the processor has it; refused with a reason where it or a layer cannot ----
if "$bin/skin-train" "${common[@]}" -o rounded --epochs 1 --bf16 --threads 1 \
    --quiet >out 2>err; then
    run 0 "$bin/skin-train" "${common[@]}" -o rounded2 --epochs 1 --bf16 --threads 2 --quiet
    same rounded/model.safetensors rounded2/model.safetensors "1 and 2 threads in bfloat16"
    run 1 "$bin/skin-train" "${common[@]}" -o bad --network tiny.json --bf16
    says err "bf16: layer conv_lstm2d"
else
    says err "bf16: this processor"
fi
rm -rf bad

sed 's/average_pool2d/average_pool/' tiny.json >bad.json
run 1 "$bin/skin-train" "${common[@]}" -o bad --network bad.json
says err 'bad.json: network: layer 0: unknown type "average_pool"'
run 2 "$bin/skin-train" "${common[@]}" -o bad --schedule step
says err "--schedule-every"

# ---- killed again and again, at any moment, until it is through ----
slow=(--checkpoint-steps 1)
"$bin/skin-train" "${common[@]}" "${slow[@]}" -o killed >/dev/null 2>&1 &
child=$! kills=0
while :; do
    sleep "$(awk "BEGIN { print 0.1 * (1 + $kills) }")"
    kill -9 $child 2>/dev/null || break
    wait $child 2>/dev/null
    kills=$((kills + 1))
    [ $kills -lt 60 ] || fail "no progress in 60 restarts"
    restore=() # on a busy machine the first run may be killed before it wrote anything
    [ ! -f killed/checkpoint.safetensors ] || restore=(--restore)
    "$bin/skin-train" "${common[@]}" "${slow[@]}" -o killed "${restore[@]}" >out 2>err &
    child=$!
done
wait $child || { cat err; fail "the restored run failed"; }
[ $kills -ge 1 ] || fail "the run was over before it could be killed"
same whole/model.safetensors killed/model.safetensors "killed $kills times"
[ "$(log_numbers whole/log.csv)" = "$(log_numbers killed/log.csv)" ] ||
    fail "the log of the killed run differs"
rm -f killed/*.tmp # what a killed process was writing
echo "killed $kills times"

# ---- Ctrl-C ----
"$bin/skin-train" "${common[@]}" -o stopped >out 2>err &
child=$!
for _ in $(seq 100); do [ -f stopped/checkpoint.safetensors ] && break; sleep 0.05; done
sleep 0.2
kill -INT $child
wait $child
status=$?
if [ $status != 0 ]; then # 0: it was faster than the signal
    [ $status = 1 ] || fail "exit status $status after Ctrl-C"
    says err "--restore"
    run 0 "$bin/skin-train" "${common[@]}" -o stopped --restore
fi
same whole/model.safetensors stopped/model.safetensors "stopped and restored"

# ---- a restored run must be the same run ----
run 1 "$bin/skin-train" "${common[@]}" --batch 5 -o whole --restore
says err "--batch"
run 1 "$bin/skin-train" "${common[@]}" -o nowhere --restore
says err "no run to restore"
run 0 "$bin/skin-train" "${common[@]}" --epochs 5 -o whole --restore # further than planned
[ "$(wc -l <whole/log.csv)" = 6 ] || fail "log.csv has not 6 lines"

# ---- the preset's recipe: recorded, and restored only as it was ----
learn=(--data people/data --faces people/faces --image-size 16 --batch 4 --epochs 2 --seed 3)
run 0 "$bin/skin-train" "${learn[@]}" -o learned
run 0 "$bin/skin-train" "${learn[@]}" -o learned2 --threads 1
same learned/model.safetensors learned2/model.safetensors "the recipe, with 1 thread and all"
run 0 "$bin/skin-train" "${learn[@]}" -o asked --preset skincredible --recipe preset \
    --start average --rates positions
same learned/model.safetensors asked/model.safetensors "the recipe, and its options given"
while read -r change words; do
    change=${change/=/ }
    run 1 "$bin/skin-train" "${learn[@]}" -o learned --restore $change
    says err "$words"
    run 0 "$bin/skin-train" "${learn[@]}" -o changed --force $change
    [ "$(sum learned/model.safetensors)" != "$(sum changed/model.safetensors)" ] ||
        fail "$change changes nothing"
done <<'CHANGES'
--start=keras the run had --start average, now it is not set
--rates=equal dense/kernel was saved with
--memory=0 the run had --memory 40, now it is 0
--recipe=original a checkpoint of another network
CHANGES
run 0 "$bin/skin-train" "${learn[@]}" -o learned --restore

# ---- options from a file ----
cat >run.conf <<'CONF'
image-size = 16
batch = 4
epochs = 4
seed = 3 # as above
augment = all
optimizer = adam
recipe = original
CONF
run 0 "$bin/skin-train" --data people/data --faces people/faces --config run.conf -o configured
same one/model.safetensors configured/model.safetensors "options from a file"

# ---- arrays ----
python3 - <<'PY' || exit 1
import numpy as np
rng = np.random.default_rng(1)
img = rng.random((6, 5, 16, 16, 3), np.float32)
np.savez("float.npz", img=img, labels=np.array([0, 1, 1, 0, 1, 1]), mask=rng.random((6, 5)) < 0.8,
         other=np.zeros(3))
np.savez("bytes.npz", img=(255 * img).astype(np.uint8),
         labels=np.eye(2, dtype=np.float32)[[0, 1, 1, 0, 1, 1]])
np.savez("short.npz", img=img, labels=np.array([0, 1]))
np.savez("nolabels.npz", img=img)
np.savez("badlabel.npz", img=img, labels=np.array([0, 1, 1, 0, 1, 7]))
PY
run 0 "$bin/skin-train" --npz float.npz --steps 5 --no-shuffle --batch 4 --preset skincredible-gap \
    -o arrays
[ "$(head -1 arrays/log.csv)" = step,loss ] && [ "$(wc -l <arrays/log.csv)" = 6 ] ||
    fail "log.csv of arrays"
run 0 "$bin/skin-train" --npz float.npz --steps 2 --no-shuffle --init arrays/model.safetensors \
    --optimizer sgd --learning-rate 0.001 -o more
run 0 "$bin/skin-train" --npz bytes.npz --steps 4 --loss softmax --bn compat_tf22 \
    --optimizer momentum --nesterov --schedule cosine --warmup 2 -o bytes
run 0 "$bin/skin-train" --npz bytes.npz --steps 4 --loss compat_tf22 --clip-norm 1 \
    --label-smoothing 0.1 --class-weight 2,1 -o bytes --force
run 0 "$bin/skin-info" bytes/model.safetensors
for optimizer in rmsprop "rmsprop --centered --momentum 0.5 --rho 0.8" adagrad \
    "adadelta --rho 0.9" nadam; do
    run 0 "$bin/skin-train" --npz bytes.npz --steps 3 --loss focal --focal-gamma 1 \
        --focal-alpha 0.3 --clip-value 0.01 --optimizer $optimizer -o bytes --force
    cut -d, -f2 bytes/log.csv | sort | uniq | wc -l | grep -qx 4 ||
        fail "--optimizer $optimizer: the loss stands still"
done
run 0 "$bin/skin-train" --npz bytes.npz --steps 2 --loss huber --huber-delta 0.1 -o bytes --force
run 2 "$bin/skin-train" --npz bytes.npz --steps 2 --optimizer adam --centered -o never
run 2 "$bin/skin-train" --npz bytes.npz --steps 2 --optimizer adam --rho 0.5 -o never
run 2 "$bin/skin-train" --npz bytes.npz --steps 2 --optimizer rmsprop --rho 1 -o never
run 0 "$bin/skin-train" --npz float.npz --steps 1 --optimizer sgd --learning-rate 1e-12 \
    --preset skincredible-gap --memory 40 -o memory
python3 - memory/model.safetensors <<'PY' || fail "--memory 40: forget gates"
import json, struct, sys
import numpy as np
raw = open(sys.argv[1], "rb").read()
size = struct.unpack("<Q", raw[:8])[0]
header = json.loads(raw[8:8 + size])
for name, entry in header.items():
    if "conv_lstm2d" in name and name.endswith("/bias"):
        begin, end = entry["data_offsets"]
        i, f, c, o = np.frombuffer(raw[8 + size + begin:8 + size + end], np.float32).reshape(4, -1)
        gate = 0.2 * f + 0.5 # hard_sigmoid_k2, the preset's
        tau = 1 / (1 - gate)
        print(name, tau)
        assert max(abs(i).max(),
                   abs(c).max(),
                   abs(o).max()) < 1e-6 and tau.min() > 1.99 and tau.max() < 40.1 and tau.max(
                   ) > 2 * tau.min()
        seen = True
assert seen
PY
run 2 "$bin/skin-train" --npz float.npz --steps 1 --init arrays/model.safetensors --memory 40 -o bad
for steps in 1 2 3; do # in pieces, to the same bits
    run 0 "$bin/skin-train" --npz float.npz --steps $steps --batch 4 --preset skincredible-gap \
        --seed 2 -o pieces $([ $steps = 1 ] || echo --restore)
done
run 0 "$bin/skin-train" --npz float.npz --steps 3 --batch 4 --preset skincredible-gap --seed 2 \
    -o atonce
same pieces/model.safetensors atonce/model.safetensors "three steps at once and one by one"
diff pieces/log.csv atonce/log.csv >/dev/null ||
    fail "the logs of three steps at once and one by one differ"
for f in short nolabels badlabel; do
    run 1 "$bin/skin-train" --npz $f.npz --steps 2 -o bad
    says err "$f.npz"
    one_line
done

# ---- leaks ----
mkdir leak
cp people/data/label.json leak/
python3 - <<'PY'
import json
p = json.load(open("people/data/partition.json"))
p["test"].append(p["train"][0])
json.dump(p, open("leak/partition.json", "w"))
PY
run 1 "$bin/skin-train" --data leak --faces people/faces -o leaked
says err "p000"
one_line
[ ! -e leaked ] || fail "a leak was trained on"
python3 - <<'PY'
import json
p, l = json.load(open("people/data/partition.json")), json.load(open("people/data/label.json"))
who = p["train"][0]
l["999" + who] = l[who]
p["test"].append("999" + who)
json.dump(p, open("leak/partition.json", "w"))
json.dump(l, open("leak/label.json", "w"))
json.dump({"999" + who: who}, open("leak/flipped.json", "w"))
PY
run 1 "$bin/skin-train" --data leak --faces people/faces -o leaked
says err "flipped copy"
one_line

# ---- bad input ----
mkdir holes
cp people/faces/*.npz holes/
rm holes/p000.npz
head -c 500 people/faces/p001.npz >holes/p001.npz
run 0 "$bin/skin-train" --data people/data --faces holes --image-size 16 --epochs 1 -o holed
says err "p000.npz"
says err "p001.npz"
says err "2 left out"
run 1 "$bin/skin-train" --data people/data --faces nowhere --image-size 16 -o nofaces
run 1 "$bin/skin-train" --data nowhere --faces people/faces -o nodata
one_line
head -c 1000 whole/model.safetensors >cut.safetensors
run 1 "$bin/skin-train" --data people/data --faces people/faces --init cut.safetensors -o cut
says err cut.safetensors
one_line
run 1 "$bin/skin-train" --data people/data --faces people/faces --init whole/model.safetensors \
    --image-size 24 -o tied
says err "16 x 16"
one_line
run 2 "$bin/skin-train" --data people/data -o x
run 2 "$bin/skin-train" --data people/data --faces people/faces -o x --optimizer magic
touch file
run 1 "$bin/skin-train" "${common[@]}" --quiet -o file/run
one_line
if [ -w /dev/full ]; then
    ulimit -f 64 # stands for a full disk: no file may grow beyond 64 blocks
    trap '' XFSZ
    run 1 "$bin/skin-train" "${common[@]}" --quiet -o full
    one_line
    [ -z "$(ls full/*.tmp 2>/dev/null)" ] || fail "a temporary file was left"
fi
echo "all passed"
