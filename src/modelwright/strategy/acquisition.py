"""Acquisition: where a surrogate promises most. Does not know how the surrogate was made, nor what a trial is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from scipy.special import erfcx, ndtr

from modelwright.strategy.base import SearchSpace

_ROOT_HALF_PI = np.sqrt(np.pi / 2)
_LOG_ROOT_2PI = 0.5 * np.log(2 * np.pi)
#: So many of the best candidates are climbed from.
_STARTS = 6
#: How often a search without slopes looks around its best candidates.
_ROUNDS = 3

#: The lowest and the highest value of each axis.
Box = tuple[np.ndarray, np.ndarray]


class Surrogate(Protocol):
    """What an acquisition asks of a model."""

    @property
    def bend(self) -> Any: ...

    def predict(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...

    def slopes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]: ...


class Wanted(Protocol):
    """What is climbed: see ``terms``."""

    def value(self, x: np.ndarray) -> np.ndarray: ...

    def slopes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...


def log_ei(mean: np.ndarray, std: np.ndarray, best: float) -> np.ndarray:
    """Logarithm of the expected improvement over ``best``, exact where the improvement itself underflows.

    Ament et al. 2023, "Unexpected improvements to expected improvement", section 4.1.

    >>> log_ei(np.array([0.0, -50.0]), np.array([1.0, 1.0]), 0.0).round(2).tolist()
    [-0.92, -1258.74]
    """
    return np.log(std) + _parts((mean - best) / std)[0]


def log_ei_slopes(mean: np.ndarray, std: np.ndarray, best: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``log_ei`` with its derivatives by mean and by standard deviation."""
    value, by_mean, by_std = _parts((mean - best) / std)
    return np.log(std) + value, by_mean / std, by_std / std


