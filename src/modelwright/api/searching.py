"""nas.search: the second door. Arrays in, a network out that was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from modelwright.api import finishing, measuring, stems
from modelwright.api.afterwards import followed_by
from modelwright.api.door import NETWORKS, door
from modelwright.api.naming import checked_name, checked_seed
from modelwright.api.outcome import say, say_carried_out
from modelwright.api.preparing import prepare
from modelwright.api.running import RunSettings, check_executor, constrain, share_devices, sum_up
from modelwright.api.tune import check_numbers, open_study
from modelwright.core import records as r
from modelwright.core.clock import SystemClock, counts_from
from modelwright.core.constraint import Limit, parse
from modelwright.core.errors import ArgumentError
from modelwright.core.history import History
from modelwright.core.wording import warn_caller
from modelwright.execute.base import Executor
from modelwright.space import HyperParameters
from modelwright.store.base import open_store
from modelwright.strategy import NAMES, Strategy, resolve
from modelwright.study.budget import Budget
from modelwright.study.crew import Lead
from modelwright.study.limits import Limits, checked_limits
from modelwright.study.policy import USED_UP
from modelwright.study.supervision import patience
from modelwright.trackers.base import resolve_trackers

if TYPE_CHECKING:
    from modelwright.api.study import Study
    from modelwright.nas.estimate import ArchitectureEstimation

#: By which share of the seconds the confirmation may run late before it is ended.
_LATE = 0.06
#: Share of the seconds that scoring without training may take, and how many seconds make it worth while: the first
#: networks compile the operations of all.
_SCREEN, _LEAST_SCREEN = 0.02, 0.5
#: Seconds that the first network may take to have a value, however short the budget. Searches of fewer seconds than the
#: next are short: what each phase takes then is bounded by what is given to its trials.
_FIRST, _SHORT = 60.0, 120.0
#: Finishes that a plan opens, where networks come to nothing in them: by a limit on what full training gives, say.
_FINISHES = 3
#: Reasons to end at which nothing more is begun.
_ENDED = ("interrupted", "cancelled", "stopped by")


@door(NETWORKS)
def search(
    space: Any,
    x: Any,
    y: Any,
    *,
    objective: Any = None,
    constraints: Any = (),
    plan: Any = "auto",
    strategy: str | Strategy | None = None,
    validation: Any = 0.15,
    seconds: float | None = None,
    trials: int | None = None,
    workers: int = 1,
    executor: str | Executor | None = None,
    seed: int = 0,
    epochs: float | None = None,
    task: str | None = None,
    class_weight: Mapping[Any, float] | str | None = None,
    stem: Any = None,
    training: Callable[[HyperParameters], Mapping[str, Any]] | None = None,
    recipe: Any = None,
    store: Any = None,
    name: str | None = None,
    verbose: int = 1,
    trial_seconds: float | None = None,
    trial_memory: int | str | None = None,
    keep_bytes: int | str | None = None,
    devices: Mapping[str, Any] | None = None,
    trackers: Any = None,
) -> Study:
    """Search for a network that fits the data.

    Args:
        space: ``nas.chain()``, ``nas.branches()``, ``nas.cells()``, ``nas.mobile()``, ``nas.tabular()``, or an
            ``Architecture`` of your own for inputs of the data's shapes.
        x: rows of images (height, width, with or without channels, first or last), of sequences (length, channels), or
            of features; a list of arrays for several inputs, in the order of the space's, or a dict of them, in any
            order where its names are those of the model in ``nas.around``. Numbers as they are: the network scales
            them.
        y: labels, one-hot rows, rows of 0 and 1 for several labels at once, or numbers to be predicted.
        objective: ``"val_accuracy"`` for labels, ``"val_loss"`` for several labels at once and for numbers unless you
            say otherwise; a list for a Pareto front, with ``plan=None``: ``["val_accuracy", mw.Minimize("params")]``.
            What is known before training (``nas.MEASURES``, latencies) takes ``plan=None`` too.
        constraints: what a network may cost: ``["params <= 200_000", "macs < 5e6"]``; see ``nas.MEASURES``. Networks
            that break one are never built. ``"latency_ms@onnxruntime,b1 <= 5"`` is measured on this machine: some
            networks before the search, by which all have a price, those near the limit, and all that is handed out.
        plan: ``"auto"``: an anchor, a race on few rows of small images, a confirmation of the best at full size, and a
            finish that trains the winner with what is left. None: one ``strategy``, each network trained in full.
        strategy: leads the race in place of the plan's own model; with ``plan=None`` the one strategy, ``"auto"`` if
            none is named.
        validation: share of the rows that networks are judged by, or ``(x, y)``. The best value was selected on them,
            so it is a little too good: keep rows of your own to test the result.
        seconds, trials: how much to spend from the call on; one of them must be given. ``trials`` counts networks.
        workers, executor: see ``mw.tune``. The finish uses every core of this machine, or its GPU, whatever they are.
        seed: the same seed gives the same search with a budget in trials and one worker.
        epochs: with ``plan=None`` of each training in full, 10 by default. Of a plan with a budget in trials, those of
            the finish, and no phase before it trains a network for more, the rungs of the race together; where it is
            not given the finish has 10, and the phases before it as many as networks need to be told apart, which of
            few rows is more.
        task: ``"multiclass"``, ``"multilabel"`` or ``"regression"``, where ``y`` leaves it open.
        class_weight: a weight for each class by its label, or ``"balanced"``.
        stem: a trained ``keras.Model`` in front of the networks, whose weights stay as they are. Rows pass through it
            once, before the search, and the space is for what comes out; the model that is found takes rows like ``x``.
            It stays in this process and in the study's folder: its layers may be of classes of your own.
        training: a function of ``hp`` that returns fields of ``nas.Recipe`` to search beside the architecture:
            ``lambda hp: {"rate": hp.Float("rate", 1e-3, 1e-2, sampling="log")}``.
        recipe: how all networks are trained, a ``nas.Recipe``.
        devices: tables of latencies on devices that are not here, by name: see ``nas.device_table``.
        store, name, verbose, trial_seconds, trial_memory, keep_bytes, trackers: see ``mw.tune``.

    Returns:
        The study: ``study.best_model()`` is a plain ``keras.Model`` that takes rows like ``x``, ``study.best`` says
        what it is, ``study.explain()`` why.

    Raises:
        ArgumentError: what is wrong with the data or the arguments; or nothing satisfies the constraints, with the
            closest miss.
        SpaceError: the space does not fit the data: too many reductions for images this small, say.
        StudyError: another process runs the search of that name; or it was another search, or on other data.
    """
    asked = dict(locals())
    began = counts_from() or SystemClock().monotonic()
    if trials is None and seconds is None:
        hint = "Say how much to spend: seconds=900 or trials=50."
        raise ArgumentError("neither trials nor seconds was given", where="nas.search", hint=hint)
    if plan not in ("auto", None):
        raise ArgumentError(f"plan={plan!r:.60}", where="nas.search", allowed="'auto', None")
    budget = Budget(trials=trials, seconds=seconds)
    asked["seed"], name = checked_seed(seed), checked_name(name)
    limits, bounds = parse(constraints), checked_limits(trial_seconds, trial_memory, "nas.search")
    check_numbers(0, "nas.search", verbose=verbose)
    check_executor(executor, workers, bounds, "nas.search")
    asked |= {"name": name, "trackers": resolve_trackers(trackers)}
    with Lead(open_store(store)) as lead:
        known = lead.store.find(name) if name is not None else None
        if known is not None:
            lead.take(known)
        return _searched(asked, lead, budget, limits, bounds, began)


def _searched(
    asked: dict[str, Any], lead: Lead, budget: Budget, limits: Sequence[Limit], bounds: Limits, began: float
) -> Study:
    """The search that arguments ask for, once these are in order."""
    plan, name, found = asked["plan"], asked["name"], list[Any]()
    share_devices(asked["workers"], asked["executor"], bounds)
    asked["measured"] = partial(measuring.priced, lead.store, name, found, asked["seed"], budget.seconds)
    prepared = prepare(asked, limits)
    estimation: Any = prepared.estimation
    led = _strategy(estimation, plan, asked["strategy"], budget.seconds, asked["workers"])
    asked |= {"artifacts": None, "pickled": False, "log": None}
    study = open_study(prepared, led, lead.store, name, budget, asked)
    lead.take(study._record)
    constrain(study._journal, limits)
    study._settings = RunSettings(
        estimation=estimation,
        budget=budget,
        executor=asked["executor"],
        workers=asked["workers"],
        verbose=asked["verbose"],
        subject=prepared.described,
        unit=prepared.unit,
        limits=bounds,
        began=began,
        trackers=asked["trackers"],
    )
    for note in estimation.job.data.notes:
        warn_caller(note)
    stems.keep(study, estimation.job.stem, began)
    measuring.store_measured(study, found, began)
    return carry_out(study, led) if plan is not None else _carry_out_plainly(study)


def _strategy(
    estimation: ArchitectureEstimation, plan: Any, strategy: str | Strategy | None, seconds: float | None, workers: int
) -> Strategy:
    from modelwright.nas.plan import Plan

    if plan is None:
        return resolve(strategy or "auto", steps=estimation.steps, resumable=True)
    if _has_rungs(strategy):
        named = getattr(strategy, "name", strategy)
        raise ArgumentError(
            f"strategy={named!r} has rungs of its own, and so has the race of a plan",
            where="nas.search",
            allowed=", ".join(repr(name) for name in NAMES if not _has_rungs(name)) + "; with plan=None any",
            hint=f"Write plan=None, strategy={named!r}; or leave strategy= out: the race is an ASHA already.",
        )
    race = None if strategy is None else resolve(strategy, steps=None, resumable=False)
    kept = len(estimation.job.data.kept)
    return Plan(estimation.job.ladder, race=race, seconds=seconds, workers=workers, kept=kept)


def go_on_searching(study: Study) -> Study:
    """Run a search on that this process knows, with what its settings say now."""
    with Lead(study._store) as lead:
        lead.take(study._record)
        study._journal.sync()
        return _went_on(study)


def _went_on(study: Study) -> Study:
    from modelwright.nas.plan import Plan

    machine = study._machine
    plan: Any = machine.setup.strategy
    assert study._settings is not None
    settings = study._settings
    if not isinstance(plan, Plan):
        return _carry_out_plainly(study)
    seconds, workers = settings.budget.seconds, settings.workers
    led = Plan(plan.ladder, race=plan.inner, seconds=seconds, workers=workers, kept=plan.kept)
    machine.setup = replace(machine.setup, strategy=led)
    return carry_out(study, led)


def _has_rungs(given: Any) -> bool:
    known = isinstance(given, Strategy) or (isinstance(given, str) and given in NAMES and given != "auto")
    return known and resolve(given, steps=9, resumable=True).multi_fidelity


def carry_out(study: Study, plan: Any) -> Study:
    """The phases of a plan, one after another; those that an earlier session ended are passed over."""
    from modelwright.nas.phases import PlanLeads
    from modelwright.nas.plan import Plan

    assert isinstance(plan, Plan) and study._settings is not None
    study._machine.proposer = PlanLeads()
    history, whole = study._machine.history, study._settings
    opened = finishing.opened(history)
    ended, finished = False, list[int]()
    measuring.tell_workers(study)
    try:
        if not opened:
            study._journal.begin(whole.began)
            _screen(study, whole)
            _before_finish(study, plan, whole)
            ended = study._stopped.startswith(_ENDED)
        # Another session may have opened it meanwhile, where this one slept for longer than it counts as there.
        now = finishing.opened(history)
        before = now[-1].data["trial"] if now else None
        while not ended and len(finished) < _FINISHES:
            winner, left = measuring.measured_winner(study, plan, before), finishing.left(study, whole.budget)
            if winner is None or winner.terminal or winner.number in finished:
                break
            if left is not None and left <= finishing.LEAST:
                break
            finishing.finish(study, whole, winner)
            finished.append(winner.number)
            ended, before = study._stopped.startswith(_ENDED) or history.best() is winner, None
        measuring.measure(study, lambda: measuring.winners(study))
        carried_out = bool(opened) and not finished and history.rows[opened[-1].data["trial"]].terminal
        if not finished:
            budget = _spent(whole.budget, history) if carried_out else whole.budget
            why = finishing.CARRIED_OUT if carried_out else study._stopped
            study._settings = replace(whole, began=None, budget=budget)
            study._stopped = why or "no time is left for the finish"
            sum_up(study, whole.verbose)
    finally:
        study._settings = replace(whole, began=None)
    _draw(study)
    study._journal.end()
    measuring.tell_unlisted(study)
    say(study, whole.budget)
    if carried_out:
        say_carried_out(study, whole.budget)
    return study


def _carry_out_plainly(study: Study) -> Study:
    """One strategy for the whole budget; what comes out is summed up once it is measured."""
    from modelwright.nas.phases import PlainlyLed

    whole = study._settings
    assert whole is not None
    study._machine.proposer = PlainlyLed()
    estimation: Any = whole.estimation
    seconds = whole.budget.seconds
    study._journal.begin(whole.began)
    later = measuring.tell_workers(study) or (seconds is not None and seconds < study.elapsed + _FIRST)
    if seconds is not None:
        # Who judges and saves by then is done by the end of the time, or soon enough after it not to be ended.
        estimation.until = SystemClock().wall() + seconds - study.elapsed - patience(seconds)
    try:
        _in_time(study, whole, lambda history: seconds or 0.0, part=later)
    finally:
        study._settings, estimation.until = whole, None
    measuring.measure(study, lambda: measuring.winners(study))
    if later:
        sum_up(study, whole.verbose)
    _draw(study)
    study._journal.end()
    measuring.tell_unlisted(study)
    if study._stopped == USED_UP:
        say(study, whole.budget)
    return study


def _before_finish(study: Study, plan: Any, whole: RunSettings) -> None:
    """The phases before the finish, in the part of the budget that is theirs.

    The plan says how much that is, by what it has measured so far.
    """
    seconds = whole.budget.seconds or 0.0
    _in_time(study, whole, lambda h: max(plan.latest(h) + _LATE * seconds, 0.6 * min(seconds, _SHORT)))


def _in_time(study: Study, whole: RunSettings, until: Callable[[History], float], *, part: bool = True) -> None:
    """A session that ends at so many seconds, where there is a deadline; the first network gets to have a value.

    Args:
        part: whether something else sums up what was found.
    """
    seconds, budget = whole.budget.seconds, whole.budget
    first = study.elapsed + _FIRST

    def kept(history: History) -> float:
        assert budget.seconds is not None
        end = until(history)
        return max(0.0, budget.seconds - (max(end, first) if history.best() is None else end))

    if seconds is not None and study._machine.history.best() is None:
        budget = replace(budget, seconds=max(seconds, first))
    study._settings = replace(whole, budget=budget, whole=whole.budget if part else None)
    with followed_by(None if seconds is None else kept, most=1.0):
        study._run()


def _spent(budget: Budget, history: History) -> Budget:
    """What a plan that was carried out had of its budget: it takes no more networks, however many it may."""
    return budget if budget.trials is None else replace(budget, trials=max(1, min(budget.trials, history.started)))


def _draw(study: Study) -> None:
    """Keep drawings of the best network with the study, for reports and notebooks."""
    from modelwright.nas.drawn import DRAWN, drawings

    estimation: Any = study._settings.estimation if study._settings is not None else None
    found = drawings(estimation.job.space, study._machine.history)
    if found is not None:
        study._journal.begin()
        study._journal.write([r.Noted(kind=DRAWN, data=found)])


def _screen(study: Study, settings: RunSettings) -> None:
    """Score candidates without training, once, and note which of them may race."""
    from modelwright.nas.proposer import SCREENED
    from modelwright.nas.screened import EACH, MOST, screened

    estimation: Any = settings.estimation
    history, job = study._machine.history, estimation.job
    if history.rows or any(note.kind == SCREENED for note in history.notes):
        return
    seconds, trials = settings.budget.seconds, settings.budget.trials
    if seconds is not None and _SCREEN * seconds < _LEAST_SCREEN:
        return
    space: Any = study._machine.space
    found = screened(
        space,
        job.data,
        seed=study._machine.setup.seed,
        count=MOST if trials is None else min(MOST, EACH * trials),
        seconds=None if seconds is None else _SCREEN * seconds,
        factor=job.ladder.rungs[0].factor,
    )
    study._journal.begin(settings.began)
    study._journal.write([r.Noted(kind=SCREENED, data=found)])


__all__ = ["search"]
