#!/usr/bin/env bash
# SIGTERM at the limit of connections, while clients come and go: skin-serve ends in order every
# time.
#   row02_serve_sigterm.sh BIN SCRATCH      LONG=1: as in make check-attack
set -u
bin=$(cd "$1" && pwd) here=$(cd "$(dirname "$0")" && pwd) python=${PYTHON:-/usr/bin/python3}
cd "$2" || exit 1
$python -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
exec $python -u "$here/row02_serve_sigterm.py" "$bin"
