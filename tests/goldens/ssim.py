#!/usr/bin/env python3
"""Remakes tests/goldens/ssim.inc: 1 - tf.image.ssim of frames that C makes, too, and its gradient.

    tests/goldens/ssim.py            in an environment of its own, build/venv-keras
    VENV=/some/venv tests/goldens/ssim.py

TensorFlow computes in float64 here, so that the answers are exact to the digits that are kept.
"""
import os

import environment

environment.enter("keras", environment.KERAS)
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from tensorflow.python.ops import image_ops_impl  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


def frames(shape):
    """As make_frame of test_ssim.c."""
    i = np.arange(np.prod(shape))
    a, b = (i * 37 % 101) / np.float32(100), (i * 53 % 97) / np.float32(96)
    return a.astype("f4").reshape(shape), (0.5 * a + 0.5 * b).astype("f4").reshape(shape)


def similarity(a, b):
    """tf.image.ssim casts to float32; what it calls does not."""
    return image_ops_impl._ssim_per_channel(a[None], b[None], 1.0, 11, 1.5, 0.01, 0.03, False)[0]


with open(os.path.join(HERE, "ssim.inc"), "w") as out:
    out.write(
        "/* Made by ssim.py: height, width, channels, loss, gradient to the first frame. */\n")
    for shape in ((11, 11, 1), (13, 16, 3), (20, 12, 2)):
        a, b = (tf.constant(x, tf.float64) for x in frames(shape))
        with tf.GradientTape() as tape:
            tape.watch(a)
            loss = 1 - tf.reduce_mean(similarity(a, b))
        gradient = tape.gradient(loss, a).numpy().ravel()
        plain = 1 - tf.image.ssim(*(tf.constant(x) for x in frames(shape)), 1.0).numpy()
        assert abs(plain - loss.numpy()) < 1e-5, (plain, loss)
        kept = gradient[:: max(1, len(gradient) // 12)]
        numbers = ", ".join("%.9e" % g for g in kept)
        out.write("{%d, %d, %d, %.12f, %d, %d, {%s}},\n" %
                  (*shape, loss.numpy(), max(1,
                                             len(gradient) // 12), len(kept), numbers))
