"""Frames: typed columns for learners, read from a table or from one row by what the schema remembers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import counted, did_you_mean, listed, quoted
from modelwright.tasks.data import cells as cells_of
from modelwright.tasks.data import units, zones
from modelwright.tasks.data.kinds import level
from modelwright.tasks.data.problems import Problems, Unreadable
from modelwright.tasks.data.readers import CODES, NUMBERS, Reader
from modelwright.tasks.data.reading import read
from modelwright.tasks.data.suited import usual
from modelwright.tasks.data.table import IN_INDEX, Note, Table, as_name, is_missing

#: Share of the cells of a column that may be unreadable, whatever they were before.
_REFUSED = 0.5
_SCALARS = (str, int, float, type(None), np.generic)


@dataclass(frozen=True, slots=True)
class Frame:
    """Typed columns of equal length.

    Args:
        rows: their length.
        numbers: name -> float64, NaN where missing: numbers, booleans as 0 and 1, moments as seconds since 1970.
        codes: name -> int32, the place in the column's levels: -1 where missing, ``len(levels)`` for a level that was
            not there when the schema was made.
        texts: name -> objects, each a str, "" where missing.
        notes: what could not be read, what was new, what was not there.
        kinds: name -> kind of every column.
        levels: name -> levels of categories and ordinals.
        spellings: name -> objects like ``texts``: the cells of categories with many levels, where a new level may be
            like a known one.

    >>> frame = Frame(2, numbers={"age": np.array([31.0, np.nan])}, codes={}, texts={})
    >>> frame.take([1]).numbers["age"]
    array([nan])
    """

    rows: int
    numbers: Mapping[str, np.ndarray] = field(default_factory=dict)
    codes: Mapping[str, np.ndarray] = field(default_factory=dict)
    texts: Mapping[str, np.ndarray] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    spellings: Mapping[str, np.ndarray] = field(default_factory=dict)

    def take(self, rows: Any) -> Frame:
        """The rows at these places, or where a mask is true."""
        chosen = np.asarray(rows)
        chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.intp)
        return replace(
            self,
            rows=len(chosen),
            numbers={name: column[chosen] for name, column in self.numbers.items()},
            codes={name: column[chosen] for name, column in self.codes.items()},
            texts={name: column[chosen] for name, column in self.texts.items()},
            spellings={name: column[chosen] for name, column in self.spellings.items()},
        )


def framed(readers: Mapping[str, Reader], source: Any, *, where: str, absent: str) -> Frame:
    """The frame of ``source``; see ``Schema.frame``."""
    if absent not in ("refuse", "missing"):
        raise ArgumentError(f"absent={absent!r}", where=where, allowed="'refuse' or 'missing'")
    source = _rows(source, readers)
    row = _row(source)
    if row is not None and all(name in row for name in readers) and not _repeats(row, readers):
        return _of_row(readers, row, where)
    table = given(readers, source, where=where, absent=absent)
    refuse_repeated({name: one.details for name, one in readers.items()}, table, where)
    table.check(readers)
    return _of_table(readers, table, where, absent)


def given(readers: Mapping[str, Reader], source: Any, *, where: str, absent: str = "refuse") -> Table:
    """The raw cells of ``source``, for those who show what was given beside what was read of it.

    Raises:
        ArgumentError: it is no table, or its columns have no names and the readers' have.
    """
    source = _rows(source, readers)
    table = read(source, where=where)
    gone = [name for name in readers if name not in table.columns]
    if gone and absent == "refuse" and _is_unnamed(source) and not all(map(str.isdigit, gone)):
        raise ArgumentError(
            f"its columns have no names, and the model was given {listed(readers, 10)}",
            where=where,
            allowed="a data frame, a dict of columns, or a list of dicts",
            hint="pandas.DataFrame(array, columns=[...]) says which is which.",
        )
    return table


def _rows(source: Any, readers: Mapping[str, Reader]) -> Any:
    """A source with rows: a row of pandas by itself is a frame of one, and an empty list has the columns."""
    if _is_row(source, readers):
        return source.to_frame().T
    if isinstance(source, list | tuple) and not source:
        return {name: [] for name in readers}
    return source


def _is_row(source: Any, readers: Mapping[str, Reader]) -> bool:
    """Whether a source is a row of pandas by itself: its labels are names of columns. Numbers may be those of rows."""
    if type(source).__module__.partition(".")[0] != "pandas" or not hasattr(source, "to_frame"):
        return False
    labels = list(getattr(source, "index", ()))
    return all(isinstance(one, str | tuple) for one in labels) and any(as_name(one) in readers for one in labels)


def _is_unnamed(source: Any) -> bool:
    """Whether a source has columns that nothing names: an array, or rows that are lists."""
    if isinstance(source, np.ndarray):
        return source.dtype.names is None
    return isinstance(source, (list, tuple)) and bool(source) and not isinstance(source[0], Mapping)


#: Columns that are looked for under another name.
_RENAMED = 5
#: What is said of the columns, or of the file, that a note of such a kind is about.
_TOLD = {
    "absent columns": "not there, taken as missing: ",
    "unreadable": "cells that cannot be read, taken as missing: ",
    "infinite": "infinite numbers, taken as missing: ",
    "unseen levels": "levels that the model was not fitted on: ",
}
#: Those that are told in full.
_WHOLE = ("otherwise written", "fields", "quotes", "mixed encodings")
#: From how many cells a column of which no level is known is told apart from a few new levels, where it has so few.
_CELLS, _LEVELS = 5, 30


def told(notes: Sequence[Note]) -> str:
    """What whoever predicts should know of the rows, in one sentence that names the columns; "" for nothing.

    Counts and cells are not in it: Python keeps each text that was ever warned of, in a service of rows too.

    >>> told([Note("unseen levels", "...", {"column": "plan", "count": 3})])
    "levels that the model was not fitted on: 'plan'"
    """
    columns: dict[str, list[str]] = {}
    for note in notes:
        if note.kind in _TOLD:
            columns.setdefault(note.kind, []).extend(note.data.get("names") or [note.data["column"]])
    parts = [_strange(note.data["column"], note.data["known"]) for note in notes if "known" in note.data]
    for kind, names in columns.items():
        more = f" and {len(names) - 10} more" if len(names) > 10 else ""
        parts.append(_TOLD[kind] + ", ".join(map(quoted, names[:10])) + more)
    return "; ".join([*parts, *(note.message for note in notes if note.kind in _WHOLE)])


def _strange(column: str, known: Sequence[str]) -> str:
    """What is said of a column of which no level is known: most likely it is written otherwise than in the fit."""
    shown = ", ".join(f"{level!r:.40}" for level in known[:5]) + (" ..." if len(known) > 5 else "")
    lost = "the column tells it nothing: it may be written otherwise than in the fit"
    return f"not one cell of {quoted(column)} is a level that the model knows ({shown}), so that {lost}"


# --- many rows -----------------------------------------------------------------------------------


def _of_table(readers: Mapping[str, Reader], table: Table, where: str, absent: str) -> Frame:
    there = table.columns
    notes = list(table.notes)
    gone = [name for name in readers if name not in there]
    if gone and absent == "refuse":
        refuse_absent(list(readers), table, where)
    if gone:
        message = f"not there, and taken as missing throughout: {listed(gone, 10)}"
        notes.append(Note("absent columns", message, {"names": gone}))
    parts: dict[str, dict[str, np.ndarray]] = {NUMBERS: {}, CODES: {}, "texts": {}}
    for name, one in readers.items():
        if name in gone:
            parts[one.part][name] = np.full(table.rows, one.missing, dtype=one.dtype)
            continue
        details, *known = table.typed.get(name, (None,))
        column, problems = known if details is one.details else one.many(there[name], zoned=table.zoned(name))
        parts[one.part][name] = column
        _judge(one, there[name], problems, where, notes)
        notes += _otherwise(one, there[name], column, durations=bool(table.unit(name)))
    spelled = {name: one.spelled(there.get(name), table.rows) for name, one in readers.items() if one.many_levels}
    return Frame(table.rows, parts[NUMBERS], parts[CODES], parts["texts"], tuple(notes), spellings=spelled)


def refuse_absent(needed: Sequence[str], table: Table, where: str) -> None:
    """Refuse a table without columns that a model was given.

    Raises:
        ArgumentError: some are not there; with their names.
    """
    gone = [name for name in needed if name not in table.columns]
    if not gone:
        return
    are = "is" if len(gone) == 1 else "are"
    indexed = any(table.is_index(name) for name in gone)
    raise ArgumentError(
        f"{counted(len(gone), 'column')} that the model was given {are} not there: {listed(gone, 10)}",
        where=where,
        hint=IN_INDEX if indexed else _renamed(gone, needed, table.names),
    )


def refuse_repeated(needed: Mapping[str, Mapping[str, Any]], table: Table, where: str) -> None:
    """Refuse a table that has several columns of a name that a model was given, unless they are those of the fit.

    Args:
        needed: name -> details of the columns that the model uses.

    Raises:
        ArgumentError: nobody can tell which of them is meant; with the name.
    """
    for name, columns in table.repeated.items():
        taken = [column for column in columns if column in needed]
        before = [needed[column].get("alike") for column in taken]
        if all(one == columns for one in before):
            continue
        if not any(before) and set(columns) <= needed.keys():  # the fit had the names as pandas reads them from files
            continue
        raise ArgumentError(
            f"there are {len(columns)} columns {quoted(name)}, which the model was given",
            where=where,
            allowed=f"{counted(len(before[0] or [name]), 'column')} of that name, as in the fit",
            hint="Leave out the others, or give them other names.",
        )


def _renamed(gone: Sequence[str], needed: Sequence[str], there: Sequence[str]) -> str:
    """What to do about columns that are not there: one name that is near says nothing where most have none."""
    known = set(needed)
    others = list(dict.fromkeys(name for name in there if name not in known))
    near = [did_you_mean(name, others) for name in gone[:_RENAMED]]
    if len(gone) <= _RENAMED and all(near):
        return near[0] if len(gone) == 1 else f"For {gone[0]!r:.60}: {near[0]}"
    if len(gone) == len(needed) > 1:
        return f"It has none of them, but {listed(others, 10)}: is it another table?"
    return "Add a column of missing cells (None) if nothing is known."


def _judge(one: Reader, cells: np.ndarray, problems: Problems, where: str, notes: list[Note]) -> None:
    """Refuse a column that holds something else than it did; note what became of single cells."""
    if problems.unseen:
        count = sum(problems.unseen.values())
        shown = ", ".join(repr(text) for text in list(problems.unseen)[:3])
        message = f"column {one.name!r:.80}: {counted(count, 'cell')} with levels not seen before, such as {shown}"
        levels = one.details.get("levels", ())
        strange = 0 < len(levels) <= _LEVELS and _CELLS <= count == _filled(cells, problems)
        known = {"known": list(levels)} if strange else {}
        notes.append(Note("unseen levels", message, {"column": one.name, "count": count, **known}))
    if problems.infinite:
        message = f"column {one.name!r:.80}: {counted(problems.infinite, 'infinite number')}, taken as missing"
        notes.append(Note("infinite", message, {"column": one.name, "count": problems.infinite}))
    if problems.refused:
        raise ArgumentError(problems.refused, where=f"{where}, column {one.name!r:.80}", allowed=one.allowed)
    if not problems.unreadable:
        return
    count = sum(problems.unreadable.values())
    known = _filled(cells, problems)
    text = next(iter(problems.unreadable))
    message = f"{counted(count, 'cell')} of {known:,} cannot be read as {one.noun}, such as {text!r:.60}"
    if count > _REFUSED * known and not (one.tolerant and usual(one.details["seen"], problems.unreadable, known)):
        place = _place(cells, text)
        said = message if place is None else f"{message} (row {place})"
        raise ArgumentError(said, where=f"{where}, column {one.name!r:.80}", allowed=one.allowed)
    data = {"column": one.name, "count": count, "examples": list(problems.unreadable)[:5]}
    notes.append(Note("unreadable", f"column {one.name!r:.80}: {message}; taken as missing", data))


def _otherwise(one: Reader, cells: np.ndarray, values: np.ndarray, *, durations: bool) -> list[Note]:
    """The note that numbers are written otherwise than in the fit, where they are."""
    said = units.strange(one.details, cells, values, durations=durations) if one.kind == "number" else ""
    data = {"column": one.name, "said": said}
    return [Note("otherwise written", f"column {one.name!r:.80}: {said}", data)] if said else []


def _filled(cells: np.ndarray, problems: Problems) -> int:
    """How many cells are not missing."""
    return int((~is_missing(cells)).sum()) - sum(problems.tokens.values())


def _place(cells: np.ndarray, text: str) -> int | None:
    """The first row of a cell that is told as ``text``."""
    return next((i for i, cell in enumerate(cells.tolist()) if cell is not None and level(cell) == text), None)


# --- one row -------------------------------------------------------------------------------------


def _row(source: Any) -> Mapping[Any, Any] | None:
    """The cells of a source that is one row, by name; None where it is more, or no such thing."""
    if isinstance(source, list):
        source = source[0] if len(source) == 1 and isinstance(source[0], Mapping) else None
    if isinstance(source, Mapping):
        return source if source and all(isinstance(v, _SCALARS) or np.ndim(v) == 0 for v in source.values()) else None
    root = type(source).__module__.partition(".")[0]
    if root == "pandas" and hasattr(source, "iat") and hasattr(source, "columns") and len(source) == 1:
        if not source.columns.is_unique:
            return None
        at = source.iat
        return {name: at[0, i] for i, name in enumerate(source.columns)}
    if root == "polars" and hasattr(source, "row") and hasattr(source, "columns") and len(source) == 1:
        return dict(zip(source.columns, source.row(0)))
    return None


def _repeats(row: Mapping[Any, Any], readers: Mapping[str, Reader]) -> bool:
    """Whether a cell beside those of the columns has the name of one of them, but for blanks."""
    return len(row) > len(readers) and any(name not in readers and as_name(name) in readers for name in row)


def _of_row(readers: Mapping[str, Reader], row: Mapping[Any, Any], where: str) -> Frame:
    notes: list[Note] = []
    parts: dict[str, dict[str, np.ndarray]] = {NUMBERS: {}, CODES: {}, "texts": {}}
    for name, one in readers.items():
        value, cell = one.missing, row[name]
        dated = one.kind == "datetime" and zones.is_aware(cell)
        cell = zones.as_text(cell) if dated else cells_of.cell(cell)
        try:
            value = one.one(cell)
        except Unreadable as error:
            if not (one.tolerant and usual(one.details["seen"], {str(error): 1}, 1)):
                raise ArgumentError(
                    f"{str(error)!r:.60} cannot be read as {one.noun}",
                    where=f"{where}, column {name!r:.80}",
                    allowed=one.allowed,
                ) from None
            data = {"column": name, "count": 1, "examples": [str(error)]}
            notes.append(Note("unreadable", f"column {name!r:.80}: {str(error)!r:.60} taken as missing", data))
        if one.part == CODES and value == one.unseen:
            message = f"column {name!r:.80}: a level not seen before, {str(cell)!r:.60}"
            notes.append(Note("unseen levels", message, {"column": name, "count": 1}))
        elif value != value and type(cell) in (float, int) and cell == cell:
            message = f"column {name!r:.80}: an infinite number, taken as missing"
            notes.append(Note("infinite", message, {"column": name, "count": 1}))
        made = np.empty(1, dtype=one.dtype)
        made[0] = value
        if isinstance(cell, str) or one.details.get("percent") or units.is_duration(row[name]):
            raw = cells_of.texts([cell]) if isinstance(cell, str) else made
            notes += _otherwise(one, raw, made, durations=units.is_duration(row[name]))
        parts[one.part][name] = made
    spelled = {name: one.spelled([cells_of.cell(row[name])], 1) for name, one in readers.items() if one.many_levels}
    return Frame(1, parts[NUMBERS], parts[CODES], parts["texts"], tuple(notes), spellings=spelled)
