"""Copies of face crops that are no photos of the kind that a model knows.   variants.py FACES DATA
OUT
The people of DATA's test part, as OUT/faces_NAME/<id>.npz for each NAME below; as_they_are is
unchanged."""
import json, os, sys
import numpy as np
from scipy import ndimage
from skimage import data

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def grey_of(p):
    return np.repeat((p.astype(np.float32) @ LUMA)[..., None], 3, -1)


def bytes_of(p):
    return np.clip(np.rint(p), 0, 255).astype(np.uint8)


def drawing(p):
    """Pencil: dark edges on white paper."""
    g = grey_of(p)[..., 0]
    edges = np.stack([np.hypot(ndimage.sobel(f, 0), ndimage.sobel(f, 1)) for f in g])
    return bytes_of(np.repeat((255 - 1.5 * edges)[..., None], 3, -1))


def mask(p):
    """A surgical mask over nose, mouth and chin."""
    q, n = p.copy(), p.shape[1]
    q[:, int(0.57 * n):int(0.94 * n), int(0.15 * n):int(0.85 * n)] = (150, 190, 215)
    return q


def sunglasses(p):
    q, n = p.copy(), p.shape[1]
    q[:, int(0.3 * n):int(0.5 * n), int(0.12 * n):int(0.88 * n)] = (18, 18, 22)
    return q


def as_picture(p, picture):
    """Another subject, a little different in each frame."""
    n = p.shape[1]
    c = ndimage.zoom(picture.astype(np.float32), (n / picture.shape[0], n / picture.shape[1], 1),
                     order=1)
    return np.stack([
        bytes_of(np.roll(c, round(3 * np.sin(t)), 1) * (1 + 0.04 * np.cos(2 * t)))
        for t in range(len(p))
    ])


def cat(p):
    return as_picture(p, data.chelsea()[20:280, 100:360])


def real_woman(p):
    """Real people are not what a model of rendered faces knows."""
    return as_picture(p, data.astronaut()[20:210, 130:320])


def camera(p):
    """Another sensor's colours and curve, sharpening, warmer light."""
    f = (p.astype(np.float32) / 255) ** 1.25
    f = f @ np.array([[1.25, -0.2, -0.05], [-0.1, 1.15, -0.05], [0, -0.3, 1.3]], np.float32).T
    f += 0.8 * (f - ndimage.gaussian_filter(f, (0, 2, 2, 0)))
    return bytes_of(255 * f * np.array([1.08, 1, 0.85], np.float32))


def vivid(p):
    g = grey_of(p)
    return bytes_of(g + 2.2 * (p - g))


VARIANTS = {
    "as_they_are":
    lambda p: p,
    "drawing":
    drawing,
    "mask":
    mask,
    "sunglasses":
    sunglasses,
    "cat":
    cat,
    "real_woman":
    real_woman,
    "camera":
    camera,
    "vivid":
    vivid,
    "warm":
    lambda p: bytes_of(p * np.array([1.15, 1, 0.7])),
    "sepia":
    lambda p: bytes_of(grey_of(p) * np.array([1.1, 0.9, 0.65])),
    "grey":
    lambda p: bytes_of(grey_of(p)),
    "beauty":
    lambda p: bytes_of(
        ndimage.gaussian_filter(p.astype(np.float32), (0, p.shape[1] / 40, p.shape[1] / 40, 0))),
    "negative":
    lambda p: 255 - p,
    "noise":
    lambda p: bytes_of(p + np.random.default_rng(0).normal(0, 40, p.shape)),
    "upside_down":
    lambda p: p[:, ::-1],
}


def main():
    faces, folder, out = sys.argv[1:]
    for name, change in VARIANTS.items():
        os.makedirs(f"{out}/faces_{name}")
        for who in json.load(open(folder + "/partition.json"))["test"]:
            if not os.path.exists(f"{faces}/{who}.npz"):
                continue
            arrays = dict(np.load(f"{faces}/{who}.npz"))
            valid = np.flatnonzero(arrays["mask"])
            arrays["img"][valid] = change(arrays["img"][valid])
            np.savez(f"{out}/faces_{name}/{who}.npz", **arrays)


main()
