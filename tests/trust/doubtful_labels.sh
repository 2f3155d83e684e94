#!/usr/bin/env bash
# What it is worth to leave doubtful labels out of training, or to soften them: one label in ten of
# a demo is flipped, found by cross-validation (flipped_labels.sh), and models trained on all of
# them, without the doubtful ones, and with softened ones are judged on another clinic, whose labels
# are as they were. Prints balanced accuracy and Brier score for each seed.
#
#   doubtful_labels.sh BIN DEMO DATA FACES OUT
#
# DEMO is as for flipped_labels.sh; DATA and FACES are a split and the face crops of another clinic,
# of which everyone in the test part is judged; OUT is a new folder.
# Environment: that of flipped_labels.sh, and SEEDS (1 2 3), THREADS (0).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
bin=$(cd "$1" && pwd) demo=$(cd "$2" && pwd) data=$3 faces=$4 out=$5
"$here/flipped_labels.sh" "$bin" "$demo" "$out" || true # how many it finds is its own question
"$bin/skin-split" "$out/user_data.txt" --faces "$demo/faces" -o "$out/all" --test 0 \
    --validation 0.02 --seed 1 >/dev/null
for seed in ${SEEDS:-1 2 3}; do
    for way in plain out soften; do
        options=()
        [ $way = plain ] || options=(--review "$out/report/review.csv" --doubtful $way)
        "$bin/skin-train" --data "$out/all" --faces "$demo/faces" -o "$out/$way$seed" \
            --preset skincredible-gap --image-size "${SIZE:-32}" --epochs "${EPOCHS:-30}" \
            --seed "$seed" --threads "${THREADS:-0}" "${options[@]}" -q 2>/dev/null
        "$bin/skin-evaluate" "$out/$way$seed/model.safetensors" --data "$data" --faces "$faces" \
            --json -q >"$out/$way$seed.json"
        printf '%-8s seed %s  %s\n' $way "$seed" \
            "$(jq -r '"\(.people) people, balanced accuracy \(.balanced_accuracy * 1000 | round / 10) %, AUC \(.roc_auc * 1000 | round / 1000), Brier \(.brier * 1000 | round / 1000)"' "$out/$way$seed.json")"
    done
done
