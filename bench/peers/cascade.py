"""MTCNN's cascade in NumPy and OpenCV, for networks of any library: pyramid, boxes, suppression and
crops vectorised, all crops of a stage in one batch."""
import os

import cv2
import numpy as np


def photo(folder):
    return cv2.imread(os.path.join(folder, "photo.png"))[:, :, ::-1].copy()


def suppress(boxes, scores, limit, smallest=False):
    """Greedy, best first; overlap relative to the union, or to the smaller box. Indices of those
    kept."""
    x1, y1, x2, y2 = boxes[:, :4].T
    area = (x2 - x1 + 1) * (y2 - y1 + 1)
    order, kept = np.argsort(-scores, kind="stable"), []
    while order.size:
        i, order = order[0], order[1:]
        kept.append(i)
        w = np.minimum(x2[i], x2[order]) - np.maximum(x1[i], x1[order]) + 1
        h = np.minimum(y2[i], y2[order]) - np.maximum(y1[i], y1[order]) + 1
        both = np.maximum(w, 0) * np.maximum(h, 0)
        whole = np.minimum(area[i], area[order]) if smallest else area[i] + area[order] - both
        order = order[both <= limit * whole]
    return np.array(kept, int)


def fast_suppress(boxes, scores, limit):
    """The same by OpenCV, for hundreds of boxes."""
    if not len(boxes):
        return np.zeros(0, int)
    rects = np.column_stack(
        [boxes[:, 0], boxes[:, 1], boxes[:, 2] - boxes[:, 0] + 1,
         boxes[:, 3] - boxes[:, 1] + 1]).astype(np.float64)
    return np.asarray(cv2.dnn.NMSBoxes(rects, scores.astype(np.float32), 0.0, limit), int).ravel()


def squared(boxes):
    w, h = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    side = np.maximum(w, h)
    x, y = boxes[:, 0] + (w - side) / 2, boxes[:, 1] + (h - side) / 2
    return np.column_stack([x, y, x + side, y + side])


def moved(boxes, offsets):
    w, h = (boxes[:, 2] - boxes[:, 0] + 1)[:, None], (boxes[:, 3] - boxes[:, 1] + 1)[:, None]
    return boxes[:, :4] + offsets * np.hstack([w, h, w, h])


def scales(height, width, min_face):
    scale, least = 12.0 / min_face, min(height, width) * 12.0 / min_face
    while least >= 12:
        yield scale
        scale, least = scale * 0.709, least * 0.709


def level(image, scale):
    size = (int(np.ceil(image.shape[1] * scale)), int(np.ceil(image.shape[0] * scale)))
    return cv2.dnn.blobFromImage(cv2.resize(image, size, interpolation=cv2.INTER_AREA), 1 / 128,
                                 size, (127.5, ) * 3)


def crops(image, boxes, side):
    h, w = image.shape[:2]
    cut = []
    for x1, y1, x2, y2 in boxes.astype(int):
        a, b, c, d = max(x1, 0), max(y1, 0), min(x2 + 1, w), min(y2 + 1, h)
        part = image[b:d, a:c]
        if (a, b, c, d) != (x1, y1, x2 + 1, y2 + 1):
            part = cv2.copyMakeBorder(part, b - y1, y2 + 1 - d, a - x1, x2 + 1 - c,
                                      cv2.BORDER_CONSTANT)
        cut.append(cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA))
    return cv2.dnn.blobFromImages(cut, 1 / 128, (side, side), (127.5,) * 3)


def propose(nets, image, min_face):
    factors = list(scales(*image.shape[:2], min_face))
    boxes, scores = [], []
    for scale, (prob, box) in zip(factors, nets.levels([level(image, s) for s in factors])):
        y, x = np.nonzero(prob[0] >= 0.6)
        corner = np.column_stack([x, y, x, y]) * 2.0
        cell = np.round((corner + [0, 0, 12, 12]) / scale)
        score = prob[0, y, x]
        keep = fast_suppress(cell, score, 0.5)
        side = (cell[keep, 2:4] - cell[keep, :2])
        boxes.append(cell[keep] + box[0, :, y[keep], x[keep]] * np.hstack([side, side]))
        scores.append(score[keep])
    boxes, scores = np.concatenate(boxes), np.concatenate(scores)
    keep = fast_suppress(boxes, scores, 0.7)
    return boxes[keep]


def detect(nets, image, min_face):
    """Faces as rows x1, y1, x2, y2, score."""
    boxes = squared(propose(nets, image, min_face))
    for net, side in (("rnet", 24), ("onet", 48)):
        if not len(boxes):
            return np.zeros((0, 5))
        boxes = np.round(boxes)
        prob, offsets = nets.run(net, crops(image, boxes, side))
        keep = prob > 0.7
        boxes, scores, offsets = boxes[keep], prob[keep], offsets[keep]
        if net == "rnet":
            keep = fast_suppress(boxes, scores, 0.7)
            boxes = squared(moved(boxes[keep], offsets[keep]))
    boxes = moved(boxes, offsets)
    keep = suppress(boxes, scores, 0.7, smallest=True)
    return np.column_stack([boxes[keep], scores[keep]])
