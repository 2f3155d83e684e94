#!/usr/bin/env bash
# skin-serve where the system allows no further thread or process once it runs.
#   row05_serve_threads.sh BIN SCRATCH
set -u
bin=$(cd "$1" && pwd) here=$(cd "$(dirname "$0")" && pwd) python=${PYTHON:-/usr/bin/python3}
cd "$2" || exit 1
$python -c 'import numpy, skimage' 2>/dev/null || { echo "needs python3-skimage"; exit 77; }
grep -qE '__(asan|tsan)_init' "$bin/skin-serve" &&
    { echo "a sanitizer takes more than the limits here"; exit 77; }
# Where another user can read it.
open=$(mktemp -d) && chmod 755 "$open" || exit 1
trap 'rm -r "$open"' EXIT
${CC:-cc} -O1 -shared -fPIC -o "$open/hang.so" "$here/hang_preload.c" || exit 1
$python -u "$here/row05_serve_threads.py" "$bin" "$open/hang.so"
