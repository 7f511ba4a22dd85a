"""A surrogate for few trials of many decisions: Gaussian processes on ranks, averaged by how likely each is.

Owns the model; knows no trials. What decides is how similar two points are: the share of decisions that they agree on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import ndtri

#: Lengths of the kernel that falls with distance, and variances of the noise beside a signal of 1.
_LENGTHS, _NOISES = (0.1, 0.25, 0.6), (0.01, 0.05, 0.2, 0.6)


@dataclass(slots=True)
class _Member:
    kernel: int
    weight: float
    factor: tuple[np.ndarray, bool]
    solved: np.ndarray


class RankEnsemble:
    """Gaussian processes whose kernels see single decisions, pairs of them, or whole configurations.

    The first two go on predicting where more decisions are made than in any trial so far (a larger cell), because what
    a decision was worth carries over; the last knows best where it has seen most. Each member counts by the likelihood
    of the trials under it.

    Args:
        points: (n, axes) in the unit cube, NaN for decisions that are not there.
        scores: (n,), larger is better; only their order counts. NaN counts as worst.
        categorical: which axes are categories.

    >>> x = np.linspace(0, 1, 9)[:, None]
    >>> mean, std = RankEnsemble(x, x[:, 0], [False]).predict(np.array([[0.05], [0.95]]))
    >>> bool(mean[0] < mean[1]), bool((std > 0).all())
    (True, True)
    """

    def __init__(self, points: np.ndarray, scores: np.ndarray, categorical: Sequence[bool]):
        self.points, self.categorical = points, np.asarray(categorical, dtype=bool)
        y = by_rank(scores)
        self.members: list[_Member] = []
        logs: list[float] = []
        kernels = _kernels(self._alike(points))
        for place, kernel in enumerate(kernels):
            for noise in _NOISES:
                factor = cho_factor(kernel + (noise + 1e-8) * np.eye(len(y)), lower=True)
                solved = cho_solve(factor, y)
                log = -0.5 * float(y @ solved) - float(np.log(np.diag(factor[0])).sum())
                self.members.append(_Member(place, 0.0, factor, solved))
                logs.append(log)
        weights = np.exp(np.array(logs) - max(logs))
        weights /= weights.sum()
        for member, weight in zip(self.members, weights, strict=True):
            member.weight = float(weight)
        self.members = [m for m in self.members if m.weight > 0.01]

    def _alike(self, x: np.ndarray) -> np.ndarray:
        """(points, trials): the share of decisions, of those that either has, on which they agree."""
        a, b = x[:, None, :], self.points[None, :, :]
        gap = np.abs(a - b)
        gap = np.where(self.categorical, gap > 1e-9, gap)
        here, there = ~np.isnan(a), ~np.isnan(b)
        gap = np.where(here & there, gap, 1.0)
        either = here | there
        return 1.0 - np.where(either, gap, 0.0).sum(axis=2) / np.maximum(either.sum(axis=2), 1)

    def predict(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation in units of the spread of ranks, larger is better."""
        kernels = _kernels(self._alike(x))
        total = sum(m.weight for m in self.members)
        means, squares = np.zeros(len(x)), np.zeros(len(x))
        for m in self.members:
            across = kernels[m.kernel]
            mean = across @ m.solved
            known = np.einsum("ij,ji->i", across, cho_solve(m.factor, across.T))
            share = m.weight / total
            means += share * mean
            squares += share * (np.maximum(1.0 - known, 1e-9) + mean * mean)
        return means, np.sqrt(np.maximum(squares - means * means, 1e-9))


def by_rank(scores: np.ndarray) -> np.ndarray:
    """Scores as a normal distribution would have them by their order; ties share, NaN is worst.

    >>> by_rank(np.array([3.0, 1.0, 2.0, np.nan])).round(1).tolist()
    [1.2, -0.3, 0.3, -1.2]
    """
    known = np.where(np.isnan(scores), -np.inf, scores)
    _, inverse, counts = np.unique(known, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - counts / 2
    return ndtri(middle[inverse] / len(scores))


def _kernels(alike: np.ndarray) -> list[np.ndarray]:
    apart = 1.0 - alike
    return [alike, alike * alike, *(np.exp(-apart / length) for length in _LENGTHS)]
