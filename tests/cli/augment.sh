#!/usr/bin/env bash
# skin-augment: copies of the training part's deteriorated users only, mirrored; again and after a
# crash it ends the same; bad input.
set -u
. "$(dirname "$0")/help.bash"
bin=$1 dir=$2 python=/usr/bin/python3
cd "$dir" || exit 1

# Ten users; 9991 is a real one whose id looks like a copy's of user 1.
for id in 1 2 3 4 5 6 7 8 9 9991; do
    echo "[\"$id\", \"$((id % 2))\", \"n\", \"a.jpg\"]"
done >list.txt
$python - <<'PY' || { echo "needs python3-numpy"; exit 77; }
import numpy as np, os
os.makedirs("faces")
rng = np.random.default_rng(1)
for name in list(range(1, 10)) + [9991]:
    mask = np.array([1, 0, 1], bool)
    box = np.array([[10, 20, 30, 40], [0] * 4, [5, 6, 7, 8]], np.int32)
    np.savez(
        f"faces/{name}.npz",
        img=rng.integers(0, 256,
                         (3, 8, 8, 3), np.uint8) * mask[:, None, None, None].astype(np.uint8),
        mask=mask, box=box, score=np.array([.9, 0, .8], np.float32), landmarks=rng.random(
            (3, 5, 2)).astype(np.float32) * mask[:, None, None], frame=np.arange(3, dtype=np.int32),
        photo=np.array([[100, 80]] * 3, np.int32), rotation=np.zeros(3, np.int32))
PY
run 0 "$bin/skin-split" list.txt -o data --test 0.2 --validation 0.25
cp -r data plain
run 0 "$bin/skin-augment" --data data --faces faces --json
made=$(jq .copies out)
[ "$made" = "$(jq '[.train[] | select(test("^[2468]$"))] | length' plain/partition.json)" ] ||
    fail "$made copies of $(cat plain/partition.json)"
jq -e --slurpfile old plain/partition.json --slurpfile flipped data/flipped.json '
    .validation == $old[0].validation and .test == $old[0].test
    and (.train - $old[0].train) == ($flipped[0] | keys | map(select(.)))
    and ($old[0].train - .train) == []' data/partition.json >/dev/null ||
    fail "partition: $(cat data/partition.json)"
jq -e --slurpfile labels data/label.json \
    'to_entries | length > 0 and all(.[]; .key == "999" + .value and $labels[0][.key] == [1, 0]
        and $labels[0][.value] == [1, 0])' \
    data/flipped.json >/dev/null || fail "flipped: $(cat data/flipped.json)"
$python - <<'PY' || fail "the copies' arrays"
import json, numpy as np
for copy, person in json.load(open("data/flipped.json")).items():
    a, b = np.load(f"faces/{person}.npz"), np.load(f"faces/{copy}.npz")
    assert (b["img"] == a["img"][:, :, ::-1]).all()
    assert (b["mask"] == a["mask"]).all() and (b["frame"]
                                               == a["frame"]).all() and (b["score"]
                                                                         == a["score"]).all()
    assert b["box"][0].tolist() == [100 - 10 - 30, 20, 30, 40] and not b["box"][1].any()
    expected = a["landmarks"][:, [1, 0, 2, 4, 3]] * [-1, 1] + [100, 0]
    assert np.allclose(b["landmarks"][[0, 2]], expected[[0, 2]]) and not b["landmarks"][1].any()
PY

# ---- again, nothing changes; nor when a crash left the labels of copies that are in no part ----
cp -r data done
run 0 "$bin/skin-augment" --data data --faces faces
diff -r data done || fail "run twice, it changes the files"
cp plain/partition.json data/
run 0 "$bin/skin-augment" --data data --faces faces
diff -r data done || fail "after a crash between the files, it ends otherwise"

# ---- splitting again forgets the copies ----
run 0 "$bin/skin-split" list.txt -o data --test 0.2 --validation 0.25
diff -r data plain || fail "skin-split must leave no copies"

# ---- a copy's id that belongs to someone else; a file that is missing: skipped, told, the others
# are made ----
user=$(jq -r '[.train[] | select(test("^[2468]$"))][0]' plain/partition.json)
other=$(jq -r '[.train[] | select(test("^[2468]$"))][1]' plain/partition.json)
{ cat list.txt; echo "[\"999$user\", \"1\", \"n\", \"a.jpg\"]"; } >more.txt
run 0 "$bin/skin-split" more.txt -o clash --test 0 --validation 0
rm "faces/$other.npz"
run 1 "$bin/skin-augment" --data clash --faces faces --json
says err "user $user: the copy's id 999$user belongs to another user"
says err "faces/$other.npz"
says err "2 users skipped"
jq -e '.copies == 2 and .skipped == 2' out >/dev/null || fail "skipped: $(cat out)"

# ---- bad input, wrong usage, full disk ----
jq -c 'del(.validation)' plain/partition.json >data/partition.json
run 1 "$bin/skin-augment" --data data --faces faces
says err 'data/partition.json: the list "validation" is missing; run skin-split again'
run 2 "$bin/skin-augment" --data data
run 1 "$bin/skin-augment" --data nowhere --faces faces
says err "nowhere/label.json: cannot read"
cp plain/partition.json data/
rm -f faces/999?.npz
ls faces >before
(trap '' XFSZ; ulimit -f 0; exec "$bin/skin-augment" --data data \
    --faces faces >/dev/null 2>/dev/null)
[ $? = 1 ] || fail "a full disk must be a failure"
ls faces | diff before - || fail "left behind on a full disk"
diff -r data plain || fail "a full disk must leave the old files"
echo "passed"
