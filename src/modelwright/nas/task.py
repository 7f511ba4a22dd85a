"""Tasks: what is to be learned, as the targets show it, and what outputs are worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import counted

Kind = Literal["multiclass", "multilabel", "regression"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be learned.

    Attributes:
        kind: one of several classes, several labels at once, or numbers.
        outputs: how many numbers the network puts out.
        classes: the labels in the order of the outputs; () where there are none.
        images: whether the first input has height and width.
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

    def metrics(self, outputs: np.ndarray, truth: np.ndarray) -> dict[str, float]:
        """Of outputs (logits, for labels) against the truth as ``Dataset`` has it."""
        if self.kind == "multiclass":
            logs = outputs - outputs.max(axis=1, keepdims=True)
            logs = logs - np.log(np.exp(logs).sum(axis=1, keepdims=True))
            right = outputs.argmax(axis=1) == truth.argmax(axis=1)
            return {"val_accuracy": float(right.mean()), "val_loss": float(-(truth * logs).sum(axis=1).mean())}
        if self.kind == "multilabel":
            cross = np.logaddexp(0.0, outputs) - truth * outputs
            right = (outputs > 0) == (truth > 0.5)
            exact = right.all(axis=1)
            return {
                "val_accuracy": float(right.mean()),
                "val_exact": float(exact.mean()),
                "val_loss": float(cross.mean()),
            }
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


def task_of(y: np.ndarray, kind: Kind | None, notes: list[str], where: str) -> tuple[Task, np.ndarray]:
    """The task that targets show, and the targets as losses take them.

    Args:
        kind: what it is, where the targets leave it open.
        notes: what a user should know is added to it.

    Raises:
        ArgumentError: they show none.
    """
    if kind not in (None, "multiclass", "multilabel", "regression"):
        raise ArgumentError(f"task={kind!r}", where=where, allowed="'multiclass', 'multilabel', 'regression'")
    if y.ndim == 2 and y.shape[1] > 1:
        return _of_rows(y, kind)
    y = y.ravel()
    whole = y.dtype.kind in "iubUS" or bool(np.all(y == np.round(y)))
    if kind == "regression" or (kind is None and not whole):
        if y.dtype.kind in "US":
            raise ArgumentError("y holds texts, which are no numbers to be learned", where=where)
        return Task(kind="regression", outputs=1), y.reshape(-1, 1).astype(np.float64)
    if kind is None and y.dtype.kind == "f" and len(np.unique(y)) > max(20, len(y) // 20):
        return Task(kind="regression", outputs=1), y.reshape(-1, 1).astype(np.float64)
    labels = y.astype(np.int64) if y.dtype.kind in "fiub" else y
    classes, encoded = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise ArgumentError(
            f"all rows have the label {classes[0]!r}", where=where, allowed="two classes or more", hint="Look at y."
        )
    names: tuple[Any, ...] = tuple(classes.tolist())
    if labels.dtype.kind == "i" and classes[0] >= 0 and classes[-1] < 2 * len(classes) + 10:
        encoded, names = labels, tuple(range(int(classes[-1]) + 1))
        if len(names) > len(classes):
            notes.append(f"no row has one of {counted(len(names) - len(classes), 'label')} below {names[-1]}")
    elif labels.dtype.kind == "i":
        notes.append(f"the outputs stand for the {len(names)} labels in rising order, from {names[0]} to {names[-1]}")
    table = np.zeros((len(encoded), len(names)), np.float32)
    table[np.arange(len(encoded)), encoded] = 1.0
    return Task(kind="multiclass", outputs=len(names), classes=names), table


def _of_rows(y: np.ndarray, kind: Kind | None) -> tuple[Task, np.ndarray]:
    if y.dtype.kind in "fiub" and np.isin(y, (0, 1)).all() and kind != "regression":
        one = bool((y.sum(axis=1) == 1).all())
        made: Kind = kind or ("multiclass" if one else "multilabel")
        return Task(kind=made, outputs=y.shape[1], classes=tuple(range(y.shape[1]))), y.astype(np.float32)
    return Task(kind="regression", outputs=y.shape[1]), y.astype(np.float64)
