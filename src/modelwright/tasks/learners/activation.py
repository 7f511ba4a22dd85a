"""Activations of the network with their slopes, written into arrays that are there already.

Single precision arrays of a batch are large enough that asking the system for new ones costs more than the arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_ALPHA, _SCALE = np.float32(1.6732632), np.float32(1.0507010)
_BOTH = _ALPHA * _SCALE

#: Writes the value and the slope at z; two more arrays are there to work in.
Activation = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], None]


def selu(z: np.ndarray, value: np.ndarray, slope: np.ndarray, spare: np.ndarray) -> None:
    """SELU (Klambauer et al., "Self-normalizing neural networks", 2017).

    >>> z = np.array([1.0, 0.0, -1.0], np.float32)
    >>> value, slope, spare = np.empty((3, 3), np.float32)
    >>> selu(z, value, slope, spare)
    >>> value.round(3).tolist(), slope.round(3).tolist()
    ([1.0509999990463257, 0.0, -1.1109999418258667], [1.0509999990463257, 1.7580000162124634, 0.6470000147819519])
    """
    np.minimum(z, 0, out=slope)
    np.exp(slope, out=slope)
    slope *= _BOTH
    np.maximum(z, 0, out=value)
    value *= _SCALE
    value += slope
    value -= _BOTH
    np.greater(z, 0, out=spare, casting="unsafe")
    spare *= _BOTH - _SCALE
    slope -= spare


def mish(z: np.ndarray, value: np.ndarray, slope: np.ndarray, spare: np.ndarray) -> None:
    """Mish, z tanh(log(1 + e^z)) (Misra, "Mish: a self regularized non-monotonic activation function", 2019).

    >>> value, slope, spare = np.empty((3, 2), np.float32)
    >>> mish(np.array([1.0, 0.0], np.float32), value, slope, spare)
    >>> value.round(3).tolist(), slope.round(3).tolist()
    ([0.8650000095367432, 0.0], [1.0490000247955322, 0.6000000238418579])
    """
    np.minimum(z, 20, out=spare)
    np.exp(spare, out=spare)  # e
    np.add(spare, 2, out=value)
    value *= spare  # n = e(e + 2)
    np.add(value, 2, out=slope)
    value /= slope  # tanh = n / (n + 2)
    np.add(spare, 1, out=slope)
    spare /= slope  # sigmoid
    spare *= z
    np.square(value, out=slope)
    np.subtract(1, slope, out=slope)
    slope *= spare
    slope += value
    value *= z


ACTIVATIONS: dict[str, Activation] = {"selu": selu, "mish": mish}
