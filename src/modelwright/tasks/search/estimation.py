"""The estimation of a candidate for a table: fits it on unit after unit of the split, then on all rows.

Owns one trial: features, model, predictions for rows it was not fitted on. Does not know why a trial runs.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core import codec
from modelwright.core.blas import blas_threads
from modelwright.core.clock import SystemClock
from modelwright.core.errors import StoreError, StudyError
from modelwright.core.records import Artifact, Outcome, Task
from modelwright.core.rng import Seed
from modelwright.core.wording import counted, each_once
from modelwright.estimation.base import Estimation, Reporter
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.ensemble.members import Member, save_member
from modelwright.tasks.learners import Learner
from modelwright.tasks.learners.base import BROKEN_OFF, MORE, WARNED
from modelwright.tasks.learners.nested import fit_and_hold
from modelwright.tasks.scoring.bounds import bounds
from modelwright.tasks.scoring.metrics import Metric
from modelwright.tasks.scoring.thresholds import attained
from modelwright.tasks.scoring.validation import Split, over_units
from modelwright.tasks.speed import busy, microseconds
from modelwright.training.checkpoint import read_checkpoint, save_checkpoint
from modelwright.training.failure import outcome_of
from modelwright.training.kept import artifacts_of

#: The decision that names the learner; its own decisions are called ``<learner>/<name>``.
MODEL = "model"
#: Rows that are predicted to see how long a row takes.
_TIMED = 1000
#: Share of the target's spread that single precision may be off by.
_OFF = 1e-5
#: Share of its rounds that a fit on all rows has to reach.
_ENOUGH = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is the same for all candidates.

    Attributes:
        y: classes as integers, or numbers, (rows,).
        weight: of each row while a model is fitted to all, or None; of those that candidates see ``weighing``.
        judging: of each row, or None; of those that judge ``judging_by``.
        labels: what the metric calls the classes.
        threads: cores of one fit.
        bags: whether the models of all units are kept, to be used together.
        monotone: raw column -> 1 or -1, of every candidate.
        kept: bytes of matrices that a process keeps for candidates with the same features.
        recalls: whether known answers for a row that comes again may count.
        barred: learners that an earlier call tried, and whose candidates are no members now.
    """

    frame: Frame
    y: np.ndarray
    task: str
    classes: int
    weight: np.ndarray | None
    split: Split
    metric: Metric
    learners: Mapping[str, Learner]
    seed: int
    judging: np.ndarray | None = None
    threads: int = 1
    bags: bool = False
    monotone: Mapping[str, int] = field(default_factory=dict)
    kept: int = 400 << 20
    recalls: bool = False
    barred: tuple[str, ...] = ()

    @property
    def steps(self) -> int:
        """Units, and the fit on all rows."""
        return self.split.units + 1

    def aim(self, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """What learners are fitted to: the target, or the logarithm of 1 + target where the metric is about that."""
        y = self.y[rows]
        return np.log1p(y) if self.metric.link == "log1p" else y

    def natural(self, predicted: np.ndarray, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Predictions of a learner fitted to ``rows`` as they are deployed: in units and range of the target."""
        if self.task != "regression":
            return predicted
        found = np.expm1(predicted) if self.metric.link == "log1p" else predicted
        return np.clip(found, *bounds(self.y[rows], positive=self.metric.above_zero))

    @property
    def precision(self) -> type[np.floating]:
        """In what predictions are kept: single, but double for targets whose spread is small beside their size."""
        off = float(np.finfo(np.float32).eps * np.abs(self.y).max(initial=0.0))
        return np.float64 if self.task == "regression" and off > _OFF * float(np.std(self.y)) else np.float32

    def weighing(self, rows: np.ndarray) -> np.ndarray | None:
        """Weights of rows that candidates see, while a model is fitted to them."""
        return self._standing(self.weight, rows)

    def judging_by(self, rows: np.ndarray) -> np.ndarray | None:
        """Weights of rows that judge."""
        return self._standing(self.judging, rows)

    def _standing(self, weight: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
        stands, own = self.split.stands, None if weight is None else weight[rows]
        if stands is None:
            return own
        return stands[rows] if own is None else stands[rows] * own

    def longer(self, config: Mapping[str, Any], unit: int, rounds: int) -> float:
        """Rounds of a fit on all rows for each of so many on the rows of ``unit``; see ``Learner.longer``."""
        rows = max(1, len(self.split.rows(unit)[0]))
        return self.learners[str(config[MODEL])].longer(rounds, rows, len(self.y))

    @property
    def objective(self) -> str:
        return f"val_{self.metric.name}"

    def own(self, config: Mapping[str, Any]) -> tuple[Learner, dict[str, Any]]:
        """The learner of a candidate, and what is decided of it."""
        name = str(config[MODEL])
        prefix = f"{name}/"
        own = {k[len(prefix) :]: v for k, v in config.items() if k.startswith(prefix)}
        return self.learners[name], own | ({"monotone": dict(self.monotone)} if self.monotone else {})


class TableEstimation(Estimation):
    """Fits candidates on units of a split."""

    resumable = True

    def __init__(self, job: Job):
        self.job, self.steps = job, job.steps
        self._matrices: OrderedDict[Any, Any] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        return {"job": self.job, "steps": self.steps, "_matrices": OrderedDict()}

    def estimate(self, task: Task, reporter: Reporter) -> Outcome:
        began = time.perf_counter()
        try:
            outcome = _Trial(self.job, self._matrices, task, reporter).run()
        except Exception as error:
            outcome = outcome_of(error)
        return replace(outcome, duration=time.perf_counter() - began)

    def close(self) -> None:
        self._matrices.clear()


class _Trial:
    """One task on its way."""

    def __init__(self, job: Job, matrices: OrderedDict[Any, Any], task: Task, reporter: Reporter):
        began = time.monotonic()
        self.job, self.matrices, self.task, self.reporter = job, matrices, task, reporter
        self.threads = job.threads
        self.learner, self.config = job.own(task.config)
        self.learner.load()
        loaded = time.monotonic()
        self.recipe = self.learner.features(job.frame, self.config)
        self.note: dict[str, Any] = {"phase": task.note.get("phase", "portfolio")}
        self.deadline: float | None = None
        self.limit: float | None = None
        if self.note["phase"] == "refit":  # the seconds were the candidate's; and what opened this may be a while ago
            if "until" in task.note:
                self.deadline = loaded + max(0.0, float(task.note["until"]) - SystemClock().wall())
            return
        self.note["load_seconds"] = round(loaded - began, 3)
        if task.note.get("seconds") is not None:
            # Its own seconds begin when it can; those of all have gone on since it was proposed.
            self.deadline = loaded + float(task.note["seconds"])
            if task.note.get("left") is not None:
                self.limit = began - task.waited + float(task.note["left"])
                self.deadline = min(self.deadline, self.limit)

    def run(self) -> Outcome:
        self.reporter.traced(dict(self.task.config), ())
        again = self.note["phase"] == "refit"
        if again and "threads" in self.task.note:
            self.threads = int(self.task.note["threads"])
        # Features take linear algebra as learners do. On a busy machine threads wait for one that has no core.
        with blas_threads(self.threads):
            return self._refit() if again else self._validate()

    # --- unit after unit -----------------------------------------------------------------------------

    def _validate(self) -> Outcome:
        job = self.job
        arrays, state = self._earlier()
        first, last = round(self.task.start * job.steps), round(self.task.stop * job.steps)
        scores, facts = list(state.get("scores", ())), list(state.get("facts", ()))
        members: dict[str, Artifact] = {}
        stopped = "go"
        for unit in range(first, min(last, job.split.units)):
            if unit > first and self._late(facts):
                break
            member, predicted, fact = self._fit_unit(unit)
            if predicted is None:
                break
            arrays[f"unit{unit}"] = predicted.astype(job.precision)
            scores.append(self._score(unit, predicted))
            facts.append(fact)
            if unit == 0 or job.bags:
                members[f"member{unit}"] = self._keep_member(member, f"member{unit}.mw")
            fidelity = (unit + 1) / job.steps
            if math.isfinite(value := over_units(scores)):
                stopped = self.reporter.report(unit + 1, {job.objective: value}, fidelity)
            if stopped != "go":
                break
        reached = len(scores) / job.steps
        if not scores:
            raise TimeoutError("the time was up before the first model was fitted")
        if not math.isfinite(value := over_units(scores)):
            rows = f"the rows of {counted(len(scores), 'fold')}"
            raise StudyError(
                f"{job.metric.name} has no value for the predictions", where=rows,
                hint="Do they hold one class alone, no weight, or predictions that overflow? folds= and groups= say "
                "which rows judge.",
            )  # fmt: skip
        state = {"scores": scores, "facts": facts}
        kept = artifacts_of(self.task).keep(
            Path(self.task.folder).name, "predictions.ckpt", lambda sink: save_checkpoint(sink, arrays, state)
        )
        self.note |= {
            "scores": [float(s) if math.isfinite(s) else None for s in scores],
            "fit_seconds": round(float(np.mean([f["seconds"] for f in facts])), 4),
            "again_seconds": round(float(np.mean([f.get("again", f["seconds"]) for f in facts])), 4),
            "row_us": microseconds(min(f["row_us"] for f in facts) / 1e6, 1),
            "row_ns": round(float(np.mean([f.get("row_ns", 0.0) for f in facts]))),
            **{name: [f.get(name) for f in facts] for name in ("rounds", "ended")},
            "unit_threads": [f.get("threads") for f in facts],
        }
        if said := [one for f in facts for one in f.get(WARNED, ())]:
            self.note[WARNED] = each_once(said)
        return Outcome(
            state="pruned" if stopped == "stop" else "complete",
            metrics={job.objective: value},
            fidelity=reached,
            artifacts={"checkpoint": kept, **members},
            note=self.note,
            stepwise=False,
        )

    def _late(self, facts: list[dict[str, Any]]) -> bool:
        """Whether another unit is unlikely to be ready in time."""
        if self.deadline is None:
            return False
        return time.monotonic() + 0.7 * float(np.median([f["seconds"] for f in facts])) > self.deadline

    def _earlier(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        if self.task.checkpoint is None:
            return {}, {}
        path = artifacts_of(self.task).fetch(self.task.checkpoint)
        arrays, state = read_checkpoint(path, sha256=self.task.checkpoint.sha256)
        return dict(arrays), state

    def _fit_unit(self, unit: int) -> tuple[Member | None, np.ndarray | None, dict[str, Any]]:
        job, began = self.job, time.perf_counter()
        on, off = job.split.rows(unit)
        features, matrix, held, prepared = self._matrices(unit, on, off)
        learning = time.perf_counter()
        fitted, choosing = fit_and_hold(
            self.learner,
            matrix,
            job.aim(on),
            job.task,
            config=self.config,
            within=job.split.tied(on),
            weight=job.weighing(on),
            valid=(held, job.aim(off), job.weighing(off)),
            ties=job.split.tied(off),
            deadline=self.deadline,
            limit=self.limit,
            seed=Seed(self.task.seed).child("unit", unit).integer(),
            threads=self.threads,
            classes=job.classes or None,
            metric=job.metric.guide,
        )
        seconds, learned = time.perf_counter() - began, time.perf_counter() - learning - choosing
        # What chose anything by the rows that judge is judged by what other rows chose.
        answers, fitted.held = fitted.held, None
        some, cores = held, self.threads
        if answers is not None or cores > 1:  # a row's time is that of one thread
            some, cores = held.take(np.arange(min(_TIMED, held.rows))), 1
        found, spent = busy(lambda: fitted.predict(some, threads=cores))
        if answers is None and some is not held:
            found = fitted.predict(held, threads=self.threads)
        predicted = job.natural(found if answers is None else answers, on)
        known, again = fitted.facts, prepared + learned
        if grown := known.get("grown"):  # a fit of as many rounds as are kept, with features of its own
            longer = job.longer(self.task.config, unit, known["rounds"])
            again = prepared + learned * min(longer / MORE, longer * known["rounds"] / grown)
        fact = {
            "seconds": seconds,
            "again": again,
            "threads": self.threads,
            "row_us": 1e6 * spent / max(1, some.rows),
            "row_ns": fitted.row_ns,
            "features": len(matrix.names),
        } | known
        return Member(self.learner.name, self.config, features, fitted), predicted, codec.to_plain(fact)

    def _matrices(self, unit: int, on: np.ndarray, off: np.ndarray) -> Any:
        """Features of a unit's rows, fitted on its training rows alone; kept for candidates with the same recipe."""
        key = (self.recipe.key, unit)
        if key in self.matrices:
            self.matrices.move_to_end(key)
            return self.matrices[key]
        job, began = self.job, time.perf_counter()
        fitted, matrix = self.recipe.fit(
            job.frame.take(on),
            job.aim(on),
            job.task,
            weight=job.weighing(on),
            classes=job.classes or None,
            seed=Seed(job.seed).child("features", unit).integer(),
        )
        seconds = time.perf_counter() - began
        found = fitted, matrix, fitted.transform(job.frame.take(off)), seconds
        self.matrices[key] = found
        while sum(m.values.nbytes + h.values.nbytes for _, m, h, _ in self.matrices.values()) > job.kept:
            self.matrices.popitem(last=False)
        return found

    def _score(self, unit: int, predicted: np.ndarray) -> float:
        off = self.job.split.rows(unit)[1]
        weight = self.job.judging_by(off)
        if weight is not None and not weight.any():
            return math.nan
        return float(attained(self.job.metric, self.job.y[off], predicted, weight, self.job.split.tied(off)))

    # --- all rows ------------------------------------------------------------------------------------

    def _refit(self) -> Outcome:
        job, began = self.job, time.perf_counter()
        fitted, matrix = self.recipe.fit(
            job.frame, job.aim(), job.task, weight=job.weight, classes=job.classes or None,
            seed=Seed(job.seed).child("features", "all").integer(),
        )  # fmt: skip
        model = self.learner.fit(
            matrix,
            job.aim(),
            job.task,
            config=self.config,
            weight=job.weight,
            rounds=self.task.note.get("rounds"),
            deadline=self.deadline,
            seed=Seed(self.task.seed).child("unit", "all").integer(),
            threads=self.threads,
            classes=job.classes or None,
            metric=job.metric.guide,
        )
        self.note["refit"] = codec.to_plain(dict(model.facts))
        value = float(self.task.note["value"])
        artifacts: dict[str, Artifact] = {}
        if self._is_whole(model.facts):
            member = Member(self.learner.name, self.config, fitted, model)
            artifacts["model"] = kept = self._keep_member(member, "member.mw")
            whole = model.facts.get("ended") != "deadline"
            reaches = (model.facts.get("rounds") or 0) if whole else None
            self.note |= {"bytes": kept.size, "threads": self.threads, "reaches": reaches}
        self.note["refit_seconds"] = round(time.perf_counter() - began, 4)
        if self.task.checkpoint is not None:
            artifacts["checkpoint"] = self.task.checkpoint
        return Outcome(
            state="complete" if self._is_last(model.facts) else "paused", metrics={job.objective: value}, fidelity=1.0,
            artifacts=artifacts, note=self.note, stepwise=False,
        )  # fmt: skip

    def _is_last(self, facts: Mapping[str, Any]) -> bool:
        """Whether no later call could want more of a fit: neither more time for it, nor more weight in the ensemble."""
        most = self.task.note.get("most") if self.learner.averages else None
        return facts.get("ended") != "deadline" and (most is None or facts["rounds"] >= most)

    def _is_whole(self, facts: Mapping[str, Any]) -> bool:
        """Whether a fit came far enough: nobody has judged what the clock has cut to a part of its rounds."""
        wanted = self.task.note.get("rounds")
        if facts.get("ended") != "deadline" or wanted is None:
            return facts.get("ended") != "deadline"
        # What is no sum of its rounds, as a network, is nothing before its end.
        enough = _ENOUGH if self.learner.boosted or self.learner.averages else 1.0
        return facts["rounds"] >= enough * wanted and facts.keys().isdisjoint(BROKEN_OFF)

    def _keep_member(self, member: Member | None, name: str) -> Artifact:
        if member is None:
            raise StoreError("there is no model to keep", where=name)
        trial = Path(self.task.folder).name
        return artifacts_of(self.task).keep(trial, name, lambda sink: save_member(sink, member))
