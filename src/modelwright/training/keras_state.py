"""A model's state as arrays: weights, random states, optimizer. Does not know files or trials."""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelwright.core.errors import StoreError

_GROUPS = ("trainable", "non_trainable", "optimizer")


def _variables(model: Any, group: str) -> list[Any]:
    if group == "optimizer":
        return list(model.optimizer.variables) if getattr(model, "optimizer", None) is not None else []
    return list(model.trainable_variables if group == "trainable" else model.non_trainable_variables)


def as_array(variable: Any) -> np.ndarray:
    """A private copy of a Keras variable's value; JAX reuses the memory of the original in the next step."""
    import keras

    return np.array(keras.ops.convert_to_numpy(variable.value), copy=True)


def read_state(model: Any, groups: Sequence[str] = _GROUPS) -> dict[str, np.ndarray]:
    """Copies of all that training changes in ``model``: name (group/position) -> array."""
    if hasattr(model, "jax_state_sync"):
        model.jax_state_sync()
    return {
        f"{group}/{index}": as_array(variable)
        for group in groups
        for index, variable in enumerate(_variables(model, group))
    }


def write_state(model: Any, arrays: Mapping[str, np.ndarray], groups: Sequence[str] = _GROUPS) -> None:
    """The inverse of ``read_state``, for a model (and optimizer) that is built.

    Raises:
        StoreError: the model has other variables than the one whose state was read.
    """
    for group in groups:
        variables = _variables(model, group)
        kept = [arrays[f"{group}/{i}"] for i in range(sum(name.startswith(group + "/") for name in arrays))]
        if [tuple(v.shape) for v in variables] != [a.shape for a in kept]:
            raise StoreError(
                f"holds {len(kept)} {group} variables of other shapes than the model's {len(variables)}",
                where="checkpoint",
                hint="The function that builds the model has changed: start a new study.",
            )
        for variable, array in zip(variables, kept):
            variable.assign(np.array(array, copy=True))


def build_config(model: Any) -> Any:
    """Plain values from which ``build`` creates the variables of a model like this one, or None."""
    with contextlib.suppress(AttributeError, TypeError, ValueError, NotImplementedError):
        return json.loads(json.dumps(model.get_build_config()))
    return None


def build(model: Any, config: Any) -> None:
    """Create the variables of a model and its optimizer that are not there yet: TensorFlow's wait for a first batch."""
    if not model.built and config:
        with warnings.catch_warnings():
            # What cannot be built so is said by ``write_state``, with what to do.
            warnings.simplefilter("ignore", UserWarning)
            model.build_from_config(config)
        # Keras leaves it to the first call to say so for a subclassed model.
        model.built = bool(model.built or model.weights)
    optimizer = getattr(model, "optimizer", None)
    if model.built and not getattr(optimizer, "built", True):
        optimizer.build(model.trainable_variables)  # pyright: ignore[reportOptionalMemberAccess]


def weights_only(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of ``read_state`` without the optimizer's."""
    return {name: array for name, array in arrays.items() if not name.startswith("optimizer/")}


def copy_matching(model: Any, arrays: Mapping[str, np.ndarray]) -> int:
    """Copy trainable weights from another model's state wherever position and shape agree; returns how many."""
    done = 0
    for index, variable in enumerate(model.trainable_variables):
        array = arrays.get(f"trainable/{index}")
        if array is not None and array.shape == tuple(variable.shape):
            variable.assign(np.array(array, copy=True))
            done += 1
    return done


def count_params(model: Any) -> int:
    """Number of weights, trainable or not; random states are no weights."""
    return int(sum(np.prod(tuple(v.shape), dtype=np.int64) for v in model.weights))


def size_in_bytes(model: Any) -> int:
    """Bytes the weights take in memory."""
    import keras

    widths = {"float16": 2, "bfloat16": 2, "float64": 8, "int64": 8, "uint64": 8, "int8": 1, "uint8": 1, "bool": 1}
    return int(
        sum(
            np.prod(tuple(v.shape), dtype=np.int64) * widths.get(keras.backend.standardize_dtype(v.dtype), 4)
            for v in model.weights
        )
    )
