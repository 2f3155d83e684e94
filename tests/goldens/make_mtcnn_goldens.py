#!/usr/bin/env python3
"""Makes tests/goldens/mtcnn_*.npz with the real packages: mtcnn 0.1.1 (on TensorFlow),
opencv-python, Pillow.

    tests/goldens/make_mtcnn_goldens.py            in an environment of its own, build/venv-mtcnn
    VENV=/some/venv tests/goldens/make_mtcnn_goldens.py

The pictures are those of Debian's python3-skimage and a hash, changed by recipes that
tests/help/mtcnn_pictures.c knows too.
"""
import os
import sys
import zlib

import environment

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

environment.enter(
    "mtcnn",
    ["mtcnn==0.1.1", "tensorflow-cpu", "opencv-python-headless", "pillow", "setuptools<66"])
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import cv2  # noqa: E402
import numpy as np  # noqa: E402
from mtcnn import MTCNN  # noqa: E402
from PIL import Image  # noqa: E402

from mtcnn_implementations import detect_and_count  # noqa: E402
from mtcnn_pictures import PICTURES, hashed, photo  # noqa: E402


# name of the case: (picture, min face, factor, thresholds)
DEFAULT = (20, 0.709, [0.6, 0.7, 0.7])
CASES = {name: (name, *DEFAULT) for name in PICTURES}
CASES["astronaut_min40"] = ("astronaut", 40, 0.709, [0.6, 0.7, 0.7])
CASES["astronaut_half_steps"] = ("astronaut", 20, 0.5, [0.6, 0.7, 0.7])
CASES["grid_strict"] = ("grid", 20, 0.709, [0.8, 0.9, 0.95])
# the first level is larger than the picture
CASES["half_min9"] = ("half", 9, 0.709, [0.6, 0.7, 0.7])


# ---- the cascade
# --------------------------------------------------------------------------------------------------


def make_pictures():
    out = {}
    for name, (picture, min_face, factor, thresholds) in CASES.items():
        detector = MTCNN(min_face_size=min_face, scale_factor=factor, steps_threshold=thresholds)
        image = np.ascontiguousarray(PICTURES[picture]())
        boxes, scores, points, counts = detect_and_count(detector, image)
        rounded = [f["box"] for f in detector.detect_faces(image)]
        print(name, image.shape, counts, np.round(scores, 4))
        out[name + "/options"] = np.array([min_face, factor, *thresholds])
        out[name + "/size"] = np.array(image.shape[:2], np.int32)
        out[name + "/counts"] = np.array(counts, np.int32)
        out[name + "/box"] = boxes.astype(np.float64)
        out[name + "/score"] = scores.astype(np.float32)
        out[name + "/landmarks"] = points.astype(np.float32)
        out[name + "/rounded"] = np.array(rounded, np.int32).reshape(-1, 4)
    np.savez_compressed(os.path.join(ROOT, "tests/goldens/mtcnn_pictures.npz"), **out)


# ---- the networks alone
# --------------------------------------------------------------------------------------------------


def make_nets():
    detector = MTCNN()
    normal = lambda a: ((a.astype(np.float64) - 127.5) * 0.0078125).astype(np.float32)
    upright = lambda a: a.transpose(0, 2, 1, 3)
    out = {}
    for height, width in [(12, 12), (13, 31), (46, 75)]:
        image = hashed(height, width, width)
        box, prob = detector._pnet.predict(upright(normal(image)[None]), verbose=0)
        out[f"pnet_{height}x{width}/box"] = upright(box)[0]
        out[f"pnet_{height}x{width}/prob"] = upright(prob)[0, :, :, 1]
    crops = normal(hashed(24 * 5, 24, 1)).reshape(5, 24, 24, 3)
    box, prob = detector._rnet.predict(upright(crops), verbose=0)
    out["rnet/box"], out["rnet/prob"] = box, prob[:, 1]
    face = cv2.resize(
        photo("astronaut.png")[60:174, 180:268], (48, 48), interpolation=cv2.INTER_AREA)
    crops = normal(np.concatenate([hashed(48 * 3, 48, 2), face])).reshape(4, 48, 48, 3)
    box, points, prob = detector._onet.predict(upright(crops), verbose=0)
    out["onet/box"], out["onet/landmarks"], out["onet/prob"] = box, points, prob[:, 1]
    np.savez_compressed(os.path.join(ROOT, "tests/goldens/mtcnn_nets.npz"), **out)


