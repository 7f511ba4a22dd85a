"""Trees as arrays, and as text that LightGBM reads. Does not know how they were grown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

#: LightGBM's marks of a numeric cut where missing values are known, and of missing values that go left.
NUMERIC, LEFT = 8, 2


@dataclass(frozen=True, slots=True)
class Grown:
    """Trees one after the other.

    Attributes:
        sizes: cuts of each tree, (trees,).
        feature, threshold: of each cut: rows up to the threshold, that included, go left.
        missing: of each cut: whether missing values go left.
        left, right: of each cut: the cut that comes next within the tree, or, when negative, the leaf ``-1 - value``.
        leaves: values of the leaves, (leaves, outputs): float32, or uint8 in 255ths where there are several.
        leaf_counts: leaves of each tree, (trees,).
    """

    sizes: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    missing: np.ndarray
    left: np.ndarray
    right: np.ndarray
    leaves: np.ndarray
    leaf_counts: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """All of it by name."""
        return {name: getattr(self, name) for name in self.__slots__}

    def first(self, trees: int) -> Grown:
        """The first of the trees."""
        cuts, leaves = int(self.sizes[:trees].sum()), int(self.leaf_counts[:trees].sum())
        ends = {"sizes": trees, "leaf_counts": trees, "leaves": leaves}
        return Grown(**{name: array[: ends.get(name, cuts)] for name, array in self.arrays().items()})

    def sums(self, values: np.ndarray) -> np.ndarray:
        """What the leaves' first outputs add up to for a few rows of float32 features (rows, features): (rows,)."""
        cuts, ends = np.cumsum([0, *self.sizes[:-1]]), np.cumsum([0, *self.leaf_counts[:-1]])
        rows = np.arange(len(values))[:, None]
        # Places of cuts in their trees, or from -1 on downwards of leaves.
        at = np.tile(np.where(self.sizes > 0, 0, -1), (len(values), 1))
        while (inner := at >= 0).any():
            cut = np.where(inner, at + cuts, 0)
            x = values[rows, self.feature[cut]]
            left = np.where(np.isnan(x), self.missing[cut], x <= self.threshold[cut])
            at = np.where(inner, np.where(left, self.left[cut], self.right[cut]), at)
        return self.leaves[ends + ~at, 0].astype(np.float64).sum(axis=1)

    @classmethod
    def together(cls, trees: Sequence[Grown]) -> Grown:
        """Trees as one."""
        return cls(**{name: np.concatenate([getattr(tree, name) for tree in trees]) for name in cls.__slots__})


def levels(leaves: np.ndarray) -> float:
    """Splits that a row passes in all trees, where each has so many leaves and is balanced.

    >>> levels(np.array([1, 2, 8]))
    4.0
    """
    return float(np.log2(np.maximum(leaves, 1)).sum())


def flattened(tree: Any, classes: np.ndarray | None, number: int) -> Grown:
    """A tree of scikit-learn.

    Args:
        classes: those that it knows, in its order; None in regression.
        number: how many classes there are.
    """
    is_leaf = tree.children_left < 0
    place = np.where(is_leaf, -np.cumsum(is_leaf), np.cumsum(~is_leaf) - 1)
    cuts = ~is_leaf
    exact = tree.threshold[cuts]
    threshold = exact.astype(np.float32)
    # Values are float32: up to a double means up to the largest float32 that is not above it.
    threshold = np.where(threshold.astype(np.float64) > exact, np.nextafter(threshold, np.float32(-np.inf)), threshold)
    values = tree.value[is_leaf][:, 0, :]
    if classes is None:
        leaves = values.astype(np.float32)
    else:
        shares = np.zeros((len(values), number))
        shares[:, classes.astype(np.int64)] = values / np.maximum(values.sum(axis=1, keepdims=True), 1e-12)
        leaves = shares[:, 1:].astype(np.float32) if number == 2 else np.round(shares * 255).astype(np.uint8)
    return Grown(
        sizes=np.array([cuts.sum()], np.int32),
        feature=tree.feature[cuts].astype(np.int32 if tree.n_features > 32000 else np.int16),
        threshold=threshold.astype(np.float32),
        missing=tree.missing_go_to_left[cuts].astype(bool),
        left=place[tree.children_left[cuts]].astype(np.int32),
        right=place[tree.children_right[cuts]].astype(np.int32),
        leaves=leaves,
        leaf_counts=np.array([is_leaf.sum()], np.int32),
    )


def text_of(grown: Grown, features: int) -> str:
    """A model of LightGBM whose raw score is the sum of the leaves' first outputs."""
    names = [f"f{place}" for place in range(features)]
    head = [
        "tree",
        "version=v4",
        "num_class=1",
        "num_tree_per_iteration=1",
        "label_index=0",
        f"max_feature_idx={features - 1}",
        "objective=regression",
        f"feature_names={' '.join(names)}",
        f"feature_infos={' '.join(['[-inf:inf]'] * features)}",
        "",
    ]
    parts = ["\n".join(head)]
    cut = leaf = 0
    for tree, (cuts, leaves) in enumerate(zip(grown.sizes.tolist(), grown.leaf_counts.tolist(), strict=True)):
        own, ends = slice(cut, cut + cuts), slice(leaf, leaf + leaves)
        cut, leaf = cut + cuts, leaf + leaves
        parts.append(_tree(tree, grown, own, ends, leaves))
    return "\n".join([*parts, "end of trees", "", "pandas_categorical:null", ""])


def _tree(number: int, grown: Grown, own: slice, ends: slice, leaves: int) -> str:
    def said(values: Any) -> str:
        return " ".join(map(str, values))

    marks = np.where(grown.missing[own], NUMERIC + LEFT, NUMERIC)
    values = grown.leaves[ends, 0].astype(np.float64)
    lines = [f"Tree={number}", f"num_leaves={leaves}", "num_cat=0"]
    if leaves > 1:
        lines += [
            f"split_feature={said(grown.feature[own].tolist())}",
            f"split_gain={said(['0'] * (leaves - 1))}",
            f"threshold={said(map(repr, grown.threshold[own].astype(np.float64).tolist()))}",
            f"decision_type={said(marks.tolist())}",
            f"left_child={said(grown.left[own].tolist())}",
            f"right_child={said(grown.right[own].tolist())}",
        ]
    lines += [f"leaf_value={said(map(repr, values.tolist()))}", "is_linear=0", "shrinkage=1", "", ""]
    return "\n".join(lines)
