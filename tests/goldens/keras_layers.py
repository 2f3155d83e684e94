"""Cases a layer and parameter for make_keras_goldens.py: outputs at inference, and gradients of the
mean squared error in training, of networks made of the real
Keras's layers. Masks go where Keras takes them; what it does not (Conv3D knows no mask) is said in
the code."""
import json

import numpy as np
import tensorflow as tf

import keras_frames
import keras_time


def lstm(filters, kernel, sequences=False, gate="sigmoid", **more):
    return {
        "type": "conv_lstm2d",
        "filters": filters,
        "kernel_size": kernel,
        "padding": "same",
        "recurrent_activation": gate,
        "return_sequences": sequences,
        **more
    }


def of(kind, **more):
    return {"type": kind, **more}


END = [of("flatten"), of("dense", units=3, activation="tanh")]
BN, PLAIN_BN = of("batch_normalization", mode="masked"), of("batch_normalization",
                                                            mode="compat_keras3")
TF22 = of("batch_normalization", mode="compat_tf22")


def cases():
    """(name, generation, layers, size, channels, extras)."""
    s = (7, 6)
    for g in (2, 3):
        k = " keras%d" % g
        norm = BN if g == 3 else TF22
        for name, more in {
                "activation relu": {
                    "activation": "relu"
                },
                "activation linear": {
                    "activation": "linear"
                },
                "activation sigmoid": {
                    "activation": "sigmoid"
                },
                "activation hard_sigmoid_k2": {
                    "activation": "hard_sigmoid_k2"
                },
                "activation hard_sigmoid_k3": {
                    "activation": "hard_sigmoid_k3"
                },
                "activation leaky_relu": {
                    "activation": "leaky_relu"
                },
                "gate hard_sigmoid_k2": {
                    "gate": "hard_sigmoid_k2"
                },
                "gate hard_sigmoid_k3": {
                    "gate": "hard_sigmoid_k3"
                },
                "no bias": {
                    "use_bias": False
                },
                "no unit forget bias": {
                    "unit_forget_bias": False
                },
                "kernel 2x4": {
                    "kernel_size": [2, 4]
                },
                "strides 2x3": {
                    "strides": [2, 3]
                },
                "valid": {
                    "padding": "valid"
                },
                "dilation 2x1": {
                    "dilation_rate": [2, 1]
                },
                "go_backwards": {
                    "go_backwards": True
                },
        }.items():
            more = dict(more)
            first = lstm(3, more.pop("kernel_size", [3, 3]), True, more.pop("gate", "sigmoid"))
            first.update(more)
            last = dict(first, filters=2, return_sequences=False, strides=1)
            yield "conv_lstm2d " + name + k, g, [first, norm, last] + END, s, 2, {}
            if name == "go_backwards":
                yield "conv_lstm2d go_backwards, sequence" + k, g, [
                    first, dict(last, return_sequences=True)
                ], s, 2, {}
        yield "conv_lstm2d initial state" + k, g, [
            lstm(3, [3, 3], True, return_state=True),
            lstm(2, [3, 3], return_state=True)
        ] + END, s, 2, {
            "states": True
        }
        yield "conv_lstm2d dropout" + k, g, [
            lstm(3, [3, 3], True, dropout=0.3),
            lstm(2, [3, 3], dropout=0.5)
        ] + END, s, 2, {
            "dropout": True
        }
        yield "conv_lstm2d recurrent dropout" + k, g, [
            lstm(3, [3, 3], True, recurrent_dropout=0.3), norm,
            lstm(2, [3, 3], dropout=0.2, recurrent_dropout=0.4)
        ] + END, s, 2, {
            "dropout": True
        }
        yield "conv2d same, strides" + k, g, [
            of("conv2d", filters=3, kernel_size=[3, 2], padding="same", strides=[2, 1],
               activation="tanh"),
            lstm(2, [3, 3])
        ] + END, s, 2, {}
        yield "conv2d valid, dilation, on a frame" + k, g, [
            lstm(3, [3, 3]),
            of("conv2d", filters=2, kernel_size=[2, 2], dilation_rate=[2, 2], padding="valid",
               use_bias=False)
        ], s, 2, {}
        yield "max_pool2d same" + k, g, [
            of("max_pool2d", pool_size=[2, 3], strides=[2, 2], padding="same"),
            lstm(2, [3, 3])
        ] + END, s, 2, {}
        yield "max_pool2d valid, leaky_relu" + k, g, [
            lstm(3, [3, 3]),
            of("leaky_relu", negative_slope=0.3),
            of("max_pool2d", pool_size=[2, 2])
        ] + END, s, 2, {}
        yield "average_pool2d same" + k, g, [
            of("average_pool2d", pool_size=[3, 3], strides=[2, 1], padding="same"),
            lstm(2, [3, 3])
        ] + END, s, 2, {}
        yield "average_pool2d valid, relu" + k, g, [
            lstm(3, [3, 3], True),
            of("average_pool2d"),
            of("activation", activation="relu"),
            lstm(2, [3, 3])
        ] + END, s, 2, {}
        yield "conv3d 3x3x3 sigmoid" + k, g, [
            lstm(3, [3, 3], True), norm,
            of("conv3d", filters=2, kernel_size=[3, 3, 3], padding="same", activation="sigmoid")
        ], s, 1, {}
        yield "conv3d 2x1x3, strides, dilation" + k, g, [
            of("conv3d", filters=3, kernel_size=[2, 1, 3], padding="same", strides=[1, 2, 1]),
            lstm(2, [2, 3], True),
            of("conv3d", filters=2, kernel_size=[3, 2, 2], dilation_rate=[2, 1, 1], padding="same",
               use_bias=False)
        ], s, 2, {}
        yield "layer_normalization channels" + k, g, [
            lstm(3, [3, 3], True),
            of("layer_normalization"),
            lstm(3, [3, 3]),
            of("layer_normalization")
        ] + END, s, 2, {}
        yield "layer_normalization frame" + k, g, [
            lstm(3, [3, 3], True),
            of("layer_normalization", over="frame", epsilon=0.01),
            lstm(2, [3, 3])
        ] + END, s, 2, {}
        yield "global_average_pool over time" + k, g, [
            lstm(3, [3, 3], True),
            of("global_average_pool"),
            of("dense", units=3)
        ], s, 2, {}
        yield "sequence of states" + k, g, [lstm(4, [3, 3], True), norm,
                                            lstm(3, [3, 3], True)], (9, 5), 3, {}
        yield "softmax a pixel" + k, g, [
            lstm(3, [1, 1], True),
            of("activation", activation="softmax"),
            of("conv2d", filters=3, kernel_size=[1, 1], padding="valid", activation="softmax")
        ], s, 1, {}
    yield "batch_normalization without mask keras3", 3, [
        lstm(3, [3, 3], True), PLAIN_BN, lstm(2, [3, 3]), PLAIN_BN
    ] + END, s, 2, {}
    yield "dropout keras3", 3, [
        lstm(3, [3, 3], True),
        of("dropout", rate=0.4),
        lstm(2, [3, 3]),
        of("dropout", rate=0.3)
    ] + END, s, 2, {
        "dropout": True
    }
    yield "spatial_dropout keras3", 3, [
        lstm(3, [3, 3], True),
        of("spatial_dropout", rate=0.4),
        lstm(4, [3, 3]),
        of("spatial_dropout", rate=0.3)
    ] + END, s, 2, {
        "dropout": True
    }


