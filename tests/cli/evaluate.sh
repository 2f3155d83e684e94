#!/usr/bin/env bash
# skin-evaluate: the same figures for any batch and number of threads, consistent files, bad input.
set -u
. "$(dirname "$0")/help.bash"
bin=$1 dir=$2 here=$(cd "$(dirname "$0")" && pwd)
python3 -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
cd "$dir" || exit 1

python3 "$here/made_people.py" people 60 || fail "made_people.py"
data=(--data people/data --faces people/faces)
run 0 "$bin/skin-train" "${data[@]}" --image-size 16 --epochs 12 --preset skincredible-gap \
    --optimizer adam --learning-rate 0.01 --bn-momentum 0.8 --augment flip -o run
run 0 "$bin/skin-evaluate" run/model.safetensors "${data[@]}" --partition test -o report \
    --log run/log.csv --threads 2
says out "balanced accuracy"
for f in metrics.json predictions.csv review.csv confusion.svg roc.svg scores.svg calibration.svg \
    risk.svg training.svg report.html card.html card.md course.csv course.svg; do
    [ -s report/$f ] || fail "report/$f is not there"
done
[ "$(wc -l <report/predictions.csv)" = 13 ] || fail "predictions.csv has not 12 people"
jq -e '.people == 12 and .skipped == 0 and (.confusion_matrix | .tn + .fp + .fn + .tp) == 12' \
    report/metrics.json >/dev/null || fail "metrics.json"
jq -e '.balanced_accuracy >= 0.7' report/metrics.json >/dev/null ||
    fail "a patch that grows or shrinks was not learnt: $(cat out)"
# the counts of metrics.json are those of predictions.csv
csv=$(awk -F, \
    'NR > 1 { n[$2 $4]++ } END { printf "%d %d %d %d", n["00"], n["01"], n["10"], n["11"] }' \
    report/predictions.csv)
[ "$csv" = "$(jq -r '.confusion_matrix | "\(.tn) \(.fp) \(.fn) \(.tp)"' report/metrics.json)" ] ||
    fail "predictions.csv and metrics.json differ: $csv"

run 0 "$bin/skin-evaluate" run/model.safetensors "${data[@]}" -o again --log run/log.csv \
    --threads 1 --batch 3
diff -r report again >/dev/null || fail "1 thread and batches of 3 give other files"
run 0 "$bin/skin-evaluate" run/model.safetensors "${data[@]}" --json --quiet
diff out report/metrics.json >/dev/null || fail "--json differs from metrics.json"
run 0 "$bin/skin-evaluate" run/model.safetensors "${data[@]}" --threshold 1 --json
jq -e '.confusion_matrix.tp == 0 and .confusion_matrix.fp == 0' out >/dev/null ||
    fail "nobody is above a threshold of 1"
run 0 "$bin/skin-evaluate" run/model.safetensors "${data[@]}" --partition validation

# ---- calibration: the people's own data give a curve with a slope; the copy is the same model
# otherwise ----
run 0 "$bin/skin-evaluate" run/model.safetensors "${data[@]}" --partition train \
    --calibrate fitted.safetensors --note "Made people only." --quiet
jq -e '.slope > 0 and .people > 10' \
    <<<"$("$bin/skin-info" fitted.safetensors --json | jq -r .metadata.calibration)" >/dev/null ||
    fail "calibration: $("$bin/skin-info" fitted.safetensors --json | jq -c .metadata)"
[ "$("$bin/skin-info" fitted.safetensors --json | jq -r .metadata.note)" = "Made people only." ] \
    || fail "the note is not in the file"
run 0 "$bin/skin-evaluate" fitted.safetensors "${data[@]}" --json
jq -S 'del(.model, .promise)' out >fitted.json
jq -S 'del(.model, .promise)' report/metrics.json | diff - fitted.json >/dev/null ||
    fail "a calibrated copy judges otherwise"
# ---- answers with a promise, from the calibrated copy: report, table, skin-predict agree ----
jq -e '.promise == null and (.risk | length) == 10 and .risk[9].answered == 1' report/metrics.json \
    >/dev/null || fail "a model without a calibration promises something"
run 0 "$bin/skin-evaluate" fitted.safetensors "${data[@]}" -o promised --coverage 0.8
says out "promised: the true class is possible for 80 % of each class"
says promised/report.html "Answers with a promise"
jq -e '.promise | .coverage == 0.8 and .deteriorated.measured == 12 and .improved.measured == 24
    and ([.deteriorated, .improved] | all(.unsure + .right + .wrong == .people and .covered >= 0
        and .covered <= 1))' promised/metrics.json >/dev/null ||
        fail "promise: $(jq -c .promise promised/metrics.json)"
