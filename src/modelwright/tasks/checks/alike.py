"""Alike: rows and columns that repeat others, as models see them. Does not know whether that is a fault."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

import numpy as np

from modelwright.tasks.data.frame import Frame

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


def row_keys(columns: Iterable[np.ndarray], rows: int) -> np.ndarray:
    """A uint64 for each row, equal for rows that are alike in these columns, and (but for one chance in billions) for
    those alone. Keys of other processes are others."""
    made = np.zeros(rows, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for cells in columns:
            made = (made ^ _mixed(cell_keys(cells))) * _ODD
            made ^= made >> np.uint64(29)
    return made


def frame_keys(frame: Frame) -> np.ndarray:
    """Keys of rows by their typed cells: "1,000.0" is 1000, "?" is missing, and blanks and capitals of texts are of no
    account. See ``row_keys``; those of frames of one schema can be compared."""
    columns = itertools.chain(frame.numbers.values(), frame.codes.values(), map(_words, frame.texts.values()))
    return row_keys(columns, frame.rows)


def _words(texts: np.ndarray) -> np.ndarray:
    """An int64 for each text, equal for those of the same words in the same order."""
    found = (hash(" ".join(text.lower().split())) for text in texts.tolist())
    return np.fromiter(found, dtype=np.int64, count=len(texts))


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


def row_groups(frame: Frame) -> np.ndarray:
    """Rows that are alike to models share a number, so that validation can keep them on one side.

    Where fewer than half of the rows are different, as in a table of three yes-or-no columns, rows are alike by nature
    and the next one will be, too: then every row is a group of its own.

    Args:
        frame: the rows, by the columns that models see.

    Returns:
        int64 (rows,), numbered from 0 in the order of the rows.

    >>> row_groups(Frame(4, numbers={"a": np.array([1.0, 2.0, 1.0, 3.0])})).tolist()
    [0, 1, 0, 2]
    """
    if not (frame.numbers or frame.codes or frame.texts) or not frame.rows:
        return np.arange(frame.rows)
    groups = numbered(frame_keys(frame))
    return groups if groups.max() + 1 >= NATURAL * frame.rows else np.arange(frame.rows)


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
