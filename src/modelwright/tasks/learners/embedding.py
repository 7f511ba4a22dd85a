"""Numbers unfolded for a network: a few waves of each, or their places between quantiles. Fixed once fitted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from modelwright.tasks.features.step import some_rows

WAYS = ("plain", "periodic", "piecewise")
#: Waves of each feature, their spread of frequencies, and segments of each feature.
_WAVES, _SPREAD, _SEGMENTS = 8, 0.1, 12
#: Features that are unfolded at most; features that one becomes at most.
MOST, INTO = 60, max(_WAVES, _SEGMENTS)
#: Rows by which it is seen how many values a feature has, and by which its quantiles are.
_LOOKED, _MEASURED = 2_000, 20_000
#: Rows that are unfolded at once, so that what is on its way takes little beside what is made.
_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class Embedding:
    """Features as a network takes them: all of them as they are, and the unfolded ones after that.

    Attributes:
        own: places of the features that are unfolded: those with more than a few values.
        first: frequencies (features, waves), or edges (features, segments + 1).
        second: phases, or nothing.
    """

    way: str
    own: np.ndarray
    first: np.ndarray
    second: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, way: str, rng: np.random.Generator, most: int = MOST) -> Embedding:
        """For a matrix without missing values; of more than ``most`` features with many values none is unfolded."""
        head = values[some_rows(len(values), _LOOKED)]
        own = np.array([k for k in range(values.shape[1]) if len(np.unique(head[:, k])) > 8], np.int32)
        none = np.zeros((0, 0), np.float32)
        if way == "plain" or not len(own) or len(own) > most:
            return cls("plain", own[:0], none, none)
        if way == "periodic":
            waves = rng.standard_normal((len(own), _WAVES)) * _SPREAD * 2 * np.pi
            phases = rng.uniform(-np.pi, np.pi, (len(own), _WAVES))
            return cls(way, own, waves.astype(np.float32), phases.astype(np.float32))
        edges = np.quantile(
            values[some_rows(len(values), _MEASURED)][:, own], np.linspace(0, 1, _SEGMENTS + 1), axis=0
        ).T
        return cls(way, own, np.ascontiguousarray(edges, np.float32), none)

    @property
    def added(self) -> int:
        """How many features there are more than before."""
        return {"plain": 0, "periodic": len(self.own) * _WAVES, "piecewise": len(self.own) * _SEGMENTS}[self.way]

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """(rows, features and those that are added)."""
        if self.way == "plain":
            return values
        rows, count = values.shape
        made = np.empty((rows, count + self.added), values.dtype)
        made[:, :count] = values
        for start in range(0, rows, _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            unfolded = self._unfolded(values[some, self.own, None])
            made[some, count:] = unfolded.reshape(len(unfolded), -1)
        return made

    def _unfolded(self, x: np.ndarray) -> np.ndarray:
        if self.way == "periodic":
            return np.cos(x * self.first + self.second)
        low, high = self.first[:, :-1], self.first[:, 1:]
        return np.clip((x - low) / np.maximum(high - low, 1e-6), 0, 1)
