"""A forest of random trees whose averages over any one or two axes are exact. Knows points and values, not trials.

Trees take the best of some random thresholds (P. Geurts, D. Ernst, L. Wehenkel, "Extremely randomized trees", Machine
Learning 63, 2006); their leaves are boxes, so that averages over the other axes need no sampling (F. Hutter, H. Hoos,
K. Leyton-Brown, "An efficient approach for assessing hyperparameter importance", ICML 2014, section 4). All trees grow
at once, a level at a time: a level is a few numpy calls, however many nodes it has.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np

#: Levels after which a node becomes a leaf whatever it holds.
DEEPEST = 40


@dataclass(slots=True)
class Forest:
    """Leaves of all trees as boxes of the unit cube.

    Attributes:
        low, high: corners, shape (leaves, axes).
        mass: volume of each leaf times the mean of its samples, by the number of trees.
        tree: which tree a leaf belongs to, in ascending order.
        trees: how many trees there are.
        weight: what splits along each axis took off the squared error, shape (axes,).
    """

    low: np.ndarray
    high: np.ndarray
    mass: np.ndarray
    tree: np.ndarray
    trees: int
    weight: np.ndarray
    _nodes: _Nodes
    _covers: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)

    def alone(self, axis: int, cells: int, groups: int) -> np.ndarray:
        """The mean over each of ``cells`` equal parts of an axis, and over all other axes.

        Args:
            groups: so many equal parts of the forest are averaged, each for itself.

        Returns:
            Shape (groups, cells).
        """
        weight = self.mass * groups / self._side(axis)
        return np.add.reduceat(self._cover(axis, cells) * weight[:, None], self._starts(groups), axis=0)

    def together(self, first: int, second: int, cells: tuple[int, int], groups: int) -> np.ndarray:
        """The mean over each cell of two axes and over all others; shape (groups, cells, cells)."""
        weight = self.mass * groups / (self._side(first) * self._side(second))
        for key in ((first, cells[0]), (second, cells[1])):
            if key not in self._covers:
                self._covers[key] = self._cover(*key)
        left, right = self._covers[first, cells[0]] * weight[:, None], self._covers[second, cells[1]]
        starts = [*self._starts(groups), len(weight)]
        return np.stack([left[a:b].T @ right[a:b] for a, b in itertools.pairwise(starts)])

    def predict(self, points: np.ndarray, groups: int) -> np.ndarray:
        """The mean of the trees of each group at each point; shape (groups, points)."""
        return self.each(points).reshape(groups, -1, len(points)).mean(axis=1)

    def each(self, points: np.ndarray) -> np.ndarray:
        """What each tree says of each point; shape (trees, points)."""
        nodes = self._nodes
        at = np.repeat(np.arange(self.trees)[:, None], len(points), axis=1)
        rows = np.arange(len(points))[None, :]
        while True:
            axis = nodes.axis[at]
            inner = axis >= 0
            if not inner.any():
                return nodes.value[at]
            right = points[rows, np.maximum(axis, 0)] >= nodes.threshold[at]
            at = np.where(inner, nodes.child[at] + right, at)

    def _side(self, axis: int) -> np.ndarray:
        return np.maximum(self.high[:, axis] - self.low[:, axis], 1e-12)

    def _starts(self, groups: int) -> np.ndarray:
        return np.searchsorted(self.tree, np.arange(groups) * (self.trees // groups))

    def _cover(self, axis: int, cells: int) -> np.ndarray:
        """Which part of each cell a leaf covers along an axis; shape (leaves, cells)."""
        edges = np.linspace(0.0, 1.0, cells + 1)
        inside = np.minimum(np.maximum(edges, self.low[:, axis, None]), self.high[:, axis, None])
        return (inside[:, 1:] - inside[:, :-1]) * cells


@dataclass(slots=True)
class _Nodes:
    """All nodes of all trees, the roots first; ``axis`` is -1 for a leaf, and the right child follows the left."""

    axis: np.ndarray
    threshold: np.ndarray
    child: np.ndarray
    value: np.ndarray


def grow(
    points: np.ndarray, values: np.ndarray, levels: np.ndarray, rng: np.random.Generator, least: int = 2
) -> Forest:
    """A tree on each row of samples.

    Args:
        points: (trees, samples, axes), in [0, 1], without NaN.
        values: (trees, samples).
        levels: number of different values of each axis, 0 for a continuum; thresholds lie between levels.
        least: samples that each side of a split keeps.
    """
    trees, count, width = points.shape
    tries = int(np.clip(8 * width, 8, 48))
    rows, known = points.reshape(-1, width), values.reshape(-1)
    made = _Growing(trees, width)
    index = np.arange(trees * count)
    node = np.repeat(np.arange(trees), count)  # of each sample in ``index``, in ascending order
    for _ in range(DEEPEST):
        starts = np.flatnonzero(np.diff(node, prepend=-1))
        sizes = np.diff(starts, append=len(node))
        here = known[index]
        means = np.add.reduceat(here, starts) / sizes
        made.value[node[starts]] = means
        centred = here - np.repeat(means, sizes)
        axis, threshold, gain = _splits(rows[index], centred, starts, sizes, levels, rng, (tries, least))
        split = axis >= 0
        if not split.any():
            break
        made.weight += np.bincount(axis[split], gain[split], minlength=width)
        child = made.split(node[starts], axis, threshold)
        kept = np.repeat(split, sizes)
        right = rows[index, np.repeat(np.maximum(axis, 0), sizes)] >= np.repeat(threshold, sizes)
        node = (np.repeat(child, sizes) + right)[kept]
        order = np.argsort(node, kind="stable")
        index, node = index[kept][order], node[order]
    else:
        starts = np.flatnonzero(np.diff(node, prepend=-1))
        made.value[node[starts]] = np.add.reduceat(known[index], starts) / np.diff(starts, append=len(node))
    return made.forest()


def _splits(
    points: np.ndarray,
    centred: np.ndarray,
    starts: np.ndarray,
    sizes: np.ndarray,
    levels: np.ndarray,
    rng: np.random.Generator,
    effort: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The best of some random splits of each node with what it gains; axis -1 where there is none."""
    (tries, least), count, width = effort, len(starts), points.shape[1]
    spread = np.add.reduceat(centred * centred, starts)
    open_ = (sizes >= 2 * least) & (spread > 1e-24 * (1.0 + spread.max()))
    best, axis, threshold = np.zeros(count), np.full(count, -1), np.zeros(count)
    if not open_.any():
        return axis, threshold, best
    rows = np.arange(len(points))
    for _ in range(tries):
        which = rng.integers(0, width, count)
        there = points[rows, np.repeat(which, sizes)]
        low, high = np.minimum.reduceat(there, starts), np.maximum.reduceat(there, starts)
        at = low + (high - low) * rng.random(count)
        lattice = levels[which] > 0
        if lattice.any():
            steps = np.where(lattice, levels[which], 1)
            at = np.where(lattice, np.floor(at * steps + 0.5) / steps, at)
        left = there < np.repeat(at, sizes)
        n = np.add.reduceat(left, starts, dtype=float)
        total = np.add.reduceat(centred * left, starts)
        fair = open_ & (n >= least) & (sizes - n >= least)
        gain = np.where(fair, total * total * (1 / np.maximum(n, 1) + 1 / np.maximum(sizes - n, 1)), 0.0)
        better = gain > best
        best, axis, threshold = (np.where(better, new, old) for new, old in
                                 ((gain, best), (which, axis), (at, threshold)))  # fmt: skip
    return axis, threshold, best


