#!/usr/bin/env python3
"""Makes tests/goldens/keras.npz with the real Keras, both generations: tf-keras (2) and Keras 3, on
TensorFlow. keras_layers.py has the cases a layer and parameter.

    tests/goldens/make_keras_goldens.py            in an environment of its own, build/venv-keras
    tests/goldens/make_keras_goldens.py --frames   only tests/goldens/keras_frames.npz, the cases of
    keras_frames.py
    tests/goldens/make_keras_goldens.py --time     only tests/goldens/keras_time.npz, the cases of
    keras_time.py
    VENV=/some/venv tests/goldens/make_keras_goldens.py

A case is a network in this project's JSON. Images, masks and weights come from a hash that
tests/unit/convlstm/test_convlstm_keras.c knows too, so the file holds only
descriptions and Keras's answers. What Keras 2 and 3 do differently follows from the case:
hard_sigmoid and BatchNormalization (Keras 2 ignores the mask: mode
compat_tf22; Keras 3 heeds it: mode masked) are their own, never imitated here, but for the other
generation's hard_sigmoid where a case asks for it.
"""
import json
import os
import sys

import environment

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

environment.enter("keras", environment.KERAS)
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import keras as keras3  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import tf_keras as keras2  # noqa: E402

import keras_layers  # noqa: E402

# ---- data that C can make too
# ------------------------------------------------------------------------------------------


def uniform(count, seed):
    """float32 in [0, 1): 24 bits of a hash of the index."""
    h = (np.arange(count, dtype=np.uint64) * 0x9E3779B1 + seed * 0x85EBCA77) & 0xFFFFFFFF
    h ^= h >> 16
    h = (h * 0x7FEB352D) & 0xFFFFFFFF
    h ^= h >> 15
    h = (h * 0x846CA68B) & 0xFFFFFFFF
    h ^= h >> 16
    return ((h >> 8).astype(np.float64) / 2**24).astype(np.float32)


def tensor_values(name, shape, index):
    u = uniform(int(np.prod(shape)), 100 + index).astype(np.float64)
    kind = name.split("/")[1]
    if kind.endswith("kernel"):
        u = (u - 0.5) * 2 * np.sqrt(3.0 / (np.prod(shape) / shape[-1]))
    elif kind == "gamma":
        u = 0.5 + u
    elif kind == "moving_variance":
        u = 0.05 + 0.2 * u
    elif kind == "moving_mean":
        u = 0.2 * (u - 0.5)
    else:
        u = u - 0.5
    return u.astype(np.float32).reshape(shape)


# Frames valid a sample, T = 6: all; tail masked; holes; leading masked; one valid, first, last, in
# the middle.
MASKS = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0], [1, 0, 1, 0, 0, 1], [0, 0, 1, 1, 1, 1],
                  [1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1], [0, 0, 0, 1, 0, 0]], np.uint8)

# ---- networks
# --------------------------------------------------------------------------------------------------


def network(size, layers, channels=3):
    return {
        "format": 1,
        "input": {
            "height": size[0],
            "width": size[1],
            "channels": channels
        },
        "layers": layers
    }


def conv(filters, kernel, gate, sequences=False, **more):
    return {
        "type": "conv_lstm2d",
        "filters": filters,
        "kernel_size": kernel,
        "recurrent_activation": gate,
        "return_sequences": sequences,
        "padding": "same",
        **more
    }


def bn(mode):
    return {"type": "batch_normalization", "mode": mode}


def dense(units, activation="linear", **more):
    return {"type": "dense", "units": units, "activation": activation, **more}


def preset(size, gate, pool, mode="masked", filters=(20, 10)):
    return network(size, [
        conv(filters[0], [3, 3], gate, True),
        bn(mode),
        conv(filters[1], [3, 3], gate),
        bn(mode), {
            "type": pool
        },
        dense(32, "relu"),
        dense(2, "sigmoid")
    ])


