"""Date-times: parts of the calendar, their places on a circle, and the gaps between date columns."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np

from modelwright.tasks.data.frame import Frame
from modelwright.tasks.features.columns import stacked
from modelwright.tasks.features.step import AppliedColumns, ColumnStep, Sight, described, some_rows

_DAY = 86400.0
#: Part -> how many of it make a circle.
PARTS = {"year": 0, "month": 12, "day": 31, "weekday": 7, "day of year": 366, "hour": 24, "minute": 60}
#: Date columns of which each pair has a gap.
_MOST_GAPS = 4
#: Seconds that numpy can turn into a date.
_REACH = 3e11


@dataclass(frozen=True, slots=True)
class Dates(ColumnStep):
    """Year, month, day, weekday, day of the year, hour and minute, as far as they vary; gaps in days.

    Args:
        cyclic: whether parts that come round again are also places on a circle (sine and cosine), for smooth learners.
        gaps: whether the days between each two of at most four date columns are features.
    """

    columns: tuple[str, ...]
    cyclic: bool = False
    gaps: bool = True
    kind: ClassVar[str] = "dates"

    def fit(self, frame: Frame, sight: Sight) -> tuple[AppliedColumns, np.ndarray]:
        names: list[str] = []
        sources: list[tuple[str, ...]] = []
        chosen: list[list[int]] = []
        moments = stacked(frame.numbers, self.columns, frame.rows, np.float64)[:, some_rows(frame.rows)]
        for place, parts in enumerate(_parts(moments)):
            name = self.columns[place]
            for which, (part, circle) in enumerate(PARTS.items()):
                known = parts[which][~np.isnan(parts[which])]
                if not len(known) or known.min() == known.max():
                    continue
                ends = ["", " sine", " cosine"] if circle and self.cyclic else [""]
                names.extend(f"{name}: {part}{end}" for end in ends)
                sources.extend([(name,)] * len(ends))
                chosen.extend([place, which, form] for form in range(len(ends)))
        pairs = list(combinations(range(min(len(self.columns), _MOST_GAPS)), 2)) if self.gaps else []
        for a, b in pairs:
            names.append(f"days from {self.columns[a]} to {self.columns[b]}")
            sources.append((self.columns[a], self.columns[b]))
        json = described(names, sources)
        json["columns"] = list(self.columns)
        arrays = {
            "chosen": np.array(chosen, np.int32).reshape(-1, 3),
            "pairs": np.array(pairs, np.int32).reshape(-1, 2),
        }
        applied = AppliedDates(json, arrays)
        return applied, applied.values(frame)


def _parts(moments: np.ndarray) -> np.ndarray:
    """Parts (columns, parts, rows) of seconds since 1970 (columns, rows); NaN where there is no date."""
    known = np.abs(moments) < _REACH
    seconds = np.where(known, moments, 0.0)
    days = np.floor(seconds / _DAY)
    dates = days.astype(np.int64).astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    years = dates.astype("datetime64[Y]")
    left = seconds - days * _DAY
    parts = [
        years.astype(np.int64) + 1970,
        months.astype(np.int64) % 12,
        (dates - months.astype("datetime64[D]")).astype(np.int64),
        (days.astype(np.int64) + 3) % 7,  # 1970 began on a Thursday; 0 is a Monday
        (dates - years.astype("datetime64[D]")).astype(np.int64),
        np.floor(left / 3600),
        np.floor(left % 3600 / 60),
    ]
    made = np.stack([part.astype(np.float64) for part in parts], axis=1)
    return np.where(known[:, None, :], made, np.nan)


class AppliedDates(AppliedColumns):
    kind: ClassVar[str] = "dates"

    def prepare(self) -> None:
        self._columns = tuple(self.json["columns"])
        circles = np.array(list(PARTS.values()), np.float64)
        place, which, self._form = self.arrays["chosen"].T
        self._at = (place, which)
        self._turn = (2 * np.pi / np.maximum(circles[which], 1.0))[:, None]

    def values(self, frame: Frame) -> np.ndarray:
        moments = stacked(frame.numbers, self._columns, frame.rows, np.float64)
        found = _parts(moments)[self._at]  # (features, rows)
        for form, turned in ((1, np.sin), (2, np.cos)):
            own = self._form == form
            if own.any():
                found[own] = turned(found[own] * self._turn[own])
        pairs = self.arrays["pairs"]
        if len(pairs):
            found = np.concatenate([found, (moments[pairs[:, 1]] - moments[pairs[:, 0]]) / _DAY])
        return found.T.astype(np.float32, order="C")
