"""One fit from its beginning to its end: candidates in a study, members on all rows, one predictor out of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from modelwright.api.naming import checked_name, checked_seed
from modelwright.api.running import RunSettings
from modelwright.api.tune import _open
from modelwright.core import records as r
from modelwright.core.clock import SystemClock
from modelwright.core.errors import ArgumentError, StudyError
from modelwright.core.history import Row
from modelwright.core.objective import Objective
from modelwright.core.wording import warn_caller
from modelwright.execute.base import Executor
from modelwright.execute.processes import ProcessExecutor
from modelwright.execute.serial import SerialExecutor
from modelwright.execute.threads import available_cores
from modelwright.frontends.subject import Prepared
from modelwright.store.artifacts import Artifacts
from modelwright.store.base import open_store
from modelwright.study.budget import Budget
from modelwright.tasks.assembly import Made, assembled, board, described
from modelwright.tasks.blend import Blend, blended
from modelwright.tasks.checks import Check
from modelwright.tasks.chosen import chosen_learners
from modelwright.tasks.decisions import decided, leaves_out
from modelwright.tasks.estimation import Job, TableEstimation
from modelwright.tasks.gathered import Gathered, Said, checked, without_suspects
from modelwright.tasks.plan import MEMBERS, REOPENED, PlanLeads, TablePlan, Timing, chosen
from modelwright.tasks.portfolio import portfolio, quick, space_of

if TYPE_CHECKING:
    from modelwright.api.study import Study
    from modelwright.tasks.predictor import Predictor

#: Seconds that the first model may take, in this process, and the share of all.
_QUICK, _QUICK_SHARE = 1.0, 0.25
#: Share of the seconds that checks may take; where all is shorter than so many seconds, nothing is searched.
_CHECKS, _SHORT = 0.05, 4.0
#: Seconds at the end that are kept for putting the predictor together, and the share of all.
_SAVING, _SAVING_SHARE = 0.4, 0.015
#: How often the search goes on where time is left for it: so many seconds, or such a share of all.
_ROUNDS, _WORTH, _WORTH_SHARE, _BLENDING = 2, 3.0, 0.1, 0.03
#: Reasons to end at which nothing more is begun.
_ENDED = ("interrupted", "cancelled", "stopped by")
#: Cells from which a fit has more than one thread.
_THREADED = 200_000
#: Fits on all rows that together take less are made in this process.
_SMALL = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How a fit is carried out; see ``mw.fit``."""

    preset: str
    seconds: float | None
    trials: int | None
    models: tuple[Any, ...] | None
    block: tuple[str, ...]
    drop_suspected: bool
    workers: int | None
    store: Any
    name: str | None
    verbose: int
    began: float


