#!/usr/bin/env bash
# skin-faces on poor photos made from a real one: each is masked with its reason, the good ones are
# not, and the limits can be moved.   quality.sh BIN SCRATCH
set -u
bin=$1 python=/usr/bin/python3
photo=/usr/lib/python3/dist-packages/skimage/data/astronaut.png \
    # NASA, public domain; Debian's python3-skimage
[ -f "$photo" ] || { echo "needs python3-skimage for its photograph"; exit 77; }
cd "$2" || exit 1
fail() { echo "FAILED: $*"; exit 1; }

$python - "$photo" <<'PY' >users.txt || fail "making the photos needs python3-pil"
import json, os, sys
from PIL import Image, ImageEnhance, ImageFilter
os.makedirs("photos")
face, names = Image.open(sys.argv[1]).convert("RGB").crop((120, 10, 330, 220)), []
def save(name, picture):
    picture.save(f"photos/{name}.jpg", quality=88)
    names.append(name + ".jpg")
save("good", face)
save("softer", face.filter(ImageFilter.GaussianBlur(1)))
save("half", face.resize((105, 105), Image.LANCZOS))
save("darker", ImageEnhance.Brightness(face).enhance(0.4))
save("leaning", face.rotate(-15, fillcolor=(90, 90, 90)))
save("blurred", face.filter(ImageFilter.GaussianBlur(3)))
save("large_blurred", face.resize((840, 840), Image.BICUBIC).filter(ImageFilter.GaussianBlur(12)))
save("dark", ImageEnhance.Brightness(face).enhance(0.1))
save("bright", ImageEnhance.Brightness(face).enhance(1.5))
save("small", face.resize((63, 63), Image.LANCZOS))
save("tilted", face.rotate(-45, fillcolor=(90, 90, 90)))
two = Image.new("RGB", (420, 210))
two.paste(face, (0, 0))
two.paste(face.transpose(Image.FLIP_LEFT_RIGHT), (210, 0))
save("twins", two)
far = Image.new("RGB", (600, 600), (90, 90, 90))
far.paste(face.resize((130, 130), Image.LANCZOS), (200, 200))
save("far", far)
save("field", Image.new("RGB", (100, 80), (90, 120, 60)))
print(json.dumps(["1", "1", "note"] + names))
print(json.dumps(["2", "1", "note", "good.jpg", "none.jpg"]))
PY
cat >reasons.py <<'PY'
import json, sys, numpy as np
names = json.loads(open("users.txt").readline())[3:]
codes = "unreadable no_face blurred dark bright clipped small turned tilted several scale pose"
codes = codes.split()
z = np.load(sys.argv[1] + "/1.npz")
assert z["quality"].shape == (
    len(names), 8) and z["quality"].dtype == np.float32 and z["reason"].dtype == np.int32
assert ((z["reason"] == 0) == z["mask"]).all()
for n, r, crop in zip(names, z["reason"], z["img"]):
    assert crop.any() == (n != "field.jpg"), n  # a poor photo's crop is kept, to be looked at
    print(n[:-4] + ":" + "+".join(c for b, c in enumerate(codes) if r >> b & 1), end=" ")
PY
said() { $python reasons.py "$1" || fail "the arrays of $1"; }

"$bin/skin-faces" users.txt --images photos -o faces --json >out 2>err || fail "$(cat err)"
expected="good: softer: half: darker: leaning: blurred:blurred large_blurred:blurred dark:dark "
expected+="bright:bright+clipped small:small tilted:tilted twins:several far:scale field:no_face "
[ "$(said faces)" = "$expected" ] || fail "reasons: $(said faces)"
jq -e '.photos == 16 and .unreadable == 1 and .without_face == 1 and .poor == 8
    and .reasons.blurred == 2 and .reasons.no_face == 1 and .reasons.unreadable == 1
    and .reasons.pose == 0' out >/dev/null ||
    fail "the report: $(cat out)"
"$bin/skin-faces" users.txt --images photos -o again >out 2>err || fail "$(cat err)"
poor="8 of them poor photos: 2 blurred, 1 dark, 1 bright, 1 clipped, 1 small, 1 tilted, 1 several"
grep -qF "10 masked (62.5 %), $poor, 1 scale" out || fail "the report: $(cat out)"

"$bin/skin-faces" users.txt --images photos -o off --quality off >out 2>err || fail "$(cat err)"
expected="good: softer: half: darker: leaning: blurred: large_blurred: dark: bright: small: tilted: "
expected+="twins: far: field:no_face "
[ "$(said off)" = "$expected" ] || fail "off: $(said off)"
grep -qF ' 0 of them poor photos' out || fail "off: $(cat out)"
"$bin/skin-faces" users.txt --images photos -o strict --quality \
    sharpness=0.5,side=60,dark=150,scale=1000 >out 2>err || fail "$(cat err)"
expected="good: softer:blurred half:blurred+small darker:dark leaning: blurred:blurred "
expected+="large_blurred:blurred dark:dark bright:bright+clipped small:blurred+small tilted:tilted "
expected+="twins:several far:small field:no_face "
[ "$(said strict)" = "$expected" ] || fail "strict: $(said strict)"
"$bin/skin-faces" users.txt --images photos -o x --quality blur=1 2>err && fail "an unknown limit"
grep -qF "'blur=1' is no limit" err || fail "$(cat err)"
echo "passed"
