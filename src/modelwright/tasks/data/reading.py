"""Reading tables: files, data frames, dicts, records and arrays as columns of raw cells."""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.clock import SystemClock
from modelwright.core.errors import ArgumentError
from modelwright.core.optional import optional
from modelwright.core.wording import counted, kind_of
from modelwright.execute.threads import free_memory
from modelwright.study.limits import bare, in_bytes
from modelwright.tasks.data import cells, delimited, numerals
from modelwright.tasks.data.table import Declared, Note, Table, as_name

_ALLOWED = (
    "a path of a CSV or Parquet file, a data frame (pandas, Polars, pyarrow), a dict of columns, a list of dicts, "
    "or a 2-D array"
)
#: What pandas calls the levels of an index without a name where it writes them among the columns.
_INDEX = re.compile(r"__index_level_\d+__")
#: Bytes that reading takes for each byte of a text.
_TAKEN = 14


@dataclass(frozen=True, slots=True)
class Time:
    """What there is for reading a file.

    Attributes:
        until: when it has to be done, in monotonic seconds.
        seconds: how long that is, for messages.
    """

    until: float
    seconds: float


def read(source: Any, *, where: str = "table", time: Time | None = None, memory: int | None = None) -> Table:
    """A table of raw cells from whatever holds one.

    Args:
        source: the path of a CSV file (delimiter, encoding and quotes are found; it may be compressed) or of a Parquet
            file, a data frame of pandas, Polars or pyarrow, a dict of columns or of one row's cells, a list of dicts,
            or a 2-D array.
        where: the name of the argument, for messages.
        time: after which reading a file of text ends with an error; None for as long as it takes.
        memory: bytes that reading a file of text may take, unpacked if it is compressed; None for what is free.

    Returns:
        The table; ``notes`` say what was found and repaired. It may have no rows, but has a column. Columns of cells
        that no table has, such as complex numbers, are refused where they are used.

    Raises:
        ArgumentError: what is wrong with it, with the row or the column.

    >>> read([{"age": 31, "job": "cook"}, {"age": None}]).columns["age"].tolist()
    [31.0, nan]
    >>> read({"size": [1, 2], "size ": [3, 4]}).names
    ('size', 'size.1')
    """
    if isinstance(source, Table):
        return source
    if source is None:
        raise ArgumentError("it is None" if where == "table" else "the table is None", where=where, allowed=_ALLOWED)
    if isinstance(source, (str, os.PathLike)):
        if "://" in (given := os.fspath(source)) or ":/" in given[:8]:
            raise ArgumentError("it is an address, no path", where=_at(where, given), hint="Download the file first.")
        return _file(Path(os.fspath(source)), where, time, memory)
    root = type(source).__module__.partition(".")[0]
    if root == "pandas" and hasattr(source, "iloc"):
        return _pandas(source, where)
    if isinstance(source, Mapping):
        return _mapping(source, where)
    if isinstance(source, np.ndarray):
        return _array(source, where)
    if isinstance(source, (list, tuple)):
        return _rows(source, where)
    return _narwhals(source, where)


def assembled(names: Sequence[Any], columns: Sequence[Any], rows: int, where: str, notes: list[Note]) -> Table:
    """A table of columns that are made raw cells, under names that are unique and not blank."""
    if not columns:
        raise ArgumentError("there are no columns", where=where, allowed=_ALLOWED)
    known, found, declared, refused = _names(names, notes), {}, {}, {}
    for name, column in zip(known, columns):
        try:
            made, said = cells.raw(column, name, where, notes)
        except ArgumentError as error:  # of no concern where nobody uses it
            refused[name], said = error, None
            made = cells.texts([None] * len(column))
        if len(made) != rows:
            raise ArgumentError(
                f"column {name!r:.80} has {counted(len(made), 'cell')}, others have {rows:,}", where=where
            )
        found[name] = made
        if said is not None:
            declared[name] = said
    return Table(found, rows, tuple(notes), declared, refused=refused)


def _names(given: Sequence[Any], notes: list[Note]) -> list[str]:
    """Names as text without outer blanks, blank ones and repeated ones as pandas would call them."""
    texts = list(map(as_name, given))
    blank = [i for i, text in enumerate(texts) if not text or given[i] is None]
    for i in blank:
        texts[i] = f"Unnamed: {i}"
    if blank:
        message = f"{counted(len(blank), 'column')} without a name, the first at place {blank[0] + 1}"
        notes.append(Note("blank names", message, {"places": blank[:50], "names": [texts[i] for i in blank[:50]]}))
    if len(set(texts)) == len(texts):
        return texts
    repeated: dict[str, list[str]] = {name: [] for name, count in Counter(texts).items() if count > 1}
    taken, seen = set(texts), Counter()
    for i, text in enumerate(texts):
        if seen[text]:
            number = seen[text]
            while f"{text}.{number}" in taken:
                number += 1
            texts[i] = f"{text}.{number}"
            taken.add(texts[i])
        seen[text] += 1
        if text in repeated:
            repeated[text].append(texts[i])
    shown = ", ".join(repr(name) for name in list(repeated)[:5])
    message = f"{counted(len(repeated), 'name')} of columns repeated: {shown}; those behind got a number"
    notes.append(Note("duplicate names", message, {"names": list(repeated), "columns": repeated}))
    return texts