class Session:
    """See the module."""

    def __init__(self, data: Gathered, said: Said, asked: Asked):
        self.asked, self.said, self.clock = asked, said, SystemClock()
        self.found: list[Check] = []
        self.dropped: list[str] = []
        #: Seconds of earlier sessions of the same study.
        self.before = 0.0
        if asked.drop_suspected:
            self.found = checked(data, seed=said.seed, seconds=self._share(_CHECKS))
            data, self.dropped = without_suspects(data, said, self.found)
        self.data = data
        cores = len(available_cores())
        self.workers = asked.workers or (cores if asked.seconds is not None else 1)
        self.learners = chosen_learners(asked.models, asked.block, asked.preset, data.target.task)
        columns = max(1, len(data.frame.numbers) + len(data.frame.codes) + 20 * len(data.frame.texts))
        self.columns = columns
        self.job = Job(
            frame=data.frame,
            y=data.y,
            task=data.target.task,
            classes=len(data.target.classes),
            weight=data.weight,
            split=data.split,
            metric=data.metric,
            learners=self.learners,
            seed=checked_seed(said.seed),
            # Threads that wait for each other after each split of few rows cost more than they bring.
            threads=max(1, cores // self.workers) if data.frame.rows * columns > _THREADED else 1,
            bags=asked.preset == "best",
        )

    def _share(self, share: float) -> float | None:
        return None if self.asked.seconds is None else max(0.2, share * self.asked.seconds)

    def _left(self) -> float:
        """Seconds until all has to be ready."""
        assert self.asked.seconds is not None
        saving = max(_SAVING, _SAVING_SHARE * self.asked.seconds)
        return self.asked.seconds - self.before - (self.clock.monotonic() - self.asked.began) - saving

    # --- a search ------------------------------------------------------------------------------------

    def searched(self) -> Predictor:
        """Candidates, ensemble, fits on all rows."""
        job, data, asked = self.job, self.data, self.asked
        tree = space_of(self.learners, job.task, data.frame.rows, self.columns)
        rows = data.frame.rows

        def cost(config: Mapping[str, Any]) -> float:
            learner, own = job.own(config)
            return learner.cost(len(job.split.rows(0)[0]), self.columns, own)

        plan = TablePlan(
            portfolio(tree, self.learners),
            units=job.split.units,
            first=1 if rows >= 2_000 or job.split.units == 1 else min(job.split.units, job.split.folds),
            cost=cost,
            timing=Timing(
                seconds=asked.seconds,
                workers=self.workers,
                whole=rows / max(1, len(job.split.rows(0)[0])),
                refits=not job.bags,
            ),
        )
        study = self._opened(tree, plan)
        study._machine.proposer = PlanLeads()
        watching = self._checking()
        blend = self._searched_for(study, plan, tree)
        if blend is None:
            raise _nothing(study)
        members = self._refitted(study, plan, blend)
        watching()
        return self._predictor(study, blend, members)

    def _searched_for(self, study: Study, plan: TablePlan, tree: Any) -> Blend | None:
        """Try candidates; again while the fits on all rows turn out to need less time than was kept for them."""
        history = study._machine.history
        if chosen(history) is not None:
            if not self._more(study):
                return self._blend(study)
            study._journal.begin()
            study._journal.write([r.Noted(kind=REOPENED)])
        self._tried(study, plan, tree)
        blend = self._blend(study)
        for _ in range(_ROUNDS):
            if self.asked.seconds is None or blend is None or self.asked.seconds < _SHORT:
                break
            needs = 0.5 + 1.3 * sum(plan.refit_seconds(history.rows[n]) for n in blend.trials) / self.workers
            needs = 0.0 if self.job.bags else needs
            left = self._left()
            if left - needs < max(_WORTH, _WORTH_SHARE * self.asked.seconds) or study._stopped.startswith(_ENDED):
                break
            plan.reserved = needs + self.asked.seconds - left - study.elapsed + _BLENDING * self.asked.seconds
            tried = len(history.rows)
            self._tried(study, plan, tree)
            if len(history.rows) == tried:
                break
            blend = self._blend(study)
        return blend

    def _more(self, study: Study) -> bool:
        """Whether there is something left to spend on candidates, after an earlier call had chosen its members."""
        if self.asked.seconds is not None:
            return self._left() > max(_WORTH, _WORTH_SHARE * self.asked.seconds)
        return len(study._machine.history.rows) < (self.asked.trials or 0)

    def _opened(self, tree: Any, plan: TablePlan) -> Study:
        asked, data = self.asked, self.data
        direction = "max" if data.metric.higher else "min"
        prepared = Prepared(
            estimation=TableEstimation(self.job),
            tree=tree,
            objectives=(Objective(self.job.objective, direction),),
            kind="table",
            unit="fold",
            described=f"fit {data.target.name!r}",
            closed=True,
            facts={"task": data.target.task, "rows": data.frame.rows, "split": data.split.to_json()},
        )
        opening = {"seed": self.said.seed, "artifacts": None, "keep_bytes": None, "pickled": False, "log": None}
        store, name = open_store(asked.store), checked_name(asked.name)
        budget = Budget(trials=asked.trials, seconds=asked.seconds)
        study = _open(prepared, plan, store, name, budget, opening)
        self.before = study.elapsed
        study._settings = RunSettings(
            estimation=prepared.estimation,
            budget=budget,
            workers=self.workers,
            verbose=asked.verbose,
            subject=prepared.described,
            unit=prepared.unit,
            began=asked.began,
        )
        return study

    def _checking(self) -> Callable[[], None]:
        """Look through the data beside the search; call what comes back to wait for it."""
        if self.asked.drop_suspected:
            return lambda: None
        broken: list[Exception] = []

        def look() -> None:
            try:
                self.found = checked(self.data, seed=self.said.seed, seconds=self._share(_CHECKS))
            except Exception as error:
                broken.append(error)

        if self.asked.seconds is not None and self.asked.seconds < _SHORT:
            return lambda: None
        thread = threading.Thread(target=look, name="modelwright-checks", daemon=True)
        thread.start()

        def wait() -> None:
            thread.join(None if self.asked.seconds is None else max(0.0, self._left()))
            if broken:
                warn_caller(f"the data checks ended early: {broken[0]}")

        return wait

    def _tried(self, study: Study, plan: TablePlan, tree: Any) -> None:
        """A first model in this process, then candidates in workers."""
        whole, history = study._settings, study._machine.history
        assert whole is not None
        if self.asked.seconds is not None:
            seconds = min(_QUICK, _QUICK_SHARE * self.asked.seconds)
            if not history.rows:
                plan.first_model = (quick(tree, self.learners), seconds)
                self._run(study, Budget(trials=1, seconds=self.asked.seconds), SerialExecutor(), 1)
                plan.first_model = None
            if self.asked.seconds < _SHORT:
                return
        executor = SerialExecutor() if self.workers == 1 and self.asked.seconds is None else None
        self._run(study, whole.budget, executor, self.workers)

    def _run(self, study: Study, budget: Budget, executor: Executor | None, workers: int) -> None:
        whole = study._settings
        assert whole is not None
        if executor is None:
            executor = ProcessExecutor(workers)
        study._settings = replace(whole, budget=budget, executor=executor, workers=workers, whole=whole.budget)
        try:
            study._run()
        finally:
            study._settings = whole

    # --- the ensemble --------------------------------------------------------------------------------

    def _blend(self, study: Study) -> Blend | None:
        return blended(study._machine.history.rows, self.job, _files(study))

    def _refitted(self, study: Study, plan: TablePlan, blend: Blend) -> list[Made]:
        """Fit the members on all rows, the ones with most weight first, as far as the time reaches."""
        history = study._machine.history
        rows = [history.rows[number] for number in blend.trials]
        if not self.job.bags and not study._stopped.startswith(_ENDED):  # who interrupts does not want to wait
            wanted = self._affordable(plan, history, rows)
            if wanted:
                self._fit_all(study, blend, wanted)
        files = _files(study)
        found = [made for made in (assembled(history.rows[n], files, self.job) for n in blend.trials) if made]
        _tidy(history.rows, {made.trial for made in found}, files)
        return found

    def _affordable(self, plan: TablePlan, history: Any, rows: Sequence[Row]) -> list[Row]:
        """Members whose fits on all rows end in time."""
        if self.asked.seconds is None:
            return list(rows)
        left = self._left() * self.workers
        found = []
        for row in rows:
            needs = plan.refit_seconds(row)
            if needs * 1.15 <= left:
                found.append(row)
                left -= needs
        return found

    def _fit_all(self, study: Study, blend: Blend, rows: Sequence[Row]) -> None:
        wanted = {row.number for row in rows}
        number = 1 + sum(note.kind == MEMBERS for note in study._machine.history.notes)
        members = [
            {"trial": trial, "value": value, "rounds": rounds}
            for trial, value, rounds in zip(blend.trials, blend.values, blend.rounds, strict=True)
            if trial in wanted
        ]
        data: dict[str, Any] = {"number": number, "members": members}
        if self.asked.seconds is not None:
            data["until"] = self.clock.wall() + self._left()
        study._journal.begin()
        notes = [r.Noted(kind=r.PIN, data={"number": trial, "pinned": True}) for trial in sorted(wanted)]
        study._journal.write([*notes, r.Noted(kind=MEMBERS, data=data)])
        total = sum(float(row.facts.get("fit_seconds", 0.0)) for row in rows)
        serial = self.workers == 1 or len(rows) == 1 or total < _SMALL
        whole = study._settings
        assert whole is not None
        self._run(study, whole.budget, SerialExecutor() if serial else None, 1 if serial else self.workers)

    def _predictor(self, study: Study, blend: Blend, members: Sequence[Made]) -> Predictor:
        from modelwright.tasks.predictor import Predictor

        if not members:
            raise _nothing(study)
        total = sum(blend.weights[blend.trials.index(made.trial)] for made in members)
        weights = [blend.weights[blend.trials.index(made.trial)] / total for made in members]
        body = described(self.data, self.job, self.said, blend, members, weights)
        body["checks"] = [one.to_json() for one in self.found]
        body["leaderboard"] = board(study._machine.history.rows, self.job, blend, members, weights)
        body["decisions"] = decided(self.data, blend, len(members), len(study._machine.history.rows), study._stopped)
        body["decisions"] += [leaves_out(name) for name in self.dropped]
        body["asked"] = self._again(study)
        parts = [
            (part, weight / len(made.parts), made.name)
            for made, weight in zip(members, weights, strict=True)
            for part in made.parts
        ]
        return Predictor(body, parts, self.data.metric)

    def _again(self, study: Study) -> dict[str, Any]:
        """The arguments of a call that goes on with this fit, as far as they are plain values."""
        said, asked = self.said, self.asked
        plain = {
            "metric": said.metric if isinstance(said.metric, str) else None,
            "task": said.task,
            "positive": said.positive,
            "kinds": None if said.kinds is None else dict(said.kinds),
            "without": list(said.without),
            "class_weight": said.class_weight if isinstance(said.class_weight, str) else None,
            "groups": said.groups,
            "time": said.time,
            "folds": self.data.split.folds if self.data.split.kind != "time" else None,
            "seed": said.seed,
            "preset": asked.preset,
            "block": list(asked.block),
            "name": study.name,
            "store": study._store.location,
        }
        spent = {"seconds": study.elapsed, "trials": len(study._machine.history.rows)}
        return {"arguments": {k: v for k, v in plain.items() if v not in (None, [])}, "spent": spent}

    # --- again ---------------------------------------------------------------------------------------

    def carried_out(self, plan: Mapping[str, Any]) -> Predictor:
        """The members of an earlier plan, fitted on these rows in the same way."""
        from modelwright.tasks.again import fitted_again
        from modelwright.tasks.predictor import Predictor

        body, parts = fitted_again(plan, self.data, self.job, self.said)
        return Predictor(body, parts, self.data.metric)


def _files(study: Study) -> Artifacts:
    store, record = study._store, study._record
    return Artifacts(store.folder(record.id))


def _tidy(rows: Sequence[Row], members: set[int], files: Artifacts) -> None:
    """Remove the models of candidates that are no members: their predictions are what a fit that goes on needs."""
    for row in rows:
        if row.number not in members:
            for name, kept in row.artifacts.items():
                if name.startswith("member") and kept.path:
                    files.remove(kept.path)


def _nothing(study: Study) -> Exception:
    """Why there is no model."""
    errors = [row.error for row in study._machine.history.rows if row.error is not None]
    if errors:
        return StudyError(
            f"no candidate could be fitted: {errors[0].message}", where=errors[0].where or "fit", hint="Is it the data?"
        )
    return ArgumentError("the time was up before there was a model", where="fit", hint="Give more seconds.")


__all__ = ["Asked", "Session"]
