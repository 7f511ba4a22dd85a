"""Activations of the network, with their slopes, on single precision arrays."""

from __future__ import annotations

import numpy as np

_ALPHA, _SCALE = np.float32(1.6732632), np.float32(1.0507010)


def selu(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """SELU and its slope (Klambauer et al., 2017).

    >>> value, slope = selu(np.array([1.0, 0.0], np.float32))
    >>> np.round(value, 3)
    array([1.051, 0.   ], dtype=float32)
    """
    negative = np.minimum(x, 0)
    np.exp(negative, out=negative)
    negative *= _SCALE * _ALPHA
    positive = x > 0
    value = np.where(positive, _SCALE * x, negative - _SCALE * _ALPHA)
    return value, np.where(positive, _SCALE, negative)


def mish(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mish, x tanh(log(1 + e^x)), and its slope (Misra, 2019)."""
    e = np.exp(np.minimum(x, 20))
    squared = (1 + e) * (1 + e)
    tanh = (squared - 1) / (squared + 1)
    sigmoid = e / (1 + e)
    return x * tanh, tanh + x * sigmoid * (1 - tanh * tanh)


ACTIVATIONS = {"selu": selu, "mish": mish}
