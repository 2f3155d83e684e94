#!/usr/bin/env bash
# The tools against a real S3 server (moto, from the Python package index, in a throw-away
# environment) instead of the tests' own: byte for byte what the local folders give.
# tests/system/check-s3.sh BUILD      VENV=/path names an environment that has moto[server,s3,iam]
# already. `make check-s3` calls this.
set -u
bin=$(cd "${1:?usage: tests/system/check-s3.sh BUILD}/bin" &&
    pwd) tests=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
fail() { echo "FAILED: $*"; exit 1; }
unset AWS_PROFILE AWS_SESSION_TOKEN AWS_ENDPOINT_URL_S3
export AWS_SHARED_CREDENTIALS_FILE=/nonexistent AWS_CONFIG_FILE=/nonexistent AWS_REGION=us-east-1

venv=${VENV:-$scratch/venv}
if [ ! -x "$venv/bin/moto_server" ]; then
    python3 -m venv "$venv" && "$venv/bin/pip" -q install 'moto[server,s3,iam]==5.1.4' ||
        fail "moto cannot be installed"
fi
"$bin/skin-synth" clinic --patients "${PATIENTS:-12}" --seed 5 --size 240:260 --photos 6:8 \
    --quiet || fail "skin-synth"
photos=$(find clinic -name '*.jpg' | wc -l)
mkfifo server.in server.out
"$venv/bin/python" "$tests/s3/real.py" clinic clinic dump <server.in >server.out 2>server.err &
exec {server}>server.in
read -r port AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY <server.out ||
    { cat server.err; fail "moto did not start"; }
export AWS_ENDPOINT_URL=http://127.0.0.1:$port AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY

"$bin/skin-getdata" clinic -q -o local.txt || fail "skin-getdata on the folder"
"$bin/skin-getdata" s3://clinic -q -o remote.txt --check-images yes ||
    fail "skin-getdata on the bucket"
cmp local.txt remote.txt || fail "skin-getdata: bucket and folder differ"
"$bin/skin-faces" local.txt --images clinic/images -o faces || fail "skin-faces on the folder"
"$bin/skin-faces" remote.txt --images s3://clinic/images -o s3://clinic/faces ||
    fail "skin-faces on the bucket"
"$bin/skin-faces" remote.txt --images s3://clinic/images -o s3://clinic/faces \
    --json >again.json || fail "skin-faces again"
jq -e '.written == 0 and .skipped == 0' again.json >/dev/null ||
    fail "finished users are made again: $(cat again.json)"
settings=(--epochs 1 --image-size 16 --frames 8 --batch 4 --preset skincredible-gap --quiet)
"$bin/skin-split" local.txt -o data --faces faces >/dev/null || fail "skin-split on the folder"
"$bin/skin-split" local.txt -o data2 --faces s3://clinic/faces >/dev/null ||
    fail "skin-split on the bucket"
diff -r data data2 || fail "skin-split: bucket and folder differ"
"$bin/skin-train" --data data --faces faces -o run "${settings[@]}" ||
    fail "skin-train on the folder"
SKIN_S3_CACHE=$scratch/cache "$bin/skin-train" --data data --faces s3://clinic/faces \
    -o run2 "${settings[@]}" --cache 0 || fail "skin-train on the bucket"
cmp run/model.safetensors run2/model.safetensors || fail "skin-train: bucket and folder differ"
[ -n "$(ls -A cache)" ] || fail "nothing was cached"

AWS_SECRET_ACCESS_KEY=wrong "$bin/skin-getdata" s3://clinic -q -o none.txt 2>err &&
    fail "a wrong secret"
grep -q 'SignatureDoesNotMatch' err || fail "a wrong secret: $(cat err)"
[ ! -e none.txt ] || fail "written with a wrong secret"
AWS_SECRET_ACCESS_KEY=wrong "$bin/skin-faces" local.txt --images clinic/images \
    -o s3://clinic/wrong 2>err && fail "a wrong secret"
grep -q 'SignatureDoesNotMatch' err || fail "a wrong secret: $(cat err)"

# An object over 16 MiB goes up in parts: one user with very many photos.
jq -cs --argjson n 400 \
    '[.[][3:][]] as $all | ["big", "1", "note"] + [range($n) | $all[. % ($all | length)]]' \
    local.txt >big.txt
"$bin/skin-faces" big.txt --images clinic/images -o faces >/dev/null &&
    "$bin/skin-faces" big.txt --images s3://clinic/images -o s3://clinic/faces >/dev/null ||
    fail "skin-faces with very many photos"
[ "$(stat -c %s faces/big.npz)" -gt $((16 << 20)) ] || fail "the upload in parts was not tried"
"$bin/skin-faces" big.txt --images clinic/images -o s3://clinic/faces --json | jq -e '.finished_before == 1' >/dev/null || fail "an upload in parts does not come back whole"

exec {server}>&-
wait
for f in faces/*.npz; do cmp "$f" "dump/$f" || fail "$f differs in the bucket"; done
[ ! -e dump/wrong ] || fail "written with a wrong secret"
echo "check-s3: $(wc -l <local.txt) users, $photos photos, $(find faces -name '*.npz' | wc -l) files of crops: one of $(($(stat -c %s faces/big.npz) >> 20)) MiB in parts: bucket and folders agree byte for byte"
