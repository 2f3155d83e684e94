"""Faces: detect and crop."""
import ctypes as C
import os
import threading
from dataclasses import dataclass
from typing import Any, List, Optional, Tuple

import numpy as np

from ._errors import ShapeError, check
from ._lib import (ENV, CFace, CropOptions, DetectorOptions, DetectorStats, Handle, Image, Point,
                   checked, mtcnn, path_bytes)

_FORMATS = {("rgb", 3): 0, ("bgr", 3): 1, ("rgb", 4): 2, ("bgr", 4): 3}
MODES = ("stretch", "square", "aligned")
FILTERS = ("bicubic", "bilinear", "area", "bicubic-x-first")


@dataclass(frozen=True)
class Face:
    """box: x, y, width, height, clipped to the picture. corners: x1, y1, x2, y2 as computed.
    landmarks: (5,2) left eye, right eye, nose, left and right corner of the mouth."""

    box: Tuple[int, int, int, int]
    score: float
    corners: Tuple[float, float, float, float]
    landmarks: np.ndarray

    @classmethod
    def _of(cls, face: CFace) -> "Face":
        return cls(tuple(face.box), face.score, (face.x1, face.y1, face.x2, face.y2),
                   np.array([[p.x, p.y] for p in face.landmarks], np.float32))

    def _to_c(self) -> CFace:
        points = (Point * 5)(*(Point(float(x), float(y)) for x, y in self.landmarks))
        return CFace(*self.corners, (C.c_int * 4)(*self.box), self.score, points)


class _Picture:
    """A borrowed picture: rows may have gaps, pixels may not."""

    def __init__(self, picture: Any, order: str) -> None:
        data = np.asarray(picture)
        if data.dtype != np.uint8:
            raise TypeError(f"the picture has the type {data.dtype}: expected uint8")
        if data.ndim == 2:
            kind, channels = 4, 1
        elif data.ndim == 3 and (order, data.shape[2]) in _FORMATS:
            kind, channels = _FORMATS[order, data.shape[2]], data.shape[2]
        elif order not in ("rgb", "bgr"):
            raise ValueError(f"order={order!r}: expected 'rgb' or 'bgr'")
        else:
            raise ShapeError(f"the picture has the shape {data.shape}: expected (height, width), "
                             "(height, width, 3) or (height, width, 4)")
        height, width = data.shape[:2]
        pixels = (channels,) if data.ndim == 2 else (channels, 1)
        if data.strides[1:] != pixels or data.strides[0] < width * channels:
            data = np.ascontiguousarray(data)
        self.data = data
        self.image = Image(data.ctypes.data, width, height, data.strides[0], kind)


class _Weights(Handle):
    _free = mtcnn.mtcnn_weights_free

    def __init__(self, path: Any) -> None:
        super().__init__()
        out = C.c_void_p()
        checked(mtcnn.mtcnn_weights_load, C.byref(ENV), path_bytes(path), C.byref(out))
        self._own(out.value)


class Detector(Handle):
    """Finds faces. Calls from several threads wait for each other: copy() shares the weights.

    weights: the file that skin-import wrote; None: $SKIN_WEIGHTS. profile: whose results to
    reproduce, "ipazc-0.1", "mtcnn-1.0", "facenet-pytorch" or "caffe". options: those of
    mtcnn_options: min_face, threshold=(a, b, c), max_side, num_threads, ...
    """

    _free = mtcnn.mtcnn_detector_free

    def __init__(self, weights: Any = None, profile: str = "ipazc-0.1", **options: Any) -> None:
        self._lock = threading.Lock()
        if weights is None:
            weights = os.environ.get("SKIN_WEIGHTS")
            if not weights:
                raise ValueError("no weights: name the file, or set SKIN_WEIGHTS")
        self._weights = weights if isinstance(weights, _Weights) else _Weights(weights)
        super().__init__(self._weights)
        self._settings = DetectorOptions()
        check(mtcnn.mtcnn_options_profile(C.byref(self._settings), profile.encode()),
              f"profile={profile!r}: there is no such profile")
        names = [name for name, _ in DetectorOptions._fields_ if name != "profile"]
        for name, value in options.items():
            if name not in names:
                raise TypeError(f"Detector has no option {name!r}: expected {', '.join(names)}")
            if name == "threshold":
                value = (C.c_double * 3)(*value)
            setattr(self._settings, name, value)
        self._create()

    def _create(self) -> None:
        out = C.c_void_p()
        checked(mtcnn.mtcnn_detector_create, C.byref(ENV), self._weights.pointer,
                C.byref(self._settings), C.byref(out))
        self._own(out.value)

    def copy(self) -> "Detector":
        """Another detector with the same options, which shares the weights: for another thread."""
        other = Detector.__new__(Detector)
        Handle.__init__(other, self._weights)
        other._lock, other._weights = threading.Lock(), self._weights
        other._settings = DetectorOptions.from_buffer_copy(self._settings)
        other._create()
        return other

    def _check(self, status: int) -> None:
        check(status, mtcnn.mtcnn_detector_error(self.pointer).decode() if status else "")

    def detect(self, picture: Any, order: str = "rgb") -> List[Face]:
        """The faces of a picture (H,W,3), (H,W,4) or (H,W) uint8, by falling score. order: "bgr"
        for
        pictures of OpenCV."""
        borrowed = _Picture(picture, order)
        faces, count = C.POINTER(CFace)(), C.c_size_t()
        with self._lock:
            self._check(mtcnn.mtcnn_detect(self.pointer, C.byref(borrowed.image), C.byref(faces),
                                           C.byref(count)))
            return [Face._of(faces[i]) for i in range(count.value)]

    @property
    def stats(self) -> DetectorStats:
        """What the last detection did: levels, cells, proposed, refined, found, rotation."""
        with self._lock:
            return mtcnn.mtcnn_detector_stats(self.pointer)

    def crop(self, picture: Any, face: Face, size: int = 160, *, mode: str = "stretch",
             filter: str = "bicubic", margin: float = 0.0, rotation: int = 0, order: str = "rgb",
             out: Optional[np.ndarray] = None) -> np.ndarray:
        """Cuts a face out of the picture: (size, size, 3) uint8, RGB. mode: stretch, square or
        aligned. filter: bicubic, bilinear, area or bicubic-x-first."""
        for what, value, names in (("mode", mode, MODES), ("filter", filter, FILTERS)):
            if value not in names:
                raise ValueError(f"{what}={value!r}: expected one of {', '.join(names)}")
        if out is None:
            out = np.empty((size, size, 3), np.uint8)
        elif out.shape != (size, size, 3) or out.dtype != np.uint8 or not out.flags.c_contiguous \
                or not out.flags.writeable:
            raise ShapeError(f"out must be a writeable array ({size}, {size}, 3) of uint8")
        options = CropOptions()
        mtcnn.mtcnn_crop_defaults(C.byref(options))
        options.mode, options.filter = MODES.index(mode), FILTERS.index(filter)
        options.size, options.margin, options.rotation = size, margin, rotation
        borrowed = _Picture(picture, order)
        with self._lock:
            self._check(mtcnn.mtcnn_crop_face(self.pointer, C.byref(borrowed.image),
                                              C.byref(face._to_c()), C.byref(options),
                                              out.ctypes.data))
        return out
