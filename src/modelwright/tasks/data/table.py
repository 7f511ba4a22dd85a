"""Tables: named columns of raw cells, and notes of what was found in them. Does not know what the columns mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import did_you_mean, listed

#: What is said of a column that is not there because it is the index of pandas.
IN_INDEX = "It is in the index: reset_index() makes it a column."


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was found in a table, and what was made of it.

    Args:
        kind: a short name such as ``"encoding"`` or ``"duplicate names"``.
        message: a sentence for people.
        data: the same for programs: counts, rows, names.

    >>> Note("encoding", "the file is in cp1252", {"encoding": "cp1252"}).data["encoding"]
    'cp1252'
    """

    kind: str
    message: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Declared:
    """What the source itself says of a column: a categorical of pandas, an enumeration of Polars or Arrow; and what was
    made text only because the column mixes types or has gaps.

    Args:
        kind: ``"category"``, or ``"ordinal"`` where the source orders the levels; "" where it says nothing.
        levels: the levels as text, in the order of the source.
        ordered: whether that order means something, so that it is from low to high if the column is said to be ordinal.
        labels: text -> the number or boolean that the source has there.
        strange: the type of cells that hold several things, such as tuple; "" where there are none.
        unit: what the numbers are counted in that the cells became, of durations; "" of others.
        whole: whether the cells are whole numbers that became floats only because the column has gaps.
        zoned: whether the cells are moments that had a time zone; they came as those of UTC.
    """

    kind: str = ""
    levels: tuple[str, ...] = ()
    labels: Mapping[str, bool | int | float] = field(default_factory=dict)
    strange: str = ""
    ordered: bool = False
    unit: str = ""
    whole: bool = False
    zoned: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Raw columns of equal length.

    Args:
        columns: name -> cells, in the order of the source: arrays of float64, int64, bool or datetime64[us] where the
            source had such types, else objects, each a ``str`` or None.
        rows: how many cells each column has.
        notes: what was found and repaired when it was read.
        declared: name -> what the source said about a column, where it said anything.
        tokens: name -> text that stood for nothing ("?", "NA") with how often it occurred, in columns of files of text
            whose other cells are all plain numbers: they come as float64 or int64, like those without such text.
        refused: name -> what is wrong with a column that holds no cells as tables have them: its cells are missing.
        of_text: whether it comes from a file of text, in which nothing says that "10" is no number.
        typed: what a schema that was made of the table has read already; nobody else's business.

    >>> table = Table({"age": np.array([31, 46, 25]), "job": np.array(["cook", None, "nurse"], dtype=object)}, 3)
    >>> table.names, table.take([2, 0]).columns["age"].tolist(), table.without("age").names
    (('age', 'job'), [25, 31], ('job',))
    """

    columns: Mapping[str, np.ndarray]
    rows: int
    notes: tuple[Note, ...] = ()
    declared: Mapping[str, Declared] = field(default_factory=dict)
    tokens: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    refused: Mapping[str, ArgumentError] = field(default_factory=dict, compare=False, repr=False)
    of_text: bool = False
    typed: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(self.columns)

    @property
    def repeated(self) -> dict[str, list[str]]:
        """Name -> the columns here that had it in the source, where several did: the first still has it."""
        found = (note.data["columns"] for note in self.notes if note.kind == "duplicate names")
        return {name: columns for one in found for name, columns in one.items()}

    def take(self, rows: Any) -> Table:
        """The rows at these places, or where a mask is true."""
        chosen = np.asarray(rows)
        if chosen.dtype != bool:
            chosen = chosen.astype(np.intp)
        count = int(chosen.sum()) if chosen.dtype == bool else len(chosen)
        columns = {name: cells[chosen] for name, cells in self.columns.items()}
        return replace(self, columns=columns, rows=count, typed={})

    def without(self, *names: str) -> Table:
        """The table less some of its columns."""
        for name in names:
            self.place(name)
        gone = {self.called(name) for name in names}
        return replace(self, columns={name: cells for name, cells in self.columns.items() if name not in gone})

    def called(self, name: Any) -> str:
        """The name that a column has here, for one that the source may have as a number or with blanks around it."""
        if isinstance(name, str) and name in self.columns:
            return name
        return ".".join(map(str, name)).strip() if isinstance(name, tuple) else str(name).strip()

    def zoned(self, name: str) -> bool:
        """Whether a column has moments that had a time zone in the source."""
        return name in self.declared and self.declared[name].zoned

    def unit(self, name: str) -> str:
        """What the numbers of a column are counted in that were durations in the source; "" of others."""
        return self.declared[name].unit if name in self.declared else ""

    def column(self, name: str, *, where: str = "table") -> np.ndarray:
        """The cells of one column.

        Raises:
            ArgumentError: there is no such column; the message names those that are near. Or it cannot be read.
        """
        found = self.place(name, where=where)
        self.check([found])
        return self.columns[found]

    def place(self, name: Any, *, where: str = "table") -> str:
        """The name that a column has here.

        Raises:
            ArgumentError: there is no such column; the message names those that are near.
        """
        found = self.called(name)
        if found not in self.columns:
            raise self.lacks(name, where=where)
        return found

    def lacks(self, name: Any, *, where: str) -> ArgumentError:
        """What is said where there is no such column."""
        near = IN_INDEX if self.is_index(name) else did_you_mean(str(name), self.columns)
        return ArgumentError(f"there is no column {name!r:.80}", where=where, allowed=listed(self.columns), hint=near)

    def is_index(self, name: Any) -> bool:
        """Whether the index of the source has such a name, which is left out."""
        return any(note.kind == "index" and self.called(name) in note.data["names"] for note in self.notes)

    def check(self, names: Iterable[str], *, hint: str = "") -> None:
        """Refuse columns that cannot be read.

        Args:
            hint: what to do about it, with ``{}`` for the name.

        Raises:
            ArgumentError: what is wrong with the first of them.
        """
        for name in names:
            if (error := self.refused.get(name)) is not None:
                raise ArgumentError(
                    error.what, where=error.where, allowed=error.allowed, hint=hint.format(repr(name)) or error.hint
                )


def as_name(given: Any) -> str:
    """The name of a column, as a source has it, as text without outer blanks.

    >>> as_name(" age "), as_name(3), as_name(("size", "max"))
    ('age', '3', 'size.max')
    """
    if isinstance(given, tuple):
        return ".".join(map(str, given)).strip()
    return str(given).strip(" \t\r\n\ufeff\xa0")


def is_missing(cells: np.ndarray) -> np.ndarray:
    """Which cells the source had as missing: None, NaN or NaT. Tokens such as "?" are not looked for.

    >>> is_missing(np.array(["a", None], dtype=object)).tolist(), is_missing(np.array([1.5, np.nan])).tolist()
    ([False, True], [False, True])
    """
    if cells.dtype.kind == "f":
        return np.isnan(cells)
    if cells.dtype.kind == "M":
        return np.isnat(cells)
    if cells.dtype.kind == "O":
        return np.equal(cells, np.array(None, dtype=object)).astype(bool)
    return np.zeros(len(cells), dtype=bool)
