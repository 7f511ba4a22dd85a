"""Categories without the target: codes for learners that take them, one column for each level, counts, and hashes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from modelwright.tasks.data.frame import Frame
from modelwright.tasks.features.columns import first_places, stacked
from modelwright.tasks.features.step import AppliedColumns, ColumnStep, Sight, described


@dataclass(frozen=True, slots=True)
class Codes(ColumnStep):
    """Categories as codes: 0 missing, 1 and up the level, NaN for one that was never seen.

    Args:
        most: levels kept apart; rarer ones share the code after.
    """

    columns: tuple[str, ...]
    most: int = 250
    kind: ClassVar[str] = "codes"

    def fit(self, frame: Frame, sight: Sight) -> tuple[AppliedColumns, np.ndarray]:
        sources: list[tuple[str, ...]] = [(name,) for name in self.columns]
        json = described(list(self.columns), sources, list(range(len(self.columns))))
        json["levels"] = [len(frame.levels[name]) for name in self.columns]
        json["most"] = self.most
        applied = AppliedCodes(json)
        return applied, applied.values(frame)


class AppliedCodes(AppliedColumns):
    kind: ClassVar[str] = "codes"

    def prepare(self) -> None:
        self._levels = np.array(self.json["levels"], np.int32)[:, None]

    def values(self, frame: Frame) -> np.ndarray:
        codes = stacked(frame.codes, self.names, frame.rows, np.int32)
        made = np.minimum(codes, self.json["most"]).astype(np.float32)
        made += 1
        made[codes >= self._levels] = np.nan
        return np.ascontiguousarray(made.T)


@dataclass(frozen=True, slots=True)
class OneHot(ColumnStep):
    """One column for each level that is frequent enough, and one for missing values where there were any.

    Args:
        most: levels with a column of their own; a column for all others follows where there are any.
        least: rows that a level needs for a column of its own.
    """

    columns: tuple[str, ...]
    most: int = 30
    least: int = 2
    kind: ClassVar[str] = "one hot"

    def fit(self, frame: Frame, sight: Sight) -> tuple[AppliedColumns, np.ndarray]:
        names: list[str] = []
        sources: list[tuple[str, ...]] = []
        lookup: list[np.ndarray] = []
        for name in self.columns:
            levels = frame.levels[name]
            counts = np.bincount(frame.codes[name] + 1, minlength=len(levels) + 2)
            own = np.flatnonzero(counts[1:-1] >= self.least)
            own = np.sort(own[np.argsort(-counts[1:-1][own], kind="stable")][: self.most])
            if len(own) == 2 and counts[1:-1].sum() == counts[own + 1].sum() and not counts[0]:
                own = own[:1]  # the second says the same again
            other = -1
            places = np.full(len(levels) + 2, -1, np.int32)
            for level in own:
                places[level + 1] = len(names)
                names.append(f"{name}={levels[level]}")
                sources.append((name,))
            if counts[0] >= self.least:
                places[0] = len(names)
                names.append(f"{name} is missing")
                sources.append((name,))
            rest = [at for at in range(1, len(levels) + 1) if places[at] < 0 and counts[at]]
            if len(own) > 1 and counts[rest].sum() >= self.least:
                other = len(names)
                names.append(f"{name} is another")
                sources.append((name,))
                places[rest] = other
            lookup.append(places)
        json = described(names, sources)
        json["columns"], json["sizes"] = list(self.columns), [len(places) for places in lookup]
        places = np.concatenate(lookup) if lookup else np.zeros(0, np.int32)
        applied = AppliedOneHot(json, {"places": places})
        return applied, applied.values(frame)


class AppliedOneHot(AppliedColumns):
    kind: ClassVar[str] = "one hot"

    def prepare(self) -> None:
        self._columns = tuple(self.json["columns"])
        self._start = first_places(self.json["sizes"])

    def values(self, frame: Frame) -> np.ndarray:
        made = np.zeros((frame.rows, len(self.names)), np.float32)
        codes = stacked(frame.codes, self._columns, frame.rows, np.int64)
        places = self.arrays["places"][codes + self._start]
        column, row = np.nonzero(places >= 0)
        made[row, places[column, row]] = 1
        return made


@dataclass(frozen=True, slots=True)
class Counts(ColumnStep):
    """How often a level occurs, as log(1 + rows); 0 for one that was never seen."""

    columns: tuple[str, ...]
    kind: ClassVar[str] = "counts"

    def fit(self, frame: Frame, sight: Sight) -> tuple[AppliedColumns, np.ndarray]:
        json = described([f"{name}: how often" for name in self.columns], [(name,) for name in self.columns])
        json["columns"] = list(self.columns)
        tables = [np.bincount(frame.codes[n] + 1, minlength=len(frame.levels[n]) + 2) for n in self.columns]
        json["sizes"] = [len(table) for table in tables]
        table = np.log1p(np.concatenate(tables) if tables else np.zeros(0)).astype(np.float32)
        applied = AppliedCounts(json, {"table": table})
        return applied, applied.values(frame)


class AppliedCounts(AppliedColumns):
    kind: ClassVar[str] = "counts"

    def prepare(self) -> None:
        self._columns = tuple(self.json["columns"])
        self._start = first_places(self.json["sizes"])

    def values(self, frame: Frame) -> np.ndarray:
        codes = stacked(frame.codes, self._columns, frame.rows, np.int64)
        return np.ascontiguousarray(self.arrays["table"][codes + self._start].T)


@dataclass(frozen=True, slots=True)
class Hashed(ColumnStep):
    """Codes of categories with very many levels, thrown into few buckets, several times over.

    Two levels that share a bucket in one feature are apart in another. New levels are NaN.

    Args:
        buckets: codes of each feature.
        times: features for each column.
    """

    columns: tuple[str, ...]
    buckets: int = 128
    times: int = 2
    kind: ClassVar[str] = "hashed"

    def fit(self, frame: Frame, sight: Sight) -> tuple[AppliedColumns, np.ndarray]:
        names = [f"{name} hashed {t + 1}" for name in self.columns for t in range(self.times)]
        sources: list[tuple[str, ...]] = [(name,) for name in self.columns for _ in range(self.times)]
        json = described(names, sources, list(range(len(names))))
        json.update(columns=list(self.columns), buckets=self.buckets, times=self.times)
        json["levels"] = [len(frame.levels[name]) for name in self.columns]
        applied = AppliedHashed(json)
        return applied, applied.values(frame)


class AppliedHashed(AppliedColumns):
    kind: ClassVar[str] = "hashed"

    def prepare(self) -> None:
        self._columns = tuple(self.json["columns"])
        self._levels = np.array(self.json["levels"], np.int64)[:, None]

    def values(self, frame: Frame) -> np.ndarray:
        codes = stacked(frame.codes, self._columns, frame.rows, np.int64)
        made = np.empty((frame.rows, len(self.names)), np.float32)
        times, buckets = self.json["times"], self.json["buckets"]
        for t in range(times):
            # Multiplying by an odd number and keeping the high bits spreads neighbours (Knuth's multiplicative hash).
            odd = np.uint64((0x9E3779B97F4A7C15 + 2 * t * 0x632BE59BD9B4E019) % 2**64)
            mixed = ((codes + 1).astype(np.uint64) * odd) >> np.uint64(40)
            place = (mixed % np.uint64(buckets)).astype(np.float32) + 1
            place[codes < 0] = 0
            place[codes >= self._levels] = np.nan
            made[:, t::times] = place.T
        return made
