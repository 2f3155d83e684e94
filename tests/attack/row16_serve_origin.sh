#!/usr/bin/env bash
# A page of another web site, and one that took the name of this machine, cannot use skin-serve
# through a browser.
#   row16_serve_origin.sh BIN SCRATCH      LONG=1: as in make check-attack
set -u
bin=$(cd "$1" && pwd) here=$(cd "$(dirname "$0")" && pwd) python=${PYTHON:-/usr/bin/python3}
cd "$2" || exit 1
$python -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
exec $python -u "$here/row16_serve_origin.py" "$bin"
