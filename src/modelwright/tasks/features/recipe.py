"""Recipes: the steps from a frame to a matrix, what they were fitted to, and what became of each raw column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from modelwright.core.codec import dumps
from modelwright.core.errors import ArgumentError
from modelwright.core.rng import Seed
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.features.matrix import Matrix, side_by_side
from modelwright.tasks.features.registered import REGISTER
from modelwright.tasks.features.step import Applied, AppliedColumns, AppliedMatrix, ColumnStep, MatrixStep, Sight, Step


@dataclass(frozen=True, slots=True)
class Recipe:
    """Which steps with which settings: first those that read columns, side by side; then those on the matrix, in order.

    >>> from modelwright.tasks.features.numbers import Numbers
    >>> from modelwright.tasks.features.scaling import Scaled
    >>> recipe = Recipe((Numbers(("age",)), Scaled()))
    >>> recipe.to_json()
    [{'step': 'numbers', 'columns': ['age']}, {'step': 'scaled', 'how': 'robust', 'indicators': True}]
    >>> Recipe.from_json(recipe.to_json()) == recipe
    True
    """

    steps: tuple[Step, ...]

    def to_json(self) -> list[dict[str, Any]]:
        """Plain JSON."""
        return [step.to_json() for step in self.steps]

    @property
    def key(self) -> str:
        """A text that is the same for equal recipes."""
        return dumps(self.to_json())

    @classmethod
    def from_json(cls, json: Sequence[Mapping[str, Any]]) -> Recipe:
        """The inverse of ``to_json``.

        Raises:
            ArgumentError: a step that this version does not know.
        """
        return cls(tuple(_step(entry) for entry in json))

    def fit(
        self,
        frame: Frame,
        y: np.ndarray,
        task: str,
        *,
        weight: np.ndarray | None = None,
        seed: int,
        folds: int = 5,
        classes: int | None = None,
    ) -> tuple[Fitted, Matrix]:
        """Fit the steps on ``frame``.

        Args:
            y: (rows,): classes from 0, or values.
            task: "binary", "multiclass" or "regression".
            weight: (rows,) or None.
            folds: how many folds steps that see the target are cross-fitted in.
            classes: number of classes, where ``y`` may lack some; None counts those in ``y``.

        Returns:
            The fitted steps, and the matrix of these rows: values that depend on targets come from other rows'.
        """
        own = Seed(seed)
        if classes is None:
            classes = 0 if task == "regression" else max(2, int(y.max()) + 1 if len(y) else 2)
        # By chance alone: folds that were stratified by the target would let a row's own target decide its fold.
        parts = max(1, min(folds, frame.rows))
        fold_of = own.child("folds").generator().permutation(np.arange(frame.rows) % parts)
        blocks: list[Matrix] = []
        applied: list[Applied] = []
        matrix: Matrix | None = None
        for number, step in enumerate(self.steps):
            sight = Sight(y=y, task=task, classes=classes, weight=weight, seed=own.child("step", number), folds=fold_of)
            if isinstance(step, ColumnStep):
                made, values = step.fit(frame, sight)
                blocks.append(made.matrix(values))
            elif isinstance(step, MatrixStep):
                matrix = side_by_side(blocks, frame.rows) if matrix is None else matrix
                made, values = step.fit(matrix, sight)
                matrix = made.matrix(values)
            applied.append(made)
        matrix = side_by_side(blocks, frame.rows) if matrix is None else matrix
        return Fitted(tuple(applied)), matrix


def _step(entry: Mapping[str, Any]) -> Step:
    kind = REGISTER.steps.get(str(entry.get("step")))
    if kind is None:
        raise ArgumentError(
            f"unknown step {entry.get('step')!r}", where="Recipe.from_json", allowed=", ".join(sorted(REGISTER.steps))
        )
    own = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in entry.items() if k in own})


class Fitted:
    """Fitted steps: a frame in, a matrix out. Nothing but JSON and arrays is kept."""

    def __init__(self, applied: tuple[Applied, ...]):
        self.applied = applied
        self._columns = [step for step in applied if isinstance(step, AppliedColumns)]
        self._after = [step for step in applied if isinstance(step, AppliedMatrix)]
        last = self._after[-1] if self._after else None
        self._names = last.names if last else tuple(n for s in self._columns for n in s.names)
        self._sources = last.sources if last else tuple(n for s in self._columns for n in s.sources)
        starts = np.cumsum([0, *(len(s.names) for s in self._columns)])
        places = [int(at) + c for at, s in zip(starts, self._columns, strict=False) for c in s.categorical]
        self._categorical = last.categorical if last else tuple(places)

    @property
    def sources(self) -> tuple[tuple[str, ...], ...]:
        """The raw columns that each feature of the matrix was made of."""
        return self._sources

    def transform(self, frame: Frame) -> Matrix:
        """The matrix of any rows with the same columns."""
        parts = [step.values(frame) for step in self._columns]
        if len(parts) == 1:
            values = parts[0]
        else:
            values = np.concatenate(parts, axis=1) if parts else np.zeros((frame.rows, 0), np.float32)
        for step in self._after:
            values = step.values(values)
        return Matrix(values=values, names=self._names, sources=self._sources, categorical=self._categorical)

    def report(self) -> dict[str, dict[str, Any]]:
        """For each raw column that was read: which features it became, and which were dropped, with the reasons.

        A value has "features" (names, of those that the learner gets) and "dropped" (name -> why).
        """
        found: dict[str, dict[str, Any]] = {}

        def of(column: str) -> dict[str, Any]:
            return found.setdefault(column, {"features": [], "dropped": {}})

        for step in self._columns:
            for column in (*step.json.get("columns", ()), *(c for source in step.sources for c in source)):
                of(column)
        for step in self._after:
            for name, sources, why in step.json.get("dropped", ()):
                for column in sources:
                    of(column)["dropped"][name] = why
        for name, sources in zip(self._names, self._sources, strict=True):
            for column in sources:
                of(column)["features"].append(name)
        return found

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """What ``restore`` takes: JSON and arrays."""
        json = {"steps": [{"step": s.kind, **s.json} for s in self.applied]}
        arrays = {f"{number}/{name}": a for number, s in enumerate(self.applied) for name, a in s.arrays.items()}
        return json, arrays

    @classmethod
    def restore(cls, json: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Fitted:
        """The inverse of ``state``."""
        applied = []
        for number, entry in enumerate(json["steps"]):
            kind = REGISTER.applied.get(entry["step"])
            if kind is None:
                raise ArgumentError(
                    f"unknown step {entry['step']!r}",
                    where="a stored model's features",
                    hint="It was written by a newer version: upgrade Modelwright.",
                )
            start = f"{number}/"
            own = {name[len(start) :]: array for name, array in arrays.items() if name.startswith(start)}
            applied.append(kind({k: v for k, v in entry.items() if k != "step"}, own))
        return cls(tuple(applied))
