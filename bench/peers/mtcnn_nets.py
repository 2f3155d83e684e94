"""MTCNN's three networks from weights/mtcnn.safetensors, for OpenCV, ONNX Runtime, ncnn and
PyTorch: pnet(blob) -> probabilities (H,W), offsets (4,H,W);
rnet, onet(blob of crops) -> probabilities (N), offsets (N,4). A blob is NCHW, RGB, (value - 127.5)
/ 128."""
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from safetensors.numpy import load_file

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
# Convolutions with the pooling after each (side, or 0), then the dense layer, then the heads that
# are used.
LAYERS = {
    "pnet": [("conv1", 2), ("conv2", 0), ("conv3", 0)],
    "rnet": [("conv1", 3), ("conv2", 3), ("conv3", 0)],
    "onet": [("conv1", 3), ("conv2", 3), ("conv3", 2), ("conv4", 0)]
}


def weights():
    w = load_file(os.path.join(ROOT, "weights", "mtcnn.safetensors"))
    # rows of the dense layer from height, width, channel to channel, height, width
    for net in ("rnet", "onet"):
        kernel = w[net + "/dense1/kernel"]
        w[net + "/dense1/kernel"] = kernel.reshape(3, 3, -1, kernel.shape[1]).transpose(
            2, 0, 1, 3).reshape(kernel.shape)
    return w


def oihw(kernel):
    return np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))


# ---- ONNX, for OpenCV and ONNX Runtime ----


def onnx_model(net, w):
    from onnx import TensorProto, helper, numpy_helper

    nodes, tensors = [], []

    def tensor(name, value):
        tensors.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(op, inputs, **attributes):
        out = f"{net}_{len(nodes)}"
        nodes.append(helper.make_node(op, inputs, [out], **attributes))
        return out

    def prelu(x, name, dims):
        return node("PRelu", [x, tensor(name + "/prelu", w[name + "/prelu"].reshape(-1, *dims))])

    x = "data"
    for layer, pool in LAYERS[net]:
        name = f"{net}/{layer}"
        kernel = oihw(w[name + "/kernel"])
        x = node("Conv",
                 [x, tensor(name + "/kernel", kernel),
                  tensor(name + "/bias", w[name + "/bias"])], kernel_shape=kernel.shape[2:])
        x = prelu(x, name, (1, 1))
        if pool:
            x = node("MaxPool", [x], kernel_shape=[pool, pool], strides=[2, 2], ceil_mode=1)
    if net == "pnet":
        head = lambda x, name: node("Conv", [
            x,
            tensor(name + "/kernel", oihw(w[name + "/kernel"])),
            tensor(name + "/bias", w[name + "/bias"])
        ], kernel_shape=[1, 1])
    else:
        head = lambda x, name: node("Gemm", [
            x,
            tensor(name + "/kernel", w[name + "/kernel"]),
            tensor(name + "/bias", w[name + "/bias"])
        ])
        x = prelu(head(node("Flatten", [x]), net + "/dense1"), net + "/dense1", ())
    nodes.append(helper.make_node("Softmax", [head(x, net + "/class")], ["prob"], axis=1))
    nodes.append(helper.make_node("Identity", [head(x, net + "/box")], ["box"]))
    extra = []
    if net == "onet":
        nodes.append(helper.make_node("Identity", [head(x, net + "/landmarks")], ["landmarks"]))
        extra = [helper.make_tensor_value_info("landmarks", TensorProto.FLOAT, ["n", 10])]
    side = {"pnet": ("h", "w"), "rnet": (24, 24), "onet": (48, 48)}[net]
    out = ["n", 2, "oh", "ow"] if net == "pnet" else ["n", 2]
    box = ["n", 4, "oh", "ow"] if net == "pnet" else ["n", 4]
    graph = helper.make_graph(
        nodes, net, [helper.make_tensor_value_info("data", TensorProto.FLOAT, ["n", 3, *side])], [
            helper.make_tensor_value_info("prob", TensorProto.FLOAT, out),
            helper.make_tensor_value_info("box", TensorProto.FLOAT, box), *extra
        ], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


class OpenCV:
    """A network for each size of level, so that none is laid out anew."""

    def __init__(self, threads, folder):
        import cv2

        self.cv2 = cv2
        cv2.setNumThreads(threads)
        w, self.files, self.nets = weights(), {}, {}
        for net in LAYERS:
            self.files[net] = os.path.join(folder, net + "_cv.onnx")
            with open(self.files[net], "wb") as f:
                f.write(onnx_model(net, w).SerializeToString())

    def run(self, net, blob):
        key = (net, blob.shape)
        if key not in self.nets:
            self.nets[key] = self.cv2.dnn.readNetFromONNX(self.files[net])
        self.nets[key].setInput(blob, "data")
        prob, box, *_ = self.nets[key].forward(["prob", "box"] + ["landmarks"] * (net == "onet"))
        return prob[:, 1], box

    def levels(self, blobs):
        return [self.run("pnet", b) for b in blobs]


class OnnxRuntime:
    def __init__(self, threads, folder):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "1")
        w = weights()
        self.nets = {
            net:
            onnxruntime.InferenceSession(
                onnx_model(net, w).SerializeToString(), options, providers=["CPUExecutionProvider"])
            for net in LAYERS
        }

    def run(self, net, blob):
        prob, box = self.nets[net].run(["prob", "box"], {"data": blob})
        return prob[:, 1], box

    def levels(self, blobs):
        return [self.run("pnet", b) for b in blobs]


