"""Networks: models, sessions, streams."""
import ctypes as C
import json as _json
import math
import threading
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Tuple, Union

import numpy as np

from ._errors import ArgumentError, ShapeError, check
from ._lib import (ENV, Archive, Batch, CInput, COutput, Handle, ModelInfo, SessionOptions,
                   archive_to_dict, checked, convlstm, path_bytes, view)

# What a network gives: an array, or one for each of several outputs by name.
Result = Union[np.ndarray, Dict[str, np.ndarray]]


def text_of(pointer: C.c_void_p) -> str:
    """A text that the library returned, which is freed."""
    text = C.string_at(pointer.value).decode()
    convlstm.convlstm_text_free(pointer)
    return text


@dataclass(frozen=True)
class Input:
    """One of the inputs of a network. shape: of a frame, (H,W,C), or (C,) where it takes a vector
    per frame."""

    name: str
    shape: Tuple[int, ...]


@dataclass(frozen=True)
class Output:
    """One of the outputs of a network. shape: for one sequence. masked: its frames are those of the
    sequence, and one that does not count repeats the one before."""

    name: str
    shape: Tuple[int, ...]
    masked: bool


def by_name(what: str, values: Any, names: List[str]) -> List[Any]:
    """The values of several inputs or outputs, a dict by name or a sequence, in their order."""
    if isinstance(values, Mapping):
        if set(values) != set(names):
            raise ArgumentError(f"{what} has the names {', '.join(sorted(map(str, values)))}: "
                                f"expected {', '.join(names)}")
        return [values[name] for name in names]
    if not isinstance(values, (list, tuple)):
        raise ArgumentError(f"{what} is a {type(values).__name__}: the network has "
                            f"{len(names)}, so that a dict or a list of arrays is expected "
                            f"({', '.join(names)})")
    if len(values) != len(names):
        raise ArgumentError(f"{what} has {len(values)} arrays: expected {len(names)} "
                            f"({', '.join(names)})")
    return list(values)


class Inputs:
    """A batch as the library takes it: x (B,T,H,W,C) and mask (B,T), in place where possible. Of
    several inputs x is a dict or a list of arrays, which are copied side by side. `one`: x was a
    single sequence, without the axis of the batch."""

    def __init__(self, model: "Model", x: Any, mask: Any, single: bool = False) -> None:
        inputs = model.inputs
        if len(inputs) == 1:
            parts = [self._array("x", x, inputs[0].shape, bool(model.info.any_size), single)]
        else:
            parts = [self._array(i.name, part, i.shape, False, single)
                     for i, part in zip(inputs, by_name("x", x, [i.name for i in inputs]))]
        self.one = single and parts[0].ndim == 1 + len(inputs[0].shape)
        if self.one:
            parts = [part[None] for part in parts]
            mask = None if mask is None else np.asarray(mask)[None]
        frames = parts[0].shape[:2]
        for i, part in zip(inputs, parts):
            if part.shape[:2] != frames:
                raise ShapeError(f"{i.name} has {part.shape[:2]} sequences and frames, "
                                 f"{inputs[0].name} {frames}")
        self.size = parts[0].shape[2:4] if len(inputs[0].shape) == 3 else (1, 1)
        self.x = parts[0] if len(parts) == 1 else np.concatenate(
            [part.reshape(*frames, math.prod(part.shape[2:])) for part in parts], axis=2)
        self.mask = None
        if mask is not None:
            self.mask = np.ascontiguousarray(mask)
            if self.mask.dtype != np.uint8:
                self.mask = np.ascontiguousarray(self.mask != 0).view(np.uint8)
            if self.mask.shape != frames:
                raise ShapeError(f"mask has the shape {self.mask.shape}: expected {frames}")

    @staticmethod
    def _array(name: str, values: Any, shape: Tuple[int, ...], any_size: bool,
               single: bool) -> np.ndarray:
        array = np.ascontiguousarray(values, np.float32)
        frame = array.shape[array.ndim - len(shape):]
        whole = array.ndim == len(shape) + 2 or single and array.ndim == len(shape) + 1
        if not whole or (frame[-1:] != shape[-1:] if any_size else frame != shape):
            size = ("height", "width", str(shape[-1])) if any_size else tuple(map(str, shape))
            raise ShapeError(f"{name} has the shape {array.shape}: expected (sequences, frames, "
                             f"{', '.join(size)})")
        return array

    @property
    def frames(self) -> int:
        return self.x.shape[1]

    def batch(self, state: Optional[int] = None) -> Batch:
        b, t = self.x.shape[:2]
        return Batch(self.x.ctypes.data, None if self.mask is None else self.mask.ctypes.data,
                     b, t, *self.size, state)


