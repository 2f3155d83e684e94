#!/usr/bin/env bash
# weights/fetch.sh BIN - what `make weights` runs: puts weights/mtcnn.safetensors there, from the
# Python package mtcnn 0.1.1 (MIT), whose data hold the pretrained coefficients. Both the source and
# the result are checked against the SHA-256 sums beside this script. A finished file is kept.
# Without a network: put the package's mtcnn/data/mtcnn_weights.npy into this folder and run it
# again.
set -euo pipefail
bin=$(realpath "${1:?usage: weights/fetch.sh BIN, the folder with skin-import}")
cd "$(dirname "$0")"
package=mtcnn version=0.1.1 member=mtcnn/data/mtcnn_weights.npy
source=mtcnn_weights.npy result=mtcnn.safetensors

say() { echo "make weights: $*" >&2; }
matches() {
    [ -f "$1" ] && (cd "$(dirname "$1")" &&
        sha256sum --status -c "$OLDPWD/$(basename "$1").sha256" 2>/dev/null)
}

if matches $result; then exit 0; fi
if [ -f $result ]; then
    say "weights/$result is not what it should be (SHA-256): making it again"
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

download() {
    local pip=()
    if python3 -m pip --version >/dev/null 2>&1; then pip=(python3 -m pip)
    elif command -v pip3 >/dev/null; then pip=(pip3)
    else
        say "pip is needed to fetch the package $package $version: install python3-pip (apt-get install python3-pip)"
        return 1
    fi
    say "fetching the Python package $package $version"
    # A wheel only: nothing of the package is run.
    if ! "${pip[@]}" --disable-pip-version-check download -q --no-deps --only-binary=:all: \
        -d "$scratch" "$package==$version" >"$scratch/log" 2>&1; then
        tail -n 3 "$scratch/log" >&2
        say "pip could not fetch $package $version. Without a network, put $member of that package into the folder weights/ and run it again"
        return 1
    fi
    python3 -m zipfile -e "$scratch"/*.whl "$scratch/package"
    cp "$scratch/package/$member" "$scratch/$source"
}

if [ -f $source ]; then cp $source "$scratch/"; else download; fi
if ! matches "$scratch/$source"; then
    say "$source is not the file that is expected (SHA-256 in weights/$source.sha256): nothing was written"
    exit 1
fi
"$bin/skin-import" mtcnn "$scratch/$source" -o "$scratch/$result"
if ! matches "$scratch/$result"; then
    say "the converted weights are not what they should be (SHA-256 in weights/$result.sha256): nothing was written"
    exit 1
fi
cp "$scratch/$result" $result.new
mv $result.new $result
say "weights/$result is ready"
