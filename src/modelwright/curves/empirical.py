"""Empirical: what became of similar curves of the same study. Knows matrices of finite numbers, no studies.

Quantiles of "end minus last point" come from the study's completed curves, weighted by how alike they looked at the
same point of their training, mixed with the prior; then they are corrected by how often they held when each completed
curve was left out (conformal prediction: Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005;
localised as by Guan, "Localized conformal prediction", Biometrika 110, 2023; the prior counts as a few curves more).
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from modelwright.curves.features import likeness
from modelwright.curves.prior import LEVELS, prior_quantiles

#: Width of the kernel over ranks in [0, 1], for one completed curve; it shrinks with the fifth root of their number.
_WIDTH = 0.55
#: How many completed curves the prior counts for, in the quantiles and in the correction of their levels.
_PRIOR, _PRIOR_LEVELS = 2.0, 10.0
#: Completed curves beyond these bring little and cost time.
MOST = 300

SCORES = ndtri(LEVELS)
_MIDDLE = len(LEVELS) // 2
_LOW, _HIGH = LEVELS.searchsorted(0.1), LEVELS.searchsorted(0.9)
#: The prior as so many equally likely points, each a weighted sum of its quantiles.
_POINTS = 20
_DRAWN = ndtri((np.arange(_POINTS) + 0.5) / _POINTS)
_SPREAD_OUT = np.stack([np.interp(_DRAWN, SCORES, unit) for unit in np.eye(len(LEVELS))])


class Neighbours:
    """The completed curves of a study, at one point of training.

    Args:
        begun: their first points, (curves, points), finite.
        gained: end minus last of those points, (curves,).
        total: points of a whole curve.
    """

    def __init__(self, begun: np.ndarray, gained: np.ndarray, total: float, logarithmic: bool, target: str):
        self._total, self._logarithmic, self._target = total, logarithmic, target
        self._gained, self._alike = gained, likeness(begun, logarithmic)
        prior = self._prior(begun)
        spread = prior[:, _HIGH] - prior[:, _LOW]
        unit = 1e-9 * (1.0 if logarithmic else float(np.abs(begun).max()) + 1e-290)
        self._least = 0.02 * float(np.median(spread)) + unit
        self._shifted = (gained - prior[:, _MIDDLE]) / (spread + self._least)
        weights = self._weights(self._alike)
        np.fill_diagonal(weights, 0.0)
        plain, scaled = self._mixed(prior, weights)
        self._share = self._better(plain, scaled)
        left_out = (1 - self._share) * plain + self._share * scaled
        held = _score_of(gained, self._wide(left_out))
        values = np.concatenate([held, _DRAWN])[None]
        mass = np.concatenate([np.ones(len(held)), np.full(_POINTS, _PRIOR_LEVELS / _POINTS)])[None]
        self._corrected = _weighted_quantiles(values, mass)[0]

    def quantiles(self, begun: np.ndarray) -> np.ndarray:
        """Quantiles of end minus last point at ``LEVELS``, (curves, levels), rising, for curves of the same length."""
        plain, scaled = self._mixed(self._prior(begun), self._weights(likeness(begun, self._logarithmic)))
        found = self._wide((1 - self._share) * plain + self._share * scaled)
        return np.stack([_at_score(s, found) for s in self._corrected], 1)

    def _prior(self, begun: np.ndarray) -> np.ndarray:
        # Half as much widening as the prior needs alone: the study's own curves correct the rest.
        return prior_quantiles(begun, self._total, self._logarithmic, self._target, trust=0.5)

    def _wide(self, quantiles: np.ndarray) -> np.ndarray:
        """No two quantiles equal, so that levels can be read back from values."""
        return quantiles + SCORES * self._least / 2

    def _weights(self, alike: np.ndarray) -> np.ndarray:
        """How much each completed curve says of each row of ``alike``: a Gaussian kernel over ranks."""
        distance = np.zeros((len(alike), len(self._alike)))
        for mine, theirs in zip(alike.T, self._alike.T, strict=True):
            ordered = np.sort(theirs)
            distance += (_ranks(mine, ordered)[:, None] - _ranks(theirs, ordered)) ** 2
        width = _WIDTH * len(self._alike) ** -0.2
        return np.exp(-0.5 * distance / width**2)

    def _mixed(self, prior: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Quantiles of the others' gains as they are, and of gains by the prior's middle and spread of each curve."""
        sum_, squares = weights.sum(1), (weights**2).sum(1)
        effective = sum_**2 / np.maximum(squares, 1e-300)
        mass = np.where(effective > 0, sum_ * _PRIOR / np.maximum(effective, 1e-300), 1.0) / _POINTS
        points = prior @ _SPREAD_OUT
        both = np.concatenate([weights, np.broadcast_to(mass[:, None], points.shape)], 1)
        plain = np.concatenate([np.broadcast_to(self._gained, weights.shape), points], 1)
        spread = (prior[:, _HIGH] - prior[:, _LOW] + self._least)[:, None]
        scaled = np.concatenate([prior[:, [_MIDDLE]] + spread * self._shifted, points], 1)
        return _weighted_quantiles(plain, both), _weighted_quantiles(scaled, both)

    def _better(self, plain: np.ndarray, scaled: np.ndarray) -> float:
        """Which share the scaled quantiles get, by the interval scores of curves that were left out."""
        count = len(self._gained)
        most = 10 * sum(float(np.median(q[:, _HIGH] - q[:, _LOW])) for q in (plain, scaled)) + self._least
        scores = [np.minimum(_interval_score(self._gained, q), most).mean() + 1e-300 for q in (plain, scaled)]
        trust = count / (count + 10)
        return 0.25 * (1 - trust) + trust / (1 + float(min(scores[1] / scores[0], 1e9)) ** 8)


