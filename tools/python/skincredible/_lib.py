"""The shared libraries and the types of their headers."""
import ctypes as C
import logging
import os
import threading
from typing import Any, Dict, Mapping, Optional

import numpy as np

from . import _bundled
from ._errors import check

_log = logging.getLogger("skincredible")
_log.addHandler(logging.NullHandler())
_LEVELS = (logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG)

MAX_DIMS = 8
DTYPES = [np.dtype(name) if name else None
          for name in ("<f4", "<f8", "<f2", None, "u1", "i1", "<u2", "<i2", "<u4", "<i4", "<u8",
                       "<i8", "?")]


class Error(C.Structure):
    _fields_ = [("status", C.c_int), ("text", C.c_char * 400)]


class Array(C.Structure):
    _fields_ = [("name", C.c_char_p), ("dtype", C.c_int), ("ndim", C.c_int),
                ("shape", C.c_size_t * MAX_DIMS), ("count", C.c_size_t), ("data", C.c_void_p)]


class Image(C.Structure):
    _fields_ = [("data", C.c_void_p), ("width", C.c_size_t), ("height", C.c_size_t),
                ("stride", C.c_size_t), ("format", C.c_int)]


class Allocator(C.Structure):
    _fields_ = [("alloc", C.c_void_p), ("release", C.c_void_p), ("ctx", C.c_void_p)]


LogFunction = C.CFUNCTYPE(None, C.c_void_p, C.c_int, C.c_char_p)


class Env(C.Structure):
    _fields_ = [("allocator", Allocator), ("log", LogFunction), ("log_ctx", C.c_void_p)]


class ModelInfo(C.Structure):
    _fields_ = [("height", C.c_size_t), ("width", C.c_size_t), ("channels", C.c_size_t),
                ("outputs", C.c_size_t), ("any_size", C.c_int), ("parameters", C.c_size_t),
                ("layers", C.c_size_t), ("output_dims", C.c_int), ("frames", C.c_size_t),
                ("output_count", C.c_size_t)]


class CInput(C.Structure):
    _fields_ = [("name", C.c_char_p), ("dims", C.c_int), ("height", C.c_size_t),
                ("width", C.c_size_t), ("channels", C.c_size_t), ("floats", C.c_size_t),
                ("before", C.c_size_t)]


class COutput(C.Structure):
    _fields_ = [("name", C.c_char_p), ("dims", C.c_int), ("masked", C.c_int),
                ("shape", C.c_size_t * 4), ("floats", C.c_size_t), ("before", C.c_size_t)]


class SessionOptions(C.Structure):
    _fields_ = [("num_threads", C.c_int), ("bf16", C.c_int)]


class Batch(C.Structure):
    _fields_ = [("img", C.c_void_p), ("mask", C.c_void_p), ("batch", C.c_size_t),
                ("frames", C.c_size_t), ("height", C.c_size_t), ("width", C.c_size_t),
                ("initial_state", C.c_void_p)]


class Rate(C.Structure):
    _fields_ = [("name", C.c_char_p), ("factor", C.c_double)]


class OutputLoss(C.Structure):
    _fields_ = [("name", C.c_char_p), ("loss", C.c_int), ("weight", C.c_double)]


class TrainerOptions(C.Structure):
    _fields_ = [("num_threads", C.c_int), ("loss", C.c_int), ("optimizer", C.c_int),
                ("learning_rate", C.c_double), ("momentum", C.c_double), ("nesterov", C.c_int),
                ("beta1", C.c_double), ("beta2", C.c_double), ("epsilon", C.c_double),
                ("weight_decay", C.c_double), ("clip_norm", C.c_double),
                ("class_weight", C.c_double * 2), ("label_smoothing", C.c_double),
                ("micro_batch", C.c_size_t), ("seed", C.c_uint64), ("exact_gates", C.c_int),
                ("rates", C.POINTER(Rate)), ("rate_count", C.c_size_t), ("group", C.c_void_p),
                ("rho", C.c_double), ("centered", C.c_int), ("initial_accumulator", C.c_double),
                ("clip_value", C.c_double), ("huber_delta", C.c_double),
                ("focal_gamma", C.c_double), ("focal_alpha", C.c_double),
                ("losses", C.POINTER(OutputLoss)), ("loss_count", C.c_size_t), ("bf16", C.c_int),
                ("recompute_gates", C.c_int)]


class StepFigures(C.Structure):
    _fields_ = [("loss", C.c_double), ("used", C.c_size_t), ("grad_norm", C.c_double)]


