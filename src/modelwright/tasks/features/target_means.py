"""Categories by what the target was among other rows of their level (target encoding), cross-fitted.

Micci-Barreca, "A preprocessing scheme for high-cardinality categorical attributes", SIGKDD Explorations 2001. A row
that is fitted on is encoded from folds it is not in, so that its own target cannot come back as a feature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from modelwright.tasks.features.columns import stacked
from modelwright.tasks.features.step import AppliedColumns, ColumnStep, Sight, described
from modelwright.tasks.frame import Frame

#: Classes that get a feature each.
_MOST_CLASSES = 30


@dataclass(frozen=True, slots=True)
class TargetMeans(ColumnStep):
    """Mean target of the level less the mean of all, shrunk to 0 where the level has few rows.

    One feature a column; with several classes, one for each of at most 30 classes.

    Args:
        smoothing: rows of the level at which half of the difference counts.
    """

    columns: tuple[str, ...]
    smoothing: float = 10.0
    kind: ClassVar[str] = "target means"

    def fit(self, frame: Frame, sight: Sight) -> tuple[AppliedColumns, np.ndarray]:
        outputs = sight.outputs()[:, :_MOST_CLASSES]
        weight = np.ones(frame.rows) if sight.weight is None else sight.weight.astype(np.float64)
        ends = [""] if outputs.shape[1] == 1 else [f" ({k})" for k in range(outputs.shape[1])]
        names = [f"{name}: mean target{end}" for name in self.columns for end in ends]
        json = described(names, [(name,) for name in self.columns for _ in ends])
        json.update(columns=list(self.columns), sizes=[len(frame.levels[n]) + 2 for n in self.columns])
        made = np.empty((frame.rows, len(names)), np.float32)
        tables = []
        for place, name in enumerate(self.columns):
            table, own = self._encoded(frame.codes[name] + 1, json["sizes"][place], outputs, weight, sight.folds)
            tables.append(table)
            made[:, place * len(ends) : (place + 1) * len(ends)] = own
        table = np.concatenate(tables) if tables else np.zeros((0, len(ends)), np.float32)
        return AppliedTargetMeans(json, {"table": table}), made

    def _encoded(
        self, codes: np.ndarray, size: int, outputs: np.ndarray, weight: np.ndarray, folds: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The table for new rows (size, outputs), and the values of these rows by the other folds' targets."""
        parts = int(folds.max()) + 1 if len(folds) else 1
        flat = folds.astype(np.int64) * size + codes
        shape = (parts, size)
        count = np.bincount(flat, weight, parts * size).reshape(shape)
        table = np.zeros((size, outputs.shape[1]), np.float32)
        own = np.zeros((len(codes), outputs.shape[1]), np.float32)
        for k in range(outputs.shape[1]):
            total = np.bincount(flat, weight * outputs[:, k], parts * size).reshape(shape)
            table[:, k] = self._shrunk(count.sum(axis=0), total.sum(axis=0))
            if parts > 1:
                rest = [self._shrunk(count.sum(axis=0) - count[f], total.sum(axis=0) - total[f]) for f in range(parts)]
                own[:, k] = np.stack(rest).reshape(-1)[flat]
        return table, own

    def _shrunk(self, count: np.ndarray, total: np.ndarray) -> np.ndarray:
        everything = count.sum()
        prior = total.sum() / everything if everything > 0 else 0.0
        seen = count > 1e-9
        return np.where(seen, (total - prior * count) / np.where(seen, count + self.smoothing, 1.0), 0.0)


class AppliedTargetMeans(AppliedColumns):
    kind: ClassVar[str] = "target means"

    def prepare(self) -> None:
        self._columns = tuple(self.json["columns"])
        sizes = np.array(self.json["sizes"], np.int64)
        self._start = (np.cumsum(sizes) - sizes + 1)[:, None]

    def values(self, frame: Frame) -> np.ndarray:
        codes = stacked(frame.codes, self._columns, frame.rows, np.int64)
        found = self.arrays["table"][codes + self._start]  # (columns, rows, outputs)
        return np.ascontiguousarray(found.transpose(1, 0, 2).reshape(frame.rows, len(self.names)))
