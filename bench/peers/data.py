"""The same numbers for every peer: weights with Keras's names, photos, masks, labels; and what ours
makes of them."""
import csv, json, os, subprocess

import numpy as np

SIZE, FRAMES, BATCH, RATE = 80, 30, 8, 0.01
SHAPES = {  # preset skincredible
    "conv_lstm2d/kernel": (3, 3, 3, 80),
    "conv_lstm2d/recurrent_kernel": (3, 3, 20, 80),
    "conv_lstm2d/bias": (80,),
    "batch_normalization/gamma": (20,),
    "batch_normalization/beta": (20,),
    "batch_normalization/moving_mean": (20,),
    "batch_normalization/moving_variance": (20,),
    "conv_lstm2d_1/kernel": (3, 3, 20, 40),
    "conv_lstm2d_1/recurrent_kernel": (3, 3, 10, 40),
    "conv_lstm2d_1/bias": (40,),
    "batch_normalization_1/gamma": (10,),
    "batch_normalization_1/beta": (10,),
    "batch_normalization_1/moving_mean": (10,),
    "batch_normalization_1/moving_variance": (10,),
    "dense/kernel": (SIZE * SIZE * 10, 32),
    "dense/bias": (32,),
    "dense_1/kernel": (32, 2),
    "dense_1/bias": (2,),
}


def made_weights():
    rng = np.random.default_rng(0)
    w = {}
    for name, shape in SHAPES.items():
        if name.endswith("kernel"):
            w[name] = rng.normal(0, 1 / np.sqrt(np.prod(shape[:-1])), shape)
        else:
            w[name] = rng.normal(1 if name.endswith(("gamma", "variance")) else 0, 0.1, shape)
    return {k: v.astype(np.float32) for k, v in w.items()}


# Keras's next-frame example (Moving MNIST), smaller in batch and time: three ConvLSTM2D of 64
# filters with relu, BatchNormalization between, Conv3D.
FRAMES_SHAPE = (2, 10, 64, 64, 1)
FRAMES_KERNELS = (5, 3, 1)


def frames_weights():
    rng = np.random.default_rng(3)
    w, channels = {}, 1
    for i, k in enumerate(FRAMES_KERNELS):
        for name, inputs in (("kernel", channels), ("recurrent_kernel", 64)):
            w[f"layer{i}/{name}"] = rng.normal(0, 0.5 / np.sqrt(k * k * inputs),
                                               (k, k, inputs, 256)).astype(np.float32)
        w[f"layer{i}/bias"] = np.repeat(np.float32([0, 1, 0, 0]), 64)
        channels = 64
    for i in range(2):
        w[f"norm{i}/gamma"], w[f"norm{i}/beta"] = np.ones(64, np.float32), np.zeros(64, np.float32)
    w["conv3d/kernel"] = rng.normal(0, 1 / np.sqrt(27 * 64), (3, 3, 3, 64, 1)).astype(np.float32)
    w["conv3d/bias"] = np.zeros(1, np.float32)
    return w


def frames_batch():
    """Frames and the frames after them, both (B,T,H,W,1)."""
    rng = np.random.default_rng(4)
    b, t, *rest = FRAMES_SHAPE
    frames = rng.random((b, t + 1, *rest), np.float32)
    return frames[:, :-1], frames[:, 1:]


def batch(work):
    """img (B,T,H,W,3), mask (B,T) or None if every frame is valid, labels (B,2). Masks as in bench:
    of every second person the last frames, else every other."""
    b = 1 if work == "infer_b1" else BATCH
    img = np.random.default_rng(1).random((b, FRAMES, SIZE, SIZE, 3), np.float32)
    t = np.arange(FRAMES)
    mask = np.stack([t < 15 if i % 2 else t % 2 == 1
                     for i in range(b)]) if work.endswith("half") else None
    labels = np.stack([[i % 3 == 0, i % 3 != 0] for i in range(b)]).astype(np.float32)
    return img, mask, labels


def expected(work, bin_dir, scratch):
    """Ours: probabilities (B,2) of an inference, or the losses of two steps of SGD."""
    weights, model, arrays = (os.path.join(scratch, n)
                              for n in ("weights.npz", "model.safetensors", work + ".npz"))
    np.savez(weights, **made_weights())
    img, mask, labels = batch(work)
    np.savez(arrays, img=img, labels=labels,
             mask=np.ones(img.shape[:2], bool) if mask is None else mask)

    def tool(name, *words):
        return subprocess.run([os.path.join(bin_dir, name), *words], check=True,
                              stdout=subprocess.PIPE, text=True).stdout

    tool("skin-import", "npz", weights, "--preset", "skincredible", "--recurrent-activation",
         "hard_sigmoid_k2", "-o", model)
    if work.startswith("infer"):
        lines = [
            json.loads(line)
            for line in tool("skin-predict", model, "--npz", arrays, "--json").splitlines()
        ]
        return np.array([[line["negative_prob"], line["positive_prob"]] for line in lines])
    run = os.path.join(scratch, work)
    tool("skin-train", "--npz", arrays,
         "--init", model, "--steps", "2", "--no-shuffle", "--optimizer", "sgd", "--learning-rate",
         str(RATE), "--loss", "bce", "--batch", str(BATCH), "-o", run)
    with open(os.path.join(run, "log.csv")) as f:
        return np.array([float(row["loss"]) for row in csv.DictReader(f)])
