"""The states of the random generators that everybody shares: Python's, numpy's and Keras' own.

Reads them and puts them back; seeds nothing and draws nothing.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

_KERAS = "global_seed_generator"


def read_generators() -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The states as arrays by name, and what goes with them as plain values.

    A generator of numpy's that somebody exchanged for one of another kind is left out.

    >>> states = read_generators(); drawn = random.random()
    >>> write_generators(*states); random.random() == drawn
    True
    """
    version, words, gauss = random.getstate()
    arrays = {"generator/python": np.array(words, np.uint32)}
    rest: dict[str, Any] = {"python": [version, gauss]}
    state: Any = np.random.get_state()
    if isinstance(state, tuple) and state[0] == "MT19937":
        arrays["generator/numpy"] = np.array(state[1], np.uint32)
        rest["numpy"] = [int(state[2]), int(state[3]), float(state[4])]
    keras_own = _global_attribute(_KERAS)
    if keras_own is not None:
        from modelwright.training.keras_state import as_array

        arrays["generator/keras"] = as_array(keras_own.state)
    return arrays, rest


def write_generators(arrays: Mapping[str, np.ndarray], rest: Mapping[str, Any]) -> None:
    """The inverse of ``read_generators``; other arrays do not matter."""
    version, gauss = rest["python"]
    random.setstate((version, tuple(int(word) for word in arrays["generator/python"]), gauss))
    if "numpy" in rest:
        position, has_gauss, cached = rest["numpy"]
        np.random.set_state(("MT19937", arrays["generator/numpy"], position, has_gauss, cached))
    _write_keras(arrays.get("generator/keras"))


def _write_keras(state: np.ndarray | None) -> None:
    if state is None:
        # A new one is drawn from Python's generator as soon as somebody needs it, as it would have been.
        _global_attribute(_KERAS, forget=True)
        return
    import keras

    own = _global_attribute(_KERAS)
    if own is None:
        from keras.src.backend.common import global_state

        own = keras.random.SeedGenerator(0)
        global_state.set_global_attribute(_KERAS, own)
    own.state.assign(state)


def _global_attribute(name: str, *, forget: bool = False) -> Any:
    """What Keras keeps under that name, or None, also where this Keras keeps it elsewhere or is not there."""
    import sys

    if "keras" not in sys.modules:
        return None
    try:
        from keras.src.backend.common import global_state
    except ImportError:
        return None
    if forget:
        global_state.set_global_attribute(name, None)
    return global_state.get_global_attribute(name)
