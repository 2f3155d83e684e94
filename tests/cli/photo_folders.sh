#!/usr/bin/env bash
# Folders of photos without a list of users, lists in standard input, and crops as pictures.
#   photo_folders.sh BIN SCRATCH
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/help.bash"
bin=$1 dir=$2 root=$(cd "$here/../.." && pwd)
needs_faces "$root"
cd "$dir" || exit 1

# Two people; ann's photos have dates that go against their names, one of bo's has none.
run 0 "$bin/skin-synth" clinic --patients 1 --seed 3 --no-exif --size 300:320
mkdir -p "photos/ann lee" photos/bo/march photos/bo/april
/usr/bin/python3 - <<'END'
import glob, struct
names = sorted(glob.glob("clinic/images/*.jpg"))
def dated(date):  # an EXIF block of one tag, DateTime
    tiff = b"MM\0*" + struct.pack(">IHHHII", 8, 1, 0x0132, 2, 20,
                                  26) + bytes(4) + date.encode() + b"\0"
    body = b"Exif\0\0" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
def put(path, k, date=None):
    jpeg = open(names[k], "rb").read()
    open("photos/" + path, "wb").write(jpeg[:2] + (dated(date) if date else b"") + jpeg[2:])
put("ann lee/1.jpg", 0, "2024:03:01 10:00:00")
put("ann lee/2.jpg", 1, "2024:02:01 10:00:00")
put("ann lee/10", 2, "2024:01:01 10:00:00")
put("bo/april/2.jpg", 3, "2023:01:01 10:00:00")
put("bo/march/10.jpg", 4)
put("bo/march/9.jpg", 5, "2022:01:01 10:00:00")
put("bo/march/9.JPEG", 6, "2021:01:01 10:00:00")
put("loose.jpg", 7)
open("photos/bo/list.txt", "w").write("not a photo\n")
open("photos/bo/.hidden.jpg", "wb").write(open(names[0], "rb").read())
open("photos/bo/pixel.gif", "wb").write(b"GIF89a" + bytes(40))
lists = [["ann_lee", "1", "", "ann lee/10", "ann lee/2.jpg", "ann lee/1.jpg"],
         ["bo", "1", "", "bo/april/2.jpg", "bo/march/9.JPEG", "bo/march/9.jpg", "bo/march/10.jpg"]]
import json
open("same.txt", "w").write("".join(json.dumps(row) + "\n" for row in lists))
END

run 0 "$bin/skin-faces" photos -o folder --crops png
says err "1 photos lie beside the people's folders"
says err "pixel.gif: a GIF picture, which is not read; left out"
says out "2 users: 2 written"
run 0 "$bin/skin-faces" same.txt --images photos -o list
for user in ann_lee bo; do
    cmp folder/$user.npz list/$user.npz || fail "$user: the folder is not the list in order of time"
done
[ "$(cd folder && find . -name '*.png' | sort | tr '\n' ' ')" = \
    "./ann_lee/1.png ./ann_lee/10.png ./ann_lee/2.png ./bo/april/2.png ./bo/march/10.png ./bo/march/9.JPEG.png ./bo/march/9.jpg.png " ] ||
    fail "crops: $(find folder -name '*.png')"

# A crop as a picture is the crop in the arrays; those of a finished user come back.
run 0 "$bin/skin-predict" --crops --json "$root/weights/demo.safetensors" folder/ann_lee/10.png \
    folder/ann_lee/2.png folder/ann_lee/1.png
cp out expected
run 0 "$bin/skin-predict" --json "$root/weights/demo.safetensors" --user ann_lee --faces folder
cmp out expected || fail "the pictures are judged otherwise than the arrays: $(cat out expected)"
run 0 "$bin/skin-predict" --json "$root/weights/demo.safetensors" "photos/ann lee" --quality off
cmp out expected || fail "the folder is judged otherwise than its crops: $(cat out expected)"
run 0 "$bin/skin-faces" photos -o folder --crops png
says out "2 finished before"
rm folder/ann_lee/10.png
run 0 "$bin/skin-faces" photos -o folder --crops png
says err "ann_lee.npz: its crops are not there; it is replaced"
[ -s folder/ann_lee/10.png ] || fail "the crop did not come back"

