"""What the words of options are read as: numbers within bounds."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import Any


def number_or(*words: str) -> Callable[[str], float | str]:
    """What reads a number, or one of a few words."""

    def read(given: str) -> float | str:
        try:
            return given if given in words else float(given)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{given!r} is no number; allowed: one, or {' or '.join(words)}") from None

    return read


def number(kind: Callable[[str], Any], allowed: str, fits: Callable[[Any], bool]) -> Callable[[str], Any]:
    """What reads a number of a kind.

    Args:
        allowed: what it has to be, in words.
    """

    def read(text: str) -> Any:
        try:
            value = kind(text)
        except (ValueError, OverflowError):
            value = None
        if value is None or not fits(value):
            raise argparse.ArgumentTypeError(f"{text!r} is not {allowed}")
        return value

    return read


positive = number(int, "a whole number from 1", lambda n: n >= 1)
count = number(int, "a whole number from 0", lambda n: n >= 0)
whole = number(int, "a whole number", lambda n: True)
figure = number(float, "a number", lambda x: not math.isnan(x))
folds = number(int, "a whole number from 2", lambda n: n >= 2)
seconds = number(float, "a positive number", lambda s: s > 0 and math.isfinite(s))
share = number(float, "a number between 0 and 1", lambda p: 0 < p < 1)
