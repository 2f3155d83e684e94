#!/usr/bin/env bash
# A worker of skin-serve that is stuck in one photo holds up nobody else's answer, health or the end
# of the server.
#   row01_serve_deadline.sh BIN SCRATCH      LONG=1: as in make check-attack
set -u
bin=$(cd "$1" && pwd) here=$(cd "$(dirname "$0")" && pwd) python=${PYTHON:-/usr/bin/python3}
cd "$2" || exit 1
$python -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
exec $python -u "$here/row01_serve_deadline.py" "$bin"
