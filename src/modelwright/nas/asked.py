"""Names and weights that a search was asked for, checked before anything runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from modelwright.core.constraint import DURATION, Limit
from modelwright.core.errors import ArgumentError
from modelwright.core.objective import Objective
from modelwright.core.wording import did_you_mean, kind_of
from modelwright.nas.dataset import Dataset, balanced
from modelwright.nas.hardware import METRIC, is_latency
from modelwright.nas.measures import MEASURES
from modelwright.nas.task import METRICS, Task

#: What each trial has beside its metrics, for constraints.
_FACTS = ("epochs", "cpu_seconds", DURATION)
#: How others call them.
_ELSEWHERE = {
    "parameters": "params", "weights": "params", "flops": "operations", "memory": "peak_mb", "acc": "val_accuracy",
    "val_acc": "val_accuracy",
}  # fmt: skip
#: Labels that a message lists at most.
_LISTED = 8


def check_names(task: Task, objectives: Sequence[Objective], limits: Iterable[Limit], *, planned: bool) -> None:
    """Raise where an objective or a constraint names what no network of this search will have.

    Args:
        planned: whether a plan is to go by the objectives.

    Raises:
        ArgumentError: the name, what there is, and what may have been meant; or no plan can go by the objectives.
    """
    known = (*METRICS[task.kind], "loss", *MEASURES)
    for made in objectives:
        if made.name not in known and not is_latency(made.name):
            raise _unknown(made.name, known, "objective", task)
    for limit in limits:
        for name in limit.names:
            if name not in (*known, *_FACTS) and not is_latency(name):
                raise _unknown(name, (*known, *_FACTS), f"constraint {limit.text!r:.80}", task)
    if planned:
        check_planned(task, objectives)


def check_planned(task: Task, objectives: Sequence[Objective]) -> None:
    """Raise where no plan can go by the objectives: it names one winner, by what training shows.

    Raises:
        ArgumentError: there are several, or the one is known before anything is trained.
    """
    if len(objectives) > 1:
        raise ArgumentError(
            "a plan has one objective, by which it names a winner",
            where="nas.search",
            hint="Write plan=None for a Pareto front, or turn one objective into a constraint.",
        )
    name, judged = objectives[0].name, task.objective
    if name in MEASURES or is_latency(name):
        raise ArgumentError(
            f"the objective {name!r:.60} is known before training, so that a plan would go by it alone in every phase, "
            "and by nothing that a network has learned",
            where="nas.search",
            allowed=f"{', '.join((*METRICS[task.kind], 'loss'))}; with plan=None any",
            hint=f"Write objective={judged!r} with a constraint on {name}; or plan=None, "
            f"objective=[{judged!r}, {name!r}], and choose from study.front.",
        )


def _unknown(name: str, known: Sequence[str], where: str, task: Task) -> ArgumentError:
    meant = _ELSEWHERE.get(name, f"val_{name}")
    hint = f"Did you mean {meant!r}?" if meant in known else did_you_mean(name, known)
    if name == METRIC or name.startswith("latency"):
        hint = f"Name the runtime: {METRIC}@onnxruntime,b1, say."
    elif any({name, meant} & {*others} for kind, others in METRICS.items() if kind != task.kind):
        hint = f"{name} is no metric of {task.kind} targets. {hint}".rstrip()
    return ArgumentError(f"{name!r:.60} is not measured", where=where, allowed=", ".join(known), hint=hint)


def class_weights(given: Any, data: Dataset) -> dict[int, float] | None:
    """A weight for each output, of what a user wrote for labels.

    Raises:
        ArgumentError: the targets have no classes, a label is none of theirs, or a weight is no number from 0.
    """
    if given is None:
        return None
    if not data.task.one_class:
        raise ArgumentError(f"class_weight for {data.task.kind} targets", where="nas.search", hint="Leave it out.")
    if given == "balanced" and isinstance(given, str):
        return balanced(data)
    allowed = "a dict of labels and weights, or 'balanced'"
    if not isinstance(given, Mapping):
        said = f"={given!r:.60}" if isinstance(given, str) else f" is {kind_of(given)}"
        raise ArgumentError(f"class_weight{said}", where="nas.search", allowed=allowed)
    places = {label: i for i, label in enumerate(data.task.classes)}
    found: dict[int, float] = {}
    for label, weight in given.items():
        if label not in places:
            shown = ", ".join(map(repr, data.task.classes[:_LISTED])) + " ..." * (len(places) > _LISTED)
            raise ArgumentError(f"class_weight has the label {label!r:.60}", where="nas.search", allowed=shown)
        number = isinstance(weight, (int, float, np.number)) and not isinstance(weight, bool)
        if not number or not math.isfinite(weight) or weight < 0:
            raise ArgumentError(
                f"class_weight[{label!r:.60}] is {weight!r:.60}", where="nas.search", allowed="a number from 0"
            )
        found[places[label]] = float(weight)
    if not any(found.get(i, 1.0) for i in places.values()):
        raise ArgumentError("class_weight has a weight of 0 for every label", where="nas.search")
    return found
