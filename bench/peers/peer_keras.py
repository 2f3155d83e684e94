"""Keras 3 on TensorFlow: its own ConvLSTM2D, as graphs, with and without XLA."""
import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow as tf

import data
import frames_keras
import networks_data
import networks_keras


def hard_sigmoid(x):
    return keras.ops.clip(0.2 * x + 0.5, 0, 1)


def network(masked):
    img = keras.Input((data.FRAMES, data.SIZE, data.SIZE, 3))
    mask = keras.Input((data.FRAMES,), dtype="bool") if masked else None
    layer = lambda filters, sequences, name: keras.layers.ConvLSTM2D(
        filters, 3, padding="same", recurrent_activation=hard_sigmoid, return_sequences=sequences,
        name=name)
    norm = lambda name: keras.layers.BatchNormalization(momentum=0.99, epsilon=1e-3, name=name)
    x = layer(20, True, "conv_lstm2d")(img, mask=mask)
    pixels = keras.ops.tile(keras.ops.reshape(mask, (-1, data.FRAMES, 1, 1)),
                            (1, 1, data.SIZE, data.SIZE)) if masked else None
    x = norm("batch_normalization")(x, mask=pixels)
    x = layer(10, False, "conv_lstm2d_1")(x, mask=mask)
    x = keras.layers.Flatten()(norm("batch_normalization_1")(x))
    x = keras.layers.Dense(32, activation="relu", name="dense")(x)
    model = keras.Model([img, mask] if masked else img, keras.layers.Dense(2, name="dense_1")(x))
    for name, value in data.made_weights().items():
        owner, variable = name.split("/")
        weights = {v.name: v for v in model.get_layer(owner).weights}
        weights[variable].assign(value)
    return model


def maker(work, xla):
    def make():
        img, mask, labels = data.batch(work)
        model = network(mask is not None)
        x = tf.constant(img) if mask is None else [tf.constant(img), tf.constant(mask)]
        y = tf.constant(labels)
        if work.startswith("infer"):
            forward = tf.function(lambda x: tf.sigmoid(model(x, training=False)), jit_compile=xla)
            return (lambda: forward(x).numpy()), lambda: forward(x).numpy()

        @tf.function(jit_compile=xla)
        def step(x, y):
            with tf.GradientTape() as tape:
                z = model(x, training=True)
                loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, z))
            variables = [v.value for v in model.trainable_variables]
            for v, g in zip(variables, tape.gradient(loss, variables)):
                v.assign_sub(data.RATE * g)
            return loss

        run = lambda: step(x, y).numpy()
        return run, lambda: [run(), run()]

    return make


def variants(peer, work, threads, folder, tune):
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1 if threads == 1 else 2)
    if work in networks_data.WORKS:
        yield from networks_keras.variants(work, folder, tune)
        return
    if work.startswith("frames"):
        yield from frames_keras.variants(work, tune)
        return
    # XLA: slower in inference, minutes to compile a training step
    for xla in (False, True) if tune else (False,):
        yield f"ConvLSTM2D, {'XLA' if xla else 'tf.function'}", maker(work, xla)
