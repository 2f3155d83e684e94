#!/usr/bin/env bash
# skin-faces: what is found on a real photograph, bad input, resuming, interruption, the same bytes
# for any number of threads.
set -u
. "$(dirname "$0")/help.bash"
bin=$1 dir=$2 python=/usr/bin/python3 # the one that Debian's packages are for
photo=/usr/lib/python3/dist-packages/skimage/data/astronaut.png \
    # NASA, public domain; Debian's python3-skimage
[ -f "$photo" ] || { echo "needs python3-skimage for its photograph"; exit 77; }
cd "$dir" || exit 1

# ---- one real photograph: against mtcnn 0.1.1, MTCNN().detect_faces(photo), which cuts the
# fractions of the landmarks off ----
run 0 "$bin/skin-faces" --detect --json "$photo"
jq -e '.width == 512 and .height == 512 and (.faces | length) == 1' out >/dev/null ||
    fail "one face in 512 x 512: $(cat out)"
jq -e '.faces[0].box == [179, 60, 89, 113]' out >/dev/null || fail "box: $(cat out)"
jq -e '(.faces[0].score - 0.9999951124191284) | fabs < 1e-5' out >/dev/null ||
    fail "score: $(cat out)"
jq -e '.faces[0].landmarks | [.left_eye, .right_eye, .nose, .mouth_left, .mouth_right]
    | map(map(floor)) == [[203, 101], [246, 103], [224, 128], [201, 139], [244, 141]]' out \
    >/dev/null || fail "landmarks: $(cat out)"

jq -e '.faces[0] | (.corners | map(round)) == [180, 60, 268, 174]
    and .box[0] == (.corners[0] | trunc)' out >/dev/null || fail "corners: $(cat out)"

# ---- the same by other profiles, which have their own thresholds; a reduced picture; a cap ----
run 0 "$bin/skin-faces" --detect --json --profile mtcnn-1.0 "$photo"
jq -e '.faces[0].box == [181, 63, 83, 108]' out >/dev/null || fail "mtcnn-1.0: $(cat out)"
cp out expected
run 0 "$bin/skin-faces" --detect --json --profile mtcnn-1.0 --thresholds 0.6,0.7,0.8 "$photo"
cmp -s out expected || fail "mtcnn-1.0 has thresholds 0.6,0.7,0.8: $(cat out)"
run 0 "$bin/skin-faces" --detect --json --profile mtcnn-1.0 --thresholds 0.6,0.7,0.9995 "$photo"
jq -e '.faces == []' out >/dev/null || fail "--thresholds over a profile: $(cat out)"
run 0 "$bin/skin-faces" --detect --json --max-side 256 --check-landmarks "$photo"
jq -e '(.faces | length) == 1 and .faces[0].box != [179, 60, 89, 113]
    and ((.faces[0].box[2] - 89) | fabs) < 10' out >/dev/null || fail "--max-side: $(cat out)"
run 0 "$bin/skin-faces" --detect --json --min-face-fraction 0.5 "$photo"
jq -e '.faces == []' out >/dev/null || fail "--min-face-fraction: $(cat out)"
run 0 "$bin/skin-faces" --detect --json --max-candidates 1 "$photo"
jq -e '(.faces | length) <= 1' out >/dev/null || fail "--max-candidates: $(cat out)"

# ---- photos for the rest: small, of every kind ----
mkdir -p photos/a
$python - "$photo" <<'PY' || fail "making the photos needs python3-pil"
import sys
from PIL import Image
face = Image.open(sys.argv[1]).convert("RGB").crop((120, 10, 330, 220))
turned = {
    1: None,
    2: Image.FLIP_LEFT_RIGHT,
    3: Image.ROTATE_180,
    4: Image.FLIP_TOP_BOTTOM,
    5: Image.TRANSPOSE,
    6: Image.ROTATE_90,
    7: Image.TRANSVERSE,
    8: Image.ROTATE_270
}
for orientation, how in turned.items():
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = face if how is None else face.transpose(how)
    stored.save(f"photos/o{orientation}.png", exif=exif)
for name, how in dict(right=Image.ROTATE_270, half=Image.ROTATE_180, left=Image.ROTATE_90).items():
    face.transpose(how).save(f"photos/{name}.png")
face.rotate(20, Image.BICUBIC).save("photos/tilted.png")
face.save("photos/a/1.jpg", quality=90)
face.resize((180, 180)).save("photos/a/2.jpg", quality=80)
face.save("photos/png.jpg", format="PNG")
Image.new("RGB", (100, 80), (90, 120, 60)).save("photos/field.png")
PY
head -c 3000 photos/a/1.jpg >photos/short.jpg
: >photos/empty.jpg
echo "not a picture" >photos/text.jpg

