#!/usr/bin/env bash
# Fuzzes one target with clang's libFuzzer under the address and undefined-behaviour sanitizers.
#   tests/fuzz/run.sh NAME [SECONDS] [SEEDS]
# NAME is archive, json, ... of tests/fuzz/fuzz_NAME.c; 60 seconds. Starts from the files of
# tests/fuzz/corpus/NAME, or of the folder SEEDS; what it finds is kept in build/fuzz/NAME (crash-*
# are findings). The corpus in git is small on purpose: `make check` replays it. A finding that is
# mended goes there as a file. The first run builds the tools and libraries for it, which takes
# minutes.
set -eu
cd "$(dirname "$0")/../.."
name=${1:?usage: tests/fuzz/run.sh NAME [SECONDS] [SEEDS]} seconds=${2:-60} \
    seeds=${3:-tests/fuzz/corpus/$1}
out=build/fuzz/$name
[ -f "tests/fuzz/fuzz_$name.c" ] || { echo "there is no tests/fuzz/fuzz_$name.c"; exit 2; }
[ -d "$seeds" ] || { echo "there is no folder $seeds"; exit 2; }
command -v clang >/dev/null || { echo "clang is needed: apt-get install clang"; exit 2; }
echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
    clang -fsanitize=fuzzer,address -xc - -o /dev/null 2>/dev/null ||
    { echo "clang's sanitizers are needed: apt-get install libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev"; exit 2; }
make -j"$(nproc)" --no-print-directory CC=clang BUILD=build/fuzz OPT='-O1 -g' \
    OPENMP=-Itests/help/serial TRAIN=0 MPI=no FUZZER=-fsanitize=fuzzer \
    SAN='-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined -w' \
        "build/fuzz/tests/fuzz_$name"
mkdir -p "$out/corpus"
corpus=("$seeds")
case $name in mtcnn_npy | mtcnn_joblib | mtcnn_torch | mtcnn_caffe) # whole files, too large for git
    cc -std=gnu11 -D_GNU_SOURCE -Ilibconvlstm/base -Itools -Itools/common -Itests/help \
        -o "$out/seeds" tests/fuzz/seeds.c tests/help/mtcnn_containers.c \
        tools/import/mtcnn_layers.c tools/import/import.c tools/common/fail.c \
        libconvlstm/base/rng.c -lm
    mkdir -p "$out/whole"
    "$out/seeds" "${name#mtcnn_}" "$out/whole"
    corpus+=("$out/whole") ;;
esac
exec "build/fuzz/tests/fuzz_$name" -max_total_time="$seconds" -max_len=$((1 << 16)) \
    -rss_limit_mb=2000 -timeout=25 -print_final_stats=1 -artifact_prefix="$out/" "$out/corpus" \
    "${corpus[@]}"
