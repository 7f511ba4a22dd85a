"""Answers: predictions for a table as columns by their names, from one reading and one prediction of its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelwright.tasks.account.listing import shown
from modelwright.tasks.result.explanation import explained
from modelwright.tasks.scoring.target_refusals import refuse_probabilities
from modelwright.tasks.scoring.thresholds import Cut

if TYPE_CHECKING:
    from modelwright.tasks.result.predictor import Predictor


def answers(model: Predictor, table: Any, *, proba: bool, reasons: int = 0) -> dict[str, list[Any]]:
    """The target's column, with ``proba`` one for each class, and with ``reasons`` so many cells that matter most.

    Raises:
        ArgumentError: as ``Predictor.predict``; or probabilities are asked for where numbers are predicted.
    """
    if proba:
        refuse_probabilities(model.task, model.target)
    raw = model._schema.table(table)
    frame = model._frame(raw)
    predicted = model._predicted(frame)
    if model.task == "regression":
        found = {model.target: predicted.tolist()}
    else:
        named = model._target.decode(Cut.of(model._body).named(predicted))
        found = {model.target: named.tolist()}
    if proba:
        columns = zip(model._target.classes, predicted.T.tolist(), strict=True)
        found |= {f"{model.target}={one}": column for one, column in columns}
    if reasons:
        told = [one["because"] for one in explained(model, raw, frame)]
        most = min(reasons, max(map(len, told), default=reasons))
        found |= {f"because {n + 1}": [_reason(one[n]) for one in told] for n in range(most)}
    return found


def _reason(one: dict[str, Any]) -> str:
    """A cell and what it adds, in one text.

    >>> _reason({"column": "plan", "value": "pro", "adds": 0.21349, "error": 0.01})
    'plan=pro +0.2135'
    """
    return f"{shown(one['column'], 60)}={shown(one['value'], 44)} {one['adds']:+.4g}"
