#!/usr/bin/env bash
# What a file claims is doubted: a checkpoint's counters have ranges, another instruction set is
# reported, and SIGHUP ends a run like SIGTERM.   row15_claims.sh BIN SCRATCH
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../cli/help.bash"
bin=$1 dir=$2
python3 -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
cd "$dir" || exit 1
python3 "$here/../cli/made_people.py" people 24 || fail "made_people.py"
common=(--data people/data --faces people/faces --image-size 16 --batch 4 --seed 3 --quiet
    --preset skincredible-gap)

# ---- a signal in the first epochs of many ----
"$bin/skin-train" "${common[@]}" --epochs 5000 -o run >out 2>err &
child=$!
for _ in $(seq 200); do
    [ -f run/log.csv ] && [ "$(wc -l <run/log.csv)" -gt 2 ] && break
    sleep 0.05
done
kill -HUP $child
wait $child
status=$?
[ $status = 1 ] || fail "exit status $status after SIGHUP"
says err "--restore"

# claim WHERE KEY VALUE: the checkpoint with another value
claim() {
    rm -rf bad
    cp -r run bad
    python3 - "$@" <<'PYTHON' || fail "cannot edit the checkpoint"
import json, sys
where, key, value = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
path = "bad/checkpoint.safetensors"
raw = open(path, "rb").read()
size = int.from_bytes(raw[:8], "little")
header = json.loads(raw[8:8 + size])
text = json.loads(header["__metadata__"][where])
target = text
*folders, last = key.split("/")
for f in folders:
    target = target[f]
target[last] = value
if last == "samples":
    text["step"] = 3
header["__metadata__"][where] = json.dumps(text)
new = json.dumps(header).encode()
new += b" " * (-len(new) % 8)
open(path, "wb").write(len(new).to_bytes(8, "little") + new + raw[8 + size:])
PYTHON
}
refused() { # WHERE KEY VALUE
    claim "$@"
    run 1 timeout 20 "$bin/skin-train" "${common[@]}" --epochs 5000 -o bad --restore
    says err "${2##*/}"
    says err "bad/checkpoint.safetensors"
    one_line
}
refused extra step -1
refused extra epoch -1
refused extra sums/samples 0
refused extra sums/right -3
refused extra best_epoch 1000000
refused trainer steps -1
refused trainer learning_rate -1
refused trainer learning_rate 1e300

# ---- another instruction set ----
claim extra isa '"other"'
timeout 3 "$bin/skin-train" "${common[@]}" --epochs 5000 -o bad --restore >out 2>err
[ $? = 124 ] || fail "a run with another instruction set does not go on"
says err "instruction set other"
