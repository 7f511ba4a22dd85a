"""Weights: how much rows count. Those of rows count while models are fitted and where rows judge; those of classes
while models are fitted alone, for the rows that come later are not weighted by their class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import counted
from modelwright.tasks.data import kinds
from modelwright.tasks.data.labels import class_named
from modelwright.tasks.data.readers import reader
from modelwright.tasks.data.schema import Schema
from modelwright.tasks.data.table import Table
from modelwright.tasks.scoring.target import Target


def given_weights(table: Table, given: Any, there: np.ndarray, *, schema: Schema, where: str) -> np.ndarray | None:
    """Weights of the rows of a table, with the mean 1; None where none were given.

    Args:
        given: the name of a column, which is read as columns of numbers are, or numbers for the rows, or for those
            before some were left out.
        there: which rows were kept of those that were given, bool.
        schema: of the other columns, which tell how a column writes its decimals where it leaves that open.

    Raises:
        ArgumentError: they are not a number from 0 for each row, or all are 0.
    """
    if given is None:
        return None
    if isinstance(given, str):
        weight, called = _column(table, given, there, schema, where), f"sample_weight {given!r:.60}"
    else:
        weight, called = _array(given, where), "sample_weight"
        if len(weight) == len(there):
            weight = weight[there]
    if len(weight) != table.rows:
        raise ArgumentError(f"{called} has {counted(len(weight), 'value')} for {table.rows} rows", where=where)
    wrong = np.flatnonzero(~(np.isfinite(weight) & (weight >= 0)))
    if len(wrong):
        example = f"{_place(there, wrong[0])} has {'none' if np.isnan(weight[wrong[0]]) else f'{weight[wrong[0]]:g}'}"
        what = f"{called} has {counted(len(wrong), 'missing or negative value')}: {example}"
        raise ArgumentError(what, where=where, allowed="numbers from 0")
    if not weight.any():
        raise ArgumentError(f"{called}: every weight is 0", where=where, allowed="some numbers above 0")
    return weight / weight.mean()


def _column(table: Table, name: str, there: np.ndarray, schema: Schema, where: str) -> np.ndarray:
    """The numbers of a column, read as a column that is learned from."""
    cells = table.columns[name]
    found = kinds.described(cells, "number", schema.context)
    weight, problems = reader(name, "number", found.details).many(cells)
    if problems.unreadable:
        text = next(iter(problems.unreadable))
        row = next(i for i, cell in enumerate(cells.tolist()) if cell is not None and str(cell).strip() == text)
        count = counted(sum(problems.unreadable.values()), "cell")
        what = f"{count} of it cannot be read as a number: {_place(there, row)} has {text!r:.40}"
        raise ArgumentError(what, where=f"{where}, sample_weight {name!r:.60}", allowed="numbers from 0")
    return weight


def _array(given: Any, where: str) -> np.ndarray:
    try:
        return np.asarray(given, np.float64).ravel()
    except (TypeError, ValueError) as error:
        what = f"it holds something else than numbers: {error!s:.80}"
        raise ArgumentError(what, where=f"{where}, sample_weight", allowed="numbers from 0") from None


def _place(there: np.ndarray, row: int) -> str:
    """A row as it was given: those without a target are gone."""
    return f"row {np.flatnonzero(there)[row]}"


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
    named = {key: class_named(key, target.classes, target.details) for key in asked}
    asked = {one: asked[key] for key, one in named.items()}
    if unknown := [key for key, one in named.items() if one is None]:
        allowed = ", ".join(map(repr, target.classes[:20]))
        raise ArgumentError(f"class_weight names {unknown[0]!r}", where="fit", allowed=allowed)
    found = np.array([float(asked.get(one, 1.0)) for one in target.classes])
    if not found[np.unique(y)].any():
        raise ArgumentError("class_weight: every weight is 0", where="fit", allowed="some numbers above 0")
    return found
