#!/usr/bin/env bash
# skin-predict: photos, users and arrays give the same answer where they hold the same frames; masks
# of every type; bad input.
set -u
. "$(dirname "$0")/help.bash"
bin=$1 dir=$2 python=/usr/bin/python3
photo=/usr/lib/python3/dist-packages/skimage/data/astronaut.png \
    # NASA, public domain; Debian's python3-skimage
[ -f "$photo" ] || { echo "needs python3-skimage for its photograph"; exit 77; }
cd "$dir" || exit 1

# ---- two models with random weights, arrays of every form, photos ----
$python - "$photo" <<'PY' || fail "making the files needs python3-numpy and python3-pil"
import sys, os
import numpy as np
from PIL import Image, ImageEnhance, ImageFilter
rng = np.random.default_rng(3)
def weights(dense):
    w = {}
    def lstm(n, cin, f):
        w[n + "/kernel"], w[n + "/recurrent_kernel"], w[n + "/bias"] = rng.normal(
            0, .1, (3, 3, cin, 4 * f)), rng.normal(0, .1,
                                                   (3, 3, f, 4 * f)), rng.normal(0, .1, 4 * f)
    def bn(n, c):
        w[n +
          "/gamma"], w[n + "/beta"], w[n + "/moving_mean"], w[n + "/moving_variance"] = rng.uniform(
              .5, 1.5, c), rng.normal(0, .1, c), rng.normal(0, .1, c), rng.uniform(.5, 1.5, c)

    lstm("conv_lstm2d", 3, 20)
    bn("batch_normalization", 20)
    lstm("conv_lstm2d_1", 20, 10)
    bn("batch_normalization_1", 10)
    w["dense/kernel"], w["dense/bias"] = rng.normal(0, .3, (dense, 32)), rng.normal(0, .1, 32)
    w["dense_1/kernel"], w["dense_1/bias"] = rng.normal(0, .3, (32, 2)), rng.normal(0, .1, 2)
    return {k: v.astype(np.float32) for k, v in w.items()}
np.savez("flat_weights.npz", **weights(16 * 16 * 10))
np.savez("gap_weights.npz", **weights(10))
img = rng.integers(1, 256, (3, 5, 16, 16, 3), np.uint8)
img[0, 2] = 0
img[1] = 0
mask = img.any(axis=(2, 3, 4))
unit = img.astype(np.float32) / np.float32(255)
junk = img.copy()
junk[~mask] = 77
np.savez("plain.npz", img=img)
np.savez_compressed("float.npz", img=unit, other=np.zeros((2, 2)), labels=np.ones(3))
for name, kind in [("bool", bool), ("u8", np.uint8), ("i64", np.int64), ("f32", np.float32),
                   ("f64", np.float64), ("f16", np.float16)]:
    np.savez(f"mask_{name}.npz", img=junk, mask=mask.astype(kind))
np.savez("mask_half.npz", img=junk, mask=mask.astype(np.float32) * np.float32(0.25))
for i in range(3): np.savez(f"one{i}.npz", img=img[i], mask=mask[i])
np.savez("longer.npz", img=np.concatenate([img[2], np.zeros((40, 16, 16, 3), np.uint8)]))
np.savez("other_size.npz", img=rng.integers(0, 256, (4, 23, 31, 3), np.uint8))
np.savez("zero.npz", img=np.zeros((5, 16, 16, 3), np.uint8))
np.savez("none.npz", img=np.zeros((0, 16, 16, 3), np.uint8))
np.savez("no_img.npz", image=img)
np.savez("wrong_type.npz", img=img.astype(np.int32))
np.savez("wrong_shape.npz", img=img[..., :2])
np.savez("wrong_mask.npz", img=img, mask=np.ones((3, 4)))
np.savez("nan.npz", img=np.full((2, 16, 16, 3), np.nan, np.float32))
np.savez("loud.npz", img=unit[2] * 255)
os.makedirs("photos")
face = Image.open(sys.argv[1]).convert("RGB").crop((120, 10, 330, 220))
face.save("photos/1.png")
face.transpose(Image.FLIP_LEFT_RIGHT).save("photos/2.jpg")
face.resize((190, 190)).save("photos/3.png")
face.filter(ImageFilter.GaussianBlur(3)).save("photos/blurred.png")
ImageEnhance.Brightness(face).enhance(0.1).save("photos/dark.jpg", quality=88)
far = Image.new("RGB", (600, 600), (90, 90, 90))
far.paste(face.resize((130, 130)), (200, 200))
far.save("photos/far.png")
Image.new("RGB", (100, 80), (90, 120, 60)).save("photos/field.png")
face.crop((59, 50, 148, 163)).resize((16, 16)).save("photos/crop.png")
PY
: >photos/empty.jpg
for kind in flat gap; do
    preset=skincredible$([ $kind = gap ] && echo -gap)
    run 0 "$bin/skin-import" npz ${kind}_weights.npz --preset "$preset" -o $kind.safetensors
