"""Putting a predictor together: its members from the files of their trials, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.core.errors import StoreError
from modelwright.core.history import Row
from modelwright.core.rng import Seed
from modelwright.store.artifacts import Artifacts
from modelwright.tasks.ensemble.blend import Blend
from modelwright.tasks.ensemble.members import Member, read_member
from modelwright.tasks.learners.base import SETTLED
from modelwright.tasks.scoring.bounds import bounds
from modelwright.tasks.scoring.goal import kept_goal
from modelwright.tasks.search.compared import Compared
from modelwright.tasks.search.estimation import MODEL, Job
from modelwright.tasks.search.gathered import Gathered, Said

#: By what the file of a fit on all rows is called.
WHOLE = "model"
#: What stands for all rows where a unit has a number.
ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A member as it is deployed: one model of all rows, or those of units.

    Attributes:
        whole: whether it was fitted on all rows.
        bytes: of its files.
        units: of which its models are, in their order; some of a candidate's may be gone.
        threads: of the fit of each: another number of them may be another model.
        cut: whether the clock ended any fit of its candidate before it was ready.
    """

    trial: int
    name: str
    parts: tuple[Member, ...]
    whole: bool
    bytes: int
    units: tuple[int | str, ...] = (ALL,)
    threads: tuple[int, ...] = (1,)
    cut: bool = False

    @property
    def rounds(self) -> int | None:
        """Of the model that is deployed, or of the first of several."""
        return self.parts[0].model.facts.get("rounds")

    def fits(self, job: Job) -> list[dict[str, Any]]:
        """How each of its models was fitted, so that it can be again: on which rows, with how many rounds and threads.

        With how long a network was to be trained at first, too, which other rows would make another number.
        """
        found = []
        for unit, part, threads in zip(self.units, self.parts, self.threads, strict=True):
            facts = part.model.facts
            long = {name: facts[name] for name in SETTLED if name in facts}
            rows = len(fitted_on(unit, job))
            found.append({"unit": unit, "rows": rows, "rounds": facts.get("rounds"), "threads": threads} | long)
        return found


def fitted_on(unit: int | str, job: Job) -> np.ndarray:
    """The rows that the model of a unit is fitted on; every one where it is of all."""
    return np.arange(len(job.y)) if unit == ALL else job.split.rows(int(unit))[0]


def name_of(row: Row) -> str:
    """By what a candidate is called.

    >>> from modelwright.core.history import Row
    """
    return f"{row.config[MODEL]} {row.number}"


def cut_short(row: Row) -> bool:
    """Whether the clock ended a fit of a candidate before it was ready."""
    return "deadline" in (row.facts.get("ended") or ())


def assembled(row: Row, files: Artifacts, job: Job) -> Made | None:
    """The member of a trial: its fit on all rows, else the models of its units; None where no file can be read."""
    kept = row.artifacts.get(WHOLE)
    if kept is not None:
        try:
            part = read_member(files.fetch(kept), kept.sha256)
            threads = int(row.facts.get("threads", job.threads))
            return Made(
                trial=row.number, name=name_of(row), parts=(part,), whole=True, bytes=kept.size, threads=(threads,),
                cut=cut_short(row),
            )  # fmt: skip
        except StoreError:
            pass  # a file that was lost: the models of units stand in for it
    parts, units, size = [], [], 0
    for unit in range(job.split.units):
        kept = row.artifacts.get(f"member{unit}")
        if kept is None:
            continue
        try:
            parts.append(read_member(files.fetch(kept), kept.sha256))
        except StoreError:
            continue
        units.append(unit)
        size += kept.size
    if not parts:
        return None
    known = dict(enumerate(row.facts.get("unit_threads") or ()))  # earlier calls may have had other cores
    return Made(
        trial=row.number, name=name_of(row), parts=tuple(parts), whole=False, bytes=size, units=tuple(units),
        threads=tuple(int(known.get(unit) or job.threads) for unit in units), cut=cut_short(row),
    )  # fmt: skip


