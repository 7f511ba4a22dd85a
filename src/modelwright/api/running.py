"""One session of a study: executor, panel, loop, confirmation. Knows in which order they come and go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from modelwright.api.afterwards import afterwards
from modelwright.api.keeping import keeping_of
from modelwright.api.next_steps import farewell, next_steps
from modelwright.api.visit import Visit
from modelwright.core import records as r
from modelwright.core.backend import leave_room
from modelwright.core.constraint import Limit
from modelwright.core.errors import ArgumentError
from modelwright.core.wording import warn_caller
from modelwright.estimation.base import Estimation
from modelwright.execute.base import Executor
from modelwright.execute.serial import SerialExecutor
from modelwright.execute.session import can_measure
from modelwright.strategy.cost import KIND as COST
from modelwright.study.budget import Budget
from modelwright.study.confirm import confirm
from modelwright.study.crew import Crew
from modelwright.study.feasibility import change
from modelwright.study.interrupts import Interrupts
from modelwright.study.journal import Journal
from modelwright.study.limits import Limits
from modelwright.study.logs import Logged
from modelwright.study.loop import Loop
from modelwright.study.policy import FailurePolicy
from modelwright.study.supervision import Supervisor
from modelwright.trackers.base import TrackedStudy, Tracker
from modelwright.trackers.feed import Feed

if TYPE_CHECKING:
    from modelwright.api.study import Study
    from modelwright.report.panel import Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """What a session needs besides the study.

    Attributes:
        needs_folder: whether trials leave files.
        unit: what a step is called: "epoch", "fold", "step".
        limits: what one trial may use.
        began: when the call began, by the monotonic clock; its deadline counts from there. None: when it runs.
        visit: how long this session stays, where it is a worker's.
        trackers: who is told of its trials, by name.
        log: whether trials that have folders have logs in them.
        whole: the budget of the call, where this session is a part of it; another one, or the caller, sums up.
        shown: the panel, where it stays over several sessions; whoever made it closes it.
        failures: when trials that fail end the study; None for the engine's own policy.
        carried_out: why nothing is left to do after this session, "" where something is; None where that is not told.
        interrupts: who hears Ctrl-C, where this session is a part of something; None: the session itself.
    """

    estimation: Estimation
    budget: Budget
    executor: Any = None
    workers: int = 1
    verbose: int = 1
    confirm: int = 0
    needs_folder: bool = True
    subject: str = ""
    unit: str = "step"
    limits: Limits = field(default_factory=Limits)
    began: float | None = None
    visit: Visit | None = None
    trackers: tuple[tuple[str, Tracker], ...] = ()
    log: bool = True
    whole: Budget | None = None
    shown: Panel | None = None
    failures: FailurePolicy | None = None
    interrupts: Interrupts | None = None
    carried_out: Callable[[], str] | None = None


class _Watch:
    """Hands events to the panel, with a fresh picture of the study."""

    def __init__(self, study: Study, panel: Any):
        self._study, self._panel = study, panel

    def events(self, events: Sequence[r.Event]) -> None:
        self._panel.events(events, view_of(self._study))


def constrain(journal: Journal, limits: Sequence[Limit]) -> None:
    """Set or change the constraints of a study; a change that concerns trials is told."""
    events, said = change(journal.machine.history, limits)
    journal.write(events)
    if said:
        warn_caller(said)


def count_cost(journal: Journal, wanted: bool, **budget: float | None) -> None:
    """Have the strategy mind what trials cost, or no longer; ``budget`` is what there is to spend, by unit.

    Raises:
        ArgumentError: the strategy has no model that could weigh costs.
    """
    if not isinstance(wanted, bool):
        raise ArgumentError(f"cost_aware={wanted!r:.60}", where="tune", allowed="True, False")
    strategy = journal.machine.setup.strategy
    if wanted and strategy.name not in ("auto", "bayesian") and getattr(strategy, "sampler", None) != "bayesian":
        raise ArgumentError(
            f"cost_aware=True with strategy={strategy.name!r}, which has no model of costs",
            where="tune",
            allowed="strategy='auto', 'bayesian', or asha and hyperband with sampler='bayesian'",
        )
    last = next((note.data for note in reversed(journal.machine.history.notes) if note.kind == COST), {"off": True})
    data = dict(budget) if wanted else {"off": True}
    if data != dict(last):
        journal.write([r.Noted(kind=COST, data=data)])


def prepare_run(study: Study, settings: RunSettings) -> str:
    """Run a session of ``study`` to its end; returns why it ended."""
    from modelwright.report.panel import panel

    shown = settings.shown or panel(settings.verbose)
    try:
        return _run(study, settings, shown, make_executor(settings, shown))
    finally:
        if settings.shown is None:
            shown.close()


def sum_up(study: Study, verbose: int) -> None:
    """Print what a search found, once its parts are over."""
    from modelwright.report.panel import panel

    shown = panel(verbose)
    shown.finish(view_of(study))
    shown.close()


def _run(study: Study, settings: RunSettings, shown: Panel, executor: Executor) -> str:
    def facts() -> dict[str, Any]:
        return {"elapsed": study.elapsed, "slots": executor.slots}

    with study._store.member(study._record.id), Crew(study._store, study._record.id, facts=facts) as crew:
        return _run_beside(crew, study, settings, shown, executor)


def _run_beside(crew: Crew, study: Study, settings: RunSettings, shown: Panel, executor: Executor) -> str:
    journal = study._journal
    after = partial(afterwards, settings.confirm, executor.slots, settings.budget.seconds)
    resumable = settings.estimation.resumable
    supervisor = Supervisor(journal, executor, settings.budget, settings.limits, resumable=resumable, after=after)
    loop = Loop(
        journal, executor, settings.budget, needs_folder=settings.needs_folder, crew=crew, supervisor=supervisor,
        failures=settings.failures,
    )  # fmt: skip
    loop.heard = lambda: shown.events([], view_of(study))
    study._loop = loop
    watch = _Watch(study, shown) if settings.verbose > 0 else None
    executor.open(Logged(settings.estimation) if settings.log else settings.estimation)
    watchers: list[Any] = [watch] if watch is not None else []
    if settings.needs_folder:
        keeping = keeping_of(study)
        keeping.sweep()
        watchers.append(keeping)
    if settings.visit is not None:
        journal.write([settings.visit.begin(loop, crew.me)])
        watchers.append(settings.visit)
    feed = Feed(settings.trackers, tracked(study), journal.machine.history, crew.me) if settings.trackers else None
    watchers += [feed] if feed is not None else []
    journal.observers.extend(watchers)
    finished, study._stopped, study._raised = False, "", False
    try:
        shown.start(view_of(study))
        heard = settings.interrupts
        with supervisor.listening(), nullcontext() if heard is None else heard.told(loop.interrupt):
            why = loop.run(interruptible=heard is None, since=settings.began)
            study._stopped = (settings.carried_out() if settings.carried_out is not None else "") or why
        if settings.confirm and loop.why not in ("interrupted", "cancelled"):
            supervisor.reserve = afterwards(0, executor.slots, settings.budget.seconds, journal.machine.history)
            confirm(journal, executor, settings.confirm, supervisor=supervisor)
        finished = supervisor.left > -supervisor.patience
    except KeyboardInterrupt:
        study._stopped, study._raised = "stopped at once", True
        raise KeyboardInterrupt(farewell(study)) from None
    except BaseException:
        study._stopped, study._raised = loop.why or "an error", True
        raise
    finally:
        executor.close(now=not finished)
        if settings.visit is not None:
            settings.visit.end()
        if feed is not None:
            journal.write(feed.close())
        if settings.whole is None or study._raised:
            shown.finish(view_of(study))
        journal.observers = [o for o in journal.observers if o not in watchers]
        study._loop = None
    return study._stopped


def share_devices(workers: Any, executor: Any, limits: Limits) -> None:
    """Leave a GPU to the processes in which trials will run, before anything opens it in this one."""
    if workers != 1 or executor is not None or limits:
        leave_room()


def make_executor(settings: RunSettings, shown: Panel) -> Executor:
    """The executor that arguments that were checked ask for; workers print where ``shown`` wants them to."""
    if isinstance(settings.executor, Executor):
        return settings.executor
    workers = settings.workers
    if settings.executor == "processes" or (settings.executor is None and (workers > 1 or settings.limits)):
        from modelwright.execute.processes import ProcessExecutor

        growth = min(2 << 30, (settings.limits.memory or 16 << 30) // 8)  # of earlier trials, which counts as a trial's
        return ProcessExecutor(workers, output=shown.outlet(), recycle_growth=growth)
    if settings.executor == "ray":
        from modelwright.execute.ray import RayExecutor

        return RayExecutor(slots=workers if workers > 1 else None, quiet=settings.verbose == 0)
    return SerialExecutor()


def check_executor(chosen: Any, workers: Any, limits: Limits, where: str) -> None:
    """Raise where trials cannot run as ``executor=`` and ``workers=`` say: before anything is prepared for them.

    Raises:
        ArgumentError: there is no such executor, no such number of workers, or limits of a trial could not be held.
    """
    _check_limits(chosen, limits)
    if isinstance(chosen, Executor):
        return
    named = chosen is None or isinstance(chosen, str)
    if not named or chosen not in (None, "serial", "processes", "ray"):
        raise ArgumentError(
            f"there is no executor {chosen!r}", where="executor", allowed="'serial', 'processes', 'ray', an Executor"
        )
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ArgumentError(f"workers={workers!r:.60}", where=where, allowed="1, 2, 3, ...")
    if chosen == "serial" and workers > 1:
        raise ArgumentError(f"workers={workers} with the serial executor", where=where, hint="Leave executor= out.")


def _check_limits(chosen: Any, limits: Limits) -> None:
    """Raise where a trial's limits cannot be held."""
    if not limits:
        return
    if chosen == "serial" or (isinstance(chosen, Executor) and not chosen.separate):
        raise ArgumentError(
            "trial_seconds and trial_memory need trials in processes of their own, which can be ended",
            where="executor",
            allowed="executor='processes', or none with any number of workers",
        )
    if limits.memory is not None and not can_measure():
        raise ArgumentError(
            "this system does not tell what a process holds",
            where="trial_memory",
            allowed="Linux, with /proc",
            hint="Leave trial_memory out; trial_seconds works here.",
        )


