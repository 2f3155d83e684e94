#!/usr/bin/env bash
# The libraries and tools for 64-bit Windows, of `make windows-tests windows-tools`, under wine:
# kernels, archives with any names, the faces and probabilities of the native build, and the tools
# beside those of BUILD/plain.
#     tests/system/check-windows.sh [BUILD]
set -eu
cd "$(dirname "$0")/../.."
build=$(cd "${1:-build}" && pwd)
wine=$(command -v wine64 || command -v wine || ls /usr/lib/wine/wine64 2>/dev/null) ||
    { echo "wine is missing: apt-get install wine64"; exit 77; }
/usr/bin/python3 -c 'import skimage' 2>/dev/null ||
    { echo "needs python3-skimage for its photograph"; exit 77; }
scratch=$(mktemp -d)
trap 'WINEPREFIX=$scratch/wine wineserver -k 2>/dev/null; rm -rf "$scratch"' EXIT
export WINEPREFIX=$scratch/wine WINEDEBUG=-all DISPLAY=
/usr/bin/python3 -c '
import sys, numpy, skimage.data
rgb = skimage.data.astronaut()  # NASA, public domain
numpy.dstack([rgb, numpy.full(rgb.shape[:2], 255, numpy.uint8)]).tofile(sys.argv[1])' \
    "$scratch/photo.rgba"
cp weights/mtcnn.safetensors weights/demo.safetensors "$scratch/"

run() { # FOLDER COMMAND...
    mkdir "$scratch/$1"
    (cd "$scratch/$1" && shift && "$@" ../mtcnn.safetensors ../demo.safetensors ../photo.rgba 512 \
        512 | tr -d '\r')
}
make --no-print-directory BUILD="$build" "$build"/tests/libraries
run native env NBASE_MAX_ISA=ref "$build"/tests/libraries >"$scratch/native.txt"
for isa in $("$build"/bin/skin-info --isa); do
    run "windows-$isa" env NBASE_MAX_ISA="$isa" "$wine" "$build"/windows/tests/libraries.exe \
        >"$scratch/windows.txt"
    diff "$scratch/native.txt" "$scratch/windows.txt"
    cmp "$scratch/native/grüß.npz" "$scratch/windows-$isa/grüß.npz"
    cmp "$scratch/native/顔写真.safetensors" "$scratch/windows-$isa/顔写真.safetensors"
done
cat "$scratch/windows.txt"
"$wine" "$build"/windows/bare/kernels.exe | tail -1
"$wine" "$build"/windows/bare/mtcnn.exe | tail -1
mkdir "$scratch/tools"
"$build"/bin/skin-synth "$scratch/tools/Klinik" --patients 24 --seed 3 --photos 6:6 --quiet
"$build"/bin/skin-getdata "$scratch/tools/Klinik" -o "$scratch/tools/Klinik/Nutzer ü.txt" --quiet
# shellcheck disable=SC2046  # one word for each instruction set
WINE=$wine tests/windows/tools.sh "$build/plain/bin" "$build/windows/bin" "$scratch/tools" \
    $("$build"/bin/skin-info --isa)
