"""Answers: predictions for a table as columns by their names, from one reading and one prediction of its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelwright.tasks.thresholds import Cut

if TYPE_CHECKING:
    from modelwright.tasks.predictor import Predictor


def answers(model: Predictor, table: Any, *, proba: bool) -> dict[str, list[Any]]:
    """The target's column, and with ``proba`` one for each class.

    Raises:
        ArgumentError: as ``Predictor.predict``; or probabilities are asked for where numbers are predicted.
    """
    if not proba:
        return {model.target: model.predict(table).tolist()}
    shares = model.predict_proba(table)
    named = model._target.decode(Cut.of(model._body).named(shares))
    columns = zip(model._target.classes, shares.T.tolist(), strict=True)
    return {model.target: named.tolist(), **{f"{model.target}={one}": column for one, column in columns}}
