"""Units: percent signs where the numbers of the fit had none, or the reverse, and durations likewise."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import numpy as np

from modelwright.tasks.data.table import Declared

#: A share of the whole is no greater; a percentage without its sign mostly is.
_WHOLE = 1.0


def remembered(cells: np.ndarray, declared: Declared | None) -> dict[str, bool]:
    """What a schema remembers of a column of numbers: whether cells are durations, and whether any has a percent sign.

    >>> remembered(np.array(["12 %", None], dtype=object), None)
    {'durations': False, 'percent': True}
    """
    return {"durations": declared is not None and bool(declared.unit), "percent": _has_sign(cells)}


def strange(details: Mapping[str, Any], cells: np.ndarray, values: np.ndarray, *, durations: bool) -> str:
    """What is said of numbers that are written otherwise than those of the fit, so that they may not mean the same.

    Nothing, "", of details that do not remember: those of earlier versions.

    Args:
        details: those of a column of numbers.
        cells: raw ones that are read now.
        values: what they were read as.
        durations: whether they were durations.

    >>> strange({"percent": False}, np.array(["12%"], dtype=object), np.array([0.12]), durations=False)
    'its cells have percent signs, and those of the fit had none, so that 12% is read as 0.12'
    >>> strange({"percent": True}, np.array([0.5, 12.0]), np.array([0.5, 12.0]), durations=False)
    'its cells have no percent sign and are above 1, and those of the fit had one, so that 12 is read as 1200%'
    """
    if durations and details.get("durations") is False:
        return "its cells are durations, and those of the fit were none: they are read as seconds"
    if details.get("percent") is False and _has_sign(cells):
        return "its cells have percent signs, and those of the fit had none, so that 12% is read as 0.12"
    if details.get("percent") and details.get("unit") != "%" and _is_large(cells, values):
        return (
            "its cells have no percent sign and are above 1, and those of the fit had one, so that 12 is read as 1200%"
        )
    return ""


def is_duration(cell: Any) -> bool:
    """Whether a cell, as its source has it, is a duration."""
    return isinstance(cell, datetime.timedelta | np.timedelta64)


def _has_sign(cells: np.ndarray) -> bool:
    return cells.dtype.kind == "O" and any(cell is not None and "%" in cell for cell in cells.tolist())


def _is_large(cells: np.ndarray, values: np.ndarray) -> bool:
    """Whether numbers without a sign are greater than shares are."""
    large = np.isfinite(values) & (np.abs(values) > _WHOLE)
    if cells.dtype.kind != "O":
        return cells.dtype.kind in "if" and bool(large.any())
    return any(cell is not None and "%" not in cell for cell in cells[large].tolist())
