#!/usr/bin/env python3
"""Makes tests/goldens/mtcnn_peers.npz: what other versions of the cascade find, on the pictures of mtcnn_pictures.py.

    tests/goldens/make_mtcnn_peers.py          each version in an environment of its own, build/venv-<version>

mtcnn-1.0        the Python package mtcnn 1.0.0, run.          VENV_MTCNN_1_0 names an environment that is there already.
facenet-pytorch  the Python package facenet-pytorch 2.6.0, run. VENV_FACENET_PYTORCH likewise. If its torchvision does not load (it is built for
                 CUDA), the one function taken from it, batched_nms, is the one below.
caffe            the authors' MATLAB code needs MATLAB and Caffe, which can't be installed here: instead a transcription in NumPy of detect_face.m
                 and of imResample (Piotr's toolbox), with the networks in double precision. Written apart from the C code.
"""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PACKAGES = {
    "mtcnn-1.0": ["mtcnn==1.0.0", "tensorflow-cpu", "pillow", "lz4", "joblib", "cloudpickle"],
    "facenet-pytorch": ["facenet-pytorch==2.6.0"],
    "caffe": ["numpy", "pillow"],
}


def python_of(version):
    variable = "VENV_" + version.upper().replace("-", "_").replace(".", "_")
    venv = os.environ.get(variable, os.path.join(ROOT, "build", "venv-" + version))
    python = os.path.join(venv, "bin", "python")
    if not os.path.exists(python):
        subprocess.check_call([sys.executable, "-m", "venv", venv])
        subprocess.check_call([python, "-m", "pip", "install", "-q", *PACKAGES[version]])
    return python


# ---- mtcnn 1.0 ------------------------------------------------------------------------------------------------------------


def mtcnn_1_0():
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from mtcnn import MTCNN

    detector = MTCNN()

    def detect(image):
        found = detector.detect_faces(image, box_format="xyxy", output_type="numpy", postprocess=False)
        return found[:, 1:5], found[:, 5], found[:, 6:16]

    return detect


# ---- facenet-pytorch --------------------------------------------------------------------------------------------------------


def stand_in_for_torchvision():
    import types

    import numpy as np
    import torch

    def batched_nms(boxes, scores, idxs, threshold):
        """Greedy suppression by falling score; sides are x2 - x1; boxes of different idxs (here there is one) don't meet."""
        b, order, keep = boxes.numpy(), scores.sort(stable=True, descending=True)[1].numpy(), []
        area = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
        gone = np.zeros(len(b), bool)
        for i in order:
            if gone[i]:
                continue
            keep.append(int(i))
            w = np.maximum(0, np.minimum(b[i, 2], b[:, 2]) - np.maximum(b[i, 0], b[:, 0]))
            h = np.maximum(0, np.minimum(b[i, 3], b[:, 3]) - np.maximum(b[i, 1], b[:, 1]))
            gone |= w * h / (area[i] + area - w * h) > threshold
        return torch.as_tensor(keep, dtype=torch.int64)

    names = ["torchvision", "torchvision.transforms", "torchvision.transforms.functional", "torchvision.ops", "torchvision.ops.boxes"]
    for name in names:
        sys.modules[name] = types.ModuleType(name)
    sys.modules["torchvision.transforms"].functional = sys.modules["torchvision.transforms.functional"]
    sys.modules["torchvision.ops.boxes"].batched_nms = batched_nms


def facenet_pytorch():
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError):
        for name in [n for n in sys.modules if n.startswith("torchvision")]:
            del sys.modules[name]
        stand_in_for_torchvision()
    import numpy as np
    import torch
    from facenet_pytorch.models.mtcnn import MTCNN
    from facenet_pytorch.models.utils.detect_face import detect_face

    m = MTCNN()

    def detect(image):
        with torch.no_grad():
            boxes, points = detect_face(image, 20, m.pnet, m.rnet, m.onet, m.thresholds, m.factor, m.device)
        boxes = np.asarray(boxes[0], np.float64).reshape(-1, 5)
        points = np.asarray(points[0], np.float64).reshape(-1, 5, 2)
        return boxes[:, :4], boxes[:, 4], points.transpose(0, 2, 1).reshape(-1, 10)

    return detect


# ---- the authors' MATLAB code, transcribed ------------------------------------------------------------------------------------


def resample_matrix(ha, hb):
    """imResample's weights for one side, ha -> hb, as a matrix (hb, ha)."""
    import numpy as np

    m = np.zeros((hb, ha))
    s = hb / ha
    for b in range(hb):
        if ha > hb:
            first, last, total = b / s, b / s + 1 / s, 0
            for a in range(int(np.ceil(first)) - 1, int(last) + 1):
                w = s
                if a == int(np.ceil(first)) - 1:
                    w = (np.ceil(first) - first) * s
                elif a == int(last):
                    w = (last - int(last)) * s
                if w > 1e-3 * s and 0 <= a < ha:
                    m[b, a] = w
                    total += w
            if total > 1:
                m[b] /= total
        else:
            at = (0.5 + b) / s - 0.5
            a = int(np.floor(at))
            if a < 0 or a >= ha - 1:
                m[b, min(max(a, 0), ha - 1)] = 1
            else:
                m[b, a], m[b, a + 1] = 1 - (at - a), at - a
    return m


