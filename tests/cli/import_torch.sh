#!/usr/bin/env bash
# skin-import pytorch: state dicts of both kinds of file give PyTorch's own numbers; what is not
# said, or does not fit, is refused.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$(dirname "$0")/help.bash"
bin=$1 dir=$2 python=/usr/bin/python3 files=$root/tests/goldens/torch_files
$python -c 'import numpy' 2>/dev/null || { echo "needs python3-numpy"; exit 77; }
cd "$dir" || exit 1

import() { # STATUS NAME [options]
    local status=$1 name=$2
    shift 2
    run "$status" "$bin/skin-import" pytorch "$files/$name.pt" --network "$files/$name.json" \
        -o "$name.safetensors" "$@"
}
same() { # NAME
    run 0 "$bin/skin-predict" "$1.safetensors" --npz "$files/$1.npz" -o "$1.npz"
    $python -c 'import sys, numpy as np
a, b = (np.load(f)["y"] for f in sys.argv[1:])
assert a.shape == b.shape and abs(a - b).max() < 1e-6, abs(a - b).max()' "$1.npz" "$files/$1.npz" ||
    fail "$1: not PyTorch's numbers"
}

# ---- the numbers of PyTorch ----
import 0 stacked --map ConvLSTM_pytorch
[ ! -s err ] || { cat err; fail "a word about nothing"; }
same stacked
for name in gates checkpoint wrapped; do
    import 0 $name --map "$files/$name.map.json"
    same $name
done
cp stacked.safetensors right.safetensors
# views of values of the other sign
run 0 "$bin/skin-import" pytorch "$files/negated.pt" --network "$files/stacked.json" \
    --map ConvLSTM_pytorch -o negated.safetensors
cmp right.safetensors negated.safetensors || fail "negated: other weights than stacked"
import 0 stacked --map ConvLSTM_pytorch --gates ifgo
cmp -s stacked.safetensors right.safetensors && fail "the order of the gates changes nothing"

# ---- what is not said, or does not fit ----
rm ./*.safetensors
refused() { # WORDS NAME [options]
    local words=$1
    shift
    import 1 "$@"
    says err "$words"
    one_line
    [ ! -e "$1.safetensors" ] || fail "$1 was written"
}
refused "layer \"conv_lstm2d\": which tensors are its own is not said" stacked
map() { echo "$2" >"$1.json"; }
map no_gates '{"cells": {"conv": "cell_list.#.conv"}}'
refused "the order of its gates is not in the file" stacked --map no_gates.json
refused 'gates "ifoo"' stacked --map no_gates.json --gates ifoo
refused 'gates "if"' stacked --map no_gates.json --gates if
map other '{"gates": "ifog", "cells": {"conv": "cell.#"}}'
refused 'the file has no tensor "cell.0.weight"' stacked --map other.json
map inner '{"gates": "ifog", "cells": {"conv": "#.conv"}}'
refused 'no tensor "0.conv.weight", but "cell_list.0.conv.weight": say so with --map' stacked \
    --map inner.json
map swapped '{"gates": "ifog", "layers": {"conv_lstm2d": {"conv": "cell_list.1.conv"}}}'
refused 'tensor "cell_list.1.conv.weight" does not have the shape for its kernel' stacked \
    --map swapped.json
map stranger \
    '{"gates": "ifog", "cells": {"conv": "cell_list.#.conv"},
      "layers": {"conv_lstm2d_7": {"conv": "x"}}}'
refused 'the map names the layer "conv_lstm2d_7"' stacked --map stranger.json
map member '{"gate": "ifog"}'
refused '"gate" is no member of a map' stacked --map member.json
map cut '{"gates": "ifog",'
refused "cut.json, line" stacked --map cut.json
refused "no map of this name: ConvLSTM_pytorch" stacked --map ConvLSTM
map no_hole \
    '{"layers": {"conv_lstm2d": {
        "input": {"i": "cell0.Wxi", "f": "cell0.Wxf", "c": "cell0.Wxc", "o": "cell0.Wxo"},
        "hidden": {"i": "cell0.Whi", "f": "cell0.Whf", "c": "cell0.Whc", "o": "cell0.Who"}}}}'
refused "the map names no peephole for gate i" gates --map no_hole.json
# tensors of layers that the network does not have
sed 's/"peepholes": "pixel",*//; s/"return_sequences": true,/"return_sequences": true/' \
    "$files/gates.json" >bare.json
