"""Cells: a column of any library as an array of raw cells. Does not interpret text."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import counted
from modelwright.tasks.data.table import Declared, Note, is_missing
from modelwright.tasks.data.zones import is_aware

_PLAIN = {str, type(None)}
_SEVERAL = (tuple, list, dict, set, frozenset, np.ndarray)
_DURATIONS = Declared(unit="seconds")
_WHOLE = Declared(whole=True)
_ZONED = Declared(zoned=True)
_LARGEST = 2**63
_BITS = 4096  # longer ones Python does not print, and no float holds them


def raw(column: Any, name: str, where: str, notes: list[Note]) -> tuple[np.ndarray, Declared | None]:
    """The cells of a column, and what its source says it is.

    Raises:
        ArgumentError: the column has cells of a type that no table has, such as complex numbers.

    >>> raw([1, 2**64], "n", "table", [])[0]
    array(['1', '18446744073709551616'], dtype=object)
    """
    root = type(column).__module__.partition(".")[0]
    if root == "pandas":
        return _pandas(column, name, where, notes)
    if root == "narwhals":
        return _narwhals(column, name, where, notes)
    if hasattr(column, "to_pandas") or hasattr(column, "to_numpy"):
        column = column.to_numpy()
    if isinstance(column, (list, tuple)):
        return _listed(column, name, notes)
    return _array(np.asarray(column), name, where, notes)


def _array(array: np.ndarray, name: str, where: str, notes: list[Note]) -> tuple[np.ndarray, Declared | None]:
    if array.dtype.kind == "O" and array.ndim == 1 and not isinstance(array, np.ma.MaskedArray):
        return _listed(array.tolist(), name, notes)
    return _numpy(array, name, where, notes), _DURATIONS if array.dtype.kind == "m" else None


def _listed(cells: Any, name: str, notes: list[Note]) -> tuple[np.ndarray, Declared | None]:
    """Python's objects as raw cells, and what they were where they had to become text."""
    made = _objects(cells, name, notes)
    if made.dtype.kind == "f":
        first = next((cell for cell in cells if not _missing(cell)), None)
        if isinstance(first, (datetime.timedelta, np.timedelta64)):
            return made, _DURATIONS
        return made, _WHOLE if all(isinstance(cell, (int, np.integer)) or _missing(cell) for cell in cells) else None
    if made.dtype.kind == "M" and any(map(is_aware, cells)):
        return made, _ZONED
    if made.dtype.kind != "O" or set(map(type, cells)) <= _PLAIN:
        return made, None
    labels: dict[str, bool | int | float] = {}
    strange = ""
    for cell, text in zip(cells, made.tolist(), strict=True):
        if text is not None and not isinstance(cell, str):
            label = _label(cell)
            if label is not None:
                labels[text.strip()] = label
            elif isinstance(cell, _SEVERAL):
                strange = type(cell).__name__
    return made, Declared(labels=labels, strange=strange) if labels or strange else None


def _label(cell: Any) -> bool | int | float | None:
    """A cell that is a number or a boolean as Python has it; None for others."""
    if isinstance(cell, np.generic):
        cell = cell.item()
    return cell if type(cell) in (bool, int, float) else None


def _numpy(array: np.ndarray, name: str, where: str, notes: list[Note]) -> np.ndarray:
    if array.ndim != 1:
        raise ArgumentError(
            f"column {name!r:.80} has the shape {array.shape}", where=where, allowed="one cell for each row"
        )
    kind = array.dtype.kind
    if isinstance(array, np.ma.MaskedArray):
        return _objects([None if cell is np.ma.masked else cell for cell in array], name, notes)
    if kind == "b":
        return array.astype(bool)
    if kind in "iu":
        if kind == "u" and len(array) and array.max() >= _LARGEST:
            return _objects(array.tolist(), name, notes)
        return array.astype(np.int64)
    if kind == "f":
        return array.astype(np.float64)
    if kind == "M":
        return array.astype("datetime64[us]")
    if kind == "m":
        return _seconds(array)
    if kind in "OUST":
        return _objects(array.tolist(), name, notes)
    raise ArgumentError(
        f"column {name!r:.80} holds {array.dtype}", where=where, allowed="numbers, text, booleans and dates"
    )


def _seconds(array: np.ndarray) -> np.ndarray:
    made = array.astype("timedelta64[us]")
    return np.where(np.isnat(made), np.nan, made.astype(np.int64) / 1e6)