def _interval_score(values: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Of the central 80 % interval; smaller is better (Gneiting and Raftery, JASA 102, 2007, section 6.2)."""
    low, high = quantiles[:, _LOW], quantiles[:, _HIGH]
    return high - low + 10 * (np.maximum(low - values, 0) + np.maximum(values - high, 0))


def _ranks(values: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Ranks in [0, 1] among ``ordered``; equal values share theirs."""
    return (ordered.searchsorted(values) + ordered.searchsorted(values, side="right")) / (2 * len(ordered))


def _weighted_quantiles(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Row by row at ``LEVELS``, between the middles of the steps of the weighted distribution."""
    order = np.argsort(values, axis=1)
    values, weights = np.take_along_axis(values, order, 1), np.take_along_axis(weights, order, 1)
    reached = np.cumsum(weights, 1)
    reached = (reached - weights / 2) / reached[:, -1:]
    rows, out = np.arange(len(values)), np.empty((len(values), len(LEVELS)))
    for j, level in enumerate(LEVELS):
        i = np.clip((reached < level).sum(1), 1, values.shape[1] - 1)
        low, high = reached[rows, i - 1], reached[rows, i]
        part = np.clip((level - low) / np.maximum(high - low, 1e-12), 0, 1)
        out[:, j] = values[rows, i - 1] + part * (values[rows, i] - values[rows, i - 1])
    return np.sort(out, 1)


def _score_of(values: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """At which normal score each value lies in its row of rising quantiles; straight on beyond the outermost."""
    return np.array([score_at(v, row) for v, row in zip(values, quantiles, strict=True)])


def score_at(value: float, knots: np.ndarray) -> float:
    """The normal score at which ``value`` lies among the rising quantiles ``knots``."""
    for end in (0, -1):
        beyond = knots[0] - value if end == 0 else value - knots[-1]
        reach = abs(knots[_MIDDLE] - knots[end])
        if beyond > 0:
            return float(SCORES[end] * (1 + beyond / reach)) if reach > 0 else float(np.sign(SCORES[end]) * np.inf)
    return float(np.interp(value, knots, SCORES))


def _at_score(score: float, quantiles: np.ndarray) -> np.ndarray:
    """The value at a normal score, for each row of quantiles: the inverse of ``score_at``."""
    for end in (0, -1):
        if abs(score) > abs(SCORES[end]) and score * SCORES[end] > 0:
            middle = quantiles[:, _MIDDLE]
            return middle + (quantiles[:, end] - middle) * score / SCORES[end]
    i = int(np.clip(SCORES.searchsorted(score), 1, len(SCORES) - 1))
    part = (score - SCORES[i - 1]) / (SCORES[i] - SCORES[i - 1])
    return quantiles[:, i - 1] + part * (quantiles[:, i] - quantiles[:, i - 1])


def value_at(score: float, knots: np.ndarray) -> float:
    """The value at a normal score among the rising quantiles ``knots``."""
    return float(_at_score(score, knots[None])[0])
