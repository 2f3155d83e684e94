"""More cases for make_keras_goldens.py: layers that change the number of frames, of which it is
said in clock.h that they see masked frames as repeats, and that none is masked behind them. Its
answers are keras_time.npz."""
import numpy as np
import tensorflow as tf

KINDS = ("max_pool3d", "average_pool3d", "up_sampling3d", "zero_padding3d", "cropping3d",
         "repeat_vector")


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


FIXED = {"input": {"frames": 6}}
END = [of("flatten"), of("dense", units=3, activation="tanh")]


def cases():
    """(name, generation, layers, size, channels, extras)."""
    s = (7, 6)
    for g in (2, 3):
        k = " keras%d" % g
        for kind in ("max_pool3d", "average_pool3d"):
            yield kind + k, g, [
                lstm(3, True),
                of(kind),
                lstm(2, True),
                of(kind, pool_size=[2, 1, 1], strides=[1, 1, 1])
            ], s, 2, {}
            yield kind + " same" + k, g, [
                of(kind, pool_size=[3, 2, 3], strides=[2, 1, 2], padding="same"),
                lstm(4, True),
                of(kind, pool_size=[2, 2, 2], strides=[1, 2, 1], padding="same"),
                lstm(2)
            ] + END, s, 2, {}
        yield "conv3d strides same" + k, g, [
            lstm(3, True),
            of("conv3d", filters=3, kernel_size=[3, 3, 2], strides=[2, 1, 2], padding="same",
               activation="tanh"),
            lstm(2, True),
            of("conv3d", filters=2, kernel_size=[2, 1, 1], strides=[2, 1, 1], padding="same")
        ], s, 2, {}
        yield "conv3d valid, dilation" + k, g, [
            of("conv3d", filters=3, kernel_size=[2, 2, 2], padding="valid", dilation_rate=[2, 1,
                                                                                           1]),
            lstm(2, True),
            of("conv3d", filters=2, kernel_size=[3, 3, 1], padding="valid", use_bias=False)
        ], s, 2, {}
        yield "conv3d even kernel, dilation, same" + k, g, [
            lstm(2, True),
            of("conv3d", filters=2, kernel_size=[4, 1, 1], padding="same", dilation_rate=[2, 1, 1])
        ], s, 2, {}
        yield "conv3d_transpose" + k, g, [
            of("conv3d_transpose", filters=3, kernel_size=[3, 2, 3], strides=[2, 1, 2],
               padding="same", activation="tanh"),
            lstm(2, True),
            of("conv3d_transpose", filters=2, kernel_size=[2, 3, 1], padding="valid",
               use_bias=False)
        ], (4, 3), 2, {}
        yield "conv3d_transpose with gaps" + k, g, [
            lstm(2, True),
            of("conv3d_transpose", filters=2, kernel_size=[1, 1, 2], strides=[3, 2, 1],
               padding="valid"),
            lstm(2, True),
            of("conv3d_transpose", filters=2, kernel_size=[3, 3, 3], strides=[2, 1, 3],
               padding="same", output_padding=[1, 0, 2])
        ], (4, 3), 2, {}
        yield "up_sampling3d" + k, g, [
            of("up_sampling3d", size=[2, 1, 2]),
            lstm(2, True),
            of("up_sampling3d", size=[3, 2, 1]),
            lstm(2)
        ] + END, s, 2, {}
        yield "zero_padding3d, cropping3d" + k, g, [
            lstm(2, True),
            of("zero_padding3d", padding=[2, 1, 1, 0, 0, 1]),
            lstm(2, True),
            of("cropping3d", cropping=[1, 3, 0, 1, 1, 0]),
            lstm(2, True)
        ], s, 2, {}
        yield "pooled and repeated" + k, g, [
            lstm(2, True),
            of("max_pool3d"),
            of("batch_normalization", mode="masked") if g == 3 else of("layer_normalization"),
            of("conv3d", filters=3, kernel_size=[3, 3, 3], padding="same", activation="tanh"),
            of("up_sampling3d"),
            lstm(2, True)
        ], (8, 6), 2, {}
        yield "repeat_vector" + k, g, [
            lstm(2),
            of("flatten"),
            of("dense", units=6, activation="tanh"),
            of("repeat_vector", n=4),
            of("reshape", target_shape=[1, 2, 3]),
            lstm(3, True),
            of("flatten", each_frame=True),
            of("dense", units=2)
        ], s, 2, {}
        yield "reshape to a sequence" + k, g, [
            lstm(2, True),
            of("reshape", target_shape=[3, 7, 6, 4]),
            lstm(2, True),
            of("reshape", target_shape=[3, 84]),
            of("dense", units=4),
            of("reshape", target_shape=[2, 6]),
            of("dense", units=3)
        ], s, 2, FIXED
        yield "prelu" + k, g, [
            of("conv2d", filters=3, kernel_size=[2, 2], padding="same"),
            of("prelu"),
            lstm(3, True, activation="linear"),
            of("prelu", over="frame"),
            lstm(2, activation="linear"),
            of("prelu", over="frame"),
            of("flatten"),
            of("dense", units=4),
            of("prelu"),
            of("dense", units=3)
        ], s, 2, {}
        yield "a frame to a sequence" + k, g, [
            lstm(2),
            of("reshape", target_shape=[1, 7, 6, 2]),
            of("up_sampling3d", size=[3, 1, 1]),
            lstm(2, True, go_backwards=True)
        ], s, 2, {}


