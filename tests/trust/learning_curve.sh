#!/usr/bin/env bash
# How well people never seen are judged, by how many there were to learn from: one simulated clinic,
# of whose training people the first share is taken as if the clinic had had so many patients; all
# models are judged on the same test part. Prints a table.
#
#   learning_curve.sh BIN OUT
#
# OUT is a folder; what is finished in it is not done again, so that a stopped run can be continued.
# The environment may set PATIENTS (2000), SIZES ("150 500 1000 2000"), PRESETS ("skincredible-gap
# skincredible"), SEED (1), THREADS (0: all) and EPOCHS (20; from 1,000 patients on half as many).
# Takes hours: most of it is the largest size of skincredible.
set -eu
bin=$(cd "$1" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)
patients=${PATIENTS:-2000} seed=${SEED:-1} threads=${THREADS:-0} epochs=${EPOCHS:-20}
cd "$out"

once() { # NAME COMMAND...: unless it has succeeded before
    [ -e "$1.done" ] && return
    echo "[$SECONDS s] $1" >&2
    "${@:2}" >"$1.log" 2>&1 || { tail -n 5 "$1.log" >&2; exit 1; }
    touch "$1.done"
}

# As tools/demo.sh does for `make demo-full`.
once synth "$bin/skin-synth" clinic --patients "$patients" --seed "$seed" --threads "$threads" \
    --quiet
once getdata "$bin/skin-getdata" clinic -o user_data.txt --review review.csv
once faces "$bin/skin-faces" user_data.txt --images clinic/images -o faces --threads "$threads"
once split "$bin/skin-split" user_data.txt --faces faces -o whole --test 0.2 --validation 0.1 \
    --seed "$seed"

part() { # SIZE: the share of the training and validation people, at least ten for the validation; hard links to their faces
    rm -rf "data$1" "faces$1"
    cp -r whole "data$1"
    cp -rl faces "faces$1"
    python3 - "$1" "$patients" <<'PY'
import json, sys
size, patients = int(sys.argv[1]), int(sys.argv[2])
path = f"data{size}/partition.json"
parts = json.load(open(path))
for name, least in (("train", 1), ("validation", 10)):
    parts[name] = parts[name][:max(least, round(len(parts[name]) * size / patients))]
json.dump(parts, open(path, "w"))
PY
    "$bin/skin-augment" --data "data$1" --faces "faces$1"
}

train() { # SIZE PRESET EPOCHS
    local run=run$1-$2 size=80 restore=()
    [ "$2" = skincredible-gap ] && size=48
    [ -e "$run/checkpoint.safetensors" ] && restore=(--restore)
    "$bin/skin-train" --data "data$1" --faces "faces$1" -o "$run" --preset "$2" --image-size $size \
        --epochs "$3" --seed "$seed" --threads "$threads" "${restore[@]}"
}

judge() { # SIZE PRESET
    "$bin/skin-evaluate" "run$1-$2/model.safetensors" --data "data$1" --faces "faces$1" \
        --partition test -o "report$1-$2" --threads "$threads"
}

printf '%-18s %9s %9s %7s  %s\n' preset patients training epochs \
    "balanced accuracy of people never seen (95 % interval), AUC"
for size in ${SIZES:-150 500 1000 2000}; do
    once "part$size" part "$size"
    for preset in ${PRESETS:-skincredible-gap skincredible}; do
        turns=$((size < 1000 ? epochs : epochs / 2))
        once "train$size-$preset" train "$size" "$preset" $turns
        once "judge$size-$preset" judge "$size" "$preset"
        python3 - "$size" "$preset" $turns <<'PY'
import json, sys
size, preset, turns = sys.argv[1:]
m = json.load(open(f"report{size}-{preset}/metrics.json"))
people = len(json.load(open(f"data{size}/partition.json"))["train"])
low, high = m["intervals_95"]["balanced_accuracy"]
print(
    f"{preset:18} {size:>9} {people:>9} {turns:>7}  {100 * m['balanced_accuracy']:.1f} % "
    f"({100 * low:.1f} to {100 * high:.1f}), {m['roc_auc']:.3f}",
    flush=True)
PY
    done
done
