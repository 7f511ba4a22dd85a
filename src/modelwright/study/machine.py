"""The study as a pure state machine: facts in, events out. No clock, no store, no executor.

Every decision is a function of what is folded so far. ``apply`` is the only way the state changes, so a study that
is folded from its stored events is in the very state of the one that wrote them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from modelwright.core import records as r
from modelwright.core.constraint import held
from modelwright.core.errors import ObjectiveError
from modelwright.core.history import History, Row
from modelwright.core.objective import VALUE, Objective
from modelwright.core.rng import Seed
from modelwright.strategy.base import SearchSpace, Strategy
from modelwright.study import given
from modelwright.study.policy import EngineLeads, Proposer, Turn

#: So many times a trial is taken over from a session that is gone; more look as if the trial were to blame.
_TAKEN_OVER = 3
#: What becomes of a trial whose worker ended so, and how often it is run again before; ``Setup.retries`` where None.
_LOST: Mapping[str, tuple[r.State, int | None]] = {
    "timeout": ("failed", 0),
    "memory_limit": ("infeasible", 0),
    "cancelled": ("lost", 0),
    "memory": ("infeasible", None),
    "killed": ("lost", _TAKEN_OVER),
}


class StudySpace(SearchSpace, Protocol):
    """A search space that the engine can let grow."""

    @property
    def parameters(self) -> Sequence[Any]:
        """What is known of it so far; empty while nothing is."""
        ...

    def complete(self, config: r.Config, rng: Any = None) -> dict[str, Any]:
        """``config`` with a draw for every active parameter that it lacks; defaults without ``rng``."""
        ...

    def violated(self, config: r.Config) -> Any:
        """The first constraint that a whole configuration violates, or None."""
        ...

    def grow(self, parameters: Sequence[Mapping[str, Any]]) -> StudySpace:
        """The space with these parameters too; the same object when all are known."""
        ...

    def learn(self, config: r.Config) -> StudySpace:
        """The space after it saw which parameters a configuration that really ran had."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a study is, apart from what happened in it."""

    space: StudySpace
    strategy: Strategy
    objectives: tuple[Objective, ...]
    seed: int = 0
    retries: int = 1


