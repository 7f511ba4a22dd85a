"""Speed: what predicting a row takes of one core, whatever else runs beside it. Does not know what predicts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from modelwright.core.blas import blas_threads

Result = TypeVar("Result")
#: Rows that are predicted to see how long one takes: first so few, then so many times as many, up to so many, while
#: that is sure to take no more than so many seconds.
_FIRST, _MORE, _MOST, _SECONDS = 10, 5, 500, 0.1
#: Calls of which the quickest counts, where all of them take no more than a share of the seconds.
_CALLS = 3


def busy(compute: Callable[[], Result]) -> tuple[Result, float]:
    """What ``compute`` returns, and the seconds that this thread was at it: those in which it had no core do not count.

    >>> busy(lambda: 1 + 1)[0]
    2
    """
    began, since = time.perf_counter(), time.thread_time()
    found = compute()
    # A coarse clock has not moved since.
    return found, time.thread_time() - since or time.perf_counter() - began


def microseconds(seconds: float, rows: int) -> float:
    """Of each row, in two digits: more of them would be those of the moment.

    >>> microseconds(0.000123456, 1), microseconds(0.5, 30_000)
    (120.0, 17.0)
    """
    return float(f"{1e6 * seconds / max(1, rows):.2g}")


def row_us(predict: Callable[[int], object], rows: int) -> float:
    """Microseconds that a row takes in one thread, among as many others as there is time for.

    Args:
        predict: predicts so many rows, in one thread but for that of linear algebra.
        rows: how many there are.
    """
    with blas_threads(1):
        predict(min(1, rows))  # what a model does once, however many rows it is asked for afterwards
        some = min(_FIRST, rows)
        seconds = busy(lambda: predict(some))[1]
        while some < min(_MOST, rows) and _MORE * seconds <= _SECONDS:
            some = min(_MORE * some, _MOST, rows)
            seconds = busy(lambda some=some: predict(some))[1]
        for _ in range(_CALLS - 1):
            if _CALLS * seconds <= _SECONDS:
                seconds = min(seconds, busy(lambda: predict(some))[1])
    return microseconds(seconds, some)