def resample(image, height, width):
    import numpy as np

    rows, columns = resample_matrix(image.shape[0], height), resample_matrix(image.shape[1], width)
    return np.einsum("ab,bcd,ec->aed", rows, image, columns, optimize=True)


class Nets:
    """The three networks by definition, in double precision, on transposed pictures (n, width, height, channels), as they were trained."""

    def __init__(self):
        import numpy as np

        path = os.environ.get("MTCNN_WEIGHTS", os.path.join(ROOT, "weights", "mtcnn_weights.npy"))
        if not os.path.exists(path):
            sys.exit(path + ": not found; it is mtcnn/data/mtcnn_weights.npy of the Python package mtcnn 0.1.1 (or set MTCNN_WEIGHTS)")
        w = np.load(path, allow_pickle=True).tolist()
        self.w = {k: [np.asarray(a, np.float64) for a in v] for k, v in w.items()}

    @staticmethod
    def conv(x, kernel, bias, slope=None):
        import numpy as np

        kh, kw = kernel.shape[:2]
        v = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), (1, 2))
        y = np.einsum("nhwcij,ijck->nhwk", v, kernel, optimize=True) + bias
        return y if slope is None else np.where(y > 0, y, y * slope.reshape(-1))

    @staticmethod
    def pool(x, side):
        """Rounding up, as Caffe does: a last window may be cut."""
        import numpy as np

        n = [-(-(s - side) // 2) + 1 for s in x.shape[1:3]]
        pad = [(n[i] - 1) * 2 + side - x.shape[1 + i] for i in range(2)]
        x = np.pad(x, ((0, 0), (0, pad[0]), (0, pad[1]), (0, 0)), constant_values=-np.inf)
        return np.lib.stride_tricks.sliding_window_view(x, (side, side), (1, 2))[:, ::2, ::2].max((-1, -2))

    @staticmethod
    def softmax(x):
        import numpy as np

        e = np.exp(x - x.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    def pnet(self, x):
        w = self.w["pnet"]
        x = self.pool(self.conv(x, *w[0:3]), 2)
        x = self.conv(self.conv(x, *w[3:6]), *w[6:9])
        return self.softmax(self.conv(x, *w[9:11])), self.conv(x, *w[11:13])

    def dense(self, x, kernel, bias, slope=None):
        import numpy as np

        y = x.reshape(len(x), -1) @ kernel + bias
        return y if slope is None else np.where(y > 0, y, y * slope)

    def rnet(self, x):
        w = self.w["rnet"]
        x = self.pool(self.conv(x, *w[0:3]), 3)
        x = self.pool(self.conv(x, *w[3:6]), 3)
        x = self.dense(self.conv(x, *w[6:9]), *w[9:12])
        return self.softmax(self.dense(x, *w[12:14])), self.dense(x, *w[14:16])

    def onet(self, x):
        w = self.w["onet"]
        x = self.pool(self.conv(x, *w[0:3]), 3)
        x = self.pool(self.conv(x, *w[3:6]), 3)
        x = self.pool(self.conv(x, *w[6:9]), 2)
        x = self.dense(self.conv(x, *w[9:12]), *w[12:15])
        return self.softmax(self.dense(x, *w[15:17])), self.dense(x, *w[17:19]), self.dense(x, *w[19:21])


def nms(boxes, threshold, smaller=False):
    import numpy as np

    x1, y1, x2, y2, s = boxes[:, :5].T
    area = (x2 - x1 + 1) * (y2 - y1 + 1)
    left, pick = np.argsort(s, kind="stable"), []
    while len(left):
        i, rest = left[-1], left[:-1]
        pick.append(i)
        w = np.maximum(0, np.minimum(x2[i], x2[rest]) - np.maximum(x1[i], x1[rest]) + 1)
        h = np.maximum(0, np.minimum(y2[i], y2[rest]) - np.maximum(y1[i], y1[rest]) + 1)
        o = w * h / (np.minimum(area[i], area[rest]) if smaller else area[i] + area[rest] - w * h)
        left = rest[o <= threshold]
    return np.array(pick, int)


def squares(boxes):
    import numpy as np

    w, h = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    side = np.maximum(w, h)
    x, y = boxes[:, 0] + w * 0.5 - side * 0.5, boxes[:, 1] + h * 0.5 - side * 0.5
    return np.stack([x, y, x + side, y + side], 1)


def offset(boxes, reg, extra):
    import numpy as np

    w, h = boxes[:, 2] - boxes[:, 0] + extra, boxes[:, 3] - boxes[:, 1] + extra
    return boxes[:, :4] + reg * np.stack([w, h, w, h], 1)


def cut_out(image, boxes, side):
    import numpy as np

    crops = []
    for x1, y1, x2, y2 in boxes.astype(int):
        part = np.zeros((y2 - y1 + 1, x2 - x1 + 1, 3))
        ya, yb, xa, xb = max(y1 - 1, 0), min(y2, image.shape[0]), max(x1 - 1, 0), min(x2, image.shape[1])
        if yb > ya and xb > xa:
            part[ya - y1 + 1 : yb - y1 + 1, xa - x1 + 1 : xb - x1 + 1] = image[ya:yb, xa:xb]
        crops.append((resample(part, side, side) - 127.5) * 0.0078125)
    return np.array(crops).transpose(0, 2, 1, 3)


def cells(prob, reg, scale):
    """generateBoundingBox. MATLAB counts the elements of a matrix by columns; the matrix here is (width, height): x runs first. When there is one
    cell, the code transposes the offsets but not the number of the cell."""
    import numpy as np

    width, height = prob.shape
    y, x = np.nonzero(prob.T >= 0.6)
    take_x, take_y = x, y
    if len(x) == 1:
        number = x[0] + y[0] * width
        take_x, take_y = np.array([number // height]), np.array([number % height])
    corner = np.stack([x, y, x, y], 1) * 2 + np.array([1, 1, 12, 12])
    return np.hstack([np.fix(corner / scale), prob[x, y][:, None], reg[take_x, take_y]])


def caffe():
    import numpy as np

    nets = Nets()

    def detect(image):
        none = np.zeros((0, 4)), np.zeros(0), np.zeros((0, 10))
        image = image.astype(np.float64)
        height, width, _ = image.shape
        short, scales = min(height, width) * 0.6, []
        while short >= 12:
            scales.append(0.6 * 0.709 ** len(scales))
            short *= 0.709
        boxes = []
        for scale in scales:
            level = (resample(image, int(np.ceil(height * scale)), int(np.ceil(width * scale))) - 127.5) * 0.0078125
            prob, reg = nets.pnet(level.transpose(1, 0, 2)[None])
            found = cells(prob[0, :, :, 1], reg[0], scale)
            boxes.append(found[nms(found, 0.5)])
        boxes = np.concatenate(boxes) if boxes else np.zeros((0, 9))
        if not len(boxes):
            return none
        boxes = boxes[nms(boxes, 0.7)]
        boxes = np.fix(squares(offset(boxes, boxes[:, 5:9], 0)))
        prob, reg = nets.rnet(cut_out(image, boxes, 24))
        ok = prob[:, 1] > 0.7
        boxes, reg = np.hstack([boxes[ok], prob[ok, 1:]]), reg[ok]
        pick = nms(boxes, 0.7)
        if not len(pick):
            return none
        boxes = np.fix(squares(offset(boxes[pick], reg[pick], 1)))
        prob, reg, points = nets.onet(cut_out(image, boxes, 48))
        ok = prob[:, 1] > 0.7
        boxes, reg, points, score = boxes[ok], reg[ok], points[ok], prob[ok, 1:]
        w, h = boxes[:, 2:3] - boxes[:, 0:1] + 1, boxes[:, 3:4] - boxes[:, 1:2] + 1
        points = np.hstack([w * points[:, :5] + boxes[:, 0:1] - 1, h * points[:, 5:] + boxes[:, 1:2] - 1])
        boxes = np.hstack([offset(boxes, reg, 1), score])
        pick = nms(boxes, 0.7, smaller=True)
        return boxes[pick, :4], boxes[pick, 4], points[pick]

    return detect


# ---- all together -------------------------------------------------------------------------------------------------------------


def run(version, path):
    """In the version's environment: its finds on every picture to an npz file."""
    import numpy as np

    sys.path.insert(0, HERE)
    from mtcnn_pictures import PICTURES

    detect, out = {"mtcnn-1.0": mtcnn_1_0, "facenet-pytorch": facenet_pytorch, "caffe": caffe}[version](), {}
    for name, make in PICTURES.items():
        image = np.ascontiguousarray(make())
        if min(image.shape[:2]) < 20:
            continue  # facenet-pytorch fails on pictures without a level
        boxes, scores, points = detect(image)
        order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
        print(version, name, image.shape, np.round(np.asarray(scores, np.float64)[order], 4), flush=True)
        out[f"{version}/{name}/box"] = np.asarray(boxes, np.float64).reshape(-1, 4)[order]
        out[f"{version}/{name}/score"] = np.asarray(scores, np.float32).reshape(-1)[order]
        out[f"{version}/{name}/landmarks"] = np.asarray(points, np.float32).reshape(-1, 10)[order]
    np.savez_compressed(path, **out)


def main():
    if len(sys.argv) == 3:
        return run(*sys.argv[1:])
    parts = []
    for version in PACKAGES:
        parts.append(os.path.join(ROOT, "build", "golden-" + version + ".npz"))
        os.makedirs(os.path.dirname(parts[-1]), exist_ok=True)
        subprocess.check_call([python_of(version), os.path.abspath(__file__), version, parts[-1]])
    join = "import sys, numpy as np; d = {}; [d.update(np.load(p)) for p in sys.argv[2:]]; np.savez_compressed(sys.argv[1], **d)"
    subprocess.check_call([python_of("caffe"), "-c", join, os.path.join(HERE, "mtcnn_peers.npz"), *parts])


if __name__ == "__main__":
    main()
