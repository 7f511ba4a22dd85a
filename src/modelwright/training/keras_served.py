"""Which calls of ``fit`` the fast one serves, and their data as it wants them. Trains nothing.

It serves the plain case and says why it leaves another to Keras.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from modelwright.training.keras_backend import ensure_backend
from modelwright.training.keras_callbacks import batch_hooks, is_builtin

keras = ensure_backend()

#: Built-in callbacks that may be called every few batches, as with ``steps_per_execution``.
_PATIENT = ("ProgbarLogger", "TerminateOnNaN")
#: Methods of a model that must be Keras' own.
_OWN = (
    "fit",
    "evaluate",
    "train_step",
    "test_step",
    "make_train_function",
    "make_test_function",
    "_make_function",
    "compute_metrics",  # what it adds to the logs is in no metric
)


class NotServedError(Exception):
    """The plain ``fit`` has to do it; says why."""


def bind(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of ``fit`` by name, defaults included.

    Raises:
        NotServedError: the backend or the model is not the plain case.
    """
    if keras.backend.backend() != "jax":
        raise NotServedError(f"the backend is {keras.backend.backend()}")
    from keras.src.backend.jax.trainer import JAXTrainer

    for name in _OWN:
        own = getattr(JAXTrainer, name, None)
        if own is None or getattr(type(model), name, None) is not own:
            raise NotServedError(f"{type(model).__name__} has its own {name}")
    if not model.compiled or model.optimizer is None:
        raise NotServedError("the model is not compiled with an optimizer")
    if model.run_eagerly:
        raise NotServedError("the model runs eagerly")
    if not model.jit_compile:
        raise NotServedError("the model is not compiled by XLA")
    if keras.distribution.distribution() is not None or getattr(keras.config, "is_nnx_enabled", lambda: False)():
        raise NotServedError("a distribution or flax is in use")
    try:
        bound = inspect.signature(JAXTrainer.fit).bind(model, *args, **kwargs)
    except TypeError as error:
        raise NotServedError(str(error)) from error
    bound.apply_defaults()
    return bound.arguments


def check_callbacks(callbacks: list[Any], verbose: Any) -> bool:
    """Whether somebody wants to be called now and then within an epoch; refuses those who watch each batch."""
    patient = verbose != 0
    for callback in callbacks:
        if not batch_hooks(callback):
            continue
        if not (is_builtin(callback) and type(callback).__name__ in _PATIENT):
            raise NotServedError(f"the callback {type(callback).__name__} watches batches")
        patient = True
    return patient


def are_arrays(tree: Any) -> bool:
    """Whether there are leaves, and all of them arrays of at least one dimension, or None."""

    def plain(leaf: Any) -> bool:
        kind = type(leaf).__module__.split(".")[0]
        if leaf is None or isinstance(leaf, np.ndarray) or kind in ("jaxlib", "pandas"):
            return getattr(leaf, "ndim", 1) > 0
        return False

    leaves = keras.tree.flatten(tree)
    return bool(leaves) and all(plain(leaf) for leaf in leaves)


def inputs_of(iterator: Any) -> Any:
    """The arrays as Keras would slice them: floats as ``floatx``, class weights as sample weights."""
    from keras.src.trainers.data_adapters import array_slicing
    from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter

    adapter = iterator.data_adapter
    if type(adapter) is not ArrayDataAdapter:
        raise NotServedError("the data are not numpy arrays")
    wrapped = array_slicing.convert_to_sliceable(adapter._inputs, target_backend="jax")
    every = slice(0, adapter._num_samples)
    inputs = keras.tree.map_structure(lambda s: None if s is None else s.convert_to_jax_compatible(s[every]), wrapped)
    for leaf in keras.tree.flatten(inputs):
        if leaf is not None and not (isinstance(leaf, np.ndarray) and leaf.dtype.kind in "biuf"):
            raise NotServedError(f"an array holds {getattr(leaf, 'dtype', type(leaf))}")
    return inputs
