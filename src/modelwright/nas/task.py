"""Tasks: what is to be learned, as the targets show it, and what outputs are worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Kind = Literal["multiclass", "binary", "multilabel", "regression"]
#: What networks are judged by, for each kind of task; see ``Task.metrics``.
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
        images: whether an input has height and width.
        center, spread: of the numbers to be learned, for regression, one an output.
    """

    kind: Kind
    outputs: int
    classes: tuple[Any, ...] = ()
    images: bool = False
    center: tuple[float, ...] = ()
    spread: tuple[float, ...] = ()

    @property
    def objective(self) -> str:
        """What is optimised unless the user says otherwise."""
        return "val_loss" if self.kind == "regression" else "val_accuracy"

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
        if self.kind == "multiclass":
            logs = outputs - outputs.max(axis=1, keepdims=True)
            logs = logs - np.log(np.exp(logs).sum(axis=1, keepdims=True))
            right = outputs.argmax(axis=1) == truth.argmax(axis=1)
            return {"val_accuracy": float(right.mean()), "val_loss": float(-(truth * logs).sum(axis=1).mean())}
        if self.kind in ("binary", "multilabel"):
            cross = np.logaddexp(0.0, outputs) - truth * outputs
            right = (outputs > 0) == (truth > 0.5)
            found = {"val_accuracy": float(right.mean()), "val_loss": float(cross.mean())}
            return found if self.kind == "binary" else {**found, "val_exact": float(right.all(axis=1).mean())}
        spread = np.array(self.spread)
        error = (outputs - truth) * spread
        variance = (truth * spread).var(axis=0).mean()
        squared = float((error**2).mean())
        return {
            "val_loss": squared,
            "val_mse": squared,
            "val_mae": float(np.abs(error).mean()),
            "val_r2": 1.0 - squared / variance if variance > 0 else float("nan"),
        }
