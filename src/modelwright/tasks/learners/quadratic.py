"""Least squares with an elastic net, from the Gram matrix alone. Does not know rows."""

from __future__ import annotations

import numpy as np

_ITERATIONS, _CLOSE = 400, 1e-5


def curvature(gram: np.ndarray) -> float:
    """The largest eigenvalue, a little more than less (power iteration from all ones and a bound by rows)."""
    if not len(gram):
        return 1.0
    vector = np.ones(len(gram)) + 1e-3 * np.arange(len(gram))
    value = 0.0
    for _ in range(50):
        product = gram @ vector
        norm = float(np.linalg.norm(product))
        if norm <= 1e-30:
            break
        value, vector = norm / float(np.linalg.norm(vector)), product / norm
    return min(1.05 * value + 1e-12, float(np.abs(gram).sum(axis=1).max()) + 1e-12)


def shrunk(weights: np.ndarray, by: float) -> np.ndarray:
    """Each weight nearer to 0 by ``by``, and 0 where it was nearer than that."""
    return np.sign(weights) * np.maximum(np.abs(weights) - by, 0.0)


def minimum(
    gram: np.ndarray, target: np.ndarray, start: np.ndarray, *, l1: float, l2: float, largest: float
) -> np.ndarray:
    """W that minimises tr(W'GW)/2 - tr(T'W) + l1 |W|_1 + l2 |W|^2 / 2 (FISTA with restarts).

    Args:
        gram: G, (features, features).
        target: T, (features, outputs).
        start: where to begin, like T.
        largest: eigenvalue of G, from ``curvature``.

    >>> np.round(minimum(np.eye(2), np.array([[2.0], [0.5]]), np.zeros((2, 1)), l1=1.0, l2=0.0, largest=1.0), 3)
    array([[1.],
           [0.]])
    """
    step = 1.0 / (largest + l2)
    found, ahead, momentum = start.copy(), start.copy(), 1.0
    for _ in range(_ITERATIONS):
        slope = gram @ ahead - target + l2 * ahead
        new = shrunk(ahead - step * slope, step * l1)
        change = new - found
        if float(np.sum((ahead - new) * change)) > 0:
            momentum = 1.0
        faster = (1 + (1 + 4 * momentum * momentum) ** 0.5) / 2
        ahead = new + (momentum - 1) / faster * change
        found, momentum = new, faster
        if float(np.abs(change).max(initial=0.0)) <= _CLOSE * (1e-3 + float(np.abs(new).max(initial=0.0))):
            break
    return found
