#!/usr/bin/env python3
"""What skin-export writes as ONNX, run by ONNX Runtime, beside skin-predict: the presets and
networks with every layer, with masks of every kind.

    tests/peers/onnx_models.py [BIN] [--goldens]

Each file passes ONNX's checker with full shape inference; outputs may differ by 1e-5. --goldens
keeps a few of the files that passed in tests/goldens/onnx_files, with their inputs and outputs,
for make check. Runs in an environment of its own, build/venv-onnx (or VENV)."""
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "goldens"))
import environment  # noqa: E402

environment.enter("onnx", ["onnx", "onnxruntime", "numpy"])
import numpy as np  # noqa: E402
import onnx  # noqa: E402
import onnxruntime  # noqa: E402

GOLDENS = os.path.join(ROOT, "tests", "goldens", "onnx_files")
ARGS = [a for a in sys.argv[1:] if not a.startswith("-")]
BIN = os.path.abspath(ARGS[0]) if ARGS else os.path.join(ROOT, "build", "bin")
LIMIT = 1e-5


def cell(filters=3, kernel=3, sequences=True, **more):
    return {"type": "conv_lstm2d", "filters": filters, "kernel_size": kernel, "padding": "same",
            "recurrent_activation": "sigmoid", "return_sequences": sequences, **more}


def layer(kind, **more):
    return {"type": kind, **more}


def activations():
    return [layer("activation", activation=a) for a in (
        "relu", "leaky_relu", "relu6", "elu", "selu", "softplus", "softsign", "hard_tanh",
        "sigmoid", "hard_sigmoid_k2", "hard_sigmoid_k3", "silu", "gelu", "gelu_tanh", "mish",
        "hard_silu", "exponential", "log_sigmoid", "tanh")]


