"""More cases for make_keras_goldens.py: the layers that public networks use, which keras_layers.py runs like its own. Its answers are a file of their own, keras_frames.npz."""
import tensorflow as tf


def lstm(filters, sequences=False, **more):
    return {"type": "conv_lstm2d", "filters": filters, "kernel_size": [3, 3], "padding": "same", "recurrent_activation": "sigmoid", "return_sequences": sequences, **more}


def of(kind, **more):
    return {"type": kind, **more}


def conv(activation, filters=3):
    return of("conv2d", filters=filters, kernel_size=[2, 2], padding="same", activation=activation)


END = [of("flatten"), of("dense", units=3, activation="tanh")]
# activations that a cell may have; others
CELLS = ["relu6", "elu", "selu", "softplus", "softsign", "hard_tanh"]
OTHERS = ["exponential", "silu", "gelu", "gelu_tanh", "mish", "hard_silu", "log_sigmoid"]


def cases():
    """(name, generation, layers, size, channels, extras)."""
    s = (7, 6)
    for g in (2, 3):
        k = " keras%d" % g
        for name in CELLS:
            yield "activation %s" % name + k, g, [conv(name), lstm(3, True, activation=name), of("activation", activation=name), lstm(2, activation=name)] + END, s, 2, {}
        for name in OTHERS:
            yield "activation %s" % name + k, g, [conv(name), lstm(3), of("activation", activation=name), of("flatten"), of("dense", units=3, activation=name)], s, 2, {}
        yield "activation log_softmax" + k, g, [conv("log_softmax"), lstm(3, True), of("activation", activation="log_softmax")], s, 2, {}
        yield "relu with parameters" + k, g, [conv("linear"), of("relu", max_value=0.4, negative_slope=0.2, threshold=0.1), lstm(3), of("relu", max_value=0.3)] + END, s, 2, {}
        yield "elu with parameters" + k, g, [conv("linear"), of("elu", alpha=0.7), lstm(3), of("elu")] + END, s, 2, {}


def activation(name, generation):
    """Of those that a generation lacks, the function."""
    only3 = {"relu6": tf.nn.relu6, "leaky_relu": tf.nn.leaky_relu, "hard_tanh": lambda x: tf.clip_by_value(x, -1, 1), "hard_silu": lambda x: x * tf.nn.relu6(x + 3) / 6,
             "log_sigmoid": tf.math.log_sigmoid, "log_softmax": tf.nn.log_softmax, "silu": "swish"}
    if name == "gelu_tanh":
        return lambda x: tf.nn.gelu(x, True)
    return only3.get(name, name) if generation == 2 else name


def layer(L, generation, kind, more, sequence):
    """Keras's layer for one of ours; `more`: its members. sequence: its input has frames."""
    return {"relu": L.ReLU, "elu": L.ELU}[kind](**more)
