#!/usr/bin/env bash
# skin-nextframe: the loss falls, the pictures are there, a whole batch and one in parts agree, bad
# input is told.   (Beside Keras: tests/peers/nextframe.sh)
set -u
bin=$1 dir=$2
python3 -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
cd "$dir" || exit 1
fail() { echo "FAILED: $*"; exit 1; }
python3 - <<'PY' || exit 1
import numpy as np
rng = np.random.default_rng(1)
v = np.zeros((6, 6, 16, 16), np.uint8)  # a bright square that moves
for n in range(6):
    y, x, dy, dx = rng.integers(0, 5), rng.integers(0, 5), rng.integers(0, 2), rng.integers(0, 2)
    for t in range(6):
        v[n, t, y + t * dy : y + t * dy + 5, x + t * dx : x + t * dx + 5] = 255
np.savez("squares.npz", frames=v)
np.savez("flat.npz", frames=v[0, 0])
PY
"$bin/skin-nextframe" squares.npz -o run --filters 4 --epochs 6 --batch 2 --validation 2 \
    --learning-rate 0.01 >out 2>err || { cat err; fail "training"; }
[ ! -s err ] || { cat err; fail "something on stderr"; }
awk -F, 'NR == 2 { first = $2 } { last = $2 } END { exit !(last < 0.9 * first) }' run/log.csv ||
    { cat run/log.csv; fail "the loss does not fall"; }
[ "$(wc -l <run/steps.csv)" = 13 ] || fail "steps.csv has not 13 lines"
for n in 2 3 4 5; do
    head -c 8 run/foretold-$n.png | od -An -tx1 | grep -q '89 50 4e 47' ||
        fail "foretold-$n.png is no PNG"
done
"$bin/skin-nextframe" squares.npz -o again --init run/model.safetensors --epochs 0 -q ||
    fail "predicting alone"
# A causal network's predictions do not change with the frames that follow.
"$bin/skin-nextframe" squares.npz -o causal --causal --filters 4 --epochs 1 --batch 2 -q ||
    fail "--causal"
python3 - <<'PY' || exit 1
import numpy as np
v = (np.load("squares.npz")["frames"][:2, :5, ..., None] / np.float32(255)).astype("f4")
w = v.copy()
w[:, 3:] = 1 - w[:, 3:]
np.savez("as_it_was.npz", x=v)
np.savez("other_end.npz", x=w)
import json
cell = dict(type="conv_lstm2d", kernel_size=3, padding="same", recurrent_activation="sigmoid")
for name, layers in {
        "many": [dict(cell, filters=8, return_sequences=True)],
        "last": [dict(cell, filters=1)],
        "vector": [dict(cell, filters=2), dict(type="global_average_pool")],
        "small": [dict(cell, filters=1, return_sequences=True, padding="valid")]
}.items():
    json.dump({
        "format": 1,
        "input": {
            "height": 16,
            "width": 16,
            "channels": 1
        },
        "layers": layers
    }, open(name + ".json", "w"))
    shape = {
        "many": (2, 5, 16, 16, 8),
        "last": (2, 16, 16, 1),
        "vector": (2, 2),
        "small": (2, 5, 14, 14, 1)
    }[name]
    np.savez(name + ".npz", x=v, y=np.zeros(shape, "f4"))
PY
for kind in run causal; do
    for end in as_it_was other_end; do
        "$bin/skin-predict" $kind/model.safetensors --npz $end.npz -o $kind-$end.npz ||
            fail "predicting"
    done
done
python3 - <<'PY' || fail "--causal sees frames to come"
import numpy as np
y = lambda name: np.load(name + ".npz")["y"][:, :3]
assert (y("causal-as_it_was") == y("causal-other_end")).all()
assert (y("run-as_it_was") != y("run-other_end")).any()
PY
# Networks that do not make the frames that they are given.
for kind in many last vector small; do
    "$bin/skin-train" --quiet --network $kind.json --npz $kind.npz --steps 1 -o $kind ||
        fail "training $kind"
    for epochs in 0 1; do
        "$bin/skin-nextframe" squares.npz -o bad --init $kind/model.safetensors \
            --epochs $epochs >out 2>err
        [ $? = 1 ] || fail "--init $kind: exit status"
        grep -q "(5, 16, 16, 1) the network makes (" err ||
            { cat err; fail "--init $kind: the message"; }
    done
done
"$bin/skin-nextframe" flat.npz -o bad >out 2>err && fail "a flat array is taken"
grep -q "flat.npz: expected 'frames' of shape (N,T,H,W)" err || { cat err; fail "the message"; }
"$bin/skin-nextframe" squares.npz >out 2>err
[ $? = 2 ] || fail "no -o: exit status"