def _parts(u: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """With h = phi + u Phi: log h, Phi / h and phi / h."""
    u = np.asarray(u, dtype=float)
    mills = _ROOT_HALF_PI * erfcx(-np.minimum(u, -1.0) / np.sqrt(2.0))
    far = np.minimum(u, -1.0)
    # 1 + u * mills loses all digits for very negative u, where it tends to 1 / u^2.
    tail = np.where(far < -1e4, 1.0 / (far * far), 1.0 + far * mills)
    near = np.maximum(u, -1.0)
    density = np.exp(-0.5 * near * near - _LOG_ROOT_2PI)
    h = density + near * ndtr(near)
    left = u < -1.0
    value = np.where(left, -0.5 * u * u - _LOG_ROOT_2PI + np.log(tail), np.log(h))
    return value, np.where(left, mills / tail, ndtr(near) / h), np.where(left, 1.0 / tail, density / h)


def candidates(
    space: SearchSpace, rng: np.random.Generator, tops: np.ndarray, sigma: np.ndarray, bend: Any, count: int = 512
) -> np.ndarray:
    """Points worth a look: half uniform, the rest near ``tops`` (few parameters moved, or all) and one flip away.

    Args:
        tops: good points, best first, shape (few, axes).
        sigma: width of the moves along each axis, in bent coordinates.
        bend: ``there`` and ``back`` between points and bent coordinates; moves are made in the latter.
        count: about how many.

    Returns:
        Points on the lattice, shape (about count, axes).
    """
    uniform = space.sample_vectors(rng, count)
    if not len(tops):
        return uniform
    axes = uniform.shape[1]
    half, quarter = count // 2, count // 4
    fresh = np.where(np.isnan(uniform), rng.random(uniform.shape), uniform)
    near = tops[rng.integers(len(tops), size=half)]
    near = np.where(np.isnan(near), fresh[:half], near)
    categorical = np.array([axis.kind == "categorical" for axis in space.axes])
    width = rng.choice([0.1, 0.3, 1.0], size=(half, 1)) * sigma
    moved = bend.back(bend.there(near) + width * rng.normal(size=near.shape))
    moved = np.where(categorical, fresh[-half:], moved)
    which = rng.random(near.shape) < np.where(rng.random((half, 1)) < 0.5, min(1.0, 2.0 / axes), 1.0)
    which &= ~categorical | (rng.random(near.shape) < min(0.5, 1.0 / axes))
    flips = np.where(np.isnan(tops), 0.5, tops)[np.arange(quarter) % len(tops)]
    axis = rng.integers(axes, size=quarter)
    flips[np.arange(quarter), axis] = fresh[:quarter][np.arange(quarter), axis]
    wide = bend.back(fresh[: (count - half) // 2])
    wide = np.where(categorical, fresh[: len(wide)], wide)
    rest = uniform[len(wide) : count - half]
    return np.vstack([rest, space.snap(np.vstack([wide, np.where(which, moved, near), flips]))])


def climb(
    wanted: Wanted,
    bend: Any,
    starts: np.ndarray,
    axes: Sequence[str],
    steps: int = 25,
    box: Box | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Climb ``wanted`` from every start at once along the numeric axes, by signs of the gradient with own step sizes.

    Igel & Huesken 2000 (iRprop-): robust where the acquisition is flat in its logarithm, and one batch per step. Signs
    are the same in bent coordinates, in which the steps are made.

    Returns:
        The best point seen from each start, off the lattice, and its value.
    """
    x = bend.there(starts)
    free = ~np.isnan(x) & np.array([kind != "categorical" for kind in axes])
    size = np.where(free, 0.03, 0.0)
    last = np.zeros_like(x)
    low, high = (0.0, 1.0) if box is None else (bend.there(box[0]), bend.there(box[1]))
    found, value = x.copy(), np.full(len(x), -np.inf)
    for _ in range(steps):
        here, slope = wanted.slopes(np.where(free, bend.back(x), starts))
        slope = np.where(free, slope, 0.0)
        better = here > value
        found[better], value[better] = x[better], here[better]
        agreed = slope * last
        size = np.clip(np.where(agreed > 0, 1.3 * size, np.where(agreed < 0, 0.5 * size, size)), 1e-5, 0.2) * free
        last = np.where(agreed < 0, 0.0, slope)
        x = np.where(free, np.clip(np.where(free, x, 0.0) + np.sign(last) * size, low, high), x)
    return np.where(free, bend.back(found), starts), value


def propose_vectors(
    wanted: Wanted,
    bend: Any,
    space: SearchSpace,
    rng: np.random.Generator,
    tops: np.ndarray,
    sigma: np.ndarray,
    box: Box | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Points on the lattice by falling worth, with what ``wanted`` says of them.

    Args:
        wanted: what is to be made large: a term of ``terms``, or their ``Sum``.
        bend: the coordinates in which moves are made, such as those of the objective's model.
        tops, sigma: see ``candidates``.
        box: the lowest and the highest value of each axis that may be proposed; categories are free.
    """
    pool = candidates(space, rng, tops, sigma, bend)
    kinds = [axis.kind for axis in space.axes]
    if box is not None:
        number = np.array([kind != "categorical" for kind in kinds])
        pool = space.snap(np.where(number, np.clip(pool, *box), pool))
    worth = wanted.value(pool)
    order = np.argsort(-worth, kind="stable")
    chosen = order[:_STARTS]
    refined, _ = climb(wanted, bend, pool[chosen], kinds, box=box)
    refined = space.snap(refined)
    again = wanted.value(refined)
    points, values = np.vstack([refined, pool]), np.concatenate([again, worth])
    order = np.argsort(-values, kind="stable")
    return points[order], values[order]


def search_vectors(
    wanted: Wanted, bend: Any, space: SearchSpace, rng: np.random.Generator, tops: np.ndarray, sigma: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """As ``propose_vectors``, for models without slopes: candidates around the best candidates, a few times over."""
    points = candidates(space, rng, tops, sigma, bend)
    values = wanted.value(points)
    for _ in range(_ROUNDS):
        best = points[np.argsort(-values, kind="stable")[:_STARTS]]
        more = candidates(space, rng, best, sigma, bend, count=256)[64:]
        points, values = np.vstack([points, more]), np.concatenate([values, wanted.value(more)])
    order = np.argsort(-values, kind="stable")
    return points[order], values[order]
