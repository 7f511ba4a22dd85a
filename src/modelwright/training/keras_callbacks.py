"""Callbacks of a trial: made fresh for each one, their state read and written, their hooks looked at.

Knows Keras' callbacks, not how a model is trained.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.training.keras_backend import ensure_backend

keras = ensure_backend()
Callback = keras.callbacks.Callback

#: Attributes that belong to one process or one fit, never to the state of a callback.
_FOREIGN = frozenset({"model", "_model", "params", "validation_data"})
#: Built-in callbacks that keep all of their state elsewhere (in files, in the optimizer).
_STATELESS = ("CSVLogger", "LambdaCallback", "LearningRateScheduler", "TensorBoard", "RemoteMonitor", "ProgbarLogger")
_BATCH_HOOKS = (
    "on_batch_begin",
    "on_batch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_test_batch_begin",
    "on_test_batch_end",
)


class NotPlain(TypeError):
    """A value that is neither plain nor an array."""


def fresh_callbacks(given: Any) -> list[Any]:
    """One trial's own callbacks: instances copied, classes and zero-argument factories called.

    Raises:
        ArgumentError: something that is no callback, or an instance that cannot be copied.

    >>> [type(c).__name__ for c in fresh_callbacks([keras.callbacks.TerminateOnNaN])]
    ['TerminateOnNaN']
    """
    if given is None:
        return []
    if isinstance(given, Callback) or callable(given):
        given = [given]
    if not isinstance(given, Iterable) or isinstance(given, (str, bytes, Mapping)):
        raise ArgumentError(
            f"cannot read {given!r} as callbacks", where="callbacks", allowed="a list of keras.callbacks.Callback"
        )
    return [_fresh(item, index) for index, item in enumerate(given)]


def _fresh(item: Any, index: int) -> Any:
    where = f"callbacks[{index}]"
    if not isinstance(item, Callback):
        made = item() if callable(item) else item
        if not isinstance(made, Callback):
            raise ArgumentError(
                f"{item!r} is not a callback",
                where=where,
                allowed="a keras.callbacks.Callback, or a function without arguments that returns one",
            )
        return made
    # A callback used before still points at the model of that fit, which must not be copied with it.
    bound = getattr(item, "_model", None)
    try:
        return copy.deepcopy(item, {id(bound): None} if bound is not None else {})
    except Exception as error:
        name = type(item).__name__
        raise ArgumentError(
            f"{name} cannot be copied for each trial ({type(error).__name__}: {error})",
            where=where,
            hint=f"Pass a function that makes it: callbacks=[lambda: {name}(...)].",
        ) from error


def is_builtin(callback: Any) -> bool:
    """Whether it is one of Keras' own classes, whose state is known.

    >>> is_builtin(keras.callbacks.History())
    True
    """
    return type(callback).__module__.split(".")[0] == "keras"


def batch_hooks(callback: Any) -> tuple[str, ...]:
    """Names of the hooks for batches that ``callback`` really implements."""
    kind = type(callback).__name__
    if is_builtin(callback) and kind == "ModelCheckpoint" and callback.save_freq == "epoch":
        return ()
    return tuple(name for name in _BATCH_HOOKS if not _default(getattr(callback, name, None)))


def _default(method: Any) -> bool:
    return method is None or getattr(method, "_is_default", False)


# --- state -----------------------------------------------------------------------------------------


def callback_state(callbacks: Sequence[Any]) -> list[dict[str, Any]]:
    """The state of each callback: attributes that are plain values or arrays, and no settings of built-in ones."""
    return [{"class": type(callback).__name__, "values": _attributes(callback)} for callback in callbacks]


def _attributes(callback: Any) -> dict[str, Any]:
    if is_builtin(callback) and type(callback).__name__ in _STATELESS:
        return {}
    settings = _settings(type(callback)) if is_builtin(callback) else frozenset()
    found = {}
    for name, value in vars(callback).items():
        if name in _FOREIGN or name in settings or callable(value):
            continue
        try:
            found[name] = copied(value)
        except NotPlain:
            continue
    return found


def _settings(kind: type) -> frozenset[str]:
    """Names of the constructor's arguments. Keras turns the sign of ``min_delta`` itself, in each process."""
    return frozenset(inspect.signature(kind.__init__).parameters)


def load_callback_state(callbacks: Sequence[Any], state: Sequence[Mapping[str, Any]]) -> None:
    """Give each callback its state back; a list that changed meanwhile is matched by position and class."""
    for callback, kept in zip(callbacks, state):
        if type(callback).__name__ == kept["class"]:
            vars(callback).update({name: copied(value) for name, value in kept["values"].items()})


def copied(value: Any) -> Any:
    """A deep copy of plain values and arrays.

    Raises:
        NotPlain: anything else is in it.
    """
    if value is None or isinstance(value, (bool, int, float, str, np.generic)):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufcV":
        return np.array(value, copy=True)
    if type(value) is list:
        return [copied(item) for item in value]
    if type(value) is tuple:
        return tuple(copied(item) for item in value)
    if isinstance(value, Mapping) and all(isinstance(key, (str, int)) for key in value):
        return {key: copied(item) for key, item in value.items()}
    raise NotPlain(type(value).__name__)


def pack(value: Any, arrays: dict[str, np.ndarray], prefix: str) -> Any:
    """Turn what ``copied`` made into plain values; its arrays go into ``arrays`` under names with ``prefix``.

    >>> arrays = {}
    >>> pack({"best": np.float32(0.5), "weights": [np.zeros(2)]}, arrays, "cb"), sorted(arrays)
    (['dict', [['best', ['array', 'cb/0']], ['weights', ['list', [['array', 'cb/1']]]]]], ['cb/0', 'cb/1'])
    """
    if isinstance(value, (np.ndarray, np.generic)):
        name = f"{prefix}/{sum(key.startswith(prefix + '/') for key in arrays)}"
        arrays[name] = np.asarray(value)
        return ["array", name]
    if isinstance(value, (list, tuple)):
        kind = "list" if isinstance(value, list) else "tuple"
        return [kind, [pack(item, arrays, prefix) for item in value]]
    if isinstance(value, Mapping):
        return ["dict", [[key, pack(item, arrays, prefix)] for key, item in value.items()]]
    return ["value", value]


def unpack(packed: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The inverse of ``pack``; a numpy scalar comes back as one."""
    kind, body = packed
    if kind == "array":
        array = arrays[body]
        return array[()] if array.ndim == 0 else array
    if kind == "dict":
        return {key: unpack(item, arrays) for key, item in body}
    if kind in ("list", "tuple"):
        items = [unpack(item, arrays) for item in body]
        return items if kind == "list" else tuple(items)
    return body