dense = layer("dense", units=3, activation="softmax")
POOL = layer("global_average_pool")
NETWORKS = {
    "skip": [cell(name="a"), layer("conv2d", filters=3, kernel_size=3, padding="same", name="b"),
             layer("add", inputs=["a", "b"]), cell(sequences=False), layer("flatten"), dense],
    "states": [cell(2, name="a"), cell(2, inputs=["a", "a:h", "a:c"], name="b"),
               layer("concatenate", inputs=["a", "b"])],
    "strides": [cell(strides=2, kernel=5), cell(2, padding="valid", kernel=[2, 3]),
                cell(dilation_rate=2, sequences=False), POOL],
    "peepholes": [cell(peepholes="pixel"), cell(peepholes="channel", sequences=False), POOL],
    "gates": [cell(recurrent_activation="hard_sigmoid_k2", activation="relu", use_bias=False),
              cell(recurrent_activation="hard_sigmoid_k3", go_backwards=True, sequences=False),
              layer("flatten"), layer("dense", units=2)],
    "autoencoder": [layer("conv2d", filters=4, kernel_size=5, strides=2, padding="same"),
                    layer("layer_normalization"), cell(),
                    layer("conv2d_transpose", filters=4, kernel_size=5, strides=2, padding="same"),
                    layer("conv2d_transpose", filters=2, kernel_size=2, strides=3),
                    layer("conv2d", filters=1, kernel_size=3, activation="sigmoid")],
    "transposed": [layer("conv2d_transpose", filters=2, kernel_size=[4, 3], strides=[3, 2],
                         padding="same", output_padding=[1, 1]),
                   layer("conv2d_transpose", filters=2, kernel_size=1, strides=2, padding="same"),
                   cell(2, sequences=False), POOL],
    "time": [cell(), layer("conv3d", filters=2, kernel_size=3, padding="same"),
             layer("batch_normalization"), POOL, dense],
    "largest": [cell(), layer("global_max_pool"), layer("layer_normalization"), dense],
    "pooled": [layer("max_pool2d", pool_size=[2, 3], padding="same"), cell(),
               layer("average_pool2d", pool_size=3, strides=2, padding="same"),
               cell(sequences=False), layer("max_pool2d", strides=1), layer("global_max_pool")],
    "each": [cell(), layer("global_average_pool", each_frame=True), layer("dense", units=4),
             layer("activation", activation="softmax")],
    "each_flat": [cell(), layer("flatten", each_frame=True), layer("batch_normalization"),
                  layer("reshape", target_shape=[4, 0, 2]), cell(2, sequences=False), POOL],
    "borders": [layer("zero_padding2d", padding=[1, 0, 2, 3]), cell(),
                layer("cropping2d", cropping=[0, 1, 2, 0]),
                layer("up_sampling2d", size=[2, 3]),
                layer("up_sampling2d", size=2, interpolation="bilinear")],
    "separable": [layer("depthwise_conv2d", kernel_size=3, depth_multiplier=2, padding="same"),
                  layer("separable_conv2d", filters=3, kernel_size=[3, 2], strides=2,
                        activation="relu"), cell(sequences=False), POOL],
    "rectified": [layer("relu", max_value=0.6, negative_slope=0.1, threshold=0.2),
                  layer("elu", alpha=0.7), layer("leaky_relu", negative_slope=0.2),
                  layer("rescaling", scale=1.5, offset=-0.3), layer("identity"),
                  layer("dropout", rate=0.3), layer("gaussian_noise", stddev=1), cell()],
    "activations": [cell(), *activations(), cell(sequences=False), POOL,
                    layer("dense", units=3, activation="log_softmax")],
    "cells": [cell(activation="silu"), cell(activation="gelu", peepholes="channel"),
              cell(activation="softmax"), cell(activation="mish"),
              layer("activation", activation="softmax"),
              cell(1, 1, activation="exponential"), layer("activation", activation="tanh"),
              cell(activation="log_softmax")],
    "merges": [cell(2, name="a"), cell(2, name="b", inputs=["input"]),
               *[layer(kind, name=kind, inputs=["a", "b"]) for kind in
                 ("subtract", "multiply", "average", "maximum", "minimum")],
               layer("concatenate", inputs=["subtract", "multiply", "average", "maximum",
                                            "minimum"]),
               layer("dense", units=2, activation="tanh")],
    "normed": [cell(), layer("layer_normalization", over="frame"), cell(sequences=False),
               layer("layer_normalization"), layer("dense", units=2), layer("flatten")],
    "slopes": [layer("conv2d", filters=3, kernel_size=1), layer("prelu"), cell(),
               layer("prelu", over="frame"), cell(2, sequences=False), layer("prelu", over="frame"),
               layer("flatten"), layer("dense", units=4), layer("prelu")],
    "other_frames": [cell(name="a"), layer("max_pool3d", pool_size=[2, 2, 3], padding="same"),
                     cell(2), layer("conv3d", filters=3, kernel_size=[2, 3, 2],
                                    strides=[2, 1, 1], padding="same", activation="tanh"),
                     layer("up_sampling3d", size=[3, 1, 2]), layer("average_pool3d"),
                     layer("zero_padding3d", padding=[2, 1, 1, 0, 0, 2]), cell(2),
                     layer("cropping3d", cropping=[1, 0, 0, 1, 1, 0])],
    "shortened": [layer("conv3d", filters=2, kernel_size=[3, 2, 2], padding="valid"), cell(),
                  layer("conv3d", filters=2, kernel_size=[2, 2, 1], padding="same", causal=True,
                        strides=[2, 1, 1]), layer("conv3d", filters=2, kernel_size=[2, 3, 3],
                                                  padding="valid", causal=True), POOL],
    "transposed_in_time": [cell(2), layer("conv3d_transpose", filters=2, kernel_size=[3, 2, 3],
                                          strides=[2, 1, 2], padding="same"), cell(2),
                           layer("conv3d_transpose", filters=2, kernel_size=[2, 3, 1]),
                           layer("conv3d_transpose", filters=1, kernel_size=3, strides=[2, 1, 3],
                                 padding="same", output_padding=[1, 0, 2])],
    "causal": [cell(), layer("conv3d", filters=2, kernel_size=[3, 2, 3], padding="same",
                             causal=True, dilation_rate=[2, 1, 1]), cell(2)],
    "repeated": [cell(sequences=False), layer("flatten"), layer("dense", units=6),
                 layer("repeat_vector", n=4), layer("reshape", target_shape=[1, 2, 3]), cell(2),
                 layer("flatten", each_frame=True), layer("dense", units=2)],
    "one_frame": [cell(sequences=False), layer("conv2d", filters=2, kernel_size=3)],
}
FIXED = {"whole": [cell(), layer("flatten"), dense],
         "reshaped": [cell(1), layer("reshape", target_shape=[3, 4, 5, 6]), cell(2),
                      layer("reshape", target_shape=[3, 0]), layer("dense", units=2),
                      layer("reshape", target_shape=[2, 1, 1, 3])],
         "beside": [cell(2, name="a"), layer("max_pool3d", padding="same"), cell(2),
                    layer("up_sampling3d"), layer("cropping3d", cropping=[0, 1, 0, 0, 0, 1],
                                                  name="b"),
                    layer("concatenate", inputs=["a", "b"]), cell(2)]}
KEPT = ["skip", "time", "each", "other_frames"]


# several outputs: their names, and the layers; layers that share weights
SEVERAL = {
    "outputs": (["d", "a", "w"], [
        cell(name="a"), layer("conv2d", name="c", filters=3, kernel_size=1),
        layer("conv2d", name="e", filters=3, kernel_size=1, shares="c"),
        cell(sequences=False, name="b"),
        layer("flatten"), layer("dense", units=3, name="d", activation="softmax"),
        layer("conv3d", filters=2, kernel_size=3, padding="same", name="w", inputs=["e"])]),
}


# several inputs, of one size and of others, one of them vectors
INPUTS = [{"name": "left", "height": 8, "width": 9, "channels": 2},
          {"name": "right", "height": 4, "width": 9, "channels": 1},
          {"name": "sensor", "channels": 3}]
