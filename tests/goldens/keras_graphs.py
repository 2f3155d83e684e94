#!/usr/bin/env python3
"""Makes tests/goldens/keras_graphs anew: models with shared layers and models inside them, as the
real Keras writes them, each with an input and what `predict` makes of it.

    tests/goldens/keras_graphs.py           both generations, in an environment of its own
    VENV=/some/venv tests/goldens/keras_graphs.py
    tests/goldens/keras_graphs.py NAME...   only these, as functions of Networks are called

keras2/NAME.keras, perhaps keras2/NAME.h5, and keras2/NAME.npz with x and y, or y0, y1, ... of
several outputs; keras3 likewise."""
import os
import shutil
import subprocess
import sys
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "keras_graphs")
sys.path.insert(0, HERE)
import environment  # noqa: E402

environment.enter("keras", environment.KERAS)
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0", CUDA_VISIBLE_DEVICES="")
SHAPE = (3, 4, 5, 2)


class Networks:
    """Functions that build a model each; a name that ends in _h5 is saved as .h5 as well."""

    def __init__(self, keras):
        self.keras, self.L = keras, keras.layers

    def cell(self, filters=2, sequences=True, **more):
        return self.L.ConvLSTM2D(filters, 3, padding="same", return_sequences=sequences, **more)

    def images(self, *shape):
        return self.keras.Input(shape or SHAPE)

    def conv(self, filters, kernel=3, **more):
        return self.L.Conv2D(filters, kernel, padding="same", **more)

    def shared_h5(self):
        L, i, a = self.L, self.images(), self.cell()
        c, n, d = L.TimeDistributed(self.conv(2)), L.BatchNormalization(), L.Dense(3)
        x = n(a(i))
        y = n(c(a(c(x))))
        e, p = self.cell(3, False), L.GlobalAveragePooling2D()
        return self.keras.Model(i, L.Add()([d(p(e(L.Add()([x, y])))), d(p(e(y)))]))

    def both_directions_twice(self):
        i, b = self.images(), self.L.Bidirectional(self.cell(1))
        return self.keras.Model(i, self.cell(2, False)(b(b(i))))

    def nested_h5(self):
        L, Model, j, k, i = self.L, self.keras.Model, self.images(), self.images(3, 4, 5,
                                                                                 3), self.images()
        encoder = Model(j, L.BatchNormalization()(self.cell(3)(j)), name="encoder")
        decoder = Model(k, L.TimeDistributed(self.conv(2, 1))(self.cell(3)(k)), name="decoder")
        return Model(i, decoder(self.cell(3)(encoder(i))))

    def rows_in_a_row_h5(self):
        L, row = self.L, self.keras.Sequential
        encoder = row([self.images(), self.cell(3), L.BatchNormalization(), self.cell(2, False)])
        head = row([self.images(4, 5, 2), L.Flatten(), L.Dense(4, activation="relu"), L.Dense(2)])
        return row([self.images(), encoder, head])

    def siamese(self):
        L, Model, i, j = self.L, self.keras.Model, self.images(), self.images()
        encoder = Model(j, L.BatchNormalization()(self.cell()(j)))
        a = encoder(i)
        both = L.Concatenate()([a, encoder(L.Activation("tanh")(a))])
        return Model(i, self.cell(3, False)(both))

    def three_deep(self):
        L, Model, i, j, k = self.L, self.keras.Model, self.images(), self.images(), self.images()
        inner = Model(j, self.cell()(L.TimeDistributed(self.conv(2))(j)), name="inner")
        middle = Model(k, L.BatchNormalization()(inner(k)), name="middle")
        return Model(i, self.cell()(middle(self.cell()(i))))

    def several_ends_inside(self):
        L, Model, i, j, k = self.L, self.keras.Model, self.images(), self.images(), self.images(
            3, 4, 5, 3)
        o, h, c = self.cell(3, return_state=True)(j)
        m = Model([j, k], [L.Add()([o, k]), h, c], name="cell")
        o, h, c = m([i, self.cell(3)(i)])
        return Model(i, self.cell(3)(o, initial_state=[h, c]))

    def model_of_each_frame_h5(self):
        L, i = self.L, self.images()
        frame = self.keras.Sequential([
            self.images(4, 5, 2),
            self.conv(3, activation="relu"),
            L.MaxPooling2D(2),
            L.BatchNormalization(),
            self.conv(2, 1)
        ])
        return self.keras.Model(i, self.cell(2, False)(L.TimeDistributed(frame)(i)))

    def graph_of_each_frame(self):
        L, Model, i, j = self.L, self.keras.Model, self.images(), self.images(4, 5, 2)
        a = self.conv(3)(j)
        return Model(
            i,
            self.cell(2, False)(L.TimeDistributed(Model(j,
                                                        L.Add()([a, self.conv(3)(a)])))(i)))

    def two_heads_h5(self):
        L, i = self.L, self.images()
        a = self.cell(3)(i)
        b, h, c = self.cell(2, False, return_state=True)(L.BatchNormalization()(a))
        vector = L.Dense(3, activation="softmax")(L.GlobalAveragePooling2D()(b))
        return self.keras.Model(i, [vector, a, c, L.Conv3D(1, 3, padding="same")(a)])

    def heads_by_name(self):
        L, i = self.L, self.images()
        a = self.cell(3)(i)
        return self.keras.Model(
            i, {
                "image": L.TimeDistributed(self.conv(1))(a),
                "again": a,
                "class": L.Dense(2)(L.Flatten()(self.cell(2, False)(a)))
            })

    def fewer_frames_and_back_h5(self):
        L, i = self.L, self.images()
        a = self.cell()(i)
        b = self.cell(3)(L.PReLU(shared_axes=[1, 2, 3])(L.MaxPooling3D((2, 2, 1),
                                                                       padding="same")(a)))
        c = L.Cropping3D(((0, 1), (0, 0), (0, 0)))(L.UpSampling3D((2, 2, 1))(b))
        return self.keras.Model(
            i,
            L.Conv3D(1, 2, activation="sigmoid")(L.ZeroPadding3D(1)(L.Concatenate()([a, c]))))

    def encoder_decoder(self):
        L, i = self.L, self.images()
        y, h, c = self.cell(2, False, return_state=True)(L.TimeDistributed(L.PReLU())(i))
        d = L.Reshape((4, 4, 5, 2))(L.RepeatVector(4)(L.PReLU()(L.Flatten()(y))))
        return self.keras.Model(
            i,
            L.TimeDistributed(self.conv(1))(self.cell(2)(d, initial_state=[h, c])))

    def cells_of_vectors_h5(self):
        L, i = self.L, self.images()
        v = L.TimeDistributed(L.Flatten())(self.cell(2)(i))
        again = L.LSTM(3, return_sequences=True)
        a = again(again(L.Dense(3)(v)))
        b = L.Bidirectional(L.LSTM(2, return_sequences=True))(a)
        w = L.LSTM(2, return_sequences=True, activation="relu",
                   use_bias=False)(L.RepeatVector(4)(L.LSTM(4, go_backwards=True)(b)))
        return self.keras.Model(i, L.TimeDistributed(L.Dense(1))(w))

    def rows_of_sensors_h5(self):
        L, i = self.L, self.images(4, 9, 2)
        cell = L.ConvLSTM1D(2, 3, padding="same", return_sequences=True)
        a = L.BatchNormalization()(cell(cell(i)))
        b = L.TimeDistributed(L.Conv1D(3, 2, strides=2,
                                       activation="relu"))(L.TimeDistributed(L.ZeroPadding1D(
                                           (1, 0)))(a))
        c = L.Bidirectional(L.ConvLSTM1D(2, 2, padding="same",
                                         return_sequences=True))(L.LayerNormalization()(b))
        d = L.TimeDistributed(L.MaxPooling1D(2))(L.TimeDistributed(L.UpSampling1D(2))(c))
        return self.keras.Model(i, L.Dense(3)(L.GlobalAveragePooling1D()(L.ConvLSTM1D(3, 2)(d))))


