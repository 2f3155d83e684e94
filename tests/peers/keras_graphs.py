#!/usr/bin/env python3
"""Random Functional graphs of the real Keras, both generations: skin-import, skin-predict, and the
numbers of predict() beside ours.

    tests/peers/keras_graphs.py [BIN] [--count N] [--seed S]     BIN: folder of the tools
    (build/bin). In an environment of its own, build/venv-keras
    VENV=/some/venv tests/peers/keras_graphs.py

Graph k of generation g is drawn from the seed S + k; it is printed with every failure, and `--seed
THAT --count 1` repeats it. Each is saved as .keras and as whole .h5, and must be taken
with outputs within 1e-5 of Keras's, or be refused for a reason in REASONS; exit status 1 otherwise.
"""
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "goldens"))
import environment  # noqa: E402

environment.enter("keras", environment.KERAS)
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0", CUDA_VISIBLE_DEVICES="")
import numpy as np  # noqa: E402

LIMIT = 1e-5
REASONS = ("runs backwards", "not supported")
SHAPE = (3, 6, 5, 2)


class Graph:
    """A graph in the making: values of Keras with their kind, "sequence", "frame", "vectors" (a
    sequence of them) or "vector"."""

    def __init__(self, keras, rng, depth=0):
        self.keras, self.L, self.rng, self.depth = keras, keras.layers, rng, depth
        self.values, self.states, self.used = [], [], []

    def pick(self, kind, like=None):
        """One of the values of a kind; rather a late one."""
        fit = [
            v for k, v in self.values
            if k == kind and (like is None or v.shape[1:] == like.shape[1:])
        ]
        return fit[-1 - min(int(self.rng.exponential(1.5)), len(fit) - 1)] if fit else None

    def layer(self, kind):
        L, r, f = self.L, self.rng, int(self.rng.integers(1, 4))
        cell = dict(padding="same",
                    activation=r.choice(["tanh", "relu", "tanh", "gelu", "softmax", "softsign"]),
                    recurrent_activation=r.choice(["sigmoid", "hard_sigmoid"]),
                    return_state=bool(r.random() < 0.15))
        makers = {
            "sequence": [
                lambda: L.ConvLSTM2D(f, 3, return_sequences=True, **cell),
                lambda: L.ConvLSTM2D(f, 3, return_sequences=True, **cell),
                lambda: L.ConvLSTM2D(f, (2, 3), **cell),
                lambda: L.TimeDistributed(L.Conv2D(f, 3, padding="same", activation="relu")),
                lambda: L.BatchNormalization(), lambda: L.LayerNormalization(),
                lambda: L.Activation("tanh"), lambda: L.Dropout(0.3),
                lambda: L.Conv3D(f, (int(r.integers(1, 4)), 3, 3), padding="same"),
                lambda: L.LeakyReLU(), lambda: L.PReLU(shared_axes=[1, 2, 3]),
                lambda: L.TimeDistributed(L.PReLU()),
                lambda: L.Conv3D(f, (2, 1, 2), strides=(int(r.integers(1, 3)), 1, 1), padding=str(
                    r.choice(["same", "valid"]))), lambda: self.pooling()(
                        (2, 1, int(r.integers(1, 3))), padding=str(r.choice(["same", "valid"]))),
                lambda: self.pooling()((2, 2, 1), strides=(1, 1, 1), padding="same"),
                lambda: L.UpSampling3D(
                    (2, 1, 1)), lambda: L.Conv3DTranspose(f, (2, 3, 2), strides=(int(
                        r.integers(1, 3)), 1, 1), padding=str(r.choice(["same", "valid"]))),
                lambda: L.UpSampling3D((1, 2, 1)), lambda: L.ZeroPadding3D(
                    ((1, 0), (0, 0), (0, 1))), lambda: L.Cropping3D(
                        ((0, 1), (1, 0), (0, 0))), lambda: L.TimeDistributed(L.Flatten())
            ],
            "frame": [
                lambda: L.Conv2D(f, 3, padding="same"), lambda: L.BatchNormalization(),
                lambda: L.Activation("sigmoid"), lambda: L.Flatten(),
                lambda: L.GlobalAveragePooling2D()
            ],
            "vector": [
                lambda: L.Dense(int(r.integers(2, 5)), activation="tanh"),
                lambda: L.Activation("relu"), lambda: L.BatchNormalization(), lambda: L.PReLU(),
                lambda: L.RepeatVector(int(r.integers(1, 5)))
            ],
            "vectors": [
                lambda: L.Dense(int(r.integers(2, 5)), activation="tanh"),
                lambda: L.TimeDistributed(L.PReLU()), lambda: L.GlobalAveragePooling1D(),
                lambda: L.Flatten(), lambda: L.BatchNormalization(),
                lambda: L.LSTM(f, return_sequences=bool(r.random() < 0.6), recurrent_activation=r.
                               choice(["sigmoid", "hard_sigmoid"]))
            ],
        }[kind]
        return makers[int(r.integers(len(makers)))]()

    def pooling(self):
        return self.L.MaxPooling3D if self.rng.random() < 0.5 else self.L.AveragePooling3D

    def kind_of(self, value):
        return {5: "sequence", 4: "frame", 3: "vectors", 2: "vector"}[len(value.shape)]

    def add(self, value):
        if isinstance(value, (list, tuple)):
            self.states.append(value[1:])
        for v in value if isinstance(value, (list, tuple)) else [value]:
            self.values.append((self.kind_of(v), v))

    def step(self):
        r, kinds = self.rng, sorted({k for k, _ in self.values})
        kind = kinds[int(r.integers(len(kinds)))]
        first = self.pick(kind)
        if r.random() < 0.4:
            joins = r.random() < 0.3
            others = [
                v for v in (self.pick(kind, None if joins else first)
                            for _ in range(int(r.integers(1, 3)))) if v is not None
            ]
            others = [v for v in others if v.shape[1:-1] == first.shape[1:-1]]
            names = ["Concatenate"
                     ] if joins else ["Add", "Multiply", "Average", "Maximum", "Minimum"]
            if others:
                self.add(getattr(self.L, str(r.choice(names)))()([first, *others]))
                return
        if kind == "sequence" and self.states and r.random() < 0.5:  # a forecaster
            h, c = self.states[int(r.integers(len(self.states)))]
            if h.shape[1:3] == first.shape[2:4]:
                self.add(self.recurrent(h.shape[-1])(first, initial_state=[h, c]))
                return
        if kind == "sequence" and r.random() < 0.2:
            self.add(self.recurrent(int(r.integers(1, 4)))(first))
            return
        again = [layer for layer, shape in self.used if shape == tuple(first.shape[1:])]
        if again and r.random() < 0.4:  # weights in another place
            self.add(again[int(r.integers(len(again)))](first))
            return
        if kind in ("sequence", "frame", "vectors") and r.random() < 0.08:
            self.add(self.reshaped(first))
            return
        try:
            layer = self.inner(first) if self.depth < 2 and r.random() < 0.15 else self.layer(kind)
            value = layer(first)
        except ValueError:  # a window that is too large
            return
        if 0 in tuple(value[0].shape if isinstance(value, (list, tuple)) else value.shape):
            return
        self.used.append((layer, tuple(first.shape[1:])))
        self.add(value)

    def reshaped(self, value):
        """As a sequence of frames of another number, if that divides."""
        frames, values = int(self.rng.integers(1, 5)), int(np.prod(value.shape[1:]))
        while values % frames:
            frames -= 1
        return self.L.Reshape((frames, 1, values // frames,
                               1) if values < 200 else tuple(value.shape[1:]))(value)

    def inner(self, like):
        """A model of its own, of values of this shape."""
        start = self.keras.Input(tuple(like.shape[1:]))
        g = Graph(self.keras, self.rng, self.depth + 1)
        g.add(start)
        g.add(g.layer(g.kind_of(start))(start))
        for _ in range(int(self.rng.integers(0, 4))):
            g.step()
        if self.rng.random() < 0.3:
            return self.keras.Sequential([start, g.L.Activation("tanh"), g.layer(g.kind_of(start))])
        return self.keras.Model(start, g.values[-1][1])

    def recurrent(self, filters):
        return self.L.ConvLSTM2D(filters, 3, padding="same",
                                 return_sequences=bool(self.rng.random() < 0.7),
                                 return_state=bool(self.rng.random() < 0.7))


