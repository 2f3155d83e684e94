#!/usr/bin/env bash
# The formats of tests/goldens/photos by skin-faces, and by skin-serve behind its fence and without:
# what this build reads is searched for a face (there is none), what it does not is refused by name.
#   photo_formats.sh BIN SCRATCH
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/help.bash"
bin=$1 dir=$2 root=$(cd "$here/../.." && pwd)
[ -f "$root/weights/mtcnn.safetensors" ] ||
    { echo "needs weights/mtcnn.safetensors (make weights)"; exit 77; }
photos=$root/tests/goldens/photos
cd "$dir" || exit 1

server=
stop() { [ -z "$server" ] || { kill "$server" 2>/dev/null; wait "$server"; }; server=; }
trap stop EXIT

start() { # DECODER: where photos are decoded
    : >served # what the server before said would be taken for this one's
    "$bin/skin-serve" "$root/weights/demo.safetensors" --weights "$root/weights/mtcnn.safetensors" \
        --listen 127.0.0.1:0 --decoder "$1" >served 2>&1 &
    server=$!
    for _ in $(seq 100); do grep -q "listening on" served && break; sleep 0.1; done
    at=$(sed -n 's/.*listening on //p' served)
    [ -n "$at" ] || fail "skin-serve did not start: $(cat served)"
    curl -sf "$at/v1/model" >model || fail "no model"
}

check() { # NAME: of a photo
    local type=image/${1#*.}
    curl -s "$at/v1/analyze" -F "photo=@$photos/$1" >answer || fail "$1: no answer"
    if jq -e --arg type "${type/jpg/jpeg}" '.photo_types | index($type)' model >/dev/null; then
        run 0 "$bin/skin-faces" --detect --json --weights "$root/weights/mtcnn.safetensors" \
            "$photos/$1"
        jq -e '.width == 64 and .height == 96 and .faces == []' out >/dev/null ||
            fail "$1: $(cat out)"
        jq -e '.photos[0] | .reasons == ["NO_FACE"] and .width == 64' answer >/dev/null ||
            fail "$1: $(cat answer)"
    else
        run 1 "$bin/skin-faces" --detect --weights "$root/weights/mtcnn.safetensors" "$photos/$1"
        says err "which this build does not read: install"
        jq -e '.photos[0].detail | contains("install")' answer >/dev/null ||
            fail "$1: $(cat answer)"
    fi
}

for decoder in fenced inline; do
    start $decoder
    for name in turn6.webp turn6.heic turn6.avif progressive.jpg; do check $name; done
    stop
done