class Net:
    """The network of a description, built of a Keras generation's layers, called one by one so that
    the mask goes where the caller says."""

    def __init__(self, description, generation):
        self.K = {2: keras2, 3: keras3}[generation]
        self.generation = generation
        self.channels = description["input"]["channels"]
        self.size = (description["input"]["height"], description["input"]["width"])
        self.modes, self.layers, self.names = [], [], []
        counts = {}
        for d in description["layers"]:
            n = counts.get(d["type"], 0)
            counts[d["type"]] = n + 1
            self.names.append(d["type"] + ("_%d" % n if n else ""))
            self.layers.append(self.make(d))
            self.modes.append(d)
        self.output = self.modes[-1]["activation"]

    def gate(self, name):
        if name == "hard_sigmoid_k2":
            return "hard_sigmoid" if self.generation == 2 else lambda x: tf.clip_by_value(
                0.2 * x + 0.5, 0.0, 1.0)
        if name == "hard_sigmoid_k3":
            return "hard_sigmoid" if self.generation == 3 else lambda x: tf.nn.relu6(x + 3.0) / 6.0
        return name

    def make(self, d):
        L, kind = self.K.layers, d["type"]
        more = {k: v for k, v in d.items() if k not in ("type", "recurrent_activation", "mode")}
        if kind == "conv_lstm2d":
            return L.ConvLSTM2D(recurrent_activation=self.gate(d["recurrent_activation"]), **more)
        if kind == "batch_normalization":
            return L.BatchNormalization(**more)
        if kind == "dense":
            return L.Dense(d["units"], activation=None, use_bias=d.get("use_bias", True))
        return {"flatten": L.Flatten, "global_average_pool": L.GlobalAveragePooling2D}[kind]()

    def __call__(self, x, mask, training=False):
        """Logits: the last activation is left to the caller."""
        valid = tf.constant(mask.astype(bool))
        for i, (layer, d) in enumerate(zip(self.layers, self.modes)):
            if d["type"] == "conv_lstm2d":
                x = layer(x, mask=valid, training=training)
            elif d["type"] == "batch_normalization" and self.generation == 3:
                heed = d["mode"] == "masked" and len(x.shape) == 5
                every_pixel = tf.broadcast_to(valid[:, :, None,
                                                    None], x.shape[:4]) if heed else None
                x = layer(x, training=training, mask=every_pixel)
            elif d["type"] == "batch_normalization":
                x = layer(x, training=training)
            else:
                x = layer(x)
            if d["type"] == "dense" and i + 1 < len(self.layers):
                x = {
                    "relu": tf.nn.relu,
                    "tanh": tf.tanh,
                    "linear": tf.identity
                }[d.get("activation", "linear")](x)
        return x

    def probabilities(self, logits):
        return {"sigmoid": tf.sigmoid, "softmax": tf.nn.softmax}[self.output](logits)

    def tensors(self):
        """(name, variable, trainable) in the project's order, which is Keras's within a layer."""
        for name, layer in zip(self.names, self.layers):
            for v in layer.weights:
                kind = v.name.split("/")[-1].split(":")[0]
                yield name + "/" + kind, v, any(v is t for t in layer.trainable_weights)

    def set_weights(self):
        self(np.zeros((1, 1) + self.size + (self.channels,), np.float32), np.ones((1, 1), np.uint8))
        for index, (name, v, _) in enumerate(self.tensors()):
            v.assign(tensor_values(name, tuple(v.shape), index))


# ---- losses and optimisers
# ------------------------------------------------------------------------------------------------


def loss_of(kind, logits, labels, weights, smoothing):
    k = logits.shape[-1]
    y = labels * (1 - smoothing) + smoothing / k
    if kind == "bce":
        each = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, logits), -1)
    elif kind == "softmax":
        each = tf.nn.softmax_cross_entropy_with_logits(y, logits)
    else:  # the double sigmoid
        each = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, tf.sigmoid(logits)), -1)
    return tf.reduce_sum(
        each * tf.gather(tf.constant(weights, tf.float32), tf.argmax(labels, -1))) / labels.shape[0]


def optimizer_of(K, kind, options):
    return {
        "sgd": K.optimizers.SGD,
        "adam": K.optimizers.Adam,
        "adamw": K.optimizers.AdamW
    }[kind](**options)


# ---- cases
# --------------------------------------------------------------------------------------------------

GATES = ["hard_sigmoid_k2", "sigmoid", "hard_sigmoid_k3"]


