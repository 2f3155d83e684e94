#!/usr/bin/env bash
# NBASE_TUNING: whatever processor the kernels are to suit, training and prediction in fp32 give the
# same bits; what was chosen is said; a name that is none is refused. The ways differ with AVX-512
# alone: without it the bits cannot.
set -u
. "$(dirname "$0")/help.bash"
bin=$1 dir=$2 here=$(cd "$(dirname "$0")" && pwd)
python3 -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
cd "$dir" || exit 1
unset NBASE_TUNING NBASE_VERBOSE

run 2 env NBASE_TUNING=zen "$bin/skin-info" --isa
one_line
says err "NBASE_TUNING=zen: expected one of"
names=$(sed 's/.*expected one of \([a-z0-9|]*\),.*/\1/; s/|/ /g' err)
[ "$(wc -w <<<"$names")" -ge 4 ] || fail "no names in: $(cat err)"

# A frame of 44 x 44 has 121 tiles, which are no whole vectors of any width.
python3 "$here/made_people.py" people 12 || fail "made_people.py"
data=(--data people/data --faces people/faces)
trained() { # NAME PRESET: trains and judges; digests to sums
    run 0 "$bin/skin-train" "${data[@]}" --preset "$2" --image-size 44 --epochs 1 --batch 4 \
        --seed 3 -o "run-$1-$2"
    arrays_digest "run-$1-$2/model.safetensors" >>sums
    run 0 "$bin/skin-evaluate" "run-$1-$2/model.safetensors" "${data[@]}" --partition train \
        -o "report-$1-$2" -q
    sha256sum <"report-$1-$2/predictions.csv" >>sums
}
for name in "" $names; do
    export NBASE_TUNING=$name
    : >sums
    trained "$name" skincredible-gap
    trained "$name" skincredible
    [ "$(wc -l <sums)" = 4 ] || fail "no digests"
    if [ -z "$name" ]; then
        mv sums expected
    else
        cmp sums expected || fail "other bits with NBASE_TUNING=$name"
        run 0 env NBASE_VERBOSE=1 "$bin/skin-predict" "run-$name-skincredible/model.safetensors" \
            --user p004 --faces people/faces --json
        says err ", for $name"
    fi
done
echo "the same bits for: $names"
