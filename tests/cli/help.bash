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
