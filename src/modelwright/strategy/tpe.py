"""Tree-structured Parzen estimator: where good trials lie densely and bad ones do not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

import numpy as np
from scipy.special import log_ndtr, logsumexp, ndtr, ndtri

from modelwright.core.errors import StrategyError
from modelwright.core.records import Answer
from modelwright.strategy.base import SearchSpace
from modelwright.strategy.fresh import Known, OneByOne, choose, drawn
from modelwright.strategy.merit import merits

#: The better part, and at most so many, is what a new trial should resemble.
_GOOD = 0.15
_MOST_GOOD = 25
#: Worse trials that still shape the other density; the youngest count.
_MOST_OTHERS = 500
#: Width of a kernel around a single observation, as a share of the axis.
_WIDTH = 0.3


class TPE(OneByOne):
    """Multivariate, conditional TPE: cheap at any number of trials, at home with categories and conditions.

    Trials are split in the better 15 % (25 at most) and the others. Both become mixtures with one kernel an
    observation, a product over all axes, so that what goes together stays together; where an observation has no value
    for an axis its kernel is flat there. Of ``candidates`` draws from the better mixture, the one with the highest
    ratio of the densities is proposed. Running trials count as bad ones, so that others stay away.

    Sources: Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NIPS 2011, section 4; Falkner, Klein and
    Hutter, "BOHB", ICML 2018, section 4.1 (multivariate kernels); Watanabe, arXiv 2304.11127, 2023 (constants).

    Args:
        initial: random trials before the densities take over, the defaults included.
        candidates: draws to choose from.
    """

    name: ClassVar[str] = "tpe"

    def __init__(self, *, initial: int = 8, candidates: int = 256):
        if initial < 2 or candidates < 1:
            raise StrategyError(
                f"initial={initial}, candidates={candidates}", where="tpe", allowed="initial from 2, candidates from 1"
            )
        self.initial, self.candidates = initial, candidates

    def init(self, seed: Any, history: Any) -> Known:
        return Known(seed, history)

    def pick(self, state: Known, space: SearchSpace, number: int, rng: np.random.Generator) -> Answer:
        if number < self.initial:
            return choose(state, space, rng, islice(drawn(state, space, rng, number), 20), {"by": "design"})
        merit = merits(state.history)
        known = np.flatnonzero(~np.isnan(merit))
        if not (merit > -np.inf).any():
            note = {"by": "fallback", "reason": "no trial has a value yet"}
            return choose(state, space, rng, (space.sample(rng) for _ in range(20)), note)
        order = known[np.argsort(-merit[known], kind="stable")]
        count = min(math.ceil(_GOOD * len(order)), _MOST_GOOD)
        others = np.concatenate([order[count:], np.flatnonzero(np.isnan(merit))])
        others = np.sort(others)[-_MOST_OTHERS:]
        points = np.array([space.encode(row.config) for row in state.history.rows])
        kinds = [axis.levels if axis.kind == "categorical" else 0 for axis in space.axes]
        steps = [axis.levels if axis.kind == "numeric" else None for axis in space.axes]
        good, bad = Mixture.of(points[order[:count]], kinds, steps), Mixture.of(points[others], kinds, steps)
        picked = space.snap(good.draw(rng, self.candidates))
        gain = good.log_density(picked) - bad.log_density(picked)
        ranked = np.argsort(-gain, kind="stable")
        note = {"by": "tpe", "good": int(count), "gain": round(float(gain[ranked[0]]), 3)}
        return choose(state, space, rng, (space.decode(picked[i]) for i in ranked), note)


@dataclass(slots=True)
class Mixture:
    """Kernels over the unit cube, one an observation, and a flat one.

    Attributes:
        points: (observations, axes); NaN where an axis was inactive, and the kernel is flat there.
        kinds: for each axis its number of categories, or 0 for a number.
        steps: for each axis its number of lattice points, or None.
        width: standard deviation of a kernel along numeric axes.
    """

    points: np.ndarray
    kinds: list[int]
    steps: list[int | None]
    width: float

    @staticmethod
    def of(points: np.ndarray, kinds: list[int | None] | list[int], steps: list[int | None]) -> Mixture:
        """The mixture over ``points``; kernels narrow as there are more of them (Scott's rule)."""
        count, axes = len(points), len(kinds)
        width = max(_WIDTH * max(count, 1) ** (-1.0 / (axes + 4)), 1.0 / min(100, 2 + count))
        return Mixture(points, [k or 0 for k in kinds], steps, width)

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """``count`` points of the unit cube, not on the lattice yet."""
        chosen = rng.integers(len(self.points) + 1, size=count)
        found = rng.random((count, len(self.kinds)))
        for j, levels in enumerate(self.kinds):
            centre = np.append(self.points[:, j], np.nan)[chosen]
            known = ~np.isnan(centre)
            u = found[:, j].copy()
            if levels:
                keep = known & (rng.random(count) < self._faith(levels))
                found[keep, j] = centre[keep]
                continue
            low, high = ndtr((0.0 - centre) / self.width), ndtr((1.0 - centre) / self.width)
            moved = centre + self.width * ndtri(low + u * (high - low))
            found[known, j] = np.clip(moved[known], 0.0, 1.0)
        return found

    def log_density(self, rows: np.ndarray) -> np.ndarray:
        """Logarithm of the density at ``rows`` (points, axes), over the axes that are active there."""
        parts = np.zeros((len(rows), len(self.points) + 1))
        for j, levels in enumerate(self.kinds):
            column, centre = rows[:, j], self.points[:, j]
            one = self._category(column, centre, levels) if levels else self._number(column, centre, self.steps[j])
            one[:, np.isnan(centre)] = 0.0
            one[np.isnan(column)] = 0.0
            parts[:, :-1] += one
        return logsumexp(parts, axis=1) - math.log(parts.shape[1])

    def _faith(self, levels: int) -> float:
        """Share of a category kernel's draws that stay; the others are uniform over the ``levels``."""
        count = len(self.points)
        return count / (count + 1.0) if levels > 1 else 1.0

    def _category(self, column: np.ndarray, centre: np.ndarray, levels: int) -> np.ndarray:
        faith = self._faith(levels)
        same = np.abs(column[:, None] - centre[None, :]) < 1e-9
        # Relative to a uniform draw, as the numeric kernels are.
        return np.log(np.where(same, faith * levels, 0.0) + (1.0 - faith) + 1e-12)

    def _number(self, column: np.ndarray, centre: np.ndarray, levels: int | None) -> np.ndarray:
        whole = _log_difference(0.0 - centre, 1.0 - centre, self.width)[None, :]
        gap = column[:, None] - centre[None, :]
        if levels is None:
            peak = -0.5 * (gap / self.width) ** 2 - math.log(self.width * math.sqrt(2.0 * math.pi))
            return peak - whole
        half = 0.5 / levels
        return _log_difference(gap - half, gap + half, self.width) + math.log(levels) - whole


def _log_difference(low: np.ndarray, high: np.ndarray, width: float) -> np.ndarray:
    """log(Phi(high / width) - Phi(low / width)), accurate in the tails."""
    swap = low > 0
    a, b = np.where(swap, -high, low) / width, np.where(swap, -low, high) / width
    upper, lower = log_ndtr(b), log_ndtr(a)
    return upper + np.log1p(-np.exp(np.minimum(lower - upper, -1e-12)))