# ---- all eight EXIF orientations give the same face, and the same crop to the last bit ----
run 0 "$bin/skin-faces" --detect --json photos/o?.png
[ "$(jq -c .faces out | sort -u | wc -l)" = 1 ] || fail "EXIF orientations differ: $(cat out)"
[ "$(jq -e '.faces | length' out | sort -u)" = 1 ] || fail "EXIF orientations: no face"
jq -cn '["8", "1", "n"] + [range(1; 9) | "o\(.).png"]' >eight.txt
run 0 "$bin/skin-faces" eight.txt --images photos -o eight
$python -c '
import numpy as np
z = np.load("eight/8.npz")
assert z["mask"].all() and z["img"][0].std() > 20
for name in ("img", "box", "score", "landmarks", "photo"): assert (z[name] == z[name][0]).all(), name' ||
    fail "EXIF orientations: the crops differ"

# ---- bad pictures: a line each, the good ones go on, in order ----
run 1 "$bin/skin-faces" --detect --json photos/png.jpg photos/short.jpg photos/empty.jpg \
    photos/text.jpg photos/none.jpg photos/field.png
expected="$(printf 'photos/%s.jpg ' png short empty text none)photos/field.png "
[ "$(jq -r .image out | tr '\n' ' ')" = "$expected" ] || fail "order: $(cat out)"
[ "$(jq -c '.faces | length' out | tr '\n' ' ')" = "1 0 0 0 0 0 " ] || fail "faces: $(cat out)"
[ "$(jq -c 'has("error")' out | tr '\n' ' ')" = "false true true true true false " ] ||
    fail "errors: $(cat out)"
says err "photos/short.jpg: truncated JPEG"
says err "photos/empty.jpg: the file is empty"
says err "photos/text.jpg: not a JPEG, PNG, WebP"
says err "photos/none.jpg: cannot read: No such file"
says err "4 of 6 pictures skipped"
[ "$(wc -l <err)" = 5 ] || fail "one line each: $(cat err)"

run 0 "$bin/skin-faces" --detect --draw drawn photos/png.jpg photos/a/1.jpg photos/o1.png
says out "210x210, 1 face"
[ -s drawn/png.jpg ] && [ -s drawn/1.jpg ] && [ -s drawn/o1.jpg ] || fail "--draw: $(ls drawn)"

# ---- a photo that lies on its side and says nothing of it: found when turned, with the same face
# in the same crop as upright (a surer face is
#      asked for, since O-Net half believes in one that lies on its right ear) ----
sure="--thresholds 0.6,0.7,0.99"
for how in right half left; do
    run 0 "$bin/skin-faces" --detect --json --retry-rotated $sure photos/$how.png
    turn=$(jq .rotation out) # the way back
    jq -e --arg how $how '.rotation == {right: 270, half: 180, left: 90}[$how]' out >/dev/null ||
        fail "$how: turned by $turn: $(cat out)"
    run 0 "$bin/skin-faces" --detect --json $sure photos/$how.png
    jq -e '.faces == [] and (has("rotation") | not)' out >/dev/null ||
        fail "$how without --retry-rotated: $(cat out)"
done
run 0 "$bin/skin-faces" --detect --json --retry-rotated $sure photos/o1.png photos/right.png \
    photos/field.png
jq -se '.[0].faces == .[1].faces and (map(.rotation) == [0, 270, 0]) and .[2].faces == []' out \
    >/dev/null || fail "turned: $(cat out)"
echo '["r", "1", "n", "o1.png", "right.png", "half.png", "left.png", "field.png"]' >turned.txt
run 0 "$bin/skin-faces" turned.txt --images photos -o turned $sure --retry-rotated --sheet sheets
$python -c '
import numpy as np
z = np.load("turned/r.npz")
assert z["rotation"].tolist() == [0, 270, 180, 90, 0] and z["mask"].tolist() == [True] * 4 + [False]
for name in ("img", "box", "landmarks", "photo"): assert (z[name][:4] == z[name][0]).all(), name' ||
    fail "turned: the crops differ"
NBASE_VERBOSE=1 run 0 "$bin/skin-faces" turned.txt --images photos -o again $sure --retry-rotated \
    --threads 1