done

# ---- weights that are not finite are not imported ----
$python - <<'PY' || fail "making the files"
import numpy as np
w = dict(np.load("gap_weights.npz"))
for name, value in (("nan", np.nan), ("huge", 1e300)):
    np.savez(
        name + "_weights.npz", **{
            **w, "dense_1/kernel":
            np.where(
                np.arange(64).reshape(32, 2) == 5, value, w["dense_1/kernel"].astype(np.float64))
        })
PY
for kind in nan huge; do
    run 1 "$bin/skin-import" npz ${kind}_weights.npz --preset skincredible-gap -o never.safetensors
    says err "weights \"dense_1/kernel\": element 5 is $([ $kind = nan ] && echo nan || echo infinite)"
    [ ! -e never.safetensors ] || fail "$kind weights were written"
done

# ---- a batch: an answer a line; the item without a valid frame gets an error, the others don't
# notice ----
run 1 "$bin/skin-predict" flat.safetensors --npz plain.npz --json
mv out plain.out
[ "$(wc -l <plain.out)" = 3 ] || fail "three lines: $(cat plain.out)"
jq -se '.[1] == {error: "NO_VALID_FRAMES"}
    and ([.[0], .[2]] | all(.[]; keys == ["negative_prob", "positive_prob", "prob_class"]
        and .prob_class == (if .positive_prob > .negative_prob then 1 else 0 end)
        and .negative_prob > 0 and .positive_prob < 1))' plain.out >/dev/null ||
        fail "$(cat plain.out)"
says err "plain.npz: item 1: no valid frame (NO_VALID_FRAMES)"
jq -se '.[0].positive_prob != .[2].positive_prob' plain.out >/dev/null ||
    fail "all the same: $(cat plain.out)"
for file in mask_bool mask_u8 mask_i64 mask_f32 mask_f64 mask_f16 mask_half; do
    run 1 "$bin/skin-predict" flat.safetensors --npz $file.npz --json
    diff plain.out out || fail "$file.npz answers otherwise"
done
for i in 0 1 2; do
    run $((i == 1)) "$bin/skin-predict" flat.safetensors --npz one$i.npz --json
    sed -n $((i + 1))p plain.out | diff - out || fail "item $i alone answers otherwise"
done
run 1 "$bin/skin-predict" flat.safetensors --npz float.npz --json
jq -se --slurpfile a plain.out \
    '. as $b | [0, 2] | all(.[]; (($a[.].positive_prob - $b[.].positive_prob) | fabs) < 1e-6)' out \
    >/dev/null || fail "floats: $(cat out)"

# ---- what is read is never replaced ----
cp plain.npz input.npz
ln -s input.npz link.npz
for output in input.npz ./input.npz link.npz flat.safetensors; do
    sha256sum input.npz flat.safetensors >before
    run 1 "$bin/skin-predict" flat.safetensors --npz input.npz -o $output
    says err "$output: it is an input as well"
    sha256sum input.npz flat.safetensors | cmp - before || fail "-o $output replaced an input"
done

# ---- padding changes no bit, nor does the number of threads ----
run 0 "$bin/skin-predict" flat.safetensors --npz longer.npz --json
sed -n 3p plain.out | diff - out || fail "padding changes the answer"
run 1 "$bin/skin-predict" flat.safetensors --npz plain.npz --json --threads 1
diff plain.out out || fail "threads change the answer"

# ---- other sizes: resized for Flatten, taken as they are with pooling ----
run 0 "$bin/skin-predict" flat.safetensors --npz other_size.npz --json
run 0 "$bin/skin-predict" gap.safetensors --npz other_size.npz --json
jq -e 'has("prob_class")' out >/dev/null || fail "$(cat out)"

# ---- photos: the same as through skin-faces, which is the same as its file ----
echo '["7", "1", "n", "1.png", "2.jpg", "field.png", "3.png"]' >users.txt
run 0 "$bin/skin-faces" users.txt --images photos -o faces
run 0 "$bin/skin-predict" flat.safetensors --user 7 --faces faces --json
mv out user.out
run 0 "$bin/skin-predict" flat.safetensors --npz faces/7.npz --json
diff user.out out || fail "--npz FACES/7.npz answers otherwise than --user 7"
run 0 "$bin/skin-predict" flat.safetensors photos/1.png photos/2.jpg photos/field.png photos/3.png \
    --json
