"""Uniform dates: columns in which all dates are written alike in digits, read as arrays. Knows no other dates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{2})\2(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}))?)?$")
_YEAR_LAST = re.compile(r"(\d{2})([-/.])(\d{2})\2(\d{4})(?:[T ](\d{2}):(\d{2})(?::(\d{2}))?)?$")


@dataclass(frozen=True, slots=True)
class Uniform:
    """Dates as arrays of their numbers.

    Args:
        shape: the name of the way they are written, as ``dates.shape_of`` calls it.
        fields: year, month, day where the year is in front; first, second, year else; then what there is of hour,
            minute and second.
        dotted: whether the numbers are separated by points or dashes.
    """

    shape: str
    fields: tuple[np.ndarray, ...]
    dotted: bool

    def seconds(self, *, day_first: bool) -> np.ndarray | None:
        """Seconds since 1970; None where one of the dates never was in this order of day and month."""
        first, second, third, *time = self.fields
        if self.shape == "year-month-day":
            year, month, day = first, second, third
        else:
            day, month = (first, second) if day_first else (second, first)
            year = third
        hours, minutes, seconds = [*time, *([np.zeros(1, dtype=np.int64)] * 3)][:3]
        if not bool(((year >= 1) & (month >= 1) & (month <= 12) & (day >= 1)).all()):
            return None
        if not bool((hours <= 23).all() and (minutes <= 59).all() and (seconds <= 59).all()):
            return None
        months = (year - 1970) * 12 + month - 1
        begin = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
        ends = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
        days = begin + day - 1
        if bool((days >= ends).any()):
            return None
        return (days * 86_400 + hours * 3600 + minutes * 60 + seconds).astype(np.float64)


def uniform(texts: Sequence[str]) -> Uniform | None:
    """The dates in ``texts``; None where they are not all written alike.

    >>> uniform(["2016-04-05 10:30", "2017-12-01 00:00"]).seconds(day_first=False).tolist()
    [1459852200.0, 1512086400.0]
    >>> uniform(["05/04/2016", "5/4/2016"]) is None
    True
    """
    if not texts:
        return None
    shape, pattern = "year-month-day", _YEAR_FIRST.match(texts[0])
    if pattern is None:
        shape, pattern = "day/month", _YEAR_LAST.match(texts[0])
    if pattern is None:
        return None
    length = len(texts[0])
    if set(map(len, texts)) != {length}:
        return None
    signs = np.array(texts, dtype=f"U{length}").view(np.uint32).reshape(len(texts), length)
    places = [i for i, sign in enumerate(texts[0]) if sign.isdigit()]
    others = [i for i in range(length) if i not in places]
    digits = signs[:, places].astype(np.int64) - ord("0")
    if ((digits < 0) | (digits > 9)).any() or (signs[:, others] != signs[0, others]).any():
        return None
    at = {place: i for i, place in enumerate(places)}
    fields = []
    for group in (1, 3, 4, 5, 6, 7):
        begin, end = pattern.span(group)
        if begin >= 0:
            scale = 10 ** np.arange(end - begin)[::-1]
            fields.append(digits[:, [at[place] for place in range(begin, end)]] @ scale)
    return Uniform(shape, tuple(fields), pattern[2] in ".-")
