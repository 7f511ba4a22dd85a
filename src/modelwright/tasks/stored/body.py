"""Whether what a file says of a predictor fits together: its columns, its target, its members."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from modelwright.tasks.data import kinds
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.data.readers import CODES, NUMBERS
from modelwright.tasks.data.schema import UNUSED, Schema
from modelwright.tasks.scoring.target import TASKS
from modelwright.tasks.stored.held import items, mapping, need, real, text, whole
from modelwright.tasks.stored.told import check_told

_MOST_CLASSES, _MOST_MEMBERS = 2000, 10_000
#: Of a whole number that is a class.
_BITS = 4096


def check_predictor(said: Any) -> int:
    """Refuse what no predictor can be made of.

    Returns:
        How many classes there are; 0 in regression.
    """
    body = mapping(said, "predictor")
    _check_columns(body["schema"])
    task = _check_target(body["target"])
    classes = len(body["target"]["classes"])
    text(body["metric"], "metric")
    need(isinstance(body["higher"], bool), "higher")
    text(body["link"], "link", ("identity", "log1p") if task == "regression" else ("identity",))
    low, high = items(body["range"], "range", object, 2)
    real(high, "range", real(low, "range"))
    real(body["temperature"], "temperature", 0.01, 100)
    real(body["threshold"], "threshold", 0, 1)
    factors = items(body.get("factors", []), "factors", object)
    need(len(factors) in (0, classes), "factors of other classes")
    for factor in factors:
        real(factor, "a factor", 0, 1)
    check_told(body, classes)
    for column in body["plan"].get("columns") or ():
        _check_column(column)
    return classes


def _check_columns(said: Any) -> None:
    columns = items(mapping(said, "schema")["columns"], "columns", Mapping)
    text(said["target"], "the target's name")
    names = [text(column["name"], "a column's name") for column in columns]
    need(len(set(names)) == len(names), "two columns have the same name")
    for column in columns:
        _check_column(column)


def _check_column(column: Mapping[str, Any]) -> None:
    text(column["kind"], "a column's kind", kinds.KINDS)
    details = mapping(column["details"], "details of a column")
    seen = mapping(details.get("seen", {}), "what was seen of a column")
    for key in ("rows", "missing", "unreadable"):
        whole(seen.get(key, 0), f"how many cells of a column are {key}", 0, 2**62)
    items(seen.get("examples", ()), "examples of a column", str)
    items(details.get("levels", ()), "levels", str)
    items(details.get("unsaid", ()), "unsaid", str)
    items(details.get("alike", ()), "columns of one name", str)
    text(details.get("decimal", "."), "the decimal sign", (".", ","))
    text(details.get("unit", ""), "a unit")
    need(details.get("zoned") in (None, True, False), "whether dates have a time zone")
    for key in ("durations", "percent"):
        need(details.get(key) in (None, True, False), f"whether numbers are {key}")
    if "zones" in details:
        items(details["zones"], "how many dates have a time zone", int, 2)


def _check_target(said: Any) -> str:
    target = mapping(said, "target")
    for key in ("name", "why", "metric"):
        text(target[key], f"the target's {key}")
    task = text(target["task"], "task", TASKS)
    classes = items(target["classes"], "classes", bool | int | float | str)
    most = {"binary": (2, 2), "multiclass": (2, _MOST_CLASSES), "regression": (0, 0)}[task]
    whole(len(classes), f"the number of classes where the task is {task}", *most)
    need(len(set(classes)) == len(classes), "a class is there twice")
    need(all(_is_size(one) for one in classes if not isinstance(one, str)), "classes")
    items(target["counts"], "counts", int, len(classes))
    for key in ("positive", "looked_for"):
        if target.get(key) is not None:
            whole(target[key], "the positive class", 0, len(classes) - 1)
    details = mapping(target["details"], "details of the target")
    text(details.get("decimal", "."), "the decimal sign", (".", ","))
    text(details.get("unit", ""), "a unit")
    return task


def _is_size(number: float) -> bool:
    """Whether it is a number that can be a class: whole ones are held as they are."""
    return number.bit_length() <= _BITS if isinstance(number, int) else math.isfinite(number)


def check_members(said: Any) -> list[Mapping[str, Any]]:
    """Refuse what is no list of members with their weights."""
    listed = items(said, "members", Mapping)
    need(0 < len(listed) <= _MOST_MEMBERS, "there are no members" if not listed else "there are too many members")
    total = sum(real(one["weight"], "the weight of a member", 0, 1) for one in listed)
    need(abs(total - 1) < 1e-6, f"the weights of the members sum to {total:g}, not to 1")
    for one in listed:
        text(one["name"], "the name of a member")
        body = mapping(one["body"], "a member")
        text(body["learner"], "the learner of a member")
        for key in ("config", "features", "model"):
            mapping(body[key], f"the {key} of a member")
    return list(listed)


def some_rows(schema: Schema) -> Frame:
    """Three rows as the model takes them: an ordinary one, one of missing cells, and one of what it has not seen.

    Raises:
        Damaged: a column has no levels that could be read by.
    """
    need(any(column.kind not in UNUSED for column in schema.columns) or not schema.used, "columns")
    parts: dict[str, dict[str, np.ndarray]] = {NUMBERS: {}, CODES: {}, "texts": {}}
    spellings, levels = {}, {}
    for column in schema.used:
        one, count = schema.readers[column.name], len(column.levels)
        if one.part == NUMBERS:
            made = np.array([1.0, np.nan, 1e9])
        elif one.part == CODES:
            made, levels[column.name] = np.array([0 if count else -1, -1, count], np.int32), column.levels
        else:
            made = np.array(["a text", "", "Something else, of 5 words"], object)
        parts[one.part][column.name] = made
        if one.many_levels:
            spellings[column.name] = np.array(["a text", "", "something else"], object)
    kinds_of = {column.name: column.kind for column in schema.used}
    return Frame(3, parts[NUMBERS], parts[CODES], parts["texts"], (), kinds_of, levels, spellings)
