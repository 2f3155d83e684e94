#!/usr/bin/env bash
# Which photos are told as unfamiliar: people of a test part as they are, and as drawings, with
# masks, as an animal, through another camera and filters; prints the share told for each, and the
# reasons.
#
#   unfamiliar.sh BIN MODEL DATA FACES OUT
#
# MODEL is calibrated (skin-evaluate --calibrate) on other people than the test part of DATA; OUT is
# a new folder. Environment: PEOPLE (40).
set -eu
bin=$(cd "$1" && pwd) model=$2 data=$3 faces=$4 out=$5 here=$(cd "$(dirname "$0")" && pwd)
mkdir "$out"
mkdir "$out/data"
cp "$data"/*.json "$out/data/"
jq --argjson n "${PEOPLE:-40}" '.test |= .[:$n]' "$data/partition.json" >"$out/data/partition.json"
/usr/bin/python3 "$here/variants.py" "$faces" "$out/data" "$out"
for variant in "$out"/faces_*; do
    name=${variant##*/faces_}
    "$bin/skin-evaluate" "$model" --data "$out/data" --faces "$variant" -o "$out/$name" \
        -q >/dev/null
done
/usr/bin/python3 - "$out" <<'PY'
import collections, csv, glob, os, sys
bad = []
plain = {"as_they_are"}
subtle = {"camera", "vivid", "warm"} # a camera, colours, that some of the simulated photos have
for path in sorted(glob.glob(sys.argv[1] + "/*/predictions.csv")):
    name = os.path.basename(os.path.dirname(path))
    rows = list(csv.DictReader(open(path)))
    told = [r["unfamiliar"] for r in rows if r["unfamiliar"]]
    reasons = ", ".join(f"{r} {n}" for r, n in collections.Counter(told).most_common(3))
    print(f"{name:12s} {len(told):3d} of {len(rows)} people told as unfamiliar   {reasons}")
    share = len(told) / len(rows)
    if name in plain and share > 0.1 or name not in plain | subtle and share < 0.95:
        bad.append(name)
sys.exit("too many or too few: " + " ".join(bad) if bad else 0)
PY
