#!/usr/bin/env bash
# The programs of docs/examples, built against an installed copy by pkg-config and by CMake, run and
# give what they must.
#   examples.sh BIN SCRATCH
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/cli/help.bash"
bin=$(cd "$1" && pwd) dir=$2 model=$root/weights/demo.safetensors
[ -e "$bin/../lib/libconvlstm.so.0" ] || { echo "this build has no shared libraries"; exit 77; }
make -s -C "$root" install BUILD="$(cd "$bin/.." && pwd)" PREFIX="$dir/usr" >/dev/null ||
    fail "make install"
export PKG_CONFIG_PATH=$dir/usr/lib/pkgconfig
cd "$dir" || exit 1
examples=$root/docs/examples
warn="-Wall -Wextra -Werror -pedantic"

for name in predict stream train; do
    gcc -std=c11 $warn -o $name "$examples/$name.c" $(pkg-config --cflags --libs convlstm) ||
        fail "$name.c"
done
gcc -std=c11 $warn -o camera "$examples/camera.c" $(pkg-config --cflags --libs mtcnn) ||
    fail camera.c
run 0 ./predict "$model"
cp out predicted
grep -qE '^improved 0\.[0-9]{4}$' predicted || fail "predict.c prints $(cat predicted)"
run 1 ./predict none.safetensors
says err none.safetensors
run 0 ./stream "$model" state.safetensors
[ "$(wc -l <out)" = 4 ] || fail "stream.c prints $(cat out)"
run 0 ./train trained.safetensors
awk '/^step 0 / {first = $4} /^step 59 / {last = $4} END {exit !(last < first / 4)}' out ||
    fail "train.c does not learn: $(cat out)"
run 0 ./predict trained.safetensors

if command -v g++ >/dev/null; then
    g++ -std=c++17 $warn -o predict-cpp "$examples/predict.cpp" $(pkg-config --cflags \
        --libs convlstm) || fail predict.cpp
    g++ -std=c++17 $warn -o faces "$examples/faces.cpp" $(pkg-config --cflags --libs mtcnn) ||
        fail faces.cpp
    run 0 ./predict-cpp "$model"
    cmp -s out predicted || fail "predict.cpp prints $(cat out)"
    run 1 ./predict-cpp none.safetensors
    says err none.safetensors
else
    echo "g++ is missing: the examples in C++ were not run"
fi
if command -v rustc >/dev/null && command -v bindgen >/dev/null; then
    size=$(bindgen --help | grep -oE -- '--size_t-is-usize' |
        head -n 1) # what newer ones do unasked
    bindgen $size -o convlstm.rs "$dir/usr/include/skincredible/convlstm.h" -- $(pkg-config \
        --cflags convlstm) 2>log || { cat log; fail bindgen; }
    cp "$examples/predict.rs" . && rustc -D warnings -o predict-rust predict.rs $(pkg-config \
        --libs-only-L convlstm) -l convlstm -C link-arg="-Wl,-rpath,$dir/usr/lib" 2>log ||
        { cat log; fail predict.rs; }
    run 0 ./predict-rust "$model"
    cmp -s out predicted || fail "predict.rs prints $(cat out)"
    run 1 ./predict-rust none.safetensors
    says err none.safetensors
else
    echo "rustc or bindgen is missing: the example in Rust was not run"
fi
if /usr/bin/python3 -c 'import numpy' 2>/dev/null; then
    mkdir python && cp -r "$root/tools/python/skincredible" python &&
        cp "$dir"/usr/lib/lib*.so.0 python/skincredible
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=python /usr/bin/python3 "$examples/predict.py" "$model" \
        >out || fail predict.py
    cmp -s out predicted || fail "predict.py prints $(cat out)"
fi

weights=$root/weights/mtcnn.safetensors
if [ -f "$weights" ] && /usr/bin/python3 -c 'import numpy' 2>/dev/null; then
    size=$(/usr/bin/python3 - "$root/tests/goldens/mtcnn_people.npz" <<'PY'
import sys
import numpy as np
people = np.load(sys.argv[1])["people"]
people = people if people.ndim == 3 else people[0]
np.ascontiguousarray(people[:, :, ::-1]).tofile("frame.bgr")
print(people.shape[1], people.shape[0])
PY
    )
    ./camera "$weights" $size <frame.bgr >crop.ppm 2>err || fail "camera.c: $(cat err)"
    [ "$(head -c 2 crop.ppm)" = P6 ] && [ "$(stat -c %s crop.ppm)" = $((13 + 96 * 96 * 3)) ] ||
        fail "camera.c's crop"
    if [ -x faces ]; then
        ./faces "$weights" $size <frame.bgr >out || fail faces.cpp
        grep -qE '^[0-9]+ [0-9]+ [0-9]+ [0-9]+  (0\.9|1\.0)' out ||
            fail "faces.cpp prints $(cat out)"
    fi
else
    echo "no weights or no NumPy: camera.c and faces.cpp were not run"
fi
if command -v cmake >/dev/null && command -v g++ >/dev/null; then
    { cmake -S "$examples" -B made -DCMAKE_PREFIX_PATH="$dir/usr" &&
        cmake --build made; } >log 2>&1 || { cat log; fail CMake; }
    run 0 made/predict "$model"
    cmp -s out predicted || fail "CMake's predict prints $(cat out)"
fi