def _at(where: str, path: str) -> str:
    """The argument and the path in it; a command calls the argument by its path."""
    return f"{where} {path!r}" if where not in ("", path) else repr(path)


def _file(path: Path, where: str, time: Time | None, memory: int | None) -> Table:
    where = _at(where, str(path))
    fits = _within(memory, where)
    try:
        with path.open("rb") as file:
            start = file.read(4)
            if start != b"PAR1":
                fits(os.fstat(file.fileno()).st_size)
            data = start + file.read()
    except FileNotFoundError:
        near = [found.name for found in path.parent.glob("*") if found.suffix == path.suffix][:3]
        hint = f"Beside it: {', '.join(near)}." if near else ""
        raise ArgumentError("there is no such file", where=where, hint=hint) from None
    except ArgumentError:  # there is no room for it
        raise
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise ArgumentError(f"it cannot be read: {said}", where=where) from None
    if data[:4] == b"PAR1":
        return _parquet(data, where)
    look = _watched(time, where)
    found = delimited.records(data, where=where, look=look, fits=fits)
    names, columns, tokens, declared = _names(found.names, found.notes), {}, {}, {}
    grouped, pointed = {}, False
    for place, name in enumerate(names):
        look()
        numbers = found.numbers(place)
        columns[name] = found.texts(place) if numbers is None else numbers.values
        if numbers is None:
            continue
        if numbers.tokens:
            tokens[name] = numbers.tokens
        texts = found.texts(place) if numbers.pointed and _has_thousandths(numbers.values) else None
        if texts is not None and numerals.grouped(texts.tolist()):
            grouped[name] = texts
        else:
            pointed |= numbers.pointed
        if not numbers.pointed and numbers.values.dtype.kind == "f":
            declared[name] = Declared(whole=True)
    # Points between thousands, unless other columns have points as decimal signs. Commas are such beside semicolons.
    if not pointed or any(note.data.get("delimiter") == ";" for note in found.notes):
        columns |= grouped
        tokens = {name: one for name, one in tokens.items() if name not in grouped}
    return Table(columns, found.rows, tuple(found.notes), declared, tokens=tokens, of_text=True)


def _has_thousandths(values: np.ndarray) -> bool:
    """Whether all numbers may be below a million and have had a point between thousands before they were read."""
    known = values[np.isfinite(values)]
    return len(known) > 0 and float(np.abs(known).max()) < 1000 and bool((known == np.round(known, 3)).all())


def _within(memory: int | None, where: str) -> Callable[[int], None]:
    """What raises where a text of so many bytes takes more memory to be read than there is."""
    there = free_memory() if memory is None else memory

    def fits(size: int) -> None:
        if there is not None and size * _TAKEN > there:
            raise ArgumentError(
                f"it has {in_bytes(size)} or more, and reading it takes about {in_bytes(size * _TAKEN)}", where=where,
                allowed=f"{in_bytes(there)} " + ("of free memory" if memory is None else f"by memory={bare(there)}"),
                hint="Take a part of its rows, or write it as Parquet, which is read in less.",
            )  # fmt: skip

    return fits


def _watched(time: Time | None, where: str) -> Callable[[], None]:
    """What raises once the time is up."""
    clock = SystemClock()

    def look() -> None:
        if time is not None and clock.monotonic() > time.until:
            raise ArgumentError(
                f"reading it takes longer than {time.seconds:.3g} s, which is the time for it", where=where,
                hint="Give more seconds=, write it as Parquet, which is read in less, or fit to a part of its rows.",
            )  # fmt: skip

    return look


def _parquet(data: bytes, where: str) -> Table:
    arrow = optional("pyarrow", extra="parquet", purpose="reading Parquet")
    parquet = optional("pyarrow.parquet", extra="parquet", purpose="reading Parquet")
    try:
        found = parquet.read_table(arrow.BufferReader(data))
    except (arrow.ArrowException, OSError, ValueError) as error:
        said = str(error).splitlines()[0][:200]
        raise ArgumentError(f"it is no Parquet file that can be read: {said}", where=where) from None
    return _narwhals(found, where)