class DetectorOptions(C.Structure):
    _fields_ = [("num_threads", C.c_int), ("min_face", C.c_double), ("factor", C.c_double),
                ("threshold", C.c_double * 3), ("max_candidates", C.c_size_t),
                ("profile", C.c_int), ("min_face_fraction", C.c_double), ("max_side", C.c_size_t),
                ("retry_rotated", C.c_int), ("check_landmarks", C.c_int), ("turned_frame", C.c_int)]


class Point(C.Structure):
    _fields_ = [("x", C.c_float), ("y", C.c_float)]


class CFace(C.Structure):
    _fields_ = [("x1", C.c_float), ("y1", C.c_float), ("x2", C.c_float), ("y2", C.c_float),
                ("box", C.c_int * 4), ("score", C.c_float), ("landmarks", Point * 5)]


class DetectorStats(C.Structure):
    _fields_ = [("levels", C.c_size_t), ("cells", C.c_size_t), ("proposed", C.c_size_t),
                ("refined", C.c_size_t), ("found", C.c_size_t), ("rotation", C.c_int)]


class CropOptions(C.Structure):
    _fields_ = [("mode", C.c_int), ("filter", C.c_int), ("size", C.c_size_t),
                ("margin", C.c_double), ("rotation", C.c_int)]


# The names in the headers, for the test that compares sizes.
C_NAMES = {
    "nbase_error": Error,
    "nbase_array": Array,
    "nbase_image": Image,
    "nbase_allocator": Allocator,
    "nbase_env": Env,
    "convlstm_model_info": ModelInfo,
    "convlstm_session_options": SessionOptions,
    "convlstm_batch": Batch,
    "convlstm_input": CInput,
    "convlstm_output": COutput,
    "convlstm_output_loss": OutputLoss,
    "convlstm_rate": Rate,
    "convlstm_trainer_options": TrainerOptions,
    "convlstm_step_result": StepFigures,
    "mtcnn_options": DetectorOptions,
    "mtcnn_point": Point,
    "mtcnn_face": CFace,
    "mtcnn_stats": DetectorStats,
    "mtcnn_crop_options": CropOptions
}

_P, _Z, _I, _D, _S, _U = (C.c_void_p, C.c_size_t, C.c_int, C.c_double, C.c_char_p, C.c_uint64)
_ERR, _OUT = C.POINTER(Error), C.POINTER(C.c_void_p)
_SEQUENCE = [_P, _P, _P, _P, _Z, _Z, _Z, _Z, _P, _P]