def tracked(study: Study) -> TrackedStudy:
    """What trackers are told of a study."""
    definition, setup = study._record.definition, study._machine.setup
    return TrackedStudy(
        name=study.name,
        objectives=tuple((made.name, made.direction) for made in setup.objectives),
        strategy=setup.strategy.name,
        seed=setup.seed,
        subject=str(definition.get("subject", "")),
        unit=str(definition.get("unit", "step")),
        store=study._store.location,
        folder=study._store.folder(study._record.id),
    )


def view_of(study: Study) -> Any:
    """The frozen picture that reports read."""
    from modelwright.report.stages import stages_of
    from modelwright.report.view import StudyView

    settings = study._settings
    definition = study._record.definition
    budget = definition.get("budget", {})
    asked = (settings.whole or settings.budget) if settings else None
    return StudyView(
        name=study.name,
        history=study._machine.history,
        space=study._machine.space,
        strategy=study._machine.setup.strategy.name,
        trials=asked.trials if asked else budget.get("trials"),
        seconds=asked.seconds if asked else budget.get("seconds"),
        elapsed=study.elapsed,
        seed=study._machine.setup.seed,
        store=study._store.location,
        subject=str(definition.get("subject", "")),
        unit=str(definition.get("unit", "step")),
        stages=stages_of(definition.get("stages")),
        by_default=definition.get("kind") == "nas",
        plan=str(definition.get("plan", "")),
        stopping=study._loop is not None and study._loop.why == "interrupted",
        stopped=study._stopped,
        commands=() if study._loop is not None and not study._stopped else next_steps(study),
    )
