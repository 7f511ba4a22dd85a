"""Limits of a search as they were given: refused where they are no counts. Does not know what they limit."""

from __future__ import annotations

import numbers
import warnings
from typing import Any

from modelwright.core.errors import ArgumentError


def check_limits(max_trials: Any, max_retries_per_trial: Any, max_consecutive_failed_trials: Any) -> None:
    """Refuse limits that no number of trials can be held against; warn of a limit that is none.

    Raises:
        ArgumentError: one is no number from 0, or not a number at all.

    >>> check_limits("a", 0, 3)
    Traceback (most recent call last):
    modelwright.core.errors.ArgumentError: max_trials: 'a' is no count. Allowed: a whole number from 1, or None ...
    """
    if max_trials is not None:
        _check_count("max_trials", max_trials, "a whole number from 1, or None for no limit")
        if max_trials == 0:
            warnings.warn(
                "max_trials=0 sets no limit, as in KerasTuner: the search tries the whole space, or goes on until it "
                "is stopped. Write max_trials=None if that is meant, a number from 1 otherwise.",
                stacklevel=3,
            )
    _check_count("max_retries_per_trial", max_retries_per_trial, "a whole number from 0")
    _check_count("max_consecutive_failed_trials", max_consecutive_failed_trials, "a whole number from 0")


def _check_count(name: str, value: Any, allowed: str) -> None:
    if not isinstance(value, numbers.Real) or not float(value) >= 0:
        raise ArgumentError(f"{value!r} is no count", where=name, allowed=allowed)
