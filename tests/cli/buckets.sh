#!/usr/bin/env bash
# Photos from a bucket, face crops into a bucket, and every later step from there: the bytes of the
# local folders; then everything that can go wrong on the way. The server is our own
# (tests/s3/server.py): it verifies every signature and fails on demand.   buckets.sh BIN SCRATCH
set -u
. "$(dirname "$0")/help.bash"
bin=$(cd "$1" && pwd) here=$(cd "$(dirname "$0")" && pwd) python=${PYTHON:-/usr/bin/python3}
photo=/usr/lib/python3/dist-packages/skimage/data/astronaut.png \
    # NASA, public domain; Debian's python3-skimage
[ -f "$photo" ] || { echo "needs python3-skimage for its photograph"; exit 77; }
cd "$2" || exit 1
unset AWS_PROFILE AWS_SESSION_TOKEN AWS_ENDPOINT_URL_S3
export AWS_ACCESS_KEY_ID=AKIDEXAMPLE \
    AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY AWS_REGION=us-east-1 \
    AWS_SHARED_CREDENTIALS_FILE=/nonexistent AWS_CONFIG_FILE=/nonexistent
export AWS_STALL_SECONDS=1

# ---- a small clinic; some photos lie where the server fails a few times, and one name needs
# encoding ----
$python - "$photo" <<'PY' || fail "making the photos needs python3-pil"
import json, os, sys
from PIL import Image
face = Image.open(sys.argv[1]).convert("RGB").crop((120, 10, 330, 220))
folders = ["", "fail503-2/", "cut-2/", "slow/", "stall-1/", "a b+c/"]
users = open("users.txt", "w")
for u in range(12):
    names = []
    for k in range(3):
        folder = folders[(u + k) % len(folders)]
        name = f"{folder if u < 3 or folder in folders[::5] else str()}{u}_{k}.jpg"
        os.makedirs(os.path.dirname("clinic/images/" + name), exist_ok=True)
        face.crop((u, k, 200 + u % 8, 200 + k)).resize(
            (150, 150)).save("clinic/images/" + name, quality=85)
        names.append(name)
    print(json.dumps([str(u), str(u % 2), "note"] + names), file=users)
PY
mkfifo server.in server.out
$python "$here/../s3/server.py" --root clinic --dump dump <server.in >server.out &
exec {server}>server.in
read -r port <server.out
export AWS_ENDPOINT_URL=http://127.0.0.1:$port
if ! "$bin/skin-faces" users.txt --images s3://clinic/images -o probe --end 1 >out 2>err &&
    grep -q 'no libcurl' err; then
    echo "this build has no libcurl"
    exit 77
fi
rm -rf probe

# ---- skin-faces: in any combination of places ----
run 0 "$bin/skin-faces" users.txt --images clinic/images -o faces
run 0 "$bin/skin-faces" users.txt --images s3://clinic/images -o fetched
diff -r faces fetched || fail "photos from the bucket give other crops"
run 0 "$bin/skin-faces" users.txt --images clinic/images -o s3://clinic/sent/ --end 7 --threads 3
run 0 "$bin/skin-faces" users.txt --images s3://clinic/images -o s3://clinic/sent/ \
    --json # the rest, as after a break
jq -e '.written == 5 and .finished_before == 7' out >/dev/null ||
    fail "going on in a bucket: $(cat out)"
run 0 "$bin/skin-faces" users.txt --images s3://clinic/images -o s3://clinic/sent --sheet sheets \
    --json
jq -e '.written == 0 and .finished_before == 12' out >/dev/null ||
    fail "a finished bucket: $(cat out)"
[ "$(find sheets -name '*.jpg' | wc -l)" = 12 ] || fail "contact sheets from a bucket"

# ---- the later steps ----
run 0 "$bin/skin-split" users.txt -o data --test 0.2 --validation 0.2 --faces faces
run 0 "$bin/skin-split" users.txt -o data2 --test 0.2 --validation 0.2 --faces s3://clinic/sent
diff -r data data2 || fail "skin-split from a bucket"
settings="--epochs 1 --image-size 16 --frames 3 --batch 4 --preset skincredible-gap --quiet"
settings+=" --threads 1"
run 0 "$bin/skin-augment" --data data --faces faces
run 0 "$bin/skin-augment" --data data2 --faces s3://clinic/sent
diff -r data data2 || fail "skin-augment in a bucket"
run 0 "$bin/skin-train" --data data --faces faces -o run $settings
run 0 "$bin/skin-train" --data data --faces s3://clinic/sent -o run2 $settings
run 0 "$bin/skin-train" --data data --faces s3://clinic/sent -o run3 $settings \
    --cache 0 # read from the bucket again in every epoch
for r in run2 run3; do
    cmp run/model.safetensors $r/model.safetensors || fail "skin-train from a bucket: $r"
done
run 0 "$bin/skin-evaluate" run/model.safetensors --data data --faces faces -o report --quiet
run 0 "$bin/skin-evaluate" run/model.safetensors --data data --faces s3://clinic/sent -o report2 \
    --quiet
diff -r report report2 || fail "skin-evaluate from a bucket"
run 0 "$bin/skin-predict" run/model.safetensors --user 3 --faces faces --json
mv out local.json
run 0 "$bin/skin-predict" run/model.safetensors --user 3 --faces s3://clinic/sent --json
cmp out local.json || fail "skin-predict from a bucket"