def deflated(path):
    """HDF5 is mostly empty."""
    with zipfile.ZipFile(path) as old:
        parts = [(name, old.read(name)) for name in old.namelist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in parts:
            new.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


def one(generation, wanted):
    import numpy as np
    if generation == 2:
        import tf_keras as keras
    else:
        import keras
    folder = os.path.join(OUT, f"keras{generation}")
    os.makedirs(folder, exist_ok=True)
    networks = Networks(keras)
    names = [
        n for n, f in vars(Networks).items()
        if callable(f) and n not in ("__init__", "cell", "images", "conv")
    ]
    for seed, name in enumerate(names):
        if wanted and name not in wanted:
            continue
        rng = np.random.default_rng(seed)
        keras.utils.set_random_seed(seed)
        model = getattr(networks, name)()
        model.set_weights([
            w if "seed" in n else
            abs(rng.normal(1, 0.2, w.shape)) if "variance" in n else rng.normal(0, 0.4, w.shape)
            for w, n in zip(model.get_weights(),
                            [getattr(v, "path", v.name) for v in model.weights])
        ])
        x = rng.random((2, *model.input_shape[1:]), dtype="float32") + np.float32(0.01)
        path = os.path.join(folder, name.removesuffix("_h5"))
        y = model.predict(x, verbose=0)
        y = list(y.values()) if isinstance(y, dict) else y
        np.savez_compressed(
            path + ".npz", x=x[:, :, None] if x.ndim == 4 else x,
            **({
                f"y{k}": v
                for k, v in enumerate(y)
            } if isinstance(y, list) else {
                "y": y
            }))
        model.save(path + ".keras")
        deflated(path + ".keras")
        if name.endswith("_h5"):
            model.save(path + ".h5")


def main():
    if len(sys.argv) > 1 and sys.argv[1] in "23":
        return one(int(sys.argv[1]), sys.argv[2:])
    if len(sys.argv) == 1:
        shutil.rmtree(OUT, ignore_errors=True)
    for generation in "23":
        subprocess.check_call(
            [sys.executable, os.path.abspath(__file__), generation, *sys.argv[1:]])


if __name__ == "__main__":
    main()
