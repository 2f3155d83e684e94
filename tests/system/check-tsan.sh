#!/usr/bin/env bash
# Runs what has threads of its own in a build under the thread sanitizer: check-tsan.sh BUILD.
# OpenMP's regions run on one thread there (tests/help/serial/omp.h), since libgomp's locks are
# invisible to the sanitizer: those are checked by bits that must not depend on the number of
# threads.
set -eu
cd "$(dirname "$0")/../.."
build=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export TSAN_OPTIONS="halt_on_error=1 ${TSAN_OPTIONS:-}" OMP_NUM_THREADS=1
# The sanitizer needs its addresses where they are without randomisation.
run() { setarch "$(uname -m)" -R "$@"; }

run "$build/tests/test_mtcnn_threads"
run "$build/tests/test_convlstm_group"
run "$build/tests/test_ranks"

# skin-faces: eight workers, one list of users, messages and counts in common; one photo that can't
# be read, one user without photos
/usr/bin/python3 - "$scratch" <<'PY'
import json, sys
import numpy as np
from PIL import Image
people = np.load("tests/goldens/mtcnn_people.npz")["people"]
for i in range(4): Image.fromarray(people[i]).save(f"{sys.argv[1]}/{i}.png")
with open(f"{sys.argv[1]}/users.txt", "w") as f:
    for u in range(16):
        print(json.dumps([str(u), "1", "note", *(f"{(u + k) % 5}.png" for k in range(3))]), file=f)
    print(json.dumps(["16", "1", "no photos"]), file=f)
PY
for threads in 8 1; do
    status=0
    run "$build/bin/skin-faces" "$scratch/users.txt" --images "$scratch" \
        -o "$scratch/faces$threads" --sheet "$scratch/sheets$threads" \
        --threads $threads >"$scratch/log" 2>&1 || status=$?
    [ $status = 1 ] && ! grep -q ThreadSanitizer "$scratch/log" &&
        grep -q '17 users: 16 written' "$scratch/log" || { cat "$scratch/log"; exit 1; }
done
diff -r "$scratch/faces8" "$scratch/faces1" && diff -r "$scratch/sheets8" "$scratch/sheets1"
run "$build/bin/skin-faces" --detect --json --threads 8 "$scratch"/[0-3].png "$scratch"/[0-3].png \
    >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }

# skin-serve: threads that accept, read bodies, watch, judge, reload and stop, under hostile clients
for attack in row03_serve_hang_up row12_serve_idle row13_serve_credentials row13_serve_half_closed \
    row17_serve_patience; do
    mkdir "$scratch/$attack"
    run bash "tests/attack/$attack.sh" "$build/bin" "$scratch/$attack" >"$scratch/log" 2>&1 ||
        { cat "$scratch/log"; exit 1; }
done
run /usr/bin/python3 -u tests/serve/soak.py "$build/bin" 1 --untimed >"$scratch/log" 2>&1 ||
    { cat "$scratch/log"; exit 1; }
run /usr/bin/python3 tests/serve/fuzz_http.py "$build/bin" weights/demo.safetensors 20 \
    >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
echo "tsan-check: no data race"
