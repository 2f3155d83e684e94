#!/usr/bin/env bash
# Remakes the answers of the real Keras (tf-keras and Keras 3, in an environment of their own: VENV,
# else build/venv-keras) and checks this library against them.
#   tests/goldens/keras.sh           the table of cases and worst errors, from the committed answers
# tests/goldens/keras.sh --remake  the same after making tests/goldens/keras.npz, keras_frames.npz
# and keras_time.npz anew (some minutes); with --frames or --time the second or third alone
set -eu
cd "$(dirname "$0")/../.."
if [ "${1:-}" = --remake ]; then python3 tests/goldens/make_keras_goldens.py "${2:-}"; fi
make build/tests/test_convlstm_keras >/dev/null
build/tests/test_convlstm_keras
