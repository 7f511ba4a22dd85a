"""What a fit falls back on: candidates that fail do not end it, and where none is ready a constant is deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelwright.core import records as r
from modelwright.core.errors import StudyError
from modelwright.core.history import Row
from modelwright.core.rng import Seed
from modelwright.core.wording import warn_caller
from modelwright.study.policy import Ending, View
from modelwright.tasks.account.decisions import UNTRIED, Decision, decision
from modelwright.tasks.ensemble.assembly import Made
from modelwright.tasks.ensemble.blend import Blend, reached
from modelwright.tasks.ensemble.members import Member
from modelwright.tasks.learners import learner
from modelwright.tasks.learners.constant import CONSTANT
from modelwright.tasks.learners.custom import Own
from modelwright.tasks.learners.judged import part
from modelwright.tasks.request.asked import ENDED
from modelwright.tasks.scoring.diagnostics import as_deployed
from modelwright.tasks.scoring.validation import over_units
from modelwright.tasks.search.estimation import MODEL, Job

if TYPE_CHECKING:
    from modelwright.api.engine import Engine
    from modelwright.tasks.search.session import Session


class Tolerant:
    """A failure policy under which a candidate that fails ends nothing: others may be fitted, and the plan sees it."""

    def after(self, view: View, number: int, outcome: r.Outcome) -> Ending | None:
        return None


def fallen_back(session: Session, engine: Engine) -> tuple[Blend, list[Made]]:
    """The constant, where nothing else is there to be deployed; says so.

    Raises:
        StudyError: there are only estimators of the user's own, and each failed.
    """
    rows = engine.history.rows
    why, wrong = _why(rows, session.stopped), [row for row in rows if row.error is not None]
    own = [name for name, one in session.learners.items() if isinstance(one, Own)]
    if wrong and len(own) == len(session.learners) and not any(reached(row) for row in rows):
        raise StudyError(
            f"no candidate could be fitted: {_said(wrong[0])}", where=f"fit, models: {', '.join(own)}",
            hint="Mend the estimator, or leave models= out; what it raised is in mw.load_study(name).trials.",
        )  # fmt: skip
    session.says(decision("fallback", "the same answer for every row is deployed", why, "seconds=", "a model at all"))
    warn_caller(f"fit: the model is a constant, since {why.removesuffix('.')}")
    return constant(session.job, len(rows))


def _why(rows: list[Row], stopped: str) -> str:
    if any(reached(row) and row.error is None for row in rows):
        return "the files of the candidates that were judged cannot be read"
    wrong = [row for row in rows if row.error is not None]
    if wrong:
        return f"no candidate could be fitted{' on all folds' if any(map(reached, wrong)) else ''}: {_said(wrong[0])}"
    if stopped.startswith(ENDED):
        return f"the fit was {stopped} before a candidate was fitted"
    return "the time was up before a candidate was fitted"


def _said(row: Row) -> str:
    assert row.error is not None
    kind = f"{row.error.type}: " if row.error.type else ""
    return f"{row.config[MODEL]}: {kind}{row.error.message}"


def failing(rows: list[Row]) -> list[Decision]:
    """Learners of which every candidate failed: they are in no ensemble, and on no leaderboard."""
    found = []
    for name in dict.fromkeys(str(row.config[MODEL]) for row in rows if row.error is not None):
        own = [row for row in rows if row.config[MODEL] == name]
        if not any(reached(row) for row in own):
            failed = next(row for row in own if row.error is not None)
            found.append(
                decision("learner", f"{name} left out", f"it failed: {_said(failed)}", f"block=[{name!r}]", UNTRIED)
            )
    return found


def constant(job: Job, number: int) -> tuple[Blend, list[Made]]:
    """The best constant, fitted on all rows in milliseconds, and how it went for rows it had not seen.

    Args:
        number: of no trial: the one by which it is called.
    """
    scores, y, predicted, weights, rows = [], [], [], [], []
    for unit in range(job.split.units):
        on, off = job.split.rows(unit)
        member = _fitted(job, on, number, job.weighing(on))
        weight = job.judging_by(off)
        if weight is not None and not weight.any():
            continue
        answers = member.model.predict(member.matrix(job.frame.take(off)))
        predicted.append(np.asarray(job.natural(answers, on), np.float64))
        scores.append(float(job.metric.score(job.y[off], predicted[-1], weight)))
        y.append(job.y[off])
        weights.append(weight)
        rows.append(off)
    known = np.array([score for score in scores if np.isfinite(score)])
    score = over_units(scores)
    member = _fitted(job, np.arange(len(job.y)), number, job.weight)
    blend = Blend(
        trials=(number,),
        weights=(1.0,),
        rounds=(None,),
        values=(score,),
        score=score,
        spread=float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else float("nan"),
        selected=score,
        rows=len(np.unique(np.concatenate([job.split.rows(unit)[1] for unit in range(job.split.units)]))),
        units=job.split.units,
        judged=_judged(job, rows, y, predicted, weights),
    )
    return blend, [Made(trial=number, name=CONSTANT, parts=(member,), whole=True, bytes=0)]


def _judged(job: Job, rows: list[Any], y: list[Any], predicted: list[Any], weights: list[Any]) -> dict[str, Any]:
    if not y:
        return {}
    weight = None if weights[0] is None else np.concatenate(weights)
    return as_deployed(
        np.concatenate(y), np.concatenate(predicted), weight, task=job.task, metric=job.metric,
        stands=part(job.split.stands, np.concatenate(rows)),
    )  # fmt: skip


def _fitted(job: Job, rows: np.ndarray, number: int, weight: np.ndarray | None) -> Member:
    kind, frame = learner(CONSTANT), job.frame.take(rows)
    classes, seed = job.classes or None, Seed(job.seed).trial(number).integer()
    recipe = kind.features(frame, {})
    features, matrix = recipe.fit(frame, job.aim(rows), job.task, weight=weight, classes=classes, seed=seed)
    model = kind.fit(
        matrix, job.aim(rows), job.task, config={}, weight=weight, rounds=1, seed=seed, threads=1, classes=classes,
        metric=job.metric.guide,
    )  # fmt: skip
    return Member(CONSTANT, {}, features, model)
