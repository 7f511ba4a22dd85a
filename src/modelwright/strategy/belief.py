"""Belief: where a user thinks that the optimum lies, as a density over vectors. Knows no model; proposes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.core.errors import SpaceError
from modelwright.core.history import History
from modelwright.strategy.base import SearchSpace

#: The kind of the note that holds a study's beliefs.
KIND = "prior"
#: The part of each axis that is spread evenly, whatever was said: nothing is ruled out.
_FLAT = 0.05
#: Standard deviation, as a share of the axis, around a value that came without a range.
_NEAR = 0.15
#: What a single named category, and a list of them, has of the whole.
_NAMED, _LISTED = 0.7, 0.9
_LEAST_WIDTH = 0.01
#: The weight of a belief after one trial.
_FADE = 2.0


@dataclass(slots=True)
class Belief:
    """One density a space: independent axes, each a normal cut at 0 and 1 or a table of levels, and a flat part.

    Attributes:
        centre, width: of each axis, in [0, 1]; NaN where nothing is believed.
        tables: axis -> probability of each level.
        levels: of each axis, or 0.
    """

    centre: np.ndarray
    width: np.ndarray
    tables: dict[int, np.ndarray]
    levels: list[int]

    @staticmethod
    def of(history: History, space: SearchSpace) -> Belief | None:
        """What the study's latest note says; None when it says nothing about this space."""
        said = stated(history)
        return Belief.read(said, space) if said else None

    @staticmethod
    def read(said: Mapping[str, Any], space: SearchSpace) -> Belief | None:
        """``said`` as a density; values that are in no domain of that name say nothing.

        Args:
            said: parameter -> a value, a pair of numbers (the likely range), a list of values, or weights (see
                ``weights_of``).
        """
        parts = [p for p in getattr(space, "parameters", ()) if not p.fixed]
        count = len(space.axes)
        if len(parts) != count:
            return None
        found = Belief(np.full(count, np.nan), np.full(count, np.nan), {}, [axis.levels or 0 for axis in space.axes])
        for j, p in enumerate(parts):
            if p.name in said:
                found._take(j, p.domain, said[p.name], numeric=space.axes[j].kind != "categorical")
        return found if len(found.tables) or not np.isnan(found.centre).all() else None

    def _take(self, j: int, domain: Any, said: Any, numeric: bool) -> None:
        shape = shape_of(domain, said, numeric)
        if shape is None:
            return
        if isinstance(shape, tuple):
            self.centre[j], self.width[j] = shape
        else:
            even = np.full(self.levels[j], 1.0 / self.levels[j])
            self.tables[j] = (1 - _FLAT) * shape + _FLAT * even

    # --- density ------------------------------------------------------------------------------------

    def value(self, x: np.ndarray) -> np.ndarray:
        """Logarithm of the density over that of even draws, for rows (points, axes); inactive axes say nothing."""
        return self.slopes(x)[0]

    def slopes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``value``, and its gradient by the coordinates of ``x``."""
        inside = self._normal(x)
        density = (1 - _FLAT) * inside + _FLAT
        with np.errstate(invalid="ignore"):
            rate = -(1 - _FLAT) * inside * (x - self.centre) / (self.width**2 * density)
            parts = np.log(density)
        for j, table in self.tables.items():
            level = np.clip((np.nan_to_num(x[:, j]) * len(table)).astype(int), 0, len(table) - 1)
            parts[:, j] = np.where(np.isnan(x[:, j]), 0.0, np.log(table[level] * len(table)))
            rate[:, j] = 0.0
        return np.nan_to_num(parts).sum(axis=1), np.nan_to_num(rate)

    def _normal(self, x: np.ndarray) -> np.ndarray:
        from scipy.special import ndtr  # takes long to load, and every study comes through this module

        whole = ndtr((1 - self.centre) / self.width) - ndtr(-self.centre / self.width)
        z = (x - self.centre) / self.width
        return np.exp(-0.5 * z * z) / (self.width * np.sqrt(2 * np.pi) * whole)

    # --- draws --------------------------------------------------------------------------------------

    def bent(self, cube: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Even draws of the unit cube (points, axes) as draws from the belief; not on the lattice yet."""
        from scipy.special import ndtr, ndtri

        found = np.array(cube, dtype=float)
        flat = rng.random(found.shape) < _FLAT
        low, high = ndtr(-self.centre / self.width), ndtr((1 - self.centre) / self.width)
        drawn = np.clip(self.centre + self.width * ndtri(low + cube * (high - low)), 0.0, 1.0)
        found = np.where(np.isnan(self.centre) | flat, found, drawn)
        for j, table in self.tables.items():
            level = np.minimum(np.searchsorted(np.cumsum(table), cube[:, j], side="right"), len(table) - 1)
            found[:, j] = (level + 0.5) / len(table)
        return found

    def draw(self, space: SearchSpace, rng: np.random.Generator, count: int) -> np.ndarray:
        """``count`` points on the lattice, shape (count, axes)."""
        return space.snap(self.bent(rng.random((count, len(self.levels))), rng))


