"""All checks of a table, in order, within the time there is."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from modelwright.core.errors import ArgumentError
from modelwright.core.optional import optional
from modelwright.core.rng import Seed
from modelwright.tasks.checks import (
    columns,
    groups,
    leakage,
    missing,
    moments,
    numbering,
    rows,
    unlabelled,
    values,
    written,
)
from modelwright.tasks.checks.evidence import Evidence
from modelwright.tasks.checks.record import Check, skipped
from modelwright.tasks.data.schema import Schema
from modelwright.tasks.data.table import Table
from modelwright.tasks.scoring.target import Target
from modelwright.tasks.scoring.validation import Split

#: Rows that models are tried on, without a limit of time and with one.
_SAMPLE, _PER_SECOND = 10_000, 2_000

_ALL: dict[str, Callable[[Evidence], list[Check]]] = {
    written.NAME: written.written,
    "too few rows": rows.few_rows,
    "rare classes": rows.rare_classes,
    unlabelled.NAME: unlabelled.unlabelled,
    unlabelled.TWO_VALUES: unlabelled.two_values,
    "constants": columns.constants,
    "ids": columns.ids,
    numbering.NAME: numbering.row_numbers,
    "duplicate columns": columns.duplicate_columns,
    "duplicate rows": rows.duplicate_rows,
    "unreadable cells": missing.unreadable_cells,
    "mixed types": columns.mixed_types,
    "high cardinality": columns.many_levels,
    "sentinel values": values.sentinels,
    "impossible dates": moments.impossible_dates,
    "outliers": values.outliers,
    "leakage": leakage.leakage,
    "missing values": missing.missing_values,
    "time order": moments.time_order,
    "groups": groups.groups,
}
_PARTS = {"leakage": ("near-certain", "dominant")}
#: Those that look for what knows the target.
LEAKS = _PARTS["leakage"]
#: The names of all checks of one table.
NAMES = tuple(name for every in _ALL for name in _PARTS.get(every, (every,)))
#: Those that fit models, which takes its time; the others read each cell a few times.
COSTLY = ("near-certain", "dominant", "missing values", "time order", "groups")
_ORDER = {"alert": 0, "skipped": 1, "fixed": 2, "passed": 3}


def check(
    table: Table,
    schema: Schema,
    target: Target,
    *,
    seed: int = 0,
    seconds: float | None = None,
    where: str = "table",
    only: Collection[str] = NAMES,
    split: Split | None = None,
) -> list[Check]:
    """Look through a table before models are trained on it.

    Nothing is changed: a check says what it found, and what reading, features and validation do about it. What looks
    like leakage is an alert, and stays in the table.

    Args:
        table: raw cells, the target among them.
        schema: what its columns are.
        target: what is to be predicted.
        seed: of samples and folds. Without ``seconds`` the same seed gives the same findings.
        seconds: time to spend, on a smaller sample if need be; what was not reached is said. What it takes to import
            libraries comes on top. Default as long as it takes, which is a few seconds for 50,000 rows of 50 columns.
        where: the name of the argument, for messages.
        only: the checks to be made.
        split: how a fit divides these rows: what a column tells of the target is asked of other groups, or of later
            rows, where it does so too. None for rows that chance divides.

    Returns:
        Alerts first, then what was not looked at, what is taken care of, and what passed; at least one entry of each of
        ``only``.

    Raises:
        ArgumentError: the table lacks the target, or ``seconds`` is no positive number.

    >>> import numpy as np
    >>> from modelwright.tasks.data.reading import read
    >>> raw = read({"size": np.sqrt(np.arange(60.0)), "unit": ["m"] * 60, "sold": ["no", "yes"] * 30})
    >>> found = check(raw, Schema.of(raw, target="sold"), Target.of(raw.columns["sold"], name="sold"))
    >>> [str(one) for one in found if one.status == "fixed"]
    ["constants, 'unit': every cell is 'm'; left out"]
    """
    if seconds is not None and not (isinstance(seconds, (int, float)) and 0 < seconds < float("inf")):
        raise ArgumentError(f"seconds={seconds!r}", where="check", allowed="a positive number, or None")
    if set(only) & set(COSTLY):
        load()  # the first time in a process this takes longer than many a check
    deadline = None if seconds is None else time.monotonic() + seconds
    evidence = replace(_evidence(table, schema, target, seed, where), split=split)
    if seconds is not None:
        evidence = replace(evidence, deadline=deadline, most=int(min(_SAMPLE, max(500, seconds * _PER_SECOND))))
    found: list[Check] = []
    for name, look in _ALL.items():
        parts = _PARTS.get(name, (name,))
        if not set(parts) & set(only):
            continue
        if evidence.late:
            found += skipped(parts, "the time was up")
        else:
            made = look(evidence)
            found += _unfinished(made, parts) if evidence.late else made
    return sorted(found, key=by_status)


def load() -> None:
    """Import what the checks that fit models need."""
    for package in ("sklearn.tree", "lightgbm"):
        optional(package, extra="tables", purpose="Checking a table")


def by_status(one: Check) -> int:
    """Where a finding stands: what somebody should look at comes first."""
    return _ORDER[one.status]


def _unfinished(made: list[Check], parts: Sequence[str]) -> list[Check]:
    """The findings of a check that the end of the time cut short: that it found nothing is not told."""
    kept = [one for one in made if one.status != "passed"]
    for part in parts:
        seen = [one.message for one in made if one.name == part and one.status == "passed"]
        said = "; ".join(["not finished: the time was up", *(f"so far, {message}" for message in seen)])
        kept.append(Check(name=part, status="skipped", message=said))
    return kept


def _evidence(table: Table, schema: Schema, target: Target, seed: int, where: str) -> Evidence:
    cells = table.column(target.name, where=where)
    present = target.present(cells)
    kept = table if present.all() else table.take(present)
    y = target.encode(kept.columns[target.name], where=where)
    frame = schema.frame(kept, where=where)
    chance = Seed(seed).child("checks")
    return Evidence(kept, schema, frame, target.task, tuple(target.classes), y, chance, notes=target.notes)
