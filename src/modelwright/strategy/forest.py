"""A forest of randomised regression trees: mean and spread of a value over a space with holes. Knows no trials.

All trees grow at once, level by level, as array operations. An inactive axis (NaN) lies below every threshold, so that
a condition is a split like any other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: What an inactive axis is for a threshold.
_INACTIVE = -1.0
#: Nodes whose values differ less than this are leaves.
_FLAT = 1e-14


@dataclass(slots=True)
class Forest:
    """Fitted trees as arrays: node ``i`` sends rows with ``x[axis] > cut`` to ``right``, the others to ``left``.

    Sources: Geurts, Ernst and Wehenkel, "Extremely randomized trees", Machine Learning 63, 2006 (random cuts);
    Hutter, Xu, Hoos and Leyton-Brown, "Algorithm runtime prediction", Artificial Intelligence 206, 2014, section 4.3
    (mean and variance over trees and within leaves).

    Attributes:
        axis: (nodes,) the column tested, -1 at a leaf.
        cut: (nodes,) the threshold.
        left, right: (nodes,) where a row goes on, -1 at a leaf.
        value, spread: (nodes,) mean and variance of the values in a node.
        drawn: (trees, rows) how often each row of the data is in a tree's sample.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.random((200, 2))
    >>> forest = Forest.fit(x, (x[:, 0] > 0.5) * 1.0, rng)
    >>> mean, std = forest.predict(np.array([[0.2, 0.5], [0.9, 0.5]]))
    >>> mean.round(1).tolist(), bool((std < 0.4).all())
    ([0.0, 1.0], True)
    """

    axis: np.ndarray
    cut: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    spread: np.ndarray
    drawn: np.ndarray

    @classmethod
    def fit(
        cls,
        x: np.ndarray,
        y: np.ndarray,
        rng: np.random.Generator,
        *,
        trees: int = 40,
        tries: int | None = None,
        least: int = 1,
        bootstrap: bool = True,
    ) -> Forest:
        """Grow ``trees`` trees over the rows of ``x`` (points, axes; NaN where inactive) and their values ``y``.

        Each node tests random cuts, each of a random axis between two of the node's own rows, and keeps the one that
        explains most of the variance.

        Args:
            tries: cuts tested in a node; None for twice the number of axes, and 8 at least.
            least: rows that a leaf has at least.
            bootstrap: whether a tree sees as many rows as there are, drawn with replacement, or each row once.
        """
        count = len(y)
        filled = np.where(np.isnan(x), _INACTIVE, x)
        rows = rng.integers(count, size=(trees, count)) if bootstrap else np.tile(np.arange(count), (trees, 1))
        drawn = np.stack([np.bincount(sample, minlength=count) for sample in rows])
        grown = _Grown(filled, np.asarray(y, dtype=float), trees, tries or max(8, 2 * x.shape[1]), least)
        node, rows = np.repeat(np.arange(trees), count), rows.ravel()
        while len(rows):
            node, rows = grown.level(node, rows, rng)
        return cls(grown.axis, grown.cut, grown.left, grown.right, grown.value, grown.spread, drawn)

    def predict(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation at the rows of ``x``, by the law of total variance over trees and leaves."""
        leaves = self.leaves(x)
        return _mixed(self.value[leaves], self.spread[leaves], np.ones(leaves.shape))

    def held_out(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As ``predict`` at the rows that were fitted, each by the trees alone that have not seen it.

        A row that every tree has seen is predicted by all of them.
        """
        leaves = self.leaves(x)
        unseen = (self.drawn == 0).T.astype(float)
        unseen[unseen.sum(axis=1) == 0] = 1.0
        return _mixed(self.value[leaves], self.spread[leaves], unseen)

    def leaves(self, x: np.ndarray) -> np.ndarray:
        """(points, trees): the leaf in which each row ends."""
        filled = np.where(np.isnan(x), _INACTIVE, x)
        place = np.tile(np.arange(len(self.drawn)), (len(x), 1))
        point = np.arange(len(x))[:, None]
        while True:
            axis = self.axis[place]
            if (axis < 0).all():
                return place
            above = filled[point, np.maximum(axis, 0)] > self.cut[place]
            onward = np.where(above, self.right[place], self.left[place])
            place = np.where(axis < 0, place, onward)


def _mixed(means: np.ndarray, variances: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of a mixture of trees, for each row."""
    weights = weights / weights.sum(axis=1, keepdims=True)
    mean = (weights * means).sum(axis=1)
    variance = (weights * (variances + (means - mean[:, None]) ** 2)).sum(axis=1)
    return mean, np.sqrt(np.maximum(variance, 1e-12))


class _Grown:
    """Trees while they grow; node ``i < trees`` is a root."""

    def __init__(self, x: np.ndarray, y: np.ndarray, trees: int, tries: int, least: int):
        self.x, self.y, self.tries, self.least = x, y, tries, least
        self.axis, self.left, self.right = (np.full(trees, -1) for _ in range(3))
        self.cut, self.value, self.spread = (np.zeros(trees) for _ in range(3))

    def level(self, node: np.ndarray, rows: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Split every open node once.

        Args:
            node, rows: pairs of an open node and a row of the data that lies in it.

        Returns:
            The pairs of the next level.
        """
        order = np.argsort(node, kind="stable")
        node, rows = node[order], rows[order]
        opened, count = np.unique(node, return_counts=True)
        group, values = np.repeat(np.arange(len(opened)), count), self.y[rows]
        mean = np.bincount(group, values) / count
        variance = np.maximum(np.bincount(group, values * values) / count - mean**2, 0.0)
        self.value[opened], self.spread[opened] = mean, variance
        may = (count >= 2 * self.least) & (variance > _FLAT)
        inside = may[group]  # what lies in leaves is done with
        opened, count, rows = opened[may], count[may], rows[inside]
        group = np.repeat(np.arange(len(opened)), count)
        axis, cut = self._cuts(rows, count, rng)
        made = np.flatnonzero(axis >= 0)
        left = len(self.axis) + 2 * np.arange(len(made))
        self.axis[opened], self.cut[opened] = axis, cut
        self.left[opened[made]], self.right[opened[made]] = left, left + 1
        more = 2 * len(made)
        self.axis, self.left, self.right = (np.append(a, np.full(more, -1)) for a in (self.axis, self.left, self.right))
        self.cut, self.value, self.spread = (np.append(a, np.zeros(more)) for a in (self.cut, self.value, self.spread))
        where = np.full(len(opened), -1)
        where[made] = left
        inside = where[group] >= 0
        group, rows = group[inside], rows[inside]
        return where[group] + (self.x[rows, axis[group]] > cut[group]), rows

    def _cuts(self, rows: np.ndarray, count: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """For each node the best of some random cuts, and its axis; -1 where none explains anything.

        Args:
            rows: the rows of the data in the nodes, those of a node side by side.
            count: rows in each node.
        """
        nodes, axes, first = len(count), self.x.shape[1], np.cumsum(count) - count
        if not nodes:
            return np.full(0, -1), np.zeros(0)
        values, flat, place = self.y[rows], self.x.ravel(), rows * axes
        tried = rng.integers(axes, size=(self.tries, nodes))
        ends = first + (rng.random((2, self.tries, nodes)) * count).astype(int)
        one, two = flat[place[ends] + tried]
        cuts = one + rng.random(tried.shape) * (two - one)
        above = flat[place + np.repeat(tried, count, axis=1)] > np.repeat(cuts, count, axis=1)
        many = np.add.reduceat(above, first, axis=1, dtype=np.intp)
        part = np.add.reduceat(np.where(above, values, 0.0), first, axis=1)
        few, total = count - many, np.add.reduceat(values, first)
        between = part**2 / np.maximum(many, 1) + (total - part) ** 2 / np.maximum(few, 1) - total**2 / count
        between = np.where((many >= self.least) & (few >= self.least), between, 0.0)
        best, every = np.argmax(between, axis=0), np.arange(nodes)
        axis = np.where(between[best, every] > 0, tried[best, every], -1)
        return axis, cuts[best, every]
