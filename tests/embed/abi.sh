#!/usr/bin/env bash
# The shared libraries export exactly the functions that their headers declare, and these are, with
# their types, the ones of the committed list.
#   abi.sh BIN SCRATCH            abi.sh --list NAME: prints the list of libNAME
# After an addition: tests/embed/abi.sh --list convlstm >tests/embed/abi/convlstm.txt. After any
# other difference programs that were linked with the old library break: raise ABI in the Makefile
# too.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)

declared() { # NAME: prototypes, a line each
    local scratch
    scratch=$(mktemp -d)
    gcc -std=c11 -I"$root/libconvlstm" -I"$root/libconvlstm/base" -I"$root/libmtcnn" -fsyntax-only \
        -aux-info "$scratch/all" -include "$1.h" -xc /dev/null
    sed -n 's#^/\* [^ ]*/\(nbase\|convlstm\|convlstm_group\|mtcnn\)\.h:[^*]*\*/ extern ##p' \
        "$scratch/all" |
        LC_ALL=C sort
    rm -rf "$scratch"
}

# Each struct of the public headers with its size, since programs lay them out too.
sizes() { # NAME
    local scratch header=$1
    scratch=$(mktemp -d)
    {
        echo "#include <stdio.h>"
        echo "#include \"$header.h\""
        echo "int main(void) {"
        for file in nbase convlstm_group "$header"; do
            sed -n 's/^} \([a-z_]*\);$/\1/p' "$root"/lib*/$file.h "$root"/lib*/base/$file.h \
                2>/dev/null
        done | LC_ALL=C sort -u | while read -r type; do
            grep -q "} $type;" "$root"/libconvlstm/base/nbase.h "$root/lib$header/$header.h" \
                $([ "$header" = convlstm ] && echo "$root/libconvlstm/convlstm_group.h") &&
                echo "printf(\"sizeof %s %zu\\n\", \"$type\", sizeof($type));"
        done
        echo "return 0; }"
    } >"$scratch/sizes.c"
    gcc -I"$root/libconvlstm" -I"$root/libconvlstm/base" -I"$root/libmtcnn" -o "$scratch/sizes" \
        "$scratch/sizes.c" && "$scratch/sizes"
    rm -rf "$scratch"
}

if [ "$1" = --list ]; then
    declared "$2"
    sizes "$2"
    exit
fi

lib=$1/../lib scratch=$2 status=0
[ -e "$lib/libconvlstm.so.0" ] || { echo "this build has no shared libraries"; exit 77; }
[ "$(uname -m)" = x86_64 ] || { echo "the list has the sizes of x86-64"; exit 77; }
for name in convlstm mtcnn; do
    { declared $name; sizes $name; } >"$scratch/now"
    diff "$root/tests/embed/abi/$name.txt" "$scratch/now" >"$scratch/diff" || {
        echo "lib$name: the public functions and types are not those of tests/embed/abi/$name.txt:"
        cat "$scratch/diff"
        status=1
    }
    declared $name | sed 's/.*[ *]\([a-z0-9_]*\) (.*/\1/' | LC_ALL=C sort -u >"$scratch/declared"
    nm -D --defined-only "$lib/lib$name.so.0" | awk '$2 != "A" {sub(/@.*/, "", $3); print $3}' |
        LC_ALL=C sort -u >"$scratch/exported"
    [ -s "$scratch/declared" ] || { echo "no declaration found in $name.h"; status=1; }
    diff "$scratch/declared" "$scratch/exported" >"$scratch/diff" || {
        echo "lib$name.so.0: declared (<) is not exported (>):"
        cat "$scratch/diff"
        status=1
    }
    soname=$(readelf -d "$lib/lib$name.so.0" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
    [ "$soname" = "lib$name.so.0" ] || { echo "lib$name.so.0 is called '$soname'"; status=1; }
    echo "lib$name.so.0: $(wc -l <"$scratch/exported") functions, as declared"
done
exit $status