_CONVLSTM = {  # result, arguments
    "nbase_version": (_S, []), "nbase_isa_active": (_I, []), "nbase_isa_name": (_S, [_I]),
    "nbase_cpu_count": (_I, []),
    "nbase_archive_create": (_I, [_P, _OUT]), "nbase_archive_free": (None, [_P]),
    "nbase_archive_count": (_Z, [_P]), "nbase_archive_at": (C.POINTER(Array), [_P, _Z]),
    "nbase_archive_meta_count": (_Z, [_P]),
    "nbase_archive_meta_at": (_I, [_P, _Z, C.POINTER(_S), C.POINTER(_S)]),
    "nbase_archive_set_meta": (_I, [_P, _S, _S]),
    "nbase_archive_add": (_I, [_P, _S, _I, _I, C.POINTER(_Z), _P, _P]),
    "convlstm_preset_json": (_I, [_S, _Z, _Z, _OUT, _ERR]), "convlstm_text_free": (None, [_P]),
    "convlstm_model_create": (_I, [C.POINTER(Env), _S, _U, _OUT, _ERR]),
    "convlstm_model_load": (_I, [C.POINTER(Env), _S, _OUT, _ERR]),
    "convlstm_model_save": (_I, [_P, _S, _ERR]), "convlstm_model_clone": (_I, [_P, _OUT]),
    "convlstm_model_free": (None, [_P]), "convlstm_model_json": (_S, [_P]),
    "convlstm_model_get_info": (None, [_P, C.POINTER(ModelInfo)]),
    "convlstm_model_output_shape": (_I, [_P, _Z, _Z, _Z, C.POINTER(_Z), _ERR]),
    "convlstm_model_input_count": (_Z, [_P]),
    "convlstm_model_input": (_I, [_P, _Z, C.POINTER(CInput)]),
    "convlstm_model_output": (_I, [_P, _Z, _Z, _Z, _Z, C.POINTER(COutput), _ERR]),
    "convlstm_model_label": (_S, [_P, _Z]), "convlstm_model_tensor_count": (_Z, [_P]),
    "convlstm_model_tensor": (C.POINTER(Array), [_P, _Z]),
    "convlstm_model_find": (C.POINTER(Array), [_P, _S]),
    "convlstm_model_set": (_I, [_P, _S, _P, _Z]),
    "convlstm_session_create": (_I, [_P, C.POINTER(SessionOptions), _OUT, _ERR]),
    "convlstm_session_free": (None, [_P]), "convlstm_session_error": (_S, [_P]),
    "convlstm_run": (_I, [_P, C.POINTER(Batch), _P, _OUT, _P]),
    "convlstm_session_reset": (None, [_P]),
    "convlstm_stream_begin": (_I, [_P, _Z, _Z]), "convlstm_stream_step": (_I, [_P, _P, _I, _P]),
    "convlstm_stream_state": (_I, [_P, _OUT]), "convlstm_stream_restore": (_I, [_P, _P]),
    "convlstm_trainer_defaults": (None, [C.POINTER(TrainerOptions), _I]),
    "convlstm_trainer_create": (_I, [_P, C.POINTER(TrainerOptions), _OUT, _ERR]),
    "convlstm_trainer_free": (None, [_P]), "convlstm_trainer_error": (_S, [_P]),
    "convlstm_trainer_step_batch": (_I, [_P, C.POINTER(Batch), _P, _P, C.POINTER(StepFigures)]),
    "convlstm_trainer_gradients_batch":
        (_I, [_P, C.POINTER(Batch), _P, _P, C.POINTER(StepFigures)]),
    "convlstm_trainer_evaluate": (_I, [_P, C.POINTER(Batch), _P, _P, C.POINTER(StepFigures)]),
    "convlstm_trainer_output_loss": (_D, [_P, _Z]),
    "convlstm_trainer_gradient": (_P, [_P, _S]),
    "convlstm_trainer_set_learning_rate": (None, [_P, _D]),
    "convlstm_trainer_learning_rate": (_D, [_P]), "convlstm_trainer_steps": (_U, [_P]),
    "convlstm_trainer_save": (_I, [_P, _S, _S, _ERR]),
    "convlstm_trainer_restore": (_I, [_P, _S, _OUT, _ERR]),
}
_MTCNN = {
    "mtcnn_weights_load": (_I, [C.POINTER(Env), _S, _OUT, _ERR]),
    "mtcnn_weights_free": (None, [_P]),
    "mtcnn_options_profile": (_I, [C.POINTER(DetectorOptions), _S]),
    "mtcnn_profile_name": (_S, [_I]),
    "mtcnn_detector_create": (_I, [C.POINTER(Env), _P, C.POINTER(DetectorOptions), _OUT, _ERR]),
    "mtcnn_detector_free": (None, [_P]), "mtcnn_detector_error": (_S, [_P]),
    "mtcnn_detect": (_I, [_P, C.POINTER(Image), C.POINTER(C.POINTER(CFace)), C.POINTER(_Z)]),
    "mtcnn_detector_stats": (DetectorStats, [_P]),
    "mtcnn_crop_defaults": (None, [C.POINTER(CropOptions)]),
    "mtcnn_crop_face":
        (_I, [_P, C.POINTER(Image), C.POINTER(CFace), C.POINTER(CropOptions), _P]),
}


def _load(name: str, functions: Mapping[str, Any]) -> C.CDLL:
    """The library beside this file, of the wheel; else the system's."""
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    try:
        library = C.CDLL(beside if os.path.exists(beside) else name)
    except OSError as error:
        raise ImportError(f"{name} cannot be loaded: {error}. It needs OpenBLAS's OpenMP build "
                          "and zlib (Debian: libopenblas0-openmp, zlib1g), or a wheel that was "
                          "built with SKIN_BUNDLE=1") from error
    for function, (result, arguments) in functions.items():
        entry = getattr(library, function)
        entry.restype, entry.argtypes = result, arguments
    return library


_bundled.load(os.path.join(os.path.dirname(os.path.abspath(__file__)), "bundled"))
convlstm = _load("libconvlstm.so.0", _CONVLSTM)
mtcnn = _load("libmtcnn.so.0", _MTCNN)


@LogFunction
def _on_log(_ctx: Any, level: int, line: bytes) -> None:
    _log.log(_LEVELS[min(level, 3)], "%s", line.decode("utf-8", "replace"))


