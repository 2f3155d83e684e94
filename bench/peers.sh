#!/usr/bin/env bash
# Our presets beside the frameworks, in one run, alternating: bench/peers.sh [--markdown] [--work
# infer_b1,...] [--peers pytorch,...] [--rounds N] [--threads N] [--tune] [--cpu] [--save FILE]
# The frameworks go into a throw-away environment of some 4 GB; VENV=/some/venv uses that one (made
# if it does not exist). A peer that can't be had is left out, and said so.
set -eu
cd "$(dirname "$0")/.."
venv=${VENV:-/tmp/skin-venv-peers}
bin=${BIN:-build/bin}
[ -x "$bin/bench" ] || { echo "peers: $bin/bench is not there: make it first" >&2; exit 1; }
[ -f weights/mtcnn.safetensors ] || { echo \
    "peers: weights/mtcnn.safetensors is not there: make weights first" >&2; exit 1; }
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip -q install torch numpy safetensors
    for package in jax "keras tensorflow-cpu" "onnx onnxruntime" openvino ncnn \
        opencv-python-headless mtcnn "--no-deps facenet-pytorch" "Pillow requests tqdm"; do
        "$venv/bin/python" -m pip -q install $package ||
            echo "peers: no $package: its figures are left out" >&2
    done
fi
exec "$venv/bin/python" bench/peers.py --bin "$bin" "$@"
