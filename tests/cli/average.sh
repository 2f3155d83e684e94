#!/usr/bin/env bash
# Several models averaged in one file: skin-import average, skin-train --restarts N --average;
# judged, calibrated, followed and served as one model; nobody is judged whom a member has seen.
set -u
. "$(dirname "$0")/help.bash"
bin=$1 dir=$2 here=$(cd "$(dirname "$0")" && pwd)
python3 -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
cd "$dir" || exit 1

python3 "$here/made_people.py" people 60 || fail "made_people.py"
data=(--data people/data --faces people/faces)
train=("$bin/skin-train" "${data[@]}" --image-size 16 --epochs 8 --preset skincredible-gap \
    --optimizer adam --learning-rate 0.01 --bn-momentum 0.8 --augment flip -q)
run 0 "${train[@]}" --restarts 3 --seed 5 --average -o run
members=(run/seed-5/model.safetensors run/seed-6/model.safetensors run/seed-7/model.safetensors)
run 0 "$bin/skin-import" average "${members[@]}" -o run/again.safetensors
cmp run/model.safetensors run/again.safetensors || fail "--average and skin-import average differ"
cmp run/people.json run/seed-5/people.json || fail "one split, two lists of people"

# ---- the mean of what the members say ----
for m in run/model.safetensors "${members[@]}"; do
    run 0 "$bin/skin-evaluate" "$m" "${data[@]}" -o "report_$(basename "$(dirname "$m")")" -q
done
python3 - <<'PY' || fail "not the mean"
import csv

read = lambda name: {
    r["id"]: [float(r["negative_prob"]), float(r["positive_prob"])]
    for r in csv.DictReader(open(name + "/predictions.csv"))
}
whole, members = read("report_run"), [read("report_seed-%d" % s) for s in (5, 6, 7)]
assert len(whole) == 12
for name, p in whole.items():
    for k in range(2):
        mean = sum(m[name][k] for m in members) / 3
        assert abs(p[k] - mean) < 1e-6, (name, p[k], mean)
        assert len({m[name][k] for m in members}) == 3 # three models, not one
# photo by photo, to the same end
last = {r["id"]: r for r in csv.DictReader(open("report_run/course.csv"))}
assert all(float(last[n]["positive_prob"]) == p[1] for n, p in whole.items())
PY
says report_run/card.md "The model averages 3. Number 2:"
says report_run/card.md "| --seed | 6 |"

# ---- one model to calibrate, to predict with, to average again ----
run 0 "$bin/skin-evaluate" run/model.safetensors "${data[@]}" --partition train \
    --calibrate run/fitted.safetensors -q
run 0 "$bin/skin-evaluate" run/fitted.safetensors "${data[@]}" --json -q
jq -e '.promise.coverage == 0.9' out >/dev/null ||
    fail "no promise of an average: $(jq -c .promise out)"
run 0 "$bin/skin-predict" run/fitted.safetensors --user p004 --faces people/faces --json
jq -e 'has("answer")' out >/dev/null || fail "no answer: $(cat out)"
run 0 "$bin/skin-import" average run/fitted.safetensors run/model.safetensors \
    -o run/twice.safetensors
run 0 "$bin/skin-info" run/twice.safetensors --json
jq -e '.metadata | has("calibration") or has("conformal") or has("card") | not' out >/dev/null ||
    fail "a calibration of other outputs"
run 0 "$bin/skin-predict" run/twice.safetensors --user p004 --faces people/faces --json
cp out twice.json
run 0 "$bin/skin-predict" run/model.safetensors --user p004 --faces people/faces --json
jq -s -e '.[0].positive_prob as $a | .[1].positive_prob as $b | ($a - $b | fabs) < 1e-6' out \
    twice.json >/dev/null || fail "the mean of a model with itself: $(cat out twice.json)"

# ---- served ----
"$bin/skin-serve" run/model.safetensors --listen 127.0.0.1:0 --no-detect >served 2>served.err &
server=$!
trap 'kill $server 2>/dev/null' EXIT
for _ in $(seq 100); do grep -q http served && break; sleep 0.1; done
python3 - "$(grep -o 'http:[^ ]*' served)" "$bin" <<'PY' || fail "served: $(cat served.err)"
import json, subprocess, sys, urllib.request
import numpy as np
img = np.load("people/faces/p004.npz")["img"]
body = json.dumps({"img": img.tolist()}).encode()
got = json.load(
    urllib.request.urlopen(urllib.request.Request(sys.argv[1].rstrip("/") + "/predict", body)))