ENV = Env(log=_on_log)


def version() -> str:
    """The version of the libraries, e.g. "0.1.0"."""
    return convlstm.nbase_version().decode()


def instruction_set() -> str:
    """The family of kernels that this process uses: "avx512", "avx2", "neon" or "ref"."""
    return convlstm.nbase_isa_name(convlstm.nbase_isa_active()).decode()


def cpu_count() -> int:
    """The processors that this process may use."""
    return convlstm.nbase_cpu_count()


def checked(function: Any, *arguments: Any) -> None:
    """Calls a function whose last parameter is an nbase_error."""
    error = Error()
    status = function(*arguments, C.byref(error))
    if status:
        check(status, error.text.decode("utf-8", "replace"))


def path_bytes(path: Any) -> bytes:
    return os.fsencode(os.fspath(path))


def view(array: Array, owner: Any) -> np.ndarray:
    """A read-only view of an array of the libraries, which keeps `owner` alive."""
    dtype = DTYPES[array.dtype]
    if dtype is None:
        raise TypeError("NumPy has no bfloat16")
    shape = tuple(array.shape[:array.ndim])
    raw = (C.c_char * (array.count * dtype.itemsize)).from_address(array.data)
    raw._owner = owner
    result = np.frombuffer(raw, dtype).reshape(shape)
    result.flags.writeable = False
    return result


def archive_to_dict(archive: int) -> Dict[str, np.ndarray]:
    """Copies of an archive's arrays, and its metadata as arrays of one text; the archive is
    freed."""
    try:
        found = {}
        key, value = C.c_char_p(), C.c_char_p()
        for i in range(convlstm.nbase_archive_meta_count(archive)):
            convlstm.nbase_archive_meta_at(archive, i, C.byref(key), C.byref(value))
            found[(key.value or b"").decode()] = np.array((value.value or b"").decode())
        for i in range(convlstm.nbase_archive_count(archive)):
            array = convlstm.nbase_archive_at(archive, i).contents
            found[array.name.decode()] = view(array, None).copy()
        return found
    finally:
        convlstm.nbase_archive_free(archive)


class Archive:
    """An nbase_archive of float32 arrays and texts, for the time of a call."""

    def __init__(self, arrays: Optional[Mapping[str, Any]]) -> None:
        self.handle: Optional[int] = None
        if arrays is None:
            return
        handle = C.c_void_p()
        check(convlstm.nbase_archive_create(None, C.byref(handle)))
        self.handle = handle.value
        for name, values in arrays.items():
            if np.asarray(values).dtype.kind == "U":
                check(convlstm.nbase_archive_set_meta(self.handle, name.encode(),
                                                      str(values).encode()))
                continue
            data = np.ascontiguousarray(values, np.float32)
            shape = (C.c_size_t * max(1, data.ndim))(*data.shape)
            check(convlstm.nbase_archive_add(self.handle, name.encode(), 0, data.ndim, shape,
                                             data.ctypes.data, None), f"state {name!r}")

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_: Any) -> None:
        convlstm.nbase_archive_free(self.handle)
        self.handle = None


class _Owned:
    """A pointer of the libraries, freed when its object and all that was made from it are gone: the
    garbage collector finalises the objects of a circle in any order."""

    def __init__(self, pointer: int, free: Any) -> None:
        self.pointer, self._free, self._users = pointer, free, 1
        self._lock = threading.Lock()

    def retain(self) -> "_Owned":
        with self._lock:
            self._users += 1
        return self

    def release(self) -> None:
        with self._lock:
            self._users -= 1
            last = not self._users
        if last:
            self._free(self.pointer)


class Handle:
    """Owns a pointer of the libraries, and keeps that of the Handle `made_from`."""

    _free: Any = None

    def __init__(self, made_from: Optional["Handle"] = None) -> None:
        self._owned: Optional[_Owned] = None
        self._made_from = made_from._owned.retain() if made_from and made_from._owned else None

    def _own(self, pointer: Optional[int]) -> None:
        if pointer:
            self._owned = _Owned(pointer, type(self)._free)

    @property
    def pointer(self) -> int:
        if self._owned is None:
            raise ValueError("it was not created")
        return self._owned.pointer

    def _release(self) -> None:
        for name in ("_owned", "_made_from"):
            owned = getattr(self, name, None)
            setattr(self, name, None)
            if owned is not None:
                owned.release()

    def __del__(self) -> None:
        self._release()
