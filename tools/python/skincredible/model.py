"""Networks: models, sessions, streams."""
import ctypes as C
import json as _json
import threading
from typing import Any, Dict, List, Mapping, Optional, Tuple, Union

import numpy as np

from ._errors import ShapeError, check
from ._lib import (ENV, Archive, Batch, Handle, ModelInfo, SessionOptions, archive_to_dict, checked,
                   convlstm, path_bytes, view)


def text_of(pointer: C.c_void_p) -> str:
    """A text that the library returned, which is freed."""
    text = C.string_at(pointer.value).decode()
    convlstm.convlstm_text_free(pointer)
    return text


class Inputs:
    """A batch as the library takes it: x (B,T,H,W,C) and mask (B,T), in place where possible."""

    def __init__(self, x: Any, mask: Any, channels: int) -> None:
        self.x = np.ascontiguousarray(x, np.float32)
        if self.x.ndim != 5 or self.x.shape[4] != channels:
            raise ShapeError(f"x has the shape {self.x.shape}: expected (sequences, frames, height, "
                             f"width, {channels})")
        self.mask = None
        if mask is not None:
            self.mask = np.ascontiguousarray(mask)
            if self.mask.dtype != np.uint8:
                self.mask = np.ascontiguousarray(self.mask != 0).view(np.uint8)
            if self.mask.shape != self.x.shape[:2]:
                raise ShapeError(f"mask has the shape {self.mask.shape}: expected "
                                 f"{self.x.shape[:2]}")

    def batch(self, state: Optional[int] = None) -> Batch:
        b, t, h, w, _ = self.x.shape
        return Batch(self.x.ctypes.data, None if self.mask is None else self.mask.ctypes.data,
                     b, t, h, w, state)


