"""Options of operations: which there are, and what each may be. Knows values, and no shapes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from modelwright.core.errors import SpaceError
from modelwright.core.wording import did_you_mean

#: How Keras calls them.
_KERAS = {
    "strides": "stride", "kernel_size": "kernel", "use_bias": "bias", "kernel_initializer": "init",
    "depthwise_initializer": "init", "initializer": "init", "dilation_rate": "dilation", "pool_size": "size",
    "alpha": "slope", "negative_slope": "slope", "target_shape": "shape",
}  # fmt: skip
#: Initialisers that have no settings of their own, as Keras names them.
INITS = (
    "he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "lecun_normal", "lecun_uniform", "orthogonal",
    "random_normal", "random_uniform", "truncated_normal", "variance_scaling", "zeros", "ones",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Option:
    """What an option may be.

    Attributes:
        fits: whether a value is allowed; what depends on shapes is not told here.
        allowed: that in words.
        needed: whether it must be given.
    """

    fits: Callable[[Any], bool] = lambda value: True
    allowed: str = ""
    needed: bool = False


Options = Mapping[str, Option]


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


ANY, NEEDED = Option(), Option(needed=True)
BIAS = Option(lambda value: isinstance(value, bool), "True or False")
INIT = Option(lambda value: value in INITS, ", ".join(INITS))
RATE = Option(lambda value: _number(value) and 0 <= value < 1, "a number from 0, below 1")
ABOVE_ZERO = Option(lambda value: _number(value) and value > 0, "a number above 0")
NUMBER = Option(_number, "a number")

_WINDOW: Options = {"stride": ANY, "padding": ANY}
CONV: Options = {
    "filters": NEEDED,
    "kernel": ANY,
    **_WINDOW,
    "dilation": ANY,
    "groups": ANY,
    "bias": BIAS,
    "init": INIT,
}
DEPTHWISE: Options = {"kernel": ANY, **_WINDOW, "dilation": ANY, "bias": BIAS, "init": INIT}
DENSE: Options = {"units": NEEDED, "bias": BIAS, "init": INIT}
POOL: Options = {"size": ANY, **_WINDOW}


def check_options(name: str, options: Options | None, given: Mapping[str, Any]) -> None:
    """Raise where an operation was given what it does not take, or lacks what it needs.

    >>> check_options("flatten", {}, {"axis": 1})
    Traceback (most recent call last):
        ...
    modelwright.core.errors.SpaceError: flatten: unknown option 'axis'. Allowed: name

    Raises:
        SpaceError: the option, and what there is.
    """
    if options is None:
        return
    for key, value in given.items():
        option = options.get(key)
        if option is None:
            raise SpaceError(
                f"unknown option {key!r}", where=name, allowed=", ".join([*options, "name"]), hint=_hint(key, options)
            )
        if not option.fits(value):
            raise SpaceError(f"{key}={value!r:.60}", where=name, allowed=option.allowed)
    for key, option in options.items():
        if option.needed and key not in given:
            raise SpaceError(f"{key} is not given", where=name, hint=f"Write {key}=...")


def _hint(key: str, options: Options) -> str:
    if key == "activation":
        return "An activation is an operation of its own: .relu(), or .activation('tanh')."
    meant = _KERAS.get(key)
    return f"Write {meant}=..." if meant in options else did_you_mean(key, options)
