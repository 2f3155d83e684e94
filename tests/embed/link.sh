#!/usr/bin/env bash
# The ways in which programs link the libraries, each from nothing against an installed copy: shared
# by pkg-config, static, with all objects of both archives, loaded at run time, and by CMake.
#   link.sh BIN SCRATCH
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/cli/help.bash"
build=$(cd "$1/.." && pwd) dir=$2
[ -e "$build/lib/libconvlstm.so.0" ] || { echo "this build has no shared libraries"; exit 77; }
prefix=$dir/usr
make -s -C "$root" install BUILD="$build" PREFIX="$prefix" >/dev/null || fail "make install"
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
cd "$dir" || exit 1

awk '/^```c$/ {on=1; next} /^```$/ {on=0} on' "$root/README.md" >example.c
cat >both.c <<'C'
#include <convlstm.h>
#include <mtcnn.h>
#include <stdio.h>
int main(void)
{
    nbase_error err;
    mtcnn_weights *w;
    convlstm_model *m;
    int status = mtcnn_weights_load(NULL, "none.safetensors", &w, &err);
    if (status != convlstm_model_load(NULL, "none.safetensors", &m, NULL)) return 1;
    printf("%s %s %s\n", nbase_version(), nbase_status_name((nbase_status)status), err.text);
    return status == NBASE_ERR_IO ? 0 : 1;
}
C

# as LINE NAME: the program was built, and prints what the others print.
as() {
    ./"$2" >out 2>err || fail "$1: exit status $?: $(cat err)"
    [ ! -e "expected-$1" ] || cmp -s out "expected-$1" ||
        fail "$2 prints something else: $(cat out)"
    cp out "expected-$1"
}

# What a weak symbol needs brings in no library: a program would call a null function. The tables of
# kernels that nothing but tests needs are meant to be null (kernels.inc, STAND_IN).
nm "$prefix/lib/libmtcnn.a" "$prefix/lib/libconvlstm.a" 2>/dev/null | grep -iE '^ +[wv] ' |
    grep -vE 'convlstm__(direct|winograd_bf16)_ref$' && fail "weak symbols that are not defined"

cflags=$(pkg-config --cflags convlstm mtcnn)
gcc $cflags -o shared example.c $(pkg-config --libs convlstm) || fail "shared"
readelf -d shared | grep -q 'NEEDED.*libconvlstm\.so\.0' || fail "not linked with libconvlstm.so.0"
readelf -d "$prefix/lib/libmtcnn.so.0" | grep -q 'NEEDED.*openblas' &&
    fail "the detector's library loads BLAS"
as example shared
for order in "convlstm mtcnn" "mtcnn convlstm"; do
    gcc $cflags -o both-shared both.c $(pkg-config --libs $order) || fail "shared, $order"
    as both both-shared
done

private=$(pkg-config --variable=private convlstm)
gcc $cflags -Wl,--gc-sections -o static example.c "$prefix/lib/libconvlstm.a" $private ||
    fail "static"
as example static
for order in "convlstm mtcnn" "mtcnn convlstm"; do
    gcc $cflags -o both-static both.c $(printf "$prefix/lib/lib%s.a " $order) $private ||
        fail "static, $order"
    as both both-static
    gcc $cflags -o whole both.c -Wl,--whole-archive $(printf "$prefix/lib/lib%s.a " $order) \
        -Wl,--no-whole-archive $private || fail "whole archives, $order"
    as both whole
done

cat >load.c <<'C'
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        void *lib = dlopen(argv[i], RTLD_NOW | RTLD_LOCAL);
        const char *(*version)(void) = lib ? (const char *(*)(void))dlsym(lib, "nbase_version") : 0;
        if (!version || dlsym(lib, "nbase__fail")) return 1;
        puts(version());
    }
    return 0;
}
C
gcc -o load load.c -ldl || fail "load.c"
./load "$prefix/lib/libconvlstm.so.0" "$prefix/lib/libmtcnn.so.0" >out || fail "dlopen: $(cat out)"

if command -v cmake >/dev/null; then
    mkdir -p cmake && cp example.c both.c cmake
    cat >cmake/CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.13)
project(example C)
find_package(convlstm 0.1 REQUIRED)
find_package(mtcnn 0.1 REQUIRED)
add_executable(example example.c)
target_link_libraries(example convlstm::convlstm)
add_executable(both both.c)
target_link_libraries(both convlstm::static mtcnn::static)
CMAKE
    { cmake -S cmake -B made -DCMAKE_PREFIX_PATH="$prefix" && cmake --build made; } >log 2>&1 ||
        { cat log; fail "CMake"; }
    cp made/example cmake-example && cp made/both cmake-both
    as example cmake-example
    as both cmake-both
    sed -i 's/convlstm 0.1 /convlstm 9.0 /' cmake/CMakeLists.txt
    cmake -S cmake -B newer -DCMAKE_PREFIX_PATH="$prefix" >log 2>&1 && fail "version 9.0 was found"
    grep -q 'version: 0' log || fail "no word of the version that is there: $(tail -5 log)"
else
    echo "cmake is missing: find_package is not tested (apt-get install cmake)"
fi

# The limit of a program that predicts. The linker leaves out whatever nothing refers to, so that a
# table which has training kernels beside those of inference shows here.
limit=800000
strip -o small static
[ "$(stat -c %s small)" -le $limit ] ||
    fail "a program that predicts has $(stat -c %s small) bytes, stripped: expected at most $limit"
echo "a program that predicts, stripped: $(stat -c %s small) bytes static, $(stat -c %s shared) shared"
