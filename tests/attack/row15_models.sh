#!/usr/bin/env bash
# Models of a few kilobytes that ask for tens of gigabytes are refused at once, and every number of
# a model or checkpoint has a range.
#   row15_models.sh BIN SCRATCH      LONG=1: as in make check-attack
set -u
bin=$(cd "$1" && pwd) here=$(cd "$(dirname "$0")" && pwd) python=${PYTHON:-/usr/bin/python3}
cd "$2" || exit 1
$python -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
exec $python -u "$here/row15_models.py" "$bin"