class Outputs:
    """What a network gives for a batch: memory for the library, and the arrays in it."""

    def __init__(self, model: "Model", inputs: Inputs) -> None:
        batch = inputs.x.shape[0]
        self.outputs = model.outputs(inputs.frames, *inputs.size)
        floats = [batch * math.prod(o.shape) for o in self.outputs]
        self.memory = np.zeros(sum(floats), np.float32)
        parts = np.split(self.memory, np.cumsum(floats)[:-1])
        self.arrays = [part.reshape(batch, *o.shape) for o, part in zip(self.outputs, parts)]

    def result(self, one: bool = False) -> Result:
        """The array of the only output, or a dict of all by name."""
        arrays = [a[0] if one else a for a in self.arrays]
        if len(arrays) == 1:
            return arrays[0]
        return {o.name: a for o, a in zip(self.outputs, arrays)}


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

    @property
    def inputs(self) -> List[Input]:
        """The network's inputs; "input" where there is one alone."""
        found = []
        for k in range(convlstm.convlstm_model_input_count(self.pointer)):
            i = CInput()
            check(convlstm.convlstm_model_input(self.pointer, k, C.byref(i)))
            shape = (i.height, i.width, i.channels) if i.dims == 4 else (i.channels,)
            found.append(Input(i.name.decode(), shape))
        return found

    def outputs(self, frames: int, height: int, width: int) -> List[Output]:
        """The network's outputs, for one sequence of frames of that size."""
        found = []
        for k in range(self.info.output_count):
            o = COutput()
            checked(convlstm.convlstm_model_output, self.pointer, k, frames, height, width,
                    C.byref(o))
            found.append(Output(o.name.decode(), tuple(o.shape[:o.dims]), bool(o.masked)))
        return found

    def output_shape(self, frames: int, height: int, width: int) -> Tuple[int, ...]:
        """The shape of what the network gives for one sequence, if it has one output."""
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

    def predict(self, x: Any, mask: Any = None, *, missing: str = "raise") -> Result:
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

    def predict(self, x: Any, mask: Any = None, *, missing: str = "raise") -> Result:
        """What the network gives for each sequence: an array, or of several outputs a dict by name.

        x: (B,T,H,W,C) float32 in 0..1, or one sequence (T,H,W,C); of several inputs a dict by name,
        or a list in the order of Model.inputs, of such arrays, (B,T,C) where an input takes a
        vector per frame. mask: (B,T) or (T), true for the
        frames that count; without it a frame of zeros does not. missing: "raise" an exception where
        a sequence has no valid frame or a result that is not finite, or "nan": NaN for these.
        """
        return self._run(self.model, x, mask, None, False, missing)[0]

    def run(self, x: Any, mask: Any = None, *, initial_state: Optional[Mapping[str, Any]] = None,
            missing: str = "raise") -> Tuple[Result, Dict[str, np.ndarray]]:
        """predict with states: those to begin with ("LAYER/h", "LAYER/c"), and those of layers with
        return_state at the end."""
        return self._run(self.model, x, mask, initial_state, True, missing)

    def _run(self, model: Model, x: Any, mask: Any, state: Optional[Mapping[str, Any]],
             want_states: bool, missing: str) -> Tuple[Result, Dict[str, np.ndarray]]:
        if missing not in ("raise", "nan"):
            raise ValueError(f"missing={missing!r}: expected 'raise' or 'nan'")
        inputs = Inputs(model, x, mask, single=True)
        outputs = Outputs(model, inputs)
        statuses = np.zeros(inputs.x.shape[0], np.int32)
        states = C.c_void_p()
        with Archive(state) as begin, self._lock:
            status = convlstm.convlstm_run(self.pointer, C.byref(inputs.batch(begin.handle)),
                                           outputs.memory.ctypes.data,
                                           C.byref(states) if want_states else None,
                                           statuses.ctypes.data)
            text = convlstm.convlstm_session_error(self.pointer).decode() if status else ""
        found = archive_to_dict(states.value) if states.value else {}
        if status and not (missing == "nan" and statuses.any()):
            check(status, text)
        for array in outputs.arrays:
            array[statuses != 0] = np.nan
        return outputs.result(inputs.one), found

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
        model = session.model
        self._session, self._inputs = session, model.inputs
        if len(self._inputs) == 1 and len(self._inputs[0].shape) == 3:
            channels = self._inputs[0].shape[2]
            self._inputs = [Input(self._inputs[0].name, (height, width, channels))]
        # after a frame a sequence gives the latest one
        self._outputs = [
            Output(o.name, o.shape[1:] if len(o.shape) in (2, 4) else o.shape, o.masked)
            for o in model.outputs(model.info.frames or 1, height, width)
        ]
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

    def _frame_of(self, frame: Any) -> np.ndarray:
        """The values of all inputs one behind the other."""
        names = [i.name for i in self._inputs]
        parts = [frame] if len(names) == 1 else by_name("the frame", frame, names)
        arrays = []
        for i, part in zip(self._inputs, parts):
            array = np.ascontiguousarray(part, np.float32)
            if array.shape != i.shape:
                what = "the frame" if len(names) == 1 else f"the frame of {i.name}"
                raise ShapeError(f"{what} has the shape {array.shape}: expected {i.shape}")
            arrays.append(array.reshape(-1))
        return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)

    def step(self, frame: Any, valid: bool = True, *, want: bool = True) -> Optional[Result]:
        """Takes the next frame (H,W,C), of several inputs a dict or a list of them, and returns
        what
        the network gives after it, as predict does. want=False saves the work of the layers behind
        the recurrent ones. valid=False skips the frame."""
        data = self._frame_of(frame) if valid else None
        sizes = [math.prod(o.shape) for o in self._outputs]
        out = np.zeros(sum(sizes), np.float32) if want else None
        self._call(convlstm.convlstm_stream_step, None if data is None else data.ctypes.data,
                   bool(valid), None if out is None else out.ctypes.data)
        if out is None:
            return None
        arrays = {o.name: part.reshape(o.shape) for o, part
                  in zip(self._outputs, np.split(out, np.cumsum(sizes)[:-1]))}
        return arrays if len(arrays) > 1 else next(iter(arrays.values()))

    def state(self) -> Dict[str, np.ndarray]:
        """What is needed to resume: named arrays, for numpy.savez."""
        out = C.c_void_p()
        self._call(convlstm.convlstm_stream_state, C.byref(out))
        return archive_to_dict(out.value)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Resumes from a saved state."""
        with Archive(state) as archive:
            self._call(convlstm.convlstm_stream_restore, archive.handle)
