#!/usr/bin/env bash
# Builds the kernels for 64-bit ARM and runs their checks under qemu-user. Links what the kernels need and nothing more: no BLAS, no test framework.
#   tests/system/check-neon.sh [BUILD]
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build}/neon
cc=${NEON_CC:-aarch64-linux-gnu-gcc}
run=${NEON_RUN:-qemu-aarch64}
for tool in "$cc" "$run"; do
    command -v "$tool" >/dev/null || { echo "$tool is missing: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user"; exit 77; }
done
mkdir -p "$build"
sources=$(ls libconvlstm/kernels/*.c | grep -v _avx)
"$cc" -std=gnu11 -O3 -ffp-contract=off -fno-math-errno -Wall -Wextra -Wno-unknown-pragmas -D_GNU_SOURCE -static \
    -Ilibconvlstm -Ilibconvlstm/base -Itests/help $sources libconvlstm/cells/{frame,frame_tiles,cell_winograd}.c libconvlstm/base/{core,cpu,rng,status}.c \
    tests/help/{kernel_check,winograd_check,naive_cell,guarded}.c tests/neon/main.c -o "$build/check" -lm -lpthread
"$run" "$build/check"

"$cc" -std=gnu11 -O3 -ffp-contract=off -fno-math-errno -Wall -Wextra -Wno-unknown-pragmas -D_GNU_SOURCE -static \
    -Ilibmtcnn -Ilibconvlstm -Ilibconvlstm/base -Itests/help tests/neon/mtcnn.c tests/help/{mtcnn_kernel_check,guarded}.c libmtcnn/kernels/{layers_ref,nets_ref,nets_neon,toom}.c \
    libmtcnn/{crops,filters,level_rows,pixels,profile,resize}.c libconvlstm/base/{core,cpu,rng,status}.c -o "$build/mtcnn" -lm
"$run" "$build/mtcnn"
