#!/usr/bin/env bash
# The C example in README.md compiles against an installed copy, alone, in C and (the headers) in
# C++, links with the libraries in either order, and runs.
#   readme.sh BIN SCRATCH
set -eu
scratch=$2
build=$(cd "$1/.." && pwd)
nm "$build/lib/libconvlstm.a" 2>/dev/null | grep -qE '__(asan|ubsan)_' &&
    { echo "a sanitizer build is not installed"; exit 77; }
make -s install BUILD="$build" PREFIX="$scratch/usr" >/dev/null
export PKG_CONFIG_PATH=$scratch/usr/lib/pkgconfig
awk '/^```c$/ {on=1; next} /^```$/ {on=0} on' README.md >"$scratch/example.c"
lines=$(grep -c . "$scratch/example.c")
[ "$lines" -ge 10 ] || { echo "README.md has no C example"; exit 1; }
for order in "convlstm mtcnn" "mtcnn convlstm"; do
    gcc -std=c11 -Wall -Wextra -Werror -pedantic -o "$scratch/example" "$scratch/example.c" \
        $(pkg-config --cflags --libs $order)
done
for header in nbase.h convlstm.h convlstm_group.h mtcnn.h; do
    echo "#include <$header>" | gcc -std=c11 -Wall -Wextra -Werror -pedantic \
        -fsyntax-only $(pkg-config --cflags convlstm) -xc -
    if command -v g++ >/dev/null; then
        echo "#include <$header>" | g++ -Wall -Wextra -Werror -pedantic -fsyntax-only $(pkg-config \
            --cflags convlstm) -xc++ -
    fi
done
"$scratch/example" >"$scratch/output"
cat "$scratch/output"
grep -qE 'improved: 0\.[0-9]+' "$scratch/output"
make -s uninstall BUILD="$build" PREFIX="$scratch/usr" >/dev/null
left=$(find "$scratch/usr" -type f)
[ -z "$left" ] || { echo "uninstall left: $left"; exit 1; }
