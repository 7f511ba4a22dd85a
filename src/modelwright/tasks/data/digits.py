"""Digits: decimal numbers in the bytes of a text, all of a column at once. Leaves alone what is written otherwise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Digits up to which a quotient of two whole numbers is the nearest float, as Python's own; signs of a cell at most.
_EXACT, _LONGEST = 15, 17
#: Rows that are read together: few enough to stay near the processor.
_ROWS = 1 << 15
_ZERO, _POINT, _MINUS = 48, 46, 45
_TENS = np.array([10.0**power for power in range(_LONGEST + 1)])


@dataclass(frozen=True, slots=True)
class Decimals:
    """A column of numbers.

    Attributes:
        values: (rows,), NaN where ``read`` is false.
        read: which cells are digits with at most one point and a minus in front, and not too many of them.
        pointed: whether there is a point in any of them.
        codes: whether one begins with a zero and another digit.
        lengths: how long those without a minus are.
        negative: whether there is a minus.
    """

    values: np.ndarray
    read: np.ndarray
    pointed: bool
    codes: bool
    lengths: frozenset[int]
    negative: bool


def decimals(buffer: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> Decimals:
    """The numbers that stand between two places each.

    >>> text = np.frombuffer(b"12,-0.5,x,", np.uint8)
    >>> decimals(text, np.array([0, 3, 8, 10]), np.array([2, 7, 9, 10])).values
    array([12. , -0.5,  nan,  nan])
    """
    rows = len(begins)
    values, read = np.full(rows, np.nan), np.zeros(rows, bool)
    pointed = codes = negative = False
    lengths: set[int] = set()
    for start in range(0, rows, _ROWS):
        part = slice(start, start + _ROWS)
        found = _part(buffer, begins[part], ends[part])
        values[part], read[part] = found.values, found.read
        pointed, codes, negative = pointed | found.pointed, codes | found.codes, negative | found.negative
        lengths |= found.lengths
    return Decimals(values, read, pointed, codes, frozenset(lengths), negative)


def _part(buffer: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> Decimals:
    length = ends - begins
    good = (length > 0) & (length <= _LONGEST)
    whole, count, behind = (
        np.zeros(len(length), np.int64),
        np.zeros(len(length), np.int8),
        np.zeros(len(length), np.int8),
    )
    point, minus, last = np.zeros(len(length), bool), np.zeros(len(length), bool), len(buffer) - 1
    zero = np.zeros(len(length), bool)
    codes = False
    for place in range(int(min(_LONGEST, length.max(initial=0)))):
        there = length > place
        sign = buffer[np.minimum(begins + place, last)]
        digit = sign - np.uint8(_ZERO)
        is_digit = (digit < 10) & there
        is_point = (sign == _POINT) & there & ~point
        if place == 0:
            minus = (sign == _MINUS) & there
            zero = (digit == 0) & there
        elif place == 1:
            codes = bool((zero & is_digit & good).any())
        good &= ~there | is_digit | is_point | (minus if place == 0 else False)
        np.multiply(whole, 10, out=whole, where=is_digit)
        np.add(whole, digit, out=whole, where=is_digit)
        count += is_digit
        behind += is_digit & point
        point |= is_point
    good &= (count > 0) & (count <= _EXACT)
    values = np.where(good, whole, np.nan) / _TENS[behind]
    values = np.where(minus & good, -values, values)  # a missing cell is the same NaN wherever it was
    return Decimals(
        values,
        good,
        bool((point & good).any()),
        codes,
        frozenset(np.unique(length[good & ~minus]).tolist()),
        bool((minus & good).any()),
    )
