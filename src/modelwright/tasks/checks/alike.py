"""Alike: rows and columns that repeat others, told by their raw cells. Does not know whether that is a fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from modelwright.tasks.table import Table

_ODD = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
#: Share of different rows below which rows are alike because there is little to differ in.
NATURAL = 0.5
#: Rows for each value from which columns that only name their values differently are the same.
RENAMED = 10


def cell_keys(cells: np.ndarray) -> np.ndarray:
    """A uint64 for each cell, equal for equal cells; 0 and -0 are equal, and so are two missing cells.

    >>> keys = cell_keys(np.array(["a", None, "a"], dtype=object))
    >>> bool(keys[0] == keys[2]), bool(keys[0] == keys[1])
    (True, False)
    """
    if cells.dtype.kind == "O":
        return np.fromiter(map(hash, cells.tolist()), dtype=np.int64, count=len(cells)).view(np.uint64)
    if cells.dtype.kind == "f":
        canonical = np.where(np.isnan(cells), np.nan, cells.astype(np.float64) + 0.0)
        return canonical.view(np.uint64)
    if cells.dtype.kind == "M":
        return cells.astype("datetime64[us]").astype(np.int64).view(np.uint64)
    return cells.astype(np.int64).view(np.uint64)


def row_keys(columns: Mapping[str, np.ndarray], names: Sequence[str], rows: int) -> np.ndarray:
    """A uint64 for each row, equal for rows that are alike in the columns ``names``, and (but for one chance in
    billions) for those alone. Keys of other processes are others."""
    made = np.zeros(rows, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for name in names:
            made = (made ^ _mixed(cell_keys(columns[name]))) * _ODD
            made ^= made >> np.uint64(29)
    return made


def _mixed(keys: np.ndarray) -> np.ndarray:
    keys = (keys + _ODD) * _MIX
    keys ^= keys >> np.uint64(31)
    return keys


def numbered(keys: np.ndarray) -> np.ndarray:
    """Numbers from 0 in the order in which keys first occur, int64.

    >>> numbered(np.array([7, 3, 7, 5])).tolist()
    [0, 1, 0, 2]
    """
    _, first, place = np.unique(keys, return_index=True, return_inverse=True)
    order = np.empty(len(first), dtype=np.int64)
    order[np.argsort(first, kind="stable")] = np.arange(len(first))
    return order[place.ravel()]


def row_groups(table: Table, names: Sequence[str]) -> np.ndarray:
    """Rows that are alike share a number, so that validation can keep them on one side.

    Where fewer than half of the rows are different, as in a table of three yes-or-no columns, rows are alike by nature
    and the next one will be, too: then every row is a group of its own.

    Args:
        table: the rows.
        names: the columns that count: leave out ids and the target.

    Returns:
        int64 (rows,), numbered from 0 in the order of the rows.

    >>> table = Table({"a": np.array([1, 2, 1, 3]), "id": np.arange(4)}, 4)
    >>> row_groups(table, ["a"]).tolist()
    [0, 1, 0, 2]
    """
    if not names or not table.rows:
        return np.arange(table.rows)
    groups = numbered(row_keys(table.columns, names, table.rows))
    return groups if groups.max() + 1 >= NATURAL * table.rows else np.arange(table.rows)


def column_groups(columns: Mapping[str, np.ndarray]) -> list[list[str]]:
    """Columns that hold the same in every row; those of few values also under other names for the values.

    Args:
        columns: name -> cells: level codes, numbers or text.

    >>> column_groups({"a": np.array([1, 2, 1, 2] * 9), "b": np.array([5, 9, 5, 9] * 9), "c": np.arange(36)})
    [['a', 'b']]
    """
    found: dict[bytes, list[str]] = {}
    for name, cells in columns.items():
        keys = cell_keys(cells)
        numbers = numbered(keys)
        different = int(numbers.max(initial=0)) + 1
        if different > 1:
            few = different <= len(keys) // RENAMED
            found.setdefault(numbers.tobytes() if few else keys.tobytes(), []).append(name)
    return [names for names in found.values() if len(names) > 1]
