#!/usr/bin/env python3
"""Moves models between this project and the real Keras, both generations, in every file format, and
compares the probabilities.

    tests/peers/keras_models.py [BIN]             a table; BIN: folder of the tools (build/bin). In
    an environment of its own, build/venv-keras
    tests/peers/keras_models.py [BIN] --goldens   makes tests/goldens/keras_models anew as well:
    what `make check` replays
    VENV=/some/venv tests/peers/keras_models.py
    ONLY=text tests/peers/keras_models.py         the networks whose name holds the text

A row is a network in one generation of Keras. `Keras -> ours`: a Keras model with random weights,
saved in a format, skin-import, skin-predict. `ours -> Keras`: a model of
ours, skin-export, loaded into a new Keras model. The numbers are the largest difference between
probabilities; exit status 1 if one is above 1e-5.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GOLDENS = os.path.join(ROOT, "tests", "goldens", "keras_models")
LIMIT = 1e-5
sys.path.insert(0, os.path.dirname(GOLDENS))
import environment  # noqa: E402

environment.enter("keras", environment.KERAS)
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0", CUDA_VISIBLE_DEVICES="")
import numpy as np  # noqa: E402

# ---- networks: name -> (image size, channels, function of the layers module and the generation
# that gives the layers) --------------------------------------


def hard_sigmoid_k2(x):
    """What Keras 2 calls hard_sigmoid, for Keras 3."""
    import keras
    return keras.ops.clip(0.2 * x + 0.5, 0, 1)


def hard_sigmoid_k3(x):
    """What Keras 3 calls hard_sigmoid, for Keras 2."""
    import tensorflow as tf
    return tf.nn.relu6(x + 3) / 6


OTHERS = {"hard_sigmoid_k2": hard_sigmoid_k2, "hard_sigmoid_k3": hard_sigmoid_k3}


def gate(name, generation):
    """A recurrent activation by our name."""
    return "hard_sigmoid" if name == f"hard_sigmoid_k{generation}" else OTHERS.get(name, name)


def preset(gap, activation="hard_sigmoid_k2"):
    def layers(L, generation):
        recurrent = dict(kernel_size=3, padding="same",
                         recurrent_activation=gate(activation, generation))
        return [
            L.ConvLSTM2D(20, return_sequences=True, **recurrent),
            L.BatchNormalization(),
            L.ConvLSTM2D(10, **recurrent),
            L.BatchNormalization(),
            L.GlobalAveragePooling2D() if gap else L.Flatten(),
            L.Dense(32, activation="relu"),
            L.Dense(2, activation="sigmoid")
        ]
    return layers


def tiny(L, generation):
    return [
        L.ConvLSTM2D(2, 3, padding="same", recurrent_activation="sigmoid"),
        L.BatchNormalization(),
        L.Flatten(),
        L.Dense(2, activation="sigmoid")
    ]


def strided(L, generation):
    return [
        L.ConvLSTM2D(4, (3, 2), strides=(2, 1), padding="valid", return_sequences=True,
                     activation="relu", recurrent_activation="sigmoid", use_bias=False),
        L.ConvLSTM2D(3, (2, 3), dilation_rate=2, padding="same", unit_forget_bias=False),
        L.BatchNormalization(scale=False),
        L.Flatten(),
        L.Dense(5, activation="tanh", use_bias=False),
        L.Dense(2),
        L.Activation("softmax")
    ]


def deep(L, generation):
    cells = [
        L.ConvLSTM2D(f, 3, padding="same", return_sequences=True,
                     recurrent_activation="hard_sigmoid") for f in (3, 2, 4)
    ]
    return [
        *cells,
        L.BatchNormalization(center=False, epsilon=0.01),
        L.ConvLSTM2D(1, 1),
        L.GlobalAveragePooling2D(),
        L.Dense(2, activation="softmax")
    ]


def framewise(L, generation):
    T = L.TimeDistributed
    return [
        T(L.Conv2D(4, 3, strides=2, padding="same", activation="relu")),
        T(L.MaxPooling2D((2, 1), strides=1)),
        L.LayerNormalization(),
        L.ConvLSTM2D(3, 3, padding="same", return_sequences=True, dropout=0.1,
                     recurrent_dropout=0.2),
        L.SpatialDropout3D(0.1),
        L.Conv3D(3, (3, 2, 2), padding="same"),
        L.LeakyReLU(),
        T(L.AveragePooling2D(2, padding="same")),
        T(L.Conv2D(2, 1, use_bias=False)),
        L.BatchNormalization(),
        L.ConvLSTM2D(3, 2),
        L.Conv2D(4, 2, activation="tanh"),
        L.LayerNormalization(axis=[1, 2, 3]),
        L.MaxPooling2D(1),
        L.SpatialDropout2D(0.1),
        L.GlobalAveragePooling2D(),
        L.Dropout(0.5),
        L.Dense(2),
        L.Softmax()
    ]


def backwards(L, generation):
    return [
        L.ConvLSTM2D(3, 3, return_sequences=True, go_backwards=True),
        L.ReLU(),
        L.GlobalAveragePooling3D(),
        L.Dense(2, activation="sigmoid")
    ]


def published(L, generation):
    """The layers of frames that public networks have, and sequences of vectors."""
    T = L.TimeDistributed
    return [
        T(L.Dropout(0.1)),
        T(L.Conv2D(4, 3, strides=2, padding="same", activation="elu")),
        L.ELU(0.7),
        L.MaxPooling3D((1, 2, 2), padding="same"),
        T(L.SpatialDropout2D(0.1)),
        T(L.Conv2DTranspose(3, 3, strides=2, padding="same", activation="selu")),
        L.ConvLSTM2D(3, 3, padding="same", return_sequences=True, activation="softsign"),
        T(L.UpSampling2D((1, 2), interpolation="bilinear")),
        L.ZeroPadding3D((0, 1, 0)),
        T(L.Cropping2D(((0, 1), (1, 0)))),
        L.ReLU(0.9, 0.1, 0.05),
        L.Dense(3, activation="gelu"),
        T(L.BatchNormalization()),
        T(L.Flatten()),
        T(L.Dense(12, activation="swish")),
        T(L.Reshape((2, 3, 2))),
        L.ConvLSTM2D(2, 2, return_sequences=True, activation="gelu"),
        T(L.GlobalMaxPooling2D()),
        L.Dense(5, activation="softplus"),
        L.GlobalAveragePooling1D(),
        L.Dense(2),
        L.Softmax()
    ]


def last_frame(L, generation):
    """Layers inside TimeDistributed without weights have numbers in Keras's files, too."""
    T = L.TimeDistributed
    return [
        T(L.Dropout(0.1)),
        T(L.Conv2D(2, 2, padding="same")),
        T(L.Activation("relu")),
        T(L.Conv2D(3, 1)),
        L.ConvLSTM2D(3, 3, padding="same"),
        L.Conv2DTranspose(4, (5, 2), strides=2, use_bias=False),
        L.UpSampling2D(2),
        L.ZeroPadding2D(1),
        L.LeakyReLU(),
        L.Conv2D(4, 1, activation=L.LeakyReLU(0.1)),
        L.GlobalMaxPooling2D(),
        L.Reshape((1, 2, 2)),
        L.Conv2D(2, 1, activation="mish"),
        L.Flatten(),
        L.Dense(2, activation="sigmoid")
    ]


