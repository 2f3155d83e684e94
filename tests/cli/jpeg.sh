#!/usr/bin/env bash
# JPEG by both decoders: skin-faces finds the same faces by either, and with --max-side in a picture
# that is decoded reduced.
set -eu
bin=$1 dir=$2
fail() { echo "$1" >&2; exit 1; }
[ -f weights/mtcnn.safetensors ] || { echo "needs weights/mtcnn.safetensors (make weights)"; exit \
    77; }
"$bin/bench" --write-photo "$dir/crowd.jpg"
detect() { "$bin/skin-faces" --detect --json "$@" "$dir/crowd.jpg"; }

# The same faces: each landmark within a part of the face's height. (Corners move more: MTCNN rounds
# its boxes between the stages.)
close_to() {
    jq -es --argjson part "$3" '
        def points:
            .landmarks | [.left_eye, .right_eye, .nose, .mouth_left, .mouth_right] | flatten;
        map([.width, .height, (.faces | sort_by(.landmarks.nose) | map([.box[3], points]))])
        | .[0] as $a | .[1] as $b
        | $a[:2] == $b[:2] and ($a[2] | length) >= 5 and ($a[2] | length) == ($b[2] | length)
        and ([$a[2], $b[2]] | transpose
             | all(.[0][0] as $size | map(.[1]) | transpose
                   | all((.[0] - .[1]) | fabs <= $part * $size)))' "$1" "$2" >/dev/null
}

SKIN_JPEG=stb detect >"$dir/stb"
detect >"$dir/default"
close_to "$dir/stb" "$dir/default" 0.04 ||
    fail "the decoders give other faces: $(cat "$dir/stb" "$dir/default")"
SKIN_JPEG=stb detect --max-side 600 >"$dir/stb"
detect --max-side 600 >"$dir/default"
close_to "$dir/stb" "$dir/default" 0.04 ||
    fail "reduced while decoding, other faces: $(cat "$dir/stb" "$dir/default")"
