"""Positions of configurations in [0, 1], for charts and importance: the space's own scale where there is one.

A study without a declared space (or with one that cannot encode) is placed by the values that its trials used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from modelwright.core.history import Row
from modelwright.report.text import setting
from modelwright.report.view import StudyView, parameter_names


def is_number(value: Any) -> bool:
    """Whether ``value`` is a finite number, booleans not counted."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def spread_out(values: Sequence[float]) -> bool:
    """Whether positive numbers reach over so many powers of ten that they read better on a log scale.

    Evenly spread numbers do not, however close to zero the smallest lies.

    >>> spread_out([0.001, 0.01, 0.1, 1.0]), spread_out([0.001, 0.3, 0.6, 0.9])
    (True, False)
    """
    if len(values) < 2 or min(values) <= 0 or max(values) / 50 < min(values):
        return False
    return sorted(values)[(len(values) - 1) // 2] < max(values) / 4


def specification(view: StudyView, name: str) -> dict[str, Any]:
    """What the space says of a parameter (kind, low, high, sampling, values ...); empty when it says nothing."""
    for spec in getattr(view.space, "parameters", None) or ():
        if str(getattr(spec, "name", "")) == name:
            return plain_spec(spec)
    return {}


def plain_spec(spec: Any) -> dict[str, Any]:
    """A parameter as a plain dict: that of its domain, or its own attributes."""
    domain = getattr(spec, "domain", spec)
    made = getattr(domain, "spec", None)
    if callable(made):
        found = made()
        if isinstance(found, dict):
            return found
    names = ("kind", "low", "high", "step", "sampling", "values", "value", "default")
    return {name: getattr(domain, name) for name in names if hasattr(domain, name)}


def encode_rows(view: StudyView, rows: Sequence[Row]) -> tuple[list[str], np.ndarray]:
    """Names of parameters, and one line for each row with their positions in [0, 1]; NaN where inactive."""
    found = _by_space(view, rows)
    if found is not None:
        return found
    names = parameter_names(view)
    points = np.full((len(rows), len(names)), np.nan)
    for j, name in enumerate(names):
        points[:, j] = _by_values([row.config.get(name, _ABSENT) for row in rows])
    return names, points


_ABSENT = object()


def _by_space(view: StudyView, rows: Sequence[Row]) -> tuple[list[str], np.ndarray] | None:
    axes, encode = getattr(view.space, "axes", None), getattr(view.space, "encode", None)
    if not axes or encode is None:
        return None
    names = [str(axis.name) for axis in axes]
    try:
        points = np.array([encode(row.config) for row in rows], float).reshape(len(rows), -1)
    except Exception:  # a resumed study may hold configurations that its space of today does not know
        return None
    if points.shape[1] != len(names) or len(set(names)) < len(names) or set(parameter_names(view)) - set(names):
        return None
    return names, np.clip(points, 0.0, 1.0)


def _by_values(values: Sequence[Any]) -> np.ndarray:
    out = np.full(len(values), np.nan)
    present = [i for i, value in enumerate(values) if value is not _ABSENT]
    if present and all(is_number(values[i]) for i in present):
        numbers = [float(values[i]) for i in present]
        if spread_out(numbers):
            numbers = [math.log(v) for v in numbers]
        low, high = min(numbers), max(numbers)
        for i, number in zip(present, numbers):
            out[i] = (number - low) / (high - low) if high > low else 0.5
        return out
    levels = {label: k for k, label in enumerate(dict.fromkeys(setting(values[i], 200) for i in present))}
    for i in present:
        out[i] = (levels[setting(values[i], 200)] + 0.5) / len(levels)
    return out
