"""StudyView: the one frozen thing that every report reads, and the few facts all of them share.

Ranking, counting and grouping are done here once, so that the panel, the tables, the frame and the HTML file
never disagree. Does not format anything.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from modelwright.core.constraint import KIND, UNMET, violations
from modelwright.core.history import History, Row, has_value
from modelwright.core.objective import Objective
from modelwright.core.records import GIVEN
from modelwright.core.wording import counted
from modelwright.report.stages import Stage
from modelwright.study.feasibility import told

#: States in the order in which they are listed.
STATES = ("complete", "pruned", "paused", "running", "proposed", "infeasible", "failed", "lost")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyView:
    """What is known of a study at one moment.

    Attributes:
        name: the study's name.
        history: rows and events; shared, not copied, so it may grow while the view is held.
        space: an object with ``parameters``, ``axes``, ``size`` and ``encode``, or None when none is known.
        strategy: name of the strategy.
        trials: budget in configurations started, or None.
        seconds: budget in seconds of running time, or None.
        elapsed: seconds of running time so far; None takes the history's.
        seed: the study's seed, or None.
        store: where it is kept, for people.
        subject: what is tuned, for people.
        unit: what a step is called ("epoch", "step").
        stages: what fidelities are called, where steps have no meaning of their own; () where they do.
        by_default: whether trials are told apart by what differs from the default, for they have very many settings.
        plan: how trials are cut short and what becomes of them; "" when all are trained in full.
        model: summary of the best model as text; "" takes the best trial's fact "summary", when it is needed.
        stopping: whether Ctrl-C was heard, so that the search ends with the trials that run.
        stopped: why the search ended, or "" while it may go on.
        reasons: why the result is what it is, as text, for searches that tell more than trials do; "" for others.
        commands: what the user may do next, one line of code or shell each.
        facts: further lines for the study's facts (version, device, backend ...).
    """

    name: str
    history: History
    space: Any = None
    strategy: str = ""
    trials: int | None = None
    seconds: float | None = None
    elapsed: float | None = None
    seed: int | None = None
    store: str = ""
    subject: str = ""
    unit: str = "step"
    stages: tuple[Stage, ...] = ()
    by_default: bool = False
    plan: str = ""
    model: str = ""
    stopping: bool = False
    stopped: str = ""
    reasons: str = ""
    commands: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What is optimised, the most important first."""
        return self.history.objectives

    @property
    def time(self) -> float:
        """Seconds of running time so far."""
        return self.history.elapsed if self.elapsed is None else self.elapsed


def ranked(view: StudyView) -> list[Row]:
    """Trials with a comparable value, best first: the highest fidelity counts before the value.

    The first one is ``history.best()``. With several objectives the order is that of the first.
    """
    made = view.objectives[0]
    rows = [row for row in view.history.rows if has_value(row)]
    best = view.history.best()
    scores = np.array([made.score((row.values or (0.0,))[0]) for row in rows])
    fidelities = np.array([round(row.valued, 9) for row in rows])
    pruned = np.array([row.state == "pruned" for row in rows], bool)
    others = np.array([row is not best for row in rows], bool)
    numbers = np.array([row.number for row in rows])
    return [rows[place] for place in np.lexsort((numbers, -scores, -fidelities, pruned, others))]


def dominates(a: Row, b: Row, objectives: tuple[Objective, ...]) -> bool:
    """Whether ``a`` is at least as good as ``b`` everywhere and better somewhere."""
    left = [o.score(v) for o, v in zip(objectives, a.values or ())]
    right = [o.score(v) for o, v in zip(objectives, b.values or ())]
    return all(x >= y for x, y in zip(left, right)) and left != right


def front(view: StudyView) -> list[Row]:
    """The trials of the highest fidelity that no other one beats in every objective, best first objective first.

    Trials are swept in order of the first objective, so a candidate is compared with the front alone.
    """
    rows = ranked(view)
    rows = [row for row in rows if row.valued >= rows[0].valued - 1e-9]
    kept: list[Row] = []
    for row in sorted(rows, key=lambda r: _scores(r, view.objectives), reverse=True):
        if not any(dominates(other, row, view.objectives) for other in kept):
            kept.append(row)
    return kept