# One person's folder; other sides and cuts; the list in standard input.
run 0 "$bin/skin-faces" photos/bo/march -o march --size 64 --square --crops jpg
[ -s march/march/10.jpg ] || fail "one person: $(find march)"
"$bin/skin-faces" - --images photos -o input --size 64 <same.txt >out 2>err ||
    fail "a list in standard input: $(cat err)"
/usr/bin/python3 - <<'END' || fail "the sides of the crops"
import numpy as np
square, box = np.load("march/march.npz")["img"], np.load("input/bo.npz")["img"]
assert square.shape == (3, 64, 64, 3) and box.shape == (4, 64, 64, 3)
assert (square[0] != box[1]).any()
END

# Single pictures: a folder stands for its photos, - for a list.
run 0 "$bin/skin-faces" --detect photos
cp out expected
[ "$(grep -c ' face' out)" = 8 ] || fail "--detect of a folder: $(cat out)"
find photos -name '*.jpg' ! -name '.*' -o -name 10 -o -name '*.JPEG' | sort -V >names
"$bin/skin-faces" --detect - <names >out 2>err || fail "--detect -: $(cat err)"
[ "$(sort out)" = "$(sort expected)" ] || fail "--detect -: $(cat out)"
mkdir empty
run 1 "$bin/skin-faces" --detect empty
says err "empty: there are no photos in this folder"
run 1 "$bin/skin-faces" empty -o none
says err "empty: there are no photos in it"

# All faces of a photo, the chosen one first.
"$bin/bench" --write-photo crowd.jpg 2>/dev/null && mkdir -p many/all && mv crowd.jpg many/all/ ||
    fail "no crowd"
run 0 "$bin/skin-faces" many -o every --crops png --all-faces --quality off
faces=$("$bin/skin-faces" --detect --json many/all/crowd.jpg | jq '.faces | length')
[ "$faces" -ge 5 ] && [ "$(find every/all -name 'crowd*.png' | wc -l)" = "$faces" ] &&
    [ -s "every/all/crowd_$faces.png" ] ||
    fail "$faces faces, but $(find every -name '*.png')"
run 0 "$bin/skin-predict" --crops --json "$root/weights/demo.safetensors" every/all/crowd.png
cp out expected
run 0 "$bin/skin-predict" --json "$root/weights/demo.safetensors" --user all --faces every
cmp out expected || fail "the chosen face is not the first"

# Crops never land among the photos: they would replace those of the same name.
ln -s many other
cp many/all/crowd.jpg crowd.jpg
for out in many ./many/. other; do
    run 1 "$bin/skin-faces" many -o "$out" --crops jpg --quality off
    says err "among the photos"
    cmp many/all/crowd.jpg crowd.jpg || fail "-o $out replaced a photo"
    [ ! -e many/all.npz ] || fail "-o $out wrote a series"
done
run 0 "$bin/skin-faces" many -o many/faces --crops jpg --quality off
rm -r many/faces

# One photo, or one twice, shows no change.
run 0 "$bin/skin-predict" "$root/weights/demo.safetensors" photos/bo/april/2.jpg
says err "only one photo could be used"
run 0 "$bin/skin-predict" "$root/weights/demo.safetensors" photos/bo/april/2.jpg \
    photos/bo/march/10.jpg photos/./bo/april/2.jpg
says err "photos/./bo/april/2.jpg is given more than once"
run 0 "$bin/skin-predict" "$root/weights/demo.safetensors" photos/bo/april/2.jpg \
    photos/bo/march/10.jpg
[ ! -s err ] || fail "two photos: $(cat err)"

for wrong in "photos -o f --all-faces" "photos -o f --align --square" \
    "photos --images photos -o f" "--detect photos --size 64" "--detect photos --crops png"; do
    # shellcheck disable=SC2086  # several words
    run 2 "$bin/skin-faces" $wrong
done
