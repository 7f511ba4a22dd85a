"""tune: the first door. Joins what the user wrote with a strategy, a store and a budget, and runs it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelwright.api.door import MODELS, door
from modelwright.api.earlier import learn_from_earlier, read_earlier
from modelwright.api.keeping import keeping_asked
from modelwright.api.knowledge import Knowledge
from modelwright.api.naming import checked_name, checked_seed, fresh_name
from modelwright.api.recall import catch, described_call, keep_pickled
from modelwright.api.running import RunSettings, check_executor, constrain, count_cost, share_devices
from modelwright.api.same import SameSpace, refuse_other_search, refuse_other_space
from modelwright.api.study import Study
from modelwright.api.visit import VISIT
from modelwright.core import records as r
from modelwright.core.clock import SystemClock
from modelwright.core.constraint import parse
from modelwright.core.errors import ArgumentError, ObjectiveError, StoreError
from modelwright.core.objective import Objective, parse_objective
from modelwright.execute.base import Executor
from modelwright.frontends.presets import Ready, ready
from modelwright.frontends.subject import Prepared, Request, prepare
from modelwright.store.base import Store, StudyRecord, open_store
from modelwright.strategy import Strategy, resolve
from modelwright.study.budget import Budget
from modelwright.study.limits import Limits, checked_limits
from modelwright.study.machine import Setup
from modelwright.trackers.base import resolve_trackers


@door(MODELS)
def tune(
    subject: Callable[..., Any],
    *data: Any,
    objective: Any = None,
    strategy: str | Strategy = "auto",
    trials: int | None = None,
    seconds: float | None = None,
    workers: int = 1,
    executor: str | Executor | None = None,
    store: Any = None,
    name: str | None = None,
    seed: int = 0,
    verbose: int = 1,
    validation_split: float | None = None,
    validation_data: Any = None,
    epochs: int | Callable[..., int] | None = None,
    batch_size: int | Callable[..., int] | None = None,
    callbacks: Sequence[Any] | None = None,
    cv: Any = None,
    groups: Any = None,
    sample_weight: Any = None,
    fit: Mapping[str, Any] | Callable[..., Mapping[str, Any]] | None = None,
    space: Any = None,
    steps: int | None = None,
    executions: int = 1,
    confirm: int = 0,
    max_model_size: int | None = None,
    first: Sequence[Mapping[str, Any]] | None = None,
    results: Any = None,
    prior: Mapping[str, Any] | None = None,
    transfer: bool | str | Sequence[str] | None = None,
    constraints: Any = (),
    cost_aware: bool = False,
    min_gain: float | str | None = None,
    artifacts: str | Path | None = None,
    keep_bytes: int | str | None = None,
    trial_seconds: float | None = None,
    trial_memory: int | str | None = None,
    pickled: bool = False,
    trackers: Any = None,
    log: bool | None = None,
) -> Study:
    """Search for good hyperparameters of something you wrote.

    Args:
        subject: ``build(hp)`` that returns a compiled Keras model or a scikit-learn estimator, a ``HyperModel``, an
            estimator that ``mw.preset`` knows, ``function(hp)`` that returns a number or a dict of numbers, or
            ``function(hp, trial)`` that calls ``trial.report(step, loss=...)`` and checks ``trial.should_stop()``. The
            value of a trial is that of its best step, whatever came after it: what a function returns for the objective
            counts only where it is better than each of its reports (or not finite, which makes the trial infeasible).
        data: what the model's ``fit`` takes: ``x, y``, or a data set; for a Keras model also a function without
            arguments that makes them in each process (``docs/data.md``). Nested lists become arrays once; NaN and
            infinite values are warned of before training.
        objective: ``"val_accuracy"`` (direction inferred), ``"minimize"``, ``"maximize"``, ``mw.Minimize("name")``,
            a list of these for a Pareto front, or a scikit-learn scorer for an estimator. Left out, a Keras model
            minimises ``val_loss`` and an estimator maximises its own score. ``"minimize"`` and ``"maximize"`` are for
            a function that returns one number, or a dict of one; a metric of several, or one that is reported by
            name, is named: ``mw.Minimize("loss")``.
        strategy: a name (``modelwright.strategy.NAMES``) or a strategy object.
        trials: configurations to start in all, earlier sessions included.
        seconds: running time in all, a deadline for this call with all that it does: preparing, searching, confirming.
            One of ``trials`` and ``seconds`` must be given. What runs then is stopped (``docs/limits.md``).
        workers: processes that run trials at the same time; 1 runs them in this process.
        executor: ``"serial"``, ``"processes"``, ``"ray"`` (``workers`` trials at a time on a Ray cluster; as many as
            there is room for where that is 1) or an executor object, instead of what ``workers`` implies.
        store: None (``./.modelwright/studies.db``), ``":memory:"``, a path, or a store.
        name: None makes a new study; an existing name resumes that study.
        seed: the same seed gives the same search, with a budget in trials and one worker.
        verbose: 0 prints nothing, 1 progress, 2 every report. The model's own output is ``fit={"verbose": 1}``.
        validation_split, validation_data, epochs, batch_size, callbacks: as in ``model.fit``. Each trial trains up to
            ``epochs``; callbacks are copied for each trial. A function of hp tunes ``epochs`` or ``batch_size``:
            ``batch_size=lambda hp: hp.Choice("batch_size", [32, 64])``.
        cv: folds for cross-validation: a number, or a scikit-learn splitter.
        groups, sample_weight: one entry a row, for estimators.
        fit: further arguments for the model's own ``fit``, or a function of hp that returns them.
        space: parameters declared ahead: ``HyperParameters`` or a function that declares them.
        steps: the step at which a reporting function is done; lets strategies train it part of the way.
        executions: runs of each trial with different seeds; the mean counts, the spread is kept.
        confirm: so many of the best are run again with fresh seeds before the winner is named.
        max_model_size: parameters a model may have; larger ones are infeasible.
        first: configurations to try right after the defaults, in order: ``[{"lr": 1e-3}, ...]``. What one leaves out
            has its default. They count against the budget (``docs/knowledge.md``).
        results: what is known already: ``[({"lr": 1e-3}, 0.91), ...]``, a pandas frame, or the path of a CSV file. They
            become finished trials that are marked as given, and count against no budget.
        prior: where the optimum is likely: ``{"lr": (1e-4, 1e-2), "units": 64, "optimizer": {"adam": 3, "sgd": 1}}``.
            A belief that turns out wrong fades.
        transfer: earlier studies of the same store to learn from: a name, a list of names, or True for all that fit.
            How much each counts is found as trials come in.
        constraints: what a trial must satisfy to count: ``["params <= 200_000", "latency_ms < 5"]``, comparisons of
            what it measures (its metrics, a model's ``params`` and ``size_mb``, ``duration`` in seconds). A trial that
            breaks one is infeasible and teaches the strategy (``docs/constraints.md``).
        cost_aware: whether cheap trials are preferred while much of the budget is left, for strategies with a model.
            Seconds are measured anew in each run, so that the same seed no longer gives the same search.

        min_gain: end the search when 20 more trials are expected to gain less than this, in units of the objective;
            ``"noise"``: less than a value is off by, as executions, folds or confirming runs tell. Works with every
            strategy, looks every few trials, and never before 25 to 60 have a value (``docs/findings.md``).
        trial_seconds: seconds that one trial may run; one that takes longer is ended and ``failed``. With it, or with
            ``trial_memory``, trials run in processes of their own, also when ``workers`` is 1 (``docs/limits.md``).
        trial_memory: bytes, or a text such as ``"2GB"``, that the processes of one trial may hold, the interpreter and
            its libraries included; one that holds more is ended and ``infeasible``.
        artifacts: a folder, or a URL as fsspec takes it (``"s3://bucket/runs"``), where checkpoints and models lie so
            that every host of the search reaches them; None is the store's own folder (``docs/artifacts.md``).
        keep_bytes: bytes, or a text such as ``"2GB"``, that checkpoints and models may take; None sets no limit.
        pickled: keep this call as pickled code beside the study, so that ``modelwright worker --trust`` can join a
            search of what cannot be imported, such as arrays in memory (``docs/workers.md``).
        trackers: other tools that are told of the trials: ``"mlflow"``, ``"tensorboard"``, a name that a package
            brings, an object, or a list of these. What they do never harms a trial (``docs/trackers.md``).
        log: whether what a trial prints and logs is kept too, for ``modelwright show NAME --trial 7 --log``.
            None: where trials have a folder anyway, which those of a ``function(hp)`` have not.

    Returns:
        The study, with ``best``, ``trials``, ``best_model()``, ``report(path)`` and more.

    Raises:
        ArgumentError, ObjectiveError, SpaceError, StrategyError, SubjectError: something above makes no sense.
        StudyError: the study cannot be resumed as asked (its objective or its space changed: the message has every
            difference), or the same error ended three configurations.
        Exception: what the user's code raised, when that was in the very first trial.
        KeyboardInterrupt: at the second Ctrl-C; what was finished is kept, and the message says how to go on. The
            first one lets the running trials finish, and returns.

    >>> import modelwright as mw
    >>> study = mw.tune(lambda hp: (hp.Float("x", -5, 5) - 2) ** 2, objective="minimize", strategy="random",
    ...                 trials=30, store=":memory:", verbose=0)
    >>> len(study.trials), abs(study.best.config["x"] - 2) < 1
    (30, True)
    """
    catch(asked := dict(locals()))
    began = SystemClock().monotonic()
    if trials is None and seconds is None:
        hint = "Say how much to spend: trials=30 or seconds=600."
        raise ArgumentError("neither trials nor seconds was given", where="tune", hint=hint)
    budget = Budget(trials=trials, seconds=seconds, min_gain=min_gain)
    check_numbers(
        executions=executions, steps=steps, epochs=epochs, batch_size=batch_size, max_model_size=max_model_size
    )
    check_numbers(0, confirm=confirm, verbose=verbose)
    _check_switches(pickled=pickled, log=log)
    seed, name, limits = checked_seed(seed), checked_name(name), parse(constraints)
    bounds = checked_limits(trial_seconds, trial_memory)
    check_executor(executor, workers, bounds, "tune")
    share_devices(workers, executor, bounds)
    if callable(objective) and not hasattr(objective, "direction"):
        if not data:
            hint = "What a function(hp) returns is 'minimize', 'maximize' or mw.Minimize('name')."
            raise ObjectiveError("a function as the objective scores estimators on data, and there are none", hint=hint)
        objective, fit = scorer_objective(objective, fit)
    subject = ready(subject)
    request = Request(
        subject=subject,
        data=data,
        objectives=parse_objective(objective) if objective is not None else (),
        space=space,
        seed=int(seed),
        options={
            "validation_split": validation_split,
            "validation_data": validation_data,
            "epochs": epochs,
            "batch_size": batch_size,
            "callbacks": callbacks,
            "cv": cv,
            "groups": groups,
            "sample_weight": sample_weight,
            "fit": fit,
            "steps": steps,
            "executions": executions if executions != 1 else None,
            "max_model_size": max_model_size,
            "confirm": confirm or None,
            "constraints": limits or None,
        },
    )
    prepared = prepare(request)
    made = resolve(strategy, steps=prepared.estimation.steps, resumable=prepared.estimation.resumable)
    known = Knowledge.of_request(request, prepared, first=first, results=results, prior=prior)
    session, opened = _session(prepared, budget, bounds, began, asked), open_store(store)
    earlier = read_earlier(opened, transfer, name, prepared.tree, prepared.objectives)
    study = open_study(prepared, made, opened, name, budget, asked)
    constrain(study._journal, limits)
    count_cost(study._journal, cost_aware, trials=trials, seconds=seconds)
    known.hand_over(study._journal, preset=subject.first if isinstance(subject, Ready) else ())
    learn_from_earlier(study._journal, earlier)
    study._settings = session
    return study._run()


def _session(prepared: Prepared, budget: Budget, limits: Limits, began: float, asked: dict[str, Any]) -> RunSettings:
    """What this call's session needs besides the study."""
    return RunSettings(
        estimation=prepared.estimation,
        budget=budget,
        executor=asked["executor"],
        workers=asked["workers"],
        verbose=asked["verbose"],
        confirm=asked["confirm"],
        needs_folder=prepared.needs_folder or bool(asked["log"]),
        log=asked["log"] is not False,
        subject=prepared.described,
        unit=prepared.unit,
        limits=limits,
        began=began,
        visit=VISIT.get(),
        trackers=resolve_trackers(asked["trackers"]),
    )


def check_numbers(least: int = 1, where: str = "tune", **given: Any) -> None:
    """Raise for what is neither left out, nor a function of hp, nor a whole number from ``least``."""
    for argument, value in given.items():
        if (value is None and argument != "verbose") or (callable(value) and argument in ("epochs", "batch_size")):
            continue
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 1 << 53:
            allowed = {"verbose": "0, 1 or 2", "confirm": "0, 1, 2, ..."}.get(argument, "1, 2, 3, ...")
            raise ArgumentError(f"{argument}={value!r:.60}", where=where, allowed=allowed)


def _check_switches(*, pickled: Any, log: Any) -> None:
    """Raise for what is neither on nor off."""
    if not isinstance(pickled, bool):
        raise ArgumentError(f"pickled={pickled!r:.60}", where="tune", allowed="True, False")
    if log is not None and not isinstance(log, bool):
        raise ArgumentError(f"log={log!r:.60}", where="tune", allowed="True, False, None")


def scorer_objective(scorer: Any, fit: Any) -> tuple[Any, Any]:
    """A scikit-learn scorer given as the objective: its measurement, to be made large, under its name."""
    name = str(getattr(scorer, "__name__", None) or getattr(getattr(scorer, "_score_func", None), "__name__", "score"))
    if callable(fit) or (fit or {}).get("scoring") is not None:
        raise ArgumentError("objective is a scorer and fit has 'scoring' too", where="tune", hint="Give one of them.")
    return Objective(name, "max"), {**(fit or {}), "scoring": {name: scorer}}


def open_study(
    prepared: Prepared, strategy: Strategy, store: Store, name: str | None, budget: Budget, asked: dict[str, Any]
) -> Study:
    """A new study, or the stored one of that name when it is the same search.

    Args:
        asked: arguments of the call: ``seed``, ``artifacts``, ``keep_bytes``, ``pickled``, ``log``.
    """
    specs, seed = prepared.tree.specs(), int(asked["seed"])
    definition = {
        "objectives": [[o.name, o.direction] for o in prepared.objectives],
        "strategy": strategy.name or type(strategy).__name__,
        "seed": seed,
        "subject": prepared.described,
        "kind": prepared.kind,
        "unit": prepared.unit,
        "steps": prepared.estimation.steps,
        "plan": strategy.plan(prepared.unit),
        "budget": {"trials": budget.trials, "seconds": budget.seconds, "min_gain": budget.min_gain},
        "parameters": specs,
        **prepared.facts,
        **keeping_asked(asked["artifacts"], asked["keep_bytes"]),
        **(_call(store, asked) if prepared.kind not in ("nas", "table") else {}),
    }
    space = prepared.tree if prepared.closed else type(prepared.tree)()
    setup = Setup(space=space, strategy=strategy, objectives=prepared.objectives, seed=seed)
    record = store.find(name) if name is not None else None
    made = None
    if record is None:
        try:
            made = store.create(name or fresh_name(store), definition, SystemClock().wall())
        except StoreError:
            record = store.find(name) if name is not None else None  # another process was faster: join its study
            if record is None:
                raise
    if made is not None:
        study = Study._of(store, made, setup)
    else:
        assert record is not None
        study = _resumed(record, prepared, definition, store, setup)
    if asked["pickled"] and VISIT.get() is None:
        study._record = _with_pickled(store, study._record, asked)
    grows = study._machine.space.grow(specs) is not study._machine.space
    if specs and (grows or not study._machine.history.grown):
        study._journal.write([r.Grew(parameters=tuple(specs))])
    if record is not None and "imported" not in record.definition:  # another tool's trials asked for what they liked
        known: Any = study._machine.space
        study._machine.check_space = SameSpace(study._machine.history.rows, known.parameters).check
    return study


def _resumed(record: StudyRecord, prepared: Prepared, definition: dict[str, Any], store: Store, setup: Setup) -> Study:
    """The stored study, with what this session changes of its definition; nothing is written when it is another one."""
    refuse_other_search(record, definition)
    before = record.definition.get("parameters") or ()
    definition = {**record.definition, **definition, "parameters": definition["parameters"] or list(before)}
    most = [d.get("budget", {}).get("most", d.get("budget", {}).get("trials")) for d in (record.definition, definition)]
    definition["budget"] = {**definition["budget"], "most": None if None in most else max(most)}
    if VISIT.get() is not None:
        definition = dict(record.definition)
    study = Study._of(store, replace(record, definition=definition), setup)
    known: Any = study._machine.space
    refuse_other_space(record, known.parameters, prepared.tree.parameters, before)
    if VISIT.get() is None:
        store.redefine(record.id, definition)
    return study


def _call(store: Store, asked: dict[str, Any]) -> dict[str, Any]:
    """How another process can make this call; nothing where no other one can reach the study."""
    if store.location == ":memory:":
        return {}
    defaults = {name: p.default for name, p in inspect.signature(tune).parameters.items()}
    return {"call": described_call(asked, defaults)}


def _with_pickled(store: Store, record: StudyRecord, asked: dict[str, Any]) -> StudyRecord:
    call = {**record.definition.get("call", {}), "pickled": keep_pickled(asked, store.folder(record.id))}
    record = replace(record, definition={**record.definition, "call": call})
    store.redefine(record.id, record.definition)
    return record


__all__ = ["check_numbers", "open_study", "tune"]
