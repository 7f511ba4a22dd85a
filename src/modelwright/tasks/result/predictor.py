"""Predictors: what a fit gives back, and all that is needed to use it elsewhere. Knows no study."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core import codec
from modelwright.core.wording import warn_caller
from modelwright.report.text import clean
from modelwright.tasks.account.listing import Checks, Decisions, Explanations, Features
from modelwright.tasks.data.frame import Frame, told
from modelwright.tasks.data.known_rows import KnownRows
from modelwright.tasks.data.schema import Schema
from modelwright.tasks.ensemble.members import Member
from modelwright.tasks.features import recipe as recipes
from modelwright.tasks.result import archive
from modelwright.tasks.result.baseline import DRAWS, Baseline
from modelwright.tasks.result.evaluation import evaluated
from modelwright.tasks.result.leaderboard import Leaderboard, scored
from modelwright.tasks.result.usage import usage
from modelwright.tasks.scoring.calibration import tempered
from modelwright.tasks.scoring.target import Target
from modelwright.tasks.scoring.target_refusals import refuse_probabilities
from modelwright.tasks.scoring.thresholds import Cut

#: Rows that are predicted at a time, so that memory stays bounded.
_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Weighted:
    """A member with its weight, the place of its features, and the name by which the leaderboard calls it."""

    member: Member
    weight: float
    features: int
    name: str


class Predictor:
    """A model for tables.

    Attributes:
        task: "binary", "multiclass" or "regression".
        target: name of the column that is predicted.
        classes_: the classes, sorted, in the order of ``predict_proba``'s columns; None in regression.
        looked_for: of two classes the one that ``f1`` and ``average_precision`` are about: ``positive=`` of the fit, or
            the rarer one; None otherwise.
        metric: name of the metric that the fit went by.
        score: expected of new rows, by weights and models that had not seen the rows they are judged by; after
            ``refit`` and ``plan=`` that of the fit that the plan is from. ``evaluate(table)`` scores a table.
        stopped: why no more candidates were tried; "interrupted" where that was Ctrl-C, "" after ``refit``.
        plan: what was carried out; ``mw.fit(table, target, plan=model.plan)`` does it again.
        decisions: what was decided without being asked, why, what it bought and how to decide otherwise; what is left
            to the user; prints as two tables.
        checks: what was found in the data; a list that prints as a table, alerts first.
    """

    def __init__(
        self,
        body: Mapping[str, Any],
        members: Sequence[tuple[Member, float, str]],
        metric: Any = None,
        *,
        known: KnownRows | None = None,
        baseline: Baseline | None = None,
        trusted: bool = True,
    ):
        self._trusted = trusted
        self._body = dict(body)
        self._schema = Schema.from_json(body["schema"])
        self._target = Target.from_json(body["target"])
        self._metric, self._known, self._baseline = metric, known, baseline
        self.task, self.target, self.metric = self._target.task, self._target.name, str(body["metric"])
        self.looked_for = self._target.looked_for
        self.classes_ = self._target.decode(np.arange(len(self._target.classes))) if self._target.is_classes else None
        self._features: list[recipes.Fitted] = []
        self._members = self._shared(members)

    def _shared(self, members: Sequence[tuple[Member, float, str]]) -> list[Weighted]:
        """Members whose features are equal take the same ones, which are made once."""
        places: dict[bytes, int] = {}
        found = []
        for member, weight, name in members:
            key = _digest(member.features)
            if key not in places:
                places[key] = len(self._features)
                self._features.append(member.features)
            found.append(Weighted(member, weight, places[key], name))
        return found

    # --- predictions ---------------------------------------------------------------------------------

    def predict(self, table: Any) -> np.ndarray:
        """Labels as they are in the data, or numbers: (rows,).

        Args:
            table: whatever ``mw.fit`` takes; one row may be a dict, or one of pandas. Columns may be in another
                order, and there may be more of them. Levels that were never seen count as such, cells that cannot be
                read as missing.

        Raises:
            ArgumentError: a column that the model was given is not there, or holds something else; with its name.

        Warns:
            UserWarning: cells were taken as missing, or levels are new; once for all columns, with their names.
        """
        found = self._predicted(self._frame(table))
        if self.task == "regression":
            return found
        return self._target.decode(Cut.of(self._body).named(found))

    def predict_proba(self, table: Any) -> np.ndarray:
        """Probabilities (rows, classes), columns in the order of ``classes_``.

        Raises:
            ArgumentError: as ``predict``; or the target is a number.
        """
        refuse_probabilities(self.task, self.target)
        return self._predicted(self._frame(table))

    def _frame(self, table: Any) -> Frame:
        """Rows as the members take them; what could not be read or is new is told once."""
        frame = self._schema.frame(table)
        said = told(frame.notes)
        if said:
            warn_caller(said)
        return frame

    def _predicted(self, frame: Frame, only: str | None = None) -> np.ndarray:
        """Probabilities or numbers of what is deployed; of one member in its place, without the known rows."""
        if not frame.rows:  # not every library answers to none
            return np.zeros((0, len(self._target.classes)) if self._target.is_classes else 0)
        if frame.rows > _ROWS:
            parts = [np.arange(i, min(i + _ROWS, frame.rows)) for i in range(0, frame.rows, _ROWS)]
            return np.concatenate([self._predicted(frame.take(part), only) for part in parts])
        total, known = self._mixed(frame, only), self._known if only is None else None
        if self.task != "regression":
            total = tempered(total, float(self._body["temperature"]))
            return total if known is None else known.joined(frame, total)
        if known is not None:
            linked = np.log1p(np.maximum(total, 0.0)) if self._body["link"] == "log1p" else total
            total = self._natural(known.joined(frame, linked))
        return total

    def _mixed(self, frame: Frame, only: str | None) -> np.ndarray:
        """The weighted mean of the models, or of those of one member: one of all rows, or one of each fold."""
        members = [one for one in self._members if only in (None, one.name)]
        whole = sum(one.weight for one in members)
        scale = 1.0 if only is None or not whole else 1.0 / whole
        matrices: dict[int, Any] = {}
        total: Any = 0.0
        threads = 1 if frame.rows < 1000 else 0
        for one in members:
            matrix = matrices.get(one.features)
            if matrix is None:
                matrix = matrices[one.features] = self._features[one.features].transform(frame)
            predicted = self._natural(one.member.model.predict(matrix, threads=threads or _cores()))
            total = total + scale * one.weight * predicted
        return np.asarray(total, np.float64)

    def _natural(self, predicted: np.ndarray) -> np.ndarray:
        """Predictions of a member as they were judged: in units and range of the target."""
        if self.task != "regression":
            return predicted
        return np.clip(np.expm1(predicted) if self._body["link"] == "log1p" else predicted, *self._body["range"])

    # --- what it is ----------------------------------------------------------------------------------

    @property
    def score(self) -> float:
        return float(self._body["score"])

    @property
    def stopped(self) -> str:
        return str(self._body.get("stopped", ""))

    @property
    def plan(self) -> dict[str, Any]:
        return self._body["plan"]

    @property
    def decisions(self) -> Decisions:
        return Decisions(self._body["decisions"])

    @property
    def checks(self) -> Checks:
        return Checks(self._body["checks"])

    def evaluate(self, table: Any, metrics: Any = None) -> dict[str, float]:
        """How good the model is on rows that it has not seen: metric -> score, each in its natural sign.

        Args:
            table: with the target; rows without it are left out.
            metrics: one, or a list, of what ``metric=`` of ``mw.fit`` takes. Default the one that the fit went by, then
                all others that go with the task. Of two classes ``f1`` and ``average_precision`` are about
                ``looked_for``. A score that is not defined, such as roc_auc where all rows are of one class, is NaN.

        Raises:
            ArgumentError: the table lacks the target or a column that the model was given, no row can be judged, or a
                metric does not go with the task.

        Warns:
            UserWarning: rows with a class that the model does not know were left out; or a score has no value.
        """
        return evaluated(self, table, metrics)

    def leaderboard(self, test: Any = None, *, metric: Any = None) -> Leaderboard:
        """All candidates, the ensemble first, then from the best to the worst.

        Args:
            test: a table with the target: then what is deployed and each member of it are scored on it too. A member
                that stands for the models of all folds is scored by their mean, as it is used.
            metric: of that score, as ``mw.fit`` takes it; default the one that the fit went by. One that was a function
                or an object is not in a file, and has to be passed again.
        """
        board = Leaderboard(self._body["leaderboard"], metric=self.metric, higher=bool(self._body["higher"]))
        if test is None:
            return board
        return scored(board, self, test, metric)

    def explain(self, table: Any, *, of: Any = None, background: Any = None, draws: int = DRAWS) -> Explanations:
        """Why rows get their answers: what each cell adds to what ordinary rows get.

        Each column's part is its Shapley value for what is deployed: the mean change of the answer when the row's cell
        takes the place of an ordinary one, over ordinary rows and orders of the columns. ``base`` and all parts are
        together the answer. They say what the model goes by, which need not be what causes anything.

        Args:
            table: whatever ``predict`` takes; one row may be a dict.
            of: the class whose probability is explained. Default, of two classes ``looked_for``; of more the one that
                ``predict`` names, row by row.
            background: a table of ordinary rows. Default are usual cells of each column, in rows by chance, and
                missing texts: the model holds no row of the table that it was fitted on.
            draws: ordinary rows, each with an order of the columns and its reverse, that a row is compared with; about
                two predictions each for every column. The errors shrink with their square root.

        Returns:
            One dict a row, a list that prints as a table: ``of``, the class, where there are any; ``answer``, its
            probability, or the predicted number; ``base``, the mean of ordinary rows; ``because``, from what matters
            most: ``column``, its ``value`` as given, what it ``adds``, and the standard ``error`` of that by the
            orders. Columns that no member takes are left out; of more than 100 the last are told together.

        Raises:
            ArgumentError: as ``predict``; or there is no such class.

        Warns:
            UserWarning: as ``predict``; or so many rows take more than a minute.
        """
        from modelwright.tasks.result.explanation import explained

        raw = self._schema.table(table)
        return explained(self, raw, self._frame(raw), of, background, draws)

    def features(self) -> Features:
        """What became of each raw column; a list that prints as a table, what members rely on most first.

        Returns:
            One dict a column: ``column``, ``kind`` with ``why``; ``became``, in words; ``used``: member -> names of the
            features that it takes; ``dropped``: member -> feature -> why it does not take it; ``share``: how much the
            members rely on the column, all columns together 1. That is by gain, cuts or weights as each kind of model
            has it: it tells what was used, not what the column does to the target.
        """
        return usage(self._schema.columns, self._members, self._features)

    def summary(self) -> str:
        """What the model is, in a few lines: how good, of what, in what time, what to look at, what comes next."""
        from modelwright.tasks.account.summary import summary

        return summary(self)

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write one HTML file that needs nothing else, about this model.

        How good it is and by which rows, what was tried, the data checks, what became of each column, what was decided,
        how the time was spent, and how to do it again.

        Args:
            path: a name that ends in ``.html``; what was there is replaced.

        Raises:
            ArgumentError: it is no such name, or cannot be written.
        """
        from modelwright.tasks.account.page import write

        return write(self, path)

    # --- again -----------------------------------------------------------------------------------------

    def refit(self, table: Any, **again: Any) -> Predictor:
        """The same members, fitted in the same way on other rows; nothing is searched.

        What was said of the table in the first call holds here too: metric, kinds, columns that are left out, groups,
        weights of classes, the column of weights. So does what was found: the columns and their kinds, orders of
        levels, task and classes, the positive class, the threshold. Nothing is judged: ``score`` stays what it was.

        Args:
            table: with the target, and the columns that this model was given; others are left out.
            again: what a model cannot keep: ``sample_weight=`` where it was an array, ``metric=`` where it was a
                function.

        Raises:
            ArgumentError: one of these is missing, or contradicts the first call; a column is not there, or holds
                something else than it did, with its name; rows have a class that the model does not know.

        Warns:
            UserWarning: a class that the model knows has no row, or one that it does not know a single one.
        """
        from modelwright.tasks.fit import fit

        return fit(table, self.target, plan=self.plan, **again)

    def fit(self, table: Any, *, seconds: float | None = None, trials: int | None = None, **more: Any) -> Predictor:
        """Go on with the search that found this model, from what it knows.

        Args:
            table: the rows that it was fitted on.
            seconds, trials: for this call, on top of what the search has spent until now.
            more: further arguments of ``mw.fit``, such as ``verbose``; those of the first call are kept. A model that
                was loaded without ``trust`` needs ``store=``: its file does not choose what is opened and run.

        Raises:
            ArgumentError: the search was kept in memory alone, or neither seconds nor trials are given; or what a
                model does not keep, or a file does not decide, has to be passed.
            StudyError: the search is not there any more, or is about another table.
        """
        from modelwright.tasks.fit import fit
        from modelwright.tasks.request.continuation import further

        said = further(self._body, trusted=self._trusted, seconds=seconds, trials=trials, more=more)
        return fit(table, self.target, **said)

    def __repr__(self) -> str:
        weights: dict[str, float] = {}
        for one in self._members:
            weights[one.name] = weights.get(one.name, 0.0) + one.weight
        names = ", ".join(f"{weight:.2f} {clean(name)}" for name, weight in list(weights.items())[:4])
        more = f" and {len(weights) - 4} more" if len(weights) > 4 else ""
        return f"Predictor({self.target!r}, {self.task}, {clean(self.metric)}={self.score:.4g}: {names}{more})"

    # --- to and from a file --------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write one file with everything in it: JSON, native boosters, arrays; no pickle. ``mw.load`` reads it.

        A model that was there is replaced; a symbolic link stays, and the file that it leads to is written.

        Raises:
            ArgumentError: ``path`` is no path.
            StoreError: it cannot be written, is a folder, or there is a file that is no model.
        """
        return archive.write(path, *self._content())

    def __reduce__(self) -> tuple[Any, ...]:
        body, arrays = self._content()
        from modelwright.tasks.result.loading import again

        return again, (codec.to_plain(body), arrays)

    def _content(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """All that the model is: plain values, and arrays by name."""
        arrays: dict[str, np.ndarray] = {}
        listed = []
        for place, one in enumerate(self._members):
            body, held = one.member.state()
            first = next(i for i, other in enumerate(self._members) if other.features == one.features)
            if first != place:  # the features are in the first that has them
                body = {**body, "features": {"as": first}}
                held = {name: value for name, value in held.items() if not name.startswith("features/")}
            arrays |= {f"{place}/{name}": value for name, value in held.items()}
            listed.append({"body": body, "weight": one.weight, "name": one.name})
        body = {"predictor": self._body, "members": listed}
        if self._known is not None:
            body["known_rows"], held = self._known.state()
            arrays |= {f"known_rows/{name}": value for name, value in held.items()}
        if self._baseline is not None:
            arrays |= {f"baseline/{name}": value for name, value in self._baseline.state().items()}
        return body, arrays


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _digest(features: recipes.Fitted) -> bytes:
    json, arrays = features.state()
    found = hashlib.sha256(repr(json).encode())
    for name in sorted(arrays):
        found.update(name.encode())
        found.update(np.ascontiguousarray(arrays[name]).tobytes())
    return found.digest()