diff user.out out || fail "photos answer otherwise than --user 7"
says err "photos/field.png: no face found"
run 0 "$bin/skin-predict" flat.safetensors photos/1.png photos/2.jpg photos/3.png --threads 1
says out "3 of 3 frames used"
run 0 "$bin/skin-predict" flat.safetensors --crops photos/crop.png photos/crop.png
says out "2 of 2 frames used"

# ---- poor photos are masked, by the limits by which skin-faces masks them ----
echo '["8", "1", "n", "1.png", "blurred.png", "dark.jpg", "3.png", "far.png"]' >users.txt
poor="photos/1.png photos/blurred.png photos/dark.jpg photos/3.png photos/far.png"
limits= masked=3
for quality in "" off sharpness=0.05,scale=1000; do
    case $quality in off) limits="--quality off" masked=0 ;; ?*) limits="--quality $quality" \
        masked=1 ;; esac
    run 0 "$bin/skin-faces" users.txt --images photos -o poor --force $limits
    run 0 "$bin/skin-predict" flat.safetensors --user 8 --faces poor --json
    mv out user.out
    for threads in 1 2; do
        run 0 "$bin/skin-predict" flat.safetensors $poor --json --threads $threads $limits
        diff user.out out || fail "poor photos ($quality) answer otherwise than --user 8"
        [ "$(grep -c 'a poor photo' err)" = $masked ] || fail "$masked masked: $(cat err)"
    done
    run 0 "$bin/skin-predict" flat.safetensors $poor $limits
    says out "$((5 - masked)) of 5 frames used"
    case $quality in
    "") says err "photos/blurred.png: a poor photo (blurred); the frame is masked"; says err \
        "photos/dark.jpg: a poor photo (dark)"; says err "photos/far.png: a poor photo (scale)" ;;
    sharpness*) says err "photos/dark.jpg: a poor photo (dark)" ;;
    esac
done
run 1 "$bin/skin-predict" flat.safetensors photos/blurred.png --json
jq -e '. == {error: "NO_VALID_FRAMES"}' out >/dev/null ||
    fail "nothing but a poor photo: $(cat out)"

# ---- no valid frame ----
for source in "--npz zero.npz" "--npz none.npz" "photos/field.png"; do
    run 1 "$bin/skin-predict" flat.safetensors $source --json
    jq -e '. == {error: "NO_VALID_FRAMES"}' out >/dev/null || fail "$source: $(cat out)"
done

# ---- bad input: one line naming the file, exit 1 ----
run 1 "$bin/skin-predict" flat.safetensors photos/1.png photos/empty.jpg --json
says err "photos/empty.jpg: the file is empty"
jq -e 'has("prob_class")' out >/dev/null || fail "the others must be judged: $(cat out)"
head -c 5000 flat.safetensors >short.safetensors
cp plain.npz not_a_model.safetensors
for model in short not_a_model missing; do
    run 1 "$bin/skin-predict" $model.safetensors --npz plain.npz
    says err "$model.safetensors"
    [ "$(wc -l <err)" = 1 ] && [ ! -s out ] || fail "one line: $(cat err)"
done
head -c 700 plain.npz >short.npz
for file in short no_img wrong_type wrong_shape wrong_mask nan missing; do
    run 1 "$bin/skin-predict" flat.safetensors --npz $file.npz --json
    says err "$file.npz"
    [ "$(wc -l <err)" = 1 ] && [ ! -s out ] || fail "one line: $(cat err)"
done
run 0 "$bin/skin-predict" flat.safetensors --npz loud.npz --json
says err "should be 0..1"
run 1 "$bin/skin-predict" flat.safetensors --user 8 --faces faces
says err "faces/8.npz"
run 1 "$bin/skin-predict" flat.safetensors --user ../7 --faces faces
says err "no user id"
run 1 "$bin/skin-predict" flat.safetensors --weights users.txt photos/1.png
says err "make weights"
if [ -w /dev/full ]; then
    "$bin/skin-predict" flat.safetensors --npz one0.npz --json >/dev/full 2>err
    [ $? = 1 ] || fail "a full disk must be a failure"
    says err "standard output: cannot write"
fi
run 2 "$bin/skin-predict"
run 2 "$bin/skin-predict" flat.safetensors
run 2 "$bin/skin-predict" flat.safetensors --user 7
run 2 "$bin/skin-predict" flat.safetensors --npz plain.npz photos/1.png
run 2 "$bin/skin-predict" flat.safetensors --npz plain.npz --crops
for source in "--npz plain.npz" "--user 7 --faces faces" "--crops photos/crop.png"; do
    run 2 "$bin/skin-predict" flat.safetensors $source --quality off
    says err "--quality is for photos"
done
run 2 "$bin/skin-predict" flat.safetensors photos/1.png --quality blur=1
says err "'blur=1' is no limit"
echo "passed"