np.savez("ask.npz", img=img)
wanted = json.loads(
    subprocess.run(
        [sys.argv[2] + "/skin-predict", "run/model.safetensors", "--npz", "ask.npz", "--json"],
        capture_output=True, check=True).stdout)
assert got == wanted, (got, wanted)
PY
kill $server

# ---- whom a member has seen is seen ----
python3 - <<'PY'
import json, os
parts = json.load(open("people/data/partition.json"))
os.makedirs("other")
os.makedirs("swapped")
swapped = {
    "train": parts["test"] + parts["train"][:12],
    "validation": parts["validation"],
    "test": parts["train"][12:]
}
json.dump(swapped, open("swapped/partition.json", "w"))
open("swapped/label.json", "w").write(open("people/data/label.json").read())
PY
run 0 "$bin/skin-train" --data swapped --faces people/faces --image-size 16 --epochs 1 \
    --preset skincredible-gap -q -o other
mkdir mixed
run 0 "$bin/skin-import" average run/model.safetensors other/model.safetensors \
    -o mixed/m.safetensors
run 1 "$bin/skin-evaluate" mixed/m.safetensors "${data[@]}" -q
says err "are known to the model"
run 1 "$bin/skin-evaluate" mixed/m.safetensors --data swapped --faces people/faces -q
says err "are known to the model"
run 1 "$bin/skin-import" average run/model.safetensors other/model.safetensors -o run/x.safetensors
says err "run/people.json: it is the list of the people of another model"
one_line
[ ! -e run/x.safetensors ] || fail "written all the same"
mkdir alone
cp other/model.safetensors alone/
run 0 "$bin/skin-import" average run/model.safetensors alone/model.safetensors \
    -o alone/m.safetensors
says err "alone/model.safetensors: there is no people.json beside it"

# ---- members with branches, and with shared weights ----
cat >graph.json <<'JSON'
{"format": 1, "input": {"height": 16, "width": 16, "channels": 3},
 "labels": ["deteriorated", "improved"], "layers": [
 {"type": "conv2d", "name": "input", "filters": 3, "kernel_size": 1, "inputs": ["input"]},
 {"type": "conv2d", "name": "a", "filters": 3, "kernel_size": 3, "padding": "same",
  "inputs": ["input"]},
 {"type": "conv2d", "name": "b", "filters": 3, "kernel_size": 3, "padding": "same",
  "inputs": ["a"], "shares": "a"},
 {"type": "add", "name": "sum", "inputs": ["input", "b"]},
 {"type": "conv_lstm2d", "name": "cell", "filters": 4, "kernel_size": 3,
  "recurrent_activation": "sigmoid"},
 {"type": "global_average_pool", "name": "pool"},
 {"type": "dense", "name": "out", "units": 2, "activation": "softmax"}]}
JSON
for n in 1 2; do run 0 "$bin/skin-import" network graph.json --seed $n -o graph$n.safetensors; done
run 0 "$bin/skin-import" average graph1.safetensors graph2.safetensors -o graph.safetensors
for m in graph1 graph2 graph; do
    run 0 "$bin/skin-predict" $m.safetensors --npz ask.npz --json
    cp out $m.json
done
jq -s -e '((.[0].positive_prob + .[1].positive_prob) / 2 - .[2].positive_prob | fabs) < 1e-6
    and .[0].positive_prob != .[1].positive_prob' graph1.json graph2.json graph.json >/dev/null ||
    fail "graphs: $(cat graph?.json graph.json)"

# ---- what does not fit ----
run 0 "$bin/skin-import" network skincredible-gap --image-size 24 -o large.safetensors
run 1 "$bin/skin-import" average large.safetensors run/model.safetensors -o bad.safetensors
says err 'run/model.safetensors: its "input"'
one_line
run 1 "$bin/skin-import" average large.safetensors -o bad.safetensors
says err "1 models: expected 2 to 32"
run 1 "$bin/skin-import" average large.safetensors nowhere.safetensors -o bad.safetensors
says err nowhere.safetensors
run 2 "$bin/skin-import" network skincredible-gap more -o bad.safetensors
run 2 "${train[@]}" --average -o bad
run 2 "${train[@]}" --average --restarts 33 -o bad
[ ! -e bad.safetensors ] && [ ! -e bad ] || fail "something was written"
echo "all passed"
