#!/usr/bin/env bash
# skin-info --tones: classes near the truth of a small simulated clinic, a table that --groups
# takes, files that cannot be read.
set -u
. "$(dirname "$0")/help.bash"
bin=$1 dir=$2 here=$(cd "$(dirname "$0")" && pwd) root=$(cd "$(dirname "$0")/../.." && pwd)
needs_faces "$root"
cd "$dir" || exit 1

PATIENTS=14 PHOTOS=6:6 SEED=11 SHARE=0.9 run 0 "$here/../trust/tones.sh" "$bin" made
cat out
cut -d, -f2 made/tones.csv | sort -u >groups
[ "$(wc -l <groups)" -ge 5 ] || fail "everyone has one tone: $(cat groups)"
[ "$(head -1 made/tones.csv)" = "id,group,angle,photos" ] || fail "$(head -1 made/tones.csv)"

# ---- a light that is warmer and dimmer changes the photos, not the person ----
mkdir warm
/usr/bin/python3 - <<'PY'
import glob, os
import numpy as np
for path in glob.glob("made/faces/*.npz"):
    a = dict(np.load(path))
    light = (a["img"] / 255.0) ** 2.2 * [0.8, 0.7, 0.55]
    a["img"] = np.rint(255 * light ** (1 / 2.2)).astype(np.uint8)
    np.savez("warm/" + os.path.basename(path), **a)
PY
run 0 "$bin/skin-info" --tones warm
/usr/bin/python3 - <<'PY' || fail "the light changes the tone"
import csv

before, after = ({
    r["id"]: float(r["angle"])
    for r in csv.DictReader(open(f))
}
                 for f in ("made/tones.csv", "out"))
assert list(before) == list(after) and len(before) > 10
shift = sorted(abs(before[k] - after[k]) for k in before)
print("largest change of the angle:", shift[-1])
assert shift[len(shift) // 2] < 3 and shift[-1] < 12
PY

# ---- nobody, no eyes, bad files ----
mkdir none odd
run 1 "$bin/skin-info" --tones none
says err "none: no face crops in it"
one_line
/usr/bin/python3 - <<'PY'
import numpy as np
n = np.zeros
np.savez(
    "odd/flat.npz", img=np.full((2, 160, 160, 3), 120, np.uint8), mask=np.ones(2, bool),
    box=np.tile(np.array([0, 0, 160, 160], np.int32), (2, 1)),
    landmarks=np.tile(np.array([[50, 60], [110, 60], [80, 90], [60, 120], [100, 120]], np.float32),
                      (2, 1, 1)))
np.savez("odd/nowhere.npz", img=np.full((1, 160, 160, 3), 120, np.uint8), mask=np.ones(1, bool),
         box=np.ones((1, 4), np.int32), landmarks=np.full((1, 5, 2), np.nan, np.float32))
open("odd/cut.npz", "wb").write(b"PK\x03\x04")
PY
run 1 "$bin/skin-info" --tones odd
says out "flat,,,0" # no white in the eyes
says out "nowhere,,,0"
says err "odd/cut.npz"
says err "odd: 1 of 3 files could not be read"
run 2 "$bin/skin-info" --tones odd file.npz
echo "all passed"
