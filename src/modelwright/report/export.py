"""Trials as data for other programs: records, a pandas frame, CSV, JSON and Parquet.

Owns the columns and what is safe in a spreadsheet. Does not write files.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from modelwright.core.codec import to_plain
from modelwright.core.errors import MissingPackageError
from modelwright.core.history import Row
from modelwright.core.optional import optional
from modelwright.report.text import clean
from modelwright.report.view import StudyView, metric_names, parameter_names, reason

if TYPE_CHECKING:
    import pandas

#: Version of the JSON that ``to_json`` writes.
SCHEMA_VERSION = 1


def records(view: StudyView) -> list[dict[str, Any]]:
    """One plain nested dict for each trial, in order of number.

    Keys: number, state, value (or values, a list, with several objectives), config, metrics, facts, fidelity,
    best_step, steps, duration (seconds), parent, error (None, or kind, type, message, where, traceback).
    A parameter that was inactive is absent from ``config``.
    """
    return [_record(row, view) for row in view.history.rows]


def _record(row: Row, view: StudyView) -> dict[str, Any]:
    values = None if row.values is None else [float(v) for v in row.values]
    several = len(view.objectives) > 1
    error = row.error
    return {
        "number": row.number,
        "state": row.state,
        ("values" if several else "value"): values if several or values is None else values[0],
        "config": dict(row.config),
        "metrics": dict(row.metrics),
        "facts": dict(row.facts),
        "fidelity": row.fidelity,
        "best_step": row.step,
        "steps": row.steps,
        "duration": row.duration,
        "parent": row.parent,
        "error": error and {name: getattr(error, name) for name in ("kind", "type", "message", "where", "traceback")},
    }


def columns(view: StudyView) -> list[str]:
    """Names of the columns of ``flat``, in order."""
    values = ["value"] if len(view.objectives) == 1 else [f"value.{o.name}" for o in view.objectives]
    return [
        "number",
        "state",
        *values,
        *(f"config.{name}" for name in parameter_names(view)),
        *(f"metrics.{name}" for name in metric_names(view)),
        *("fidelity", "best_step", "steps", "duration", "parent", "error"),
        *(["priced"] if _any_priced(view) else []),
    ]


def _any_priced(view: StudyView) -> bool:
    return any(row.priced for row in view.history.rows)


def flat(view: StudyView) -> list[dict[str, Any]]:
    """One flat dict for each trial with exactly the keys of ``columns``; None where there is nothing."""
    params, metrics, prices = parameter_names(view), metric_names(view), _any_priced(view)
    out = []
    for row in view.history.rows:
        values = row.values or (None,) * len(view.objectives)
        names = ["value"] if len(values) == 1 else [f"value.{o.name}" for o in view.objectives]
        line: dict[str, Any] = {"number": row.number, "state": row.state, **dict(zip(names, values))}
        line.update({f"config.{name}": row.config.get(name) for name in params})
        line.update({f"metrics.{name}": row.metrics.get(name) for name in metrics})
        line.update(fidelity=row.fidelity, best_step=row.step, steps=row.steps, duration=row.duration)
        line.update(parent=row.parent, error=reason(row) or None)
        line.update({"priced": " ".join(row.priced)} if prices else {})
        out.append(line)
    return out


def frame(view: StudyView) -> pandas.DataFrame:
    """The trials as a pandas frame, one row each.

    Columns: number, state, value (``value.<objective>`` each, with several), ``config.<parameter>``,
    ``metrics.<metric>``, fidelity, best_step, steps, duration (seconds), parent, error. Where latencies were told by a
    table, ``priced`` names those of a trial that nobody measured.

    The type of a column does not depend on how the trials ended: values and metrics are float64 with NaN where there
    is none, number and steps int64, best_step and parent ``Int64`` with ``<NA>``. A parameter's column has the type
    of its values: whole numbers and booleans with gaps (inactive in some trials) are pandas' ``Int64`` and
    ``boolean``, text is text, tuples stay tuples.

    Raises:
        MissingPackageError: pandas is not installed.
    """
    pd = optional("pandas", extra="frame", purpose="study.frame()")
    lines, names = flat(view), columns(view)
    data = {name: _column(name, [line[name] for line in lines], pd) for name in names}
    return pd.DataFrame(data, columns=names)


def _column(name: str, values: list[Any], pd: Any) -> Any:
    if name in ("number", "steps"):
        return pd.array(values, dtype="int64")
    if name in ("best_step", "parent"):
        return pd.array(values, dtype="Int64")
    if name in ("value", "fidelity", "duration") or name.startswith(("value.", "metrics.")):
        return pd.array([math.nan if value is None else float(value) for value in values], dtype="float64")
    present = [value for value in values if value is not None]
    whole = bool(present) and all(type(value) is int and abs(value) < 2**63 for value in present)
    if whole and len(present) < len(values):
        return pd.array(values, dtype="Int64")
    if present and len(present) < len(values) and all(type(value) is bool for value in present):
        return pd.array(values, dtype="boolean")
    if any(isinstance(value, (tuple, list)) for value in present):
        column = pd.Series([None] * len(values), dtype=object)
        for i, value in enumerate(values):
            column.iat[i] = value
        return column
    return values


def to_csv(view: StudyView) -> str:
    """The trials as CSV, safe to open in a spreadsheet.

    Text that a spreadsheet would take for a formula (it begins with ``= + - @``, a tab or a carriage return) gets
    an apostrophe in front; numbers are written in full and stay as they are. Missing values are empty.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = columns(view)
    writer.writerow([_cell(name) for name in names])
    for line in flat(view):
        writer.writerow([_cell(line[name]) for name in names])
    return out.getvalue()


