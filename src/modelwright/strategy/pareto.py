"""Pareto fronts: who is on them, how much they dominate, and how much more a new point may be expected to.

Everything is to be made large, and points are rows of numbers: knows neither trials nor spaces.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from modelwright.strategy.acquisition import Surrogate, log_ei_slopes
from modelwright.strategy.terms import predicted

#: Points of a front that expected improvement looks at, by the number of objectives; the rest are the most crowded.
_MOST = {2: 100, 3: 40, 4: 16}
_FEW = 8


def front(points: np.ndarray) -> np.ndarray:
    """Rows that no other one beats: at least as good everywhere and better somewhere. Of equal rows all are kept.

    Args:
        points: (points, objectives), without NaN.

    Returns:
        Their indices, in order.

    >>> front(np.array([[1.0, 1.0], [3.0, 0.0], [0.0, 3.0], [2.0, 2.0]])).tolist()
    [1, 2, 3]
    """
    points = np.asarray(points, dtype=float)
    # In falling order of the first objective, then of the others, nobody is beaten by who comes later.
    order = np.lexsort(tuple(-column for column in points.T[::-1]))
    kept: list[int] = []
    best = np.empty((0, points.shape[1]))
    for i in order:
        here = points[i]
        if not ((best >= here).all(axis=1) & (best > here).any(axis=1)).any():
            kept.append(int(i))
            best = points[kept]
    return np.sort(np.array(kept, dtype=int))


def hypervolume(points: np.ndarray, reference: Sequence[float] | np.ndarray) -> float:
    """The volume that ``points`` dominate above ``reference``.

    Exact: by a sweep for two objectives, by slices for more, each of which is a hypervolume with one objective less
    (Zitzler and Thiele, PPSN 1998); with n points of m objectives about n^(m - 1) steps.

    Args:
        points: (points, objectives), larger is better.
        reference: one number for each objective; points not above it in every one do not count.

    >>> hypervolume(np.array([[2.0, 1.0], [1.0, 2.0]]), (0.0, 0.0))
    3.0
    """
    reference = np.asarray(reference, dtype=float)
    above = np.asarray(points, dtype=float).reshape(-1, len(reference)) - reference
    above = above[(above > 0).all(axis=1)]
    return _volume(above[front(above)]) if len(above) else 0.0


def _volume(points: np.ndarray) -> float:
    """What points above zero dominate."""
    if points.shape[1] == 1:
        return float(points.max())
    points = points[np.argsort(-points[:, -1], kind="stable")]
    levels = np.append(points[:, -1], 0.0)
    if points.shape[1] == 2:
        return float(np.maximum.accumulate(points[:, 0]) @ -np.diff(levels))
    total = 0.0
    for i in range(len(points)):
        depth = levels[i] - levels[i + 1]
        if depth > 0:
            slice_ = points[: i + 1, :-1]
            total += depth * _volume(slice_[front(slice_)] if i else slice_)
    return total


def boxes(points: np.ndarray, reference: Sequence[float] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What no point dominates, above ``reference``, cut into boxes that do not overlap.

    The last objective is cut at the points' values; in each slab the others are cut by the points that reach above it,
    and a box that is the same in neighbouring slabs is one box. Two objectives give n + 1 boxes and three at most
    2n + 1 for n points (Lacour, Klamroth and Fonseca, Comp. & Oper. Res. 79, 2017, have the counts).

    Returns:
        Lower and upper corners, each (boxes, objectives); upper ones may be infinite.

    >>> low, high = boxes(np.array([[2.0, 1.0], [1.0, 2.0]]), (0.0, 0.0))
    >>> sorted(zip(low.tolist(), high.tolist()))
    [([0.0, 2.0], [1.0, inf]), ([1.0, 1.0], [2.0, inf]), ([2.0, 0.0], [inf, inf])]
    """
    reference = np.asarray(reference, dtype=float)
    points = np.asarray(points, dtype=float).reshape(-1, len(reference))
    points = points[(points > reference).all(axis=1)]
    points = np.unique(points[front(points)], axis=0)
    found = _boxes(tuple(map(tuple, points.tolist())), tuple(reference.tolist()))
    return np.array([low for low, _ in found]), np.array([high for _, high in found])


_Box = tuple[tuple[float, ...], tuple[float, ...]]


def _boxes(points: tuple[tuple[float, ...], ...], reference: tuple[float, ...]) -> list[_Box]:
    first, rest = reference[0], reference[1:]
    if not rest:
        return [((max((p[0] for p in points), default=first),), (np.inf,))]
    # From high to low along the first objective: in a slab those count that reach above it.
    levels = [np.inf, *sorted({p[0] for p in points}, reverse=True), first]
    open_: dict[_Box, float] = {}
    found: list[_Box] = []
    for top, bottom in pairwise(levels):
        reach = _undominated(tuple({p[1:] for p in points if p[0] >= top}))
        here = dict.fromkeys(_boxes(reach, rest), top)
        for (low, high), begun in open_.items():
            if (low, high) in here:
                here[low, high] = begun
            else:
                found.append(((top, *low), (begun, *high)))
        open_ = here
        if bottom == first:
            found += [((first, *low), (begun, *high)) for (low, high), begun in open_.items()]
    return found