# ---- resizing
# --------------------------------------------------------------------------------------------------


def size_pairs(count):
    """Width, height, new width, new height: any, whole ratios, one side as it is, growing, levels
    of a pyramid."""
    rng = np.random.default_rng(7)
    pick = lambda low, high: int(rng.integers(low, high + 1))
    for i in range(count):
        w, h, kind = pick(1, 130), pick(1, 130), i % 6
        if kind == 0:
            yield w, h, pick(1, w), pick(1, h)
        elif kind == 1:
            a, b, nw, nh = pick(1, 5), pick(1, 5), pick(1, 40), pick(1, 40)
            yield nw * a, nh * (a if i % 4 else b), nw, nh
        elif kind == 2:
            yield w, h, w, pick(1, 2 * h)
        elif kind == 3:
            yield w, h, pick(w, 3 * w), pick(h, 3 * h)
        elif kind == 4:
            scale = 0.6 * 0.709 ** pick(0, 5)
            yield w, h, int(np.ceil(w * scale)), int(np.ceil(h * scale))
        else:
            yield w, h, pick(1, 160), pick(1, 160)


def crc(a):
    return zlib.crc32(np.ascontiguousarray(a).tobytes())


def pattern(width, height, i):
    """Every third picture has few grey levels, so that sums end in ties."""
    image = hashed(height, width, i)
    return image & 0xC0 if i % 3 == 0 else image


def make_resizes():
    pairs = list(size_pairs(600))
    area, linear, bicubic, x_first = [], [], [], []
    for i, (w, h, nw, nh) in enumerate(pairs):
        image = pattern(w, h, i)
        area.append(crc(cv2.resize(image, (nw, nh), interpolation=cv2.INTER_AREA)))
        linear.append(crc(cv2.resize(image, (nw, nh), interpolation=cv2.INTER_LINEAR)))
        bicubic.append(crc(np.array(Image.fromarray(image).resize((nw, nw), Image.BICUBIC))))
        x_first.append(
            crc(
                np.array(
                    Image.fromarray(image).resize((nw, h), Image.BICUBIC).resize((nw, nw),
                                                                                 Image.BICUBIC))))
    out = {
        "pairs": np.array(pairs, np.int32),
        "area": np.array(area, np.uint32),
        "linear": np.array(linear, np.uint32),
        "bicubic": np.array(bicubic, np.uint32),  # to new width x new width
        # what Pillow 12 gives: its passes one by one
        "bicubic_x_first": np.array(x_first, np.uint32),
    }
    # Windows as mtcnn 0.1.1 cuts them, some partly outside: box, side, and every fifth value of the
    # crop.
    image = hashed(90, 110, 3)
    boxes = np.array([[5, 7, 28, 30], [10, 10, 33, 33], [-6, -9, 40, 37], [80, 60, 139, 119],
                      [30, 20, 40, 30], [3, 4, 50, 51], [-40, 20, 160, 220], [1, 1, 110, 90],
                      [20, 20, 67, 67], [50, -30, 120, 40]], np.float64)
    private = lambda name: getattr(MTCNN, "_MTCNN__" + name)
    dy, edy, dx, edx, y, ey, x, ex, tmpw, tmph = private("pad")(boxes, 110, 90)
    for side in (24, 48):
        crops = []
        for k in range(len(boxes)):
            tmp = np.zeros((tmph[k], tmpw[k], 3))
            tmp[dy[k] - 1 : edy[k], dx[k] - 1 : edx[k]] = image[y[k] - 1 : ey[k], x[k] - 1 : ex[k]]
            crop = (cv2.resize(tmp, (side, side), interpolation=cv2.INTER_AREA) - 127.5) * 0.0078125
            crops.append(crop.astype(np.float32).reshape(-1)[::5])
        out[f"crops{side}"] = np.array(crops)
    out["boxes"] = boxes.astype(np.int32)
    np.savez_compressed(os.path.join(ROOT, "tests/goldens/mtcnn_resize.npz"), **out)


if __name__ == "__main__":
    for part in sys.argv[1:] or ["resizes", "nets", "pictures"]:
        {"resizes": make_resizes, "nets": make_nets, "pictures": make_pictures}[part]()
