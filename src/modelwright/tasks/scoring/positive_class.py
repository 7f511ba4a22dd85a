"""Which of two classes a metric is about: the one that was said, or the usual one. Scores nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelwright.core.errors import ArgumentError
from modelwright.tasks.data.labels import class_named, some_of
from modelwright.tasks.scoring.scores import RARER


def positive_class(
    given: Any, classes: Sequence[Any], counts: Sequence[int], metric: str, where: str, details: Mapping[str, Any]
) -> Any:
    """The class of two that a metric is about: the one that was given, or the usual one.

    Args:
        details: how text is read as numbers.

    Raises:
        ArgumentError: it is no class.
    """
    if given is None:
        return rarer_class(classes, counts) if metric in RARER else classes[1]
    found = class_named(given, classes, details)
    if found is None:
        raise ArgumentError(f"positive={given!r:.60} is no class", where=where, allowed=some_of(classes, 12))
    return found


def rarer_class(classes: Sequence[Any], counts: Sequence[int]) -> Any:
    """The class of two that has fewer rows; the second where both have as many.

    >>> rarer_class(["no", "yes"], [3, 9]), rarer_class(["no", "yes"], [5, 5])
    ('no', 'yes')
    """
    return classes[0] if counts[0] < counts[1] else classes[1]
