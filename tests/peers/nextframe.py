#!/usr/bin/env python3
"""The next-frame example beside the real Keras: the same moving digits, first weights, batches and
number of steps. Called by nextframe.sh in an environment with
tensorflow-cpu, keras and scikit-learn (whose package ships the digits).

    nextframe.py SKIN_NEXTFRAME OUT [--filters 64] [--steps 20] [--batch 2] [--frames 20]

Writes OUT/digits.npz, OUT/first.safetensors, OUT/keras.csv and OUT/run/, prints both losses, and
exits 1 if the last ones are more than 2 % apart."""
import argparse
import csv
import json
import os
import subprocess
import sys
import time

import numpy as np


def moving_digits(count, frames, size=64, digits=2, seed=0):
    """Digits of 28x28 that move at a steady speed and bounce off the walls (Srivastava et al.
    2015), made of scikit-learn's 8x8 ones."""
    from sklearn.datasets import load_digits

    images = load_digits().images / 16.0
    big = np.stack([np.kron(i, np.ones((4, 4)))[2:30, 2:30] for i in images])
    rng = np.random.default_rng(seed)
    out = np.zeros((count, frames, size, size), np.float32)
    for n in range(count):
        for _ in range(digits):
            picture, place, angle = big[rng.integers(len(big))], rng.uniform(0, size - 28,
                                                                             2), rng.uniform(
                                                                                 0, 2 * np.pi)
            step = 3.5 * np.array([np.sin(angle), np.cos(angle)])
            for t in range(frames):
                y, x = np.round(place).astype(int)
                out[n, t, y:y + 28, x:x + 28] = np.maximum(out[n, t, y:y + 28, x:x + 28], picture)
                place += step
                for d in range(2):
                    if not 0 <= place[d] <= size - 28:
                        step[d] = -step[d]
                        place[d] = np.clip(place[d], 0, size - 28)
    return (out * 255).round().astype(np.uint8)


def network(filters, size):
    def lstm(kernel):
        return {
            "type": "conv_lstm2d",
            "filters": filters,
            "kernel_size": kernel,
            "padding": "same",
            "activation": "relu",
            "recurrent_activation": "sigmoid",
            "return_sequences": True
        }

    bn = {"type": "batch_normalization"}
    return {
        "format":
        1,
        "name":
        "next-frame",
        "input": {
            "height": size,
            "width": size,
            "channels": 1
        },
        "layers": [
            lstm(5), bn,
            lstm(3), bn,
            lstm(1), {
                "type": "conv3d",
                "filters": 1,
                "kernel_size": 3,
                "padding": "same",
                "activation": "sigmoid"
            }
        ]
    }


def keras_model(keras, filters, size, frames):
    """As in Keras's example."""
    L = keras.layers
    inp = L.Input((frames, size, size, 1))
    x = L.ConvLSTM2D(filters, (5, 5), padding="same", return_sequences=True, activation="relu")(inp)
    x = L.BatchNormalization()(x)
    x = L.ConvLSTM2D(filters, (3, 3), padding="same", return_sequences=True, activation="relu")(x)
    x = L.BatchNormalization()(x)
    x = L.ConvLSTM2D(filters, (1, 1), padding="same", return_sequences=True, activation="relu")(x)
    x = L.Conv3D(1, (3, 3, 3), activation="sigmoid", padding="same")(x)
    model = keras.Model(inp, x)
    model.compile(loss=keras.losses.BinaryCrossentropy(), optimizer=keras.optimizers.Adam())
    return model


def save_safetensors(path, model, description):
    """The model's weights under this project's names, which count the layers of a kind."""
    counts, tensors = {}, []
    for layer in model.layers:
        kind = {
            "ConvLSTM2D": "conv_lstm2d",
            "BatchNormalization": "batch_normalization",
            "Conv3D": "conv3d"
        }.get(type(layer).__name__)
        if not kind:
            continue
        n = counts.get(kind, 0)
        counts[kind] = n + 1
        for v in layer.weights:
            if "seed" not in v.name:
                tensors.append((kind + ("_%d" % n if n else "") + "/" + v.name,
                                np.ascontiguousarray(np.array(v), "<f4")))
    header, at = {"__metadata__": {"convlstm": json.dumps(description)}}, 0
    for name, a in tensors:
        header[name] = {"dtype": "F32", "shape": list(a.shape), "data_offsets": [at, at + a.nbytes]}
        at += a.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        for _, a in tensors:
            f.write(a.tobytes())


def main():
    p = argparse.ArgumentParser()
    p.add_argument("tool")
    p.add_argument("out")
    for name, value in (("filters", 64), ("steps", 20), ("batch", 2), ("frames", 20), ("size", 64)):
        p.add_argument("--" + name, type=int, default=value)
    a = p.parse_args()
    os.makedirs(a.out, exist_ok=True)
    frames = moving_digits(a.steps * a.batch, a.frames, a.size)
    np.savez_compressed(os.path.join(a.out, "digits.npz"), frames=frames)

    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", KERAS_BACKEND="tensorflow")
    import keras

    keras.utils.set_random_seed(1)
    model = keras_model(keras, a.filters, a.size, a.frames - 1)
    first = os.path.join(a.out, "first.safetensors")
    save_safetensors(first, model, network(a.filters, a.size))

    begin = time.time()
    run = os.path.join(a.out, "run")
    subprocess.check_call([
        a.tool,
        os.path.join(a.out, "digits.npz"), "-o", run, "--init", first, "--epochs", "1", "--batch",
        str(a.batch), "--quiet", "--pictures", "2"
    ])
    ours_seconds = time.time() - begin
    with open(os.path.join(run, "steps.csv")) as f:
        ours = [float(r["loss"]) for r in csv.DictReader(f)]

    begin, theirs = time.time(), []
    for s in range(a.steps):
        x = (frames[s * a.batch : (s + 1) * a.batch].astype(np.float32) / 255)[..., None]
        model.reset_metrics()
        theirs.append(float(np.ravel(model.train_on_batch(x[:, :-1], x[:, 1:]))[0]))
    seconds = time.time() - begin
    with open(os.path.join(a.out, "keras.csv"), "w") as f:
        f.write("step,ours,keras\n" + "".join("%d,%.9g,%.9g\n" % (i + 1, o, k)
                                              for i, (o, k) in enumerate(zip(ours, theirs))))
    for i, (o, k) in enumerate(zip(ours, theirs)):
        print("step %2d  ours %.6f  keras %.6f  %+.3f %%" % (i + 1, o, k, 100 * (o / k - 1)))
    worst = max(abs(o / k - 1) for o, k in zip(ours, theirs))
    print(
        "%d filters, %d steps of %d sequences: worst %.3f %%, last %+.3f %%; %.0f s here, %.0f s "
        "in Keras"
        % (a.filters, a.steps, a.batch, 100 * worst, 100 *
           (ours[-1] / theirs[-1] - 1), ours_seconds, seconds))
    if len(ours) != a.steps or abs(ours[-1] / theirs[-1] - 1) > 0.02 or not ours[-1] < ours[0]:
        sys.exit("the loss does not fall as Keras's does")


main()
