"""Weights: how much rows count. Those of rows count while models are fitted and where rows judge; those of classes
while models are fitted alone, for the rows that come later are not weighted by their class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import counted
from modelwright.tasks.table import Table
from modelwright.tasks.target import Target


def given_weights(table: Table, given: Any, there: np.ndarray, *, where: str) -> np.ndarray | None:
    """Weights of the rows of a table, with the mean 1; None where none were given.

    Args:
        given: the name of a column, or numbers for the rows, or for those before some were left out.
        there: which rows were kept of those that were given, bool.

    Raises:
        ArgumentError: they are not a number from 0 for each row, or all are 0.
    """
    if given is None:
        return None
    cells = table.columns[given] if isinstance(given, str) else np.asarray(given)
    try:
        weight = np.asarray(cells, np.float64).ravel()
    except (TypeError, ValueError):
        raise ArgumentError("sample_weight holds something else than numbers", where=where) from None
    if not isinstance(given, str) and len(weight) == len(there):
        weight = weight[there]
    if len(weight) != table.rows:
        raise ArgumentError(f"sample_weight has {counted(len(weight), 'value')} for {table.rows} rows", where=where)
    if not np.isfinite(weight).all() or (weight < 0).any():
        raise ArgumentError("sample_weight has missing or negative values", where=where, allowed="numbers from 0")
    if not weight.any():
        raise ArgumentError("sample_weight: every weight is 0", where=where, allowed="some numbers above 0")
    return weight / weight.mean()


def with_classes(weight: np.ndarray | None, asked: Any, target: Target, y: np.ndarray) -> np.ndarray | None:
    """Weights of the rows times those of their classes, with the mean 1.

    Args:
        asked: "balanced", a mapping of classes, or None.

    Raises:
        ArgumentError: the target has no classes, or not those that are named.
    """
    if asked is None:
        return weight
    own = _of_classes(asked, target, y)[y]
    weight = own if weight is None else weight * own
    return weight / weight.mean()


def _of_classes(asked: Any, target: Target, y: np.ndarray) -> np.ndarray:
    if not target.is_classes:
        raise ArgumentError("class_weight for numbers", where="fit", hint="Leave it out.")
    count = len(target.classes)
    if asked == "balanced":
        rows = np.bincount(y, minlength=count)
        return len(y) / (count * np.maximum(rows, 1))
    if not isinstance(asked, Mapping):
        raise ArgumentError(f"class_weight={asked!r:.60}", where="fit", allowed="'balanced', or {class: weight}")
    called = {str(one).strip(): one for one in target.classes}  # whoever writes a command has no numbers
    asked = {key if key in target.classes else called.get(str(key).strip(), key): asked[key] for key in asked}
    unknown = [key for key in asked if key not in target.classes]
    if unknown:
        allowed = ", ".join(map(repr, target.classes[:20]))
        raise ArgumentError(f"class_weight names {unknown[0]!r}", where="fit", allowed=allowed)
    found = np.array([float(asked.get(one, 1.0)) for one in target.classes])
    if not found[np.unique(y)].any():
        raise ArgumentError("class_weight: every weight is 0", where="fit", allowed="some numbers above 0")
    return found
