"""Interactions: sums, differences, products and ratios of two numbers, chosen by what they explain beyond both."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np

from modelwright.tasks.data.frame import Frame
from modelwright.tasks.features.columns import stacked
from modelwright.tasks.features.relevance import binned, distinct, explained, some_rows, standardised
from modelwright.tasks.features.step import AppliedColumns, ColumnStep, Sight, described

_OPERATIONS = ("plus", "minus", "times", "over", "under")
_ROWS = 6000
#: Columns that are looked at: the first so many.
_COLUMNS = 300
#: What a pair must explain beyond the better of its two columns.
_GAIN = 0.005


@dataclass(frozen=True, slots=True)
class Pairs(ColumnStep):
    """Arithmetic of two numbers each, the best of them by explained variance on rows held back.

    Args:
        among: how many columns are combined: those that explain most by themselves.
        most: features that are kept.
    """

    columns: tuple[str, ...]
    among: int = 8
    most: int = 12
    kind: ClassVar[str] = "pairs"

    def fit(self, frame: Frame, sight: Sight) -> tuple[AppliedColumns, np.ndarray]:
        rows = some_rows(frame.rows, _ROWS, sight.seed.child("rows"))
        outputs = standardised(sight.outputs(rows))
        first = self.columns[:_COLUMNS]
        columns = stacked(frame.numbers, first, frame.rows, np.float64)[:, rows]
        alone = np.array([explained(binned(column), outputs) for column in columns])
        leading = np.sort(np.argsort(-alone, kind="stable")[: self.among])
        tried = [(o, int(a), int(b)) for a, b in combinations(leading, 2) for o in range(len(_OPERATIONS))]
        chosen: list[tuple[int, int, int]] = []
        if tried:
            values = _combined(columns, np.array(tried))
            usable = np.where(np.isfinite(values), values, 0.0)
            gains = np.array([explained(binned(v), outputs) for v in values])
            gains -= np.array([max(alone[a], alone[b], 0.0) for _, a, b in tried])
            order = [place for place in np.argsort(-gains, kind="stable") if gains[place] > _GAIN]
            chosen = [tried[place] for place in distinct(usable, np.array(order, np.int64), self.most)]
        names = [f"{self.columns[a]} {_OPERATIONS[o]} {self.columns[b]}" for o, a, b in chosen]
        json = described(names, [(self.columns[a], self.columns[b]) for _, a, b in chosen])
        json["columns"] = list(self.columns)
        applied = AppliedPairs(json, {"chosen": np.array(chosen, np.int32).reshape(-1, 3)})
        return applied, applied.values(frame)


def _combined(columns: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """(features, rows) of columns (columns, rows); NaN where there is no finite result."""
    made = np.empty((len(chosen), columns.shape[1]))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for operation in range(len(_OPERATIONS)):
            own = chosen[:, 0] == operation
            if not own.any():
                continue
            left, right = columns[chosen[own, 1]], columns[chosen[own, 2]]
            if operation == 0:
                made[own] = left + right
            elif operation == 1:
                made[own] = left - right
            elif operation == 2:
                made[own] = left * right
            else:
                made[own] = left / right if operation == 3 else right / left
    made[~(np.abs(made) < 1e30)] = np.nan
    return made


class AppliedPairs(AppliedColumns):
    kind: ClassVar[str] = "pairs"

    def prepare(self) -> None:
        columns = self.json["columns"]
        chosen = self.arrays["chosen"]
        used = np.unique(chosen[:, 1:]) if len(chosen) else np.zeros(0, np.int32)
        self._used = tuple(columns[place] for place in used)
        self._chosen = chosen.copy()
        self._chosen[:, 1:] = np.searchsorted(used, chosen[:, 1:])

    def values(self, frame: Frame) -> np.ndarray:
        columns = stacked(frame.numbers, self._used, frame.rows, np.float64)
        return _combined(columns, self._chosen).T.astype(np.float32, order="C")
