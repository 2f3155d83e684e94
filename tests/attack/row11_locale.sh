#!/usr/bin/env bash
# Files are the same in every locale: models and checkpoints are written and read by a host whose
# decimal point is a comma. The locale is made here.   row11_locale.sh BIN SCRATCH
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../cli/help.bash"
top=$(cd "$here/../.." && pwd) build=$(cd "$1/.." && pwd) dir=$2
nm "$build/lib/libconvlstm.a" 2>/dev/null | grep -qE '__(asan|tsan|ubsan)_' &&
    { echo "a sanitizer build is linked otherwise"; exit 77; }
cd "$dir" || exit 1
export LOCPATH=$PWD
localedef -i de_DE -f UTF-8 "$LOCPATH/de_DE.UTF-8" >/dev/null 2>&1 ||
    { echo "needs the sources of locales (Debian: locales)"; exit 77; }
gcc -O1 -fopenmp -I"$top/libconvlstm" -I"$top/libconvlstm/base" -o host "$here/row11_locale.c" \
    "$build/lib/libconvlstm.a" -lopenblas -lz -lm -lpthread ||
        fail "row11_locale.c does not compile"
run 0 ./host de_DE.UTF-8
grep -aq '0,00123' checkpoint.safetensors && fail "a comma in a number"

# The unit test of JSON's numbers skips itself without such a locale; here it has one.
[ ! -x "$build/tests/test_json" ] && exit 0
"$build/tests/test_json" >out 2>&1 || { cat out; fail "test_json"; }
grep -q 'OK.*test_locale' out || { cat out; fail "test_locale was skipped"; }