# ---- a wrong secret: one clear error and nothing written; the run stops, since the next user would
# fare no better ----
run 1 env AWS_SECRET_ACCESS_KEY=wrong "$bin/skin-faces" users.txt --images s3://clinic/images \
    -o wrong --threads 1
says err "SignatureDoesNotMatch"
says err "check the credentials"
says err "stopped after 5 of 12 users"
[ -z "$(ls -A wrong)" ] || fail "written with a wrong secret: $(ls wrong)"
run 1 env AWS_SECRET_ACCESS_KEY=wrong "$bin/skin-faces" users.txt --images clinic/images \
    -o s3://clinic/wrong --threads 1
says err "SignatureDoesNotMatch"
for tool in "skin-split users.txt -o none" "skin-train --data data -o none $settings" \
    "skin-evaluate run/model.safetensors --data data -o none"; do
    # shellcheck disable=SC2086
    AWS_SECRET_ACCESS_KEY=wrong "$bin/"$tool --faces s3://clinic/sent >out 2>err &&
        fail "a wrong secret: $tool"
    says err "SignatureDoesNotMatch"
    [ ! -e none/partition.json ] && [ ! -e none/model.safetensors ] &&
        [ ! -e none/metrics.json ] || fail "a wrong secret: $tool wrote something"
done

# ---- a photo that has vanished is an empty frame, as in a folder; a server that never recovers
# fails the user, not the others ----
sed '1s/"0_0.jpg"/"gone.jpg"/' users.txt >gone.txt
run 0 "$bin/skin-faces" gone.txt --images s3://clinic/images -o gone
why="HTTP 404 NoSuchKey; it is not there; the frame is left empty"
says err "user 0: s3://clinic/images/gone.jpg: cannot read: $why"
$python - <<'PY' || fail "a vanished photo"
import numpy as np
z = np.load("gone/0.npz")
assert z["mask"].tolist() == [False, True, True] and z["reason"].tolist() == [1, 0, 0]
PY
cmp gone/1.npz faces/1.npz || fail "a vanished photo changes other users"
for fault in fail503-99 cut-99 stall-99 corrupt-99; do
    mkdir -p "clinic/images/$fault"
    cp clinic/images/3_0.jpg "clinic/images/$fault/x.jpg" 2>/dev/null ||
        cp "$(find clinic/images -name '3_*.jpg' | head -n 1)" "clinic/images/$fault/x.jpg"
done
exec {server}>&-
wait
# what was sent is what lies in the folders
for f in faces/[0-9].npz faces/1[01].npz; do
    cmp "$f" "dump/clinic/sent/${f#faces/}" || fail "$f differs in the bucket"
done
[ ! -e dump/clinic/wrong ] || fail "written with a wrong secret"
rm server.in server.out
mkfifo server.in server.out
$python "$here/../s3/server.py" --root clinic --dump dump2 <server.in >server.out &
exec {server}>server.in
read -r port <server.out
export AWS_ENDPOINT_URL=http://127.0.0.1:$port AWS_MAX_ATTEMPTS=3
for fault in fail503-99 cut-99 stall-99 corrupt-99; do
    sed "2s#\"[^\"]*\"]#\"$fault/x.jpg\"]#" users.txt >"$fault.txt"
    run 1 "$bin/skin-faces" "$fault.txt" --images s3://clinic/images -o "at_$fault" --end 3 --json
    says err "user 1: s3://clinic/images/$fault/x.jpg: "
    if [ $fault = corrupt-99 ]; then
        says err "do not match their checksum"
    else
        says err "after 3 tries"
    fi
    jq -e '.written == 2 and .skipped == 1' out >/dev/null || fail "$fault: $(cat out)"
    [ "$(ls "at_$fault")" = "0.npz
2.npz" ] || fail "$fault: $(ls "at_$fault")"
    cmp "at_$fault/0.npz" faces/0.npz || fail "$fault changes another user"
done
run 1 "$bin/skin-faces" users.txt --images clinic/images -o s3://clinic/fail503-99 --threads 1
says err "after 3 tries"
run 1 env AWS_ENDPOINT_URL=http://127.0.0.1:9 "$bin/skin-faces" users.txt \
    --images s3://clinic/images -o nowhere --threads 1
says err "after 3 tries"
[ -z "$(ls -A nowhere)" ] || fail "written without a server"

# ---- stopped while it writes into the bucket: whole objects only, and the next run goes on ----
for signal in INT KILL; do
    "$bin/skin-faces" users.txt --images clinic/images -o "s3://clinic/cut$signal" \
        --threads 1 >out 2>err &
    pid=$!
    sleep 0.3
    kill -$signal $pid 2>/dev/null
    wait $pid 2>/dev/null
    run 0 "$bin/skin-faces" users.txt --images clinic/images -o "s3://clinic/cut$signal"
done
exec {server}>&-
wait
[ -z "$(find dump2 -path '*fail503-99/*.npz')" ] ||
    fail "half-written objects: $(find dump2 -path '*fail503-99*')"
for signal in INT KILL; do
    for f in faces/[0-9].npz faces/1[01].npz; do
        cmp "$f" "dump2/clinic/cut$signal/${f#faces/}" || fail "$f after SIG$signal"
    done
done
echo "passed"