class Model(Handle):
    """A network with its weights. Any number of threads may use it while none changes it."""

    _free = convlstm.convlstm_model_free

    def __init__(self, pointer: Optional[int]) -> None:
        super().__init__()
        self._own(pointer)
        self._idle: List["Session"] = []  # of predict; append and pop are atomic

    def _release(self) -> None:
        self._forget_sessions()
        super()._release()

    def _forget_sessions(self) -> None:
        """The network changed."""
        idle = getattr(self, "_idle", [])
        while idle:
            idle.pop()._release()

    @classmethod
    def load(cls, path: Any) -> "Model":
        """Reads a .safetensors file that skin-train, skin-import or save wrote."""
        out = C.c_void_p()
        checked(convlstm.convlstm_model_load, C.byref(ENV), path_bytes(path), C.byref(out))
        return cls(out.value)

    @classmethod
    def from_description(cls, description: Union[str, Mapping[str, Any]], seed: int = 1) -> "Model":
        """Builds a network from its description (docs/formats.md), as JSON or a dict, with weights
        drawn from the seed."""
        text = description if isinstance(description, str) else _json.dumps(description)
        out = C.c_void_p()
        checked(convlstm.convlstm_model_create, C.byref(ENV), text.encode(), seed, C.byref(out))
        return cls(out.value)

    @classmethod
    def preset(cls, name: str = "skincredible", height: int = 80, width: int = 80,
               seed: int = 1) -> "Model":
        """Builds "skincredible" or "skincredible-gap"."""
        text = C.c_void_p()
        checked(convlstm.convlstm_preset_json, name.encode(), height, width, C.byref(text))
        return cls.from_description(text_of(text), seed)

    def save(self, path: Any) -> None:
        """Writes a .safetensors file, as a whole or not at all."""
        checked(convlstm.convlstm_model_save, self.pointer, path_bytes(path))

    def copy(self) -> "Model":
        """An independent copy."""
        out = C.c_void_p()
        check(convlstm.convlstm_model_clone(self.pointer, C.byref(out)))
        return Model(out.value)

    @property
    def description(self) -> Dict[str, Any]:
        """The network's description."""
        return _json.loads(convlstm.convlstm_model_json(self.pointer))

    @property
    def info(self) -> ModelInfo:
        """height, width, channels, outputs, any_size, parameters, layers, output_dims, frames."""
        info = ModelInfo()
        convlstm.convlstm_model_get_info(self.pointer, C.byref(info))
        return info

    @property
    def labels(self) -> List[str]:
        """The label of each output, "" where there is none."""
        return [convlstm.convlstm_model_label(self.pointer, k).decode()
                for k in range(self.info.outputs)]

    def output_shape(self, frames: int, height: int, width: int) -> Tuple[int, ...]:
        """The shape of what the network gives for one sequence."""
        shape = (C.c_size_t * 4)()
        checked(convlstm.convlstm_model_output_shape, self.pointer, frames, height, width, shape)
        return tuple(shape[:self.info.output_dims])

    # The weights by Keras's names.

    def names(self) -> List[str]:
        """The names of all weights."""
        return [convlstm.convlstm_model_tensor(self.pointer, i).contents.name.decode()
                for i in range(convlstm.convlstm_model_tensor_count(self.pointer))]

    def __getitem__(self, name: str) -> np.ndarray:
        """A read-only view of a weight, which follows its changes."""
        found = convlstm.convlstm_model_find(self.pointer, name.encode())
        if not found:
            raise KeyError(name)
        return view(found.contents, self)

    def __setitem__(self, name: str, values: Any) -> None:
        """Replaces a weight. Not while another thread uses the model."""
        now = self[name]
        data = np.ascontiguousarray(values, np.float32)
        if data.shape != now.shape:
            raise ShapeError(f"{name}: the shape is {data.shape}, expected {now.shape}")
        check(convlstm.convlstm_model_set(self.pointer, name.encode(), data.ctypes.data, data.size))

    # Inference

    def session(self, num_threads: int = 0, bf16: bool = False) -> "Session":
        """Memory to run the model, for one thread at a time. num_threads 0: all processors."""
        return Session(self, num_threads, bf16)

    def predict(self, x: Any, mask: Any = None, *, missing: str = "raise") -> np.ndarray:
        """Session.predict with all processors, of a session that the model keeps for the next call;
        calls at the same time have one each."""
        try:
            session = self._idle.pop()
        except IndexError:
            # It does not refer to the model, which would keep both alive for ever.
            session = Session(self, keep_model=False)
        result = session._run(self, x, mask, None, False, missing)[0]
        self._idle.append(session)
        return result


