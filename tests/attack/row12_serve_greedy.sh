#!/usr/bin/env bash
# One address that opens connections, uploads and fills memory as far as it can: another address,
# and whoever asks for health, is served as if it were not there.
#   row12_serve_greedy.sh BIN SCRATCH      LONG=1: as in make check-attack
set -u
bin=$(cd "$1" && pwd) here=$(cd "$(dirname "$0")" && pwd) python=${PYTHON:-/usr/bin/python3}
cd "$2" || exit 1
$python -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
exec $python -u "$here/row12_serve_greedy.py" "$bin"
