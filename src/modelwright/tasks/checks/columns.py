"""Columns: those that say nothing, say it twice, name each row, have very many levels, or mix two kinds of cells."""

from __future__ import annotations

from collections import Counter

import numpy as np

from modelwright.core.wording import counted, quoted
from modelwright.tasks.checks.alike import column_groups
from modelwright.tasks.checks.evidence import Evidence
from modelwright.tasks.checks.record import Check, named, percent, settled
from modelwright.tasks.data import dates
from modelwright.tasks.data.kinds import NO_VALUE, profile
from modelwright.tasks.data.numerals import notation
from modelwright.tasks.data.table import is_missing

#: Levels beyond which a column is one of very many levels.
MANY = 100
#: Shares of cells that read as numbers between which a column of levels mixes two kinds.
_MIXED = 0.1, 0.999
#: Share of the dates with days and months the other way round that is no more than a slip.
_SLIP = 0.01
#: What is found of a column of several values that somebody called constant.
_SAID = "it was said to be constant"


def constants(evidence: Evidence) -> list[Check]:
    """Columns with one value, or none."""
    found = []
    for column in evidence.schema.columns:
        if column.kind == "constant":
            value = column.details.get("value")
            message = "every cell is missing" if value is None else f"every cell is {value!r:.40}"
            if value is None and profile(evidence.table.columns[column.name]).counts:
                message = _SAID
            found.append(
                Check(
                    name="constants",
                    status="fixed",
                    column=column.name,
                    message=message,
                    done="left out",
                    undo=f"leave it out of kinds={{{column.name!r}: 'constant'}}"
                    if message == _SAID
                    else "nothing: there is nothing to learn from one value",
                )
            )
    return settled("constants", found, "no column has the same value in every row")


def ids(evidence: Evidence) -> list[Check]:
    """Columns that name the rows."""
    found = [
        Check(
            name="ids",
            status="fixed",
            column=column.name,
            message=column.details.get("why", "its values name the rows"),
            done="left out: nothing can be learned from a name that comes once",
            undo=f"kinds={{{column.name!r}: {_other(evidence, column.name)!r}}}",
        )
        for column in evidence.schema.columns
        if column.kind == "id"
    ]
    return settled("ids", found, "no column only names the rows")


def _other(evidence: Evidence, name: str) -> str:
    """The kind that a column of names can be read as."""
    cells = evidence.table.columns[name]
    known = cells[~is_missing(cells)]
    if cells.dtype.kind in "if":
        return "number"
    written, _ = notation(known[:100].astype(str).tolist())
    return "number" if all(written.value(str(cell).strip()) is not None for cell in known) else "category"


def many_levels(evidence: Evidence) -> list[Check]:
    """Categories of so many levels that each has few rows."""
    found = []
    for column in evidence.schema.used:
        codes = evidence.frame.codes.get(column.name)
        if codes is None or column.kind != "category" or len(column.levels) <= MANY:
            continue
        counts = np.bincount(codes[codes >= 0], minlength=1)
        once = int((counts == 1).sum())
        count = int((counts > 0).sum())
        found.append(
            Check(
                name="high cardinality",
                status="fixed",
                column=column.name,
                count=count,
                message=f"{counted(count, 'level')}, {once:,} of them in one row only",
                done="levels are told apart by what other rows say of the target there, and by their words where they "
                "have several; frequent ones may get a column of their own",
                undo=f"kinds={{{column.name!r}: 'text'}}, or merge levels before fitting",
            )
        )
    return settled("high cardinality", found, f"no category has more than {MANY} levels")


def duplicate_columns(evidence: Evidence) -> list[Check]:
    """Columns that hold the same as another one."""
    frame = evidence.frame
    found = []
    cells = {**frame.numbers, **frame.codes, **frame.texts}
    for names in column_groups({column.name: cells[column.name] for column in evidence.schema.used}):
        for name in names[1:]:
            found.append(
                Check(
                    name="duplicate columns",
                    status="alert",
                    column=name,
                    count=len(names),
                    message=f"it tells the rows apart exactly as {quoted(names[0])} does",
                    done="models get one of them where the values are equal too, else both, which share the importance",
                    undo=f"without=[{name!r}] leaves it out",
                )
            )
    return settled("duplicate columns", found, "no two columns hold the same")


