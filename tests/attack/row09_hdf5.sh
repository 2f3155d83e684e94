#!/usr/bin/env bash
# HDF5 files that crash libhdf5, keep it busy for ever or make it take memory end the process that
# reads them, not the tool.
#   row09_hdf5.sh BIN SCRATCH      LONG=1: as in make check-attack
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../cli/help.bash"
bin=$1 dir=$2 root=$(cd "$here/../.." && pwd)
cd "$dir" || exit 1
"$bin/skin-info" "$root/tests/goldens/keras_models/keras3/saved.model.h5" >out 2>err ||
    { grep "has no HDF5" err && exit 77; cat err; fail "a file in order"; }

python3 "$here/row09_hdf5.py" "$bin" $([ "${LONG:-}" ] && echo 4000 || echo 100) || fail "mutants"

# one that crashes libhdf5 1.10 on x86-64, read by the other tool and out of a .keras
python3 "$here/row09_hdf5.py" "$bin" 1 89
run 1 "$bin/skin-import" keras mutant_89.h5 -o model.safetensors
says err "mutant_89.h5: "
python3 - <<'END'
import zipfile
with zipfile.ZipFile("mutant.keras", "w") as z:
    z.writestr("config.json", "{}")
    z.writestr("metadata.json", '{"keras_version": "3.0.0"}')
    z.write("mutant_89.h5", "model.weights.h5")
END
run 1 "$bin/skin-info" mutant.keras
says err "mutant.keras: "
[ ! -e model.safetensors ] || fail "a model was written"
echo "the other tool and .keras: $(cat err)"