def both_directions(L, generation):
    def both(filters, mode, sequences=True):
        return L.Bidirectional(L.ConvLSTM2D(filters, 3, padding="same", return_sequences=sequences),
                               merge_mode=mode)

    return [
        both(2, "concat"),
        both(3, "mul"),
        L.TimeDistributed(L.MaxPooling2D(2)),
        both(2, "ave"),
        both(3, "sum", False),
        L.Flatten(),
        L.Dense(2, activation="sigmoid")
    ]


NETWORKS = {
    "skincredible": ((80, 80), 3, preset(False)),
    "skincredible-gap": ((80, 80), 3, preset(True)),
    "skincredible, sigmoid": ((24, 24), 3, preset(False, "sigmoid")),
    "skincredible-gap, other": ((9, 7), 3, preset(True, "hard_sigmoid_k3")),
    "tiny": ((6, 6), 3, tiny),
    "strides, dilation, no bias": ((11, 9), 3, strided),
    "four recurrent layers": ((8, 7), 3, deep),
    "framewise layers, Conv3D": ((12, 10), 3, framewise),
    "backwards, mean over time": ((6, 5), 3, backwards),
    "layers of public networks": ((9, 8), 3, published),
    "on the last frame": ((6, 5), 3, last_frame),
    "both directions": ((6, 5), 3, both_directions),
}