class LayerNet:
    def __init__(self, K, generation, description):
        self.K, self.generation, self.description = K, generation, description
        counts, self.layers = {}, []
        for d in description["layers"]:
            n = counts.get(d["type"], 0)
            counts[d["type"]] = n + 1
            self.layers.append((d["type"] + ("_%d" % n if n else ""), d, None))
        self.built = False

    def activation(self, name):
        g = self.generation
        if name == "hard_sigmoid_k2":
            return "hard_sigmoid" if g == 2 else lambda x: tf.clip_by_value(0.2 * x + 0.5, 0.0, 1.0)
        if name == "hard_sigmoid_k3":
            return "hard_sigmoid" if g == 3 else lambda x: tf.nn.relu6(x + 3.0) / 6.0
        return keras_frames.activation(name, g)

    def make(self, d, axes):
        L, kind, sequence = self.K.layers, d["type"], axes == 5
        over = (lambda layer: L.TimeDistributed(layer)) if sequence else (lambda layer: layer)
        more = {
            k: (self.activation(v) if k in ("activation", "recurrent_activation") else v)
            for k, v in d.items()
            if k not in ("type", "mode", "over")
        }
        own = keras_time.layer(L, kind, more, axes, d.get("over"))
        if own is not None:
            return own
        own = keras_frames.layer(L, self.generation, kind, more, axes)
        if own is not None:
            return own
        if kind == "conv_lstm2d":
            return L.ConvLSTM2D(**{**more, "return_state": True})
        if kind == "layer_normalization":
            return L.LayerNormalization(axis=[-3, -2, -1] if d.get("over") == "frame" else -1,
                                        **more)
        if kind == "leaky_relu":
            return L.LeakyReLU(**({"alpha": d["negative_slope"]} if self.generation == 2 else more))
        if kind == "global_average_pool":
            return L.Identity() if axes == 3 and self.generation == 3 else L.Activation(
                "linear") if axes == 3 else over(L.GlobalAveragePooling2D())
        if kind == "spatial_dropout":
            return (L.SpatialDropout3D if sequence else L.SpatialDropout2D)(**more)
        if "pool" in kind:
            more.setdefault("pool_size", 2)
        simple = {
            "batch_normalization": L.BatchNormalization,
            "conv3d": L.Conv3D,
            "dense": L.Dense,
            "flatten": L.Flatten,
            "activation": L.Activation,
            "dropout": L.Dropout
        }
        if kind in simple:
            return simple[kind](**more)
        return over({
            "conv2d": L.Conv2D,
            "max_pool2d": L.MaxPooling2D,
            "average_pool2d": L.AveragePooling2D
        }[kind](**more))

    def lstm(self, layer, name, x, valid, training, given, states):
        cell = layer.cell
        for kind in ("dropout", "recurrent_dropout"):
            f = given.get(name + "/" + kind)
            if f is None or not training:
                continue
            four = [tf.constant(f[:, i]) for i in range(4)]
            method = ("get_dropout_mask" if kind == "dropout" else
                      "get_recurrent_dropout_mask") + ("_for_cell" if self.generation == 2 else "")
            setattr(cell, method, lambda *a, four=four, **k: four)
        start = [tf.constant(given[name + "/h"]),
                 tf.constant(given[name + "/c"])] if name + "/h" in given else None
        y, h, c = layer(x, mask=tf.constant(valid.astype(bool)), training=training,
                        initial_state=start)
        states[name + "/h"], states[name + "/c"] = h, c
        return y

    def dropped(self, layer, name, x, valid, given):
        """The real layer, and the factors that it drew: those of ones from the same seed. Ours
        count valid steps."""
        before = np.array(layer.seed_generator.state)
        f = layer(tf.ones_like(x), training=True).numpy()
        layer.seed_generator.state.assign(before)
        if len(f.shape) == 5 and "spatial" not in name:
            f = np.stack([np.concatenate([a[v > 0], a[v == 0]]) for a, v in zip(f, valid)])
        elif "spatial" in name:
            f = f.reshape(f.shape[0], -1, f.shape[-1])[:, 0]
        given[name + "/dropout"] = f
        return layer(x, training=True)

    def __call__(self, x, mask, training=False, given=None, states=None):
        given = {} if given is None else given
        states, valid = {} if states is None else states, mask
        for i, (name, d, layer) in enumerate(self.layers):
            # without the mask that Keras hangs on to it: who needs one is given it
            x = tf.identity(x)
            kind, sequence = d["type"], len(x.shape) in (3, 5)
            remakes = keras_time.changes_frames(d)
            if remakes:
                x = keras_time.filled(x, valid)
            if layer is None:
                layer = self.make(d, len(x.shape))
                self.layers[i] = (name, d, layer)
            if kind == "conv_lstm2d":
                x = self.lstm(layer, name, x, valid, training, given, states)
                # Keras turns the outputs round, and the mask of what comes after must follow
                if d.get("go_backwards"):
                    valid = valid[:, ::-1]
            elif kind == "batch_normalization" and d["mode"] == "masked" and sequence:
                x = layer(
                    x, training=training, mask=tf.broadcast_to(
                        tf.constant(valid.astype(bool))[:, :, None, None],
                        tf.shape(x)[:4]))
            elif kind == "batch_normalization":
                x = layer(x, training=training)
            # no mask in Keras's: a masked frame is zeros to its neighbours here
            elif kind == "conv3d" and not remakes:
                x = layer(x * tf.constant(valid.astype(np.float32))[:, :, None, None, None])
            elif kind in ("dropout", "spatial_dropout"):
                x = self.dropped(layer, name, x, valid, given) if training else x
            elif kind == "global_average_pool" and sequence and not d.get("each_frame"):
                x = self.K.layers.GlobalAveragePooling1D()(layer(x),
                                                           mask=tf.constant(valid.astype(bool)))
            else:
                x = layer(x)
            if remakes and len(x.shape) in (3, 5):
                valid = np.ones((x.shape[0], x.shape[1]), valid.dtype)
        self.valid = valid
        return x

    def tensors(self):
        for name, _, layer in self.layers:
            for v in layer.weights:
                if "seed" not in v.name:
                    own = v.name.split("/")[-1].split(":")[0]
                    if name.startswith("depthwise") and own == "kernel":  # Keras 3's name
                        own = "depthwise_kernel"
                    yield name + "/" + own, v, any(v is t for t in layer.trainable_weights)


