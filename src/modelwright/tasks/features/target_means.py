"""Categories by what the target was among other rows of their level (target encoding), cross-fitted.

Micci-Barreca, "A preprocessing scheme for high-cardinality categorical attributes", SIGKDD Explorations 2001. A row
that is fitted on is encoded from folds it is not in, so that its own target cannot come back as a feature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from modelwright.tasks.data.frame import Frame
from modelwright.tasks.features.columns import first_places, stacked
from modelwright.tasks.features.step import AppliedColumns, ColumnStep, Sight, described

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
        outputs = min(sight.classes, _MOST_CLASSES) if sight.task == "multiclass" else 1
        ends = [""] if outputs == 1 else [f" ({k})" for k in range(outputs)]
        names = [f"{name}: mean target{end}" for name in self.columns for end in ends]
        json = described(names, [(name,) for name in self.columns for _ in ends])
        json.update(columns=list(self.columns), sizes=[len(frame.levels[n]) + 2 for n in self.columns])
        made = np.empty((frame.rows, len(names)), np.float32)
        tables = [np.zeros((0, len(ends)), np.float32)]
        for place, name in enumerate(self.columns):
            table, own = encoded(frame.codes[name] + 1, json["sizes"][place], sight, self.smoothing)
            tables.append(table)
            made[:, place * len(ends) : (place + 1) * len(ends)] = own
        return AppliedTargetMeans(json, {"table": np.concatenate(tables)}), made


def encoded(codes: np.ndarray, size: int, sight: Sight, smoothing: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean targets less the mean of all, shrunk, by code.

    Returns:
        The table for new rows (size, outputs), and for these rows (rows, outputs) what the other folds' targets give.
    """
    outputs = sight.outputs(most=_MOST_CLASSES)
    weight = np.ones(len(codes)) if sight.weight is None else sight.weight.astype(np.float64)
    parts = int(sight.folds.max()) + 1 if len(sight.folds) else 1
    flat = sight.folds.astype(np.int64) * size + codes
    count = np.bincount(flat, weight, parts * size).reshape(parts, size)
    table = np.zeros((size, outputs.shape[1]), np.float32)
    own = np.zeros((len(codes), outputs.shape[1]), np.float32)
    for k in range(outputs.shape[1]):
        total = np.bincount(flat, weight * outputs[:, k], parts * size).reshape(parts, size)
        counts, totals = count.sum(axis=0), total.sum(axis=0)
        table[:, k] = _shrunk(counts, totals, smoothing)
        if parts > 1:
            rest = [_shrunk(counts - count[fold], totals - total[fold], smoothing) for fold in range(parts)]
            own[:, k] = np.stack(rest).reshape(-1)[flat]
    return table, own


def _shrunk(count: np.ndarray, total: np.ndarray, smoothing: float) -> np.ndarray:
    everything = count.sum()
    prior = total.sum() / everything if everything > 0 else 0.0
    seen = count > 1e-9
    return np.where(seen, (total - prior * count) / np.where(seen, count + smoothing, 1.0), 0.0)


class AppliedTargetMeans(AppliedColumns):
    kind: ClassVar[str] = "target means"

    def prepare(self) -> None:
        self._columns = tuple(self.json["columns"])
        self._start = first_places(self.json["sizes"])

    def values(self, frame: Frame) -> np.ndarray:
        codes = stacked(frame.codes, self._columns, frame.rows, np.int64)
        found = self.arrays["table"][codes + self._start]  # (columns, rows, outputs)
        return np.ascontiguousarray(found.transpose(1, 0, 2).reshape(frame.rows, len(self.names)))
