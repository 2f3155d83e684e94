"""Training."""
import ctypes as C
import json
import logging
import math
import threading
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional

import numpy as np

from ._errors import ShapeError, check
from ._lib import Handle, Rate, StepFigures, TrainerOptions, checked, convlstm, path_bytes
from .model import Inputs, Model, text_of

LOSSES = ("bce", "softmax", "compat-tf22", "mse", "mae")
OPTIMIZERS = ("sgd", "adam", "adamw")
_NUMBERS = ("num_threads", "learning_rate", "momentum", "nesterov", "beta1", "beta2", "epsilon",
            "weight_decay", "clip_norm", "rho", "centered",
            "initial_accumulator", "clip_value", "huber_delta", "focal_gamma", "focal_alpha", "label_smoothing", "micro_batch", "seed", "exact_gates",
            "bf16", "recompute_gates")
_log = logging.getLogger("skincredible.trainer")


@dataclass(frozen=True)
class StepResult:
    """loss: the mean over the used samples. grad_norm: before clipping. outputs: what the network
    gave in the forward pass."""

    loss: float
    used: int
    grad_norm: float
    outputs: np.ndarray


def _index(what: str, value: str, names: Any) -> int:
    if value not in names:
        raise ValueError(f"{what}={value!r}: expected one of {', '.join(names)}")
    return names.index(value)


class Trainer(Handle):
    """A model in training, whose weights it changes; one thread at a time.

    loss: bce, softmax, compat-tf22, mse, mae. optimizer: sgd, adam, adamw. options: those of
    convlstm_trainer_options: learning_rate, momentum, clip_norm, label_smoothing, micro_batch, seed,
    num_threads, ..., class_weight=(a, b), rates={"dense": 0.1}.
    """

    _free = convlstm.convlstm_trainer_free

    def __init__(self, model: Model, loss: str = "bce", optimizer: str = "adam",
                 **options: Any) -> None:
        super().__init__(model)
        self.model = model
        self._lock = threading.Lock()
        kind = _index("optimizer", optimizer, OPTIMIZERS)
        settings = TrainerOptions()
        convlstm.convlstm_trainer_defaults(C.byref(settings), kind)
        settings.loss = _index("loss", loss, LOSSES)
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
        inputs = Inputs(x, mask, self.model.info.channels)
        b, t, h, w, _ = inputs.x.shape
        shape = (b, *self.model.output_shape(t, h, w))
        targets = np.ascontiguousarray(y, np.float32)
        if targets.shape != shape:
            raise ShapeError(f"y has the shape {targets.shape}: expected {shape}")
        out, figures = np.zeros(shape, np.float32), StepFigures()
        with self._lock:
            status = function(self.pointer, C.byref(inputs.batch()), targets.ctypes.data,
                              out.ctypes.data, C.byref(figures))
            text = convlstm.convlstm_trainer_error(self.pointer).decode() if status else ""
        check(status, text)
        return StepResult(figures.loss, figures.used, figures.grad_norm, out)

    def step(self, x: Any, y: Any, mask: Any = None) -> StepResult:
        """One step of the optimizer. x (B,T,H,W,C); y as predict gives, (B,K) for a vector."""
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
        """Trains for whole epochs over arrays, in an order that follows from the seed, and returns a
        dict {epoch, loss, validation_loss} for each. validation: (x, y) or (x, y, mask). progress is
        called with each dict; training ends when it returns False."""
        x, y = np.asarray(x), np.asarray(y)
        mask = None if mask is None else np.asarray(mask)
        order, history = np.random.default_rng(seed), []
        for epoch in range(1, epochs + 1):
            total, used = 0.0, 0
            places = order.permutation(len(x))
            for begin in range(0, len(x), batch_size):
                chosen = places[begin:begin + batch_size]
                result = self.step(x[chosen], y[chosen], None if mask is None else mask[chosen])
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
