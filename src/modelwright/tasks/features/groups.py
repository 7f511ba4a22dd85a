"""Group statistics: a number next to its mean in a category, and two categories taken as one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np

from modelwright.tasks.data.frame import Frame
from modelwright.tasks.features.relevance import binned, distinct, explained, some_rows, standardised
from modelwright.tasks.features.step import AppliedColumns, ColumnStep, Sight, described
from modelwright.tasks.features.target_means import encoded

_ROWS = 6000
_GAIN = 0.005
#: Columns of a kind that are looked at: the first so many.
_COLUMNS = 300
#: Rows at which half of a level's own mean and spread count.
_PRIOR = 5.0
#: Numbers from here on are taken as missing: their squares have no room.
_LARGEST = 1e30


@dataclass(frozen=True, slots=True)
class GroupMeans(ColumnStep):
    """For pairs of a category and a number: the number's mean in the level, and by how many spreads it differs.

    Sees the target only to choose pairs: those that explain more than the number alone.

    Args:
        columns: categories.
        numbers: numbers.
        among: categories, and numbers, of which pairs are tried.
        most: pairs that are kept.
    """

    columns: tuple[str, ...]
    numbers: tuple[str, ...]
    among: int = 6
    most: int = 6
    kind: ClassVar[str] = "group means"

    def fit(self, frame: Frame, sight: Sight) -> tuple[AppliedColumns, np.ndarray]:
        rows = some_rows(frame.rows, _ROWS, sight.seed.child("rows"))
        outputs = standardised(sight.outputs(rows))
        alone = {n: explained(binned(frame.numbers[n][rows]), outputs) for n in self.numbers[:_COLUMNS]}
        by_self = {c: explained(frame.codes[c][rows] + 1, outputs) for c in self.columns[:_COLUMNS] if frame.levels[c]}
        categories = sorted(by_self, key=lambda c: -by_self[c])[: self.among]
        numbers = sorted(alone, key=lambda n: -alone[n])[: self.among]
        tried, values, gains = [], [], []
        for category in categories:
            for number in numbers:
                table = _statistics(frame, category, number)
                own = _compared(frame.codes[category][rows], frame.numbers[number][rows], table)[1]
                gain = explained(binned(own), outputs) - max(alone[number], by_self[category], 0.0)
                tried.append((category, number, table))
                values.append(np.nan_to_num(own))
                gains.append(gain)
        order = [place for place in np.argsort(-np.array(gains), kind="stable") if gains[place] > _GAIN]
        chosen = distinct(np.array(values), np.array(order, np.int64), self.most) if order else []
        names, sources = [], []
        for place in chosen:
            category, number, _ = tried[place]
            names += [f"mean {number} by {category}", f"{number} within {category}"]
            sources += [(number, category)] * 2
        json = described(names, sources)
        json["pairs"] = [list(tried[place][:2]) for place in chosen]
        applied = AppliedGroupMeans(json, {f"table{k}": tried[place][2] for k, place in enumerate(chosen)})
        return applied, applied.values(frame)


def _statistics(frame: Frame, category: str, number: str) -> np.ndarray:
    """Mean and spread of a number for each level, shrunk to those of all: (levels + 2, 2)."""
    codes, values = frame.codes[category] + 1, frame.numbers[number]
    size = len(frame.levels[category]) + 2
    known = np.abs(values) < _LARGEST
    codes, values = codes[known], values[known]
    middle = float(values.mean()) if len(values) else 0.0
    spread = float(values.std()) if len(values) else 0.0
    count = np.bincount(codes, minlength=size)
    mean = (np.bincount(codes, values - middle, size) / (count + _PRIOR)) + middle
    square = np.bincount(codes, np.square(values - mean[codes]), size)
    return np.column_stack([mean, np.sqrt((square + _PRIOR * spread**2) / (count + _PRIOR))]).astype(np.float64)


def _compared(codes: np.ndarray, values: np.ndarray, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean, spread = table[codes + 1].T
    return mean, (values - mean) / np.maximum(spread, 1e-12)


class AppliedGroupMeans(AppliedColumns):
    kind: ClassVar[str] = "group means"

    def values(self, frame: Frame) -> np.ndarray:
        made = np.empty((frame.rows, len(self.names)), np.float32)
        for place, (category, number) in enumerate(self.json["pairs"]):
            values = np.where(np.abs(frame.numbers[number]) < _LARGEST, frame.numbers[number], np.nan)
            mean, within = _compared(frame.codes[category], values, self.arrays[f"table{place}"])
            made[:, 2 * place], made[:, 2 * place + 1] = mean, np.clip(within, -1e6, 1e6)
        return made


@dataclass(frozen=True, slots=True)
class CrossedMeans(ColumnStep):
    """Two categories as one, by the target's mean among other rows with both levels (cross-fitted).

    Args:
        among: categories of which pairs are tried.
        most: pairs that are kept: those that explain more than either of the two.
        smoothing: rows with both levels at which half of the difference to the mean of all counts.
    """

    columns: tuple[str, ...]
    among: int = 8
    most: int = 6
    smoothing: float = 10.0
    kind: ClassVar[str] = "crossed means"

    def fit(self, frame: Frame, sight: Sight) -> tuple[AppliedColumns, np.ndarray]:
        rows = some_rows(frame.rows, _ROWS, sight.seed.child("rows"))
        outputs = standardised(sight.outputs(rows))
        alone = {c: explained(frame.codes[c][rows] + 1, outputs) for c in self.columns[:_COLUMNS] if frame.levels[c]}
        top = sorted(alone, key=lambda c: -alone[c])[: self.among]
        leading = [column for column in self.columns if column in top]
        gains = {}
        for a, b in combinations(leading, 2):
            both = np.unique(_crossed(frame, a, b)[rows], return_inverse=True)[1]
            gains[a, b] = explained(both, outputs) - max(alone[a], alone[b], 0.0)
        chosen = [pair for pair in sorted(gains, key=lambda p: -gains[p]) if gains[pair] > _GAIN][: self.most]
        names: list[str] = []
        sources: list[tuple[str, ...]] = []
        parts, arrays = [np.zeros((frame.rows, 0), np.float32)], {}
        for place, (a, b) in enumerate(chosen):
            keys, codes = np.unique(_crossed(frame, a, b), return_inverse=True)
            table, own = encoded(codes, len(keys), sight, self.smoothing)
            arrays[f"keys{place}"], arrays[f"table{place}"] = keys, table
            ends = [""] if own.shape[1] == 1 else [f" ({k})" for k in range(own.shape[1])]
            names += [f"{a} and {b}: mean target{end}" for end in ends]
            sources += [(a, b)] * len(ends)
            parts.append(own)
        json = described(names, sources)
        json["pairs"] = [list(pair) for pair in chosen]
        return AppliedCrossedMeans(json, arrays), np.concatenate(parts, axis=1)


def _crossed(frame: Frame, a: str, b: str) -> np.ndarray:
    return (frame.codes[a].astype(np.int64) + 1) * (len(frame.levels[b]) + 2) + frame.codes[b] + 1


class AppliedCrossedMeans(AppliedColumns):
    kind: ClassVar[str] = "crossed means"

    def values(self, frame: Frame) -> np.ndarray:
        parts = [np.zeros((frame.rows, 0), np.float32)]
        for place, (a, b) in enumerate(self.json["pairs"]):
            keys, table = self.arrays[f"keys{place}"], self.arrays[f"table{place}"]
            codes = _crossed(frame, a, b)
            at = np.minimum(np.searchsorted(keys, codes), len(keys) - 1)
            found = table[at]
            found[keys[at] != codes] = 0  # levels that never came together: like the mean of all
            parts.append(found)
        return np.concatenate(parts, axis=1)
