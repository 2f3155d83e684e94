#!/usr/bin/env bash
# A small JPEG of very many scans, each of which costs a walk over the whole picture, is refused
# before it is decoded.   row01_scans.sh BIN SCRATCH
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../cli/help.bash"
bin=$1 dir=$2 root=$(cd "$here/../.." && pwd)
python3 "$here/made_bombs.py" "$dir" scans || fail "made_bombs.py"
cd "$dir" || exit 1

for decoder in turbo stb; do
    export SKIN_JPEG=$decoder
    run 0 "$bin/skin-predict" --crops "$root/weights/demo.safetensors" scans_100.jpg
    for scans in 101 1800; do
        begin=$(date +%s%N)
        run 1 timeout 60 "$bin/skin-predict" --crops "$root/weights/demo.safetensors" \
            scans_$scans.jpg
        took=$((($(date +%s%N) - begin) / 1000000))
        says err "scans_$scans.jpg"
        says err "$scans scans in a JPEG are over the limit of 100"
        [ $took -lt 3000 ] || fail "$decoder: $scans scans took $took ms"
    done
    echo "$decoder: refused 1800 scans after $took ms"
done