[ "$(grep -c 'mtcnn: searched' err)" = 17 ] ||
    fail "o1 once, the other four in each of four turns: $(grep -c 'mtcnn: searched' err) searches"
cmp -s turned/r.npz again/r.npz || fail "turned: another run gives other bytes"
for side in 200 100; do # reduced and turned, no face is lost either
    run 0 "$bin/skin-faces" turned.txt --images photos -o turned-$side $sure --retry-rotated \
        --max-side $side
    $python -c '
import sys, numpy as np
z = np.load(sys.argv[1])
assert z["rotation"].tolist() == [0, 270, 180, 90, 0] and z["mask"].tolist() == [True] * 4 + [False]
assert (abs(z["box"][:4] - z["box"][0]) <= 2).all(), z["box"]' turned-$side/r.npz ||
    fail "turned and reduced to $side"
done
run 0 "$bin/skin-faces" --detect sheets/r.jpg
says out "836x172, 4 faces"

# ---- cut along the landmarks, a face that is held askew looks like the upright one; cut along the
# box, it does not ----
echo '["t", "1", "n", "o1.png", "tilted.png"]' >tilted.txt
run 0 "$bin/skin-faces" tilted.txt --images photos -o aligned --align --margin 0.2
run 0 "$bin/skin-faces" tilted.txt --images photos -o boxes --margin 0.2
$python -c '
import numpy as np
def apart(folder):
    img = np.load(folder + "/t.npz")["img"].astype(float)
    assert img.shape == (2, 160, 160, 3)
    return abs(img[0] - img[1])[40:120, 40:120].mean()
aligned, boxes = apart("aligned"), apart("boxes")
print(aligned, boxes)
assert aligned < 15 and boxes > 2 * aligned' || fail "--align"

# ---- a photo of 50 megapixels: what it takes is the decoded picture, the decoder's planes, and
# little more ----
$python - "$bin/skin-faces" <<'PY' || fail "50 megapixels"
import json, resource, subprocess, sys
from PIL import Image
page = Image.new("RGB", (8660, 5774), (70, 90, 110))
page.paste(Image.open("photos/o1.png").resize((420, 420)), (6000, 3000))
page.save("photos/large.jpg", quality=90)
out = subprocess.run([sys.argv[1], "--detect", "--json", "--min-face", "60", "photos/large.jpg"],
                     capture_output=True, text=True, check=True).stdout
found = json.loads(out)
assert (found["width"], found["height"]) == (8660, 5774) and len(found["faces"]) == 1, out
assert abs(found["faces"][0]["box"][0] - 6119) < 20, out
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
print("50 megapixels: %.0f MB at the most" % peak)
assert peak < 450, peak
PY
rm photos/large.jpg

# ---- wrong usage ----
run 2 "$bin/skin-faces"
run 2 "$bin/skin-faces" users.txt --images photos
run 2 "$bin/skin-faces" users.txt -o faces
run 2 "$bin/skin-faces" --detect --thresholds 0.6,0.7 photos/o1.png
run 2 "$bin/skin-faces" --detect --choose best photos/o1.png
run 2 "$bin/skin-faces" --detect --profile best photos/o1.png
run 2 "$bin/skin-faces" --detect --align photos/o1.png
run 2 "$bin/skin-faces" --detect --factor 0.98 photos/o1.png
run 1 "$bin/skin-faces" --detect --max-side 5 photos/o1.png
says err "max_side 5 is less than 12"
run 1 "$bin/skin-faces" --detect --weights photos/text.jpg photos/o1.png
says err "make weights"

# ---- users: one whole, one with bad photos among good ones, one without photos, one with none
# readable ----
cat >users.txt <<'LIST'
["1", "1", "better", "a/1.jpg", "a/2.jpg", "o3.png"]
["2", "0", "worse", "short.jpg", "a/1.jpg", "field.png", "none.jpg"]
["3", "1", "no photos"]
["4", "0", "all broken", "short.jpg", "empty.jpg"]
["5", "0", "worse", "png.jpg"]
LIST
run 1 "$bin/skin-faces" users.txt --images photos -o faces --json
jq -e 'del(.reasons) == {users: 5, written: 3, finished_before: 0, skipped: 2, photos: 8,
        unreadable: 2, without_face: 1, several_faces: 0, poor: 0}' out >/dev/null ||
        fail "$(cat out)"