def make(out, tools, generations, group="layer"):
    """Adds all cases of a group: those here, of keras_frames ("frame") or of keras_time ("time").
    tools: uniform, tensor_values, stride_of, text, MASKS of make_keras_goldens."""
    for index, case in enumerate({
            "layer": cases,
            "frame": keras_frames.cases,
            "time": keras_time.cases
    }[group]()):
        make_case(out, tools, generations, group, index, *case)


def make_case(out, tools, generations, group, index, name, generation, layers, size, channels,
              extras):
    tools.keras3.utils.set_random_seed(index)  # of the dropout layers
    description = {
        "format": 1,
        "input": {
            "height": size[0],
            "width": size[1],
            "channels": channels,
            **extras.get("input", {})
        },
        "layers": layers
    }
    net = LayerNet(generations[generation], generation, description)
    mask = tools.MASKS
    batch, frames = mask.shape
    shape = (batch, frames) + size + (channels,)
    x = tools.uniform(int(np.prod(shape)), 5000 + index).reshape(shape)
    states = {}
    net(x[:1], mask[:1], states=states)
    for k, (n, v, _) in enumerate(net.tensors()):
        v.assign(tools.tensor_values(n, tuple(v.shape), k))
    key, given = "%s/%02d" % (group, index), {}
    if extras.get("states"):
        for k, (n, v) in enumerate(states.items()):
            s = (batch,) + tuple(v.shape[1:])
            given[n] = tools.uniform(int(np.prod(s)), 6000 + k).reshape(s) - 0.5
    shapes = {}
    if extras.get("dropout"):
        y = x
        for n, d, layer in net.layers:
            if d["type"] == "conv_lstm2d":
                shapes[n + "/dropout"] = y.shape[2:]
                y = layer(y)[0]
                shapes[n + "/recurrent_dropout"] = y.shape[-3:]
            elif d["type"] not in ("dropout", "spatial_dropout"):
                y = layer(y)
        for k, (n, s) in enumerate(shapes.items()):
            rate = [d for m, d, _ in net.layers if m == n.split("/")[0]][0].get(n.split("/")[1])
            if rate:
                u = tools.uniform(batch * 4 * int(np.prod(s)),
                                  8000 + k).reshape((batch, 4) + tuple(s))
                given[n] = np.where(u < rate, 0, 1 / (1 - rate)).astype(np.float32)
    states = {}
    y = net(x, mask, given={
        n: v
        for n, v in given.items()
        if n[-2:] in ("/h", "/c")
    }, states=states).numpy()
    out[key + "/outputs"] = y.ravel()[::tools.stride_of(y.size)]
    if extras.get("states"):
        for n, v in states.items():
            out[key + "/last/" + n] = np.array(v).ravel()[::tools.stride_of(np.array(v).size)]
    targets = tools.uniform(y.size, 7000 + index).reshape(y.shape)
    with tf.GradientTape() as tape:
        d = tf.square(net(x, mask, training=True, given=given) - targets)
        sequence = len(y.shape) in (3, 5)
        w = net.valid.astype(np.float32) if sequence else np.ones((batch, 1), np.float32)
        each = tf.reduce_mean(tf.reshape(d, (batch, w.shape[1], -1)), -1)
        loss = tf.reduce_sum(each * w) / float(w.sum())
    variables = [(n, v) for n, v, trainable in net.tensors() if trainable]
    for (n, _), g in zip(
            variables,
            tape.gradient(loss,
                          [getattr(v, "value", v) if generation == 3 else v
                           for _, v in variables])):
        flat = g.numpy().ravel()
        out["%s/gradient/%s" %
            (key, n)], out["%s/largest/%s" %
                           (key, n)] = flat[::tools.stride_of(flat.size)], np.float32(
                               np.abs(flat).max())
    for n, v, trainable in net.tensors():
        if "moving" in n:
            out["%s/moving/%s" % (key, n)] = np.array(v).ravel()
    for n, v in given.items():
        out[key + "/given/" + n] = v.astype(np.float32)
    out[key + "/name"], out[key + "/json"], out[key + "/mask"] = tools.text(name), tools.text(
        json.dumps(description)), mask
    out[key + "/loss"] = np.array([float(loss)])
    out[key + "/valid"] = net.valid.astype(np.uint8)
    print("%-50s loss %.6f" % (name, float(loss)))
