#!/usr/bin/env python3
"""Makes tests/goldens/keras_files anew: configurations of models with more than a chain, and small
weight files of subclassed and of exported models, as the real Keras writes them.

    tests/goldens/keras_files.py            both generations, in an environment of its own,
    build/venv-keras
    VENV=/some/venv tests/goldens/keras_files.py

keras2/configs.json, keras3/configs.json: name -> configuration of a Functional or Sequential model,
for tests/unit/tools/test_keras.c. The weight files are of one network, network.json:
two recurrent layers of the same shapes and a head; their weights are drawn, so that the order
shows.
"""
import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "keras_files")
sys.path.insert(0, HERE)
import environment  # noqa: E402

environment.enter("keras", environment.KERAS)
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0", CUDA_VISIBLE_DEVICES="")
SHAPE = (3, 6, 6, 2)


def short(config):
    """Without what matters to training alone."""
    if isinstance(config, list):
        return [short(item) for item in config]
    if not isinstance(config, dict):
        return config
    left_out = ("_initializer", "_regularizer", "_constraint", "trainable", "dtype", "build_config",
                "compile_config")
    return {
        key: short(value)
        for key, value in config.items()
        if key == "config" or not key.endswith(left_out)
    }


def configs(keras, generation):
    """name -> configuration."""
    L, models = keras.layers, {}
    i, m = keras.Input(SHAPE, name="images"), keras.Input(SHAPE[:1], dtype="bool", name="mask")

    def cell(name, sequences=True, **more):
        return L.ConvLSTM2D(2, 3, padding="same", return_sequences=sequences, name=name, **more)

    def model(name, inputs, outputs):
        models[name] = keras.Model(inputs, outputs, name="net")

    def end(x):
        return L.Dense(2, name="end")(L.Flatten(name="flat")(x))

    o, h, c = cell("a", False, return_state=True)(i)
    model("cell_state", i, end(c))
    o, h, c = cell("a", return_state=True)(i)
    model("last_output", i, end(h))
    model("output_is_a_state", i, c)
    model("initial_state", i, cell("b")(o, initial_state=[h, c]))
    model("training", i, L.BatchNormalization(name="b")(cell("a")(i), training=True))
    model("training_off", i, L.BatchNormalization(name="b")(cell("a")(i), training=False))
    model("dropout_in_training", i, L.Dropout(0.5, name="b")(cell("a")(i), training=True))
    model("mask_of_both", [i, m], end(cell("b", False)(cell("a")(i, mask=m))))
    model("mask_of_both_through_layers", [i, m],
          end(cell("b", False)(L.Dropout(0.5)(L.LayerNormalization()(cell("a")(i, mask=m))))))
    model("mask_of_the_second", [i, m], end(cell("b", False)(cell("a")(i), mask=m)))
    model("two_masks", [i, m, n := keras.Input(SHAPE[:1], dtype="bool", name="other")],
          end(cell("b", False)(cell("a")(i, mask=m), mask=n)))
    model("mask_is_lost", [i, m],
          end(cell("b", False)(L.Conv3D(2, 1, name="lost")(cell("a")(i, mask=m)))))
    model("mask_is_ignored", [i, m], L.GlobalAveragePooling3D(name="b")(cell("a")(i, mask=m)))
    model("mask_is_refused", [i, m], end(cell("b", False)(cell("a")(i, mask=m), mask=None)))
    a = cell("a")(i)
    model("outputs_by_name", i, {"one": a, "two": L.Conv3D(1, 1, name="b")(a)})
    model("two_outputs", i, [a, L.Conv3D(1, 1, name="b")(a)])
    model("output_by_name", i, {"one": L.Conv3D(1, 1, name="b")(a)})
    model("operation", i, a * 2.0)
    model("part_of_the_images", i, cell("b")(i[..., :1]))
    shared = cell("a")
    model("shared", i, shared(shared(i)))
    model("inner_model", i,
          end(keras.Sequential([keras.Input(SHAPE), cell("a", False)], name="inner")(i)))
    models["inner_model_in_a_row"] = keras.Sequential(
        [keras.Input(SHAPE),
         keras.Sequential([keras.Input(SHAPE), cell("a")], name="inner")])
    model("sum", i, L.Add(name="b")([a, i]))
    model("two_images", [i, keras.Input(SHAPE, name="others")], cell("b")(i))

    def twice(x):
        return x * 2

    model("own_function", i, L.Activation(twice, name="b")(a))

    class ConvLSTM2D(L.ConvLSTM2D):
        pass

    model("own_class", i, ConvLSTM2D(2, 3, name="a")(i))
    return {name: short(json.loads(made.to_json())) for name, made in models.items()}


