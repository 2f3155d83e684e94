"""facenet-pytorch's MTCNN, whole detections. Its one need of torchvision that matters is nms; where
torchvision's compiled part does not load (a build for another PyTorch), OpenCV's
stands in for it."""
import sys
import types

import cv2
import numpy as np
import torch


def nms(boxes, scores, limit):
    rects = torch.cat([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], 1).double().numpy()
    return torch.as_tensor(
        np.asarray(cv2.dnn.NMSBoxes(rects,
                                    scores.float().numpy(), 0.0, limit)).ravel().astype(np.int64))


def batched_nms(boxes, scores, groups, limit):
    if not len(boxes):
        return torch.zeros(0, dtype=torch.int64)
    apart = groups.to(boxes) * (boxes.max() + 1)
    return nms(boxes + apart[:, None], scores, limit)


def stand_in():
    names = [
        "torchvision", "torchvision.transforms", "torchvision.transforms.functional",
        "torchvision.ops", "torchvision.ops.boxes", "torchvision.datasets",
        "torchvision.datasets.utils"
    ]
    modules = {n: types.ModuleType(n) for n in names}
    for name, module in modules.items():
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(modules[parent], child, module)
    modules["torchvision.ops.boxes"].batched_nms = batched_nms
    sys.modules.update(modules)


try:
    import torchvision  # noqa: F401
except Exception:
    for name in [n for n in sys.modules if n.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    stand_in()

from facenet_pytorch.models.mtcnn import MTCNN

import cascade


def variants(peer, work, threads, folder, tune):
    torch.set_num_threads(threads)

    def make():
        photo = cascade.photo(folder)
        detector = MTCNN(keep_all=True, min_face_size=20, device="cpu")

        def run():
            boxes, scores = detector.detect(photo)
            return np.column_stack([boxes, scores]).astype(float)

        return run, run

    yield "its own pipeline", make