class Machine:
    """Folds events and computes the next ones.

    Args:
        setup: what the study is.
        proposer: who decides what runs next; the engine's budget and then the strategy, unless told otherwise.

    >>> from modelwright.space import Tree; from modelwright.strategy.random import Random
    >>> from modelwright.space.hyperparameters import HyperParameters
    >>> hp = HyperParameters(); x = hp.Float("x", 0.0, 1.0)
    >>> m = Machine(Setup(space=hp.tree, strategy=Random(), objectives=(Objective("value", "min"),)))
    >>> events = m.propose(); m.apply(events); events[-1].config
    {'x': 0.0}
    >>> m.apply(m.start(0)); m.apply(m.finish(0, r.Outcome(metrics={"value": 3.0})))
    >>> m.history.best().values
    (3.0,)
    """

    def __init__(self, setup: Setup, proposer: Proposer | None = None):
        self.setup = setup
        self.proposer: Proposer = proposer or EngineLeads()
        self.space: StudySpace = setup.space
        self.history = History(setup.objectives)
        #: Set when a study is resumed: raises a SpaceError for what is not the space of the trials before.
        self.check_space: Callable[..., None] | None = None
        #: URL of the place for artifacts that all workers reach, handed on with each task.
        self.place = ""
        self._root = Seed(setup.seed)
        self._strategy_state = setup.strategy.init(self._root.child("strategy"), self.history)

    # --- fold --------------------------------------------------------------------------------------

    def apply(self, events: Sequence[r.Event], at: float | None = None) -> None:
        """Fold events that are stored, or are about to be."""
        if not events:
            return
        self.history.extend(events, at)
        for event in events:
            if isinstance(event, r.Grew):
                self.space = self.space.grow(event.parameters)
            elif isinstance(event, r.Configured):
                self.space = self.space.learn(event.config)
        self._strategy_state = self.setup.strategy.observe(self._strategy_state, events)

    def recall(self, learned: Mapping[str, Any]) -> None:
        """The history was put back as a whole: the space follows, with what trials had taught it."""
        space: Any = self.setup.space
        for parameters in self.history.grown:
            space = space.grow(parameters)
        self.space = space.recall(learned)

    # --- decide ------------------------------------------------------------------------------------

    def propose(self, new_allowed: bool = True) -> Turn:
        """The next trial, or a paused one to go on with, as the proposer decides.

        Args:
            new_allowed: whether the budget has room for one more configuration.
        """
        return self.proposer.propose(self, new_allowed)

    def wanted(self, number: int) -> r.Proposal | None:
        """What the user wants tried as trial ``number``; changes nothing.

        The strategy proposes the declared defaults as trial 0. Where results were handed over the numbers begin
        behind them, and the defaults come first from here, unless their result is known.
        """
        rows, strategy = self.history.rows, self.setup.strategy
        if not number:
            return None
        if not self.history.started:
            config = self.space.default()
            if self.space.key(config) not in {self.space.key(row.config) for row in rows}:
                return strategy.place(self._strategy_state, self.space, number, config, {"by": "default"})
        wish, known = given.due(self.history, self.space, self._root)
        if wish is None:
            return None
        note = {"by": wish.by, "entry": wish.entry, **({"known": known} if known else {})}
        return strategy.place(self._strategy_state, self.space, number, wish.config, note)

    def known(self) -> list[int]:
        """Entries among the configurations to try first that turned out to be tried already, where no note has it."""
        return given.due(self.history, self.space, self._root)[1]

    def settle(self) -> given.Settled:
        """What to store of results and configurations that were given, now that so much of the space is known."""
        return given.settle(self.history, self.space, self.setup.objectives)

    def unused(self, number: int) -> r.Noted | None:
        """What the user wanted tried in a trial that ended, and it did not ask for."""
        return given.unused(self.history, self.space, number)

    def ask(self, number: int | None) -> r.Answer:
        """What the strategy would try as trial ``number``, or let go on when that is None; changes nothing."""
        return self.setup.strategy.ask(self._strategy_state, self.space, number)

    @property
    def multi_fidelity(self) -> bool:
        """Whether the strategy proposes below fidelity 1."""
        return self.setup.strategy.multi_fidelity

    @property
    def unexplored(self) -> bool:
        """Whether no trial has shown yet which parameters there are."""
        return not self.space.parameters

    def start(self, number: int, worker: str = "") -> list[r.Event]:
        """The trial begins to run, or goes on, or runs again after it was lost."""
        if number == len(self.history.rows):  # about to be proposed, in the same breath
            return [r.Started(number=number, worker=worker)]
        row = self.history.rows[number]
        again = row.state == "running"
        return [
            r.Started(
                number=number,
                segment=row.segment if again else row.segment + 1,
                attempt=row.attempt + 1 if again else 0,
                worker=worker,
            )
        ]

    def task(self, number: int, folder: str) -> r.Task:
        """What is to be run for a trial that was started."""
        row = self.history.rows[number]
        parent = self.history.rows[row.parent] if row.parent is not None else None
        ended = [f for f, _ in row.segments.items()]
        return r.Task(
            number=number,
            segment=row.segment,
            attempt=row.attempt,
            config=dict(row.config),
            seed=self._root.trial(number).root,
            start=max(ended, default=0.0) if "checkpoint" in row.artifacts else 0.0,
            stop=row.target,
            folder=folder,
            checkpoint=row.artifacts.get("checkpoint"),
            place=self.place,
            artifacts=dict(row.artifacts),
            parent=row.parent,
            inherit=dict(parent.artifacts) if parent else {},
            note=dict(row.note),
        )

    def trace(self, number: int, config: r.Config, parameters: Sequence[Mapping[str, Any]]) -> list[r.Event]:
        """What a running trial asked of the space."""
        if self.check_space is not None:
            self.check_space(config, parameters)
        events: list[r.Event] = []
        if parameters and self.space.grow(parameters) is not self.space:
            events.append(r.Grew(parameters=tuple(parameters), number=number))
        row = self.history.rows[number]
        if not row.ran or dict(config) != row.config:
            events.append(r.Configured(number=number, config=dict(config)))
        return events

    def judge(self, number: int) -> r.Decision:
        """What the strategy says of a running trial after its latest report."""
        return self.setup.strategy.judge(self._strategy_state, self.history.rows[number])

    def why(self, number: int) -> str:
        """Why it said so."""
        return self.setup.strategy.why(self._strategy_state, self.history.rows[number])

    def finish(self, number: int, outcome: r.Outcome) -> list[r.Event]:
        """A segment ended. A value that is not finite makes the trial infeasible; a missing one makes it fail.

        So do a constraint that it breaks, and a metric of a constraint that it lacks; then its values are kept.
        """
        row = self.history.rows[number]
        state, error = outcome.state, outcome.error
        step, metrics = self._measured(row, outcome)
        values = tuple(metrics.get(o.name, math.nan) for o in self.setup.objectives)
        missing = [o.name for o in self.setup.objectives if o.name not in metrics]
        fidelity = outcome.fidelity if outcome.fidelity is not None else row.target
        if state in ("complete", "paused", "pruned"):
            if missing:
                state, error = "failed", _no_value(missing, metrics)
            elif not all(math.isfinite(v) for v in values):
                state, error = "infeasible", _not_finite(self.setup.objectives, values)
        if state == "complete" and fidelity < 1 - 1e-9:
            state = "paused"
        ended = r.Finished(
            number=number, state=state, values=None if missing else values, metrics=metrics, fidelity=fidelity,
            step=step, steps=row.steps, duration=outcome.duration, error=error, artifacts=outcome.artifacts,
            note=outcome.note,
        )  # fmt: skip
        facts, duration = {**row.facts, **outcome.note}, row.duration + outcome.duration
        ruling = held(self.history.limits, ended, facts, duration)
        fell_back = outcome.note.get(r.FELL_BACK)
        told = {"number": number, "segment": row.segment, **(fell_back or {})}
        notes: list[r.Event] = [r.Noted(kind=r.FELL_BACK, data=told)] if fell_back else []
        return [self._settled(replace(ended, state=ruling.state, error=ruling.error)), *notes]

    def _settled(self, ended: r.Finished) -> r.Finished:
        return self.proposer.settled(self.history, ended)

    def give_up(self, number: int) -> list[r.Event]:
        """The end of a running trial whose session is gone, when that happened to it too often; else nothing.

        It is ``lost``: nobody knows what it would have been worth, and the strategy learns nothing from it.
        """
        row = self.history.rows[number]
        if row.state != "running" or row.attempt < _TAKEN_OVER:
            return []
        message = f"its session was gone {row.attempt + 1} times"
        lost = r.Failure(kind="lost", message=message)
        ended = r.Finished(number=number, state="lost", fidelity=row.fidelity, steps=row.steps, error=lost)
        return [self._settled(ended)]

    def lose(self, number: int, failure: r.Failure, worker: str = "", duration: float = 0.0) -> list[r.Event]:
        """Whoever ran the trial is gone: it runs again while retries are left, then it is given up.

        What was ended for being over a limit does not run again: it would be over it again.
        """
        row = self.history.rows[number]
        state, retries = _LOST.get(failure.kind, ("failed", None))
        if row.attempt < (self.setup.retries if retries is None else retries):
            return self.start(number, worker)
        if state == "lost" and failure.kind == "cancelled":
            return self.cancel(number, failure.message, duration)
        ended = r.Finished(
            number=number, state=state, fidelity=row.fidelity, steps=row.steps, duration=duration, error=failure
        )
        return [self._settled(ended)]

    def cancel(self, number: int, message: str = "it was cancelled", duration: float = 0.0) -> list[r.Event]:
        """The user wants no more of a trial; nothing when it is over.

        What was measured at the end of a segment still holds, so a trial that rests there is pruned. One that was on
        its way is ``lost``: nobody knows what it would have been worth, and the strategy learns nothing from it.
        """
        row = self.history.rows[number]
        if row.terminal:
            return []
        error = r.Failure(kind="cancelled", message=message)
        common: dict[str, Any] = {"number": number, "fidelity": row.fidelity, "steps": row.steps, "error": error}
        if row.state == "paused":
            return [r.Finished(state="pruned", values=row.values, metrics=dict(row.metrics), step=row.step, **common)]
        values = row.segments.get(round(row.fidelity, 9))
        return [self._settled(r.Finished(state="lost", values=values, duration=duration, **common))]

    def unfinished(self) -> list[int]:
        """Trials that were proposed or running when the last session ended: they run (again) first.

        So do failed ones while none has ever succeeded: what failed was the user's code, which may be mended now.
        A proposer may say otherwise.
        """
        return self.proposer.unfinished(self.history)

    def takes_over(self) -> bool:
        """Whether trials of sessions that are gone run again beside what is proposed."""
        return self.proposer.takes_over(self.history)

    def put_aside(self) -> list[int]:
        """Trials that only the end of the budget paused, and that a larger one lets go on."""
        return self.proposer.put_aside(self.history)

    # --- what counts -------------------------------------------------------------------------------

    def _measured(self, row: Row, outcome: r.Outcome) -> tuple[int | None, dict[str, float]]:
        final = {k: float(v) for k, v in outcome.metrics.items()}
        name = self.setup.objectives[0].name
        if not outcome.stepwise and name in final:
            return None, final
        best = self.history.best_step(row)
        if best is not None and name not in final:
            return best[0], {**best[1], **final}
        if name not in final and row.reports:
            return row.reports[-1][0], {**row.reports[-1][1], **final}
        agrees = best is not None and best[1].get(name) == final.get(name)
        return (best[0] if agrees and best is not None else None), final

    def repeated_failure(self, number: int, limit: int) -> int:
        """How many different configurations failed as this one did, when that is ``limit`` or more; else 0."""
        failed = self.history.rows[number].error
        if failed is None or self.history.rows[number].state != "failed":
            return 0
        mark = (failed.kind, failed.type, failed.where)
        same = {
            self.space.key(row.config)
            for row in self.history.rows
            if row.state == "failed" and row.error and (row.error.kind, row.error.type, row.error.where) == mark
        }
        return len(same) if len(same) >= limit else 0


def _no_value(missing: Sequence[str], metrics: Mapping[str, float]) -> r.Failure:
    if missing == [VALUE] and not metrics:
        problem = ObjectiveError(
            "the trial gave no value", hint="Return a number, a dict with it, or report it with trial.report."
        )
    else:
        found = ", ".join(sorted(metrics)) or "none"
        problem = ObjectiveError(
            f"the trial gave no {', '.join(repr(m) for m in missing)}", allowed=f"one of what it gave: {found}"
        )
    return r.Failure(kind="objective", type="ObjectiveError", message=str(problem))


def _not_finite(objectives: Sequence[Objective], values: Sequence[float]) -> r.Failure:
    shown = ", ".join(f"{o.name}={v}" for o, v in zip(objectives, values, strict=True))
    return r.Failure(kind="nan", message=f"the result is not a finite number: {shown}")
