#!/usr/bin/env bash
# skin-train --review: people whose labels are likely wrong are left out of training, or their
# labels softened; the table must be of these labels.
set -u
. "$(dirname "$0")/help.bash"
bin=$1 dir=$2 here=$(cd "$(dirname "$0")" && pwd)
python3 -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
cd "$dir" || exit 1

python3 "$here/made_people.py" people 60 || fail "made_people.py"
python3 - <<'PY'
import json
labels, parts = (json.load(open(f"people/data/{n}.json")) for n in ("label", "partition"))
for n, who in enumerate(parts["train"]): # every third label of the training part is wrong
    if n % 3 == 0:
        labels[who] = labels[who][::-1]
json.dump(labels, open("people/data/label.json", "w"))
with open("review.csv", "w") as f:
    f.write("id,label,probability_of_label,likely_wrong\n")
    for n, who in enumerate(parts["train"]):
        f.write(f"{who},{labels[who][1]},{0.1 if n % 3 == 0 else 0.9},{int(n % 3 == 0)}\n")
    f.write("somebody_else,1,0.5,1\n")
PY
data=(--data people/data --faces people/faces)
train=("$bin/skin-train" "${data[@]}" --image-size 16 --epochs 12 --preset skincredible-gap \
    --optimizer adam --learning-rate 0.01 --bn-momentum 0.8 --augment flip -q)

run 0 "${train[@]}" -o plain
run 0 "${train[@]}" --review review.csv -o out_run
jq -e '(.train | length) == 24 and (.train | has("p000") | not)' out_run/people.json >/dev/null ||
    fail "12 of 36 people were to be left out: $(jq -c '.train | length' out_run/people.json)"
"$bin/skin-info" out_run/model.safetensors --json |
    jq -e '.metadata.training | fromjson | .settings["--doubtful"] == "out"' >/dev/null ||
    fail "the model's file does not say it"
# leaving them out is as if they had never been there
mkdir without
cp people/data/label.json without/
jq '.train |= [to_entries[] | select(.key % 3 != 0).value]' people/data/partition.json \
    >without/partition.json
run 0 "$bin/skin-train" --data without "${train[@]:3}" -o gone
[ "$(arrays_digest gone/model.safetensors)" = "$(arrays_digest out_run/model.safetensors)" ] ||
    fail "left out, and never there, differ"
run 0 "${train[@]}" --review review.csv --doubtful soften -o soft
jq -e '(.train | length) == 36' soft/people.json >/dev/null || fail "softened people are trained on"
[ "$(arrays_digest soft/model.safetensors)" != "$(arrays_digest plain/model.safetensors)" ] ||
    fail "softened labels change nothing"
# a label believed by 1 is the label; nobody doubted, nothing changed
sed 's/,[01]$/,0/' review.csv >sure.csv
sed 's/,0\.[19],/,1,/' review.csv >believed.csv
run 0 "${train[@]}" --review sure.csv --doubtful soften -o sure
run 0 "${train[@]}" --review believed.csv --doubtful soften -o believed
[ "$(arrays_digest sure/model.safetensors)" = "$(arrays_digest plain/model.safetensors)" ] ||
    fail "nobody is doubted, and the weights differ"
[ "$(arrays_digest believed/model.safetensors)" = "$(arrays_digest plain/model.safetensors)" ] ||
    fail "a label that is certain is softened"
# what it is for: the test people's labels are right
loss() { "$bin/skin-evaluate" "$1/model.safetensors" "${data[@]}" --json -q | jq .brier; }
jq -n -e "$(loss out_run) < $(loss plain) and $(loss soft) < $(loss plain)" >/dev/null ||
    fail "no better for it: plain $(loss plain), out $(loss out_run), softened $(loss soft)"

# ---- restored only with the same table ----
run 1 "${train[@]}" --restore -o soft
says err "the same options"
run 0 "${train[@]}" --restore --review review.csv --doubtful soften -o soft

# ---- tables that do not fit ----
sed 's/^p000,./p000,7/' review.csv >bad1.csv
run 1 "${train[@]}" --review bad1.csv -o bad
says err "bad1.csv, row 2: expected an id"
sed 's/^p000,1/p000,0/; t; s/^p000,0/p000,1/' review.csv >bad2.csv
run 1 "${train[@]}" --review bad2.csv -o bad
says err "bad2.csv, row 2: p000 has the label"
printf 'id,label,probability_of_label,likely_wrong\nx,1,0.5,1\n' >bad3.csv
run 1 "${train[@]}" --review bad3.csv -o bad
says err "bad3.csv: nobody of people/data is in it"
sed 's/,0$/,1/' review.csv >bad4.csv
run 1 "${train[@]}" --review bad4.csv -o bad
says err "bad4.csv: without the doubtful labels nobody deteriorated is left"
run 1 "${train[@]}" --review people/data/label.json -o bad
one_line
run 2 "${train[@]}" --doubtful soften -o bad
echo "all passed"
