"""Steps: how a kind of feature is fitted and applied. Owns the two sides of every step and how they are stored.

A step is a frozen record of settings. Fitting it gives an ``Applied``, which is nothing but JSON and arrays, and the
features of the rows it was fitted on: where a step sees the target these are made from *other* rows' targets.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np

from modelwright.core.rng import Seed
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.features.matrix import Matrix

#: What fitting a step at most looks at, in rows, for statistics that need no more.
SAMPLE = 100_000


def some_rows(rows: int, most: int = SAMPLE) -> np.ndarray | slice:
    """Places of so many rows at most, in order, the same ones for a number of rows.

    The first ones tell nothing but the beginning of a table in the order of time, and one in so many may be of the same
    hour each time.

    >>> some_rows(5)
    slice(None, None, None)
    >>> len(some_rows(1000, 10))
    10
    """
    if rows <= most:
        return slice(None)
    return np.sort(np.random.default_rng(rows).choice(rows, most, replace=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What a step may look at while it is fitted, besides the features.

    Attributes:
        y: of the rows: classes from 0 (binary, multiclass) or values.
        task: "binary", "multiclass" or "regression".
        classes: number of classes; 0 in regression.
        weight: of each row, or None for equal weights.
        seed: where chance comes from.
        folds: int array: in which fold a row is encoded, by the targets of the other folds. It does not depend on y.
    """

    y: np.ndarray
    task: str
    classes: int
    weight: np.ndarray | None
    seed: Seed
    folds: np.ndarray

    def outputs(self, rows: np.ndarray | slice = slice(None), *, most: int | None = None) -> np.ndarray:
        """The target of some rows as columns, (rows, outputs).

        That is the values, whether it is class 1, or one column for each class, of which only the first ``most`` are
        made: of all rows and many classes they would take more than the table.
        """
        y = self.y[rows]
        if self.task == "multiclass":
            return (y[:, None] == np.arange(self.classes)[:most]).astype(np.float64)
        return y.astype(np.float64)[:, None]


class Applied(ABC):
    """A fitted step.

    Attributes:
        json: what it knows, without arrays; "names", "sources" and "categorical" say what it makes.
        arrays: what else it knows.
    """

    kind: ClassVar[str]

    def __init__(self, json: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None):
        self.json, self.arrays = dict(json), dict(arrays or {})
        self.names: tuple[str, ...] = tuple(json["names"])
        self.sources: tuple[tuple[str, ...], ...] = tuple(tuple(s) for s in json["sources"])
        self.categorical: tuple[int, ...] = tuple(json.get("categorical", ()))
        self.prepare()

    def prepare(self) -> None:
        """Called once the state is there: what is worth to be looked up only once."""

    def matrix(self, values: np.ndarray) -> Matrix:
        """A matrix of the features that this step makes."""
        return Matrix(values=values, names=self.names, sources=self.sources, categorical=self.categorical)


class AppliedColumns(Applied):
    """A fitted step that reads raw columns."""

    @abstractmethod
    def values(self, frame: Frame) -> np.ndarray:
        """float32 array (rows, features)."""


class AppliedMatrix(Applied):
    """A fitted step that changes the matrix which the steps before it made."""

    @abstractmethod
    def values(self, matrix: np.ndarray) -> np.ndarray:
        """float32 array (rows, features) of the array that the steps before made."""


class Step(ABC):
    """Settings of a step, as a frozen dataclass whose fields are plain JSON."""

    kind: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        """The settings with the step's name."""
        own = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        return {"step": self.kind, **{k: list(v) if isinstance(v, tuple) else v for k, v in own.items()}}


class ColumnStep(Step):
    """A step that reads raw columns."""

    @abstractmethod
    def fit(self, frame: Frame, sight: Sight) -> tuple[AppliedColumns, np.ndarray]:
        """The fitted step, and the features of these rows; targets of other rows only are in them."""


class MatrixStep(Step):
    """A step that changes the matrix which the steps before it made."""

    @abstractmethod
    def fit(self, matrix: Matrix, sight: Sight) -> tuple[AppliedMatrix, np.ndarray]:
        """The fitted step, and the features of these rows."""


@dataclass(slots=True)
class Register:
    """Steps by their names, each with its fitted side."""

    steps: dict[str, type[Step]] = field(default_factory=dict)
    applied: dict[str, type[Applied]] = field(default_factory=dict)

    def add(self, step: type[Step], applied: type[Applied]) -> None:
        """Make a step known under its name."""
        self.steps[step.kind] = step
        self.applied[step.kind] = applied


def described(names: list[str], sources: list[tuple[str, ...]], categorical: list[int] | None = None) -> dict[str, Any]:
    """The part of a fitted step's JSON that says what it makes."""
    return {"names": names, "sources": [list(s) for s in sources], "categorical": categorical or []}
