"""Numbers as they are: float32, shifted where that keeps neighbouring values apart. Ordinals by their place.

And nothing, where there is no column to learn from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from modelwright.tasks.data.frame import Frame
from modelwright.tasks.features.columns import stacked
from modelwright.tasks.features.step import AppliedColumns, ColumnStep, Sight, described, some_rows

#: Largest number that goes in, so that differences and squares of some still have room in float32.
_LARGEST = 1e30


@dataclass(frozen=True, slots=True)
class Numbers(ColumnStep):
    """Number, boolean and date-time columns, one feature each; missing and infinite values become NaN.

    Large numbers that lie close together (identifiers, seconds since 1970) lose their last digits in float32; from such
    a column its median is taken first.
    """

    columns: tuple[str, ...]
    kind: ClassVar[str] = "numbers"

    def fit(self, frame: Frame, sight: Sight) -> tuple[AppliedColumns, np.ndarray]:
        shift = np.zeros(len(self.columns))
        rows = some_rows(frame.rows)
        for place, name in enumerate(self.columns):
            column = frame.numbers[name][rows]
            column = np.clip(column[np.isfinite(column)], -_LARGEST, _LARGEST)
            if len(column):
                low, middle, high = np.quantile(column, [0.05, 0.5, 0.95])
                if abs(middle) > 1000 * (high - low) or abs(middle) > 1e6:
                    shift[place] = middle
        json = described(list(self.columns), [(name,) for name in self.columns])
        applied = AppliedNumbers(json, {"shift": shift})
        return applied, applied.values(frame)


class AppliedNumbers(AppliedColumns):
    kind: ClassVar[str] = "numbers"

    def prepare(self) -> None:
        self._shift = self.arrays["shift"][:, None]

    def values(self, frame: Frame) -> np.ndarray:
        made = stacked(frame.numbers, self.names, frame.rows, np.float64)
        made -= self._shift
        made[np.isinf(made)] = np.nan
        np.clip(made, -_LARGEST, _LARGEST, out=made)
        return made.T.astype(np.float32, order="C")


@dataclass(frozen=True, slots=True)
class Ordinals(ColumnStep):
    """Ordinal columns by the place of their level, NaN for missing and unknown ones."""

    columns: tuple[str, ...]
    kind: ClassVar[str] = "ordinals"

    def fit(self, frame: Frame, sight: Sight) -> tuple[AppliedColumns, np.ndarray]:
        json = described(list(self.columns), [(name,) for name in self.columns])
        json["levels"] = [len(frame.levels[name]) for name in self.columns]
        applied = AppliedOrdinals(json)
        return applied, applied.values(frame)


class AppliedOrdinals(AppliedColumns):
    kind: ClassVar[str] = "ordinals"

    def prepare(self) -> None:
        self._levels = np.array(self.json["levels"], np.int32)[:, None]

    def values(self, frame: Frame) -> np.ndarray:
        codes = stacked(frame.codes, self.names, frame.rows, np.int32)
        made = codes.astype(np.float32)
        made[(codes < 0) | (codes >= self._levels)] = np.nan
        return np.ascontiguousarray(made.T)


@dataclass(frozen=True, slots=True)
class Nothing(ColumnStep):
    """One feature that is always 0, for tables without a column to learn from: the model is then a constant."""

    kind: ClassVar[str] = "nothing"

    def fit(self, frame: Frame, sight: Sight) -> tuple[AppliedColumns, np.ndarray]:
        applied = AppliedNothing(described(["nothing"], [()]))
        return applied, applied.values(frame)


class AppliedNothing(AppliedColumns):
    kind: ClassVar[str] = "nothing"

    def values(self, frame: Frame) -> np.ndarray:
        return np.zeros((frame.rows, 1), np.float32)
