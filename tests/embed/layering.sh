#!/usr/bin/env bash
# The house stands: includes point one way from room to room, no two files need each other, each
# outside library has one seam, header names are unique.   layering.sh BIN SCRATCH
#
# The check is then run on copies of the tree into which a fault was planted, and must find it.
set -u
bin=$1 scratch=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
check() { /usr/bin/python3 "$root/tests/embed/layering.py" "$@"; }

check "$root" "$bin/.." || exit 1

copy=$scratch/copy
planted() { # WHAT FILE TEXT: the check must fail on a copy with TEXT appended to FILE
    rm -rf "$copy"
    mkdir -p "$copy"
    (cd "$root" && find libconvlstm libmtcnn tools bench -name '*.[ch]' -o -name '*.inc') |
        tar -C "$root" -cf - -T - | tar -C "$copy" -xf -
    [ -f "$copy/$2" ] || { echo "no $2 to plant a fault in"; exit 1; }
    echo "$3" >>"$copy/$2"
    if check "$copy" >"$scratch/log" 2>&1; then
        echo "not found: $1"
        exit 1
    fi
}
planted "an arrow up" libconvlstm/kernels/tiles.h '#include "layers/layer.h"'
planted "an arrow up out of base" libconvlstm/base/core.h '#include "kernels/tiles.h"'
planted "a circle of headers" libconvlstm/base/core.h '#include "archive.h"'
planted "a step that reaches into another" tools/split/deal.h '#include "train/run.h"'
planted "an internal header in a tool" tools/common/cli.h '#include "core.h"'
planted "a second seam" libconvlstm/base/rng.c '#include <zlib.h>'
planted "a decoder in a library" libmtcnn/pyramid.c '#include <stb_image.h>'

# two objects that call each other, in an archive
echo 'void b(void); void a(void) { b(); }' | gcc -c -xc - -o "$scratch/a.o"
echo 'void a(void); void b(void) { a(); }' | gcc -c -xc - -o "$scratch/b.o"
ar rcs "$scratch/circle.a" "$scratch/a.o" "$scratch/b.o"
check --archive "$scratch/circle.a" >"$scratch/log" 2>&1 &&
    { echo "not found: a circle of objects"; exit 1; }
echo "each planted fault was found"
