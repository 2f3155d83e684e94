#!/usr/bin/env bash
# skin-import on files that Keras 2 and 3 really wrote.   import_keras.sh BIN SCRATCH
# Needs a Python environment with tensorflow, keras and tf-keras, named by VENV; skipped without.
set -u
bin=$1 scratch=$2 failed=0
if ! "${VENV:-/nonexistent}/bin/python" -c 'import keras, tf_keras, h5py' >/dev/null 2>&1; then
    echo "set VENV to a Python environment with tensorflow-cpu, keras and tf-keras"
    exit 77
fi
for version in 2 3; do
    out=$scratch/$version
    mkdir -p "$out"
    "$VENV/bin/python" tests/cli/import_keras.py $version "$out" || exit 1
    for preset in skincredible skincredible-gap; do
        declare -A recurrent=([skincredible]=sigmoid [skincredible-gap]=hard_sigmoid_k$version)
        activation=${recurrent[$preset]}
        "$bin/skin-import" npz "$out/$preset.npz" --preset $preset --recurrent-activation "$activation" -o "$out/expected" || failed=1
        "$bin/skin-import" keras "$out/$preset.full.h5" -o "$out/full" || failed=1 # its configuration says the activation
        "$bin/skin-import" keras "$out/$preset.weights.h5" --recurrent-activation "$activation" -o "$out/weights" || failed=1
        cmp "$out/expected" "$out/full" || failed=1
        cmp "$out/expected" "$out/weights" || failed=1
        [ $version = 3 ] && continue
        "$bin/skin-import" keras "$out/$preset.legacy.h5" --recurrent-activation "$activation" -o "$out/legacy" || failed=1
        cmp "$out/expected" "$out/legacy" || failed=1
    done
done
exit $failed