[ "$(awk -F, 'NR > 1 && $10 == "unsure"' promised/predictions.csv | wc -l)" = \
    "$(jq '.promise | .deteriorated.unsure + .improved.unsure' promised/metrics.json)" ] ||
    fail "unsure in predictions.csv"
right=$(awk -F, 'NR > 1 && $10 == ($2 ? "improved" : "deteriorated")' promised/predictions.csv |
    wc -l)
[ "$right" = "$(jq '.promise | .deteriorated.right + .improved.right' promised/metrics.json)" ] ||
    fail "right in predictions.csv"
while IFS=, read -r id _ _ _ _ _ _ _ _ answer; do
    [ "$id" != id ] || continue
    run 0 "$bin/skin-predict" fitted.safetensors --user "$id" --faces people/faces --json \
        --coverage 0.8
    [ "$(jq -r '.answer, .coverage' out | xargs)" = "$answer 0.8" ] ||
        fail "$id: skin-predict says $(cat out), the report $answer"
done <promised/predictions.csv
run 0 "$bin/skin-evaluate" fitted.safetensors "${data[@]}" --coverage 0.999 \
    --json # more than 36 people can promise
jq -e '.promise | .deteriorated.unsure == .deteriorated.people
    and .improved.unsure == .improved.people and .improved.covered == 1' out >/dev/null ||
    fail "0.999: $(jq -c .promise out)"
run 0 "$bin/skin-predict" run/model.safetensors --user p004 --faces people/faces --json
jq -e 'has("answer") | not' out >/dev/null || fail "an answer without a calibration"
run 2 "$bin/skin-evaluate" fitted.safetensors "${data[@]}" --coverage 1

# ---- photo by photo: the last line of each person is their prediction, a line for each valid photo
# ----
python3 - <<'PY' || fail "course.csv"
import csv, json
people = {r["id"]: r for r in csv.DictReader(open("report/predictions.csv"))}
course = {}
for r in csv.DictReader(open("report/course.csv")):
    course.setdefault(r["id"], []).append(r)
assert list(course) == list(people)
for name, lines in course.items():
    p = people[name]
    assert len(lines) == int(p["valid_frames"]) and int(lines[-1]["photo"]) == int(
        p["frames"]), name
    assert all(lines[-1][k] == p[k] for k in ("negative_prob", "positive_prob", "score")), name
    assert len({r["score"]
                for r in lines}) == len(lines) and [int(r["photo"]) for r in lines] == sorted(
                    int(r["photo"]) for r in lines)
m = json.load(open("report/metrics.json"))
assert len(m["course"]) == 10 and m["course"][9]["balanced_accuracy"] == m[
    "balanced_accuracy"] and m["course"][9]["roc_auc"] == m["roc_auc"]
PY

# ---- the model card: in the report, in the file, of these weights ----
says report/card.md "| Trained by | skin-train 0.1.0, 12 epochs |"
says report/card.md "| --seed | 0 |"
says report/card.md "| People | 12 of the part \"test\": 4 deteriorated, 8 improved |"
run 0 "$bin/skin-evaluate" fitted.safetensors "${data[@]}" --card carded.safetensors --quiet
run 0 "$bin/skin-info" carded.safetensors --card
says out "Answers with a promise"
says out "Made people only."
run 0 "$bin/skin-info" carded.safetensors --json
jq -e '.card | .evaluation.people == 12
    and .training.people.improved + .training.people.deteriorated == 36
    and .promise.coverage == 0.9
    and (.figures.balanced_accuracy | .low <= .value and .value <= .high)' out >/dev/null ||
    fail "card: $(jq -c .card out)"
weights=$(jq -r .card.model.weights_sha256 out)
run 0 "$bin/skin-evaluate" carded.safetensors "${data[@]}" --card carded.safetensors \
    --quiet # onto itself
run 0 "$bin/skin-info" carded.safetensors --json
[ "$(jq -r .card.model.weights_sha256 out)" = "$weights" ] ||
    fail "a copy with other metadata has other weights"
run 0 "$bin/skin-evaluate" carded.safetensors "${data[@]}" --partition train \
    --calibrate anew.safetensors --quiet
run 1 "$bin/skin-info" anew.safetensors --card # it told of other answers
one_line
run 2 "$bin/skin-evaluate" fitted.safetensors "${data[@]}" --calibrate a --card b
run 2 "$bin/skin-evaluate" run --folds "${data[@]}" --card b
# other people, other data
cp -r people/data fewer
jq '.test |= .[1:]' people/data/partition.json >fewer/partition.json
run 0 "$bin/skin-evaluate" run/model.safetensors --data fewer --faces people/faces -o fewer_report \
    --quiet
[ "$(grep -F "SHA-256 of these data" report/card.md)" != \
    "$(grep -F "SHA-256 of these data" fewer_report/card.md)" ] ||
    fail "other people have the same digest"

