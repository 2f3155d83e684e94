#!/usr/bin/env bash
# Nobody stands in two parts: second ids, shared photos, folds; and a planted leak of each kind
# fails skin-split --check, skin-train and skin-evaluate.   leaks.sh BIN SCRATCH
set -u
. "$(dirname "$0")/help.bash"
bin=$(cd "$1" && pwd) python=/usr/bin/python3
cd "$2" || exit 1
# one_part DATA ID...: all of them in the same part
one_part() {
    local data=$1
    shift
    jq -e --args \
        '[.[] | select(any(.[]; IN($ARGS.positional[]))) | [.[] | select(IN($ARGS.positional[]))]
            | length] == [$ARGS.positional | length]' "$data/partition.json" "$@" >/dev/null ||
        fail "$* are not in one part of $data"
}

# 40 users with face crops of noise; 36 has a photo of 5's, 37 one of 6's in a mirror, 38 and 39
# nothing in common but a crop of one colour
$python - <<'PY' || { echo "needs python3-numpy"; exit 77; }
import json, os, numpy as np
rng = np.random.default_rng(1)
os.makedirs("faces")
crops = {u: rng.integers(0, 256, (3, 16, 16, 3), np.uint8) for u in range(40)}
crops[36][2] = crops[5][0]
crops[37][0] = crops[6][1][:, ::-1]
crops[38][1] = crops[39][1] = 77
for u, img in crops.items(): np.savez(f"faces/{u}.npz", img=img)
with open("users.txt", "w") as f:
    for u in range(40):
        print(json.dumps([str(u), str(u % 2), "note", "a.jpg", "b.jpg", "c.jpg"]), file=f)
PY
for seed in 1 2 3 4 5 6; do
    run 0 "$bin/skin-split" users.txt -o s --faces faces --seed $seed --test 0.3 --validation 0.3
    says err "users 5 and 36 share a photo: treated as one person"
    says err "users 6 and 37 share a photo: treated as one person"
    says err "40 users are 38 people"
    one_part s 5 36
    one_part s 6 37
    run 0 "$bin/skin-split" --check s --faces faces
    says out "s: no leak among 40 ids"
done
[ "$(jq -c . s/persons.json)" = '{"5":"36","6":"37"}' ] ||
    fail "persons.json: $(cat s/persons.json)"

# ---- ids that a file calls one person, whatever separates them; some of them are not in the list,
# and 90 ties two lines together ----
printf '# second ids\n1, 2;3\n10\t90\n90 11 # moved house\n77 78\n\n20 20\n' >same.txt
for seed in 1 2 3 4 5 6; do
    run 0 "$bin/skin-split" users.txt -o t --same-person same.txt --seed $seed --test 0.3 \
        --validation 0.3 --json
    one_part t 1 2 3
    one_part t 10 11
    jq -e '[.[].users] | add == 40' out >/dev/null || fail "everyone once: $(cat out)"
    run 0 "$bin/skin-split" --check t --same-person same.txt
done
[ "$(jq -c . t/persons.json)" = '{"11":"10","2":"1","3":"1"}' ] ||
    fail "persons.json: $(cat t/persons.json)"
run 0 "$bin/skin-augment" --data t --faces faces # a copy of a second id is the same person's
run 0 "$bin/skin-split" --check t --same-person same.txt
printf '1 ../2\n' >bad.txt
run 1 "$bin/skin-split" users.txt -o x --same-person bad.txt
says err "bad.txt: line 1: '../2' is no user id"
[ ! -e x ] || fail "written with a bad file of second ids"

# ---- folds: everyone tested once, both classes in each, a person never divided ----
run 0 "$bin/skin-split" users.txt -o k --folds 5 --same-person same.txt --json
[ "$(wc -l <out)" = 5 ] && [ "$(ls k | xargs)" = "fold1 fold2 fold3 fold4 fold5" ] ||
    fail "folds: $(ls k)"
jq -se '([range(40) | tostring] | sort) as $all | (map(.test) | add | sort) == $all
    and all(.[]; (.train + .validation + .test | sort) == $all)' k/*/partition.json >/dev/null ||
    fail "folds: not everyone is tested once"
jq -se 'all(.[]; all(.[]; .improved > 0 and .deteriorated > 0))
    and all(.[]; .test.users >= 6 and .test.users <= 11)' out >/dev/null || fail "folds: $(cat out)"
for fold in k/*; do
    one_part "$fold" 1 2 3
    run 0 "$bin/skin-split" --check "$fold" --same-person same.txt
done
run 0 "$bin/skin-split" users.txt -o k2 --folds 5 --same-person same.txt
diff -r k k2 || fail "folds are not repeatable"
run 1 "$bin/skin-split" users.txt -o k3 --folds 41
says err "there are only 40 people"

# ---- planted leaks ----
train="--faces faces --image-size 8 --preset skincredible-gap --epochs 1 --quiet --threads 1"
clean() { rm -rf d run; cp -r s d; }
# plant TEXT: skin-split --check, skin-train and skin-evaluate must all refuse d, in these words
plant() {
    run 1 "$bin/skin-split" --check d
    says err "$1"
    # shellcheck disable=SC2086
    run 1 "$bin/skin-train" --data d -o run $train
    says err "$1"
    [ ! -e run/model.safetensors ] || fail "trained in spite of: $1"
    run 1 "$bin/skin-evaluate" good/model.safetensors --data d --faces faces --quiet -o report
    says err "$1"
    [ ! -e report ] || fail "judged in spite of: $1"
}
edit() { jq -c "$2" "d/$1" >edited && mv edited "d/$1"; }
# shellcheck disable=SC2086
run 0 "$bin/skin-train" --data s -o good $train
run 0 "$bin/skin-evaluate" good/model.safetensors --data s --faces faces --quiet
clean
edit partition.json '.test += [.train[0]]'
plant "is there twice"
clean
run 0 "$bin/skin-augment" --data d --faces faces
copy=$(jq -r 'keys[0]' d/flipped.json)
edit partition.json ".train -= [\"$copy\"] | .test += [\"$copy\"]"
plant "a leak: $copy is a flipped copy of"
clean
first=$(jq -r '.train[0]' d/partition.json) other=$(jq -r '.test[0]' d/partition.json)
edit persons.json ". + {\"$first\": \"$other\"}"
plant "both are the face of $other"

# a photo in two parts: found by the check of all parts and, between training and validation, by
# skin-train
run 0 "$bin/skin-split" users.txt -o d --test 0 --validation 0 \
    # without faces nobody knows of the shared photos
edit partition.json '.train -= ["36", "7", "8"] | .validation = ["36", "7", "8"]'
run 1 "$bin/skin-split" --check d --faces faces
says err "36 is in validation and 5 in train, and they share a photo"
# shellcheck disable=SC2086
run 1 "$bin/skin-train" --data d -o run $train
says err "share a photo"
[ ! -e run ] || fail "trained in spite of a shared photo"

# a model judged on people it has learned from: the split was made anew behind its back
run 0 "$bin/skin-split" users.txt -o d --faces faces --seed 9 --test 0.3 --validation 0.3
run 1 "$bin/skin-evaluate" good/model.safetensors --data d --faces faces --quiet -o report
says err 'when the model was trained'
says err 'are known to the model'
[ ! -e report ] || fail "judged on people it was trained on"
run 0 "$bin/skin-evaluate" good/model.safetensors --data d --faces faces --quiet --partition train
echo "passed"
