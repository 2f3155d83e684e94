"""Accuracy on frames that nobody has scaled: ConvLSTM2D layers on z-scores of deviation 1 and 3, by
the library and by Keras in float32, each against NumPy in float64. The library's largest error
must be at most twice Keras's.

    python tests/peers/unscaled.py [LIBRARY_DIR]"""
import argparse
import json
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ["KERAS_BACKEND"] = "tensorflow"
sys.path.insert(0, os.path.join(ROOT, "tools", "python"))
import numpy as np  # noqa: E402

LIMIT = 2  # times Keras's error


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


GATES = {"sigmoid": sigmoid, "hard_sigmoid_k2": lambda z: np.clip(0.2 * z + 0.5, 0, 1),
         "hard_sigmoid_k3": lambda z: np.clip(z / 6 + 0.5, 0, 1)}


def conv(x, kernel):
    """'same' convolution of (B,H,W,C), exact to rounding of float64."""
    kh, kw, channels, filters = kernel.shape
    x = np.pad(x, ((0, 0), (kh // 2, (kh - 1) // 2), (kw // 2, (kw - 1) // 2), (0, 0)))
    patches = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), (1, 2))  # B,H,W,C,kh,kw
    flat = patches.transpose(0, 1, 2, 4, 5, 3).reshape(-1, kh * kw * channels)
    return (flat @ kernel.reshape(-1, filters)).reshape(*patches.shape[:3], filters)


def cell64(x, w, gate, sequences):
    """ConvLSTM2D in float64, gates in Keras's order i, f, c, o."""
    h = c = 0
    out = []
    for t in range(x.shape[1]):
        z = conv(x[:, t], w["kernel"]) + w["bias"]
        if t:
            z = z + conv(h, w["recurrent_kernel"])
        i, f, g, o = np.split(z, 4, -1)
        c = gate(f) * c + gate(i) * np.tanh(g)
        h = gate(o) * np.tanh(c)
        out.append(h)
    return np.stack(out, 1) if sequences else h


class Case:
    """Layers of ConvLSTM2D, with BatchNormalization between them if `norm`."""

    def __init__(self, name, layers, x, weights, gate="sigmoid"):
        self.name, self.layers, self.x, self.weights, self.gate = name, layers, x, weights, gate

    def description(self):
        described = []
        for layer in self.layers:
            if layer[0] == "norm":
                described.append({"type": "batch_normalization", "name": layer[1]})
            else:
                _, name, filters, kernel, sequences = layer
                described.append({"type": "conv_lstm2d", "name": name, "filters": filters,
                                  "kernel_size": kernel, "padding": "same",
                                  "recurrent_activation": self.gate,
                                  "return_sequences": sequences})
        height, width, channels = self.x.shape[2:]
        return {"format": 1, "input": {"height": height, "width": width, "channels": channels},
                "layers": described}

    def of_layer(self, name):
        return {k.split("/")[1]: v for k, v in self.weights.items() if k.split("/")[0] == name}

    def exact(self):
        y = self.x.astype(np.float64)
        for layer in self.layers:
            w = {k: v.astype(np.float64) for k, v in self.of_layer(layer[1]).items()}
            if layer[0] == "norm":
                scale = w["gamma"] / np.sqrt(w["moving_variance"] + 1e-3)
                y = y * scale + (w["beta"] - w["moving_mean"] * scale)
            else:
                y = cell64(y, w, GATES[self.gate], layer[4])
        return y

    def by_keras(self):
        import keras
        gate = {"sigmoid": "sigmoid",
                "hard_sigmoid_k2": lambda z: keras.ops.clip(0.2 * z + 0.5, 0, 1),
                "hard_sigmoid_k3": "hard_sigmoid"}[self.gate]
        y = inputs = keras.Input(self.x.shape[1:])
        for layer in self.layers:
            if layer[0] == "norm":
                made = keras.layers.BatchNormalization(name=layer[1])
            else:
                _, name, filters, kernel, sequences = layer
                made = keras.layers.ConvLSTM2D(filters, kernel, padding="same", name=name,
                                               return_sequences=sequences,
                                               recurrent_activation=gate)
            y = made(y)
        model = keras.Model(inputs, y)
        for layer in self.layers:
            values = self.of_layer(layer[1])
            for v in model.get_layer(layer[1]).weights:
                v.assign(values[v.name])
        return model(self.x, training=False).numpy()

    def by_ours(self):
        import skincredible
        model = skincredible.Model.from_description(self.description())
        for name, value in self.weights.items():
            model[name] = value
        return model.session().run(self.x, np.ones(self.x.shape[:2], bool))[0]


def initial(rng, name, kernel, channels, filters):
    """As Keras starts a layer: Glorot's, orthogonal, ones for the forget gate."""
    limit = np.sqrt(6 / (kernel * kernel * (channels + 4 * filters)))
    rows = rng.normal(size=(kernel * kernel * filters, 4 * filters))
    q, r = np.linalg.qr(rows)
    bias = np.zeros(4 * filters)
    bias[filters:2 * filters] = 1
    values = {"kernel": rng.uniform(-limit, limit, (kernel, kernel, channels, 4 * filters)),
              "recurrent_kernel": (q * np.sign(np.diag(r))).reshape(kernel, kernel, filters, -1),
              "bias": bias}
    return {f"{name}/{k}": v.astype(np.float32) for k, v in values.items()}


def frames(rng, sigma, *shape):
    return (sigma * rng.normal(size=shape)).astype(np.float32)


def cases():
    rng = np.random.default_rng(11)
    sizes = [(3, 20, 3, 30), (3, 8, 3, 40), (16, 16, 3, 20), (64, 64, 3, 10), (1, 64, 3, 20),
             (3, 8, 5, 40), (16, 16, 5, 20), (64, 32, 5, 10)]
    for channels, filters, kernel, length in sizes:
        for sigma in (1, 3):
            yield Case(f"{kernel}x{kernel} {channels:2} to {filters} channels, {length} frames, "
                       f"sigma {sigma}", [("cell", "a", filters, kernel, True)],
                       frames(rng, sigma, 2, length, 24, 20, channels),
                       initial(rng, "a", kernel, channels, filters))
    for sigma in (1, 3):  # the presets' two layers
        w = {**initial(rng, "a", 3, 3, 20), **initial(rng, "b", 3, 20, 10)}
        yield Case(f"two layers, sigma {sigma}",
                   [("cell", "a", 20, 3, True), ("cell", "b", 10, 3, True)],
                   frames(rng, sigma, 2, 30, 24, 20, 3), w, "hard_sigmoid_k2")
    w = {"a/kernel": (3, 3, 1, 256), "a/recurrent_kernel": (3, 3, 64, 256), "a/bias": (256,)}
    yield Case("weights of deviation 0.3", [("cell", "a", 64, 3, True)],
               rng.random((2, 5, 16, 16, 1), np.float32),
               {k: rng.normal(0, .3, s).astype(np.float32) for k, s in w.items()})
    yield from trained(rng)


def trained(rng):
    """The recurrent layers of the demonstration's model, and what stands between them."""
    import skincredible
    path = os.path.join(ROOT, "weights", "demo.safetensors")
    if not os.path.exists(path):
        return
    model = skincredible.Model.load(path)
    described = model.description["layers"]
    while described[-1]["type"] not in ("conv_lstm2d", "batch_normalization"):
        described.pop()
    layers = [("cell", d["name"], d["filters"], d["kernel_size"][0], d["return_sequences"])
              if d["type"] == "conv_lstm2d" else ("norm", d["name"]) for d in described]
    names = {layer[1] for layer in layers}
    w = {n: np.array(model[n]) for n in model.names() if n.split("/")[0] in names}
    for sigma in (1, 3):
        yield Case(f"weights/demo.safetensors, sigma {sigma}", layers,
                   frames(rng, sigma, 2, 30, 48, 48, 3), w,
                   described[0]["recurrent_activation"])


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("library", nargs="?", default=os.path.join(ROOT, "build", "lib"))
    args = p.parse_args()
    if args.library not in os.environ.get("LD_LIBRARY_PATH", "").split(":"):
        os.environ["LD_LIBRARY_PATH"] = args.library  # which is read as a program starts
        os.execv(sys.executable, [sys.executable, *sys.argv])
    bad = 0
    print(f"{'':44} {'ours':>8} {'Keras':>8} {'ratio':>6}   of roots of mean squares")
    for case in cases():
        exact = case.exact()
        ours, keras = (np.abs(y - exact) for y in (case.by_ours(), case.by_keras()))
        ratio = ours.max() / keras.max()
        rms = np.sqrt((ours ** 2).mean() / (keras ** 2).mean())
        bad += ratio > LIMIT
        print(f"{case.name:44} {ours.max():8.1e} {keras.max():8.1e} {ratio:6.2f} {rms:6.2f}"
              f"{'  too large' if ratio > LIMIT else ''}", flush=True)
    print(f"{bad} cases beyond {LIMIT} times Keras's error")
    return int(bad > 0)  # a bool of NumPy would be printed, and taken for a failure


sys.exit(main())