def build(keras, seed):
    rng = np.random.default_rng(seed)
    keras.utils.set_random_seed(seed)
    images = keras.Input(SHAPE, name="images")
    g = Graph(keras, rng)
    g.add(images)
    g.add(g.L.ConvLSTM2D(2, 3, padding="same", return_sequences=True)(images))
    inputs, more = [images], []
    while rng.random() < 0.3 and len(inputs) < 4:
        inputs.insert(int(rng.integers(0, len(inputs) + 1)), another(keras, g, len(inputs), more))
    for _ in range(int(rng.integers(3, 12))):
        g.step()
    last = g.values[-1][1]
    if rng.random() < 0.5:  # what nobody takes yet, together
        loose = [v for k, v in g.values[-4:] if v.shape[1:] == last.shape[1:]]
        last = g.L.Add()(loose) if len(loose) > 1 else last
    outputs = [last, *more, *([g.values[1][1]] if more else [])]
    # several outputs, perhaps a state, perhaps one twice
    while rng.random() < 0.35 and len(outputs) < 4:
        outputs.append(g.values[int(rng.integers(1, len(g.values)))][1])
    model = keras.Model(inputs if len(inputs) > 1 else images,
                        outputs if len(outputs) > 1 else last)
    model.set_weights([
        w if "seed" in n else
        np.abs(rng.normal(1, 0.2, w.shape)) if "variance" in n else rng.normal(0, 0.4, w.shape)
        for w, n in zip(model.get_weights(), [getattr(v, "path", v.name) for v in model.weights])
    ])
    x = {
        ("x" if len(inputs) == 1 else i.name.split(":")[0]):
        rng.random((2, *i.shape[1:]), dtype="float32") + np.float32(0.01)
        for i in inputs
    }
    return model, x


