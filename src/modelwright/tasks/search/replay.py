"""A plan that was carried out, carried out again: the same members on all rows, and nothing searched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelwright.core.blas import blas_threads
from modelwright.core.errors import ArgumentError, ModelwrightError
from modelwright.core.rng import Seed
from modelwright.core.wording import counted, warn_caller
from modelwright.tasks.account.decisions import decision
from modelwright.tasks.checks import NAMES, skipped
from modelwright.tasks.data.frame import told
from modelwright.tasks.data.known_rows import KnownRows
from modelwright.tasks.ensemble.assembly import ALL, Made, described, fitted_on
from modelwright.tasks.ensemble.blend import Blend
from modelwright.tasks.ensemble.members import Member
from modelwright.tasks.learners import Learner, learner, names
from modelwright.tasks.learners.base import SETTLED, WARNED
from modelwright.tasks.scoring.thresholds import Cut
from modelwright.tasks.search.estimation import Job
from modelwright.tasks.search.gathered import Gathered, Said
from modelwright.tasks.search.warned import say


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
        fits = _fits(entry, plan, job)
        named = {name: entry[name] for name in ("trial", "name", "whole")}
        units, threads = (tuple(fit[name] for fit in fits) for name in ("unit", "threads"))
        parts = tuple(_member(entry, fit, plan, job) for fit in fits)
        made.append(Made(**named, parts=parts, bytes=0, units=units, threads=threads))
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
    say({one.name: [said for part in one.parts for said in part.model.facts.get(WARNED, ())] for one in made})
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
    """Warn of levels that the order of their column, which is the plan's, has no place for; and of other units."""
    ordered = {column.name for column in data.schema.columns if column.kind == "ordinal"}
    said = told([note for note in data.frame.notes if note.kind == "unseen levels" and note.data["column"] in ordered])
    if said:
        warn_caller(f"{said}, and that have no place in the order it knows")
    if said := told([note for note in data.frame.notes if note.kind == "otherwise written"]):
        warn_caller(said)


def recalled_rows(job: Job, known: Mapping[str, Any] | None) -> KnownRows | None:
    """The rows that are known, where they count: ``known`` as the plan has it."""
    if known is None:
        return None
    strength = float(known["strength"])
    return KnownRows.of(job.frame, job.aim(), job.weight, strength=strength, classes=job.classes)


def _fits(entry: Mapping[str, Any], plan: Mapping[str, Any], job: Job) -> list[Mapping[str, Any]]:
    """How each model of a member was fitted."""
    fits = entry.get("fits")
    if fits is None:  # of an earlier version: the first units there were, and one number of threads for all
        units = [ALL] if entry["whole"] else list(range(entry["units"]))
        rounds = entry.get("unit_rounds", [entry["rounds"]] * len(units))
        threads = int(entry.get("threads", plan["threads"]))
        fits = [{"unit": unit, "rounds": one, "threads": threads} for unit, one in zip(units, rounds, strict=True)]
    if all(fit["unit"] == ALL or fit["unit"] < job.split.units for fit in fits):
        return list(fits)
    # A class with fewer rows is divided into fewer folds.
    return [{**fit, "unit": unit} for unit, fit in enumerate(fits[: job.split.units])]


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


def _member(entry: Mapping[str, Any], fit: Mapping[str, Any], plan: Mapping[str, Any], job: Job) -> Member:
    """One model of a member.

    Raises:
        ArgumentError: its learner refuses its settings, or fails with them on these rows.
    """
    kind = _kind(entry, job)
    try:
        return _fitted(kind, entry, fit, plan, job)
    except ModelwrightError:
        raise
    except Exception as error:  # each library has errors of its own
        raise ArgumentError(
            f"the member {entry['name']!r:.60} cannot be fitted again: {type(error).__name__}: {error!s:.200}",
            where="fit, plan", hint="Its settings are in plan['members']. Search anew without plan=.",
        ) from error  # fmt: skip


def _fitted(
    kind: Learner, entry: Mapping[str, Any], fit: Mapping[str, Any], plan: Mapping[str, Any], job: Job
) -> Member:
    unit, threads = fit["unit"], int(fit["threads"])
    rows: np.ndarray | slice = slice(None) if unit == ALL else fitted_on(unit, job)
    fit = kind.anew(fit, len(job.y) if isinstance(rows, slice) else len(rows))
    rounds = fit["rounds"]
    frame = job.frame if isinstance(rows, slice) else job.frame.take(rows)
    weight = job.weight if isinstance(rows, slice) else job.weighing(rows)
    recipe = kind.features(job.frame, entry["config"])
    classes = job.classes or None
    with blas_threads(threads):  # as the candidate was fitted
        seed = Seed(int(plan["seed"])).child("features", unit).integer()
        fitted, matrix = recipe.fit(frame, job.aim(rows), job.task, weight=weight, seed=seed, classes=classes)
        model = kind.fit(
            matrix,
            job.aim(rows),
            job.task,
            config={**entry["config"], **{name: fit[name] for name in SETTLED if name in fit}},
            weight=weight,
            rounds=rounds,
            again=rounds is not None,
            seed=Seed(entry["seed"]).child("unit", unit).integer(),
            threads=threads,
            classes=classes,
            metric=job.metric.guide,
        )
    return Member(kind.name, entry["config"], fitted, model)
