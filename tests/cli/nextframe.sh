#!/usr/bin/env bash
# skin-nextframe: the loss falls, the pictures are there, a whole batch and one in parts agree, bad input is told.   (Beside Keras: tests/peers/nextframe.sh)
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
"$bin/skin-nextframe" squares.npz -o run --filters 4 --epochs 6 --batch 2 --validation 2 --learning-rate 0.01 >out 2>err || { cat err; fail "training"; }
[ ! -s err ] || { cat err; fail "something on stderr"; }
awk -F, 'NR == 2 { first = $2 } { last = $2 } END { exit !(last < 0.9 * first) }' run/log.csv || { cat run/log.csv; fail "the loss does not fall"; }
[ "$(wc -l <run/steps.csv)" = 13 ] || fail "steps.csv has not 13 lines"
for n in 2 3 4 5; do head -c 8 run/foretold-$n.png | od -An -tx1 | grep -q '89 50 4e 47' || fail "foretold-$n.png is no PNG"; done
"$bin/skin-nextframe" squares.npz -o again --init run/model.safetensors --epochs 0 -q || fail "predicting alone"
"$bin/skin-nextframe" flat.npz -o bad >out 2>err && fail "a flat array is taken"
grep -q "flat.npz: expected 'frames' of shape (N,T,H,W)" err || { cat err; fail "the message"; }
"$bin/skin-nextframe" squares.npz >out 2>err
[ $? = 2 ] || fail "no -o: exit status"
