#!/usr/bin/env bash
# README.md and docs/ name no file, link, make target, option or public name that does not exist;
# the pictures are small, and the bars are those of the table they are drawn from.
#   docs.sh BIN SCRATCH
set -eu
bin=$1 scratch=$2
status=0

/usr/bin/python3 tests/embed/docs.py "$bin" || status=1

# Each kind of mistake is found: one wrong name a line.
cat >"$scratch/wrong.md" <<'MD'
`libconvlstm/model/engines.c` is gone.
So is `docs/SECURITIES.md`, while `tests/unit/LIBRARY/test_NAME.c` stands for others.
So is `enginez.c`, and [this page](nowhere.md).
No heading: [here](#nowhere).
    make checks
    build/bin/skin-train --data DATA --epoch 3
`convlstm_foretell` was never there.
MD
found=$(/usr/bin/python3 tests/embed/docs.py "$bin" "$scratch/wrong.md" | wc -l)
[ "$found" = 8 ] || { echo "of 8 wrong names the check finds $found"; status=1; }

for picture in docs/pictures/*.{jpg,png,svg}; do
    size=$(stat -c %s "$picture")
    [ "$size" -lt 153600 ] || { echo "$picture has $size bytes, more than 150 KiB"; status=1; }
done
/usr/bin/python3 docs/pictures/speed.py docs/performance.md | cmp - docs/pictures/speed.svg ||
    { echo "speed.svg is not what speed.py draws from docs/performance.md"; status=1; }
exit $status
