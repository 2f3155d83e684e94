#!/usr/bin/env bash
# skin-info: what it says of known files, and how it fails.   info.sh BIN SCRATCH
set -u
bin=$1 scratch=$2 goldens=tests/goldens/archive failed=0
check() { # what, expected, got
    [ "$2" = "$3" ] && return
    printf '%s\n  expected: %s\n  got:      %s\n' "$1" "$2" "$3"
    failed=1
}
info=$bin/skin-info

line=$($info --json $goldens/stored.npz)
check 'names' 'a fortran flag half none big zeros' \
    "$(jq -r '[.arrays[].name] | join(" ")' <<<"$line")"
check 'array a' '["float32",[2,3],-1,0.25,1.5]' \
    "$(jq -c '.arrays[0] | [.type, .shape, .min, .mean, .max]' <<<"$line")"
check 'half' '["float16",[],3.5]' \
    "$(jq -c '.arrays[] | select(.name == "half") | [.type, .shape, .mean]' <<<"$line")"
check 'empty' '["int64",[0,3],null]' \
    "$(jq -c '.arrays[] | select(.name == "none") | [.type, .shape, .mean]' <<<"$line")"
check 'metadata' 'value €' "$($info --json $goldens/official.safetensors | jq -r .metadata.key)"
check 'table' 'a  float32  (2,3)  -1  0.25  1.5' \
    "$($info $goldens/stored.npz |
        awk -v OFS='  ' '$1 == "a" { print $1, $2, $3, $4, $5, $6 }')"

$info --json $goldens/v1.npy "$scratch/missing" $goldens/v2.npy >"$scratch/out" 2>"$scratch/err"
check 'status with a missing file' 1 $?
check 'the others are shown' 2 "$(wc -l <"$scratch/out")"
check 'one line of error' 1 "$(wc -l <"$scratch/err")"
check 'error' "skin-info: $scratch/missing: No such file or directory" "$(cat "$scratch/err")"
head -c 1000 $goldens/stored.npz >"$scratch/cut.npz"
$info "$scratch/cut.npz" >/dev/null 2>"$scratch/err"
check 'status of a truncated file' 1 $?
grep -q "cut.npz" "$scratch/err" || check 'names the file' cut.npz "$(cat "$scratch/err")"
# An entry packed by another method than deflate: which one, and what to do.
python3 -c 'import sys, zipfile as z
z.ZipFile(sys.argv[1], "w", z.ZIP_BZIP2).write(sys.argv[2], "a.npy")' "$scratch/bzip2.npz" \
    $goldens/v1.npy
$info "$scratch/bzip2.npz" >/dev/null 2>"$scratch/err"
check 'status of another compression' 1 $?
grep -q 'bzip2.npz: zip: "a.npy" is compressed by method 12; only deflate is read' "$scratch/err" ||
    check 'another compression' 'method 12' "$(cat "$scratch/err")"
$info 2>/dev/null
check 'status without a file' 2 $?
$info $goldens/v1.npy >/dev/full 2>/dev/null
check 'status on a full disk' 1 $?
NBASE_MAX_ISA=ref $info --isa | grep -qx ref || check 'isa' ref "$(NBASE_MAX_ISA=ref $info --isa)"

# An empty argument or name, as from a variable that is not set.
$info "" 2>"$scratch/err"
check 'status of an empty argument' 2 $?
grep -q 'argument 1 is empty' "$scratch/err" ||
    check 'an empty argument' empty "$(cat "$scratch/err")"
for option in --tones --tones=; do
    value=()
    [ "$option" = --tones= ] || value=("")
    $info $option ${value[@]+"${value[@]}"} 2>"$scratch/err"
    check "status of $option without a name" 2 $?
    grep -q "tones '': expected FACES" "$scratch/err" ||
        check "$option" "expected FACES" "$(cat "$scratch/err")"
done

# A variable that would be ignored, since its value means nothing, is told; an empty one is none.
for wrong in NBASE_MAX_ISA=AVX2 NBASE_MAX_ISA=avx_512 NBASE_TUNING=zen NBASE_VERBOSE=yes \
    SKIN_JPEG=libjpeg SKIN_RANKS=no; do
    env "$wrong" $info --isa >"$scratch/out" 2>"$scratch/err"
    check "status with $wrong" 2 $?
    check "no answer with $wrong" 0 "$(wc -c <"$scratch/out")"
    grep -q "the environment has $wrong: expected one of" "$scratch/err" ||
        check "the message for $wrong" "expected one of" "$(cat "$scratch/err")"
done
for right in NBASE_MAX_ISA= NBASE_TUNING=intel NBASE_VERBOSE=0 SKIN_JPEG=turbo SKIN_JPEG=stb \
    SKIN_RANKS=off; do
    env "$right" $info --isa >/dev/null 2>"$scratch/err" ||
        check "with $right" 0 "$(cat "$scratch/err")"
done
exit $failed