class Believed:
    """A belief as a term of an acquisition: the logarithm of its density, times ``weight``."""

    def __init__(self, belief: Belief, weight: float):
        self.belief, self.weight = belief, weight

    def value(self, x: np.ndarray) -> np.ndarray:
        return self.weight * self.belief.value(x)

    def slopes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        value, slope = self.belief.slopes(x)
        return self.weight * value, self.weight * slope


def believed(history: History, space: SearchSpace, points: np.ndarray, scores: np.ndarray) -> list[Believed]:
    """The study's belief as a term, whose weight falls with the trials known: as ``_FADE`` over their number.

    Source: Hvarfner et al., "piBO: Augmenting Acquisition Functions with User Beliefs for Bayesian Optimization", ICLR
    2022, section 4.1.

    Args:
        points: what is known, shape (n, axes) or more columns.
        scores: shape (n,), larger is better, NaN for trials that ended badly.
    """
    belief = Belief.of(history, space)
    if belief is None:
        return []
    return [Believed(belief, _FADE / max(len(scores), 1))]


def stated(history: History) -> dict[str, Any]:
    """What the study's latest note says of each parameter; empty when there is none."""
    for note in reversed(history.notes):
        if note.kind == KIND:
            return dict(note.data["beliefs"])
    return {}


def weights_of(said: Mapping[str, Any]) -> dict[Any, float]:
    """Value -> weight, as notes hold it: ``{"weights": [("adam", 3.0), ("sgd", 1.0)]}``, for keys of JSON are text."""
    return {value: float(weight) for value, weight in said["weights"]}


def shape_of(domain: Any, said: Any, numeric: bool) -> tuple[float, float] | np.ndarray | None:
    """A belief about one domain: (centre, width) in [0, 1], or the probability of each level.

    Raises nothing: what is not in the domain says nothing. ``study.given`` checks it and says so.
    """
    try:
        if isinstance(said, Mapping):
            return _table(domain, weights_of(said))
        if isinstance(said, list):
            return _table(domain, dict.fromkeys(said, 1.0), _LISTED)
        if isinstance(said, tuple) and numeric:
            low, high = (domain.to_unit(domain.coerce(v)) for v in said)
            return (low + high) / 2, max(abs(high - low) / 2, _LEAST_WIDTH)
        if numeric:
            return domain.to_unit(domain.coerce(said)), _NEAR
        return _table(domain, {said: 1.0}, _NAMED)
    except (SpaceError, TypeError, ValueError):
        return None


def _table(domain: Any, weights: Mapping[Any, float], share: float = 1.0) -> np.ndarray | None:
    count = domain.levels
    if not count:
        return None
    table = np.zeros(count)
    for value, weight in weights.items():
        table[min(int(domain.to_unit(domain.coerce(value)) * count), count - 1)] += weight
    named = table > 0
    rest = 0.0 if named.all() else 1.0 - share
    table = table / table.sum() * (1.0 - rest)
    return np.where(named, table, rest / max(int((~named).sum()), 1))


def mode(said: Mapping[str, Any], space: Any) -> dict[str, Any]:
    """The most believed value of each parameter that anything is said about, as a configuration that is not whole."""
    found: dict[str, Any] = {}
    for p in getattr(space, "parameters", ()):
        if p.name in said and p.name not in found and not p.fixed:
            shape = shape_of(p.domain, said[p.name], p.domain.numeric)
            if isinstance(shape, tuple):
                found[p.name] = p.domain.from_unit(shape[0])
            elif shape is not None:
                found[p.name] = p.domain.from_unit((int(np.argmax(shape)) + 0.5) / len(shape))
    return found