def _pandas(series: Any, name: str, where: str, notes: list[Note]) -> tuple[np.ndarray, Declared | None]:
    dtype = series.dtype
    label = str(dtype)
    if label == "category":
        levels = [_named(level) for level in series.cat.categories]
        choices = np.array([*levels, None], dtype=object)
        made = {text: _label(level) for text, level in zip(levels, series.cat.categories, strict=True)}
        labels = {text: label for text, label in made.items() if label is not None}
        ordered = bool(series.cat.ordered)
        declared = Declared("ordinal" if ordered else "category", tuple(levels), labels, ordered=ordered)
        return choices[series.cat.codes.to_numpy()], declared
    if isinstance(dtype, np.dtype):
        return _array(series.to_numpy(), name, where, notes)
    if label.startswith("Sparse"):
        return _pandas(series.sparse.to_dense(), name, where, notes)
    kind = getattr(dtype, "kind", "O")
    if kind == "M" and not label.startswith("date"):  # Arrow's days are made Python's
        zoned = getattr(series.dt, "tz", None) is not None
        naive = series.dt.tz_convert("UTC").dt.tz_localize(None) if zoned else series
        return naive.to_numpy(dtype="datetime64[us]"), _ZONED if zoned else None
    gaps = bool(series.isna().any())
    if kind in "iuf" and (not gaps or kind == "f"):
        return _numpy(
            series.to_numpy(dtype="float64" if kind == "f" else None, **_filled(gaps)), name, where, notes
        ), None
    if kind == "b" and not gaps:
        return series.to_numpy(dtype=bool), None
    if label.startswith(("period", "interval")):
        series = series.astype(str).where(series.notna(), None)
    return _listed(series.to_numpy(dtype=object, na_value=None).tolist(), name, notes)


def _named(level: Any) -> str:
    """A level as text: moments and durations as a cell by itself has them, so that one row is like many."""
    return str(cell(level) if isinstance(level, (datetime.date, datetime.timedelta)) else level)


def _filled(gaps: bool) -> dict[str, Any]:
    return {"na_value": np.nan} if gaps else {}


def _narwhals(series: Any, name: str, where: str, notes: list[Note]) -> tuple[np.ndarray, Declared | None]:
    label = str(series.dtype)
    plain = label.startswith(("Int", "UInt", "Float", "Boolean")) and not label.endswith("128")  # numpy has none such
    if plain and not series.null_count():
        return _numpy(series.to_numpy(), name, where, notes), None
    if label.startswith("Float"):
        return series.to_numpy().astype(np.float64), None
    if label.startswith(("Categorical", "Enum")):
        cells, levels = _objects(series.to_list(), name, notes), _of_dictionary(series.to_native())
        if levels:
            return cells, Declared("ordinal", levels, ordered=True)
        levels = tuple(map(str, series.dtype.categories)) if label.startswith("Enum") else ()
        return cells, Declared("category", levels, ordered=bool(levels))
    return _listed(series.to_list(), name, notes)


def _of_dictionary(column: Any) -> tuple[str, ...]:
    """The levels of a dictionary of Arrow that is in order, as pandas writes ordered categoricals; () for others."""
    if not getattr(getattr(column, "type", None), "ordered", False):
        return ()
    found = {tuple(chunk.dictionary.to_pylist()) for chunk in column.chunks}
    # Dictionaries that differ from part to part are in the order in which the parts were met.
    return tuple(map(str, found.pop())) if len(found) == 1 else ()


def _missing(cell: Any) -> bool:
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(cell, (float, np.floating)):
        return bool(cell != cell)
    if isinstance(cell, decimal.Decimal):
        return cell.is_nan()
    return isinstance(cell, (np.datetime64, np.timedelta64)) and bool(np.isnat(cell))


