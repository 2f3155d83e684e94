"""Accuracy of convolutions, with strides and transposed, on z-scores: the largest error of the
library and of TensorFlow in float32, each against TensorFlow in float64. Prints a row per case.

    python tests/peers/convolutions.py [LIBRARY_DIR]"""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
LIBRARY = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else os.path.join(ROOT, "build", "lib")
if LIBRARY not in os.environ.get("LD_LIBRARY_PATH", "").split(":"):
    os.environ["LD_LIBRARY_PATH"] = LIBRARY  # which is read as a program starts
    os.execv(sys.executable, [sys.executable, *sys.argv])
sys.path.insert(0, os.path.join(ROOT, "tools", "python"))
import numpy as np  # noqa: E402
import skincredible  # noqa: E402
import tensorflow as tf  # noqa: E402

# type, kernel, stride, channels, filters, side of the frames, deviation of their values
CASES = [("conv2d", 3, 1, 32, 64, 40, 1), ("conv2d", 3, 1, 64, 64, 40, 3),
         ("conv2d", 3, 1, 128, 32, 30, 1), ("conv2d", 5, 2, 64, 64, 56, 1),
         ("conv2d", 5, 2, 64, 64, 56, 3), ("conv2d", 11, 4, 8, 128, 113, 1),
         ("conv2d_transpose", 5, 2, 64, 64, 28, 1), ("conv2d_transpose", 11, 4, 64, 16, 28, 1)]


def by_tensorflow(kind, x, kernel, stride, shape, dtype):
    x, kernel = tf.constant(x, dtype), tf.constant(kernel, dtype)
    if kind == "conv2d":
        return tf.nn.conv2d(x, kernel, stride, "SAME").numpy()
    return tf.nn.conv2d_transpose(x, kernel, shape, stride, "SAME").numpy()


def measure(kind, size, stride, channels, filters, side, deviation):
    draw = np.random.default_rng(3)
    x = (deviation * draw.normal(size=(1, 2, side, side, channels))).astype(np.float32)
    model = skincredible.Model.from_description(
        {"format": 1, "input": {"height": side, "width": side, "channels": channels},
         "layers": [{"type": kind, "name": "c", "filters": filters, "padding": "same",
                     "kernel_size": [size, size], "strides": [stride, stride]}]})
    limit = np.sqrt(6 / (size * size * (channels + filters)))  # Glorot's
    shape = [size, size] + ([channels, filters] if kind == "conv2d" else [filters, channels])
    model["c/kernel"] = kernel = draw.uniform(-limit, limit, shape).astype(np.float32)
    ours = model.session().run(x, np.ones(x.shape[:2], bool))[0][0]
    exact, single = (by_tensorflow(kind, x[0], kernel, stride, ours.shape, t)
                     for t in (tf.float64, tf.float32))
    errors = [float(np.abs(y - exact).max()) for y in (ours, single)]
    print(f"{kind:17} {size:2}x{size:<2} stride {stride}  {channels:3} to {filters:3} channels  "
          f"deviation {deviation}: ours {errors[0]:.2e}, TensorFlow {errors[1]:.2e}, "
          f"ratio {errors[0] / errors[1]:.2f}")


for case in CASES:
    measure(*case)
