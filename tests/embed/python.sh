#!/usr/bin/env bash
# The Python package: the wheel built twice has the same bytes, is installed by pip into an
# environment of its own, and passes tests/python; the example of docs/python.md runs.
#   python.sh BIN SCRATCH
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/cli/help.bash"
bin=$(cd "$1" && pwd) dir=$2
python=/usr/bin/python3
[ -e "$bin/../lib/libconvlstm.so.0" ] || { echo "this build has no shared libraries"; exit 77; }
$python -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
$python -m venv --system-site-packages "$dir/venv" >/dev/null 2>&1 ||
    { echo "needs python3-venv"; exit 77; }
SKIN_LIBRARIES=$(cd "$bin/../lib" && pwd)
export SKIN_LIBRARIES
cd "$root/tools/python" || exit 1
for round in 1 2; do
    "$dir/venv/bin/pip" wheel -q --no-deps -w "$dir/wheel$round" . >"$dir/log" 2>&1 ||
        { cat "$dir/log"; fail "pip wheel"; }
done
cmp "$dir"/wheel1/*.whl "$dir"/wheel2/*.whl || fail "two builds of the wheel differ"
"$dir/venv/bin/pip" install -q --no-index "$dir"/wheel1/*.whl >"$dir/log" 2>&1 ||
    { cat "$dir/log"; fail "pip install"; }
cd "$dir" || exit 1

# A wheel that has OpenBLAS inside.
if ldconfig -p | grep -q libopenblas && ls /usr/lib/*/openblas-openmp >/dev/null 2>&1; then
    (cd "$root/tools/python" && SKIN_BUNDLE=1 "$dir/venv/bin/pip" wheel -q --no-deps \
        -w "$dir/bundle" .) >log 2>&1 ||
        { cat log; fail "SKIN_BUNDLE=1"; }
    /usr/bin/python3 -m zipfile -e bundle/*.whl unpacked || fail "unpacking"
    /usr/bin/python3 "$root/tests/python/bundled.py" unpacked ||
        fail "the wheel with OpenBLAS inside"
    echo "a wheel with OpenBLAS inside runs on that one: $(stat -c %s bundle/*.whl) bytes"
else
    echo "OpenBLAS's OpenMP build is not where Debian has it: no wheel with it inside was tested"
fi
venv/bin/python "$root/tests/python/test_skincredible.py" "$root" "$bin" || fail "tests/python"
awk '/^```python$/ {on=1; next} /^```$/ {on=0} on' "$root/docs/python.md" >example.py
[ "$(grep -c . example.py)" -ge 10 ] || fail "docs/python.md has no example"
export SKIN_WEIGHTS=$root/weights/mtcnn.safetensors
[ -f "$SKIN_WEIGHTS" ] || { echo "no weights: the example was not run"; exit 0; }
ln -s "$root/weights/demo.safetensors" model.safetensors
ln -s "$root/tests/goldens/mtcnn_people.npz" .
venv/bin/python example.py >out 2>err || { cat err; fail "the example of docs/python.md"; }
cat out
grep -qE 'improved +0\.[0-9]+' out || fail "the example prints no probability"

# The notebook.
has_jupyter() { venv/bin/python -c 'import nbformat, nbclient, ipykernel' 2>/dev/null; }
has_jupyter || timeout 300 venv/bin/pip install -q --retries 0 \
    --timeout 10 nbformat nbclient ipykernel >log 2>&1
if has_jupyter; then
    venv/bin/python "$root/tests/python/run_notebook.py" "$root/docs/python.ipynb" >out 2>err ||
        { tail -n 30 err; fail "docs/python.ipynb"; }
    grep -q '^right: True' out || { cat out; fail "the notebook prints something else"; }
    tail -n 1 out
else
    echo "the notebook was not run: nbformat, nbclient and ipykernel are neither here nor to be had by pip"
fi
if venv/bin/python -c 'import mypy' 2>/dev/null; then
    venv/bin/python -m mypy --strict-optional -p skincredible || fail mypy
fi
