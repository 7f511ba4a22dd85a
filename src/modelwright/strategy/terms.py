"""Terms: what adds up to an acquisition, each a logarithm. Knows models, and neither trials nor spaces.

An acquisition is a product: improvement, times the probability that a trial is allowed, over what it costs, times what
a user believes. In logarithms it is a sum of terms, and whoever has something to say adds one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from scipy.special import log_ndtr

from modelwright.strategy.acquisition import Surrogate, log_ei, log_ei_slopes

_LOG_ROOT_2PI = 0.5 * np.log(2 * np.pi)
#: Bent axes end this far from 0 and 1, as those of the model do.
_EDGE = 1e-6


class Term(Protocol):
    """One addend of an acquisition."""

    def value(self, x: np.ndarray) -> np.ndarray:
        """What each row of ``x`` (points, axes) is worth; the shape is (points,)."""
        ...

    def slopes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``value`` and its gradient by the coordinates of ``x``; 0 where there is no slope."""
        ...


class Sum:
    """Terms added up.

    >>> class Flat:
    ...     def value(self, x): return np.ones(len(x))
    ...     def slopes(self, x): return np.ones(len(x)), np.zeros(x.shape)
    >>> Sum([Flat(), Flat()]).value(np.zeros((2, 3))).tolist()
    [2.0, 2.0]
    """

    def __init__(self, terms: Sequence[Term]):
        self.terms = tuple(terms)

    def value(self, x: np.ndarray) -> np.ndarray:
        return np.sum([term.value(x) for term in self.terms], axis=0)

    def slopes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = [term.slopes(x) for term in self.terms]
        return np.sum([value for value, _ in found], axis=0), np.sum([slope for _, slope in found], axis=0)


class Improvement:
    """The logarithm of the expected improvement of a model over ``best`` (see ``log_ei``)."""

    def __init__(self, model: Surrogate, best: float):
        self.model, self.best = model, best

    def value(self, x: np.ndarray) -> np.ndarray:
        return log_ei(*self.model.predict(x), self.best)

    def slopes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean, std, by_mean, by_std = predicted(self.model, x)
        value, up, out = log_ei_slopes(mean, std, self.best)
        return value, up[:, None] * by_mean + out[:, None] * by_std


class Below:
    """The logarithm of the probability that a model's value is at most ``limit`` (Gardner et al., ICML 2014)."""

    def __init__(self, model: Surrogate, limit: float = 0.0):
        self.model, self.limit = model, limit

    def value(self, x: np.ndarray) -> np.ndarray:
        mean, std = self.model.predict(x)
        return log_ndtr((self.limit - mean) / std)

    def slopes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean, std, by_mean, by_std = predicted(self.model, x)
        z = (self.limit - mean) / std
        value = log_ndtr(z)
        # The density over the probability, by logarithms: both underflow far out.
        hazard = np.exp(-0.5 * z * z - _LOG_ROOT_2PI - value) / std
        return value, -hazard[:, None] * (by_mean + z[:, None] * by_std)


class Mean:
    """``weight`` times a model's mean: the logarithm of a cost that the model predicts, with a negative weight."""

    def __init__(self, model: Surrogate, weight: float = 1.0):
        self.model, self.weight = model, weight

    def value(self, x: np.ndarray) -> np.ndarray:
        return self.weight * self.model.predict(x)[0]

    def slopes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean, _, by_mean, _ = predicted(self.model, x)
        return self.weight * mean, self.weight * by_mean


def predicted(model: Surrogate, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Mean, standard deviation, and the gradients of both by the coordinates of ``x``.

    Models have bends of their own, so that their slopes by bent coordinates do not add up.
    """
    mean, std, by_mean, by_std = model.slopes(x)
    faster = rate(model.bend, x)
    return mean, std, by_mean * faster, by_std * faster


def rate(bend: Any, x: np.ndarray) -> np.ndarray:
    """How much faster bent coordinates move than ``x``; 0 where an axis is inactive."""
    a, b = bend.a, bend.b
    inside = np.clip(np.where(np.isnan(x), 0.5, x), _EDGE, 1 - _EDGE)
    return np.where(np.isnan(x), 0.0, a * b * inside ** (a - 1) * (1 - inside**a) ** (b - 1))