class Session(Handle):
    """A model with the memory to run it. Calls from several threads wait for each other: give each
    thread a session of its own."""

    _free = convlstm.convlstm_session_free

    def __init__(self, model: Model, num_threads: int = 0, bf16: bool = False,
                 keep_model: bool = True) -> None:
        super().__init__(model)
        self._lock = threading.Lock()
        out = C.c_void_p()
        checked(convlstm.convlstm_session_create, model.pointer,
                C.byref(SessionOptions(num_threads, bf16)), C.byref(out))
        self._own(out.value)
        self._model = model if keep_model else None

    @property
    def model(self) -> Model:
        if self._model is None:
            raise ValueError("this session belongs to its model")
        return self._model

    def predict(self, x: Any, mask: Any = None, *, missing: str = "raise") -> np.ndarray:
        """What the network gives for each sequence.

        x: (B,T,H,W,C) float32 in 0..1, or one sequence (T,H,W,C). mask: (B,T) or (T), true for the
        frames that count; without it a frame of zeros does not. missing: "raise" an exception where
        a sequence has no valid frame or a result that is not finite, or "nan": NaN for these.
        """
        return self._run(self.model, x, mask, None, False, missing)[0]

    def run(self, x: Any, mask: Any = None, *, initial_state: Optional[Mapping[str, Any]] = None,
            missing: str = "raise") -> Tuple[np.ndarray, Dict[str, np.ndarray]]:
        """predict with states: those to begin with ("LAYER/h", "LAYER/c"), and those of layers with
        return_state at the end."""
        return self._run(self.model, x, mask, initial_state, True, missing)

    def _run(self, model: Model, x: Any, mask: Any, state: Optional[Mapping[str, Any]],
             want_states: bool, missing: str) -> Tuple[np.ndarray, Dict[str, np.ndarray]]:
        if missing not in ("raise", "nan"):
            raise ValueError(f"missing={missing!r}: expected 'raise' or 'nan'")
        one = np.ndim(x) == 4
        if one:
            x = np.asarray(x)[None]
            mask = None if mask is None else np.asarray(mask)[None]
        info = model.info
        inputs = Inputs(x, mask, info.channels)
        b, t, h, w, _ = inputs.x.shape
        out = np.zeros((b, *model.output_shape(t, h, w)), np.float32)
        statuses = np.zeros(b, np.int32)
        states = C.c_void_p()
        with Archive(state) as begin, self._lock:
            status = convlstm.convlstm_run(
                self.pointer, C.byref(inputs.batch(begin.handle)), out.ctypes.data,
                C.byref(states) if want_states else None, statuses.ctypes.data)
            text = convlstm.convlstm_session_error(self.pointer).decode() if status else ""
        found = archive_to_dict(states.value) if states.value else {}
        if status and not (missing == "nan" and statuses.any()):
            check(status, text)
        out[statuses != 0] = np.nan
        return (out[0] if one else out), found

    def reset(self) -> None:
        """Stateful layers begin at zero again."""
        with self._lock:
            convlstm.convlstm_session_reset(self.pointer)

    def stream(self, height: int = 0, width: int = 0) -> "Stream":
        """Begins a sequence that comes a frame at a time (0: the model's image size), in place of
        the one before: a session has one stream."""
        info = self.model.info
        return Stream(self, height or info.height, width or info.width)


class Stream:
    """A sequence, a frame at a time. The bits equal those of predict on all frames so far."""

    def __init__(self, session: Session, height: int, width: int) -> None:
        info = session.model.info
        self._session, self._frame = session, (height, width, info.channels)
        self._shape = session.model.output_shape(info.frames or 1, height, width)
        if info.output_dims in (2, 4):
            self._shape = self._shape[1:]
        self._call(convlstm.convlstm_stream_begin, height, width)
        self._number = session._stream = object()

    def _call(self, function: Any, *arguments: Any) -> None:
        session = self._session
        with session._lock:
            if getattr(self, "_number", None) is not getattr(session, "_stream", None) \
                    and hasattr(self, "_number"):
                raise ValueError("the session has begun another stream")
            status = function(session.pointer, *arguments)
            check(status, convlstm.convlstm_session_error(session.pointer).decode()
                  if status else "")

    def step(self, frame: Any, valid: bool = True, *, want: bool = True) -> Optional[np.ndarray]:
        """Takes the next frame (H,W,C), and returns what the network gives after it. want=False
        saves the work of the layers behind the recurrent ones. valid=False skips the frame."""
        data = None
        if valid:
            data = np.ascontiguousarray(frame, np.float32)
            if data.shape != self._frame:
                raise ShapeError(f"the frame has the shape {data.shape}: expected {self._frame}")
        out = np.zeros(self._shape, np.float32) if want else None
        self._call(convlstm.convlstm_stream_step, None if data is None else data.ctypes.data,
                   bool(valid), None if out is None else out.ctypes.data)
        return out

    def state(self) -> Dict[str, np.ndarray]:
        """What is needed to resume: named arrays, for numpy.savez."""
        out = C.c_void_p()
        self._call(convlstm.convlstm_stream_state, C.byref(out))
        return archive_to_dict(out.value)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Resumes from a saved state."""
        with Archive(state) as archive:
            self._call(convlstm.convlstm_stream_restore, archive.handle)
