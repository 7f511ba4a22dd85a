"""Warping: from raw scores to values that a Gaussian process can model. Knows neither trials nor models.

Everything is a pure function of the scores; larger is better throughout.
"""

from __future__ import annotations

import numpy as np

_LAMBDAS, _FINER = np.linspace(-3.0, 5.0, 33), np.linspace(-0.25, 0.25, 11)


def clean(scores: np.ndarray, reach: float = 3.0) -> np.ndarray:
    """Scores without the values that say nothing but "bad".

    What is not finite becomes the worst finite score, and scores further than ``reach`` interquartile ranges below
    the median are pulled up to there. The good side is never touched.

    Args:
        scores: larger is better; NaN and minus infinity stand for failed and infeasible trials.

    >>> clean(np.array([0.9, 0.8, 0.85, np.nan, -1e9, 0.7])).round(2).tolist()
    [0.9, 0.8, 0.85, 0.35, 0.35, 0.7]
    """
    values = np.array(scores, dtype=float)
    values[values == np.inf] = np.nan
    known = np.isfinite(values)
    if not known.any():
        return np.zeros_like(values)
    low, middle, high = np.quantile(values[known], (0.25, 0.5, 0.75))
    spread = high - low
    floor = middle - reach * spread if spread > 0 else values[known].min()
    values[known] = np.maximum(values[known], floor)
    values[~known] = values[known].min()
    return values


def power(values: np.ndarray, shape: float) -> np.ndarray:
    """The power transform of Yeo & Johnson (2000), increasing for every ``shape``; 1 changes nothing.

    >>> power(np.array([-1.0, 0.0, 3.0]), 1.0).tolist(), power(np.array([-1.0, 3.0]), 2.0).tolist()
    ([-1.0, 0.0, 3.0], [-0.6931471805599453, 7.5])
    """
    up, down = np.maximum(values, 0.0), np.maximum(-values, 0.0)
    above = np.log1p(up) if abs(shape) < 1e-9 else ((1 + up) ** shape - 1) / shape
    below = np.log1p(down) if abs(shape - 2) < 1e-9 else ((1 + down) ** (2 - shape) - 1) / (2 - shape)
    return np.where(values >= 0, above, -below)


def fit_power(values: np.ndarray) -> float:
    """The shape under which ``values`` look most like a normal sample: a grid, then a finer grid.

    >>> draws = np.random.default_rng(0).normal(size=400)
    >>> bool(abs(fit_power(draws) - 1) < 0.2)
    True
    """
    logs, up = np.log1p(np.abs(values)), values >= 0
    jacobian = logs[up].sum() - logs[~up].sum()
    above, below = logs[up], logs[~up]

    def best(shapes: np.ndarray) -> float:
        parts = [_boxed(above, shapes), -_boxed(below, 2.0 - shapes)]
        variance = np.hstack(parts).var(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            likelihood = -0.5 * len(values) * np.log(variance) + (shapes - 1) * jacobian
        return float(shapes[np.argmax(np.where(variance > 1e-30, likelihood, -np.inf))])

    return best(best(_LAMBDAS) + _FINER)


def _boxed(logs: np.ndarray, shapes: np.ndarray) -> np.ndarray:
    """(exp(logs) ** shape - 1) / shape for each of ``shapes``, which tends to ``logs`` where the shape is 0."""
    by = np.where(np.abs(shapes) < 1e-9, 1e-9, shapes)[:, None]
    return np.expm1(by * logs) / by


def standardise(values: np.ndarray) -> np.ndarray:
    """Mean 0 and standard deviation 1; all zeros when the values are all equal."""
    centred = values - values.mean()
    spread = centred.std()
    return centred / spread if spread > 1e-12 * max(1.0, float(np.abs(values).max())) else np.zeros_like(values)


def evened(scores: np.ndarray) -> np.ndarray:
    """Clean and standardise, whatever the unit: of the largest value first, for differences of 1e-13 are no zeros.

    >>> evened(np.array([1e-13, 3e-13, 3e-13, np.nan])).round(3).tolist()
    [-1.0, 1.0, 1.0, -1.0]
    """
    known = np.abs(scores[np.isfinite(scores)])
    return standardise(clean(scores / known.max() if known.any() else scores))


def warp(scores: np.ndarray, enough: int = 6) -> np.ndarray:
    """Clean, standardise, and apply a power transform when there are at least ``enough`` different values.

    >>> warp(np.array([1.0, 1.0, np.nan])).tolist()
    [0.0, 0.0, 0.0]
    """
    values = evened(scores)
    if len(np.unique(values)) < enough:
        return values
    warped = power(values, fit_power(values))
    return standardise(warped) if np.all(np.isfinite(warped)) and warped.std() > 0.1 else values
