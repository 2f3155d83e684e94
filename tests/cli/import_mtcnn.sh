#!/usr/bin/env bash
# The five containers of MTCNN's weights give one file, bit for bit.   import_mtcnn.sh BIN SCRATCH
# SKIN_MTCNN_CONTAINERS names a folder with det{1,2,3}.caffemodel, det{1,2,3}.npy, {p,r,o}net.lz4,
# {p,r,o}net.pt and, where it is there, mtcnn_weights.npy; skipped without.
set -u
bin=$1 scratch=$2 failed=0
folder=${SKIN_MTCNN_CONTAINERS:-}
if [ ! -d "$folder" ]; then
    echo "set SKIN_MTCNN_CONTAINERS to a folder with MTCNN's weights in their original containers"
    exit 77
fi
expected=$(cut -d' ' -f1 weights/mtcnn.safetensors.sha256)
for name in det1.caffemodel det2.caffemodel det3.caffemodel det1.npy det2.npy det3.npy pnet.lz4 \
    rnet.lz4 onet.lz4 pnet.pt rnet.pt onet.pt mtcnn_weights.npy; do
    [ -f "$folder/$name" ] || { [ $name = mtcnn_weights.npy ] &&
        continue; echo "$folder/$name is missing"; failed=1; continue; }
    "$bin/skin-import" mtcnn "$folder/$name" -o "$scratch/out" || failed=1
    got=$(sha256sum "$scratch/out" | cut -d' ' -f1)
    [ "$got" = "$expected" ] || { echo "$name gives $got, not $expected"; failed=1; }
done

# A folder of its own works by its name; one that lacks a net, or has two sets, says so.
mkdir -p "$scratch/three"
cp "$folder"/[pro]net.pt "$scratch/three"
"$bin/skin-import" mtcnn "$scratch/three" -o "$scratch/out" &&
    [ "$(sha256sum "$scratch/out" | cut -d' ' -f1)" = "$expected" ] || failed=1
cp "$folder"/det?.npy "$scratch/three"
"$bin/skin-import" mtcnn "$scratch/three" -o "$scratch/none" 2>"$scratch/err" && failed=1
grep -q 'several sets' "$scratch/err" || { cat "$scratch/err"; failed=1; }
rm "$scratch/three"/*.npy "$scratch/three/rnet.pt"
"$bin/skin-import" mtcnn "$scratch/three/pnet.pt" -o "$scratch/none" 2>"$scratch/err" && failed=1
grep -q 'rnet' "$scratch/err" || { cat "$scratch/err"; failed=1; }
cp "$folder/rnet.pt" "$scratch/three/a.pt"
cp "$folder/rnet.pt" "$scratch/three/b.pt"
"$bin/skin-import" mtcnn "$scratch/three/pnet.pt" -o "$scratch/none" 2>"$scratch/err" && failed=1
grep -q 'more than one' "$scratch/err" || { cat "$scratch/err"; failed=1; }
[ ! -e "$scratch/none" ] || { echo "wrote a file after an error"; failed=1; }
exit $failed
