"""A plan that was carried out, carried out again: the same members on all rows, and nothing searched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelwright.core.blas import blas_threads
from modelwright.core.errors import ArgumentError
from modelwright.core.rng import Seed
from modelwright.core.wording import counted, warn_caller
from modelwright.tasks.assembly import Made, described
from modelwright.tasks.blend import Blend
from modelwright.tasks.checks import NAMES, skipped
from modelwright.tasks.decisions import decision
from modelwright.tasks.estimation import Job
from modelwright.tasks.frame import told
from modelwright.tasks.gathered import Gathered, Said
from modelwright.tasks.known_rows import KnownRows
from modelwright.tasks.learners import Learner, learner, names
from modelwright.tasks.members import Member
from modelwright.tasks.thresholds import Cut


def fitted_again(
    plan: Mapping[str, Any], data: Gathered, job: Job, said: Said
) -> tuple[dict[str, Any], list[tuple[Member, float, str]]]:
    """What a predictor is made of: on the same rows the same one.

    Raises:
        ArgumentError: it decides between other classes, which it does not name: it is of an earlier version.
    """
    cut = Cut.of(plan)
    if len(cut.factors) not in (0, job.classes):
        what = f"the plan decides between {len(cut.factors)} classes, the target has {job.classes}"
        raise ArgumentError(what, where="fit, plan", hint="Search anew without plan=.")
    made, weights = [], []
    for entry in plan["members"]:
        parts = _whole(entry, plan, job) if entry["whole"] else _units(entry, plan, job)
        named = {name: entry[name] for name in ("trial", "name", "whole")}
        made.append(Made(**named, parts=parts, bytes=0, threads=_threads(entry, plan)))
        weights.append(float(entry["weight"]))
    blend = Blend(
        trials=tuple(one.trial for one in made),
        weights=tuple(weights),
        rounds=tuple(entry["rounds"] for entry in plan["members"]),
        values=(float("nan"),) * len(made),
        score=float(plan["score"]),
        spread=float(plan["spread"]),
        selected=float(plan["score"]),
        temperature=float(plan["temperature"]),
        cut=cut,
        known_rows=plan.get("known_rows"),
    )
    body = described(data, job, said, blend, made, weights)
    body["plan"] |= {name: plan[name] for name in ("said", "how", "split") if name in plan}
    checks = [one.to_json() for one in skipped(NAMES, "a plan was carried out again")]
    bought = "the same model without a search; the score is that of the fit that the plan is from"
    why = "an earlier fit had decided all of it"
    decisions = [decision("plan", "carried out again", why, "leave plan= out", bought)]
    body |= {"checks": checks, "leaderboard": _board(made, weights), "decisions": decisions, "carried_out": True}
    _tell(data)
    parts_of = [
        (part, weight / len(one.parts), one.name)
        for one, weight in zip(made, weights, strict=True)
        for part in one.parts
    ]
    return body, parts_of


def _board(made: Sequence[Made], weights: Sequence[float]) -> list[dict[str, Any]]:
    """Rows for what is deployed and for each member; without scores, since nothing was judged."""
    found: list[dict[str, Any]] = [{"model": "ensemble", "weight": 1.0, "why": counted(len(made), "member")}]
    for one, weight in zip(made, weights, strict=True):
        config = dict(one.parts[0].config)
        found.append({"model": one.name, "weight": weight, "why": "in the plan", "config": config})
    return found


def _tell(data: Gathered) -> None:
    """Warn of levels that the order of their column, which is the plan's, has no place for."""
    ordered = {column.name for column in data.schema.columns if column.kind == "ordinal"}
    said = told([note for note in data.frame.notes if note.kind == "unseen levels" and note.data["column"] in ordered])
    if said:
        warn_caller(f"{said}, and that have no place in the order it knows")


def recalled_rows(job: Job, known: Mapping[str, Any] | None) -> KnownRows | None:
    """The rows that are known, where they count: ``known`` as the plan has it."""
    if known is None:
        return None
    strength = float(known["strength"])
    return KnownRows.of(job.frame, job.aim(), job.weight, strength=strength, classes=job.classes)


def _whole(entry: Mapping[str, Any], plan: Mapping[str, Any], job: Job) -> tuple[Member, ...]:
    seeds = (
        Seed(int(plan["seed"])).child("features", "all").integer(),
        Seed(entry["seed"]).child("unit", "all").integer(),
    )
    return (_member(entry, plan, job, slice(None), seeds, entry["rounds"]),)


def _units(entry: Mapping[str, Any], plan: Mapping[str, Any], job: Job) -> tuple[Member, ...]:
    found = []
    rounds = entry.get("unit_rounds", [entry["rounds"]] * entry["units"])
    for unit in range(min(entry["units"], job.split.units)):  # a class with fewer rows is divided into fewer folds
        on, _ = job.split.rows(unit)
        features = Seed(int(plan["seed"])).child("features", unit).integer()
        seeds = features, Seed(entry["seed"]).child("unit", unit).integer()
        found.append(_member(entry, plan, job, on, seeds, rounds[unit]))
    return tuple(found)


def _kind(entry: Mapping[str, Any], job: Job) -> Learner:
    """The learner of a member.

    Raises:
        ArgumentError: it was an estimator of the user's own, and is not there.
    """
    name = entry["learner"]
    if name in job.learners or name in names():
        return job.learners.get(name) or learner(name)
    raise ArgumentError(
        f"{entry['name']!r} is an estimator of your own, which a plan does not keep", where="fit, plan",
        hint="Pass models=[...] with it again; that goes for refit too.",
    )  # fmt: skip


def _threads(entry: Mapping[str, Any], plan: Mapping[str, Any]) -> int:
    """Threads of a member's fits; plans of earlier versions have one number for all."""
    return int(entry.get("threads", plan["threads"]))


def _member(
    entry: Mapping[str, Any],
    plan: Mapping[str, Any],
    job: Job,
    rows: np.ndarray | slice,
    seeds: tuple[int, int],
    rounds: int | None,
) -> Member:
    kind, threads = _kind(entry, job), _threads(entry, plan)
    frame = job.frame if isinstance(rows, slice) else job.frame.take(rows)
    weight = job.weight if isinstance(rows, slice) else job.weighing(rows)
    recipe = kind.features(job.frame, entry["config"])
    classes = job.classes or None
    with blas_threads(threads):  # as the candidate was fitted
        fitted, matrix = recipe.fit(frame, job.aim(rows), job.task, weight=weight, seed=seeds[0], classes=classes)
        model = kind.fit(
            matrix,
            job.aim(rows),
            job.task,
            config=entry["config"],
            weight=weight,
            rounds=rounds,
            again=rounds is not None,
            seed=seeds[1],
            threads=threads,
            classes=classes,
            metric=job.metric.guide,
        )
    return Member(kind.name, entry["config"], fitted, model)
