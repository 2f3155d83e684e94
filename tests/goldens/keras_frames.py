"""More cases for make_keras_goldens.py: the layers that public networks use, which keras_layers.py
runs like its own. Its answers are a file of their own, keras_frames.npz."""
import tensorflow as tf


def lstm(filters, sequences=False, **more):
    return {
        "type": "conv_lstm2d",
        "filters": filters,
        "kernel_size": [3, 3],
        "padding": "same",
        "recurrent_activation": "sigmoid",
        "return_sequences": sequences,
        **more
    }


def of(kind, **more):
    return {"type": kind, **more}


def conv(activation, filters=3):
    return of("conv2d", filters=filters, kernel_size=[2, 2], padding="same", activation=activation)


def EACH(kind):
    return of(kind, each_frame=True)


FIXED = {"input": {"frames": 6}}
END = [of("flatten"), of("dense", units=3, activation="tanh")]
# activations that follow from their results, which had cells first; others
CELLS = ["relu6", "elu", "selu", "softplus", "softsign", "hard_tanh"]
OTHERS = ["exponential", "silu", "gelu", "gelu_tanh", "mish", "hard_silu", "log_sigmoid"]


def cases():
    """(name, generation, layers, size, channels, extras)."""
    s = (7, 6)
    for g in (2, 3):
        k = " keras%d" % g
        for name in CELLS:
            yield "activation %s" % name + k, g, [
                conv(name),
                lstm(3, True, activation=name),
                of("activation", activation=name),
                lstm(2, activation=name)
            ] + END, s, 2, {}
        for name in OTHERS:
            yield "activation %s" % name + k, g, [
                conv(name),
                lstm(3),
                of("activation", activation=name),
                of("flatten"),
                of("dense", units=3, activation=name)
            ], s, 2, {}
        yield "activation log_softmax" + k, g, [
            conv("log_softmax"),
            lstm(3, True),
            of("activation", activation="log_softmax")
        ], s, 2, {}
        yield "relu with parameters" + k, g, [
            conv("linear"),
            of("relu", max_value=0.4, negative_slope=0.2, threshold=0.1),
            lstm(3),
            of("relu", max_value=0.3)
        ] + END, s, 2, {}
        yield "flatten of a sequence" + k, g, [lstm(
            3, True), of("max_pool2d"), lstm(2, True)] + END, s, 2, FIXED
        yield "flatten each frame, dense on vectors" + k, g, [
            lstm(2, True),
            EACH("flatten"),
            of("dense", units=4, activation="tanh"),
            of("global_average_pool"),
            of("dense", units=3)
        ], s, 2, {}
        yield "dense on frames, vectors out" + k, g, [
            of("dense", units=3, activation="elu"),
            lstm(2, True),
            of("dense", units=2),
            EACH("flatten"),
            of("dense", units=3)
        ], s, 2, {}
        yield "global_average_pool each frame" + k, g, [
            lstm(3, True), EACH("global_average_pool"),
            of("dense", units=4)
        ], s, 2, {}
        yield "global_max_pool each frame, over vectors" + k, g, [
            lstm(3, True),
            EACH("global_max_pool"),
            of("dense", units=4),
            of("global_max_pool"),
            of("dense", units=3)
        ], s, 2, {}
        yield "global_max_pool of a frame" + k, g, [
            lstm(3), of("global_max_pool"), of("dense", units=3)
        ], s, 2, {}
        yield "global_max_pool of a sequence" + k, g, [
            of("conv2d", filters=3, kernel_size=[2, 2], activation="relu"),
            lstm(3, True, activation="relu"),
            of("global_max_pool"),
            of("dense", units=3)
        ], s, 2, {}
        yield "reshape" + k, g, [
            lstm(2, True),
            EACH("flatten"),
            of("dense", units=12),
            of("reshape", target_shape=[2, 3, 2]),
            lstm(3),
            of("reshape", target_shape=[18]),
            of("dense", units=8),
            of("reshape", target_shape=[2, 2, 2]),
            of("conv2d", filters=2, kernel_size=[2, 2], padding="same")
        ], s, 2, {}
        for pad in ("same", "valid"):
            for kernel, strides in (([3, 3], [2, 2]), ([5, 4], [2, 3]), ([2, 3], [3, 1]),
                                    ([3, 2], [1, 1]), ([11, 11], [2, 2])):
                yield "conv2d_transpose %s %s %s" % (pad, kernel, strides) + k, g, [
                    of("conv2d_transpose", filters=3, kernel_size=kernel, strides=strides,
                       padding=pad, activation="tanh"),
                    lstm(2),
                    of("conv2d_transpose", filters=2, kernel_size=strides, strides=strides,
                       padding=pad, use_bias=False)
                ], s, 2, {}
        yield "conv2d_transpose output_padding" + k, g, [
            of("conv2d_transpose", filters=3, kernel_size=[3, 3], strides=[2, 2], padding="same",
               output_padding=[1, 0]),
            lstm(2, True),
            of("conv2d_transpose", filters=2, kernel_size=[3, 4], strides=[2, 3], padding="valid",
               output_padding=[1, 2])
        ], s, 2, {}
        yield "zero_padding2d, cropping2d" + k, g, [
            of("zero_padding2d", padding=[1, 0, 2, 1]),
            lstm(2, True),
            of("cropping2d", cropping=[1, 2, 0, 1]),
            of("zero_padding2d", padding=[1, 1, 1, 1])
        ], s, 2, {}
        for how in ("nearest", "bilinear"):
            yield "up_sampling2d " + how + k, g, [
                of("up_sampling2d", size=[2, 3], interpolation=how),
                lstm(2, True),
                of("up_sampling2d", size=[1, 2], interpolation=how),
                lstm(2),
                of("up_sampling2d", size=[2, 2], interpolation=how)
            ], s, 2, {}
        yield "depthwise_conv2d" + k, g, [
            of("depthwise_conv2d", kernel_size=[3, 2], padding="same", depth_multiplier=2,
               activation="tanh"),
            lstm(3, True),
            of("depthwise_conv2d", kernel_size=[2, 2], strides=[2, 2], use_bias=False),
            lstm(2),
            of("depthwise_conv2d", kernel_size=[2, 2], dilation_rate=[1, 1])
        ], s, 2, {}
        yield "separable_conv2d" + k, g, [
            of("separable_conv2d", filters=3, kernel_size=[3, 2], padding="same",
               activation="tanh"),
            lstm(3, True),
            of("separable_conv2d", filters=4, kernel_size=[2, 2], strides=[2, 2],
               depth_multiplier=2, use_bias=False)
        ], s, 2, {}
        yield "rescaling" + k, g, [
            of("rescaling", scale=2.0, offset=-1.0),
            lstm(3, True),
            of("rescaling", scale=-0.5)
        ], s, 2, {}
        yield "elu with parameters" + k, g, [
            conv("linear"), of("elu", alpha=0.7),
            lstm(3), of("elu")
        ] + END, s, 2, {}
    # later ones come behind the others, whose data are drawn by their numbers
    for g in (2, 3):
        k = " keras%d" % g
        for name in OTHERS[1:] + ["softmax", "log_softmax"]:
            yield "activation %s of a cell" % name + k, g, [
                lstm(3, True, activation=name),
                of("activation", activation="tanh"),
                lstm(2, activation=name)
            ], s, 2, {}
        # the exponential of states of states soon is infinite: one filter, each pixel alone
        yield "activation exponential of a cell" + k, g, [
            lstm(1, True, activation="exponential", kernel_size=[1, 1]),
            conv("tanh")
        ], s, 2, {}


