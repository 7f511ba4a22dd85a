"""Results in tables: pandas frames and CSV files as pairs of a configuration and what it gave. Knows no study."""

from __future__ import annotations

import ast
import contextlib
import csv
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelwright.core.errors import ArgumentError, SpaceError
from modelwright.core.objective import VALUE, Objective
from modelwright.core.wording import did_you_mean


def table_rows(table: Any, objectives: Sequence[Objective], space: Any) -> list[tuple[dict[str, Any], Any]] | None:
    """The rows of a pandas frame or of a CSV file at a path; None for anything else.

    A table has a column for each parameter and each objective, or is one that ``study.frame()`` or ``modelwright
    export`` made: then trials that were trained a part of the way are left out, and those that failed could not be run.

    Raises:
        ArgumentError: there is no such file, or its columns do not tell what was measured.
    """
    if isinstance(table, (str, os.PathLike)):
        columns, lines = _csv(Path(table))
        where = f"results, {str(table)!r}"
    elif hasattr(table, "columns") and hasattr(table, "to_dict"):
        columns, lines = [str(c) for c in table.columns], table.to_dict("records")
        lines = [{str(k): v for k, v in line.items()} for line in lines]
        where = "results"
    else:
        return None
    exported = "state" in columns and any(c.startswith("config.") for c in columns)
    names = _named(columns, objectives, exported, where)
    known = {p.name for p in space.parameters}
    parameters = [c for c in columns if c not in names.values() and (c.startswith("config.") if exported else True)]
    strange = [] if exported or not known else [c for c in parameters if c not in known]
    if strange:
        raise ArgumentError(
            f"the column {strange[0]!r} is neither a parameter nor the objective",
            where=where,
            allowed=", ".join(map(repr, [*sorted(known), *names])),
            hint=did_you_mean(strange[0], sorted(known)) or "Leave it out.",
        )
    found = []
    for line in lines:
        if exported and not _ended(line):
            continue
        config = {
            column.removeprefix("config."): _typed(space, column.removeprefix("config."), line[column])
            for column in parameters
            if not _missing(line[column])
        }
        values = {name: _number(line[column]) for name, column in names.items()}
        lost = exported and any(_missing(v) for v in values.values())
        found.append((config, None if lost else values))
    return found


def _csv(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    try:
        with path.expanduser().open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = list(reader.fieldnames or ())
            return columns, [{c: line.get(c) or "" for c in columns} for line in reader]
    except (OSError, ValueError, csv.Error) as error:  # text that is no UTF-8, a path that cannot be
        why = getattr(error, "strerror", None) or str(error)
        allowed = "a CSV file with a header"
        where, allowed = f"results, {str(path)!r}", "a CSV file with a header"
        raise ArgumentError(f"it cannot be read: {why}", where=where, allowed=allowed) from None


def _named(columns: list[str], objectives: Sequence[Objective], exported: bool, where: str) -> dict[str, str]:
    """Objective -> the column that holds it."""
    names = {}
    for o in objectives:
        spelt = [VALUE, o.name] if len(objectives) == 1 and exported else [o.name]
        spelt += [f"value.{o.name}", f"metrics.{o.name}"] if exported else []
        column = next((c for c in spelt if c in columns), None)
        if column is None:
            raise ArgumentError(
                f"there is no column {o.name!r}", where=where, allowed=", ".join(map(repr, columns)) or "a header"
            )
        names[o.name] = column
    return names


def _ended(line: Mapping[str, Any]) -> bool:
    """Whether a trial of an exported study says what full training gives."""
    return str(line["state"]) in ("complete", "infeasible", "failed") and _number(line.get("fidelity", 1.0)) in (1, "")


def _missing(value: Any) -> bool:
    try:
        return value is None or value == "" or bool(value != value)
    except TypeError:  # pandas' NA has no truth
        return True


def _number(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return math.nan if _missing(value) else value


def _typed(space: Any, name: str, value: Any) -> Any:
    """A cell as the parameter's domain writes it; text is read as Python writes values where that fits."""
    if hasattr(value, "item"):
        value = value.item()
    guesses = [value]
    if isinstance(value, str):
        with contextlib.suppress(ValueError, SyntaxError):
            guesses.insert(0, ast.literal_eval(value.strip()))
    for p in space.parameters:
        for guess in guesses if p.name == name else ():
            try:
                return p.domain.coerce(guess)
            except (SpaceError, TypeError):
                continue
    return guesses[0]
