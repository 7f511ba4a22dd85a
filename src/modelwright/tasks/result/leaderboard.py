"""Leaderboards: what was tried and how good it is, as rows and as text. Computes no model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from modelwright.core.optional import optional
from modelwright.report.text import clean
from modelwright.tasks.result.evaluation import metric_of, rows, score, told, warn_of
from modelwright.tasks.scoring.thresholds import Cut

if TYPE_CHECKING:
    from modelwright.tasks.result.predictor import Predictor

#: Column -> heading and format.
_SHOWN = {
    "model": ("model", "{}"),
    "score": ("score", "{:.5g}"),
    "spread": ("+-", "{:.2g}"),
    "units": ("folds", "{}"),
    "test": ("test", "{:.5g}"),
    "weight": ("weight", "{:.2f}"),
    "fit_seconds": ("fit s", "{:.2f}"),
    "row_us": ("us a row", "{:g}"),
    "mb": ("MB", "{:.2f}"),
    "why": ("why", "{}"),
}


class Leaderboard(list):
    """Rows of a leaderboard, each a dict; prints as a table.

    Keys: ``model``; ``score`` with its standard error ``spread``; ``selected``, whether the score is one that was
    selected on and so a little too good; ``fit_seconds``, of a candidate those of one fit on the rows of a fold, of the
    ensemble those of all fits that are deployed; ``row_us``, microseconds of one core to predict a row, of the ensemble
    with making the features; ``mb``, of the files of its models; ``units``, the folds that have judged it; ``weight``
    in the ensemble; ``why`` it is there; ``config``; ``test``, the score on a table that was given, by ``tested``, the
    name of a metric.
    """

    def __init__(
        self, rows: Iterable[Mapping[str, Any]], *, metric: str, higher: bool, tested: str = "", about: str = ""
    ):
        super().__init__(dict(row) for row in rows)
        self.metric, self.higher, self.tested = metric, higher, tested or metric
        self._about = about or self.tested

    def frame(self) -> Any:
        """As a data frame of pandas."""
        return optional("pandas", extra="frame", purpose="a leaderboard as a data frame").DataFrame(list(self))

    def __str__(self) -> str:
        keys = [key for key in _SHOWN if any(row.get(key) is not None for row in self)]
        table = [[_SHOWN[key][0] for key in keys]]
        table[0][1:2] = [self.metric] if "score" in keys else table[0][1:2]
        if "test" in keys and self.tested != self.metric:
            table[0][keys.index("test")] = f"test {self._about}"
        marked = any(row.get("selected") for row in self)
        for row in self:
            cells = [_SHOWN[k][1].format(row[k]) if row.get(k) is not None else "" for k in keys]
            if marked and "score" in keys:
                cells[keys.index("score")] += "*" if row.get("selected") else " "
            table.append(cells)
        table = [[clean(cell) for cell in line] for line in table]
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
        if "score" in keys and self._is_out_of_order():
            lines.append(
                "candidates are ordered by the folds that judged both of two, and a score is the mean of all of its own"
            )
        return "\n".join(lines)

    __repr__ = __str__

    def _is_out_of_order(self) -> bool:
        """Whether a candidate has a better score than one that stands before it: it was judged by other folds."""
        scores = [row["score"] for row in self if row.get("selected") and row.get("score") is not None]
        return any(after > before if self.higher else after < before for before, after in pairwise(scores))


def scored(board: Leaderboard, model: Predictor, test: Any, metric: Any = None) -> Leaderboard:
    """The leaderboard with scores on ``test`` for what is deployed and for each member, as if it were deployed alone.

    The temperature and the threshold of what is deployed hold for each of them, the known rows for none: so an ensemble
    of one member scores as that member does.

    Raises:
        ArgumentError: the table lacks the target, or a column that the model was given; or the metric of the fit is a
            function that is not kept.

    Warns:
        UserWarning: by these rows the metric has no value, or one that says nothing.
    """
    by = metric_of(model, metric, where="leaderboard")
    frame, y, weight = rows(model, test, where="leaderboard")
    cut = Cut.of(model._body)
    found = {"ensemble": score(by, model._predicted(frame), y, cut, weight)}
    warn_of({by.name: found["ensemble"]}, model, y, "leaderboard")
    for name in dict.fromkeys(one.name for one in model._members):
        found[name] = score(by, model._predicted(frame, name), y, cut, weight)
    tested = [row if row["model"] not in found else {**row, "test": found[row["model"]]} for row in board]
    return Leaderboard(tested, metric=board.metric, higher=board.higher, tested=by.name, about=told(model, by.name))
