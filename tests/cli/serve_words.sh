#!/usr/bin/env bash
# What skin-serve understands and answers beyond the plain case: packed bodies, data URLs, forms of
# browsers, CORS, OPTIONS, addresses with a host.   serve_words.sh BIN SCRATCH
set -u
bin=$(cd "$1" && pwd) here=$(cd "$(dirname "$0")" && pwd) python=${PYTHON:-/usr/bin/python3}
cd "$2" || exit 1
$python -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
exec timeout 300 $python -u "$here/serve_words.py" "$bin"
