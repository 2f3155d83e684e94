"""Training."""
import ctypes as C
import json
import logging
import math
import threading
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Union

import numpy as np

from ._errors import ShapeError, check
from ._lib import (Handle, OutputLoss, Rate, StepFigures, TrainerOptions, checked, convlstm,
                   path_bytes)
from .model import Inputs, Model, Outputs, Result, by_name, text_of

LOSSES = ("bce", "softmax", "compat-tf22", "mse", "mae", "huber", "focal", "ssim")
OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop", "adagrad", "adadelta", "nadam")
_NUMBERS = ("num_threads", "learning_rate", "momentum", "nesterov", "beta1", "beta2", "epsilon",
            "weight_decay", "clip_norm", "rho", "centered", "initial_accumulator", "clip_value",
            "huber_delta", "focal_gamma", "focal_alpha", "label_smoothing", "micro_batch", "seed",
            "exact_gates", "bf16", "recompute_gates")
_log = logging.getLogger("skincredible.trainer")


@dataclass(frozen=True)
class StepResult:
    """loss: the mean over the used samples. grad_norm: before clipping. outputs: what the network
    gave in the forward pass. losses: of each output alone, without its weight; NaN where that is
    0."""

    loss: float
    used: int
    grad_norm: float
    outputs: Result
    losses: Dict[str, float]


def _index(what: str, value: str, names: Any) -> int:
    if value not in names:
        raise ValueError(f"{what}={value!r}: expected one of {', '.join(names)}")
    return names.index(value)


def _rows(values: Any, chosen: Any) -> Any:
    """Some sequences of an array, or of each of several inputs or outputs."""
    if isinstance(values, Mapping):
        return {name: np.asarray(v)[chosen] for name, v in values.items()}
    if isinstance(values, (list, tuple)):
        return [np.asarray(v)[chosen] for v in values]
    return np.asarray(values)[chosen]


def _output_losses(losses: Mapping[str, Any]) -> Any:
    """From {"output": "mse"} or {"output": ("mse", weight)}."""
    rows = []
    for name, value in losses.items():
        kind, weight = (value, 1.0) if isinstance(value, str) else value
        rows.append((name.encode(), _index("loss", kind, LOSSES), weight))
    return (OutputLoss * max(1, len(rows)))(*rows)


