"""``synchronized``: one thread at a time in the methods of one oracle."""

from __future__ import annotations

import functools
import threading
import weakref
from collections.abc import Callable
from typing import Any

_GUARD = threading.Lock()
_LOCKS: weakref.WeakKeyDictionary[Any, threading.RLock] = weakref.WeakKeyDictionary()  # type: ignore[type-arg]


def synchronized(func: Callable[..., Any]) -> Callable[..., Any]:
    """Let only one thread at a time into the decorated methods of one object.

    A method may call other decorated methods of the same object, and those of its base class. The lock is released
    also when the method raises. ``end_trial`` may be called as ``end_trial(trial_id, status)`` too, as it was in
    old releases of KerasTuner.
    """

    @functools.wraps(func)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if func.__name__ == "end_trial":
            args, kwargs = _with_trial(*args, **kwargs)
        with _lock_of(args[0]):
            return func(*args, **kwargs)

    return guarded


def _lock_of(oracle: Any) -> threading.RLock:  # type: ignore[valid-type]
    with _GUARD:
        return _LOCKS.setdefault(oracle, threading.RLock())


def _with_trial(*args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Arguments of today's ``end_trial`` from today's or the old ones."""
    oracle, given = args[0], args[1:]
    old = "trial_id" in kwargs or "status" in kwargs or (bool(given) and isinstance(given[0], str))
    if not old:
        return args, kwargs
    from modelwright.keras_tuner.engine.trial import Trial, TrialStatus

    names = dict(zip(("trial_id", "status"), given, strict=False)) | kwargs
    known = oracle.trials.get(names["trial_id"])
    hyperparameters = known.hyperparameters if known is not None else oracle.get_space()
    return (oracle, Trial(hyperparameters, names["trial_id"], names.get("status", TrialStatus.COMPLETED))), {}
