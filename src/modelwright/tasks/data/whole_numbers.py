"""Whole numbers: whether they are dates in digits, name the rows, or are longer than floats can tell apart."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def are_days(values: np.ndarray, strays: float) -> bool:
    """Whether whole numbers are dates in digits, but for some that stand for none, such as 0 and 99991231.

    Args:
        strays: the share that may be such.

    >>> are_days(np.array([20160404, 20161231, 20170101]), 0.0), are_days(np.array([20160404, 20161331]), 0.0)
    (True, False)
    """
    near = values[(values >= 19000101) & (values <= 21001231)].astype(np.int64)
    days, months = near % 100, near // 100 % 100
    found = near[(days >= 1) & (days <= 31) & (months >= 1) & (months <= 12)]
    return len(values) - len(found) <= strays * len(values) and len(np.unique(found)) > 2


def told_apart(counts: Mapping[int, int]) -> bool:
    """Whether floats tell whole numbers apart, by how often each occurs. Of quantities a few may be taken for others.

    >>> told_apart({2**62: 3, 2**62 + 1: 3}), told_apart({2**53: 3, 2**53 + 2: 3})
    (False, True)
    """
    lost = len(counts) - len(set(map(float, counts)))
    return not lost or (2 * len(counts) > sum(counts.values()) and lost < 0.01 * len(counts))


def identify(values: np.ndarray) -> str:
    """Why whole numbers are ids and no quantity: they count the rows, or are long numbers without a repetition."""
    count = len(values)
    if count < 50 or len(np.unique(values[:500])) < 0.98 * min(count, 500):
        return ""
    distinct = np.unique(values)
    if len(distinct) < 0.99 * count:
        return ""
    low, high = float(distinct[0]), float(distinct[-1])
    if any(9.4e8 * scale <= low and high <= 2.2e9 * scale for scale in (1.0, 1e3, 1e6, 1e9)):
        return ""  # seconds, or parts of them, since 1970
    # Numbers drawn from such a range would meet by chance: where they never do, somebody gave each row its own.
    if count**2 / (2 * (high - low + 1)) >= 10 * (1 + count - len(distinct)):
        return "the whole numbers count the rows, none occurs twice"
    if low >= 1e6 and high < 10 * low and count >= 100:
        round_share = float((distinct % 10 == 0).mean())
        if round_share < 0.2:
            return "the whole numbers have seven digits or more, about alike in size, and none occurs twice"
    return ""
