#!/usr/bin/env bash
# skin-train watches itself: a collapse is reported within two epochs, a healthy run is not doubted;
# --dry-run, --patience, --restarts.
set -u
. "$(dirname "$0")/help.bash"
bin=$1 dir=$2 here=$(cd "$(dirname "$0")" && pwd)
python3 -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
cd "$dir" || exit 1

python3 "$here/made_people.py" people 60 || fail "made_people.py"
people=(--data people/data --faces people/faces --image-size 16 --seed 0)
like() { grep -q -- "$2" "$1" || { cat "$1"; fail "$1 has no line like '$2'"; }; }
silent() { # FILE WORDS...: none of them is there
    local file=$1
    for words in "${@:2}"; do
        grep -q "$words" "$file" && fail "$file says '$words': $(cat "$file")"
    done
}

# ---- forced collapses, two epochs each ----
run 0 "$bin/skin-train" "${people[@]}" -o steep --epochs 2 --learning-rate 10
like err "the loss .* is more than twice that of guessing (0.6931"
run 0 "$bin/skin-train" "${people[@]}" -o flat --epochs 3 --learning-rate 0.3 --rates equal
says err "epoch 2: the network answers the same for everyone"
says err "units of dense are dead"
says err "this model does no better than that"
run 1 "$bin/skin-train" "${people[@]}" -o nan --epochs 2 --recipe original --learning-rate 10
says err "try a smaller --learning-rate"
run 0 "$bin/skin-train" "${people[@]}" -o still --epochs 6 --recipe original --learning-rate 1e-9 \
    --preset skincredible-gap
says err "epoch 6: the loss stands still at"

# ---- a run that learns ----
run 0 "$bin/skin-train" "${people[@]}" -o good --epochs 12
silent err "warning"
like err "validation, 12 people: right for 100.0 %, loss .*; always saying improved is right for 66.7 %, saying the share of each class has loss 0.6365"
says err "4 of 12 validation people are deteriorated: one of them is 25 points"

# ---- people who cannot be judged by ----
python3 - <<'PY'
import json, os

labels, parts = json.load(open("people/data/label.json")), json.load(
    open("people/data/partition.json"))
improved = lambda names: [n for n in names if labels[n][1]]
def write(folder, parts):
    os.makedirs(folder)
    json.dump(labels, open(folder + "/label.json", "w"))
    json.dump(parts, open(folder + "/partition.json", "w"))
write("onesided", dict(parts, validation=improved(parts["validation"])))
write("alike", dict(parts, train=improved(parts["train"])))
write("unjudged", dict(parts, validation=[]))
PY
train() {
    run "$1" "$bin/skin-train" --data "$2" --faces people/faces --image-size 16 -o "run_$2" \
        --epochs 1 "${@:3}"
}
train 0 onesided
says err "all 8 validation people are improved"
train 0 alike
says err "all 24 people to train on are improved"

# ---- --dry-run ----
run 0 "$bin/skin-train" "${people[@]}" --dry-run -o never
says out "to train on  36 people (72 entries per epoch), to validate 12"
like out "steps        180 of .* s each, 9 per epoch"
says out "time         about"
like out "memory       [1-9]"
[ ! -e never ] || fail "--dry-run wrote something"

# ---- --patience ----
run 0 "$bin/skin-train" "${people[@]}" -o patient --epochs 40 --recipe original --optimizer adam \
    --patience 1
says err "stopped early: no better validation loss for 1 epochs"
[ "$(wc -l <patient/log.csv)" -lt 40 ] || fail "--patience 1 ran to the end"

# With the cosine patience begins in the middle; the best epoch is kept, not the recipe's last.
run 0 "$bin/skin-train" "${people[@]}" -o cosine --epochs 8 --patience 1
[ "$(wc -l <cosine/log.csv)" -ge 6 ] || fail "--patience 1 ended the cosine: $(cat cosine/log.csv)"
like err "cosine/model.safetensors: epoch [1-8], validation loss"

# ---- --restarts ----
run 0 "$bin/skin-train" "${people[@]}" -o tries --epochs 3 --restarts 3
best=$(sed -n 's/.*the model of seed \([0-9]\).*/\1/p' err)
lowest=$(sed -n 's/.*seed \([0-9]\): validation loss \(.*\)/\2 \1/p' err | sort -g | head -1 |
    cut -d' ' -f2)
[ -n "$best" ] && [ "$best" = "$lowest" ] || fail "kept seed '$best', lowest is '$lowest'"
for f in model.safetensors log.csv people.json; do
    cmp "tries/$f" "tries/seed-$best/$f" || fail "$f is not that of seed $best"
done
run 0 "$bin/skin-evaluate" tries/model.safetensors --data people/data --faces people/faces
run 1 "$bin/skin-train" "${people[@]}" -o tries --epochs 3 --restarts 3
says err "resume these runs with --restore"
rm tries/model.safetensors
rm -r tries/seed-2
run 0 "$bin/skin-train" "${people[@]}" -o tries --epochs 3 --restarts 3 --restore
cmp tries/model.safetensors "tries/seed-$best/model.safetensors" ||
    fail "not resumed to the same model"
[ "$(grep -c 'restored: 3 epochs' err)" = 2 ] || fail "two of three runs were there: $(cat err)"
train 1 unjudged --restarts 2
says err "this run has no validation loss"
run 2 "$bin/skin-train" "${people[@]}" -o bad --restarts 2 --dry-run

# ---- validation people of one class: told, and no number where there is none ----
cp -r people single
python3 - <<'END'
import json
labels = json.load(open("single/data/label.json"))
parts = json.load(open("single/data/partition.json"))
parts["validation"] = [i for i in parts["validation"] if labels[i] == [0, 1]]
json.dump(parts, open("single/data/partition.json", "w"))
END
run 0 "$bin/skin-train" --data single/data --faces people/faces --image-size 16 --epochs 1 -o class
says err "they do not show whether the model tells the classes apart"
silent out nan val_balanced_accuracy
says out "val_accuracy"
