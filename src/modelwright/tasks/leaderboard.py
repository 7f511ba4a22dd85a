"""Leaderboards: what was tried and how good it is, as rows and as text. Computes no model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.optional import optional
from modelwright.tasks.calibration import names_by_threshold
from modelwright.tasks.reading import read

if TYPE_CHECKING:
    from modelwright.tasks.predictor import Predictor

#: Column -> heading and format.
_SHOWN = {
    "model": ("model", "{}"),
    "score": ("score", "{:.5g}"),
    "spread": ("+-", "{:.2g}"),
    "units": ("folds", "{}"),
    "test": ("test", "{:.5g}"),
    "weight": ("weight", "{:.2f}"),
    "fit_seconds": ("fit s", "{:.2f}"),
    "row_us": ("us a row", "{:.1f}"),
    "mb": ("MB", "{:.2f}"),
    "why": ("why", "{}"),
}


class Leaderboard(list):
    """Rows of a leaderboard, each a dict; prints as a table.

    Keys: ``model``; ``score`` with its standard error ``spread``; ``selected``, whether the score is one that was
    selected on and so a little too good; ``fit_seconds`` of one fit; ``row_us``, microseconds to predict a row; ``mb``
    of the fitted model; ``units``, the folds that have judged it; ``weight`` in the ensemble; ``why`` it is there; ``config``.
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]], *, metric: str, higher: bool):
        super().__init__(dict(row) for row in rows)
        self.metric, self.higher = metric, higher

    def frame(self) -> Any:
        """As a data frame of pandas."""
        return optional("pandas", extra="frame", purpose="a leaderboard as a data frame").DataFrame(list(self))

    def __str__(self) -> str:
        keys = [key for key in _SHOWN if any(row.get(key) is not None for row in self)]
        table = [[_SHOWN[key][0] for key in keys]]
        table[0][1:2] = [self.metric] if "score" in keys else table[0][1:2]
        marked = any(row.get("selected") for row in self)
        for row in self:
            cells = [_SHOWN[k][1].format(row[k]) if row.get(k) is not None else "" for k in keys]
            if marked and "score" in keys:
                cells[keys.index("score")] += "*" if row.get("selected") else " "
            table.append(cells)
        widths = [max(len(line[i]) for line in table) for i in range(len(keys))]
        numeric = [key not in ("model", "why") for key in keys]
        lines = [
            "  ".join(
                cell.rjust(w) if right else cell.ljust(w) for cell, w, right in zip(line, widths, numeric, strict=True)
            ).rstrip()
            for line in table
        ]
        if marked:
            lines.append("* was selected on, and is a little too good by that")
        return "\n".join(lines)

    __repr__ = __str__


def scored(board: Leaderboard, model: Predictor, test: Any) -> Leaderboard:
    """The leaderboard with scores on ``test`` for what is deployed and for each member.

    Raises:
        ArgumentError: the table lacks the target, or a column that the model was given.
    """
    table = read(test, where="leaderboard")
    if model.target not in table.columns:
        raise ArgumentError(f"there is no column {model.target!r}", where="leaderboard", hint="It is the target.")
    there = model._target.present(table.columns[model.target])
    table = table.take(there)
    y = model._target.encode(table.columns[model.target], where="leaderboard")
    frame = model._frame(table)
    metric = model._metric
    cut = float(model._body["threshold"])

    def score(predicted: np.ndarray) -> float:
        named = names_by_threshold(metric, predicted)
        return metric.score(y, (predicted[:, 1] >= cut).astype(np.int64) if named else predicted)

    found = {"ensemble": score(model._predicted(frame))}
    for one in model._members:
        matrix = model._features[one.features].transform(frame)
        predicted = model._natural(one.member.model.predict(matrix, threads=1))
        found[one.name] = score(predicted)
    rows = []
    for row in board:
        known = found.get(row["model"])
        rows.append(row if known is None else {**row, "test": float(known)})
    return Leaderboard(rows, metric=board.metric, higher=board.higher)
