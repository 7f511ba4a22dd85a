"""Whether arrays are trees: each node below the root has one parent that comes before it. Knows no library."""

from __future__ import annotations

import numpy as np

from modelwright.tasks.stored.held import need

#: Cuts from the root to a leaf, at most. Libraries go down by recursion, and a deep one ends the process.
DEEPEST = 5000


def starts_of(sizes: np.ndarray) -> np.ndarray:
    """Where each tree begins in arrays with the nodes of all.

    >>> starts_of(np.array([3, 2])).tolist()
    [0, 3]
    """
    return np.cumsum(sizes, dtype=np.int64) - sizes


def check_cuts(left: np.ndarray, right: np.ndarray, cuts: np.ndarray) -> None:
    """Refuse what are no trees of cuts and leaves, one after the other.

    Args:
        left, right: (all cuts,): the cut that comes next within the tree, or the leaf ``-1 - value``.
        cuts: (trees,): how many each has; its leaves are one more.
    """
    count = int(cuts.sum())
    need(len(left) == count == len(right), "the trees' cuts are not as many as was said")
    if not count:
        return
    tree = np.repeat(np.arange(len(cuts)), cuts)
    start, leaf_start = starts_of(cuts)[tree], starts_of(cuts + 1)[tree]
    own = np.arange(count, dtype=np.int64) - start
    most = cuts[tree]
    low, high = np.minimum(left, right).astype(np.int64), np.maximum(left, right).astype(np.int64)
    need(bool((high < most).all() and (low >= -1 - most).all()), "a tree has a child that is not there")
    below, leaves = [], []
    for side in (left.astype(np.int64), right.astype(np.int64)):
        is_cut = side >= 0
        need(bool((side[is_cut] > own[is_cut]).all()), "a tree has a child that comes before its parent")
        below.append((side + start)[is_cut])
        leaves.append((-1 - side + leaf_start)[~is_cut])
    once = np.bincount(np.concatenate(below), minlength=count)
    need(bool((once == (own > 0)).all()), "a tree has a cut with two parents, or with none")
    ends = np.bincount(np.concatenate(leaves), minlength=count + len(cuts))
    alone = starts_of(cuts + 1)[cuts == 0]
    ends[alone] += 1  # a tree of one leaf
    need(bool((ends == 1).all()), "a tree has a leaf with two parents, or with none")
    _check_depth(left.astype(np.int64), right.astype(np.int64), starts_of(cuts)[cuts > 0], start)


def check_nodes(left: np.ndarray, right: np.ndarray, parents: np.ndarray, sizes: np.ndarray, none: int) -> np.ndarray:
    """Refuse what are no trees whose leaves are nodes without children, which are -1.

    Args:
        left, right, parents: (all nodes,): places within the tree; ``none`` is the parent of a root.
        sizes: (trees,): nodes of each tree.

    Returns:
        Which nodes are cuts: (all nodes,).
    """
    count = int(sizes.sum())
    need(len(left) == len(right) == len(parents) == count and bool((sizes > 0).all()), "the trees' nodes are not there")
    start = np.repeat(starts_of(sizes), sizes)
    own, most = np.arange(count, dtype=np.int64) - start, np.repeat(sizes, sizes)
    cuts = left >= 0
    need(bool((cuts == (right >= 0)).all()), "a tree has a cut with one child")
    ends = ~cuts
    need(bool((left[ends] == -1).all() and (right[ends] == -1).all()), "a tree has a child that is not there")
    places, below = np.flatnonzero(cuts), []
    for side in (left, right):
        child = side[places].astype(np.int64)
        inside = bool((child > own[places]).all() and (child < most[places]).all())
        need(inside, "a tree has a child that is not there, or that comes before its parent")
        below.append(child + start[places])
        need(bool((parents[below[-1]] == own[places]).all()), "a tree's parents and children contradict each other")
    once = np.bincount(np.concatenate(below), minlength=count)
    roots = own == 0
    need(bool((once == ~roots).all()), "a tree has a node with two parents, or with none")
    need(bool((parents[roots] == none).all()), "a tree's root has a parent")
    _check_depth(left.astype(np.int64), right.astype(np.int64), np.flatnonzero(roots), start)
    return cuts


def _check_depth(left: np.ndarray, right: np.ndarray, roots: np.ndarray, start: np.ndarray) -> None:
    """All trees at once, level by level; every cut is reached once, so that this ends."""
    level, depth = roots, 0
    while len(level):
        depth += 1
        need(depth <= DEEPEST, f"a tree is deeper than {DEEPEST:,} cuts")
        sides = [side[level] for side in (left, right)]
        level = np.concatenate([(side + start[level])[side >= 0] for side in sides])