def _objects(cells: Any, name: str, notes: list[Note]) -> np.ndarray:
    """Python's objects as the narrowest raw cells that hold them all."""
    types = set(map(type, cells))
    if types <= _PLAIN:
        return texts(cells)
    cells = [None if _missing(cell) else cell for cell in cells]
    present = {type(cell) for cell in cells} - {type(None)}
    gaps = any(cell is None for cell in cells)
    if present and all(issubclass(t, (bool, np.bool_)) for t in present):
        return texts([_text(cell) for cell in cells]) if gaps else np.array(cells, dtype=bool)
    if present and all(_is_whole(t) or issubclass(t, np.bool_) for t in present):
        largest = max((abs(int(cell)) for cell in cells if cell is not None), default=0)
        if not gaps and largest < _LARGEST:
            return np.array(cells, dtype=np.int64)
        if gaps and largest <= 2**53:
            return np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64)
    elif (present and all(_is_number(t) for t in present)) or not present:
        return np.array([np.nan if cell is None else _float(cell) for cell in cells], dtype=np.float64)
    elif all(issubclass(t, (datetime.date, np.datetime64)) for t in present):
        if _in_part_aware(cells):
            return _texts(cells, name, notes)  # which keep what zone each of them has
        try:
            return np.array([_moment(cell) for cell in cells], dtype="datetime64[us]")
        except (ValueError, OverflowError):
            pass  # a year that no datetime64 has: it stays text
    elif all(issubclass(t, (datetime.timedelta, np.timedelta64)) for t in present):
        return _seconds(np.array([np.timedelta64("NaT") if c is None else c for c in cells], dtype="timedelta64[us]"))
    return _texts(cells, name, notes)


def cell(value: Any) -> Any:
    """One cell as ``raw`` has it: a str, int, float, bool, datetime64 in microseconds, or None.

    >>> cell(np.float32(0.5)), cell(float("nan")), cell(datetime.date(1970, 1, 2))
    (0.5, None, np.datetime64('1970-01-02T00:00:00.000000'))
    """
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is int:
        return value if value.bit_length() <= _BITS else _float(value)
    if kind is float:
        return value if value == value else None
    if isinstance(value, (np.floating, np.complexfloating)):  # item() of a long double is no number of Python
        return cell(float(value) if isinstance(value, np.floating) else complex(value))
    if isinstance(value, np.generic) and not isinstance(value, (np.datetime64, np.timedelta64)):
        return cell(value.item())
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return cell(value.item())
    made = _objects([value], "", [])
    return None if is_missing(made)[0] else made[0] if made.dtype.kind == "M" else made.tolist()[0]


def _is_number(kind: type) -> bool:
    return _is_whole(kind) or issubclass(kind, (float, np.floating, np.bool_, decimal.Decimal))


def _is_whole(kind: type) -> bool:
    """Whether cells are whole numbers; NumPy's durations are among its integers."""
    return issubclass(kind, (int, np.integer)) and not issubclass(kind, np.timedelta64)


def _float(cell: Any) -> float:
    try:
        return float(cell)
    except OverflowError:  # an int that no float holds
        return float("inf") if cell > 0 else float("-inf")


def _in_part_aware(cells: list[Any]) -> bool:
    """Whether some of several moments have a time zone and others none; days have no need of one."""
    known = [is_aware(cell) for cell in cells if isinstance(cell, (datetime.datetime, np.datetime64))]
    return any(known) and not all(known)


def _moment(cell: Any) -> np.datetime64:
    if cell is None:
        return np.datetime64("NaT")
    if getattr(cell, "tzinfo", None) is not None:
        cell = cell.astimezone(datetime.UTC).replace(tzinfo=None)
    if type(cell).__module__.startswith("pandas"):
        return np.datetime64(cell.to_datetime64(), "us")
    return np.datetime64(cell, "us")


def _texts(cells: list[Any], name: str, notes: list[Note]) -> np.ndarray:
    counts: dict[str, int] = {}
    for cell in cells:
        if cell is not None:
            counts[type(cell).__name__] = counts.get(type(cell).__name__, 0) + 1
    if len(counts) > 1:
        said = ", ".join(f"{counted(count, 'cell')} of {kind}" for kind, count in sorted(counts.items()))
        notes.append(Note("mixed types", f"column {name!r:.80} mixes {said}", {"column": name, "types": counts}))
    return texts([_text(cell) for cell in cells])


def _text(cell: Any) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, int) and cell.bit_length() > _BITS:
        return "inf" if cell > 0 else "-inf"
    if isinstance(cell, bytes):
        return cell.decode("utf-8", errors="replace")
    if isinstance(cell, np.datetime64):
        return str(cell)
    if isinstance(cell, (np.generic, np.ndarray)):
        return str(cell.tolist())
    if isinstance(cell, (datetime.datetime, datetime.date)):
        return cell.isoformat()
    return str(cell)


def texts(cells: Any) -> np.ndarray:
    """An array of objects, which numpy does not look into."""
    made = np.empty(len(cells), dtype=object)
    made[:] = cells
    return made
