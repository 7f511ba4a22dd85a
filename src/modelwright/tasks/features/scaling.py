"""Missing values filled and said apart, and every feature on a scale that smooth learners can work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.tasks.features.matrix import Matrix
from modelwright.tasks.features.step import AppliedMatrix, MatrixStep, Sight, described, some_rows

#: Knots of the quantile transform.
_KNOTS = 256
#: Rows up to which all knots are compared at once.
_FEW = 16
_WAYS = ("robust", "quantile", "none")


@dataclass(frozen=True, slots=True)
class Scaled(MatrixStep):
    """Missing values become the median, with a feature that says so; then the scale.

    Args:
        how: "robust": less the median, over the quartiles' distance (or half the range where that is 0), then bent
            smoothly into (-3, 3) as x / sqrt(1 + (x/3)^2) (Holzmueller et al., "Better by default", NeurIPS 2024).
            "quantile": normal scores of the ranks. "none": filled only.
        indicators: whether there is a feature for each pattern of missing values.
    """

    how: str = "robust"
    indicators: bool = True
    kind: ClassVar[str] = "scaled"

    def __post_init__(self) -> None:
        if self.how not in _WAYS:
            raise ArgumentError(f"how={self.how!r}", where="step 'scaled'", allowed=", ".join(map(repr, _WAYS)))

    def fit(self, matrix: Matrix, sight: Sight) -> tuple[AppliedMatrix, np.ndarray]:
        values = matrix.values
        some = values[some_rows(len(values))]
        missing = np.isnan(values)
        patterns = self._patterns(missing)
        names = [*matrix.names, *(f"{matrix.names[p]} is missing" for p in patterns)]
        sources = [*matrix.sources, *(matrix.sources[p] for p in patterns)]
        json = described(names, sources)
        json.update(how=self.how)
        low, middle, high = _quartiles(some)
        arrays = {"middle": middle, "patterns": np.array(patterns, np.int32)}
        if self.how == "robust":
            arrays["factor"] = _factor(some, low, high)
        elif self.how == "quantile":
            arrays["knots"] = _knots(some, middle)
        applied = AppliedScaled(json, arrays)
        return applied, applied.values(values)

    def _patterns(self, missing: np.ndarray) -> list[int]:
        """The first feature of each pattern of missing values that is neither empty nor full."""
        if not self.indicators or not len(missing):
            return []
        found: dict[bytes, int] = {}
        share = missing.mean(axis=0)
        for place in np.flatnonzero((share > 0) & (share < 1)):
            found.setdefault(np.packbits(missing[:, place]).tobytes(), int(place))
        return list(found.values())


def _quartiles(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Quartiles of each feature without its missing values; 0 where there is nothing."""
    found = np.zeros((3, values.shape[1]), np.float32)
    for place in range(values.shape[1]):
        column = values[:, place]
        column = column[~np.isnan(column)]
        if len(column):
            found[:, place] = np.quantile(column, [0.25, 0.5, 0.75])
    return found[0], found[1], found[2]


def _factor(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    span = (high - low).astype(np.float64)
    filled = np.where(np.isnan(values), low, values).astype(np.float64)
    reach = filled.max(axis=0) - filled.min(axis=0) if len(values) else np.zeros(values.shape[1])
    wide = np.where(span > 0, span, reach / 2)
    return np.where(wide > 1e-30, 1.0 / np.where(wide > 1e-30, wide, 1.0), 0.0).astype(np.float32)


def _knots(values: np.ndarray, middle: np.ndarray) -> np.ndarray:
    at = np.linspace(0, 1, min(_KNOTS, max(2, len(values))))
    filled = np.where(np.isnan(values), middle, values)
    if not len(filled):
        filled = np.zeros((1, values.shape[1]), np.float32)
    return np.ascontiguousarray(np.quantile(filled, at, axis=0).T.astype(np.float32))


class AppliedScaled(AppliedMatrix):
    kind: ClassVar[str] = "scaled"

    def prepare(self) -> None:
        if self.json["how"] == "quantile":
            from scipy.special import ndtri

            knots = self.arrays["knots"]
            scores = ndtri(np.clip(np.linspace(0, 1, knots.shape[1]), 1e-3, 1 - 1e-3)).astype(np.float32)
            self._scores, self._width, self._rise, self._tied = _steps(knots, scores)

    def values(self, matrix: np.ndarray) -> np.ndarray:
        missing = np.isnan(matrix)
        made = np.where(missing, self.arrays["middle"], matrix)
        how = self.json["how"]
        if how == "robust":
            made -= self.arrays["middle"]
            made *= self.arrays["factor"]
            np.clip(made, -1e6, 1e6, out=made)
            made /= np.sqrt(1 + np.square(made * np.float32(1 / 3)))
        elif how == "quantile":
            made = self._ranked(made)
        patterns = self.arrays["patterns"]
        if not len(patterns):
            return made
        return np.concatenate([made, missing[:, patterns].astype(np.float32)], axis=1)

    def _ranked(self, made: np.ndarray) -> np.ndarray:
        """Scores of the ranks: of values that occur often the middle of their ranks."""
        knots = self.arrays["knots"]
        if len(made) <= _FEW:
            until = (knots[None] <= made[:, :, None]).sum(axis=2)
            return self._between(np.arange(made.shape[1]), np.maximum(until - 1, 0), made)
        found = made.T.copy()
        for place, column in enumerate(found):
            until = np.searchsorted(knots[place], column, "right")
            found[place] = self._between(place, np.maximum(until - 1, 0), column)
        return np.ascontiguousarray(found.T)

    def _between(self, feature: np.ndarray | int, at: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Scores of values whose last knot that is not above them is the one at this place, or that are below all."""
        knot = self.arrays["knots"][feature, at]
        part = np.clip((values - knot) / self._width[feature, at], 0, 1)
        between = self._scores[feature, at] + part * self._rise[feature, at]
        return np.where(values == knot, self._tied[feature, at], between)


def _steps(knots: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, ...]:
    """The score after each knot, and from there to the next its width (1 for none) and its rise; the score at it.

    All are (features, knots). Of knots at the same place the middle of the first and the last one's scores counts. A
    feature that is the same throughout has no score.
    """
    after = np.where(knots[:, :1] == knots[:, -1:], np.float32(0), scores)
    width = np.diff(knots, axis=1, append=knots[:, -1:])
    rise = np.where(width > 0, np.diff(after, axis=1, append=after[:, -1:]), np.float32(0))
    first = [np.searchsorted(own, own, "left") for own in knots]
    tied = [(own[start] + own) / np.float32(2) for own, start in zip(after, first, strict=True)]
    return after, np.where(width > 0, width, np.float32(1)), rise, np.asarray(tied, np.float32).reshape(knots.shape)
