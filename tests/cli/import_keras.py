"""Writes Keras files of both presets for import_keras.sh: import_keras.py 2|3 OUT. Small images, random weights, and an .npz of the same under our names."""
import os
import sys

import numpy as np

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
if sys.argv[1] == "2":
    import tf_keras as keras
else:
    import keras
layers = keras.layers
PARTS = {
    "ConvLSTM2D": ("conv_lstm2d", ["kernel", "recurrent_kernel", "bias"]),
    "BatchNormalization": ("batch_normalization", ["gamma", "beta", "moving_mean", "moving_variance"]),
    "Dense": ("dense", ["kernel", "bias"]),
}


def build(gap, activation):
    image = keras.Input((None, 12, 12, 3))
    x = layers.ConvLSTM2D(20, 3, padding="same", return_sequences=True, recurrent_activation=activation)(image)
    x = layers.BatchNormalization()(x)
    x = layers.ConvLSTM2D(10, 3, padding="same", recurrent_activation=activation)(x)
    x = layers.BatchNormalization()(x)
    x = layers.GlobalAveragePooling2D()(x) if gap else layers.Flatten()(x)
    x = layers.Dense(32, activation="relu")(x)
    return keras.Model(image, layers.Dense(2, activation="sigmoid")(x))


out, rng = sys.argv[2], np.random.default_rng(1)
for preset, gap, activation in (("skincredible", False, "sigmoid"), ("skincredible-gap", True, "hard_sigmoid")):
    model, arrays, seen = build(gap, activation), {}, {}
    for layer in model.layers:
        if not layer.get_weights():
            continue
        layer.set_weights([rng.uniform(0.1, 1, w.shape).astype("float32") for w in layer.get_weights()])
        kind, parts = PARTS[type(layer).__name__]
        number = seen.get(kind, 0)
        seen[kind] = number + 1
        for part, w in zip(parts, layer.get_weights()):
            arrays[f"{kind}_{number}/{part}" if number else f"{kind}/{part}"] = w
    np.savez(f"{out}/{preset}.npz", **arrays)
    model.save_weights(f"{out}/{preset}.weights.h5")
    model.save(f"{out}/{preset}.full.h5")
    if sys.argv[1] == "2":
        model.save_weights(f"{out}/{preset}.legacy.h5", save_format="h5")
