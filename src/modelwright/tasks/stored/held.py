"""What a value of a file has to be before anything relies on it: types, ranges and shapes. Knows no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

#: Numbers of a model are no larger than this, in float32 and float64, so that some can be added without an overflow.
SINGLE, DOUBLE = 1e31, 1e100


class Damaged(ValueError):
    """A file does not hold what was written."""


def need(good: bool | np.bool_, what: str) -> None:
    """Refuse a file of which ``what`` would have to be true."""
    if not good:
        raise Damaged(what)


def whole(value: Any, what: str, least: int, most: int) -> int:
    """An int between ``least`` and ``most``, both included.

    >>> whole(3, "count", 1, 5)
    3
    """
    need(type(value) is int and least <= value <= most, f"{what} is {value!r:.40}, not {least:,} to {most:,}")
    return value


def real(value: Any, what: str, least: float = -DOUBLE, most: float = DOUBLE) -> float:
    """A number between ``least`` and ``most``, both included.

    >>> real(1, "weight", 0, 1)
    1.0
    """
    good = type(value) in (int, float) and least <= value <= most
    need(good, f"{what} is {value!r:.40}, not {least:g} to {most:g}")
    return float(value)


def text(value: Any, what: str, allowed: Sequence[str] | None = None) -> str:
    """A text, one of those ``allowed``."""
    need(isinstance(value, str) and (allowed is None or value in allowed), f"{what} is {value!r:.40}")
    return value


def mapping(value: Any, what: str) -> Mapping[str, Any]:
    """A mapping."""
    need(isinstance(value, Mapping), f"{what} is no mapping")
    return value


def items(value: Any, what: str, kind: Any = object, count: int | None = None) -> Sequence[Any]:
    """A list or tuple of ``kind``, of so many where ``count`` is given."""
    need(isinstance(value, list | tuple), f"{what} is no list")
    need(count is None or len(value) == count, f"{what} has {len(value):,} entries, not {count}")
    need(all(isinstance(one, kind) and not (kind is int and isinstance(one, bool)) for one in value), f"{what}: types")
    return value


def array(
    arrays: Mapping[str, Any], name: str, kinds: str, shape: tuple[int | None, ...], largest: float = SINGLE
) -> np.ndarray:
    """An array of the file.

    Args:
        kinds: those of numpy's that it may have, such as "iu" or "f".
        shape: lengths of its axes; None is any.
        largest: magnitude of its numbers, if they have fractions.

    >>> array({"w": np.zeros((2, 3))}, "w", "f", (None, 3)).shape
    (2, 3)
    """
    found = arrays.get(name)
    need(isinstance(found, np.ndarray), f"the array {name!r:.60} is not there")
    assert isinstance(found, np.ndarray)
    need(found.dtype.kind in kinds, f"the array {name!r:.60} holds {found.dtype}")
    fits = found.ndim == len(shape) and all(b is None or a == b for a, b in zip(found.shape, shape, strict=True))
    need(fits, f"the array {name!r:.60} has the shape {found.shape}, not {shape}".replace("None", "any"))
    if found.dtype.kind == "f" and found.size:
        low, high = float(found.min()), float(found.max())
        need(-largest <= low and high <= largest, f"the array {name!r:.60} has numbers without a use")
    return found


def places(
    arrays: Mapping[str, Any], name: str, shape: tuple[int | None, ...], below: int, least: int = 0
) -> np.ndarray:
    """An array of whole numbers from ``least`` to those under ``below``."""
    found = array(arrays, name, "iu", shape)
    if found.size:
        inside = least <= int(found.min()) and int(found.max()) < below
        need(inside, f"the array {name!r:.60} points outside {least} to {below - 1:,}")
    return found
