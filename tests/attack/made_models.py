"""Model files of a few kilobytes that ask for very much."""
import json
import numpy as np


def write(path, description, tensors, meta={}):
    header, data = {"__metadata__": {"convlstm": json.dumps(description), **meta}}, b""
    for name, a in tensors.items():
        a = np.asarray(a, "<f4")
        header[name] = {
            "dtype": "F32",
            "shape": list(a.shape),
            "data_offsets": [len(data), len(data) + a.nbytes]
        }
        data += a.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    open(path, "wb").write(len(text).to_bytes(8, "little") + text + data)


def recurrent(path, height, width, filters=1, layers=1, outputs=2):
    """ConvLSTM layers for images of this size, a mean over the image, and a dense layer."""
    list_, tensors, channels = [], {}, 3
    for i in range(layers):
        list_.append({
            "type": "conv_lstm2d",
            "name": f"l{i}",
            "filters": filters,
            "kernel_size": [3, 3],
            "strides": [1, 1],
            "padding": "same",
            "dilation_rate": [1, 1],
            "activation": "tanh",
            "recurrent_activation": "sigmoid",
            "use_bias": True,
            "unit_forget_bias": True,
            "return_sequences": i < layers - 1
        })
        tensors |= {
            f"l{i}/kernel": np.zeros((3, 3, channels, 4 * filters)),
            f"l{i}/recurrent_kernel": np.zeros((3, 3, filters, 4 * filters)),
            f"l{i}/bias": np.zeros(4 * filters)
        }
        channels = filters
    list_ += [{
        "type": "global_average_pool",
        "name": "g"
    }, {
        "type": "dense",
        "name": "d",
        "units": outputs,
        "activation": "softmax",
        "use_bias": True
    }]
    tensors |= {"d/kernel": np.zeros((filters, outputs)), "d/bias": np.zeros(outputs)}
    write(
        path, {
            "format": 1,
            "name": "x",
            "input": {
                "height": height,
                "width": width,
                "channels": 3
            },
            "crop": "stretch",
            "labels": ["a", "b"],
            "layers": list_
        }, tensors)
