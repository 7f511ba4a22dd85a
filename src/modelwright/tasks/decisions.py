"""What a fit decided without being asked: each with why, and what decides otherwise. Decides nothing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelwright.tasks.blend import Blend
    from modelwright.tasks.gathered import Gathered

Decision = dict[str, str]


def decided(data: Gathered, blend: Blend, members: int) -> list[Decision]:
    """The decisions of a fit.

    Args:
        members: how many are deployed.
    """
    target, metric, split = data.target, data.metric, data.split
    shown = f"{metric.name} {blend.score:.5g} on rows that neither models nor weights had seen"
    found = [
        decision("task", target.task, target.why, "task="),
        decision("metric", metric.name, "asked for, or the usual one for the task", "metric="),
        decision("validation", split.said, f"{data.frame.rows:,} rows, and the time there is", "folds="),
        decision(
            "ensemble", f"{members} of {len(blend.trials)} chosen members", shown, "models=['lightgbm'] for one kind"
        ),
    ]
    for column in data.schema.columns:
        if not column.used:
            why = str(column.details.get("why", column.kind))
            found.append(
                decision("column", f"{column.name!r} left out: {column.kind}", why, f"kinds={{{column.name!r}: ...}}")
            )
    if blend.temperature != 1.0:
        found.append(decision("calibration", f"temperature {blend.temperature:.3f}", "less log loss out of fold", ""))
    if blend.threshold != 0.5:
        why = f"the best {metric.name} out of fold"
        found.append(decision("threshold", f"{blend.threshold:.3f}", why, "predict_proba leaves the decision to you"))
    if split.kind != "time" and any(column.kind == "datetime" for column in data.schema.columns):
        why = "there is a column of dates: if new rows come later than these, time= judges models as they will be used"
        found.append(decision("left to you", "order in time is not kept", why, "time="))
    return found


def leaves_out(name: str) -> Decision:
    """The decision to leave out a column that leaks."""
    return decision("column", f"{name!r} left out", "it near-certainly leaks", "drop_suspected=False")


def tried(candidates: int, ended: str) -> Decision:
    """How many candidates were tried, and why no more of them were."""
    return decision("candidates", f"{candidates} tried", ended or "the budget", "seconds= or trials=")


def ends_early(by: str, candidates: int, why: str) -> Decision:
    """The decision to end before the budget, by the argument that was the reason."""
    undo = "min_gain=None uses all the time" if by == "min_gain" else "target_score="
    return decision("early end", f"after {candidates} candidates", why, undo)


def goes_on(metric: str, gain: float, spread: float) -> Decision:
    """What more time would have brought."""
    said = f"as many candidates again would gain about {gain:.2g} in {metric}"
    why = f"by the ensemble's and the candidates' records so far; the score's standard error is {spread:.2g}"
    return decision("more time", said, why, "seconds= or trials=")


def too_large(learner: str, needs: str, there: str) -> Decision:
    """The decision to leave out a learner whose candidates have no room."""
    return decision("memory", f"{learner} left out", f"it takes about {needs}, a worker has {there}", "memory=")


def not_on_all(names: Sequence[str], needs: str) -> Decision:
    """The decision to deploy members as they were fitted on a part of the rows."""
    said = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} not fitted on all rows"
    return decision("memory", said, f"that takes about {needs}", "memory=")


def unconstrained(monotone: Mapping[str, int], able: Sequence[str], unable: Sequence[str]) -> Decision:
    """The decision to leave out learners that cannot hold to monotone constraints."""
    names = ", ".join(map(repr, monotone))
    said = f"{names} {'is' if len(monotone) == 1 else 'are'} held to by {', '.join(able)}"
    why = f"{', '.join(unable)} cannot, and left out" if unable else "all learners that take part can"
    return decision("monotone", said, why, "monotone=")


def decision(what: str, said: str, why: str, undo: str) -> Decision:
    """What was decided of what, why, and the argument that decides otherwise."""
    return {"what": what, "decided": said, "why": why, "undo": undo}
