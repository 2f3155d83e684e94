#!/usr/bin/env bash
# Cross-validation: skin-split --folds, skin-train --folds, skin-evaluate --folds; resumed; nobody
# is judged by a model that saw them.
set -u
. "$(dirname "$0")/help.bash"
bin=$1 dir=$2 here=$(cd "$(dirname "$0")" && pwd)
python3 -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
cd "$dir" || exit 1

python3 "$here/made_people.py" people 40 || fail "made_people.py"
python3 - <<'PY'
import json
labels = json.load(open("people/data/label.json"))
with open("user_data.txt", "w") as f:
    for name, label in labels.items():
        f.write(json.dumps([name, str(label[1]), "a note", name + "_0.jpg"]) + "\n")
PY
run 0 "$bin/skin-split" user_data.txt --faces people/faces -o data --folds 3 --validation 0.2
data=(--data data --faces people/faces)
train=("$bin/skin-train" "${data[@]}" --folds --image-size 16 --epochs 3 --preset skincredible-gap \
    --seed 1)
run 0 "${train[@]}" -o cross
for n in 1 2 3; do [ -s cross/fold$n/model.safetensors ] || fail "no model of fold $n"; done
run 0 "$bin/skin-train" --data data/fold2 --faces people/faces --image-size 16 --epochs 3 \
    --preset skincredible-gap --seed 1 -o alone
cmp alone/model.safetensors cross/fold2/model.safetensors ||
    fail "a fold and the same run alone differ"

# ---- resumed ----
run 1 "${train[@]}" -o cross
says err "--restore"
rm -r cross/fold3
run 0 "${train[@]}" -o cross --restore
[ "$(grep -c restored err)" = 2 ] || fail "two of three folds were there: $(cat err)"

# ---- everyone once, each by a model that did not learn from them ----
run 0 "$bin/skin-evaluate" cross --folds "${data[@]}" -o report
jq -e '.people == 40 and .skipped == 0' report/metrics.json >/dev/null ||
    fail "not everyone was judged: $(cat out)"
[ "$(cut -d, -f1 report/predictions.csv | sort -u | wc -l)" = 41 ] ||
    fail "somebody is in the report twice"
for n in 1 2 3; do
    run 0 "$bin/skin-evaluate" cross/fold$n/model.safetensors --data data/fold$n \
        --faces people/faces -o report$n
    tail -n +2 report$n/predictions.csv
done | sort >apart
tail -n +2 report/predictions.csv | sort | cmp - apart ||
    fail "pooled predictions differ from those of the folds"
cp -r cross mixed
cp cross/fold2/* mixed/fold1/
run 1 "$bin/skin-evaluate" mixed --folds "${data[@]}"
says err "are known to the model"
run 1 "$bin/skin-evaluate" cross --folds --data people/data --faces people/faces
says err "skin-split --folds"
run 2 "$bin/skin-evaluate" cross --folds "${data[@]}" --calibrate x.safetensors
run 2 "${train[@]}" -o bad --restarts 2
echo "all passed"
