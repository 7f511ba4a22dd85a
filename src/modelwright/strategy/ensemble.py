"""A surrogate for few trials of many decisions: Gaussian processes averaged by how likely each is.

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
    noise: float
    factor: tuple[np.ndarray, bool]
    solved: np.ndarray


class Ensemble:
    """Gaussian processes whose kernels see single decisions, pairs of them, or whole configurations.

    The first two go on predicting where more decisions are made than in any trial so far (a larger cell), because what
    a decision was worth carries over; the last knows best where it has seen most. Each member counts by the likelihood
    of the trials under it.

    Args:
        points: (n, axes) in the unit cube, NaN for decisions that are not there.
        scores: (n,), larger is better.
        categorical: which axes are categories.
        ranks: whether only the order of the scores counts, and NaN as worst; predictions are in units of the spread of
            ranks then, else in those of the scores.

    >>> x = np.linspace(0, 1, 9)[:, None]
    >>> mean, std = Ensemble(x, x[:, 0], [False]).predict(np.array([[0.05], [0.95]]))
    >>> bool(mean[0] < mean[1]), bool((std > 0).all())
    (True, True)
    """

    def __init__(self, points: np.ndarray, scores: np.ndarray, categorical: Sequence[bool], *, ranks: bool = True):
        self.points, self.categorical = points, np.asarray(categorical, dtype=bool)
        self.centre, self.scale = (0.0, 1.0) if ranks else (float(scores.mean()), float(scores.std()) or 1.0)
        y = self.values = by_rank(scores) if ranks else (scores - self.centre) / self.scale
        self.members: list[_Member] = []
        logs: list[float] = []
        kernels = _kernels(alike(points, points, self.categorical))
        for place, kernel in enumerate(kernels):
            for noise in _NOISES:
                factor = cho_factor(kernel + (noise + 1e-8) * np.eye(len(y)), lower=True)
                solved = cho_solve(factor, y)
                log = -0.5 * float(y @ solved) - float(np.log(np.diag(factor[0])).sum())
                self.members.append(_Member(place, 0.0, noise, factor, solved))
                logs.append(log)
        weights = np.exp(np.array(logs) - max(logs))
        weights /= weights.sum()
        for member, weight in zip(self.members, weights, strict=True):
            member.weight = float(weight)
        self.members = [m for m in self.members if m.weight > 0.01]

    def predict(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation, larger is better; without the noise of a trial."""
        kernels = _kernels(alike(x, self.points, self.categorical))
        total = sum(m.weight for m in self.members)
        means, squares = np.zeros(len(x)), np.zeros(len(x))
        for m in self.members:
            across = kernels[m.kernel]
            mean = across @ m.solved
            known = np.einsum("ij,ji->i", across, cho_solve(m.factor, across.T))
            share = m.weight / total
            means += share * mean
            squares += share * (np.maximum(1.0 - known, 1e-9) + mean * mean)
        return self.centre + self.scale * means, self.scale * np.sqrt(np.maximum(squares - means * means, 1e-9))

    def difference(self, x: np.ndarray, to: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """By how much the points ``x`` are worth more than the point ``to``: mean and standard deviation.

        Alike points are known alike, so this is mostly known better than what each of them is worth.

        >>> x = np.linspace(0, 1, 9)[:, None]
        >>> model = Ensemble(x, x[:, 0], [False])
        >>> mean, std = model.difference(np.array([[0.5], [0.6]]), np.array([0.5]))
        >>> mean.round(1).tolist()[0], std.round(6).tolist()[0], bool(mean[1] > 0), bool(0 < std[1])
        (0.0, 0.0, True, True)
        """
        both = np.vstack([to[None, :], x])
        kernels = _kernels(alike(both, self.points, self.categorical))
        beside = _kernels(alike(both, both[:1], self.categorical))
        total = sum(m.weight for m in self.members)
        means, squares = np.zeros(len(x)), np.zeros(len(x))
        for m in self.members:
            across = kernels[m.kernel]
            gain = (across @ m.solved)[1:] - float(across[0] @ m.solved)
            solved = cho_solve(m.factor, across.T)
            own = 1.0 - np.einsum("ij,ji->i", across, solved)
            shared = beside[m.kernel][:, 0] - across @ solved[:, 0]
            share = m.weight / total
            means += share * gain
            squares += share * (np.maximum(own[1:] + own[0] - 2.0 * shared[1:], 0.0) + gain * gain)
        return self.scale * means, self.scale * np.sqrt(np.maximum(squares - means * means, 0.0))

    def left_out(self) -> np.ndarray:
        """What the trials' scores would have been predicted as, each from all others."""
        total = sum(m.weight for m in self.members)
        found = np.zeros(len(self.values))
        for m in self.members:
            inverse = np.diag(cho_solve(m.factor, np.eye(len(self.values))))
            found += m.weight / total * (self.values - m.solved / inverse)
        return self.centre + self.scale * found

    @property
    def noise(self) -> float:
        """The standard deviation of what the decisions do not explain."""
        total = sum(m.weight for m in self.members)
        return self.scale * float(np.sqrt(sum(m.weight * m.noise for m in self.members) / total))


def alike(x: np.ndarray, other: np.ndarray, categorical: np.ndarray) -> np.ndarray:
    """(rows of ``x``, rows of ``other``): the share of decisions, of those that either has, on which they agree.

    On an axis of numbers they agree the more the nearer they are (Gower, Biometrics 27(4), 1971).

    >>> alike(np.array([[0.25, np.nan]]), np.array([[0.25, np.nan], [0.75, 0.5]]), np.array([True, False])).tolist()
    [[1.0, 0.0]]
    """
    a, b = x[:, None, :], other[None, :, :]
    gap = np.abs(a - b)
    gap = np.where(categorical, gap > 1e-9, gap)
    here, there = ~np.isnan(a), ~np.isnan(b)
    gap = np.where(here & there, gap, 1.0)
    either = here | there
    return 1.0 - np.where(either, gap, 0.0).sum(axis=2) / np.maximum(either.sum(axis=2), 1)


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
