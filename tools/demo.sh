#!/usr/bin/env bash
# The main job from end to end on a simulated clinic.   demo.sh BIN OUT
# Environment: PATIENTS, EPOCHS, SEED, THREADS, PRESET, IMAGE_SIZE, TEST (the share of people to
# evaluate on).
set -eu
bin=$1 out=$2
patients=${PATIENTS:-200} epochs=${EPOCHS:-40} seed=${SEED:-1} threads=${THREADS:-0}
preset=${PRESET:-skincredible-gap} size=${IMAGE_SIZE:-48} test=${TEST:-0.3}
marker=.skincredible-demo

if [ -e "$out" ] && [ ! -e "$out/$marker" ] && [ -n "$(ls -A "$out" 2>/dev/null)" ]; then
    echo "demo: $out is not empty and not an earlier demo's: choose another folder with OUT=" >&2
    exit 1
fi
mkdir -p "$out"
rm -rf "$out"/{clinic,faces,data,run,report,user_data.txt,review.csv,prediction.json}
touch "$out/$marker"

begin=$SECONDS
step() {
    printf '\n[%3d s] %s\n' $((SECONDS - begin)) "$1"
    shift
    echo "    \$ $(basename "$1") ${*:2}"
    "$@"
}

step "simulate a clinic of $patients patients" "$bin/skin-synth" "$out/clinic" \
    --patients "$patients" --seed "$seed" --threads "$threads"
step "label the patients from the doctors' notes" "$bin/skin-getdata" "$out/clinic" \
    -o "$out/user_data.txt" --review "$out/review.csv"
step "cut the faces out of the photos" "$bin/skin-faces" "$out/user_data.txt" \
    --images "$out/clinic/images" -o "$out/faces" --threads "$threads"
step "split by person" "$bin/skin-split" "$out/user_data.txt" --faces "$out/faces" -o "$out/data" \
    --test "$test" --validation 0.1 --seed "$seed"
step "flip the deteriorated patients of the training part" "$bin/skin-augment" --data "$out/data" \
    --faces "$out/faces"
step "train" "$bin/skin-train" --data "$out/data" --faces "$out/faces" -o "$out/run" \
    --epochs "$epochs" --preset "$preset" --image-size "$size" \
    --seed "$seed" --threads "$threads"
step "evaluate on people never seen" "$bin/skin-evaluate" "$out/run/model.safetensors" \
    --data "$out/data" --faces "$out/faces" --partition test \
    --log "$out/run/log.csv" -o "$out/report" --threads "$threads"
user=$(jq -r '.test[0]' "$out/data/partition.json")
step "predict one of them ($user)" "$bin/skin-predict" "$out/run/model.safetensors" --user "$user" \
    --faces "$out/faces" --json | tee "$out/prediction.json"

printf '\n[%3d s] done. The report: %s\n' $((SECONDS - begin)) "$out/report/report.html"