# Keras's Conv3D and GlobalAveragePooling3D heed no mask, ours do; its Conv2D inside TimeDistributed
# refuses one: without masked frames.
UNMASKED = {
    "both directions", "on the last frame", "framewise layers, Conv3D", "backwards, mean over time",
    "layers of public networks"
}

# What a format leaves out for a network. BatchNormalization without gamma or beta: ours has both,
# so weights alone go no way back, nor forth where parts have no names. By names
# alone the order of TimeDistributed(Conv2D) and Conv2D is not told.
NAMELESS = {("Keras -> ours", ".weights.h5"), ("ours -> Keras", ".weights.h5"),
            ("ours -> Keras", ".h5 weights")}
# TimeDistributed around a layer that works on sequences as it is: ours has it plain.
PLAIN = {("Keras -> ours", ".weights.h5"), ("ours -> Keras", ".weights.h5")}
# A description has two layers and no Bidirectional, in whose names weights alone are kept.
WHOLE = {("Keras -> ours", ".weights.h5"), ("Keras -> ours", "TF Saver (names)"),
         ("ours -> Keras", ".keras"), ("ours -> Keras", ".weights.h5"),
         ("ours -> Keras", ".h5 weights")}
LEFT_OUT = {
    "both directions": WHOLE,
    "layers of public networks": PLAIN | {("Keras -> ours", "TF Saver (names)")},
    "on the last frame": {("Keras -> ours", "TF Saver (names)"), ("ours -> Keras", ".weights.h5")},
    "strides, dilation, no bias": NAMELESS,
    "four recurrent layers": NAMELESS,
    "framewise layers, Conv3D": {("Keras -> ours", "TF Saver (names)")}
}

# ---- one generation, in a process of its own
# --------------------------------------------------------------------------------------------------


class Format:
    def __init__(self, name, suffix, save, whole=False):
        self.name, self.suffix, self.save, self.whole = name, suffix, save, whole


