"""What was given to ``search``, held against the first model that it is going to train. Imports keras.

Only what Keras' own ``fit`` refuses is refused here, and what it would train on nonetheless is left alone: what a
user's own ``fit`` or ``run_trial`` takes is theirs to say.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import keras

from modelwright.core.errors import ArgumentError
from modelwright.frontends.given import warn_not_finite
from modelwright.frontends.keras_data import check_data, rows
from modelwright.frontends.keras_shapes import check_shapes, check_validation, check_weight, explained
from modelwright.keras_tuner.errors import FailedTrialError, FatalError, FatalTypeError, FatalValueError
from modelwright.training.keras_sources import needs_targets

_PARTS = ("x", "y", "sample_weight")
#: Not a refusal of data: what they say is said by the one who raised them.
_THEIRS = (FatalError, FailedTrialError, ImportError, OSError)


def check_first(model: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
    """Refuse arguments that no trial can be trained with.

    Raises:
        FatalTypeError: an argument that ``fit`` does not know, or no data.
        FatalValueError: data that do not fit together, or do not fit the model.
    """
    if type(model).fit is not keras.Model.fit:
        return
    given = _bound(model, args, kwargs)
    if given.get("x") is None:
        raise FatalTypeError("search: there is no data to train on. Pass it first: tuner.search(x, y, ...).")
    if rows(given["x"]) is None:
        return
    held = given.get("validation_data")
    data = [given.get(name) for name in _PARTS]
    while data and data[-1] is None:
        data.pop()
    try:
        check_validation(held)
        held = held if isinstance(held, (list, tuple)) and rows(held[0]) is not None else None
        # Keras passes over the split where there is validation data, and over one of 0.
        split = None if given.get("validation_data") is not None else given.get("validation_split") or None
        check_weight(data, given.get("sample_weight"))
        arguments = {"validation_data": held, "validation_split": split}
        check_data(data, arguments, targets=needs_targets(model))
        check_shapes(model, data, held)
    except ArgumentError as error:
        raise FatalValueError(_of_search(error)) from None
    parts = {f"validation_data's {name}": part for name, part in zip(_PARTS, held or ())}
    warn_not_finite({**dict(zip(_PARTS, data)), **parts})


def in_plain_words(model: Any, args: Sequence[Any], kwargs: dict[str, Any], fit: Callable[[], Any]) -> Any:
    """What ``fit`` returns; what Keras refuses is said with the shapes of data and model."""
    names = [name for name in inspect.signature(type(model).fit).parameters if name != "self"]
    given = {**dict(zip(names, args)), **kwargs}
    session: Any = SimpleNamespace(model=model, data=[given.get(name) for name in _PARTS], arguments=given)
    with explained(session):
        try:
            return fit()
        except _THEIRS as error:
            theirs = error
    raise theirs


def _bound(model: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of ``fit`` by name."""
    known = inspect.signature(type(model).fit).parameters
    names = [name for name in known if name != "self"]
    unknown = [name for name in kwargs if name not in names]
    if unknown:
        near = difflib.get_close_matches(unknown[0], [*names, "workers"], 1)
        raise FatalTypeError(
            f"search: model.fit does not know {unknown[0]!r}. Allowed: workers, {', '.join(names)}."
            + (f" Did you mean {near[0]!r}?" if near else "")
        )
    twice = [name for name in names[: len(args)] if name in kwargs]
    if twice or len(args) > len(names):
        what = f"{twice[0]} was given twice" if twice else f"{len(args)} arguments without a name"
        raise FatalTypeError(f"search: {what}. Allowed: {', '.join(names)}, each once. Pass them by name.")
    return {**dict(zip(names, args)), **kwargs}


def _of_search(error: ArgumentError) -> str:
    """The error's text for somebody who called ``search``."""
    where = "search" if error.where == "tune" else f"search: {error.where}"
    hint = error.hint.replace("mw.tune(build, ", "tuner.search(")
    return str(ArgumentError(error.what, where=where, allowed=error.allowed, hint=hint))
