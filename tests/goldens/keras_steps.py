#!/usr/bin/env python3
"""Makes tests/goldens/keras_steps.npz anew: steps of Keras's optimizers on drawn gradients, and
losses of Keras with their gradients.

    tests/goldens/keras_steps.py            both generations, in an environment of its own
    VENV=/some/venv tests/goldens/keras_steps.py

optimizers/NAME/KERAS: the weights (steps, 4) that an optimizer made of `start` (4) with the rows of
`gradients` (steps, 4). losses/NAME/KERAS: the mean over the rows of `logits` (rows, outputs) and
`labels`, or `values` and `targets`, followed by its gradient."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "keras_steps.npz")
sys.path.insert(0, HERE)
import environment  # noqa: E402

environment.enter("keras", environment.KERAS)
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0", CUDA_VISIBLE_DEVICES="")
import numpy as np  # noqa: E402

OPTIMIZERS = {
    "rmsprop": ("RMSprop", {}),
    "rmsprop_momentum": ("RMSprop", {"learning_rate": 0.01, "rho": 0.8, "momentum": 0.9}),
    "rmsprop_centered": ("RMSprop", {"centered": True, "epsilon": 1e-5}),
    "rmsprop_centered_momentum": ("RMSprop", {"centered": True, "momentum": 0.5, "rho": 0.95}),
    "adagrad": ("Adagrad", {"learning_rate": 0.05}),
    "adagrad_started": ("Adagrad", {"initial_accumulator_value": 1.0}),
    "adadelta": ("Adadelta", {"learning_rate": 1.0}),
    "adadelta_rho": ("Adadelta", {"rho": 0.7, "epsilon": 1e-4}),
    "nadam": ("Nadam", {}),
    "nadam_betas": ("Nadam", {"learning_rate": 0.02, "beta_1": 0.8, "beta_2": 0.9}),
    "sgd_clip_value": ("SGD", {"learning_rate": 0.1, "clipvalue": 0.3}),
    "adam_clip_value": ("Adam", {"clipvalue": 0.2}),
}
LOSSES = {
    "huber": ("values", lambda K: K.losses.Huber()),
    "huber_delta": ("values", lambda K: K.losses.Huber(delta=0.4)),
    "focal": ("logits", lambda K: K.losses.BinaryFocalCrossentropy(from_logits=True)),
    "focal_gamma":
    ("logits", lambda K: K.losses.BinaryFocalCrossentropy(gamma=0.7, from_logits=True)),
    "focal_alpha": ("logits", lambda K: K.losses.BinaryFocalCrossentropy(
        apply_class_balancing=True, alpha=0.3, from_logits=True)),
    "focal_smoothed":
    ("logits", lambda K: K.losses.BinaryFocalCrossentropy(label_smoothing=0.2, from_logits=True)),
    "softmax_five": ("logits", lambda K: K.losses.CategoricalCrossentropy(from_logits=True)),
}


def draw():
    rng = np.random.default_rng(11)
    classes = np.eye(5, dtype="f")[[0, 3, 4]]
    return {
        "start": rng.normal(0, 1, 4).astype("f"),
        "gradients": rng.normal(0, 0.5, (8, 4)).astype("f"),
        "logits": rng.normal(0, 2, (3, 5)).astype("f"),
        "labels": classes,
        "values": rng.normal(0, 1, (3, 5)).astype("f"),
        "targets": rng.normal(0, 1, (3, 5)).astype("f")
    }


def one(generation, path):
    import tensorflow as tf
    if generation == 2:
        import tf_keras as keras
    else:
        import keras
    data, out = draw(), {}
    for name, (kind, options) in OPTIMIZERS.items():
        w = (tf.Variable if generation == 2 else keras.Variable)(data["start"])
        optimizer = getattr(keras.optimizers, kind)(**options)
        steps = []
        for g in data["gradients"]:
            optimizer.apply_gradients([(tf.constant(g), w)])
            steps.append(np.array(w))
        out[f"optimizers/{name}/keras{generation}"] = np.array(steps)
    for name, (kind, make) in LOSSES.items():
        x = tf.constant(data[kind])
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = make(keras)(data["labels" if kind == "logits" else "targets"], x)
        out[f"losses/{name}/keras{generation}"] = np.concatenate([[loss.numpy()],
                                                                  tape.gradient(loss,
                                                                                x).numpy().ravel()
                                                                  ]).astype("f")
    np.savez(path, **out)


def main():
    if len(sys.argv) == 3:
        return one(int(sys.argv[1]), sys.argv[2])
    parts = draw()
    for generation in "23":
        path = OUT + generation + ".npz"
        subprocess.check_call([sys.executable, os.path.abspath(__file__), generation, path])
        parts.update(np.load(path))
        os.remove(path)
    np.savez_compressed(OUT, **parts)


if __name__ == "__main__":
    main()
