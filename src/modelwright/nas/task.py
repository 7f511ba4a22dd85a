"""Tasks: what is to be learned, as the targets show it, and what outputs are worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Kind = Literal["multiclass", "binary", "multilabel", "regression"]
#: The fact of a trial that has ``Task.doubts``.
DOUBTS = "doubts"
#: What networks are judged by, for each kind of task. Of several labels ``val_accuracy`` is the share of all labels of
#: all rows that are right, ``val_exact`` that of rows. ``val_loss`` is what is trained on: of numbers the squared error
#: of each output in its own standard deviations. ``val_mse`` and ``val_mae`` are in the targets' units; ``val_r2`` is
#: the mean of the outputs'.
METRICS: dict[Kind, tuple[str, ...]] = {
    "multiclass": ("val_accuracy", "val_loss"),
    "binary": ("val_accuracy", "val_loss"),
    "multilabel": ("val_accuracy", "val_exact", "val_loss"),
    "regression": ("val_loss", "val_mse", "val_mae", "val_r2"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be learned.

    Attributes:
        kind: one of several classes, one of two by a single output, several labels at once, or numbers.
        outputs: how many numbers the network puts out.
        classes: the labels in the order of the outputs, () where there are none; a single output is the second's.
        one_hot: whether the classes came as rows of 0 with a single 1.
        images: whether an input has height and width.
        center, spread: of the numbers to be learned, for regression, one an output.
    """

    kind: Kind
    outputs: int
    classes: tuple[Any, ...] = ()
    one_hot: bool = False
    images: bool = False
    center: tuple[float, ...] = ()
    spread: tuple[float, ...] = ()

    @property
    def objective(self) -> str:
        """What is optimised unless the user says otherwise. Of rare labels nearly all are right where none is found."""
        return "val_accuracy" if self.one_class else "val_loss"

    @property
    def one_class(self) -> bool:
        """Whether each row has one class."""
        return self.kind in ("multiclass", "binary")

    def places(self, y: np.ndarray) -> np.ndarray:
        """The class of each row, as a place in ``classes``, of targets as ``Dataset`` or as losses have them."""
        if self.kind == "binary":
            return y[:, 0].astype(int)
        return y if y.ndim == 1 else y.argmax(axis=1)

    def metrics(self, outputs: np.ndarray, truth: np.ndarray) -> dict[str, float]:
        """Of outputs (logits, for labels) against the truth as ``Dataset`` has it."""
        return {name: float(values.mean()) for name, values in self.by_row(outputs, truth).items()}

    def by_row(self, outputs: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
        """The same of each row: a metric is their mean. Numbers have to be there all at once, for ``val_r2``."""
        if self.kind == "multiclass":
            logs = outputs - outputs.max(axis=1, keepdims=True)
            logs = logs - np.log(np.exp(logs).sum(axis=1, keepdims=True))
            right = outputs.argmax(axis=1) == truth.argmax(axis=1)
            return {"val_accuracy": right.astype(float), "val_loss": -(truth * logs).sum(axis=1)}
        if self.kind in ("binary", "multilabel"):
            cross = np.logaddexp(0.0, outputs) - truth * outputs
            right = (outputs > 0) == (truth > 0.5)
            found = {"val_accuracy": right.mean(axis=1), "val_loss": cross.mean(axis=1)}
            return found if self.kind == "binary" else {**found, "val_exact": right.all(axis=1).astype(float)}
        return self._of_numbers(outputs, truth)

    def doubts(self, found: Mapping[str, np.ndarray]) -> dict[str, float]:
        """Standard errors of metrics that the number of rows does not tell: a row's labels may be right together.

        Args:
            found: as ``by_row`` gives it.
        """
        if self.kind != "multilabel":
            return {}
        shares = found["val_accuracy"]
        return {"val_accuracy": max(float(shares.std()) / len(shares) ** 0.5, 1.0 / (len(shares) * self.outputs))}

    def _of_numbers(self, outputs: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
        """Of the numbers as the model that is handed out gives them: in their own units, rounded to 32 bits."""
        spread, center = np.array(self.spread), np.array(self.center)
        with np.errstate(over="ignore"):
            told = outputs.astype(np.float32) * spread.astype(np.float32) + center.astype(np.float32)
        error = told.astype(np.float64) - (truth * spread + center)
        squared, variance = error**2, (truth * spread).var(axis=0)
        varied = variance > 0
        explained = 1.0 - squared[:, varied] / variance[varied]
        return {
            "val_loss": (squared / spread**2).mean(axis=1),
            "val_mse": squared.mean(axis=1),
            "val_mae": np.abs(error).mean(axis=1),
            "val_r2": explained.mean(axis=1) if varied.any() else np.full(len(error), np.nan),
        }