# ---- ncnn: its own text and binary ----


def ncnn_files(net, w, folder):
    lines, blob, binary = [], "data", []

    def layer(kind, inputs, outputs, *params):
        lines.append(" ".join([
            kind, f"{kind}{len(lines)}",
            str(len(inputs)),
            str(len(outputs)), *inputs, *outputs, *params
        ]))

    def values(kernel, bias):
        binary.extend([
            np.zeros(1, np.uint32).tobytes(),
            np.ascontiguousarray(kernel).tobytes(),
            bias.tobytes()
        ])

    def next_blob(kind, *params):
        nonlocal blob
        out = f"b{len(lines)}"
        layer(kind, [blob], [out], *params)
        blob = out

    def prelu(name):
        next_blob("PReLU", f"0={w[name + '/prelu'].size}")
        binary.append(w[name + "/prelu"].tobytes())

    layer("Input", [], ["data"])
    for part, pool in LAYERS[net]:
        name = f"{net}/{part}"
        kernel = oihw(w[name + "/kernel"])
        next_blob("Convolution", f"0={kernel.shape[0]}", f"1={kernel.shape[2]}", "5=1",
                  f"6={kernel.size}")
        values(kernel, w[name + "/bias"])
        prelu(name)
        if pool:
            next_blob("Pooling", "0=0", f"1={pool}", "2=2", "5=0")
    if net != "pnet":
        name = net + "/dense1"
        next_blob("InnerProduct", f"0={w[name + '/bias'].size}", "1=1",
                  f"2={w[name + '/kernel'].size}")
        values(w[name + "/kernel"].T, w[name + "/bias"])
        prelu(name)
    heads = ["class", "box"] + (["landmarks"] if net == "onet" else [])
    split = [f"split_{h}" for h in heads]
    layer("Split", [blob], split)
    for head, source in zip(heads, split):
        name = f"{net}/{head}"
        out = "logits" if head == "class" else head
        if net == "pnet":
            kernel = oihw(w[name + "/kernel"])
            layer("Convolution", [source], [out], f"0={kernel.shape[0]}", "1=1", "5=1",
                  f"6={kernel.size}")
        else:
            kernel = w[name + "/kernel"].T
            layer("InnerProduct", [source], [out], f"0={kernel.shape[0]}", "1=1",
                  f"2={kernel.size}")
        values(kernel, w[name + "/bias"])
    layer("Softmax", ["logits"], ["prob"], "0=0", "1=1")
    blobs = len({b for line in lines for b in line.split()[4:] if "=" not in b})
    files = [os.path.join(folder, net + end) for end in (".param", ".bin")]
    with open(files[0], "w") as f:
        f.write("\n".join(["7767517", f"{len(lines)} {blobs}", *lines, ""]))
    with open(files[1], "wb") as f:
        f.write(b"".join(binary))
    return files