def files(keras, generation, folder):
    import numpy as np
    import tensorflow as tf
    L = keras.layers
    random = np.random.default_rng(generation)

    def cell(sequences):
        return L.ConvLSTM2D(2, 3, padding="same", return_sequences=sequences,
                            recurrent_activation="sigmoid")

    class Owned(keras.Model):
        """Makes its layers in another order than it calls them."""

        def __init__(self):
            super().__init__()
            self.second, self.first, self.pool, self.top = cell(False), cell(
                True), L.GlobalAveragePooling2D(), L.Dense(2)

        def call(self, x):
            return self.top(self.pool(self.second(self.first(x))))

    class Hidden(Owned):
        """Attributes that .weights.h5 of Keras 3 does not name."""

        def __init__(self):
            keras.Model.__init__(self)
            self.z2, self.z1, self.zp, self.zt = cell(False), cell(
                True), L.GlobalAveragePooling2D(), L.Dense(2)

        def call(self, x):
            return self.zt(self.zp(self.z2(self.z1(x))))

    def fill(model):
        model(np.zeros((1, *SHAPE), "f"))
        model.set_weights([
            w if "seed" in v else random.normal(0, 0.5, w.shape) for w, v in zip(
                model.get_weights(), [getattr(v, "path", v.name) for v in model.weights])
        ])
        return model

    owned, hidden = fill(Owned()), fill(Hidden())
    row = fill(
        keras.Sequential(
            [keras.Input(SHAPE),
             cell(True),
             cell(False),
             L.GlobalAveragePooling2D(),
             L.Dense(2)]))
    owned.save_weights("owned.weights.h5")
    hidden.save_weights("hidden.weights.h5")
    row.save_weights("row.weights.h5")
    if generation == 2:
        owned.save_weights("owned.h5")
    tf.train.Checkpoint(net=owned).write("owned")
    keeper = tf.train.CheckpointManager(tf.train.Checkpoint(model=row), "manager", 1)
    keeper.save()
    row.export("exported", **({"verbose": False} if generation == 3 else {}))
    if generation == 3:
        hidden.export("exported_owned", verbose=False)
    for name in ("exported", "exported_owned"):  # the graph is not read
        for part in ("saved_model.pb", "fingerprint.pb", "assets"):
            path = os.path.join(name, part)
            shutil.rmtree(path) if os.path.isdir(path) else os.path.exists(path) and os.remove(path)
    np.savez_compressed(
        "row.npz", **{
            "w%d" % k: w
            for k, w in enumerate(row.get_weights())
            if w.ndim and w.dtype == np.float32
        })


def whole_numbers(keras):
    """Models with weights that are no floats: a quantised layer, and the counter of a
    Normalization."""
    L = keras.layers
    dense = keras.Sequential([keras.Input(SHAPE), L.ConvLSTM2D(1, 3), L.Flatten(), L.Dense(2)])
    dense.quantize("int8")
    dense.save("quantised.keras")
    keras.Sequential(
        [keras.Input(SHAPE),
         L.Normalization(),
         L.ConvLSTM2D(1, 3),
         L.Flatten(),
         L.Dense(2)]).save("normalised.keras")


def one(generation):
    if generation == 2:
        import tf_keras as keras
    else:
        import keras
    folder = os.path.join(OUT, f"keras{generation}")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    os.chdir(folder)
    with open("configs.json", "w") as f:
        json.dump(configs(keras, generation), f, indent=None, separators=(",", ":"))
        f.write("\n")
    files(keras, generation, folder)
    if generation == 3:
        whole_numbers(keras)


def main():
    if len(sys.argv) == 2 and sys.argv[1] in "23":
        return one(int(sys.argv[1]))
    for generation in "23":
        subprocess.check_call([sys.executable, os.path.abspath(__file__), generation])
    cell = {
        "type": "conv_lstm2d",
        "filters": 2,
        "kernel_size": 3,
        "padding": "same",
        "recurrent_activation": "sigmoid"
    }
    net = {
        "format":
        1,
        "input": {
            "height": SHAPE[1],
            "width": SHAPE[2],
            "channels": SHAPE[3]
        },
        "layers": [{
            **cell, "return_sequences": True
        }, {
            **cell, "return_sequences": False
        }, {
            "type": "global_average_pool"
        }, {
            "type": "dense",
            "units": 2
        }]
    }
    with open(os.path.join(OUT, "network.json"), "w") as f:
        json.dump(net, f)
        f.write("\n")


if __name__ == "__main__":
    main()
