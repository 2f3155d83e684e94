#!/usr/bin/env bash
# skin-import: what it refuses and how.   import.sh BIN SCRATCH
set -u
bin=$1 scratch=$2 failed=0
import=$bin/skin-import
expect() { # status, word that the one line on stderr must hold, arguments...
    local status=$1 word=$2
    shift 2
    "$import" "$@" >"$scratch/out" 2>"$scratch/err"
    local got=$?
    if [ $got != "$status" ] || [ -s "$scratch/out" ] || ! grep -q -- "$word" "$scratch/err"; then
        printf 'skin-import %s: status %s (expected %s), stderr (expected to hold "%s"):\n' "$*" \
            $got "$status" "$word"
        cat "$scratch/err" "$scratch/out"
        failed=1
    fi
    if [ "$status" = 1 ] && [ "$(wc -l <"$scratch/err")" != 1 ]; then
        printf 'skin-import %s: not one line of error\n' "$*"
        failed=1
    fi
    [ ! -e "$scratch/F" ] || { echo "skin-import $*: wrote a file"; rm "$scratch/F"; failed=1; }
}
mkdir -p "$scratch/empty"
echo nonsense >"$scratch/nonsense"
: >"$scratch/zero"
expect 2 'argument is missing'
expect 2 '-o FILE' mtcnn "$scratch/nonsense"
expect 2 'expected mtcnn, npz, keras, tensorflow, pytorch, network or average' torch \
    "$scratch/nonsense" -o "$scratch/F"
expect 2 'preset' npz "$scratch/nonsense" --preset other -o "$scratch/F"
# a limit on the size of files (ulimit -f) is an error like a full disk, and leaves nothing behind
(ulimit -f 1; "$import" network skincredible-gap -o "$scratch/F" 2>"$scratch/err")
got=$?
{ [ $got = 1 ] && grep -q 'F: cannot write: File too large' "$scratch/err" &&
    ! ls "$scratch"/F* 2>/dev/null; } || { echo "ulimit -f: status $got, $(cat "$scratch/err")"
    failed=1; }
echo '{"format": 1}' >"$scratch/net.json"
expect 1 'an input as well' network "$scratch/net.json" -o "$scratch/net.json"
expect 1 'an input as well' average "$scratch/zero" "$scratch/net.json" -o "$scratch/./net.json"
expect 1 'an input as well' keras "$scratch/zero" --network "$scratch/net.json" \
    -o "$scratch/net.json"
grep -q format "$scratch/net.json" || { echo "an input was replaced"; failed=1; }
expect 1 'missing' mtcnn "$scratch/missing" -o "$scratch/F"
expect 1 'nonsense' mtcnn "$scratch/nonsense" -o "$scratch/F"
expect 1 'zero' mtcnn "$scratch/zero" -o "$scratch/F"
expect 1 'empty' mtcnn "$scratch/empty" -o "$scratch/F"
expect 1 'object.npy' mtcnn tests/goldens/archive/object.npy -o "$scratch/F"
expect 1 'v1.npy' mtcnn tests/goldens/archive/v1.npy -o "$scratch/F"
expect 1 'missing' npz "$scratch/missing" -o "$scratch/F"
expect 1 'dense/kernel' npz tests/goldens/archive/stored.npz -o "$scratch/F"
expect 1 'missing' keras "$scratch/missing" -o "$scratch/F"
expect 1 'nonsense' keras "$scratch/nonsense" -o "$scratch/F"

# A pickle that would run something: os.system("touch ...").
printf '\x93NUMPY\x01\x00\x2c\x00%s' "{'descr': '|O', 'shape': ()}                " \
    >"$scratch/evil.npy"
printf "\x80\x02cos\nsystem\nX\x05\x00\x00\x00false\x85R." >>"$scratch/evil.npy"
expect 1 'os.system' mtcnn "$scratch/evil.npy" -o "$scratch/F"

# The real weights, where `make weights` was run: the output is what the checksum says, and an
# unwritable place is an error.
if [ -f weights/mtcnn_weights.npy ] || [ -n "${SKIN_MTCNN_NPY:-}" ]; then
    source=${SKIN_MTCNN_NPY:-weights/mtcnn_weights.npy}
    "$import" mtcnn "$source" -o "$scratch/mtcnn.safetensors" && (cd "$scratch" &&
        sha256sum --status -c "$OLDPWD/weights/mtcnn.safetensors.sha256") || failed=1
    expect 1 'no/folder' mtcnn "$source" -o "$scratch/no/folder"
    head -c 1000000 "$source" >"$scratch/cut.npy"
    expect 1 'cut.npy' mtcnn "$scratch/cut.npy" -o "$scratch/F"
fi
exit $failed
