"""Rows as a user hands them over, as arrays of numbers or labels; and what is wrong with them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import counted, kind_of, warn_caller

Arrays = tuple[np.ndarray, ...]

#: Fewest rows that can be split into some to train on and some to judge by.
FEWEST = 10
#: What rows may be.
_ROWS = "an array, a table, or a list with an entry for each row"
#: What networks compute with.
_LARGEST = float(np.finfo(np.float32).max)


def read_rows(x: Any, y: Any, where: str, of: str = "") -> tuple[Arrays, np.ndarray]:
    """Inputs and targets as arrays with as many rows each.

    Args:
        x: rows of one input, or a list, tuple or dict of several inputs, or a list of rows.
        of: whose they are, for messages: "validation's ".

    Raises:
        ArgumentError: what is wrong with them.
    """
    targets = _target(y, f"{of}y", where)
    inputs = _inputs(x, len(targets), f"{of}x", where)
    counts = {len(part) for part in inputs}
    if counts != {len(targets)}:
        several = f"{len(inputs)} inputs of " if len(inputs) > 1 else ""
        said = " and ".join(f"{n:,}" for n in sorted(counts)[:3]) + (" and more" if len(counts) > 3 else "")
        raise ArgumentError(f"{of}x has {several}{said} rows, {of}y has {len(targets):,}", where=where)
    return inputs, targets


def names_of(x: Any, where: str) -> tuple[str, ...]:
    """The names of inputs that come as a dict, in its order; () for others.

    Raises:
        ArgumentError: one of them is no name that an input of a Keras model can have.
    """
    names = tuple(x) if isinstance(x, Mapping) else ()
    for name in names:
        if not isinstance(name, str) or not name or "/" in name:
            raise ArgumentError(
                f"x has an input with the name {name!r:.60}",
                where=where,
                allowed="texts without a slash",
                hint="The inputs of the model that comes out have these names. A list of inputs needs none.",
            )
    return names


def in_order_of(names: Sequence[str], x: Any, validation: Any) -> tuple[Any, Any]:
    """Inputs that come as a dict, and those to judge by, in the order in which a network has inputs of these names.

    A list of inputs to judge by has the order that ``x`` was given in. Whatever else comes is left as it is; with a
    warning where it is several inputs of other names, which are taken in the order that they have.

    >>> in_order_of(("left", "right"), {"right": 1, "left": 2}, ([3, 4], 5))
    ({'left': 2, 'right': 1}, ({'right': 3, 'left': 4}, 5))
    """
    if not isinstance(x, Mapping) or len(names) < 2 or len(x) != len(names):
        return x, validation
    if set(x) != set(names):
        given, wanted = (", ".join(map(repr, some)) for some in (x, names))
        warn_caller(
            f"the inputs of x are {given}, and those of the model {wanted}: they are taken in the order that x has. "
            "With the model's names their order would not matter"
        )
        return x, validation
    if isinstance(validation, (list, tuple)) and len(validation) == 2:
        own, y = validation
        if isinstance(own, (list, tuple)) and len(own) == len(x):
            validation = dict(zip(x, own, strict=True)), y
    return {name: x[name] for name in names}, validation


def check_enough(y: np.ndarray, where: str) -> None:
    """Raise where there are too few rows to learn from."""
    if len(y) < FEWEST:
        raise ArgumentError(
            f"there {'is' if len(y) == 1 else 'are'} only {counted(len(y), 'row')}",
            where=where,
            allowed=f"{FEWEST} or more: some to train on, some to judge by",
        )


def own_rows(validation: Sequence[Any], inputs: Arrays, names: Sequence[str], where: str) -> tuple[Arrays, np.ndarray]:
    """Rows to judge by that the user picked, checked against the others; named inputs are in the order of ``names``."""
    if len(validation) != 2:
        raise ArgumentError(f"validation has {len(validation)} parts", where=where, allowed="a share, or (x, y)")
    x, y = read_rows(_in_order(validation[0], names, where), validation[1], where, "validation's ")
    if not len(y):
        raise ArgumentError("validation has no rows", where=where)
    if [part.shape[1:] for part in x] != [part.shape[1:] for part in inputs]:
        raise ArgumentError(
            f"validation's rows have the shape {x[0].shape[1:]}, those of x {inputs[0].shape[1:]}", where=where
        )
    return x, y


def _in_order(x: Any, names: Sequence[str], where: str) -> Any:
    if not isinstance(x, Mapping):
        return x
    if set(x) != set(names):
        mine = f"those of x are {', '.join(map(repr, names))}" if names else "those of x have no names"
        raise ArgumentError(
            f"validation's inputs are {', '.join(map(repr, x))}, and {mine}"[:300],
            where=where,
            allowed="the same names" if names else "inputs as x has them: an array, or a list of arrays",
        )
    return {name: x[name] for name in names}


def _array(given: Any, name: str, where: str) -> np.ndarray:
    """What was given, as an array of rows.

    Raises:
        ArgumentError: it is none, or its rows are of different lengths.
    """
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise ArgumentError(f"{name} is no array: {error}", where=where) from None
    if array.ndim:
        return array
    said = "None" if given is None else kind_of(given)
    hint = "Rows are read many times, and some are kept back: collect what comes one by one first, x and y apart."
    if hasattr(given, "toarray"):
        hint = "Its toarray() is one."
    elif isinstance(given, (str, Real)):
        hint = ""
    raise ArgumentError(f"{name} is {said}, which is no array of rows", where=where, allowed=_ROWS, hint=hint)


# --- inputs ----------------------------------------------------------------------------------------


def _inputs(x: Any, rows: int, name: str, where: str) -> Arrays:
    parts = list(x.values()) if isinstance(x, Mapping) else list(x) if isinstance(x, tuple) else [x]
    if isinstance(x, list) and x and all(hasattr(part, "shape") and len(part.shape) > 1 for part in x):
        alike = len({tuple(part.shape) for part in x}) == 1
        parts = [x] if alike and len(x) == rows and len(x[0]) != rows else x
    if not parts:
        raise ArgumentError(f"{name} is empty", where=where)
    return tuple(_input(part, name if len(parts) == 1 else f"{name}[{i}]", where) for i, part in enumerate(parts))


def _input(part: Any, name: str, where: str) -> np.ndarray:
    array = _array(part, name, where)
    if array.dtype.kind == "O":
        array = _numbers(array, name, where)
    if array.dtype.kind not in "fiub":
        raise ArgumentError(
            f"{name} holds {array.dtype}, no numbers", where=where, hint="Encode texts and categories as numbers first."
        )
    if array.ndim < 2 or array.ndim > 4:
        raise ArgumentError(
            f"{name} has the shape {array.shape}",
            where=where,
            allowed="(rows, features), (rows, length, channels), (rows, height, width) or "
            "(rows, height, width, channels)",
        )
    if not all(array.shape[1:]):
        raise ArgumentError(f"{name} has the shape {array.shape}: there is nothing in a row", where=where)
    _refuse_not_finite(array, name, where)
    _refuse_beyond_32_bits(array, name, where)
    return array


def _numbers(array: np.ndarray, name: str, where: str) -> np.ndarray:
    """Python numbers of several kinds, as tables with columns of several types give them, as one kind."""
    values = [math.nan if _missing(value) else value for value in array.ravel()]
    for place, value in zip(np.ndindex(array.shape), values):
        if not _is_number(value):
            raise ArgumentError(
                f"{name} holds {value!r:.40} at {place}, which is {kind_of(value)} and no number",
                where=where,
                hint="Encode texts and categories as numbers first.",
            )
    return _one_kind(values, name, where).reshape(array.shape)


def _one_kind(values: Sequence[Any], name: str, where: str) -> np.ndarray:
    if all(isinstance(value, (bool, np.bool_)) for value in values):
        return np.array(values, bool)
    if all(isinstance(value, (Integral, np.bool_)) for value in values):
        whole = np.array([int(value) for value in values])
        if whole.dtype.kind in "iu":
            return whole
    try:
        return np.array([float(value) for value in values])
    except OverflowError:
        raise ArgumentError(f"{name} holds numbers that are too large", where=where, allowed="up to 3e38") from None


def _is_number(value: Any) -> bool:
    return isinstance(value, (Real, np.bool_, Decimal))


def _missing(value: Any) -> bool:
    """None, NaN and their like, which are not equal to themselves, or cannot say."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except TypeError:
        return True
    except ValueError:  # an array within the array
        return False


