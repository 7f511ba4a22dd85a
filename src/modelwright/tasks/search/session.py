"""One fit from its beginning to its end: candidates in a study, members on all rows, one predictor out of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelwright.api.engine import Engine
from modelwright.api.naming import checked_name, checked_seed
from modelwright.api.running import RunSettings
from modelwright.api.tune import open_study
from modelwright.core import records as r
from modelwright.core.clock import SystemClock
from modelwright.core.history import Row
from modelwright.core.objective import Objective
from modelwright.core.wording import warn_caller
from modelwright.execute.base import Executor
from modelwright.execute.processes import ProcessExecutor
from modelwright.execute.session import can_measure
from modelwright.execute.standby import Standby
from modelwright.execute.threads import available_cores
from modelwright.frontends.subject import Prepared
from modelwright.store.base import open_store
from modelwright.study.budget import Budget
from modelwright.study.interrupts import Interrupts
from modelwright.study.limits import Limits, in_bytes
from modelwright.tasks.account.course import ENSEMBLE, LOOKING, Course
from modelwright.tasks.account.decisions import Decision, leaves_out, too_large, tried, unconstrained
from modelwright.tasks.checks import Check
from modelwright.tasks.ensemble.blend import Blend, blended, pace
from modelwright.tasks.learners import Learner
from modelwright.tasks.request.asked import ENDED, Asked
from modelwright.tasks.request.same_metric import METRIC, computes, refuse_other_metric
from modelwright.tasks.request.same_table import FACT, digest, dropped_before, refuse_other_table
from modelwright.tasks.result.baseline import Baseline
from modelwright.tasks.scoring.draws import CANDIDATES
from modelwright.tasks.scoring.monotone import checked_monotone
from modelwright.tasks.search.checking import Checking, not_made
from modelwright.tasks.search.chosen import as_begun, chosen_learners, constrained, learners_before, may_recall
from modelwright.tasks.search.compared import later_half
from modelwright.tasks.search.deployed import told
from modelwright.tasks.search.early_stop import Watch, outlook
from modelwright.tasks.search.estimation import Job, TableEstimation
from modelwright.tasks.search.fallback import Tolerant, failing, fallen_back
from modelwright.tasks.search.finishing import beside, finished, lacks, predictor_of, reserve
from modelwright.tasks.search.gathered import Gathered, Said, checked, looked_again, without_suspects
from modelwright.tasks.search.joined import tell_joined
from modelwright.tasks.search.milestones import REOPENED, PlanLeads, chosen
from modelwright.tasks.search.plan import TablePlan
from modelwright.tasks.search.portfolio import portfolio, space_of
from modelwright.tasks.search.room import columns_of, without_room
from modelwright.tasks.search.timing import Timing
from modelwright.tasks.search.too_dear import tells
from modelwright.tasks.search.trying import SHORT, try_candidates
from modelwright.tasks.search.warned import warned

if TYPE_CHECKING:
    from modelwright.tasks.result.predictor import Predictor

#: Share of the seconds that checks may take which say what is left out.
_CHECKS = 0.1
#: Seconds at the end that are kept for putting the predictor together, and the share of all.
_SAVING, _SAVING_SHARE = 0.4, 0.015
#: How often the search goes on where time is left for it: so many seconds, or such a share of all.
_ROUNDS, _WAITING, _WAITING_SHARE, _BLENDING = 3, 2.0, 0.05, 0.03
#: Seconds that an earlier call's fit goes on for, at least, and the share of those on top.
_WORTH, _WORTH_SHARE = 3.0, 0.1
#: Seconds that choosing the ensemble has at least; share of what is left that it may take.
_CHOOSING, _CHOOSING_SHARE = 0.2, 0.5
#: Seconds on top of what was spent from which on more candidates were asked for.
_ASKED = 1.0
#: Cells from which a fit has more than one thread.
_THREADED = 200_000


class Session:
    """See the module."""

    def __init__(self, data: Gathered, said: Said, asked: Asked):
        self.asked, self.said, self.clock, self.interrupts = asked, said, SystemClock(), Interrupts()
        self.course = Course(self.clock, asked.began, asked.verbose, opened=asked.opened)
        self.interrupts.first = self.course.stopping
        self._engine: Engine | None = None
        self.standby = Standby(lambda slots: ProcessExecutor(slots, output=self.course.shown.outlet()))
        self.found: list[Check] = []
        #: Columns that are left out since they leak.
        self.dropped: list[str] = []
        self._said: list[Decision] = []
        #: Seconds of earlier sessions of the same study; and whether the last call gave as many in all.
        self.before, self._repeats = 0.0, False
        #: Why no more candidates were tried; and why none at all were, where time for some was asked for.
        self.stopped = self._idle = ""
        if asked.drop_suspected:
            self.course.enter(LOOKING)
            self.found = checked(data, seed=said.seed, seconds=self._share(_CHECKS))
            data, self.dropped = without_suspects(data, said, self.found, dropped_before(asked))
            if self.dropped:
                self.found = looked_again(data, self.found, seed=said.seed, seconds=self._share(_CHECKS))
            why = {one.column: one.message.partition(". ")[0] for one in self.found if one.name == "near-certain"}
            self._said += [leaves_out(name, why.get(name, "")) for name in self.dropped]
        self.data = data
        self.workers, self.room = data.room.workers, data.room
        self._said += data.room.said
        self.monotone = checked_monotone(asked.monotone, data.schema, data.target, positive=said.positive)
        self.columns, rows = columns_of(data.frame), data.split.used
        #: All that the search may name, and those that have no part in what an earlier call began.
        self.learners, self.barred = self._learners()
        needs = without_room((n for n in self.learners if n not in self.barred), rows, data.frame, self.room.each)
        self._said += [too_large(n, in_bytes(takes), in_bytes(self.room.each or 0)) for n, takes in needs.items()]
        #: Those of which a candidate has no room: the search may name them, in a call that finds more of it.
        self.large = tuple(needs)
        self.job = Job(
            frame=data.frame,
            y=data.y,
            task=data.target.task,
            classes=len(data.target.classes),
            weight=data.weight,
            judging=data.judging,
            split=data.split,
            metric=data.metric,
            learners=self.learners,
            barred=self.barred,
            seed=checked_seed(said.seed),
            threads=self.threads(rows, self.workers),
            bags=asked.preset == "best",
            monotone=self.monotone,
            kept=data.room.kept,
            # Whoever says what belongs together, or what comes later, says that a like row is not just any other one.
            recalls=may_recall(asked.models, asked.block, asked.preset)
            and not (self.monotone or said.groups or said.time),
        )

    def threads(self, rows: int, beside: int) -> int:
        """Cores of a fit on so many rows, with so many fits side by side."""
        # Threads that wait for each other after each split of few rows cost more than they bring.
        return max(1, len(available_cores()) // beside) if rows * self.columns > _THREADED else 1

    def _learners(self) -> tuple[dict[str, Learner], tuple[str, ...]]:
        asked = self.asked
        found = chosen_learners(asked.models, asked.block, asked.preset, self.data.target.task)
        if self.monotone:
            found, cannot = constrained(found)
            self._said.append(unconstrained(self.monotone, list(found), cannot))
        before = learners_before(asked)
        if before is None:
            return found, ()
        learners, barred, said = as_begun(found, asked, before)
        self._said += said
        return learners, barred

    @property
    def proposed(self) -> dict[str, Learner]:
        """Learners of which candidates are proposed now."""
        return {name: one for name, one in self.learners.items() if name not in (*self.barred, *self.large)}

    def decisions(self) -> list[Decision]:
        """What was decided on the way, besides what every fit decides."""
        return list(self._said)

    def says(self, decision: Decision) -> None:
        """A decision that was made on the way."""
        self._said += [decision] if decision not in self._said else []

    def _share(self, share: float) -> float | None:
        return None if self.asked.seconds is None else max(0.5, share * self.asked.seconds)

    def left(self) -> float:
        """Seconds until all has to be ready."""
        assert self.asked.seconds is not None
        return self.asked.seconds - self.before - (self.clock.monotonic() - self.asked.began) - self.saving

    @property
    def saving(self) -> float:
        """Seconds at the end that are kept for putting the predictor together."""
        return max(_SAVING, _SAVING_SHARE * (self.asked.seconds or 0.0))

    # --- a search ------------------------------------------------------------------------------------

    def searched(self) -> Predictor:
        """Candidates, ensemble, fits on all rows. At the first Ctrl-C, whenever it comes: a model of what is there.

        Raises:
            KeyboardInterrupt: at the second one; or at the first, while there is no candidate.
        """
        with self.interrupts.guarded(), self.standby:
            return self._searched()

    def _searched(self) -> Predictor:
        job, data, asked = self.job, self.data, self.asked
        rows = data.split.used
        tree = space_of(self.learners, job.task, rows, self.columns)

        def cost(config: Mapping[str, Any]) -> float:
            learner, own = job.own(config)
            return learner.work(len(job.split.rows(0)[0]), self.columns, own, job.classes)

        plan = TablePlan(
            portfolio(tree, self.proposed, timed=asked.seconds is not None, named=asked.models is not None),
            only=tuple(self.proposed),
            units=job.split.units,
            first=1 if rows >= 2_000 or job.split.units == 1 else min(job.split.units, job.split.folds),
            cost=cost,
            timing=Timing(
                seconds=asked.seconds,
                workers=self.workers,
                whole=job.split.growth(),
                refits=not job.bags,
                beside=lambda members: beside(self, members),
            ),
        )
        plan.tells = tells(job.y[job.split.rows(0)[1]], job.task)
        engine = self._opened(tree, plan)
        if asked.seconds is not None and job.metric.own is None:  # ours are fast
            plan.choosing = pace(job).whole(job.metric, [CANDIDATES])
        plan.ends = {"target_score": asked.target_score, "min_gain": asked.min_gain}
        known, files = engine.history.rows, engine.files()
        plan.earlier = frozenset(row.number for row in known)
        plan.bare = frozenset(row.number for row in known if job.bags and lacks(row, files, job))
        engine.observe(Watch(engine, job, plan, plan.ends, timed=asked.seconds is not None))
        checking = Checking(data, self.said.seed, asked.seconds, self.left)
        if not asked.drop_suspected:
            self.course.enter(LOOKING)
            checking.begin(engine.history)
        if asked.seconds is not None:
            plan.aside = max(0.0, asked.seconds - self.left() - engine.elapsed)
        blend = self._searched_for(engine, plan, tree)
        history = engine.history
        self.stopped = "interrupted" if self.interrupts.heard else self._idle or engine.stopped
        if self.interrupts.heard and not history.rows:
            raise KeyboardInterrupt
        self._said.append(tried(len(history.rows), self.stopped, later_half(history.rows, job)))
        spared = None if asked.seconds is None else self.left()
        blend, members = (None, []) if blend is None else finished(self, engine, plan, blend)
        self._said += outlook(history, job.metric.name, spared)
        self._said += failing(history.rows) + warned(history.rows)
        if blend is None or not members:
            blend, members = fallen_back(self, engine)
        self.found = self.found or checking.end(engine, hurried=self.ends(engine))
        self._said += not_made(self.found)
        return predictor_of(self, engine, blend, members)

    def _searched_for(self, engine: Engine, plan: TablePlan, tree: Any) -> Blend | None:
        """Try candidates; again while the fits on all rows turn out to need less time than was kept for them."""
        history = engine.history
        known = told(history, self.job)
        if known is not None or chosen(history) is not None:
            if not self._more(engine):
                self._too_little()
                return known or self.blend(engine, plan)
            self._reopened(engine)
        elif self.before and self.asked.seconds is not None and self.left() <= 0:
            self._too_little()
        elif plan.ended(history) is not None and self._more(engine):
            self._reopened(engine)  # whoever calls again wants more
        try_candidates(self, engine, plan, tree)
        blend = self.blend(engine, plan)
        for _ in range(_ROUNDS):
            if self.asked.seconds is None or blend is None or self.asked.seconds < SHORT:
                break
            left, needs = self.left(), reserve(self, engine, plan, blend)
            over = self.ends(engine) or plan.ended(history) is not None
            if over or left - needs < max(_WAITING, _WAITING_SHARE * self.asked.seconds):
                break
            plan.reserved = needs + self.asked.seconds - left - engine.elapsed + plan.blending(_BLENDING)
            before = len(history.rows)
            try_candidates(self, engine, plan, tree)
            if len(history.rows) == before:
                break
            blend = self.blend(engine, plan)
        return blend

    def ends(self, engine: Engine) -> bool:
        """Whether somebody wished that nothing more is begun."""
        return self.interrupts.heard or engine.stopped.startswith(ENDED)

    def farewell(self) -> str:
        """What is said last where all is stopped at once."""
        return "" if self._engine is None else self._engine.farewell()

    def _reopened(self, engine: Engine) -> None:
        engine.write([r.Noted(kind=REOPENED)])

    def _more(self, engine: Engine) -> bool:
        """Whether there is something left to spend on candidates, after an earlier call had chosen its members."""
        if self.asked.seconds is not None:
            return self.left() > max(_WORTH, _WORTH_SHARE * (self.asked.seconds - self.before))
        return len(engine.history.rows) < (self.asked.trials or 0)

    def _too_little(self) -> None:
        """Say that nothing was tried, though more time was asked for."""
        if self.asked.seconds is None or self.interrupts.heard:
            return
        given = self.asked.seconds - self.before
        if self._repeats and given < _ASKED:  # a call that is made again as it was asks for none
            return
        if given > 0:
            self._idle = f"{given:.2g} s were too few to go on with"
        else:
            self._idle = f"nothing was left of {self.asked.seconds:g} s after {self.before:.3g} s of earlier sessions"
        more = math.ceil(given - self.left() + 2 * _WORTH)
        warn_caller(
            f"fit: {self._idle}, so the model is made of what there was; give at least {more} s on top of what was "
            f"spent, {math.ceil(self.before + more)} s in all sessions together"
        )

    def _opened(self, tree: Any, plan: TablePlan) -> Engine:
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
            facts={
                "task": data.target.task,
                "rows": data.frame.rows,
                "split": data.split.to_json(),
                FACT: digest(data) | {"dropped": self.dropped, "folds": self.said.folds},
                METRIC: computes(data.metric, data.target),
                **self._data(),
            },
        )
        opening = {"seed": self.said.seed, "artifacts": None, "keep_bytes": None, "pickled": False, "log": None}
        store, name = open_store(asked.store), checked_name(asked.name)
        budget = Budget(trials=asked.trials, seconds=asked.seconds)
        known = None if name is None else store.find(name)
        if known is not None and known.definition.get("kind") == "table":
            refuse_other_table(known, prepared.facts[FACT])
            refuse_other_metric(known, prepared.facts[METRIC])
        self._repeats = known is not None and known.definition.get("budget", {}).get("seconds") == asked.seconds
        study = open_study(prepared, plan, store, name, budget, opening)
        tell_joined(store, known)
        self.before = study.elapsed
        settings = RunSettings(
            estimation=prepared.estimation,
            budget=budget,
            workers=self.workers,
            verbose=asked.verbose,
            subject=prepared.described,
            unit=prepared.unit,
            began=asked.began,
            shown=self.course.shown,
            failures=Tolerant(),
            interrupts=self.interrupts,
        )
        self._engine = engine = Engine(study, settings, proposer=PlanLeads())
        self.course.before = self.before
        self.course.tells(
            header=data.said(),
            metric=data.metric.name,
            higher=data.metric.higher,
            units=self.job.split.units,
            look=engine.view,
        )
        return engine

    def _data(self) -> dict[str, Any]:
        """What tells searches on the same table apart: a study does not go on where this differs."""
        return {"data": {"monotone": self.monotone}}

    def run(self, engine: Engine, budget: Budget, executor: Executor | None, workers: int) -> None:
        if self.interrupts.heard:
            return
        executor = executor or self.standby.of(workers)
        apart = executor.separate and self.room.limit is not None and can_measure()
        limits = Limits(memory=replace(self.room, workers=workers).each if apart else None)
        engine.run(budget=budget, executor=executor, workers=workers, limits=limits)

    # --- the ensemble --------------------------------------------------------------------------------

    def blend(self, engine: Engine, plan: TablePlan, among: Sequence[Row] | None = None) -> Blend | None:
        """The members, chosen among these candidates or all."""
        self.course.enter(ENSEMBLE)
        return blended(engine.history.rows if among is None else among, self.job, engine.files(), self.choosing(plan))

    def choosing(self, plan: TablePlan) -> float | None:
        """Seconds that choosing the members may take."""
        if self.asked.seconds is None:
            return None
        return max(_CHOOSING, min(0.5 + plan.blending(), _CHOOSING_SHARE * self.left()))

    # --- again ---------------------------------------------------------------------------------------

    def carried_out(self, plan: Mapping[str, Any]) -> Predictor:
        """The members of an earlier plan, fitted on these rows in the same way."""
        from modelwright.tasks.result.predictor import Predictor
        from modelwright.tasks.search.replay import fitted_again, recalled_rows

        body, parts = fitted_again(plan, self.data, self.job, self.said)
        known = recalled_rows(self.job, plan.get("known_rows"))
        baseline = Baseline.of(self.data.frame, self.data.schema)
        return Predictor(body, parts, self.data.metric, known=known, baseline=baseline)


__all__ = ["Session"]
