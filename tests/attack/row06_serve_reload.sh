#!/usr/bin/env bash
# The model file is exchanged while skin-serve reads it again: id and weights are always of one
# file.
#   row06_serve_reload.sh BIN SCRATCH      LONG=1: as in make check-attack
set -u
bin=$(cd "$1" && pwd) here=$(cd "$(dirname "$0")" && pwd) python=${PYTHON:-/usr/bin/python3}
cd "$2" || exit 1
$python -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
exec $python -u "$here/row06_serve_reload.py" "$bin"