def _pandas(source: Any, where: str) -> Table:
    if not hasattr(source, "columns"):
        hint = "Use series.to_dict() where it is one row, series.to_frame() where it is one column."
        raise ArgumentError("it is a Series", where=where, allowed=_ALLOWED, hint=hint)
    columns = [source.iloc[:, i] for i in range(source.shape[1])]
    notes: list[Note] = []
    if named := [as_name(name) for name in source.index.names if name is not None]:
        message = f"the index is no column and is left out: {', '.join(map(repr, named[:5]))}"
        notes.append(Note("index", message, {"names": named}))
    return assembled(list(source.columns), columns, len(source), where, notes)


def _narwhals(source: Any, where: str) -> Table:
    subject = "it" if where == "table" else "the table"
    refused = ArgumentError(f"{subject} is {kind_of(source)}", where=where, allowed=_ALLOWED)
    if hasattr(source, "tocsr"):
        filled = in_bytes(8 * math.prod(map(int, source.shape)))
        raise ArgumentError(
            f"it is {kind_of(source)}, which is sparse and would take {filled} if it were filled up",
            where=where,
            allowed=_ALLOWED,
            hint="Make fewer columns of it, as scikit-learn's TruncatedSVD does, or pass its toarray().",
        )
    if type(source).__module__.partition(".")[0] in ("builtins", "scipy"):
        raise refused
    narwhals = optional("narwhals", extra="tables", purpose=f"reading {kind_of(source)}")
    try:
        frame = narwhals.from_native(source)
        frame = frame.collect() if hasattr(frame, "collect") else frame
        names = list(frame.columns)
    except TypeError:
        raise refused from None
    except narwhals.exceptions.NarwhalsError as error:
        raise ArgumentError(str(error).splitlines()[0][:200], where=where) from None
    if hasattr(source, "column_names") and hasattr(source, "column"):  # pyarrow, whose names may repeat
        names = list(source.column_names)
    notes: list[Note] = []
    places = [i for i, name in enumerate(names) if not _INDEX.fullmatch(name)]
    if saved := [name for name in names if _INDEX.fullmatch(name)]:
        message = f"the index that pandas saved is left out, as it is where pandas reads it: {', '.join(saved[:5])}"
        notes.append(Note("index", message, {"names": saved}))
    return assembled([names[i] for i in places], [frame[:, i] for i in places], len(frame), where, notes)


def _mapping(source: Mapping[Any, Any], where: str) -> Table:
    if not source:
        raise ArgumentError("the dict is empty", where=where, allowed=_ALLOWED)
    single = [not isinstance(v, (list, tuple)) and np.ndim(v) == 0 for v in source.values()]
    if all(single):
        return assembled(list(source), [[value] for value in source.values()], 1, where, [])
    if any(single):
        name = next(name for name, one in zip(source, single) if one)
        raise ArgumentError(f"{name!r:.80} is one cell, others are columns", where=where, allowed=_ALLOWED)
    first = next(iter(source.values()))
    return assembled(list(source), list(source.values()), len(first), where, [])


def _rows(source: Sequence[Any], where: str) -> Table:
    if not source:
        raise ArgumentError("the list is empty", where=where, allowed=_ALLOWED)
    for i, row in enumerate(source):
        if not isinstance(row, Mapping):
            if i == 0 and not isinstance(row, str) and hasattr(row, "__len__"):
                return _array(_two_dimensional(source, where), where)
            raise ArgumentError(f"row {i} is {kind_of(row)}", where=where, allowed=_ALLOWED)
    names = list(dict.fromkeys(name for row in source for name in row))
    columns = [[row.get(name) for row in source] for name in names]
    return assembled(names, columns, len(source), where, [])


def _two_dimensional(source: Sequence[Any], where: str) -> np.ndarray:
    widths = {len(row) if hasattr(row, "__len__") and not isinstance(row, str) else -1 for row in source}
    if len(widths) > 1 or widths == {-1}:
        raise ArgumentError("its rows differ in length", where=where, allowed=_ALLOWED)
    made = np.empty((len(source), widths.pop()), dtype=object)
    for i, row in enumerate(source):
        made[i] = list(row)
    return made


def _array(source: np.ndarray, where: str) -> Table:
    if source.dtype.names:
        return assembled(source.dtype.names, [source[name] for name in source.dtype.names], len(source), where, [])
    if source.ndim != 2:
        raise ArgumentError(
            f"the array has the shape {source.shape}", where=where, allowed="(rows, columns)", hint="Reshape it."
        )
    return assembled(range(source.shape[1]), list(source.T), len(source), where, [])
