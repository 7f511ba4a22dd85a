"""Values: what a hyperparameter may be worth, and when two of them are the same. Does not know domains.

Values are exact: ``1``, ``1.0`` and ``True`` are three different values, here and in every stored form.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

from modelwright.core.errors import SpaceError
from modelwright.core.records import Value
from modelwright.core.wording import kind_of

_SCALARS = (bool, int, float, str)


def exact(value: Any) -> Hashable:
    """A hashable token that is equal for equal values of the same type only.

    >>> exact(1) == exact(True), exact(1) == exact(1.0), exact((1, 2)) == exact((1, 2))
    (False, False, True)
    """
    kind = type(value)
    if kind is float:
        return ("float", repr(value))
    if kind is tuple:
        return ("tuple", tuple(exact(v) for v in value))
    return (kind.__name__, value)


def plain(value: Any) -> Value:
    """``value`` as a Python scalar, None or a tuple of those; numpy scalars lose their wrapping.

    Raises:
        SpaceError: anything else, with what to write instead.

    >>> plain(np.float64(0.5)), plain((np.int64(3), "a"))
    (0.5, (3, 'a'))
    """
    if value is None or type(value) in _SCALARS:
        return value
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, tuple):
        return tuple(plain(v) for v in value)
    if value is None or isinstance(value, _SCALARS):
        return _bare(value)
    try:
        hash(value)
        hint = "Offer names and look the object up: table[hp.Choice('name', list(table))]."
    except TypeError:
        hint = "It is not hashable: write a tuple instead of a list, or offer names and look the object up."
    raise SpaceError(
        f"the value {_short(value)} is {kind_of(value)}",
        allowed="numbers, strings, booleans, None, and tuples of them",
        hint=hint,
    )


def _bare(value: Any) -> Value:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    return int(value) if isinstance(value, int) else float(value)


def thaw(value: Any) -> Any:
    """What JSON turned into lists, as tuples again: a value is never a list."""
    if isinstance(value, (list, tuple)):
        return tuple(thaw(v) for v in value)
    return value


def number(value: Any, argument: str) -> int | float:
    """``value`` as a finite Python number, or a SpaceError that names ``argument``."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SpaceError(f"{argument}={_short(value)} is {kind_of(value)}, not a number", allowed="a finite number")
    try:
        finite = math.isfinite(value)
    except OverflowError:
        raise SpaceError(
            f"{argument} is too large: an integer of {int(value).bit_length()} bits",
            allowed="numbers that a float can hold, up to 1.8e308",
            hint="Search its logarithm instead.",
        ) from None
    if not finite:
        raise SpaceError(f"{argument}={value} is not finite", allowed="a finite number")
    return value


def integer(value: Any, argument: str) -> int:
    """``value`` as a Python int (``3.0`` counts), or a SpaceError that names ``argument``."""
    found = number(value, argument)
    if found != int(found):
        raise SpaceError(f"{argument}={found} is not a whole number", allowed="an integer", hint="Or use hp.Float.")
    return int(found)


def shown(config: Mapping[str, Any]) -> str:
    """A configuration for a message: ``units=32, lr=0.1``."""
    return ", ".join(f"{name}={value!r}" for name, value in config.items())


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