def described(
    data: Gathered, job: Job, said: Said, blend: Blend, members: Sequence[Made], weights: Sequence[float]
) -> dict[str, Any]:
    """What a predictor knows besides its members; plain values."""
    return {
        "schema": data.schema.to_json(),
        "target": data.target.to_json(),
        "metric": data.metric.name,
        "higher": data.metric.higher,
        "link": data.metric.link,
        "range": list(bounds(data.y, positive=data.metric.above_zero)) if job.task == "regression" else [0.0, 1.0],
        "temperature": blend.temperature,
        "threshold": blend.cut.threshold,
        "factors": list(blend.cut.factors),
        "score": blend.score,
        "spread": blend.spread,
        "rows": data.frame.rows,
        "split": data.split.to_json(),
        "judged": dict(blend.judged),
        "plan": _plan(data, job, said, blend, members, weights),
    }


def _plan(
    data: Gathered, job: Job, said: Said, blend: Blend, members: Sequence[Made], weights: Sequence[float]
) -> dict[str, Any]:
    """What was carried out, so that it can be done again."""
    entries = []
    for made, weight in zip(members, weights, strict=True):
        first = made.parts[0]
        entries.append(
            {
                "trial": made.trial,
                "name": made.name,
                "learner": first.learner,
                "config": dict(first.config),
                "weight": weight,
                "rounds": made.rounds,
                "cut": made.cut,
                "seed": Seed(job.seed).trial(made.trial).root,
                "whole": made.whole,
                "units": len(made.parts),
                "threads": made.threads[0],
                "fits": made.fits(job),
            }
        )
    return {
        "format": 1,
        "columns": data.schema.kept(),
        "target": data.target.name,
        **kept_goal(data.target),
        "metric": data.metric.name,
        "seed": said.seed,
        "threads": job.threads,
        "split": data.split.to_json(),
        "temperature": blend.temperature,
        "threshold": blend.cut.threshold,
        "factors": list(blend.cut.factors),
        "known_rows": None if blend.known_rows is None else dict(blend.known_rows),
        "score": blend.score,
        "spread": blend.spread,
        "members": entries,
    }


def board(
    rows: Sequence[Row], job: Job, blend: Blend, members: Sequence[Made], weights: Sequence[float]
) -> list[dict[str, Any]]:
    """The rows of the leaderboard: what is deployed, then all candidates from the best to the worst."""
    made = {one.trial: (one, weight) for one, weight in zip(members, weights, strict=True)}
    several = len(members) > 1
    found = [
        {
            "model": "ensemble",
            "score": blend.score,
            "spread": blend.spread,
            "selected": False,
            "units": blend.units or None,
            "weight": 1.0,
            "fit_seconds": _fit_seconds({row.number: row for row in rows}, members),
            "mb": sum(one.bytes for one in members) / 1e6,
            "why": f"{len(members)} members" if several else "the best candidate",
        }
    ]
    for row in Compared(rows, job).rows:
        scores = np.array([score for score in row.facts["scores"] if score is not None], float)
        own = made.get(row.number)
        found.append(
            {
                "model": name_of(row),
                "score": float(scores.mean()),
                "spread": _error(scores, job.split.folds),
                "selected": True,
                "units": len(row.facts["scores"]),
                "fit_seconds": row.facts.get("fit_seconds"),
                "row_us": row.facts.get("row_us"),
                "mb": own[0].bytes / 1e6 if own else None,
                "weight": own[1] if own else None,
                "why": _why(row, own is not None, job),
                "config": dict(row.config),
            }
        )
    return found


def _fit_seconds(rows: Mapping[int, Row], members: Sequence[Made]) -> float | None:
    """Seconds of the fits of all models that are deployed; None where one of them was no candidate's."""
    total = 0.0
    for made in members:
        facts = rows[made.trial].facts if made.trial in rows else {}
        seconds = facts.get("refit_seconds" if made.whole else "fit_seconds")
        if seconds is None:
            return None
        total += float(seconds) * len(made.parts)
    return total


def _why(row: Row, member: bool, job: Job) -> str:
    found = str(row.note.get("by", ""))
    units, cut = len(row.facts["scores"]), ", cut short" if cut_short(row) else ""
    if member:
        return f"{found}: in the ensemble{cut}"
    return f"{found}: after {units} of {job.split.units}{cut}" if units < job.split.units else f"{found}{cut}"


def _error(scores: np.ndarray, folds: int) -> float | None:
    """Standard error of a mean over units: further repeats judge by the same rows again."""
    return float(scores.std(ddof=1) / np.sqrt(min(len(scores), folds))) if len(scores) > 1 else None