$python - "$files/gates.json" <<'PY' || fail "bare.json"
import json, sys
n = json.load(open(sys.argv[1]))
del n["layers"][0]["peepholes"]
json.dump(n, open("bare.json", "w"))
m = json.load(open("no_hole.json"))
json.dump(dict(m, ignore=["cell0.Wc?"]), open("ignored.json", "w"))
PY
run 1 "$bin/skin-import" pytorch "$files/gates.pt" --network bare.json --map no_hole.json \
    -o bare.safetensors
says err 'tensor "cell0.Wci" belongs to no layer'
run 0 "$bin/skin-import" pytorch "$files/gates.pt" --network bare.json --map ignored.json \
    -o bare.safetensors
# two layers of the same shapes
$python - "$files/checkpoint.json" <<'PY' || fail "twice.json"
import json, sys
n = json.load(open(sys.argv[1]))
n["layers"].insert(1, dict(n["layers"][1], epsilon=0.001))
n["layers"][0]["recurrent_activation"] = "hard_sigmoid_k2"
json.dump(n, open("twice.json", "w"))
m = json.load(open(sys.argv[1].replace(".json", ".map.json")))
m["layers"]["batch_normalization"] = m["layers"]["batch_normalization_1"] = "norm"
json.dump(m, open("twice.map.json", "w"))
PY
run 1 "$bin/skin-import" pytorch "$files/checkpoint.pt" --network twice.json \
    --map "$files/checkpoint.map.json" -o twice.safetensors
says err 'layer "batch_normalization": more than one'
run 0 "$bin/skin-import" pytorch "$files/checkpoint.pt" --network twice.json --map twice.map.json \
    -o twice.safetensors
says err "is not sigmoid"
says err "PyTorch's default is 1e-5"
# files
run 1 "$bin/skin-import" pytorch "$files/pair.pt" --network "$files/stacked.json" \
    --map ConvLSTM_pytorch -o pair.safetensors
says err '2 state dicts under "generator", "discriminator"'
run 1 "$bin/skin-import" pytorch "$files/normed.pt" --network "$files/stacked.json" \
    --map ConvLSTM_pytorch -o normed.safetensors
says err '"cell_list.0.conv.weight_v", of which it is computed'
run 1 "$bin/skin-import" pytorch "$files/whole.pt" --network "$files/stacked.json" \
    -o whole.safetensors
says err "torch.nn.modules.linear.Linear"
says err "torch.save(net.state_dict(), FILE)"
run 1 "$bin/skin-import" pytorch "$files/stacked.json" --network "$files/stacked.json" \
    -o whole.safetensors
says err "not a file of PyTorch's torch.save"
run 1 "$bin/skin-import" keras "$files/stacked.pt" --network "$files/stacked.json" \
    -o whole.safetensors
says err "a file of PyTorch (torch.save), not of Keras"
run 2 "$bin/skin-import" pytorch "$files/stacked.pt" -o whole.safetensors
says err "describe it with --network"
run 2 "$bin/skin-import" keras "$files/stacked.pt" --gates ifog -o whole.safetensors
for name in gates checkpoint wrapped; do
    size=$(stat -c %s "$files/$name.pt")
    for cut in 0 1 20 21 100 $((size / 4)) $((size / 2)) $((size - 100)) $((size - 1)); do
        head -c "$cut" "$files/$name.pt" >cut.pt
        run 1 "$bin/skin-import" pytorch cut.pt --network "$files/$name.json" \
            --map "$files/$name.map.json" -o cut.safetensors
        one_line
    done
done
echo "passed"
