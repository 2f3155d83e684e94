"""ONNX Runtime on the ConvLSTM presets: inference, the loop over frames unrolled into one graph."""
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import data


def graph(batch, hoist):
    w = data.made_weights()
    nodes, tensors = [], []

    def tensor(name, value):
        tensors.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(op, inputs, outputs=1, **attributes):
        out = [f"v{len(nodes)}_{i}" for i in range(outputs)]
        nodes.append(helper.make_node(op, inputs, out, **attributes))
        return out if outputs > 1 else out[0]

    def gate(x):
        return node("HardSigmoid", [x], alpha=0.2, beta=0.5)

    def layer(name, frames, filters):  # frames: NCHW, one a step
        kernels = {
            k: w[f"{name}/{k}"].transpose(3, 2, 0, 1)
            for k in ("kernel", "recurrent_kernel")
        }
        own, recurrent = (tensor(f"{name}/{k}", v) for k, v in kernels.items())
        both, bias = tensor(name + "/both",
                            np.concatenate(list(kernels.values()),
                                           1)), tensor(name + "/bias", w[name + "/bias"])
        h = c = None
        out = []
        for x in frames:
            if h is None or hoist:
                z = node("Conv", [x, own, bias], kernel_shape=[3, 3], pads=[1] * 4)
                if h is not None:
                    z = node("Add",
                             [z, node("Conv", [h, recurrent], kernel_shape=[3, 3], pads=[1] * 4)])
            else:
                z = node("Conv", [node("Concat", [x, h], axis=1), both, bias], kernel_shape=[3, 3],
                         pads=[1] * 4)
            i, f, g, o = node("Split", [z], 4, axis=1, num_outputs=4)
            new = node("Mul", [gate(i), node("Tanh", [g])])
            c = new if c is None else node("Add", [node("Mul", [gate(f), c]), new])
            h = node("Mul", [gate(o), node("Tanh", [c])])
            out.append(h)
        return out

    def norm(name, x):
        scale = w[name + "/gamma"] / np.sqrt(w[name + "/moving_variance"] + 1e-3)
        names = [
            tensor(name + "/scale", scale.reshape(-1, 1, 1)),
            tensor(name + "/shift",
                   (w[name + "/beta"] - scale * w[name + "/moving_mean"]).reshape(-1, 1, 1))
        ]
        return [node("Add", [node("Mul", [v, names[0]]), names[1]]) for v in x]

    frames = node("Split", ["img"], data.FRAMES, axis=1, num_outputs=data.FRAMES)
    shape = tensor("shape", np.array([batch, 3, data.SIZE, data.SIZE], np.int64))
    h = norm("batch_normalization",
             layer("conv_lstm2d", [node("Reshape", [f, shape]) for f in frames], 20))
    h = norm("batch_normalization_1", layer("conv_lstm2d_1", h, 10)[-1:])[0]
    h = node("Flatten", [node("Transpose", [h], perm=[0, 2, 3, 1])])
    h = node("Relu", [
        node(
            "Gemm",
            [h, tensor("dense/kernel", w["dense/kernel"]),
             tensor("dense/bias", w["dense/bias"])])
    ])
    h = node("Gemm", [
        h,
        tensor("dense_1/kernel", w["dense_1/kernel"]),
        tensor("dense_1/bias", w["dense_1/bias"])
    ])
    nodes.append(helper.make_node("Sigmoid", [h], ["probs"]))
    info = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    g = helper.make_graph(nodes, "convlstm",
                          [info("img", [batch, data.FRAMES, 3, data.SIZE, data.SIZE])],
                          [info("probs", [batch, 2])], tensors)
    return helper.make_model(g, opset_imports=[helper.make_opsetid("", 18)],
                             ir_version=9).SerializeToString()


def maker(work, threads, hoist):
    def make():
        img = np.ascontiguousarray(data.batch(work)[0].transpose(0, 1, 4, 2, 3))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(graph(len(img), hoist), options,
                                               providers=["CPUExecutionProvider"])
        run = lambda: session.run(None, {"img": img})[0]
        return run, run

    return make


def variants(peer, work, threads, folder, tune):
    for hoist in (False, True):
        yield f"unrolled graph, {'two convolutions' if hoist else 'joint convolution'}", maker(
            work, threads, hoist)