class _Growing:
    """Nodes while they are made."""

    def __init__(self, trees: int, width: int):
        self.trees, self.width, self.count = trees, width, trees
        self.axis = np.full(trees, -1)
        self.threshold, self.value = np.zeros(trees), np.zeros(trees)
        self.weight = np.zeros(width)
        self.child, self.tree = np.zeros(trees, dtype=int), np.arange(trees)
        self.splits: list[tuple[np.ndarray, np.ndarray]] = []

    def split(self, nodes: np.ndarray, axis: np.ndarray, threshold: np.ndarray) -> np.ndarray:
        """Give two children to each of ``nodes`` with an axis; the number of the left one, -1 for the others."""
        inner = axis >= 0
        parents, along, at = nodes[inner], axis[inner], threshold[inner]
        number = len(parents)
        first = self.count + 2 * np.arange(number)
        self.axis[parents], self.threshold[parents], self.child[parents] = along, at, first
        self.count += 2 * number
        self.splits.append((parents, first))
        self.axis = np.append(self.axis, np.full(2 * number, -1))
        self.threshold, self.value = (np.append(a, np.zeros(2 * number)) for a in (self.threshold, self.value))
        self.child = np.append(self.child, np.zeros(2 * number, dtype=int))
        self.tree = np.append(self.tree, np.repeat(self.tree[parents], 2))
        found = np.full(len(nodes), -1)
        found[inner] = first
        return found

    def forest(self) -> Forest:
        low, high = np.zeros((self.count, self.width)), np.ones((self.count, self.width))
        for parents, left in self.splits:
            low[left] = low[left + 1] = low[parents]
            high[left] = high[left + 1] = high[parents]
            high[left, self.axis[parents]] = low[left + 1, self.axis[parents]] = self.threshold[parents]
        leaves = np.flatnonzero(self.axis < 0)
        leaves = leaves[np.argsort(self.tree[leaves], kind="stable")]
        low, high = low[leaves], high[leaves]
        mass = (high - low).prod(axis=1) * self.value[leaves] / self.trees
        nodes = _Nodes(self.axis, self.threshold, self.child, self.value)
        return Forest(low, high, mass, self.tree[leaves], self.trees, self.weight, nodes)