class Trainer(Handle):
    """A model in training, whose weights it changes; one thread at a time.

    loss: one of LOSSES; of a network with several outputs also a dict by name, {"frames": "mse",
    "class": ("softmax", 0.3)}, the number being what the output counts in the sum that is trained.
    optimizer: one of OPTIMIZERS. options: those of
    convlstm_trainer_options: learning_rate, momentum, clip_norm, label_smoothing, micro_batch,
    seed,
    num_threads, ..., class_weight=(a, b), rates={"dense": 0.1}.
    """

    _free = convlstm.convlstm_trainer_free

    def __init__(self, model: Model, loss: Union[str, Mapping[str, Any]] = "bce",
                 optimizer: str = "adam", **options: Any) -> None:
        super().__init__(model)
        self.model = model
        self._lock = threading.Lock()
        kind = _index("optimizer", optimizer, OPTIMIZERS)
        settings = TrainerOptions()
        convlstm.convlstm_trainer_defaults(C.byref(settings), kind)
        if isinstance(loss, str):
            settings.loss = _index("loss", loss, LOSSES)
        else:
            outputs = model.description.get("outputs", list(loss))
            for name in outputs:
                if name not in loss:
                    raise ValueError(f"loss has nothing for the output {name!r}: expected "
                                     f"{', '.join(outputs)}")
            settings.losses, settings.loss_count = _output_losses(loss), len(loss)
        rates: Mapping[str, float] = options.pop("rates", None) or {}
        settings.rates = (Rate * max(1, len(rates)))(*((name.encode(), factor)
                                                      for name, factor in rates.items()))
        settings.rate_count = len(rates)
        weights = options.pop("class_weight", None)
        if weights is not None:
            settings.class_weight = (C.c_double * 2)(*weights)
        for name, value in options.items():
            if name not in _NUMBERS:
                raise TypeError(f"Trainer has no option {name!r}: expected {', '.join(_NUMBERS)}, "
                                "class_weight or rates")
            setattr(settings, name, value)
        out = C.c_void_p()
        checked(convlstm.convlstm_trainer_create, model.pointer, C.byref(settings), C.byref(out))
        self._own(out.value)
        model._forget_sessions()  # its last activation may be another now

    def _call(self, function: Any, x: Any, y: Any, mask: Any) -> StepResult:
        inputs = Inputs(self.model, x, mask)
        outputs, figures = Outputs(self.model, inputs), StepFigures()
        targets = self._targets(y, outputs)
        with self._lock:
            status = function(self.pointer, C.byref(inputs.batch()), targets.ctypes.data,
                              outputs.memory.ctypes.data, C.byref(figures))
            text = convlstm.convlstm_trainer_error(self.pointer).decode() if status else ""
            losses = {} if status else {
                o.name: convlstm.convlstm_trainer_output_loss(self.pointer, k)
                for k, o in enumerate(outputs.outputs)}
        check(status, text)
        return StepResult(figures.loss, figures.used, figures.grad_norm, outputs.result(), losses)

    @staticmethod
    def _targets(y: Any, outputs: Outputs) -> np.ndarray:
        """y as the library takes it: of several outputs one behind the other."""
        names = [o.name for o in outputs.outputs]
        parts = [y] if len(names) == 1 else by_name("y", y, names)
        arrays = []
        for name, part, like in zip(names, parts, outputs.arrays):
            array = np.ascontiguousarray(part, np.float32)
            if array.shape != like.shape:
                what = "y" if len(names) == 1 else f"y of {name}"
                raise ShapeError(f"{what} has the shape {array.shape}: expected {like.shape}")
            arrays.append(array.reshape(-1))
        return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)

    def step(self, x: Any, y: Any, mask: Any = None) -> StepResult:
        """One step of the optimizer. x as predict takes it, with the axis of the batch; y as
        predict gives it, (B,K) for a vector, of several outputs a dict or a list."""
        return self._call(convlstm.convlstm_trainer_step_batch, x, y, mask)

    def gradients(self, x: Any, y: Any, mask: Any = None) -> StepResult:
        """Loss and gradients only, to be read with gradient."""
        return self._call(convlstm.convlstm_trainer_gradients_batch, x, y, mask)

    def evaluate(self, x: Any, y: Any, mask: Any = None) -> StepResult:
        """The loss as validation needs it: nothing changes."""
        return self._call(convlstm.convlstm_trainer_evaluate, x, y, mask)

    def gradient(self, name: str) -> np.ndarray:
        """A copy of a weight's gradient, after step or gradients."""
        found = convlstm.convlstm_trainer_gradient(self.pointer, name.encode())
        if not found:
            raise KeyError(name)
        shape = self.model[name].shape
        values = C.cast(found, C.POINTER(C.c_float))
        return np.ctypeslib.as_array(values, (math.prod(shape),)).reshape(shape).copy()

    @property
    def learning_rate(self) -> float:
        return convlstm.convlstm_trainer_learning_rate(self.pointer)

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        convlstm.convlstm_trainer_set_learning_rate(self.pointer, value)

    @property
    def steps(self) -> int:
        """Steps done, those before a restored checkpoint included."""
        return convlstm.convlstm_trainer_steps(self.pointer)

    def save(self, path: Any, extra: Any = None) -> None:
        """Writes a checkpoint, with `extra` as JSON beside it."""
        text = None if extra is None else json.dumps(extra).encode()
        checked(convlstm.convlstm_trainer_save, self.pointer, path_bytes(path), text)

    def restore(self, path: Any) -> Any:
        """Resumes from a checkpoint, and returns what was saved as `extra`."""
        extra = C.c_void_p()
        checked(convlstm.convlstm_trainer_restore, self.pointer, path_bytes(path), C.byref(extra))
        return json.loads(text_of(extra)) if extra.value else None

    def fit(self, x: Any, y: Any, mask: Any = None, *, epochs: int = 1, batch_size: int = 8,
            validation: Any = None, seed: int = 0,
            progress: Optional[Callable[[Dict[str, float]], Any]] = None
            ) -> List[Dict[str, float]]:
        """Trains for whole epochs over arrays, in an order that follows from the seed, and returns
        a
        dict {epoch, loss, validation_loss} for each. validation: (x, y) or (x, y, mask). progress
        is
        called with each dict; training ends when it returns False."""
        mask = None if mask is None else np.asarray(mask)
        if len(self.model.inputs) == 1:
            x = np.asarray(x)  # a list of sequences, too
        if self.model.info.output_count == 1:
            y = np.asarray(y)
        count = len(x) if isinstance(x, np.ndarray) else len(
            by_name("x", x, [i.name for i in self.model.inputs])[0])
        order, history = np.random.default_rng(seed), []
        for epoch in range(1, epochs + 1):
            total, used = 0.0, 0
            places = order.permutation(count)
            for begin in range(0, count, batch_size):
                chosen = places[begin:begin + batch_size]
                result = self.step(_rows(x, chosen), _rows(y, chosen),
                                   None if mask is None else mask[chosen])
                total += result.loss * result.used
                used += result.used
            row: Dict[str, float] = {"epoch": epoch, "loss": total / max(used, 1)}
            if validation is not None:
                row["validation_loss"] = self.evaluate(*validation).loss
            history.append(row)
            _log.info("%s", ", ".join(f"{name} {value:.6g}" for name, value in row.items()))
            if progress is not None and progress(row) is False:
                break
        return history
