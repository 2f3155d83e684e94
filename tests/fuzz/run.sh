#!/usr/bin/env bash
# Fuzzes one target with clang's libFuzzer under the address and undefined-behaviour sanitizers.
#   tests/fuzz/run.sh NAME [SECONDS]      NAME: archive, json, ... of tests/fuzz/fuzz_NAME.c; 60 seconds
# Starts from tests/fuzz/corpus/NAME; what it finds is kept in build/fuzz/NAME (crash-* are findings). The corpus in git is small on purpose: `make check`
# replays it. A finding that is mended goes there as a file.
set -eu
cd "$(dirname "$0")/../.."
name=${1:?usage: tests/fuzz/run.sh NAME [SECONDS]} seconds=${2:-60}
source=tests/fuzz/fuzz_$name.c out=build/fuzz/$name
[ -f "$source" ] || { echo "there is no $source"; exit 2; }
command -v clang >/dev/null || { echo "clang is needed: apt-get install clang"; exit 2; }
echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' | clang -fsanitize=fuzzer,address -xc - -o /dev/null 2>/dev/null ||
    { echo "clang's sanitizers are needed: apt-get install libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev"; exit 2; }
mkdir -p "$out/corpus"
named() { sed -n "s/.*$1: *//p" "$source" | sed 's# *\*/##' | tr '\n' ' '; } # the words after NAME: in the first comment
case $(uname -m) in x86_64) isas=(avx2 avx512) ;; aarch64) isas=(neon) ;; *) isas=() ;; esac
read -ra own_flags <<<"$(named FUZZ_FLAGS)"
sources=()
for item in $(named FUZZ_SOURCES); do
    files=("$item")
    [ ! -d "$item" ] || files=("$item"/*.c)
    for file in "${files[@]}"; do
        case $file in
        *_body.c) for isa in "${isas[@]}"; do sources+=("$file:$isa"); done ;; # a template of kernels
        *) sources+=("$file") ;;
        esac
    done
done
flags=(-std=gnu11 -O1 -g -D_GNU_SOURCE -isystem /usr/include/stb -w
    -Ilibconvlstm -Ilibconvlstm/base -Ilibmtcnn -Itools -Itools/common -Itests -Itests/help -Itests/help/serial ${own_flags[@]+"${own_flags[@]}"} -fsanitize=address,undefined -fno-sanitize-recover=undefined)
objects=()
for item in "$source" "${sources[@]}"; do
    file=${item%:*} object=$out/$(echo "$item" | tr /: __).o
    if [ ! "$object" -nt "$file" ] || [ -n "$(find libconvlstm libmtcnn tools tests -name '*.h' -newer "$object" -print -quit)" ]; then
        isa=()
        case $item in *:avx2) isa=(-mavx2 -mfma -mf16c) ;; *:avx512) isa=(-mavx512f -mavx512vl -mavx512bw -mavx512dq -mfma -mf16c) ;; esac
        case $item in *:*) isa+=(-DISA="${item#*:}" -DFAMILY="$(basename "$file" _body.c)") ;; esac
        clang "${flags[@]}" ${isa[@]+"${isa[@]}"} -fsanitize=fuzzer-no-link -c "$file" -o "$object"
    fi
    objects+=("$object")
done
clang -fsanitize=fuzzer,address,undefined "${objects[@]}" ${own_flags[@]+"${own_flags[@]}"} -ljansson -lz -lm -o "$out/fuzz"
corpus=(tests/fuzz/corpus/"$name")
case $name in mtcnn_npy | mtcnn_joblib | mtcnn_torch | mtcnn_caffe) # whole files, too large for git
    cc -std=gnu11 -D_GNU_SOURCE -Ilibconvlstm/base -Itools -Itools/common -Itests/help -o "$out/seeds" tests/fuzz/seeds.c tests/help/mtcnn_containers.c tools/import/mtcnn_layers.c tools/import/import.c tools/common/fail.c libconvlstm/base/rng.c -lm
    mkdir -p "$out/whole"
    "$out/seeds" "${name#mtcnn_}" "$out/whole"
    corpus+=("$out/whole") ;;
esac
exec "$out/fuzz" -max_total_time="$seconds" -max_len=$((1 << 16)) -rss_limit_mb=2000 -timeout=10 -print_final_stats=1 -artifact_prefix="$out/" "$out/corpus" "${corpus[@]}"
