# What the scripts here share; they source it before they change folder.

fail() { echo "FAILED: $*"; exit 1; }
# run STATUS COMMAND...: output to out and err
run() {
    local expected=$1 status
    shift
    "$@" >out 2>err
    status=$?
    [ $status = "$expected" ] || { cat err; fail "exit status $status, not $expected: $*"; }
}
# says FILE TEXT
says() { grep -qF -- "$2" "$1" || { cat "$1"; fail "$1 does not say '$2'"; }; }
# What run left in err is one line.
one_line() { [ "$(wc -l <err)" = 1 ] || { cat err; fail "not one line on stderr"; }; }
# Skips the test without MTCNN's weights, which become those of all tools here, or without NumPy.
needs_faces() { # ROOT
    export SKIN_WEIGHTS=${SKIN_WEIGHTS:-$1/weights/mtcnn.safetensors}
    [ -f "$SKIN_WEIGHTS" ] || { echo "no weights: run make weights"; exit 77; }
    /usr/bin/python3 -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
}
# The digest of a .safetensors file's arrays alone: its header says how and when they were made.
arrays_digest() { # FILE
    python3 - "$1" <<'PY'
import hashlib
import sys
file = open(sys.argv[1], "rb").read()
header = int.from_bytes(file[:8], "little")
print(hashlib.sha256(file[8 + header:]).hexdigest())
PY
}
