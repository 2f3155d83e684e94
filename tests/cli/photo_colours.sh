#!/usr/bin/env bash
# Photos with an ICC profile: their crops are converted, or left as stored by --no-icc; the .npz and
# the model say so, and what does not agree is refused.   photo_colours.sh BIN SCRATCH
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/help.bash"
bin=$1 dir=$2 root=$(cd "$here/../.." && pwd)
needs_faces "$root"
cd "$dir" || exit 1

# One patient's photos, and the same with the profile of Display P3 from a golden.
run 0 "$bin/skin-synth" clinic --patients 1 --seed 3 --no-exif --size 300:320
/usr/bin/python3 - "$root/tests/goldens/photos/p3.webp" >user_data.txt <<'END'
import glob, json, os, struct, sys
webp = open(sys.argv[1], "rb").read()
at = webp.index(b"ICCP")
profile = webp[at + 8 : at + 8 + struct.unpack("<I", webp[at + 4 : at + 8])[0]]
body = b"ICC_PROFILE\0\1\1" + profile
names = sorted(os.path.basename(p) for p in glob.glob("clinic/images/*.jpg"))[:6]
os.makedirs("wide")
for name in names:
    jpeg = open("clinic/images/" + name, "rb").read()
    with open("wide/" + name, "wb") as out:
        out.write(jpeg[:2] + b"\xff\xe2" + struct.pack(">H", len(body) + 2) + body + jpeg[2:])
print(json.dumps(["p000", "1", "", *names]))
END
faces() { run 0 "$bin/skin-faces" user_data.txt --images "$1" -o "$2" --quality off "${@:3}"; }
faces clinic/images plain
faces wide stored --no-icc
faces wide converted
/usr/bin/python3 - <<'END' || fail "the arrays"
import sys
import numpy as np
plain, stored, converted = (np.load(f"{d}/p000.npz") for d in ("plain", "stored", "converted"))
assert "colour" not in plain.files
assert (stored["img"] == plain["img"]).all() and (stored["colour"] == 2).all()
if (converted["colour"] == 2).all():  # a build without lcms2
    sys.exit(0)
assert (converted["colour"] == 1).all()
valid = (converted["mask"] & plain["mask"]).astype(bool)
redder = converted["img"][valid].mean((0, 1, 2)) - plain["img"][valid].mean((0, 1, 2))
assert valid.any() and redder[0] > 2, redder
END
/usr/bin/python3 -c '
import numpy as np, sys
sys.exit(not (np.load("converted/p000.npz")["colour"] == 1).all())' || exit 0

# The same command with the other option replaces the file.
faces wide stored
says err "its photos' colours are as stored; it is replaced"
cmp stored/p000.npz converted/p000.npz || fail "not the same file"

# A model states which it is; photos of the other kind are refused.
/usr/bin/python3 "$here/made_people.py" . 15
trained() {
    local run=$1 kind=$2
    /usr/bin/python3 - "$kind" <<'END'
import glob, sys
import numpy as np
for path in glob.glob("faces/*.npz"):
    arrays = dict(np.load(path))
    arrays["colour"] = np.full(len(arrays["img"]), int(sys.argv[1]), np.int32)
    np.savez(path, **arrays)
END
    run 0 "$bin/skin-train" --data data --faces faces -o "$run" --preset skincredible-gap \
        --image-size 16 --epochs 1
}
trained one 1
trained two 2
grep -aq '"photo_colours":"converted"' one/model.safetensors ||
    fail "the model does not say converted"
grep -aq '"photo_colours":"as stored"' two/model.safetensors ||
    fail "the model does not say as stored"
run 1 "$bin/skin-predict" two/model.safetensors --user p000 --faces converted
says err "left as stored"
run 0 "$bin/skin-predict" one/model.safetensors --user p000 --faces converted
cp out expected
# shellcheck disable=SC2046  # names without blanks
run 0 "$bin/skin-predict" one/model.safetensors --quality off $(ls wide/*)
cmp out expected || fail "other answers from the photos than from their crops"
run 1 "$bin/skin-evaluate" one/model.safetensors --data data --faces faces
says err "left as stored"
cp converted/p000.npz faces/
run 1 "$bin/skin-train" --data data --faces faces -o three --preset skincredible-gap \
    --image-size 16 --epochs 1
says err "run skin-faces again with --force"
