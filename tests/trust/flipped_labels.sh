#!/usr/bin/env bash
# How many of planted wrong labels are found: flips the label of every tenth user of a demo, trains
# and judges by cross-validation, and prints the share of flipped ones among the most doubtful tenth
# of REPORT/review.csv.
#   flipped_labels.sh BIN DEMO OUT      DEMO: a folder that `make demo` filled; OUT: a new folder
# Environment: FOLDS (4), EPOCHS (30), SIZE (32), SEED (1), SHARE (10: one in ten).
set -eu
bin=$(cd "$1" && pwd) demo=$(cd "$2" && pwd) out=$3
folds=${FOLDS:-4} epochs=${EPOCHS:-30} size=${SIZE:-32} seed=${SEED:-1} share=${SHARE:-10}
mkdir "$out"
python3 - "$demo/user_data.txt" "$out" "$seed" "$share" <<'PY'
import json, random, sys
source, out, seed, share = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
users = [json.loads(line) for line in open(source) if line.strip()]
flipped = set(random.Random(seed).sample([u[0] for u in users], round(len(users) / share)))
with open(out + "/user_data.txt", "w") as f:
    for u in users:
        f.write(json.dumps([u[0], str(1 - int(u[1])) if u[0] in flipped else u[1], *u[2:]]) + "\n")
open(out + "/flipped.txt", "w").write("".join(name + "\n" for name in sorted(flipped)))
PY
"$bin/skin-split" "$out/user_data.txt" --faces "$demo/faces" -o "$out/data" --folds "$folds" \
    --seed "$seed" >/dev/null
"$bin/skin-train" --folds --data "$out/data" --faces "$demo/faces" -o "$out/run" \
    --preset skincredible-gap --image-size "$size" --epochs "$epochs" \
    --seed "$seed" >"$out/train.txt" 2>&1
"$bin/skin-evaluate" "$out/run" --folds --data "$out/data" --faces "$demo/faces" \
    -o "$out/report" >/dev/null
python3 - "$out" "$folds" "$epochs" "$size" "$seed" <<'PY'
import csv, json, sys
out, folds, epochs, size, seed = sys.argv[1:]
flipped = set(open(out + "/flipped.txt").read().split())
rows = list(csv.DictReader(open(out + "/report/review.csv")))
top = rows[:round(len(rows) / 10)]
found = sum(r["id"] in flipped for r in top)
likely = [r for r in rows if r["likely_wrong"] == "1"]
judged = sum(r["id"] in flipped for r in rows)
metrics = json.load(open(out + "/report/metrics.json"))
print(
    f"{len(rows)} people judged, {judged} with a flipped label; {folds} folds, {epochs} epochs, "
    f"{size} x {size}, seed {seed}"
)
print(f"balanced accuracy against the labels with flips: {metrics['balanced_accuracy']:.3f}")
print(
    f"of the {len(top)} most doubtful labels {found} were flipped ({100 * found / len(top):.0f} %)")
print(
    f"called likely wrong: {len(likely)}, of which flipped "
    f"{sum(r['id'] in flipped for r in likely)}"
)
sys.exit(found < 0.6 * len(top))
PY