def another(keras, g, number, more):
    """One more input: of the same size, of another, or of vectors; what is made of it is an output,
    so that it leads somewhere."""
    shape = [SHAPE, (3, 4, 6, 1), (3, 4)][int(g.rng.integers(3))]
    given = keras.Input(shape, name=f"input_{number}")
    made = g.recurrent(2)(given) if len(shape) == 4 else g.L.LSTM(3, return_sequences=True)(given)
    g.add(given)
    g.add(made)
    more.append(made[0] if isinstance(made, (list, tuple)) else made)
    return given


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    return None if done.returncode == 0 else done.stderr.strip()


def difference(got, y):
    """The largest, of each output relative to its largest value above 1."""
    got, y = (v if isinstance(v, list) else [v] for v in (got, y))
    if [v.shape for v in got] != [v.shape for v in y]:
        return np.inf
    return max(np.abs(a - b).max() / max(1, np.abs(b).max()) for a, b in zip(got, y))


def ours_of(model, path, tools):
    """What skin-predict wrote, several outputs in the network's order."""
    arrays = np.load(path)
    if "y" in arrays.files:
        return arrays["y"]
    done = subprocess.run([f"{tools}/skin-info", "--json", model], capture_output=True, text=True,
                          check=True)
    return [arrays[name] for name in json.loads(done.stdout)["network"]["outputs"]]


def one(keras, generation, tools, seed, scratch):
    """("right" or "refused" or "WRONG", what) of each file of a graph."""
    model, x = build(keras, seed)
    np.savez(f"{scratch}/x.npz", **x)
    x = list(x.values()) if len(x) > 1 else x["x"]
    y = model.predict(x, verbose=0)
    for suffix in (".keras", ".h5"):
        path, ours = f"{scratch}/model{suffix}", f"{scratch}/model.safetensors"
        model.save(path)
        problem = run(f"{tools}/skin-import", "keras", path, "-o", ours)
        if problem:
            yield ("refused" if any(r in problem
                                    for r in REASONS) else "WRONG"), f"{suffix}: {problem}"
            continue
        problem = run(f"{tools}/skin-predict", ours, "--npz", f"{scratch}/x.npz", "-o",
                      f"{scratch}/y.npz")
        if problem:
            yield "WRONG", f"{suffix}: {problem}"
            continue
        worst = difference(ours_of(f"{scratch}/model.safetensors", f"{scratch}/y.npz", tools), y)
        yield ("right" if worst <= LIMIT else "WRONG"), f"{suffix}: {worst:.1e}"
    if problem is None:
        yield back(keras, generation, tools, x, y, scratch)


def back(keras, generation, tools, x, y, scratch):
    """The same for the model that skin-export makes of it."""
    problem = run(f"{tools}/skin-export", "keras", f"{scratch}/model.safetensors", "--keras",
                  str(generation), "-o", f"{scratch}/back.keras")
    if problem:
        return "WRONG", f"export: {problem}"
    worst = difference(keras.models.load_model(f"{scratch}/back.keras").predict(x, verbose=0), y)
    return ("right" if worst <= LIMIT else "WRONG"), f"export: {worst:.1e}"


def generation_of(number):
    if number == 2:
        import tf_keras as keras
    else:
        import keras
    return keras


def main():
    arguments, count, seed, generation = sys.argv[1:], 100, 1, None
    for name in ("--count", "--seed", "--generation"):
        if name in arguments:
            at = arguments.index(name)
            value = int(arguments[at + 1])
            del arguments[at:at + 2]
            count, seed, generation = (value if name == "--count" else count,
                                       value if name == "--seed" else seed,
                                       value if name == "--generation" else generation)
    tools = os.path.abspath(arguments[0] if arguments else os.path.join(ROOT, "build", "bin"))
    if generation is None:  # each generation in a process of its own
        return max(
            subprocess.call([
                sys.executable,
                os.path.abspath(__file__), tools, "--count",
                str(count), "--seed",
                str(seed), "--generation",
                str(g)
            ]) for g in (2, 3))
    keras, found = generation_of(generation), {"right": 0, "refused": 0, "WRONG": 0}
    import warnings
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as scratch:
        for k in range(count):
            for result, what in one(keras, generation, tools, seed + k, scratch):
                found[result] += 1
                if result != "right":
                    print(f"Keras {generation}, seed {seed + k}: {result} {what}", flush=True)
            keras.backend.clear_session()
    print(
        f"Keras {generation}, seeds {seed} to {seed + count - 1}: {found['right']} files right, "
        f"{found['refused']} refused, {found['WRONG']} wrong"
    )
    return 1 if found["WRONG"] or not found["right"] else 0


if __name__ == "__main__":
    sys.exit(main())
