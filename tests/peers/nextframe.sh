#!/usr/bin/env bash
# The next-frame example beside Keras: tests/peers/nextframe.sh [OUT] [options of nextframe.py].
# Installs Keras and scikit-learn (for its digits) into build/venv-nextframe, or uses
# VENV. Some minutes with the default 64 filters on 2 cores; --filters 16 is quicker.
set -eu
cd "$(dirname "$0")/../.."
out=${1:-build/nextframe}
[ $# = 0 ] || shift
venv=${VENV:-build/venv-nextframe}
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q tensorflow-cpu==2.21.0 keras==3.15.1 scikit-learn==1.5.2
fi
make build/bin/skin-nextframe >/dev/null
"$venv/bin/python" tests/peers/nextframe.py build/bin/skin-nextframe "$out" "$@"