class Generation:
    def __init__(self, number, bin_folder):
        self.number, self.bin = number, bin_folder
        if number == 2:
            import tf_keras as keras
        else:
            import keras
        self.keras = keras

    def build(self, name, two_inputs):
        """A functional model with a mask for a second input, as the original's, or a Sequential."""
        two_inputs = two_inputs and name not in UNMASKED
        size, channels, layers = NETWORKS[name]
        L = self.keras.layers
        images = self.keras.Input((None, *size, channels), name="images")
        if not two_inputs:
            return self.keras.Sequential([images, *layers(L, self.number)])
        mask = self.keras.Input((None,), dtype="bool", name="mask")
        x = images
        for layer in layers(L, self.number):
            x = layer(x, mask=mask) if isinstance(layer, L.ConvLSTM2D) else layer(x)
        return self.keras.Model([images, mask], x)

    def randomise(self, model, rng):
        for layer in model.layers:
            values = [
                rng.normal(0, 0.3 if w.ndim != 2 or w.shape[0] < 1000 else 0.02, w.shape)
                for w in layer.get_weights()
            ]
            if type(getattr(layer, "layer", layer)).__name__ == "BatchNormalization":
                values[-1] = rng.uniform(0.1, 1.5, values[-1].shape)  # a variance
            layer.set_weights([v.astype("float32") for v in values])

    def probabilities(self, model, img, mask):
        # its BatchNormalization fails on the mask of a sequence that a whole model hands on: layer
        # by layer
        if self.number == 3:
            x = img
            for layer in model.layers:
                if isinstance(layer, self.keras.layers.InputLayer):
                    continue
                x = np.asarray(
                    layer(x, mask=mask) if isinstance(layer, self.keras.layers.ConvLSTM2D
                                                      ) else layer(x))
            return x
        if len(model.inputs) == 2:
            return np.asarray(model([img, mask], training=False))
        # some layers refuse any mask
        return np.asarray(model(img, mask=None if mask.all() else mask, training=False))

    # Files of Keras.
    def formats(self):
        import tensorflow as tf
        yield Format(".keras", ".keras", lambda m, p: m.save(p), whole=True)
        yield Format(".h5 model", ".model.h5", lambda m, p: m.save(p), whole=True)
        yield Format(".weights.h5", ".weights.h5", lambda m, p: m.save_weights(p))
        yield Format("tf.train.Checkpoint", ".checkpoint",
                     lambda m, p: tf.train.Checkpoint(model=m).write(p))
        if self.number == 2:
            yield Format(".h5 weights", ".h5", lambda m, p: m.save_weights(p, save_format="h5"))
            yield Format("TF weights", ".tf", lambda m, p: m.save_weights(p, save_format="tf"))
            yield Format("SavedModel", ".saved", lambda m, p: m.save(p, save_format="tf"))
            yield Format("TF Saver (names)", ".saver", self.save_by_name)

    def save_by_name(self, model, path):
        import tensorflow as tf
        names = {w.name.split(":")[0]: w.numpy() for w in model.weights}
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            variables = [
                tf.compat.v1.get_variable(n, initializer=v, use_resource=True)
                for n, v in names.items()
            ]
            session.run(tf.compat.v1.global_variables_initializer())
            tf.compat.v1.train.Saver(variables).save(session, path, write_meta_graph=False)

    # Our tools.
    def run(self, tool, *arguments):
        done = subprocess.run([os.path.join(self.bin, tool), *arguments], capture_output=True,
                              text=True)
        if done.returncode:
            raise SystemExit(f"{tool} {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def predict(self, model, npz):
        lines = [
            json.loads(line)
            for line in self.run("skin-predict", model, "--npz", npz, "--json").splitlines()
        ]
        return np.array([[line["negative_prob"], line["positive_prob"]] for line in lines])

    def load_exported(self, name, path):
        if path.endswith(".keras"):
            return self.keras.models.load_model(path, custom_objects=OTHERS)
        model = self.build(name, False)
        model.load_weights(path)
        return model

    # Both ways: (direction, format) -> worst difference.
    def round_trip(self, name, index, scratch):
        rng = np.random.default_rng(100 + index)
        img, mask = data(name, rng)
        npz, imported = f"{scratch}/data.npz", f"{scratch}/imported.safetensors"
        description = f"{scratch}/network.json"
        model, worst = self.build(name, index % 2 == 0), {}
        self.randomise(model, rng)
        expected = self.probabilities(model, img, mask)
        if not 0.002 < expected.min() <= expected.max() < 0.998:
            raise SystemExit(f"{name}: probabilities {expected} are too sure to show a difference")
        np.savez(npz, img=img, mask=mask, expected=expected)
        for form in self.formats():
            if ("Keras -> ours", form.name) in LEFT_OUT.get(name, ()):
                continue
            path = f"{scratch}/saved{form.suffix}"
            form.save(model, path)
            self.run("skin-import", "keras", path,
                     *([] if form.whole else ["--network", description, "--in-order"]), "-o",
                     imported)
            if form.name == ".keras":
                self.run("skin-export", "json", imported, "-o", description)
            worst["Keras -> ours", form.name] = np.abs(self.predict(imported, npz) - expected).max()
        ours = self.predict(imported, npz)
        for form, suffix in ((".weights.h5", ".weights.h5"), (".h5 weights", ".h5"), (".keras",
                                                                                      ".keras")):
            if ("ours -> Keras", form) in LEFT_OUT.get(name, ()):
                continue
            path = f"{scratch}/exported{suffix}"
            self.run("skin-export", "keras", imported, "--keras", str(self.number), "-o", path)
            worst["ours -> Keras", form] = np.abs(
                self.probabilities(self.load_exported(name, path), img, mask) - ours).max()
        return worst


def data(name, rng):
    """Two samples, five frames; holes in the mask."""
    size, channels, _ = NETWORKS[name]
    img = rng.uniform(0, 1, (2, 5, *size, channels)).astype("float32")
    return img, np.array(
        [[1, 1, 1, 1, 1], [1, 1, 1, 1, 1] if name in UNMASKED else [0, 1, 0, 1, 0]], bool)


# ---- all
# --------------------------------------------------------------------------------------------------

COLUMNS = [("Keras -> ours", f)
           for f in (".keras", ".h5 model", ".weights.h5", ".h5 weights", "tf.train.Checkpoint",
                     "TF weights", "SavedModel", "TF Saver (names)")]
COLUMNS += [("ours -> Keras", f) for f in (".keras", ".weights.h5", ".h5 weights")]


def deflated(source, target):
    """HDF5 is mostly empty."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name), old.read(name), zipfile.ZIP_DEFLATED)


GOLDEN_NETWORKS = {
    "tiny": "",
    "framewise layers, Conv3D": "_layers",
    "layers of public networks": "_public",
    "both directions": "_both"
}


def keep_goldens(number, name, scratch):
    """What a row left behind, for tests/unit/tools/test_keras.c: of the tiny network all files, of
    the others the whole model, and of both directions a checkpoint, which has no names for them."""
    folder = f"{GOLDENS}/keras{number}" + GOLDEN_NETWORKS[name]
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    shutil.copy(f"{scratch}/data.npz", f"{folder}/data.npz")
    if name != "tiny":
        deflated(f"{scratch}/saved.keras", f"{folder}/saved.keras")
    if name not in ("tiny", "both directions"):
        return
    shutil.copy(f"{scratch}/network.json", f"{folder}/network.json")
    for file in sorted(os.listdir(scratch)):
        if name != "tiny" and not file.startswith("saved.checkpoint"):
            continue
        if file == "saved.saved":
            shutil.copytree(f"{scratch}/{file}/variables", f"{folder}/{file}/variables")
        elif file.startswith("saved."):
            shutil.copy(f"{scratch}/{file}", f"{folder}/{file}")


def one_generation(number, bin_folder, goldens):
    generation, worst = Generation(number, bin_folder), 0
    only = os.environ.get("ONLY", "")
    for index, name in enumerate(NETWORKS):
        if only not in name:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            row = generation.round_trip(name, index, scratch)
            if goldens and name in GOLDEN_NETWORKS:
                keep_goldens(number, name, scratch)
        worst = max(worst, *row.values())
        cells = "".join(f"{row[c]:>11.1e}" if c in row else f"{'-':>11}" for c in COLUMNS)
        print(f"{name:<28}{number}{cells}", flush=True)
    return worst


def main():
    arguments = [a for a in sys.argv[1:] if not a.startswith("--")]
    bin_folder = os.path.abspath(arguments[0]) if arguments else os.path.join(ROOT, "build", "bin")
    goldens, number = "--goldens" in sys.argv, next(
        (a[-1] for a in sys.argv if a.startswith("--generation=")), None)
    if number:  # two Keras in one process get in each other's way
        sys.exit(int(one_generation(int(number), bin_folder, goldens) > LIMIT))
    short = {
        "tf.train.Checkpoint": "TF ckpt",
        "TF weights": "TF wghts",
        "TF Saver (names)": "TF names",
        ".weights.h5": ".wghts.h5",
        ".h5 weights": ".h5 wghts"
    }
    print(f"{'':<29}{'Keras -> ours':<88}ours -> Keras")
    print(f"{'network':<21}Keras  " + "".join(f"{short.get(f, f):>11}" for _, f in COLUMNS),
          flush=True)
    failed = 0
    for number in (2, 3):
        command = [sys.executable,
                   os.path.abspath(__file__), bin_folder, f"--generation={number}"
                   ] + ["--goldens"] * goldens
        failed |= subprocess.run(
            command, stderr=None if "--verbose" in sys.argv else subprocess.DEVNULL).returncode
    print("all within 1e-05" if not failed else "FAILED: see above, or run with --verbose")
    sys.exit(failed)


main()
