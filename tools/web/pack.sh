#!/usr/bin/env bash
# Packs the npm package: OUT/skincredible-VERSION.tgz.
#   pack.sh OUT VERSION        OUT: a folder with skin.wasm and skin-threads.wasm
set -eu
here=$(cd "$(dirname "$0")" && pwd) out=$1 version=$2
rm -rf "$out/npm" "$out"/skincredible-*.tgz
mkdir "$out/npm"
sed -e "s/@VERSION@/$version/" -e \
    "s/@LICENSE@/$(head -1 "$here/../../LICENSE" | sed 's/ License.*//')/" \
    "$here/npm/package.json" >"$out/npm/package.json"
cp "$here/npm/README.md" "$here/npm/skin.d.ts" "$here/page/skin.mjs" "$out/skin.wasm" \
    "$out/skin-threads.wasm" "$here/../../LICENSE" "$out/npm/"
(cd "$out" && npm pack --silent ./npm)
rm -rf "$out/npm"