says err "user 2: photos/short.jpg: truncated JPEG"
says err "user 2: photos/none.jpg: cannot read"
says err "user 3 has no photos"
says err "user 4: none of the 2 photos"
says err "2 of 5 users skipped"
[ "$(echo faces/*)" = "faces/1.npz faces/2.npz faces/5.npz" ] || fail "files: $(ls faces)"
$python - <<'PY' || fail "the arrays of faces/2.npz"
import numpy as np
z = np.load("faces/2.npz")
assert z["img"].shape == (4, 160, 160, 3) and z["img"].dtype == np.uint8
assert z["mask"].tolist() == [False, True, False, False] and z["mask"].dtype == bool
assert z["frame"].tolist() == [0, 1, 2, 3]
assert z["photo"].tolist() == [[0, 0], [210, 210], [100, 80], [0, 0]]
assert not z["img"][[0, 2, 3]].any() and z["img"][1].std() > 20
assert not z["box"][[0, 2, 3]].any() and abs(z["box"][1] - [59, 50, 89, 113]).max() <= 6, z["box"]
assert z["score"][1] > 0.99 and z["landmarks"].shape == (4, 5, 2)
PY

# ---- again: what is finished stays, what is damaged is made again, to the same bytes ----
cp -r faces before
head -c 500 before/1.npz >faces/1.npz
touch faces/5.npz.tmp-123 # left by a killed run
run 1 "$bin/skin-faces" users.txt --images photos -o faces --json
jq -e '.written == 1 and .finished_before == 2' out >/dev/null || fail "$(cat out)"
says err "faces/1.npz"
diff -r faces before || fail "made again, the files differ"

# ---- a user who has sent another photo since is made again ----
sed 's/"png.jpg"/"png.jpg", "o3.png"/' users.txt >more.txt
run 0 "$bin/skin-faces" more.txt --images photos -o faces --start 4 --json
jq -e '.written == 1 and .photos == 2' out >/dev/null || fail "$(cat out)"
says err "faces/5.npz: it holds 1 crops of side 160 where 2 of 160 are due; it is replaced"

# ---- threads and shards ----
run 1 "$bin/skin-faces" users.txt --images photos -o one --threads 1
run 0 "$bin/skin-faces" users.txt --images photos -o shards --end 2
run 1 "$bin/skin-faces" users.txt --images photos -o shards --start 2 --end 99 --threads 3
diff -r one before && diff -r shards before || fail "threads or shards change the bytes"

# ---- a full disk: the limit on file sizes stands for it ----
(trap '' XFSZ; ulimit -f 20; exec "$bin/skin-faces" users.txt --images photos -o full --end 2 \
    --json >out 2>err)
[ $? = 1 ] || fail "a full disk must be a failure"
says err "full/1.npz: cannot write"
says err "2 of 2 users skipped"
[ -z "$(ls -A full)" ] || fail "left behind on a full disk: $(ls -A full)"

# ---- a line that is broken, a list that is not there ----
echo '["1", "1"]' >broken.txt
run 1 "$bin/skin-faces" broken.txt --images photos -o faces
says err "broken.txt: line 1: expected an array"
run 1 "$bin/skin-faces" none.txt --images photos -o faces
says err "none.txt: cannot read"

# ---- stopped in the middle, by Ctrl-C and by SIGKILL: nothing half-written, and the next run
# finishes it ----
for i in $(seq 1 10); do echo "[\"$i\", \"1\", \"n\", \"a/2.jpg\"]"; done >many.txt
run 0 "$bin/skin-faces" many.txt --images photos -o whole
for signal in INT KILL; do
    "$bin/skin-faces" many.txt --images photos -o "cut$signal" --threads 1 >out 2>err &
    pid=$!
    for _ in $(seq 1 600); do
        [ -n "$(find "cut$signal" -name '*.npz' 2>/dev/null)" ] && break
        sleep 0.02
    done
    kill -$signal $pid
    wait $pid 2>/dev/null
    status=$?
    count=$(find "cut$signal" -name '*.npz' | wc -l)
    [ "$count" -gt 0 ] && [ "$count" -lt 10 ] || fail "SIG$signal came too late: $count of 10 users"
    if [ $signal = INT ]; then
        [ $status = 1 ] || fail "interrupted: exit status $status"
        says err "run the same command again"
        [ -z "$(find cutINT -name '*tmp*')" ] || fail "left behind: $(ls cutINT)"
    fi
    for file in "cut$signal"/*.npz; do
        cmp -s "$file" "whole/${file#*/}" || fail "$file is half-written"
    done
    run 0 "$bin/skin-faces" many.txt --images photos -o "cut$signal"
    diff -r "cut$signal" whole || fail "resumed after SIG$signal, the files differ"
done
echo "passed"