def changes_frames(d):
    """Whether a layer sees masked frames as repeats, and gives frames of which none is masked."""
    if d["type"] in ("conv3d", "conv3d_transpose"):
        return d.get("strides", [1])[0] > 1 or (d["padding"] == "valid" and d["kernel_size"][0] > 1)
    return d["type"] in KINDS or (d["type"] == "reshape" and len(d["target_shape"]) % 2 == 0)


def filled(x, valid):
    """A sequence whose masked frames repeat the one before; zeros before the first."""
    if len(x.shape) not in (3, 5):
        return x
    last = np.maximum.accumulate(np.where(valid > 0, np.arange(valid.shape[1])[None], -1), 1)
    there = tf.constant((last
                         >= 0).astype(np.float32).reshape(last.shape + (1, ) * (len(x.shape) - 2)))
    return tf.gather(x, tf.constant(np.maximum(last, 0)), batch_dims=1) * there


class Maximum:
    """MaxPooling3D as MaxPooling2D of each frame and MaxPooling1D of the frames, which gives the
    same. TensorFlow's gradient of it on a CPU goes to all values that are within 1e-5 of the
    maximum, as
    repeats are always; that of the others to one."""

    weights, trainable_weights = [], []

    def __init__(self, L, pool_size=(2, 2, 2), strides=None, padding="valid"):
        strides = strides or pool_size
        self.whole = L.MaxPooling3D(pool_size, strides, padding)
        self.frames = L.TimeDistributed(L.MaxPooling2D(pool_size[1:], strides[1:], padding))
        self.times = L.MaxPooling1D(pool_size[0], strides[0], padding)

    def __call__(self, x):
        y = self.frames(x)
        z = self.times(tf.reshape(y, (y.shape[0], y.shape[1], -1)))
        z = tf.reshape(z, (z.shape[0], z.shape[1], *y.shape[2:]))
        assert np.array_equal(z.numpy(), self.whole(x).numpy())
        return z


def layer(L, kind, more, axes, over=None):
    """Keras's layer for one of ours, or None."""
    if kind == "prelu":
        own = L.PReLU(shared_axes=None if over == "frame" or axes < 4 else [1, 2])
        return L.TimeDistributed(own) if axes in (3, 5) else own
    if kind == "reshape" and len(more["target_shape"]) % 2 == 0:
        return L.Reshape(more["target_shape"])
    if kind in ("zero_padding3d", "cropping3d"):
        (six,) = more.values()
        return {
            "zero_padding3d": L.ZeroPadding3D,
            "cropping3d": L.Cropping3D
        }[kind](((six[0], six[1]), (six[2], six[3]), (six[4], six[5])))
    if kind == "max_pool3d":
        return Maximum(L, **more)
    if kind == "average_pool3d":
        more.setdefault("pool_size", 2)
    classes = {
        "average_pool3d": L.AveragePooling3D,
        "up_sampling3d": L.UpSampling3D,
        "repeat_vector": L.RepeatVector,
        "conv3d_transpose": L.Conv3DTranspose
    }
    return classes[kind](**more) if kind in classes else None