def inference_cases():
    for gate in GATES:
        for generation in (2, 3):
            for pool, name in (("flatten", "preset"), ("global_average_pool", "gap")):
                yield "%s 12x12 %s keras%d" % (name, gate, generation), preset((12, 12), gate,
                                                                               pool), generation
    yield "preset 80x80 hard_sigmoid_k2 keras2", preset((80, 80), "hard_sigmoid_k2", "flatten"), 2
    yield "gap 80x80 sigmoid keras3", preset((80, 80), "sigmoid", "global_average_pool"), 3
    yield "gap 13x17 hard_sigmoid_k2 keras2", preset((13, 17), "hard_sigmoid_k2",
                                                     "global_average_pool"), 2
    yield "gap 5x3 hard_sigmoid_k3 keras3", preset((5, 3), "hard_sigmoid_k3",
                                                   "global_average_pool"), 3

    def one(layer, size=(11, 9), channels=2):
        return network(size, [layer, {"type": "flatten"}, dense(2, "softmax")], channels)

    yield "kernel 2x4 keras3", one(conv(3, [2, 4], "sigmoid")), 3
    yield "kernel 1x1 keras2", one(conv(3, [1, 1], "sigmoid")), 2
    yield "kernel 5x3 relu keras2", one(conv(4, [5, 3], "hard_sigmoid_k2", activation="relu")), 2
    yield "strides 2x3 keras3", one(conv(3, [3, 3], "sigmoid", strides=[2, 3])), 3
    yield "strides 2, kernel 4, keras2", one(conv(3, [4, 4], "hard_sigmoid_k2", strides=[2, 2])), 2
    yield "dilation 2 keras2", one(conv(3, [3, 3], "sigmoid", dilation_rate=[2, 2])), 2
    yield "valid keras3", one(conv(3, [3, 3], "hard_sigmoid_k3", padding="valid")), 3
    yield "valid, strides 2, keras2", one(
        conv(3, [3, 2], "sigmoid", padding="valid", strides=[2, 2])), 2
    yield "no bias, linear, keras3", one(
        conv(3, [3, 3], "sigmoid", use_bias=False, activation="linear")), 3
    yield "three layers keras3", network((7, 8), [
        conv(4, [3, 3], "sigmoid", True),
        conv(3, [3, 3], "hard_sigmoid_k3", True),
        bn("masked"),
        conv(2, [1, 1], "sigmoid"), {
            "type": "flatten"
        },
        dense(5, "tanh"),
        dense(2, "sigmoid")
    ]), 3


def training_cases():
    p = (10, 11)
    sgd, adam = {"learning_rate": 0.01}, {"learning_rate": 0.001}
    for pool, name in (("flatten", "preset"), ("global_average_pool", "gap")):
        yield name + " sgd bce masked keras3", preset(p, "hard_sigmoid_k2",
                                                      pool), 3, "bce", "sgd", sgd, {}
        yield name + " adam bce masked keras3", preset(p, "hard_sigmoid_k2",
                                                       pool), 3, "bce", "adam", adam, {}
        yield name + " sgd compat_tf22 keras2", preset(
            p, "hard_sigmoid_k2", pool, "compat_tf22"), 2, "compat_tf22", "sgd", sgd, {}
        yield name + " adam compat_tf22 keras2", preset(
            p, "hard_sigmoid_k2", pool, "compat_tf22"), 2, "compat_tf22", "adam", adam, {}
    soft = preset(p, "sigmoid", "flatten")
    soft["layers"][-1]["activation"] = "softmax"
    yield "softmax momentum keras3", soft, 3, "softmax", "sgd", {
        "learning_rate": 0.001,
        "momentum": 0.9
    }, {
        "class_weight": [2.0, 0.5]
    }
    yield "softmax nesterov smoothing keras3", soft, 3, "softmax", "sgd", {
        "learning_rate": 0.02,
        "momentum": 0.8,
        "nesterov": True
    }, {
        "label_smoothing": 0.1
    }
    yield "adamw clipped keras3", preset(p, "hard_sigmoid_k3", "flatten"), 3, "bce", "adamw", {
        "learning_rate": 0.0003,
        "weight_decay": 0.1,
        "global_clipnorm": 0.3
    }, {}
    yield "sgd clipped bce compat keras2", preset(p, "sigmoid", "flatten",
                                                  "compat_tf22"), 2, "bce", "sgd", {
                                                      "learning_rate": 0.05,
                                                      "global_clipnorm": 0.1
                                                  }, {}


