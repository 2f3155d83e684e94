"""The published implementations of the cascade, each run in an environment that has its packages
(tests/peers/mtcnn_peers.py makes them): a function for each
gives a function from a picture, (height, width, 3) bytes, to boxes (n, 4), scores (n) and landmarks
(n, 10: the x, then the y), nothing rounded."""
import os
import sys

import numpy as np

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

PACKAGES = {
    "ipazc-0.1":
    [["mtcnn==0.1.1", "tensorflow-cpu", "opencv-python-headless", "pillow", "setuptools<66"]],
    "mtcnn-1.0": [["mtcnn==1.0.0", "tensorflow-cpu", "pillow", "lz4", "joblib", "cloudpickle"]],
    # Its own list of requirements asks for a build of PyTorch for CUDA.
    "facenet-pytorch": [["torch==2.13.0", "numpy", "pillow", "requests", "tqdm"],
                        ["--no-deps", "facenet-pytorch==2.6.0"]],
    "caffe": [["numpy", "pillow"]],
}


def sort_stably():
    """NumPy leaves open in which order equal scores come (and scores of exactly 1 are common), so
    that a package that sorts with it finds another box on
    another processor. Here the order is that of the list, which is one of those that the package
    may have."""
    unstable = np.argsort
    np.argsort = lambda array, *rest, **options: unstable(array, *rest, **{
        **options, "kind": "stable"
    })


# ---- mtcnn 0.1.1
# --------------------------------------------------------------------------------------------------


def detect_and_count(detector, image):
    """detect_faces() without its last rounding: boxes, scores, landmarks, and how many boxes left
    each stage."""
    height, width, _ = image.shape
    m = 12 / detector._min_face_size
    private = lambda name: getattr(detector, "_MTCNN__" + name)
    scales = private("compute_scale_pyramid")(m, np.amin([height, width]) * m)
    status = sys.modules["mtcnn.mtcnn"].StageStatus(width=width, height=height)
    boxes, status = private("stage1")(image, scales, status)
    counts = [len(scales), len(boxes)]
    boxes, status = private("stage2")(image, boxes, status)
    counts.append(len(boxes))
    boxes, points = private("stage3")(image, boxes, status)
    counts.append(len(boxes))
    if not len(boxes):
        return np.zeros((0, 4)), np.zeros(0), np.zeros((0, 10)), counts
    return boxes[:, :4], boxes[:, 4], np.asarray(points).T, counts


def ipazc_0_1():
    import keras
    from mtcnn import MTCNN

    keras.utils.disable_interactive_logging()  # no progress bar a crop
    sort_stably()
    detector = MTCNN()
    return lambda image: detect_and_count(detector, image)[:3]


# ---- mtcnn 1.0
# --------------------------------------------------------------------------------------------------


def mtcnn_1_0():
    from mtcnn import MTCNN

    sort_stably()
    detector = MTCNN()

    def detect(image):
        found = detector.detect_faces(image, box_format="xyxy", output_type="numpy",
                                      postprocess=False)
        return found[:, 1:5], found[:, 5], found[:, 6:16]

    return detect


# ---- facenet-pytorch
# --------------------------------------------------------------------------------------------------


def stand_in_for_torchvision():
    """The one function that is taken from torchvision, which is built for CUDA and does not load
    without it."""
    import types

    import torch

    def batched_nms(boxes, scores, idxs, threshold):
        """Greedy suppression by falling score; sides are x2 - x1; boxes of different idxs (here
        there is one) don't meet."""
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

    names = [
        "torchvision", "torchvision.transforms", "torchvision.transforms.functional",
        "torchvision.ops", "torchvision.ops.boxes"
    ]
    for name in names:
        sys.modules[name] = types.ModuleType(name)
    sys.modules["torchvision.transforms"].functional = sys.modules[
        "torchvision.transforms.functional"]
    sys.modules["torchvision.ops.boxes"].batched_nms = batched_nms


def facenet_pytorch():
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError):
        for name in [n for n in sys.modules if n.startswith("torchvision")]:
            del sys.modules[name]
        stand_in_for_torchvision()
    import torch
    from facenet_pytorch.models.mtcnn import MTCNN
    from facenet_pytorch.models.utils.detect_face import detect_face

    m = MTCNN()

    def detect(image):
        with torch.no_grad():
            boxes, points = detect_face(image, 20, m.pnet, m.rnet, m.onet, m.thresholds, m.factor,
                                        m.device)
        boxes = np.asarray(boxes[0], np.float64).reshape(-1, 5)
        points = np.asarray(points[0], np.float64).reshape(-1, 5, 2)
        return boxes[:, :4], boxes[:, 4], points.transpose(0, 2, 1).reshape(-1, 10)

    return detect


# ---- the authors' own
# --------------------------------------------------------------------------------------------------


def caffe():
    import mtcnn_matlab

    return mtcnn_matlab.detector()


def implementation(name):
    return {
        "ipazc-0.1": ipazc_0_1,
        "mtcnn-1.0": mtcnn_1_0,
        "facenet-pytorch": facenet_pytorch,
        "caffe": caffe
    }[name]()