class Ncnn:
    """`pool`: levels and crops side by side on threads, each network on one; else one after
    another, each on all threads."""

    def __init__(self, threads, folder, pool):
        import ncnn

        self.ncnn, self.nets, w = ncnn, {}, weights()
        self.pool = ThreadPoolExecutor(threads) if pool and threads > 1 else None
        for net in LAYERS:
            self.nets[net] = ncnn.Net()
            options = self.nets[net].opt
            options.num_threads = 1 if self.pool else threads
            # else off by 1e-3
            options.use_fp16_packed = options.use_fp16_storage = False
            options.use_fp16_arithmetic = options.use_bf16_storage = False
            param, model = ncnn_files(net, w, folder)
            self.nets[net].load_param(param)
            self.nets[net].load_model(model)

    def one(self, net, image):  # (3,H,W)
        extractor = self.nets[net].create_extractor()
        extractor.input("data", self.ncnn.Mat(image))
        prob, box = extractor.extract("prob")[1], extractor.extract("box")[1]
        return np.array(prob)[1], np.array(box)

    def each(self, net, images):
        return list(self.pool.map(lambda i: self.one(net, i),
                                  images)) if self.pool else [self.one(net, i) for i in images]

    def run(self, net, blob):
        results = self.each(net, blob)
        return np.stack([r[0] for r in results]), np.stack([r[1] for r in results])

    def levels(self, blobs):
        return [(p[None], b[None]) for p, b in self.each("pnet", [b[0] for b in blobs])]


# ---- PyTorch ----


class Torch:
    def __init__(self, threads, folder, channels_last=False, compiled=False):
        import torch
        from torch import nn

        torch.set_num_threads(threads)
        self.torch, self.nets, w = torch, {}, weights()
        self.format = torch.channels_last if channels_last else torch.contiguous_format

        class Net(nn.Module):
            def __init__(self, net):
                super().__init__()
                parts = []
                for layer, pool in LAYERS[net]:
                    name = f"{net}/{layer}"
                    parts += [
                        self.filled(
                            nn.Conv2d(*w[name + "/kernel"].shape[2:], w[name + "/kernel"].shape[0]),
                            oihw(w[name + "/kernel"]), w[name + "/bias"]),
                        self.prelu(name)
                    ]
                    if pool:
                        parts.append(nn.MaxPool2d(pool, 2, ceil_mode=True))
                if net == "pnet":
                    self.heads = nn.ModuleList(
                        self.filled(nn.Conv2d(32, n, 1), oihw(w[f"pnet/{h}/kernel"]),
                                    w[f"pnet/{h}/bias"]) for h, n in (("class", 2), ("box", 4)))
                else:
                    parts += [
                        nn.Flatten(),
                        self.linear(net + "/dense1"),
                        self.prelu(net + "/dense1")
                    ]
                    self.heads = nn.ModuleList(
                        self.linear(f"{net}/{h}")
                        for h in ["class", "box"] + ["landmarks"] * (net == "onet"))
                self.body = nn.Sequential(*parts)

            @staticmethod
            def filled(layer, kernel, bias):
                layer.weight.data, layer.bias.data = torch.from_numpy(
                    np.ascontiguousarray(kernel)), torch.from_numpy(bias)
                return layer

            def linear(self, name):
                return self.filled(nn.Linear(*w[name + "/kernel"].shape), w[name + "/kernel"].T,
                                   w[name + "/bias"])

            @staticmethod
            def prelu(name):
                layer = nn.PReLU(w[name + "/prelu"].size)
                layer.weight.data = torch.from_numpy(w[name + "/prelu"])
                return layer

            def forward(self, x):
                x = self.body(x)
                out = [h(x) for h in self.heads]
                return torch.softmax(out[0], 1)[:, 1], *out[1:]

        for net in LAYERS:
            model = Net(net).eval().to(memory_format=self.format)
            self.nets[net] = torch.compile(model) if compiled else model

    def run(self, net, blob):
        with self.torch.inference_mode():
            prob, box, *_ = self.nets[net](
                self.torch.from_numpy(blob).contiguous(memory_format=self.format))
        return prob.numpy(), box.numpy()

    def levels(self, blobs):
        return [self.run("pnet", b) for b in blobs]
