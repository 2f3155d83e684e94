"""The networks of `bench --set networks` for the peers: weights, sequences, targets; and what ours
makes of them. The weights are those that bench writes, under their names in the description."""
import csv
import json
import os
import subprocess

import numpy as np

RATE = 0.01
NETWORKS = {  # frames, side, channels; what it gives for a sequence; the loss; batch in training
    "ucf50": ((20, 64, 64, 3), (4,), "softmax", 4),
    "anomaly": ((10, 227, 227, 1), (10, 227, 227, 1), "mse", 2),
    "forecaster": ((10, 64, 64, 1), (10, 64, 64, 1), "bce", 2),
    "two_ways": ((20, 64, 64, 3), (4,), "softmax", 4),
}
WORKS = [f"{name}_{what}" for name in NETWORKS for what in ("infer", "train")]


def network_of(work):
    return work.rsplit("_", 1)[0]


def trains(work):
    return work.endswith("train")


def batch(work):
    """Sequences (B,T,H,W,C), and targets of the network's shape."""
    sequence, result, loss, many = NETWORKS[network_of(work)]
    b = many if trains(work) else 1
    rng = np.random.default_rng(2)
    x = rng.random((b, *sequence), np.float32)
    if loss == "softmax":
        return x, np.eye(result[0], dtype=np.float32)[np.arange(b) % result[0]]
    return x, rng.random((b, *result), np.float32)


def model_path(work, folder):
    return os.path.join(folder, network_of(work) + ".safetensors")


def weights(work, folder):
    """Name: values, from the model's file (docs/formats.md)."""
    with open(model_path(work, folder), "rb") as f:
        data = f.read()
    size = int.from_bytes(data[:8], "little")
    head = json.loads(data[8:8 + size])
    head.pop("__metadata__")
    return {name: np.frombuffer(data[8 + size:], np.float32, int(np.prod(t["shape"])),
                                t["data_offsets"][0]).reshape(t["shape"]).copy()
            for name, t in head.items()}


def expected(work, bin_dir, folder):
    """Ours: outputs of an inference, or the losses of two steps of SGD. Leaves the model in the
    folder, for the peers."""
    model, arrays = model_path(work, folder), os.path.join(folder, work + ".npz")
    x, y = batch(work)
    np.savez(arrays, x=x, y=y, mask=np.ones(x.shape[:2], bool))

    def tool(name, *words):
        subprocess.run([os.path.join(bin_dir, name), *words], check=True,
                       stdout=subprocess.DEVNULL)

    tool("bench", "--set", work, "--write-network", model)
    if not trains(work):
        out = os.path.join(folder, work + "_out.npz")
        tool("skin-predict", model, "--npz", arrays, "-o", out)
        return np.load(out)["y"]
    run = os.path.join(folder, work)
    tool("skin-train", "--npz", arrays, "--init", model, "--steps", "2", "--no-shuffle",
         "--optimizer", "sgd", "--learning-rate", str(RATE), "--loss",
         NETWORKS[network_of(work)][2], "--batch", str(len(x)), "-o", run)
    with open(os.path.join(run, "log.csv")) as f:
        return np.array([float(row["loss"]) for row in csv.DictReader(f)])
