"""Monotone constraints: what a user asks for, checked and as learners take it. Does not know who can hold to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import did_you_mean, kind_of, listed
from modelwright.tasks.data.schema import Schema
from modelwright.tasks.scoring.target import Target

#: Kinds of columns that have an order.
ORDERED = ("number", "ordinal", "boolean", "datetime")


def checked_monotone(
    given: Any, schema: Schema, target: Target, *, positive: Any = None, where: str = "fit"
) -> dict[str, int]:
    """Column -> 1 or -1 as learners take it: about the target, or the probability of the second class.

    Args:
        given: column -> 1 or -1 about the target, or the probability of the positive class; None for nothing.
        positive: the class that the user said to be that. Where none was, it is the second one, whichever the metric
            looks at: another metric turns no constraint round.

    Raises:
        ArgumentError: there are three classes or more; there is no such column, it is not used, has no order; or what
            is asked of it is neither 1 nor -1.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise ArgumentError(f"monotone is {kind_of(given)}", where=where, allowed="{column: 1 or -1}")
    if given and target.task == "multiclass":
        raise ArgumentError(
            f"monotone with {len(target.classes)} classes", where=where, allowed="numbers, or two classes",
            hint="What rises in one class may fall in any of the others.",
        )  # fmt: skip
    turned = -1 if positive is not None and target.positive == target.classes[0] else 1
    return {name: turned * _sign(name, sign, schema, where) for name, sign in given.items()}


def _sign(name: Any, sign: Any, schema: Schema, where: str) -> int:
    place = f"{where}, monotone"
    known = {column.name: column for column in schema.columns}
    if name not in known:
        near = did_you_mean(str(name), known)
        raise ArgumentError(f"there is no column {name!r:.80}", where=place, allowed=listed(known), hint=near)
    column = known[name]
    if not column.used:
        raise ArgumentError(
            f"{name!r:.80} is left out: {column.kind}", where=place,
            hint=f"kinds={{{name!r:.80}: 'number'}} says that there is something to learn from.",
        )  # fmt: skip
    if column.kind not in ORDERED:
        raise ArgumentError(
            f"{name!r:.80} is {column.kind}, which has no order", where=place, allowed=", ".join(ORDERED),
            hint=f"kinds={{{name!r:.80}: [...]}} lists its levels from low to high, if they have an order."
            if column.kind == "category" else "",
        )  # fmt: skip
    if isinstance(sign, bool | np.bool_) or not isinstance(sign, int | float | np.number) or sign not in (1, -1):
        raise ArgumentError(
            f"monotone[{name!r:.80}]={sign!r:.60}", where=where, allowed="1 for rising, -1 for falling",
        )  # fmt: skip
    return int(sign)
