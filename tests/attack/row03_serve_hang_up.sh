#!/usr/bin/env bash
# Clients that hang up in the middle of an upload are let go at once; those that only close their
# sending side are answered.
#   row03_serve_hang_up.sh BIN SCRATCH      LONG=1: as in make check-attack
set -u
bin=$(cd "$1" && pwd) here=$(cd "$(dirname "$0")" && pwd) python=${PYTHON:-/usr/bin/python3}
cd "$2" || exit 1
$python -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
exec $python -u "$here/row03_serve_hang_up.py" "$bin"