# one class only: what needs both is not defined
cp -r people/data alone
jq --slurpfile l people/data/label.json '.test |= map(select($l[0][.] == [0, 1]))' \
    people/data/partition.json >alone/partition.json
run 0 "$bin/skin-evaluate" run/model.safetensors --data alone --faces people/faces --quiet
says out "ROC AUC not defined"
! grep -qi nan out || fail "nan in the table: $(cat out)"

# ---- groups ----
{
    echo "id;group"
    cut -d, -f1 report/predictions.csv | tail -n +2 |
        awk '{ print $1 ";" (NR <= 4 ? "first" : "second") }'
} >groups.csv
run 0 "$bin/skin-evaluate" run/model.safetensors "${data[@]}" --groups groups.csv -o grouped
says out "too few people in the groups to compare them"
says grouped/report.html "Groups of people"
jq -e '.fairness | (.groups | map(.group, .people)) == ["first", 4, "second", 8]
    and .alarm == false' grouped/metrics.json >/dev/null ||
    fail "groups: $(jq -c .fairness grouped/metrics.json)"
jq -e '.fairness.groups | all(.unsure == null and .unsure_95 == [null, null]
        and .unfamiliar == null)' grouped/metrics.json >/dev/null ||
        fail "shares of a model that is never unsure"
run 0 "$bin/skin-evaluate" fitted.safetensors "${data[@]}" --groups groups.csv --coverage 0.95 \
    -o grouped
says grouped/report.html "Unsure (95 %)"
jq -e '.fairness.groups as $g | (.promise | .deteriorated.unsure + .improved.unsure) as $all
    | ([$g[] | .unsure * .people] | add | round) == $all and $all > 0
    and ($g | all(.unsure_95[0] <= .unsure and .unsure <= .unsure_95[1]))' grouped/metrics.json \
    >/dev/null || fail "unsure by group: $(jq -c '.promise, .fairness.groups' grouped/metrics.json)"
# ids written another way, as spreadsheets do, are nobody's; a few that are missing are told
sed '1s/id/user_id/' groups.csv >renamed.csv
run 1 "$bin/skin-evaluate" run/model.safetensors "${data[@]}" --groups renamed.csv --quiet
says err "was 'user_id' meant? Rename it"
sed '2,$s/;/.0;/' groups.csv >others.csv
run 1 "$bin/skin-evaluate" run/model.safetensors "${data[@]}" --groups others.csv --quiet
says err "others.csv: none of the 12 people judged is in it"
one_line
head -n 10 groups.csv >some.csv
run 0 "$bin/skin-evaluate" run/model.safetensors "${data[@]}" --groups some.csv --quiet
says err "some.csv: 3 of the 12 people judged are in no group"
printf 'id,group\np004,a\np004,b\n' >twice.csv
run 1 "$bin/skin-evaluate" run/model.safetensors "${data[@]}" --groups twice.csv --quiet
says err 'twice.csv, row 3: p004 is in "a" and in "b"'
one_line

mkdir few
cp people/data/label.json few/
jq '.validation |= .[:5]' people/data/partition.json >few/partition.json
run 1 "$bin/skin-evaluate" run/model.safetensors --data few --faces people/faces \
    --partition validation --calibrate few.safetensors --quiet
says err "at least 10 people"
[ ! -e few.safetensors ] || fail "a calibration on too few people was written"
run 2 "$bin/skin-evaluate" run/model.safetensors "${data[@]}" --note x

# ---- bad input ----
mkdir holes
cp people/faces/*.npz holes/
rm holes/p004.npz
run 0 "$bin/skin-evaluate" run/model.safetensors --data people/data --faces holes --json
jq -e '.people == 11 and .skipped == 1' out >/dev/null ||
    fail "a missing face file is to be left out and counted"
says err "p004.npz"
run 1 "$bin/skin-evaluate" nowhere.safetensors "${data[@]}"
says err nowhere.safetensors
one_line
head -c 3000 run/model.safetensors >cut.safetensors
run 1 "$bin/skin-evaluate" cut.safetensors "${data[@]}"
one_line
run 1 "$bin/skin-evaluate" run/model.safetensors "${data[@]}" --log people/data/label.json
one_line
touch file
run 1 "$bin/skin-evaluate" run/model.safetensors "${data[@]}" --quiet -o file/report
one_line
run 2 "$bin/skin-evaluate" run/model.safetensors
run 2 "$bin/skin-evaluate" "${data[@]}"
mkdir leak
cp people/data/label.json leak/
jq '.test += [.train[0]]' people/data/partition.json >leak/partition.json
run 1 "$bin/skin-evaluate" run/model.safetensors --data leak --faces people/faces -o leaked
one_line
[ ! -e leaked ] || fail "a leak was reported on"
echo "all passed"
