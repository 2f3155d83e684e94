#!/usr/bin/env bash
# Clients that left are let go as fast with TLS as without; those that only send no more are
# answered.
#   row13_serve_half_closed.sh BIN SCRATCH      LONG=1: as in make check-attack
set -u
bin=$(cd "$1" && pwd) here=$(cd "$(dirname "$0")" && pwd) python=${PYTHON:-/usr/bin/python3}
cd "$2" || exit 1
$python -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
exec $python -u "$here/row13_serve_half_closed.py" "$bin"
