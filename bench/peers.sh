#!/usr/bin/env bash
# Our presets beside PyTorch's best, in one run, alternating.   bench/peers.sh [--rounds N] [--threads N] [--work infer_b1,...] [--quick]
# The framework goes into a throw-away environment; VENV=/some/venv uses that one (made if it does not exist).
set -eu
cd "$(dirname "$0")/.."
venv=${VENV:-/tmp/skin-venv-peers}
bin=${BIN:-build/bin}
[ -x "$bin/bench" ] || { echo "peers: $bin/bench is not there: make it first" >&2; exit 1; }
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip -q install torch numpy
fi
exec "$venv/bin/python" bench/peers.py --bin "$bin" "$@"
