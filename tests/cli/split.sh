#!/usr/bin/env bash
# skin-split: shares, determinism, small classes, users without faces, bad input.
set -u
. "$(dirname "$0")/help.bash"
bin=$1 dir=$2 python=/usr/bin/python3
cd "$dir" || exit 1

# users COUNT: the first 70 % of each ten improved
users() {
    for i in $(seq 1 "$1"); do
        echo "[\"$i\", \"$((i % 10 < 7 ? 1 : 0))\", \"n\", \"a.jpg\"]"
    done
}

# ---- the shares: 10 % test and 10 % of the rest validation, in each class; sizes are not cut to a
# batch ----
users 200 >list.txt
run 0 "$bin/skin-split" list.txt -o data --json
jq -e '. == {train: {users: 162, improved: 113, deteriorated: 49},
        validation: {users: 18, improved: 13, deteriorated: 5},
        test: {users: 20, improved: 14, deteriorated: 6}}' out >/dev/null ||
    fail "shares: $(cat out)"
jq -e '(.train + .validation + .test | sort) == ([range(1; 201) | tostring] | sort)' \
    data/partition.json >/dev/null || fail "everyone once"
jq -e '. as $l | length == 200 and $l["1"] == [0, 1] and $l["7"] == [1, 0]' data/label.json \
    >/dev/null || fail "labels: $(head -c 200 data/label.json)"
jq -e '. == {}' data/flipped.json >/dev/null || fail "no copies yet"

# ---- the same for the same seed whatever the order of the lines; another one for another seed ----
tac list.txt >backwards.txt
run 0 "$bin/skin-split" backwards.txt -o again
diff -r data again || fail "the order of the lines matters"
run 0 "$bin/skin-split" list.txt -o other --seed 2
cmp -s data/partition.json other/partition.json && fail "the seed does nothing"

# ---- the list as editors write it ----
{ printf '\xef\xbb\xbf'; sed 's/$/\r/' list.txt; printf '\r\n\n'; } >windows.txt
iconv -t UTF-16 list.txt >wide.txt
for list in windows wide; do
    run 0 "$bin/skin-split" $list.txt -o $list
    diff -r data $list || fail "$list.txt is read otherwise"
done

# ---- other fractions ----
run 0 "$bin/skin-split" list.txt -o big --test 0.25 --validation 0.2 --json
jq -e '.test.users == 50 and .validation.users == 30 and .train.users == 120' out >/dev/null ||
    fail "fractions: $(cat out)"
run 0 "$bin/skin-split" list.txt -o none --test 0 --validation 0 --json
jq -e '.train.users == 200' out >/dev/null || fail "no fractions: $(cat out)"

# ---- few people: one of each class in each part while there are three of it; training never goes
# without ----
printf '["%s", "%s", "n", "a.jpg"]\n' a 1 b 1 c 1 d 0 e 0 f 0 >few.txt
run 0 "$bin/skin-split" few.txt -o few --json
jq -e 'all(.[]; .improved == 1 and .deteriorated == 1)' out >/dev/null || fail "few: $(cat out)"
printf '["%s", "%s", "n", "a.jpg"]\n' a 1 b 1 c 1 d 0 e 0 >fewer.txt
run 0 "$bin/skin-split" fewer.txt -o fewer
says err "nobody in validation deteriorated"
jq -e '(.train | length) == 2 and (.test | length) == 2' fewer/partition.json >/dev/null ||
    fail "fewer: $(cat fewer/partition.json)"

# ---- only users with a face ----
$python - <<'PY' || fail "python3-numpy"
import numpy as np, os
os.makedirs("faces", exist_ok=True)
def series(name, mask):
    n = len(mask)
    np.savez_compressed(f"faces/{name}.npz", img=np.zeros(
        (n, 8, 8, 3), np.uint8), mask=np.array(mask, bool), box=np.zeros(
            (n, 4), np.int32), score=np.zeros(n, np.float32), landmarks=np.zeros(
                (n, 5, 2), np.float32), frame=np.arange(n, dtype=np.int32), photo=np.zeros(
                    (n, 2), np.int32), rotation=np.zeros(n, np.int32))
for name in "abd": series(name, [1, 0])
series("e", [0, 0])
open("faces/c.npz", "wb").write(b"PK\3\4broken")
PY
run 0 "$bin/skin-split" few.txt -o faced --faces faces --test 0 --validation 0
jq -e '.train == ["a", "b", "d"]' faced/partition.json >/dev/null ||
    fail "with faces: $(cat faced/partition.json)"
says err "user c left out: faces/c.npz"
says err "user e left out: faces/e.npz: no face in any photo"
says err "user f left out: faces/f.npz"
says err "3 of 6 users left out"
run 1 "$bin/skin-split" few.txt -o empty --faces nowhere
says err "no user has a face there"
[ ! -e empty ] || fail "written without users"

# ---- bad input and a full disk: the old files stay ----
run 1 "$bin/skin-split" missing.txt -o data
says err "missing.txt: cannot read"
{ users 3; echo '["4", "maybe", "n"]'; } >bad.txt
run 1 "$bin/skin-split" bad.txt -o data
says err 'bad.txt: line 4: the label must be "0" or "1"'
run 2 "$bin/skin-split" list.txt
run 2 "$bin/skin-split" list.txt -o data --test 1.5
mkfifo pipe
timeout 10 "$bin/skin-split" pipe -o data >out 2>err
[ $? = 1 ] || fail "a pipe must be refused, not waited for"
says err 'pipe: cannot read: it is no regular file'
cp -r data kept
users 4000 >huge.txt
(trap '' XFSZ; ulimit -f 10; exec "$bin/skin-split" huge.txt -o data >out 2>err)
[ $? = 1 ] || fail "a full disk must be a failure"
says err "data/label.json: cannot write"
diff -r data kept || fail "a full disk must leave the old files"
echo "passed"