def _cell(value: Any) -> str:
    """One cell: numbers as they are, text that cannot be a formula.

    >>> _cell(-0.5), _cell("-0.5"), _cell("=1+1"), _cell(None), _cell("relu")
    ('-0.5', "'-0.5", "'=1+1", '', 'relu')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, (int, float)):
        return repr(value)
    text = json.dumps(finite(value), ensure_ascii=False) if isinstance(value, (tuple, list)) else str(value)
    text = text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    guard = "'" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else ""
    return guard + text.replace("\r\n", "\n").replace("\r", "\n")  # csv leaves a lone carriage return unquoted


def to_parquet(view: StudyView) -> bytes:
    """The trials as a Parquet file, with the columns and types of ``frame``.

    A column whose values are neither numbers nor text alone (tuples, a mixture) holds JSON text.

    Raises:
        MissingPackageError: pandas or pyarrow is not installed.
    """
    table = frame(view)
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise MissingPackageError(
            "a Parquet file needs the package 'pyarrow', which is not installed",
            hint="Run: pip install pyarrow. Without it: CSV or JSON.",
        ) from None
    for name in table.columns:
        if table[name].dtype.kind == "O" and not hasattr(table[name].dtype, "storage"):
            table[name] = _texts(table[name].tolist())
    table.columns = [_utf8(name) for name in table.columns]
    return table.to_parquet(None, engine="pyarrow", index=False)


def _texts(values: list[Any]) -> list[str | None]:
    plain = all(value is None or isinstance(value, str) for value in values)
    made = [v if plain or v is None else json.dumps(finite(v), ensure_ascii=False) for v in values]
    return [None if value is None else _utf8(value) for value in made]


def _utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def to_json(view: StudyView, indent: int | None = 2) -> str:
    """The study as JSON: ``schema_version``, ``study`` and ``trials`` (see ``records``).

    NaN and infinities, which JSON has no numbers for, become the strings "nan", "inf" and "-inf".
    """
    return json.dumps(document(view), indent=indent, ensure_ascii=True, allow_nan=False)


def document(view: StudyView, rows: Sequence[Row] | None = None) -> dict[str, Any]:
    """What ``to_json`` writes, as plain values; of all trials, or of those in ``rows``."""
    body = {
        "schema_version": SCHEMA_VERSION,
        "study": {
            "name": view.name,
            "objectives": [{"name": o.name, "direction": o.direction} for o in view.objectives],
            "strategy": view.strategy,
            "seed": view.seed,
            "budget": {"trials": view.trials, "seconds": view.seconds},
            "elapsed": view.time,
        },
        "trials": records(view) if rows is None else [_record(row, view) for row in rows],
    }
    return finite(body)


def finite(value: Any) -> Any:
    """``value`` as JSON can say it: numbers that are not finite become strings, tuples lists, oddities text."""
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    try:
        return finite(_untagged(to_plain(value)))
    except Exception:  # a fact that nobody can store is still worth a word
        return clean(value, 200)


def _untagged(plain: Any) -> Any:
    if isinstance(plain, dict) and "$float" in plain:
        return str(plain["$float"])
    return plain
