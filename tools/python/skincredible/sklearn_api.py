"""A classifier of sequences as scikit-learn has them: fit, predict, predict_proba, score,
get_params.
scikit-learn itself is used where it is installed, and not needed."""
from typing import Any, Dict, Mapping, Optional, Union

import numpy as np

from .model import Model
from .trainer import Trainer

try:
    from sklearn.base import BaseEstimator as _Base
    from sklearn.base import ClassifierMixin as _Mixin
except ImportError:
    class _Mixin:  # type: ignore[no-redef]
        def score(self, X: Any, y: Any) -> float:
            """The share of right predictions."""
            return float(np.mean(self.predict(X) == np.asarray(y)))  # type: ignore[attr-defined]

    class _Base:  # type: ignore[no-redef]
        _names = ("network", "optimizer", "learning_rate", "epochs", "batch_size", "seed",
                  "num_threads")

        def get_params(self, deep: bool = True) -> Dict[str, Any]:
            """The arguments of the constructor."""
            return {name: getattr(self, name) for name in self._names}

        def set_params(self, **params: Any) -> Any:
            """Sets arguments of the constructor by name."""
            for name, value in params.items():
                if name not in self._names:
                    raise ValueError(f"there is no parameter {name!r}")
                setattr(self, name, value)
            return self


class SequenceClassifier(_Mixin, _Base):
    """Trains a network on sequences X (B,T,H,W,C) with one class label each.

    network: the name of a preset for X's image size, or a description whose last layer has as many
    units as there are classes."""

    def __init__(self, network: Union[str, Mapping[str, Any]] = "skincredible-gap",
                 optimizer: str = "adam", learning_rate: Optional[float] = None, epochs: int = 10,
                 batch_size: int = 8, seed: int = 1, num_threads: int = 0) -> None:
        self.network = network
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.seed = seed
        self.num_threads = num_threads

    def fit(self, X: Any, y: Any) -> "SequenceClassifier":
        """Draws the weights from the seed, and trains with the categorical cross-entropy."""
        X, y = np.asarray(X, np.float32), np.asarray(y)
        if X.ndim != 5 or len(X) != len(y):
            raise ValueError(f"X has the shape {X.shape} and y the length {len(y)}: expected "
                             "(sequences, frames, height, width, channels) and one label each")
        self.classes_, index = np.unique(y, return_inverse=True)
        self.model_ = (Model.preset(self.network, X.shape[2], X.shape[3], self.seed)
                       if isinstance(self.network, str)
                       else Model.from_description(self.network, self.seed))
        outputs = self.model_.info.outputs
        if outputs != len(self.classes_):
            raise ValueError(
                f"y has {len(self.classes_)} classes, and the network {outputs} outputs")
        rate = {} if self.learning_rate is None else {"learning_rate": self.learning_rate}
        trainer = Trainer(self.model_, "softmax", self.optimizer, num_threads=self.num_threads,
                          seed=self.seed, **rate)
        self.history_ = trainer.fit(X, np.eye(outputs, dtype=np.float32)[index], epochs=self.epochs,
                                    batch_size=self.batch_size, seed=self.seed)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, in the order of classes_."""
        return self.model_.predict(X)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each sequence."""
        return self.classes_[np.argmax(self.predict_proba(X), axis=1)]
