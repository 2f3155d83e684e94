#!/usr/bin/env bash
# skin-import keras and tensorflow, skin-export, skin-info on files that the real Keras wrote
# (tests/peers/keras_models.py), and on damaged ones.   keras.sh BIN SCRATCH
set -u
bin=$1 scratch=$2 goldens=tests/goldens/keras_models failed=0
import=$bin/skin-import export=$bin/skin-export info=$bin/skin-info
if ! "$info" $goldens/keras2/saved.h5 >/dev/null 2>"$scratch/err" &&
    grep -q 'no HDF5' "$scratch/err"; then
    echo "this build has no HDF5"
    exit 77
fi
complain() {
    printf '%s\n' "$*"
    failed=1
}

# All files of a model give the same bytes, whatever their kind and whichever tool name is used.
for generation in 2 3; do
    folder=$goldens/keras$generation
    "$import" keras $folder/saved.keras -o "$scratch/whole" || failed=1
    "$export" json "$scratch/whole" -o "$scratch/network.json" || failed=1
    for file in model.h5 weights.h5 h5 checkpoint checkpoint.index tf saved saver; do
        [ -e $folder/saved.$file ] || [ -e $folder/saved.$file.index ] || continue
        network=(--network "$scratch/network.json")
        [ $file != model.h5 ] || network=()
        "$import" keras $folder/saved.$file ${network[@]+"${network[@]}"} -o "$scratch/other" ||
            failed=1
        cmp "$scratch/whole" "$scratch/other" || complain "$folder/saved.$file gives another model"
        "$info" $folder/saved.$file >"$scratch/out" || failed=1
        grep -q '522 elements' "$scratch/out" ||
            complain "skin-info $folder/saved.$file: $(head -1 "$scratch/out")"
    done
    # And what is written is read again, to the same bytes.
    for file in weights.h5 h5 keras npz; do
        kind=keras
        [ $file != npz ] || kind=npz
        "$export" $kind "$scratch/whole" -o "$scratch/back.$file" 2>/dev/null ||
            complain "skin-export to .$file failed"
        "$import" $kind "$scratch/back.$file" --network "$scratch/whole" -o "$scratch/other" ||
            failed=1
        cmp "$scratch/whole" "$scratch/other" || complain ".$file gives another model"
        cp "$scratch/back.$file" "$scratch/first"
        "$export" $kind "$scratch/whole" -o "$scratch/back.$file" 2>/dev/null
        cmp "$scratch/first" "$scratch/back.$file" || complain ".$file: not the same bytes twice"
    done
done
"$import" tensorflow $goldens/keras2/saved.tf --network "$scratch/network.json" \
    -o "$scratch/other" || failed=1
"$info" --json $goldens/keras3/saved.keras |
    jq -e '.kind == "Keras model (.keras)"
        and .network.layers[0].recurrent_activation == "sigmoid"' >/dev/null ||
    complain "skin-info --json"
# The other generation's hard sigmoid is named in a note.
sed 's/"sigmoid","use_bias":true,"unit/"hard_sigmoid_k2","use_bias":true,"unit/' \
    "$scratch/network.json" >"$scratch/k2.json"
"$import" keras $goldens/keras3/saved.weights.h5 --network "$scratch/k2.json" -o "$scratch/k2" ||
    failed=1
"$export" keras "$scratch/k2" -o "$scratch/k2.keras" 2>&1 |
    grep -q 'custom_objects={"hard_sigmoid_k2"' || complain "no word of custom_objects"
"$import" keras "$scratch/k2.keras" -o "$scratch/other" &&
    [ "$("$info" --json "$scratch/other" | jq -r '.network.layers[0].recurrent_activation')" = \
    hard_sigmoid_k2 ] || complain "the custom activation is lost"
[ -z "$("$export" keras "$scratch/k2" --keras 2 -o "$scratch/k2.keras" 2>&1)" ] ||
    complain "a note for Keras 2, which has this activation"