def _refuse_not_finite(array: np.ndarray, name: str, where: str) -> None:
    if array.dtype.kind != "f":
        return
    for begin in range(0, len(array), 10_000):
        part = array[begin : begin + 10_000]
        bad = ~np.isfinite(part)
        if array.dtype.itemsize > 4:  # those of 32 bits and fewer hold no larger ones, nor do they hold the bound
            bad |= np.abs(part) > _LARGEST
        if bad.any():
            place = np.argwhere(bad)[0]
            value = part[tuple(place)]
            place[0] += begin
            at = tuple(place.tolist())
            if np.isfinite(value):
                hint = "Divide them, or take their logarithm: networks compute in 32 bits."
                raise ArgumentError(
                    f"{name} holds numbers that are too large, the first is {value:.3g} at {at}",
                    where=where,
                    allowed=f"up to {_LARGEST:.2g}",
                    hint=hint,
                )
            raise ArgumentError(
                f"{name} holds values that are not finite, the first at {at}",
                where=where,
                hint="Drop or fill them first: one is enough to make every weight NaN.",
            )


def _refuse_beyond_32_bits(array: np.ndarray, name: str, where: str) -> None:
    """Refuse whole numbers that a model would not get: Keras on JAX hands on their lower 32 bits alone."""
    if array.dtype.kind not in "iu" or array.dtype.itemsize <= 4 or not array.size:
        return
    held = np.iinfo(np.int32 if array.dtype.kind == "i" else np.uint32)
    if array.min() >= held.min and array.max() <= held.max:
        return
    place = tuple(np.argwhere((array < held.min) | (array > held.max))[0].tolist())
    raise ArgumentError(
        f"{name} holds {array.dtype} numbers that 32 bits do not hold, the first is {array[place]:,} at {place}",
        where=where,
        allowed=f"whole numbers from {held.min:,} to {held.max:,}, or numbers of any size as floats",
        hint="Write x.astype('float32'), here and for what the model is to predict: its backend would cut them off.",
    )


# --- targets ---------------------------------------------------------------------------------------


def _target(y: Any, name: str, where: str) -> np.ndarray:
    array = _array(y, name, where)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim not in (1, 2) or array.dtype.kind not in "fiubUSOT":
        raise ArgumentError(
            f"{name} has the shape {array.shape} and holds {array.dtype}",
            where=where,
            allowed="one label or number a row, or a row of them",
        )
    if array.dtype.kind == "O":
        values = list(array.ravel())
        if any(map(_missing, values)):
            raise ArgumentError(f"{name} has rows without a label", where=where, hint="Drop them first.")
        numbers = bool(values) and all(map(_is_number, values))
        array = _one_kind(values, name, where).reshape(array.shape) if numbers else array.astype(str)
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    array = array.astype(str) if array.dtype.kind == "T" else array
    _refuse_not_finite(array, name, where)
    return array
