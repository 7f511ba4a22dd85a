"""What a fit decided without being asked: each with why, and what decides otherwise. Decides nothing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modelwright.tasks.blend import Blend
from modelwright.tasks.gathered import Gathered

Decision = dict[str, str]


def decided(data: Gathered, blend: Blend, members: int, tried: int, ended: str) -> list[Decision]:
    """The decisions of a fit.

    Args:
        members: how many are deployed.
        tried: candidates.
        ended: why no more of them were.
    """
    target, metric, split = data.target, data.metric, data.split
    shown = f"{metric.name} {blend.score:.5g} on rows that neither models nor weights had seen"
    found = [
        _of("task", target.task, target.why, "task="),
        _of("metric", metric.name, "asked for, or the usual one for the task", "metric="),
        _of("validation", split.said, f"{data.frame.rows:,} rows, and the time there is", "folds="),
        _of("candidates", f"{tried} tried", ended or "the budget", "seconds= or trials="),
        _of("ensemble", f"{members} of {len(blend.trials)} chosen members", shown, "models=['lightgbm'] for one kind"),
    ]
    for column in data.schema.columns:
        if not column.used:
            why = str(column.details.get("why", column.kind))
            found.append(
                _of("column", f"{column.name!r} left out: {column.kind}", why, f"kinds={{{column.name!r}: ...}}")
            )
    if blend.temperature != 1.0:
        found.append(_of("calibration", f"temperature {blend.temperature:.3f}", "less log loss out of fold", ""))
    if blend.threshold != 0.5:
        why = f"the best {metric.name} out of fold"
        found.append(_of("threshold", f"{blend.threshold:.3f}", why, "predict_proba leaves the decision to you"))
    if split.kind != "time" and any(column.kind == "datetime" for column in data.schema.columns):
        why = "there is a column of dates: if new rows come later than these, time= judges models as they will be used"
        found.append(_of("left to you", "order in time is not kept", why, "time="))
    return found


def leaves_out(name: str) -> Decision:
    """The decision to leave out a column that leaks."""
    return _of("column", f"{name!r} left out", "it near-certainly leaks", "drop_suspected=False")


def unconstrained(monotone: Mapping[str, int], able: Sequence[str], unable: Sequence[str]) -> Decision:
    """The decision to leave out learners that cannot hold to monotone constraints."""
    names = ", ".join(map(repr, monotone))
    said = f"{names} {'is' if len(monotone) == 1 else 'are'} held to by {', '.join(able)}"
    why = f"{', '.join(unable)} cannot, and left out" if unable else "all learners that take part can"
    return _of("monotone", said, why, "monotone=")


def _of(what: str, said: str, why: str, undo: str) -> Decision:
    return {"what": what, "decided": said, "why": why, "undo": undo}