# Refusals: one line that names the file and what is wrong with it, status 1, nothing written.
expect() { # status, words on stderr, tool, arguments...
    local status=$1 words=$2
    shift 2
    "$@" >"$scratch/out" 2>"$scratch/err"
    local got=$?
    if [ $got != "$status" ] || [ -s "$scratch/out" ] || ! grep -q -- "$words" "$scratch/err" ||
        [ "$status" = 1 -a "$(wc -l <"$scratch/err")" != 1 ]; then
        complain "$*: status $got (expected $status), expected \"$words\", got: $(cat "$scratch/err" "$scratch/out")"
    fi
    [ ! -e "$scratch/F" ] || { complain "$*: wrote a file"; rm "$scratch/F"; }
}
refuse() { # words, source, options...
    local words=$1 source=$2
    shift 2
    expect 1 "$words" "$import" keras "$source" "$@" -o "$scratch/F"
    grep -q "$(basename "$source" .index)" "$scratch/err" ||
        complain "$source is not named: $(cat "$scratch/err")"
}
cut_to() { # bytes, file: a copy of its beginning under the same name
    head -c "$1" "$2" >"$scratch/$(basename "$2")"
    echo "$scratch/$(basename "$2")"
}
network=(--network "$scratch/network.json")
for file in keras2/saved.h5 keras2/saved.model.h5 keras2/saved.weights.h5 keras3/saved.keras \
    keras3/saved.weights.h5; do
    size=$(stat -c %s $goldens/$file)
    refuse 'truncated\|damaged' "$(cut_to $((size / 2)) $goldens/$file)" "${network[@]}"
    refuse 'truncated\|damaged' "$(cut_to $((size - 1)) $goldens/$file)" "${network[@]}"
    refuse 'neither HDF5' "$(cut_to 3 $goldens/$file)" "${network[@]}"
    expect 1 'truncated\|damaged' "$info" "$(cut_to $((size / 2)) $goldens/$file)"
done
cp $goldens/keras2/saved.tf.* "$scratch"
refuse 'no filters\|its last bytes' "$(cut_to 300 $goldens/keras2/saved.tf.index)" "${network[@]}"
refuse 'too short' "$(cut_to 20 $goldens/keras2/saved.tf.index)" "${network[@]}"
cp $goldens/keras2/saved.tf.index "$scratch"
cut_to 500 $goldens/keras2/saved.tf.data-00000-of-00001 >/dev/null
refuse 'lies beyond its end: truncated' "$scratch/saved.tf" "${network[@]}"
cp $goldens/keras2/saved.tf.data-00000-of-00001 "$scratch"
printf 'x' | dd of="$scratch/saved.tf.data-00000-of-00001" bs=1 seek=100 conv=notrunc status=none
refuse 'checksum of ".*" is wrong' "$scratch/saved.tf" "${network[@]}"
rm "$scratch/saved.tf.data-00000-of-00001"
refuse 'belongs to the .index' "$scratch/saved.tf" "${network[@]}"
refuse 'no config.json' tests/goldens/archive/stored.npz
refuse 'neither HDF5' tests/goldens/archive/official.safetensors
refuse '--network' $goldens/keras3/saved.weights.h5 # no preset's
expect 2 'expected keras, onnx, npz or json' "$export" torch "$scratch/whole" -o "$scratch/F"
expect 2 'ends in none of' "$export" keras "$scratch/whole" -o "$scratch/F"
expect 1 'no/folder' "$export" keras "$scratch/whole" -o "$scratch/no/folder.keras"
expect 1 'no/folder' "$export" keras "$scratch/whole" -o "$scratch/no/folder.h5"
expect 1 'no description\|metadata' "$export" keras tests/goldens/archive/official.safetensors \
    -o "$scratch/F.h5"
expect 1 'missing' "$export" npz "$scratch/missing" -o "$scratch/F"
expect 1 'official.safetensors' "$import" keras $goldens/keras3/saved.weights.h5 \
    --network tests/goldens/archive/official.safetensors -o "$scratch/F"
expect 2 'give one' "$import" keras $goldens/keras3/saved.weights.h5 --network "$scratch/whole" \
    --preset skincredible -o "$scratch/F"
# A file that does not say the order of its layers: refused, or taken at the user's word.
files=tests/goldens/keras_files
refuse '--in-order' $files/keras2/row.weights.h5 --network $files/network.json
"$import" keras $files/keras2/row.weights.h5 --network $files/network.json --in-order \
    -o "$scratch/row" || failed=1
"$import" keras $files/keras2/manager --network $files/network.json -o "$scratch/other" || failed=1
cmp "$scratch/row" "$scratch/other" || complain "the folder of checkpoints gives another model"
refuse 'does not say how' $files/keras2/owned.index --network $files/network.json --in-order
# Weights that are whole numbers: the layer is named if it is not read, and what to do if it is.
refuse 'layers/dense/vars/0" holds whole numbers, as quantised weights are' \
    $files/keras3/quantised.keras
refuse 'layer "normalization": Normalization is not supported' $files/keras3/normalised.keras
refuse 'a folder with neither' $files --network $files/network.json
exit $failed
