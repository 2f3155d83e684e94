#!/usr/bin/env bash
# Builds the kernels for 64-bit ARM and runs their checks under qemu-user. Links what the kernels
# need and nothing more: no BLAS, no test framework.
#   tests/system/check-neon.sh [BUILD]
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build}/neon
cc=${NEON_CC:-aarch64-linux-gnu-gcc}
run=${NEON_RUN:-qemu-aarch64}
for tool in "$cc" "$run"; do
    command -v "$tool" >/dev/null || { echo \
        "$tool is missing: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user"
        exit 77; }
done
make --no-print-directory CC="$cc" BUILD="$build" OPENMP= "$build"/bare/kernels "$build"/bare/mtcnn
"$run" "$build"/bare/kernels
"$run" "$build"/bare/mtcnn
