#!/usr/bin/env bash
# skin-export onnx: the files are those that ONNX Runtime has run to our numbers
# (tests/peers/onnx_models.py); what ONNX lacks is refused by name.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$(dirname "$0")/help.bash"
bin=$1 dir=$2 files=$root/tests/goldens/onnx_files
cd "$dir" || exit 1
count=0
for golden in "$files"/*.onnx; do
    name=$(basename "$golden" .onnx)
    run 0 "$bin/skin-export" onnx "$files/$name.safetensors" -o "$name.onnx"
    cmp "$name.onnx" "$golden" || fail "$name: other bytes than those that ONNX Runtime has run"
    count=$((count + 1))
done
[ $count = 4 ] || fail "$count goldens, not 4"

refused() { # WORDS LAYERS
    echo "{\"format\": 1, \"input\": {\"height\": 8, \"width\": 8, \"channels\": 1}, \"layers\": [$2]}" >net.json
    run 0 "$bin/skin-import" network net.json --seed 3 -o net.safetensors
    echo before >kept.onnx
    run 1 "$bin/skin-export" onnx net.safetensors -o kept.onnx
    says err "$1"
    one_line
    [ "$(cat kept.onnx)" = before ] || fail "$1: the output was replaced"
}
cell='"type": "conv_lstm2d", "filters": 2, "kernel_size": 3, "padding": "same", "recurrent_activation": "sigmoid"'
refused 'layer "back": a sequence that runs backwards' \
    "{$cell, \"name\": \"back\", \"return_sequences\": true, \"go_backwards\": true}"
refused 'layer "turned": reverse is not written as ONNX' \
    "{$cell, \"return_sequences\": true}, {\"type\": \"reverse\", \"name\": \"turned\"}"
cp net.safetensors kept.safetensors
run 1 "$bin/skin-export" json net.safetensors -o ./net.safetensors
says err "net.safetensors: it is an input as well"
cmp net.safetensors kept.safetensors || fail "the model was replaced by its export"
run 2 "$bin/skin-export" onnxx net.safetensors -o kept.onnx
says err "expected keras, onnx, npz or json"
run 0 "$bin/skin-import" network skincredible-gap -o preset.safetensors
run 0 "$bin/skin-export" onnx preset.safetensors -o preset.onnx
grep -q "Scan" preset.onnx || fail "no Scan in the preset's graph"
run 1 "$bin/skin-export" onnx preset.safetensors -o /dev/full
echo "passed"
