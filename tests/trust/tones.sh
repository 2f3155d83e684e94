#!/usr/bin/env bash
# Skin tones read from photos against those of a simulated clinic, where they are known: prints how
# many classes agree, and fails where fewer than 95 % agree within one.
#   tones.sh BIN OUT      OUT: a new folder
# Environment: PATIENTS (100), SEED (3001), PHOTOS (6:12), SHARE (0.95).
set -eu
bin=$(cd "$1" && pwd) out=$2 here=$(cd "$(dirname "$0")" && pwd)
mkdir "$out"
"$bin/skin-synth" "$out/clinic" --patients "${PATIENTS:-100}" --seed "${SEED:-3001}" \
    --photos "${PHOTOS:-6:12}" -q
"$bin/skin-getdata" "$out/clinic" -o "$out/user_data.txt" >/dev/null
"$bin/skin-faces" "$out/user_data.txt" --images "$out/clinic/images" -o "$out/faces" >/dev/null
"$bin/skin-info" --tones "$out/faces" >"$out/tones.csv"
/usr/bin/python3 "$here/tones.py" "$out/clinic/truth.json" "$out/tones.csv" "${SHARE:-0.95}"
