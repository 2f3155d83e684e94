#!/usr/bin/env bash
# skin-serve over real sockets: load, deadlines, signals, tokens, TLS.
#   serve_running.sh BIN SCRATCH
set -u
bin=$(cd "$1" && pwd) here=$(cd "$(dirname "$0")" && pwd) python=${PYTHON:-/usr/bin/python3}
cd "$2" || exit 1
$python -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
exec timeout 500 $python -u "$here/serve_running.py" "$bin"
