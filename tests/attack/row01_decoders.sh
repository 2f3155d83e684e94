#!/usr/bin/env bash
# Photos that kill, hang or bloat their decoder cost nobody but their sender anything.
#   row01_decoders.sh BIN SCRATCH      LONG=1: as in make check-attack
set -u
bin=$(cd "$1" && pwd) here=$(cd "$(dirname "$0")" && pwd) python=${PYTHON:-/usr/bin/python3}
cd "$2" || exit 1
$python -c 'import numpy, skimage' 2>/dev/null ||
    { echo "needs python3-numpy and python3-skimage"; exit 77; }
# A sanitizer has its own way to die and to hold on to memory: the words and the sizes are not
# compared.
nm "$bin/../lib/libconvlstm.a" 2>/dev/null | grep -qE '__(asan|tsan|ubsan)_' && export SANITIZED=1
exec $python -u "$here/row01_decoders.py" "$bin"
