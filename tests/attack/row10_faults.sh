#!/usr/bin/env bash
# Every call that can fail does: memory, opening, reading, writing, fsync, rename, ftruncate, one at
# a time, in every tool (faults.py).
#   row10_faults.sh BIN SCRATCH      LONG=1: as in make check-attack
set -u
bin=$(cd "$1" && pwd) here=$(cd "$(dirname "$0")" && pwd) python=${PYTHON:-/usr/bin/python3}
cd "$2" || exit 1
$python -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
grep -q __asan_init "$bin/skin-info" && { echo "the address sanitizer has a malloc of its own"
    exit 77; }
${CC:-cc} -O1 -shared -fPIC -o faults.so "$here/faults_preload.c" -ldl || exit 1
exec $python -u "$here/faults.py" "$bin" "$PWD/faults.so"