def images(index, frames, batch, description):
    i = description["input"]
    shape = (batch, frames, i["height"], i["width"], i["channels"])
    return uniform(int(np.prod(shape)), index).reshape(shape)


def stride_of(count):
    """Of what is kept of a large tensor."""
    return max(1, count // 97)


def text(value):
    return np.frombuffer(value.encode(), np.uint8)


def main():
    out = {}
    for index, (name, description, generation) in enumerate(inference_cases()):
        large = description["input"]["height"] == 80
        mask = MASKS[[1, 2]] if large else MASKS
        net = Net(description, generation)
        net.set_weights()
        probs = net.probabilities(net(images(index, mask.shape[1], len(mask), description),
                                      mask)).numpy()
        key = "predict/%02d" % index
        out[key + "/name"], out[key +
                                "/json"], out[key +
                                              "/mask"], out[key + "/probs"] = text(name), text(
                                                  json.dumps(description)), mask, probs
        print("%-50s %s" % (name, probs[0]))

    mask, labels = MASKS[:5], np.array([[0, 1], [1, 0], [1, 0], [0, 1], [0, 1]], np.float32)
    for index, (name, description, generation, loss, kind, options,
                extra) in enumerate(training_cases()):
        net = Net(description, generation)
        net.set_weights()
        optimizer = optimizer_of(net.K, kind, options)
        variables = [(n, v) for n, v, trainable in net.tensors() if trainable]

        @tf.function
        def gradients(x):
            with tf.GradientTape() as tape:
                value = loss_of(loss, net(x, mask, training=True), labels,
                                extra.get("class_weight", [1.0, 1.0]),
                                extra.get("label_smoothing", 0.0))
            return value, tape.gradient(
                value, [getattr(v, "value", v) if generation == 3 else v for _, v in variables])

        losses = []
        key = "train/%02d" % index
        for step in range(20):
            x = images(1000 + 10 * index + step % 3, mask.shape[1], len(mask), description)
            value, grads = gradients(tf.constant(x))
            losses.append(float(value))
            for (n, v), g in zip(variables, grads):
                if step == 0:
                    flat = g.numpy().ravel()
                    out["%s/gradient/%s" % (key, n)] = flat[::stride_of(flat.size)]
                    out["%s/largest/%s" % (key, n)] = np.float32(np.abs(flat).max())
            optimizer.apply_gradients(zip(grads, [v for _, v in variables]))
        for n, v, _ in net.tensors():
            flat = np.array(v).ravel()
            out["%s/weights/%s" % (key, n)] = flat[::stride_of(flat.size)]
        spec = {"loss": loss, "optimizer": kind, **options, **extra}
        out[key + "/name"], out[key +
                                "/json"], out[key + "/spec"], out[key + "/mask"] = text(name), text(
                                    json.dumps(description)), text(json.dumps(spec)), mask
        out[key + "/labels"], out[key + "/losses"] = labels, np.array(losses)
        print("%-50s loss %.6f to %.6f" % (name, losses[0], losses[-1]))

    keras_layers.make(out, sys.modules[__name__], GENERATIONS)
    save(out, "keras.npz")


def save(out, name):
    path = os.path.join(os.environ.get("OUT", os.path.join(ROOT, "tests", "goldens")), name)
    np.savez_compressed(path, **out)
    print(path, os.path.getsize(path), "bytes")


def more(group, name):
    out = {}
    keras_layers.make(out, sys.modules[__name__], GENERATIONS, group)
    save(out, name)


GENERATIONS = {2: keras2, 3: keras3}
if "--frames" not in sys.argv and "--time" not in sys.argv:
    main()
if "--time" not in sys.argv:
    more("frame", "keras_frames.npz")
if "--frames" not in sys.argv:
    more("time", "keras_time.npz")
