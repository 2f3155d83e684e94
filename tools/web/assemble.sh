#!/usr/bin/env bash
# Puts the page together that analyses photos in the browser: skin-serve's page with another
# backend, and what that loads.
#   assemble.sh OUT WEIGHTS MODEL      OUT: a folder with skin.wasm and skin-threads.wasm
set -eu
here=$(dirname "$0")
out=$1 weights=$2 model=$3 page=$here/../serve/page
cp "$page"/{app,before,course,draw,exif,result}.js "$page"/style.css "$page"/icon.svg "$out"
cp "$here"/page/backend.js "$here"/page/skin.mjs "$here"/page/worker.mjs "$out"
# index.html has what is for one of the two between marks.
sed -e '/<!-- server -->/,/<!-- end -->/d' -e '/^ *<!-- local$/d' \
    -e '/^ *end -->$/d' "$page"/index.html >"$out/index.html"
! grep -nE 'openapi|<!--|v1/' "$out/index.html" ||
    { echo "index.html: something of the server's is left"; exit 1; }
cp "$weights" "$out/mtcnn.safetensors"
cp "$model" "$out/model.safetensors"
# A browser loads one of the two modules.
for module in skin.wasm skin-threads.wasm; do
    size=$(cd "$out" && for file in "$module" ./*.mjs ./*.js index.html style.css icon.svg; do \
        gzip -9nc "$file"; done | wc -c)
    echo "$out: $size bytes of code by gzip with $module, beside the weights and the model"
    [ "$size" -le $((260 << 10)) ] || { echo "the code is larger than 260 KB"; exit 1; }
done
