"""LiteRT (TensorFlow Lite) on the ConvLSTM presets: inference by XNNPACK, the loop over frames
unrolled into one graph."""
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf

import data


def hard_sigmoid(x):
    return tf.clip_by_value(0.2 * x + 0.5, 0.0, 1.0)


def layer(w, name, frames, hoist):
    """NHWC frames, one a step -> as many outputs."""
    own, recurrent, bias = (w[f"{name}/{k}"] for k in ("kernel", "recurrent_kernel", "bias"))
    both = np.concatenate([own, recurrent], 2)
    h = c = None
    out = []
    for x in frames:
        if h is None or hoist:
            z = tf.nn.conv2d(x, own, 1, "SAME") + bias
            if h is not None:
                z += tf.nn.conv2d(h, recurrent, 1, "SAME")
        else:
            z = tf.nn.conv2d(tf.concat([x, h], 3), both, 1, "SAME") + bias
        i, f, g, o = tf.split(z, 4, 3)
        new = hard_sigmoid(i) * tf.tanh(g)
        c = new if c is None else hard_sigmoid(f) * c + new
        h = hard_sigmoid(o) * tf.tanh(c)
        out.append(h)
    return out


def norm(w, name, x):
    scale = w[name + "/gamma"] / (w[name + "/moving_variance"] + 1e-3) ** 0.5
    return x * scale + (w[name + "/beta"] - scale * w[name + "/moving_mean"])


def network(img, hoist):
    w = data.made_weights()
    h = [
        norm(w, "batch_normalization", v)
        for v in layer(w, "conv_lstm2d", tf.unstack(img, axis=1), hoist)
    ]
    h = norm(w, "batch_normalization_1", layer(w, "conv_lstm2d_1", h, hoist)[-1])
    h = tf.nn.relu(tf.reshape(h, [img.shape[0], -1]) @ w["dense/kernel"] + w["dense/bias"])
    return tf.sigmoid(h @ w["dense_1/kernel"] + w["dense_1/bias"])


def maker(work, threads, hoist):
    def make():
        img = data.batch(work)[0]
        function = tf.function(lambda x: network(x, hoist)).get_concrete_function(
            tf.TensorSpec(img.shape, tf.float32))
        model = tf.lite.TFLiteConverter.from_concrete_functions([function]).convert()
        interpreter = tf.lite.Interpreter(model_content=model, num_threads=threads)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], img)
        result = interpreter.get_output_details()[0]["index"]

        def run():
            interpreter.invoke()
            return interpreter.get_tensor(result)

        return run, run

    return make


def variants(peer, work, threads, folder, tune):
    for hoist in (False, True):
        yield f"unrolled graph, {'two convolutions' if hoist else 'joint convolution'}", maker(
            work, threads, hoist)