def activation(name, generation):
    """Of those that a generation lacks, the function."""
    only3 = {
        "relu6": tf.nn.relu6,
        "leaky_relu": tf.nn.leaky_relu,
        "hard_tanh": lambda x: tf.clip_by_value(x, -1, 1),
        "hard_silu": lambda x: x * tf.nn.relu6(x + 3) / 6,
        "log_sigmoid": tf.math.log_sigmoid,
        "log_softmax": tf.nn.log_softmax,
        "silu": "swish"
    }
    if name == "gelu_tanh":
        return lambda x: tf.nn.gelu(x, True)
    return only3.get(name, name) if generation == 2 else name


def pairs(four):
    return ((four[0], four[1]), (four[2], four[3]))


def layer(L, generation, kind, more, axes):
    """Keras's layer for one of ours, or None if keras_layers.py has it; `more`: its members; axes:
    of its input."""
    more = dict(more)
    each, sequence = more.pop("each_frame", False), axes in (3, 5)
    over = (lambda layer: L.TimeDistributed(layer)) if sequence else (lambda layer: layer)
    if each:
        return over({
            "flatten": L.Flatten,
            "global_average_pool": L.GlobalAveragePooling2D,
            "global_max_pool": L.GlobalMaxPooling2D
        }[kind]())
    if kind == "global_max_pool":
        return {5: L.GlobalMaxPooling3D, 4: L.GlobalMaxPooling2D, 3: L.GlobalMaxPooling1D}[axes]()
    if kind == "zero_padding2d":
        return over(L.ZeroPadding2D(pairs(more["padding"])))
    if kind == "cropping2d":
        return over(L.Cropping2D(pairs(more["cropping"])))
    simple = {"relu": L.ReLU, "elu": L.ELU, "rescaling": L.Rescaling}
    framed = {
        "reshape": L.Reshape,
        "conv2d_transpose": L.Conv2DTranspose,
        "up_sampling2d": L.UpSampling2D,
        "depthwise_conv2d": L.DepthwiseConv2D,
        "separable_conv2d": L.SeparableConv2D
    }
    if kind in framed:
        return over(framed[kind](**more))
    return simple[kind](**more) if kind in simple else None
