#!/usr/bin/env bash
# The page in Debian's chromium, driven by playwright-core, with axe-core looking for barriers.
#     tests/browser/run.sh BUILD [local]
# local: the page that analyses photos in the browser, of `make wasm`; also in Debian's firefox-esr,
# if that is installed.
# Photos of a simulated patient are made on the spot; screenshots are left in BUILD/browser/shots.
set -eu
cd "$(dirname "$0")/../.."
build=$(cd "${1:?usage: tests/browser/run.sh BUILD}" && pwd)
out=$build/browser
for tool in node npm chromium; do
    command -v $tool >/dev/null || { echo "needs $tool (apt-get install nodejs npm chromium)"
        exit 77; }
done
mkdir -p "$out"
if ! cmp -s tests/browser/package.json "$out/package.json"; then
    cp tests/browser/package.json "$out/"
    (cd "$out" && npm install --no-package-lock --no-audit --no-fund --silent) ||
        { rm "$out/package.json"; echo "npm install failed"; exit 1; }
fi
rm -rf "$out/clinic" "$out/photos" "$out/shots"
"$build/bin/skin-synth" "$out/clinic" --patients 1 --seed 5 --photos 12:12 --no-face 0.1 --quiet
mkdir "$out/photos"
cp "$out"/clinic/images/*.jpg "$out/photos/"
if [ "${2:-}" = local ]; then
    export NODE_MODULES_OF=$out
    timeout 500 node tests/browser/local.mjs "$build/web" "$out/photos" "$out/shots"
    command -v firefox-esr >/dev/null || { echo "firefox-esr is not installed: left out"; exit; }
    BROWSER=firefox timeout 500 node tests/browser/local.mjs "$build/web" "$out/photos" \
        "$out/shots/firefox"
    exit
fi
NODE_MODULES_OF=$out timeout 500 node tests/browser/page.mjs "$build/bin" weights/demo.safetensors \
    "$out/photos" "$out/shots"