def mixed_types(evidence: Evidence) -> list[Check]:
    """Columns of numbers and words, of dates of both orders, with and without zones, and in several formats."""
    found = [*_both_orders(evidence), *_some_zones(evidence), *_several_formats(evidence)]
    for column in evidence.schema.used:
        codes = evidence.frame.codes.get(column.name)
        if codes is None or column.kind != "category":
            continue
        counts = np.bincount(codes[(codes >= 0) & (codes < len(column.levels))], minlength=len(column.levels))
        written, _ = notation(column.levels)
        numeric = np.array([len(text) <= 64 and written.value(text) is not None for text in column.levels], dtype=bool)
        words = np.array([text.casefold() not in NO_VALUE for text in column.levels], dtype=bool) & ~numeric
        total = int(counts[numeric | words].sum())
        share = counts[numeric].sum() / max(1, total)
        odd, usual = (words, numeric) if share >= 0.5 else (numeric, words)
        if total and _MIXED[0] < share < _MIXED[1] and numeric.sum() > 2:
            examples = [text for text, is_odd in zip(column.levels, odd) if is_odd]
            count, what = int(counts[odd].sum()), "words" if share >= 0.5 else "numbers"
            found.append(
                Check(
                    name="mixed types",
                    status="alert",
                    column=column.name,
                    count=count,
                    message=f"{percent(count / total)} of the cells are {what} ({named(examples, most=3)}), the others "
                    f"{'numbers' if usual is numeric else 'words'}",
                    done="read as a category",
                    undo=f"kinds={{{column.name!r}: 'number'}} reads the words as missing"
                    if share >= 0.5
                    else "make two columns of it before fitting, one of numbers and one of words",
                )
            )
    return settled("mixed types", found, "no column mixes numbers and words, or dates of both orders")


def _some_zones(evidence: Evidence) -> list[Check]:
    """Columns in which some times of day have a time zone and others none."""
    found = []
    for column in evidence.schema.used:
        aware, naive = column.details.get("zones") or (0, 0)
        if not (aware and naive):
            continue
        found.append(
            Check(
                name="mixed types",
                status="alert",
                column=column.name,
                count=min(aware, naive),
                message=f"{counted(aware, 'date')} have a time zone, {naive:,} have none",
                done="those without one are read as of UTC",
                undo="write all dates with their time zone before fitting, or all without",
            )
        )
    return found


def _both_orders(evidence: Evidence) -> list[Check]:
    """Columns in which more dates than a slip or two have days and months the other way round."""
    found = []
    for column in evidence.schema.used:
        front, behind = column.details.get("orders") or (0, 0)
        fewer = min(front, behind)
        if fewer < 2 or fewer <= _SLIP * (front + behind):
            continue
        cells = Counter(cell.strip() for cell in evidence.table.columns[column.name] if isinstance(cell, str))
        count = sum(times for text, times in cells.items() if dates.is_open(text))
        first = "days" if column.details["day_first"] else "months"
        became = "taken as missing" if column.details.get("unclear") else f"read with {first} first, as most of them"
        found.append(
            Check(
                name="mixed types",
                status="alert",
                column=column.name,
                count=count,
                message=f"{counted(front, 'different date')} can only have days first, {behind:,} only months first",
                done=f"those that could be either, {counted(count, 'cell')}, are {became}",
                undo="write all dates alike before fitting, best as 2016-04-05",
            )
        )
    return found


def _several_formats(evidence: Evidence) -> list[Check]:
    """Columns whose dates are written in several ways."""
    return [
        Check(
            name="mixed types",
            status="fixed",
            column=column.name,
            count=len(shapes),
            message=f"its dates are written in {len(shapes)} formats: {', '.join(shapes)}",
            done="all are read as dates",
            undo="write all dates alike before fitting, best as 2016-04-05",
        )
        for column in evidence.schema.used
        if len(shapes := column.details.get("shapes") or ()) > 1
    ]