def _scores(row: Row, objectives: tuple[Objective, ...]) -> list[float]:
    return [o.score(v) for o, v in zip(objectives, row.values or ())]


def counts(view: StudyView) -> dict[str, int]:
    """State -> number of trials, for the states that occur, in the order of ``STATES``; "given" results come last."""
    found = Counter(row.state if not row.given else GIVEN for row in view.history.rows)
    return {state: found[state] for state in (*STATES, GIVEN) if found[state]}


@dataclass(frozen=True, slots=True)
class Cause:
    """Trials that ended badly for the same reason."""

    state: str
    text: str
    trials: tuple[int, ...]


def reason(row: Row) -> str:
    """Why a trial ended badly, in one line as the user's code said it; "" when nothing is known."""
    if row.error is None:
        return ""
    head, said = row.error.type, row.error.message
    text = f"{head}: {said}" if head and said else said or head or row.error.kind
    return f"{text} ({row.error.where})" if row.error.where else text


def causes(view: StudyView) -> list[Cause]:
    """Failed, infeasible and lost trials, grouped by reason, the most frequent first.

    Trials that broke the same constraints belong together. Of others those do when the same kind of error came from
    the same line of the user's code, or, where that line is not known, with the same message; the text is that of the
    first.
    """
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in view.history.rows:
        if row.state not in ("failed", "infeasible", "lost"):
            continue
        error = row.error
        key = (row.state,) if error is None else (row.state, error.kind, error.type, error.where or error.message)
        if error is not None and error.kind == KIND and row.excess:
            broken = (limit.text for limit, by in zip(view.history.limits, row.excess) if limit.broken(by))
            key = (row.state, KIND, *broken)
        groups.setdefault(key, []).append(row)
    made = [Cause(rows[0].state, reason(rows[0]), tuple(row.number for row in rows)) for rows in groups.values()]
    return sorted(made, key=lambda cause: (-len(cause.trials), cause.trials))


def without_value(view: StudyView) -> str:
    """Why there is no best trial: how many trials ended how, and the most frequent reason."""
    rows = view.history.rows
    if not any(row.state not in ("proposed", "running") for row in rows):
        return "no trial has a value yet"
    if view.history.limits and any(has_value(row) for row in rows):
        return f"no trial keeps within the constraints; {closest(view)}"
    states = ", ".join(f"{number} of {counted(len(rows), 'trial')} {state}" for state, number in counts(view).items())
    found = causes(view)
    return f"no trial has a value; {states}" + (f": {found[0].text.rstrip('.')}" if found and found[0].text else "")


def closest(view: StudyView) -> str:
    """How the trial that comes nearest to the limits breaks them by what was measured of it."""
    history = view.history
    rows = [row for row in history.rows if row.values is not None]
    missed = violations(np.array([history.measured(row).excess for row in rows]))
    nearest = rows[int(np.argmin(missed))]
    broken = history.measured(nearest).broken
    return f"the closest is trial {nearest.number}: {broken.message}" if broken is not None else ""


def constrained(view: StudyView) -> str:
    """The study's constraints in a line, with the closest miss where nothing satisfied them; "" without any."""
    limits = view.history.limits
    if not limits:
        return ""
    missed = [note for note in view.history.notes if note.kind == UNMET]
    said = f"Constraints: {', '.join(limit.text for limit in limits)}"
    counting = any(row.state == "complete" for row in view.history.rows)
    return f"{said}; {told(missed[-1])}" if missed and not counting else said


def parameter_names(view: StudyView) -> list[str]:
    """Names of all hyperparameters: those of the space first, then others in the order in which trials used them."""
    names = dict.fromkeys(str(spec.name) for spec in getattr(view.space, "parameters", None) or ())
    for row in view.history.rows:
        names.update(dict.fromkeys(map(str, row.config)))
    return list(names)


def metric_names(view: StudyView) -> list[str]:
    """Names of all metrics that a trial ended with, the objectives first."""
    seen: dict[str, None] = {}
    for row in view.history.rows:
        seen.update(dict.fromkeys(row.metrics))
    first = [o.name for o in view.objectives if o.name in seen]
    return first + [name for name in seen if name not in first]
