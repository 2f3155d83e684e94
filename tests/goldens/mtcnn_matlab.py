"""The detector of Zhang et al. as their MATLAB code for Caffe runs it, in NumPy: a transcription of
detect_face.m (of MTCNNv2, without the fourth network)
and of imResample (Piotr's toolbox), with the networks by definition in double precision. The code
itself needs MATLAB and Caffe. Written apart from the
C code."""
import os
import sys

import numpy as np


def resample_matrix(ha, hb):
    """imResample's weights for one side, ha -> hb, as a matrix (hb, ha)."""
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
    rows, columns = resample_matrix(image.shape[0], height), resample_matrix(image.shape[1], width)
    return np.einsum("ab,bcd,ec->aed", rows, image, columns, optimize=True)


class Nets:
    """The three networks by definition, in double precision, on transposed pictures (n, width,
    height, channels), as they were trained."""

    def __init__(self):
        path = os.environ.get("MTCNN_WEIGHTS")
        if not path:
            sys.exit(
                "set MTCNN_WEIGHTS to mtcnn/data/mtcnn_weights.npy of the Python package mtcnn "
                "0.1.1"
            )
        w = np.load(path, allow_pickle=True).tolist()
        self.w = {k: [np.asarray(a, np.float64) for a in v] for k, v in w.items()}

    @staticmethod
    def conv(x, kernel, bias, slope=None):
        kh, kw = kernel.shape[:2]
        v = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), (1, 2))
        y = np.einsum("nhwcij,ijck->nhwk", v, kernel, optimize=True) + bias
        return y if slope is None else np.where(y > 0, y, y * slope.reshape(-1))

    @staticmethod
    def pool(x, side):
        """Rounding up, as Caffe does: a last window may be cut."""
        n = [-(-(s - side) // 2) + 1 for s in x.shape[1:3]]
        pad = [(n[i] - 1) * 2 + side - x.shape[1 + i] for i in range(2)]
        x = np.pad(x, ((0, 0), (0, pad[0]), (0, pad[1]), (0, 0)), constant_values=-np.inf)
        return np.lib.stride_tricks.sliding_window_view(x, (side, side), (1, 2))[:, ::2, ::2].max(
            (-1, -2))

    @staticmethod
    def softmax(x):
        e = np.exp(x - x.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    def pnet(self, x):
        w = self.w["pnet"]
        x = self.pool(self.conv(x, *w[0:3]), 2)
        x = self.conv(self.conv(x, *w[3:6]), *w[6:9])
        return self.softmax(self.conv(x, *w[9:11])), self.conv(x, *w[11:13])

    def dense(self, x, kernel, bias, slope=None):
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
        return self.softmax(self.dense(x,
                                       *w[15:17])), self.dense(x,
                                                               *w[17:19]), self.dense(x, *w[19:21])


def nms(boxes, threshold, smaller=False):
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
    w, h = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    side = np.maximum(w, h)
    x, y = boxes[:, 0] + w * 0.5 - side * 0.5, boxes[:, 1] + h * 0.5 - side * 0.5
    return np.stack([x, y, x + side, y + side], 1)


def offset(boxes, reg, extra):
    w, h = boxes[:, 2] - boxes[:, 0] + extra, boxes[:, 3] - boxes[:, 1] + extra
    return boxes[:, :4] + reg * np.stack([w, h, w, h], 1)


def cut_out(image, boxes, side):
    crops = []
    for x1, y1, x2, y2 in boxes.astype(int):
        part = np.zeros((y2 - y1 + 1, x2 - x1 + 1, 3))
        ya, yb, xa, xb = max(y1 - 1, 0), min(y2, image.shape[0]), max(x1 - 1,
                                                                      0), min(x2, image.shape[1])
        if yb > ya and xb > xa:
            part[ya - y1 + 1 : yb - y1 + 1, xa - x1 + 1 : xb - x1 + 1] = image[ya:yb, xa:xb]
        crops.append((resample(part, side, side) - 127.5) * 0.0078125)
    return np.array(crops).transpose(0, 2, 1, 3)


def cells(prob, reg, scale):
    """generateBoundingBox. MATLAB counts the elements of a matrix by columns; the matrix here is
    (width, height): x runs first. When there is one
    cell, the code transposes the offsets but not the number of the cell."""
    width, height = prob.shape
    y, x = np.nonzero(prob.T >= 0.6)
    take_x, take_y = x, y
    if len(x) == 1:
        number = x[0] + y[0] * width
        take_x, take_y = np.array([number // height]), np.array([number % height])
    corner = np.stack([x, y, x, y], 1) * 2 + np.array([1, 1, 12, 12])
    return np.hstack([np.fix(corner / scale), prob[x, y][:, None], reg[take_x, take_y]])


def detector():
    """A function from a picture to boxes, scores and landmarks."""
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
            level = (resample(image, int(np.ceil(height * scale)), int(np.ceil(width * scale))) -
                     127.5) * 0.0078125
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
        points = np.hstack(
            [w * points[:, :5] + boxes[:, 0:1] - 1, h * points[:, 5:] + boxes[:, 1:2] - 1])
        boxes = np.hstack([offset(boxes, reg, 1), score])
        pick = nms(boxes, 0.7, smaller=True)
        return boxes[pick, :4], boxes[pick, 4], points[pick]

    return detect