def _undominated(points: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
    if len(points) < 2:
        return points
    table = np.array(points)
    return tuple(points[i] for i in front(table))


def reference_point(values: np.ndarray) -> np.ndarray:
    """A reference for ``values``: a tenth of their extent below the worst of all.

    Not below the worst of the front, as is often done: a front that is still short could then not grow longer.

    >>> reference_point(np.array([[2.0, 0.0], [0.0, 1.0], [-3.0, -4.0]])).round(6).tolist()
    [-3.5, -4.5]
    """
    values = np.asarray(values, dtype=float)
    extent = np.ptp(values, axis=0)
    return values.min(axis=0) - 0.1 * np.where(extent > 0, extent, 1.0)


def spread(points: np.ndarray, most: int) -> np.ndarray:
    """Indices of at most ``most`` points: the best in each objective, then whoever is farthest from those taken."""
    if len(points) <= most:
        return np.arange(len(points))
    unit = (points - points.min(axis=0)) / np.maximum(np.ptp(points, axis=0), 1e-12)
    taken = list(dict.fromkeys(unit.argmax(axis=0).tolist()))
    far = np.min([((unit - unit[i]) ** 2).sum(axis=1) for i in taken], axis=0)
    while len(taken) < most:
        taken.append(int(far.argmax()))
        far = np.minimum(far, ((unit - unit[taken[-1]]) ** 2).sum(axis=1))
    return np.sort(np.array(taken))


class HypervolumeImprovement:
    """The logarithm of the expected hypervolume improvement, for objectives that are independent and normal.

    In each box of what is not dominated yet, the improvement is a product over the objectives, and so is its
    expectation (Emmerich et al., "Single- and multiobjective evolutionary optimization assisted by Gaussian random
    field metamodels", IEEE Trans. Evol. Comp. 10(4), 2006; Daulton, Balandat and Bakshy, "Differentiable expected
    hypervolume improvement", NeurIPS 2020, section 3). The sum over the boxes is taken of logarithms, as in Ament et
    al. 2023, so that it has a slope where the improvement itself underflows. Exact, but for fronts of very many points
    the most crowded ones are left out.

    Args:
        models: one for each objective.
        values: (points, objectives) known so far, in the units of the models.
        reference: what counts at all; by default ``reference_point`` of ``values``.
        margin: the front is moved up by so much, so that improvements smaller than that count less.
    """

    def __init__(
        self,
        models: Sequence[Surrogate],
        values: np.ndarray,
        reference: np.ndarray | None = None,
        margin: float = 0.0,
    ):
        self.models = tuple(models)
        self.reference = reference_point(values) if reference is None else np.asarray(reference, dtype=float)
        best = np.unique(values[front(values)], axis=0) + margin
        best = best[spread(best, _MOST.get(len(self.models), _FEW))]
        low, high = boxes(best, self.reference)
        #: Different edges of each objective, and which of them each box has.
        self._edges = [np.unique(np.concatenate([a, b])) for a, b in zip(low.T, high.T)]
        self._low = [np.searchsorted(edges, a) for edges, a in zip(self._edges, low.T)]
        self._high = [np.searchsorted(edges, b) for edges, b in zip(self._edges, high.T)]

    def value(self, x: np.ndarray) -> np.ndarray:
        parts = [self._part(j, *model.predict(x))[0] for j, model in enumerate(self.models)]
        total = np.sum(parts, axis=0)
        top = total.max(axis=1)
        return top + np.log(np.exp(total - top[:, None]).sum(axis=1))

    def slopes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        seen = [predicted(model, x) for model in self.models]
        parts = [self._part(j, mean, std) for j, (mean, std, _, _) in enumerate(seen)]
        total = np.sum([log for log, _, _ in parts], axis=0)
        top = total.max(axis=1)
        weight = np.exp(total - top[:, None])
        whole = weight.sum(axis=1)
        weight /= whole[:, None]
        slope = np.zeros(x.shape)
        for (_, up, out), (_, _, by_mean, by_std) in zip(parts, seen):
            slope += (weight * up).sum(axis=1)[:, None] * by_mean + (weight * out).sum(axis=1)[:, None] * by_std
        return top + np.log(whole), slope

    def _part(self, j: int, mean: np.ndarray, std: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Objective ``j``'s factor in each box, (points, boxes): its logarithm, slopes by mean and by deviation.

        It is the expected improvement over the lower edge less that over the upper one.
        """
        edges = self._edges[j]
        finite = np.isfinite(edges)
        log = np.full((len(mean), len(edges)), -np.inf)
        up, out = np.zeros(log.shape), np.zeros(log.shape)
        log[:, finite], up[:, finite], out[:, finite] = log_ei_slopes(mean[:, None], std[:, None], edges[finite])
        low, high = self._low[j], self._high[j]
        ratio = np.minimum(log[:, high] - log[:, low], -1e-15)
        share, rest = np.exp(ratio), -np.expm1(ratio)
        return (
            log[:, low] + np.log(rest),
            (up[:, low] - share * up[:, high]) / rest,
            (out[:, low] - share * out[:, high]) / rest,
        )