CAMERAS = {
    "cameras": [cell(name="a", inputs=["left"]), cell(2, name="b", inputs=["right"]),
                layer("up_sampling2d", size=[2, 1], name="u"),
                layer("concatenate", inputs=["u", "a", "left"]), cell(sequences=False),
                layer("global_average_pool", name="p"),
                layer("dense", units=4, activation="tanh", name="v", inputs=["sensor"]),
                layer("global_average_pool", name="m"),
                layer("concatenate", inputs=["p", "m"]), dense],
}


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def spread(model, folder):
    """The model with weights far from their start: zeros and ones would hide a lot."""
    import struct
    path = os.path.join(folder, "spread.safetensors")
    with open(model, "rb") as f:
        data = bytearray(f.read())
    size = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8:8 + size])
    rng = np.random.default_rng(5)
    for name, t in head.items():
        if name == "__metadata__":
            continue
        a, b = (8 + size + n for n in t["data_offsets"])
        values = rng.normal(0, .3, (b - a) // 4).astype("f4")
        if name.endswith(("variance", "gamma")):
            values = abs(values) + np.float32(.5)
        data[a:b] = values.tobytes()
    with open(path, "wb") as f:
        f.write(data)
    return path


def compare(name, model, shape, folder, rng):
    """The largest difference, over masks of all kinds."""
    out = os.path.join(folder, "m.onnx")
    run(os.path.join(BIN, "skin-export"), "onnx", model, "-o", out)
    onnx.checker.check_model(out, full_check=True)
    onnx.shape_inference.infer_shapes(onnx.load(out), strict_mode=True)
    session = onnxruntime.InferenceSession(out)
    given = {n: rng.random((3, *s), dtype=np.float32) for n, s in shape.items()}
    frames = next(iter(shape.values()))[0]
    masks = [np.ones((3, frames), bool), rng.random((3, frames)) < .5]
    masks[1][:, -2] = True
    masks[1][1] = False
    masks[1][1, -1] = True  # valid at the very end only
    worst = 0
    for mask in masks:
        arrays = os.path.join(folder, "in.npz")
        np.savez(arrays, **given, mask=mask)
        answer = os.path.join(folder, "out.npz")
        run(os.path.join(BIN, "skin-predict"), model, "--npz", arrays, "-o", answer)
        y = np.load(answer)
        assert sorted(y.files) == sorted(o.name for o in session.get_outputs()), y.files
        for output in y.files:
            ours, theirs = y[output], session.run([output], {**given, "mask": mask})[0]
            assert ours.shape == theirs.shape, (name, ours.shape, theirs.shape)
            worst = max(worst, abs(ours - theirs).max() / max(1, abs(ours).max()))
    if "--goldens" in sys.argv and name in KEPT:
        os.makedirs(GOLDENS, exist_ok=True)
        for source, end in ((model, ".safetensors"), (out, ".onnx")):
            with open(source, "rb") as f, open(os.path.join(GOLDENS, name + end), "wb") as g:
                g.write(f.read())
    return worst


def main():
    rng = np.random.default_rng(1)
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        cases = [(n, layers, {}) for n, layers in NETWORKS.items()]
        cases += [(n, layers, {"frames": 5}) for n, layers in FIXED.items()]
        cases += [(n, layers, {"inputs": INPUTS}) for n, layers in CAMERAS.items()]
        cases += [(n, layers, {"outputs": names}) for n, (names, layers) in SEVERAL.items()]
        for name, layers, more in cases:
            others = {k: more[k] for k in more if k != "frames"}
            more = {k: more[k] for k in more if k == "frames"}
            net = os.path.join(folder, "net.json")
            shape = {"x": (5, 8, 9, 2)}
            if "inputs" in others:
                shape = {i["name"]: (5, *[i[k] for k in ("height", "width", "channels") if k in i])
                         for i in others["inputs"]}
            else:
                others["input"] = {"height": 8, "width": 9, "channels": 2, **more}
            with open(net, "w") as f:
                json.dump({"format": 1, "layers": layers, **others}, f)
            model = os.path.join(folder, "m.safetensors")
            run(os.path.join(BIN, "skin-import"), "network", net, "-o", model)
            worst = compare(name, spread(model, folder), shape, folder, rng)
            bad += worst > LIMIT
            print(f"{name:14} {worst:.1e}{'  too large' if worst > LIMIT else ''}", flush=True)
        for preset in ("skincredible", "skincredible-gap"):
            model = os.path.join(folder, "m.safetensors")
            run(os.path.join(BIN, "skin-import"), "network", preset, "-o", model)
            worst = compare(preset, spread(model, folder), {"x": (4, 80, 80, 3)}, folder, rng)
            bad += worst > LIMIT
            print(f"{preset:14} {worst:.1e}{'  too large' if worst > LIMIT else ''}", flush=True)
    print(f"{bad} networks differ")
    sys.exit(1 if bad else 0)


main()
