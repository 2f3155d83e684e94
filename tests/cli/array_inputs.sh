#!/usr/bin/env bash
# Networks with several inputs on arrays: an array for each input, by its name.
set -u
. "$(dirname "$0")/help.bash"
bin=$1 dir=$2 python=/usr/bin/python3
cd "$dir" || exit 1
train() { run 0 "$bin/skin-train" --quiet --no-shuffle --batch 5 --seed 4 "$@"; }

$python - <<'PY' || fail "making several inputs"
import json
import numpy as np
rng = np.random.default_rng(9)
inputs = [
    dict(name="left", height=12, width=13, channels=2),
    dict(name="right", height=6, width=5, channels=1),
    dict(name="sensor", channels=3)
]
cell = dict(type="conv_lstm2d", filters=3, kernel_size=3, padding="same",
            recurrent_activation="sigmoid")
def pool(of, **more): return dict(type="global_average_pool", inputs=[of], **more)


def network(name, *layers):
    json.dump({"format": 1, "inputs": inputs, "layers": list(layers)}, open(name + ".json", "w"))


network("means", pool("left", name="l"), pool("right", name="r"), pool("sensor", name="s"),
        dict(type="concatenate", inputs=["l", "r", "s"]))
network("cameras", dict(cell, inputs=["left"], name="a"), dict(cell, inputs=["right"], name="b"),
        pool("a", name="l"), pool("b", name="r"), pool("sensor", name="s"),
        dict(type="concatenate", inputs=["l", "r", "s"]),
        dict(type="dense", units=3, activation="softmax"))
mask = rng.random((10, 5)) < .7
mask[:, 1] = True
left = rng.integers(0, 9, (10, 5, 12, 13, 2)) / 8
right = rng.integers(0, 9, (10, 5, 6, 5, 1)) / 8
sensor = rng.integers(-9, 9, (10, 5, 3)) / 4
y = rng.integers(0, 3, 10)
def save(name, **z): np.savez(name + ".npz", **z)
whole = dict(left=left, right=right, sensor=sensor, mask=mask, y=y)
save("cams", **whole)
save("cams32", **{k: v if k in ("mask", "y") else v.astype("f4") for k, v in whole.items()})
save("cams_alone", **{k: v[4] for k, v in whole.items() if k != "y"})
save("cams_all", **{k: v for k, v in whole.items() if k != "mask"})
save("cams_without", **{k: v for k, v in whole.items() if k != "right"})
save("cams_shape", **{**whole, "right": right[:, :, :5]})
save("cams_axes", **{**whole, "sensor": right})
save("cams_frames", **{**whole, "sensor": sensor[:, :4]})
bad = sensor.copy()
bad[3, 1, 2] = np.nan
save("cams_nan", **{**whole, "sensor": bad})
PY
for net in means cameras; do run 0 "$bin/skin-import" network $net.json -o $net.safetensors; done
for kind in cams cams32 cams_alone cams_all; do
    run 0 "$bin/skin-predict" means.safetensors --npz $kind.npz -o means_$kind.npz
done
train --network cameras.json --npz cams.npz --steps 4 --learning-rate 0.3 -o cameras
train --network cameras.json --npz cams32.npz --validation cams.npz --epochs 2 --learning-rate 0.3 \
    -o cameras32
run 0 "$bin/skin-evaluate" cameras/model.safetensors --npz cams.npz -o report_cameras
run 0 "$bin/skin-predict" cameras/model.safetensors --npz cams.npz -o cams_y.npz
run 0 "$bin/skin-predict" cameras/model.safetensors --npz cams_alone.npz -o cams_alone_y.npz
# through Keras's files and back: the same numbers, by the same names
for generation in 2 3; do
    run 0 "$bin/skin-export" keras cameras/model.safetensors --keras $generation -o cameras.keras
    run 0 "$bin/skin-import" keras cameras.keras -o cameras_back.safetensors
    run 0 "$bin/skin-predict" cameras_back.safetensors --npz cams.npz -o cams_back.npz
    cmp cams_y.npz cams_back.npz || fail "Keras $generation: other numbers"
done
run 0 "$bin/skin-export" onnx cameras/model.safetensors -o cameras.onnx
run 0 "$bin/skin-info" cameras/model.safetensors
says out "inputs left 12x13x2, right 6x5x1, sensor 3"
mangled() { # FILE WORDS
    run 1 "$bin/skin-predict" cameras/model.safetensors --npz "$1.npz" -o never.npz
    says err "$2"
    run 1 "$bin/skin-train" --network cameras.json --npz "$1.npz" --steps 1 -o never
    says err "$2"
}
mangled cams_without "there is no 'right', which is one of the 3 inputs"
mangled cams_shape "'right' has frames of 5 x 5 x 1; the network takes 6 x 5 x 1"
mangled cams_axes "'sensor' must have the shape (sequences, frames, channels)"
mangled cams_frames "'left' and 'sensor' have not the same number"
mangled cams_nan "'sensor' is nan in item 3, frame 1"
run 1 "$bin/skin-predict" cameras/model.safetensors photo.png
says err "3 inputs and 1 outputs"
$python - <<'PY' || fail "several inputs"
import json
import numpy as np

z = np.load("cams.npz")
kinds = ("cams", "cams32", "cams_alone", "cams_all")
y = {k: np.load("means_%s.npz" % k)["y"] for k in kinds}
def mean(i, m):
    left, right, sensor = (z[name][i][m] for name in ("left", "right", "sensor"))
    return np.concatenate([left.mean((0, 1, 2)), right.mean((0, 1, 2)), sensor.mean(0)])
def means(mask): return np.array([mean(i, m) for i, m in enumerate(mask)])


assert abs(y["cams"] - means(z["mask"])).max() < 1e-6
assert (y["cams32"] == y["cams"]).all()
assert (y["cams_alone"] == y["cams"][4]).all()
assert abs(y["cams_all"] - means(np.ones((10, 5), bool))).max() < 1e-6
log = np.loadtxt("cameras/log.csv", delimiter=",", skiprows=1)
assert log.shape == (4, 2) and log[3, 1] < log[1, 1] and log[2, 1] < log[0, 1], log
p, o = np.load("cams_y.npz")["y"], json.load(open("report_cameras/metrics.json"))
assert np.isclose(o["log_loss"], -np.log(p[np.arange(10), z["y"]]).mean())
assert (np.load("cams_alone_y.npz")["y"] == p[4]).all()
PY
echo "passed"
