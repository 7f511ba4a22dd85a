"""Data as they were given: nested lists become arrays, and values that are not finite are said before training.

Does not know what the data are for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import counted, warn_caller

if TYPE_CHECKING:
    from modelwright.frontends.subject import Request

#: Values of one array that are looked at; what lies behind is not read from the disk for a warning.
_MOST = 1 << 28
_BLOCK = 1 << 22


# --- lists ----------------------------------------------------------------------------------------------


def with_arrays(request: Request, *, text: bool) -> Request:
    """``request`` with nested lists of numbers in its data as numpy arrays, made once.

    Args:
        text: whether lists of text and the like become arrays too; otherwise they stay what they are.

    Raises:
        ArgumentError: a list whose rows have different lengths.
    """
    names = ("x", "y", "sample_weight")
    given = list(request.data)
    while given and given[-1] is None:
        given.pop()
    data = tuple(_array(part, name, text) for part, name in zip(given, names)) + tuple(given[3:])
    options = dict(request.options)
    held = options.get("validation_data")
    if isinstance(held, (tuple, list)) and 2 <= len(held) <= 3 and not _is_nested(held):
        named = [f"validation_data's {name}" for name in names]
        options["validation_data"] = tuple(_array(part, name, text) for part, name in zip(held, named))
    if isinstance(options.get("sample_weight"), list):
        options["sample_weight"] = _array(options["sample_weight"], "sample_weight", text)
    return replace(request, data=data, options=options)


def _is_nested(pair: Any) -> bool:
    """Whether (x, y) is no pair but two rows of numbers."""
    return all(isinstance(part, (int, float)) for part in pair)


def _array(given: Any, name: str, text: bool) -> Any:
    if hasattr(given, "shape"):  # some sparse matrices are dicts too
        return given
    if isinstance(given, Mapping):
        return {key: _array(value, f"{name}[{key!r}]", text) for key, value in given.items()}
    first = given
    while isinstance(first, (list, tuple)) and len(first):
        first = first[0]
    scalar = isinstance(first, (bool, int, float, complex, np.generic)) or (text and isinstance(first, (str, bytes)))
    if not isinstance(given, (list, tuple)) or not scalar:
        return given
    try:
        made = np.asarray(given)
    except ValueError as error:
        raise ArgumentError(
            f"{name} is ragged: {_uneven(given) or error}",
            where="data",
            allowed="nested lists in which all rows have the same length, or an array",
            hint="Pad or cut the rows, for example with keras.utils.pad_sequences.",
        ) from None
    return made if text or made.dtype.kind in "biufc" else given


def _uneven(given: Any) -> str:
    """Which rows differ, in words; "" when it is deeper than the second level."""
    sizes = [len(row) if isinstance(row, (list, tuple, np.ndarray)) else -1 for row in given]
    other = next((i for i, size in enumerate(sizes) if size != sizes[0]), None)
    if other is None:
        return next((f"in row {i}, {said}" for i, row in enumerate(given) if (said := _uneven(row))), "")

    def row(i: int) -> str:
        return f"row {i} " + ("is a single value" if sizes[i] < 0 else f"has {counted(sizes[i], 'value')}")

    return f"{row(0)}, {row(other)}"


# --- values that are not finite -------------------------------------------------------------------------


def warn_not_finite(named: Mapping[str, Any], *, nan_allowed: tuple[str, ...] = ()) -> None:
    """Warn of NaN and infinite values in float arrays and pandas objects: in which, how many, where first.

    One pass over an array that has none; other kinds of data are passed over.

    Args:
        named: name -> array, or a list or dict of arrays.
        nan_allowed: names in which a NaN is as good as any value, since what is fitted takes it.

    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn_not_finite({"x": np.array([[1.0, 2.0], [np.nan, np.inf]])})
    >>> print(str(caught[0].message).split(":")[0])
    x holds 2 values that are not finite (1 NaN, 1 infinite), the first at row 1, column 0
    """
    said = []
    for name, given in named.items():
        found = [(label, *spoilt) for label, column in _columns(given, name) if (spoilt := _spoilt(column))]
        if name in nan_allowed:
            found = [item for item in found if item[2]]
        if found:
            said.append(_said(found))
    if said:
        warn_caller(
            f"{'; '.join(said)}: models trained on them usually end in NaN, or refuse them. Mend or drop such rows "
            "before the search, or have the model do so (an imputer, a masking layer)."
        )


def warn_negative(weight: Any) -> None:
    """Warn of negative weights of rows: how many, where first. Weights that are no plain array are passed over.

    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn_negative([1.0, -2.0, 0.5])
    >>> print(str(caught[0].message).split(":")[0])
    sample_weight holds 1 negative value, the first at row 1
    """
    if not isinstance(weight, (np.ndarray, list, tuple)) and not hasattr(weight, "to_numpy"):
        return
    array = np.asarray(weight)
    if array.ndim != 1 or array.dtype.kind not in "if":
        return
    rows = np.flatnonzero(array < 0)
    if len(rows):
        warn_caller(
            f"sample_weight holds {counted(len(rows), 'negative value')}, the first at row {rows[0]}: a model is "
            "driven away from such rows, and many estimators refuse them. Weights are meant to be 0 or more."
        )


def _columns(given: Any, name: str) -> Iterator[tuple[str, np.ndarray]]:
    """Float arrays in ``given``, each with its name."""
    if isinstance(given, np.ndarray):
        if given.dtype.kind == "f":
            yield name, given
    elif isinstance(given, Mapping) and not hasattr(given, "shape"):
        for key, value in given.items():
            yield from _columns(value, f"{name}[{key!r}]")
    elif isinstance(given, (list, tuple)) and any(isinstance(part, np.ndarray) for part in given):
        for i, part in enumerate(given):
            yield from _columns(part, f"{name}[{i}]")
    elif hasattr(given, "iloc"):
        yield from _pandas(given, name)


def _pandas(given: Any, name: str) -> Iterator[tuple[str, np.ndarray]]:
    several = given.items() if hasattr(given, "columns") else [("", given)]
    for key, column in several:
        if getattr(column.dtype, "kind", "") == "f":
            label = f"{name} (column {key!r})" if hasattr(given, "columns") else name
            # pandas' own nullable floats say NA where numpy's say NaN
            yield label, column.to_numpy(dtype="float64", na_value=np.nan)


def _spoilt(array: np.ndarray) -> tuple[int, int, tuple[int, ...]] | None:
    """(NaN, infinite, position of the first), or None when all values are finite."""
    flat = array.reshape(-1) if array.flags.c_contiguous else array.ravel() if array.size <= _MOST else array.flat
    if not isinstance(flat, np.ndarray):
        return None
    flat = flat[:_MOST]
    with np.errstate(all="ignore"):
        if np.isfinite(flat.sum(dtype=np.float64)):  # NaN and infinity survive addition
            return None
    nan = infinite = 0
    first = -1
    for start in range(0, flat.size, _BLOCK):
        block = flat[start : start + _BLOCK]
        odd = ~np.isfinite(block)
        if odd.any():
            first = start + int(odd.argmax()) if first < 0 else first
            missing = int(np.isnan(block).sum())
            nan, infinite = nan + missing, infinite + int(odd.sum()) - missing
    if first < 0:
        return None  # the sum was too large, the values were not
    return nan, infinite, tuple(int(i) for i in np.unravel_index(first, array.shape))


def _said(found: list[tuple[str, int, int, tuple[int, ...]]]) -> str:
    nan, infinite = sum(item[1] for item in found), sum(item[2] for item in found)
    kinds = [f"{nan:,} NaN"] * bool(nan) + [f"{infinite:,} infinite"] * bool(infinite)
    label, _, _, place = found[0]
    axes = ["row", "column", *["then"] * len(place)][: len(place)] if len(place) <= 2 else []
    where = ", ".join(f"{axis} {i}" for axis, i in zip(axes, place)) if axes else f"[{', '.join(map(str, place))}]"
    more = f", and in {counted(len(found) - 1, 'other column')}" if len(found) > 1 else ""
    many = f"{counted(nan + infinite, 'value')} that {'is' if nan + infinite == 1 else 'are'} not finite"
    return f"{label} holds {many} ({', '.join(kinds)}), the first at {where}{more}"
