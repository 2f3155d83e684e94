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
    "./ann_lee/1.png ./ann_lee/10.png ./ann_lee/2.png ./bo/april/2.png ./bo/march/10.png \
./bo/march/9.JPEG.png ./bo/march/9.jpg.png " ] ||
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
cp photos/bo/april/2.jpg copy.jpg
run 0 "$bin/skin-predict" "$root/weights/demo.safetensors" photos/bo/april/2.jpg \
    photos/bo/march/10.jpg copy.jpg
says err "copy.jpg is given more than once (it is the same photo as photos/bo/april/2.jpg)"
printf '["7", "1", "", "april/2.jpg", "march/10.jpg", "april/2.jpg"]\n' >twice.txt
run 0 "$bin/skin-faces" twice.txt --images photos/bo -o twice
says err "user 7: april/2.jpg and april/2.jpg are the same photo, which shows no change"
run 0 "$bin/skin-predict" "$root/weights/demo.safetensors" --user 7 --faces twice
says err "photos 1 and 3 of user 7 are the same"
run 0 "$bin/skin-predict" "$root/weights/demo.safetensors" photos/bo/april/2.jpg \
    photos/bo/march/10.jpg
[ ! -s err ] || fail "two photos: $(cat err)"

# A list with a byte-order mark, or with zero bytes between the names.
run 0 "$bin/skin-predict" --json "$root/weights/demo.safetensors" photos/bo/april/2.jpg \
    photos/bo/march/10.jpg
cp out expected
printf '\xef\xbb\xbf%s\r\n' photos/bo/april/2.jpg >marked
printf '%s\r\n' photos/bo/march/10.jpg >>marked
printf '%s\0' photos/bo/april/2.jpg photos/bo/march/10.jpg >zeros
for list in marked zeros; do
    "$bin/skin-predict" --json "$root/weights/demo.safetensors" - <$list >out 2>err ||
        fail "$list in standard input: $(cat err)"
    cmp out expected || fail "$list in standard input: $(cat out expected)"
done

# A link back to a folder above it adds nothing.
mkdir -p round/cy
cp photos/bo/april/2.jpg photos/bo/march/10.jpg round/cy
ln -s . round/cy/self
ln -s .. round/cy/up
ln -s ../../round/cy round/cy/again
run 0 "$bin/skin-faces" round -o rounds
says out "2 photos:"

# A date of zeros is none. Where only some photos have a date, that is told.
for date in "0000:00:00 00:00:00" "2020:13:01 00:00:00" "2020:01:00 00:00:00" \
    "2020:01:01 25:00:00" "    :  :     :  :  "; do
    rm -rf clock clocks
    mkdir -p clock/di
    /usr/bin/python3 - "$date" <<'END'
import struct, sys
def put(to, of, date):
    tiff = b"MM\0*" + struct.pack(">IHHHII", 8, 1, 0x0132, 2, 20, 26) + bytes(4) + date.encode()
    body = b"Exif\0\0" + tiff + b"\0"
    jpeg = open(of, "rb").read()
    open(to, "wb").write(jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:])
put("clock/di/1.jpg", "photos/bo/march/10.jpg", "2024:01:02 00:00:00")
put("clock/di/2.jpg", "photos/bo/march/10.jpg", sys.argv[1])
END
    run 0 "$bin/skin-faces" clock -o clocks --crops png
    says err "1 of 2 photos do not say when they were taken (di/2.jpg)"
done

for wrong in "photos -o f --all-faces" "photos -o f --align --square" \
    "photos --images photos -o f" "--detect photos --size 64" "--detect photos --crops png"; do
    # shellcheck disable=SC2086  # several words
    run 2 "$bin/skin-faces" $wrong
done
