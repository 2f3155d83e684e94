#!/usr/bin/env bash
# WebAssembly under node: the kernels by themselves, and the module against the native build, and
# the npm package.
#   tests/system/check-wasm.sh [BUILD]
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build}
for tool in clang-14 wasm-ld-14 node; do
    command -v "$tool" >/dev/null || { echo \
        "$tool is missing: apt-get install clang-14 lld-14 wasi-libc libclang-rt-14-dev-wasm32 nodejs"; exit 77; }
done
make --no-print-directory BUILD="$build" wasm-kernels "$build"/tests/web_native
node --no-warnings tests/wasm/run.mjs "$build"/wasm/bare/kernels | tail -1
node --no-warnings tests/wasm/run.mjs "$build"/wasm/bare/mtcnn | tail -1

/usr/bin/python3 -c 'import skimage' 2>/dev/null ||
    { echo "needs python3-skimage for its photograph"; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
/usr/bin/python3 -c '
import sys, numpy, skimage.data
rgb = skimage.data.astronaut()  # NASA, public domain
numpy.dstack([rgb, numpy.full(rgb.shape[:2], 255, numpy.uint8)]).tofile(sys.argv[1])' \
    "$scratch/photo.rgba"
NBASE_MAX_ISA=ref "$build"/tests/web_native weights/mtcnn.safetensors weights/demo.safetensors \
    "$scratch/photo.rgba" 512 512 "$scratch/preset.safetensors" >"$scratch/native.json"
same() { # MODULE THREADS
    THREADS=$2 PRESET=$scratch/preset.safetensors node tests/wasm/same.mjs "$build"/web/skin.mjs \
        "$build/web/$1" weights/mtcnn.safetensors \
        weights/demo.safetensors "$scratch/photo.rgba" 512 512 "$scratch/native.json"
}
same skin.wasm 1
same skin-threads.wasm 1
same skin-threads.wasm 2
SECONDS_EACH=0.1 same skin-threads.wasm 7 # more than there are processors
node tests/wasm/lame.mjs "$build"/web/skin.mjs "$build"/web/skin-threads.wasm

# The npm package in an empty folder, without a registry.
command -v npm >/dev/null || { echo "the npm package is not tried: npm is missing"; exit 77; }
package=$(cd "$build/web" && pwd)/$(cd "$build/web" && ls skincredible-*.tgz)
mkdir "$scratch/user"
root=$PWD
cp tests/wasm/package.mjs "$scratch/user/"
(cd "$scratch/user" && npm init -y >/dev/null &&
    npm install --no-audit --no-fund --offline --silent "$package")
(cd "$scratch/user" && node package.mjs "$root/weights/mtcnn.safetensors" ../photo.rgba 512 512)
