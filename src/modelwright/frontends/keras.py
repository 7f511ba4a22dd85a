"""Keras models: a user's ``build(hp)`` or ``HyperModel`` and data, as a space and an estimation."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from modelwright.core.constraint import DURATION, Limit
from modelwright.core.errors import ObjectiveError, SubjectError
from modelwright.core.objective import Objective, parse_objective
from modelwright.core.records import Artifact, Decision, Outcome, Task
from modelwright.core.rng import Seed
from modelwright.core.wording import kind_of
from modelwright.estimation.base import Estimation, Reporter
from modelwright.frontends.hypermodel import has_own_fit
from modelwright.frontends.keras_data import Holdout, all_rows, check_data, folds, refuse_unsendable
from modelwright.frontends.keras_shapes import explained
from modelwright.frontends.subject import Prepared, Request, described
from modelwright.space import HyperParameters, Tree
from modelwright.training.failure import outcome_of, too_large
from modelwright.training.kept import artifacts_of, regained
from modelwright.training.keras_sources import Sources, needs_targets

#: Metrics that a study measures itself, besides what the epochs report.
_MEASURED = ("params", "size_mb")
_ASIDE = {*_MEASURED, DURATION}
#: Marks a model that a trial was trained with.
_USED = "_modelwright_used"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is the same in all trials of a Keras study.

    Attributes:
        build: the user's ``build(hp)``.
        fit: the user's ``fit(hp, model, *data, **arguments)``, or None.
        arguments: further arguments of ``model.fit``, or a function of hp that returns them.
        epochs: a number, or a function of hp.
        executions: runs of each trial with different seeds.
        cv: a number of folds or a splitter, or None.
        limits: constraints; those on what a model has before it is trained save the training.
    """

    build: Callable[[HyperParameters], Any]
    data: tuple[Any, ...]
    objectives: tuple[Objective, ...]
    fit: Callable[..., Any] | None = None
    arguments: Mapping[str, Any] | Callable[[HyperParameters], Mapping[str, Any]]
    epochs: int | Callable[[HyperParameters], int] = 1
    batch_size: Any = None
    executions: int = 1
    cv: Any = None
    max_model_size: int | None = None
    limits: tuple[Limit, ...] = ()
    seed: int = 0


class KerasEstimation(Estimation):
    """Builds, trains and keeps Keras models; a trial pauses after any epoch and goes on from its checkpoint."""

    def __init__(self, plan: Plan, declared: Tree):
        self.plan, self.declared, self.sources = plan, declared, Sources(plan.seed)
        self.replicated = plan.executions > 1 or plan.cv is not None
        self.resumable = not self.replicated and isinstance(plan.epochs, int)
        self.steps = plan.epochs if self.resumable and isinstance(plan.epochs, int) else None

    def __getstate__(self) -> dict[str, Any]:
        refuse_unsendable(self.plan.data, self.plan.arguments)
        return dict(vars(self))

    def close(self) -> None:
        """Give back the memory that compiled programs and data on the device take."""
        self.sources.forget()
        if "keras" in sys.modules:
            _release(everything=True)

    # --- one task ----------------------------------------------------------------------------------

    def estimate(self, task: Task, reporter: Reporter) -> Outcome:
        began = time.perf_counter()
        try:
            outcome = self._replicated(task, reporter) if self.replicated else self._single(task, reporter)
        except Exception as error:
            outcome = outcome_of(error)
        finally:
            _release()
        return replace(outcome, duration=time.perf_counter() - began)

    def _single(self, task: Task, reporter: Reporter) -> Outcome:
        trial = _Run(self, task, reporter)
        session, too_large = trial.session(self.plan.data, {}, task.seed)
        if too_large is not None:
            return too_large
        begun = trial.restore(session, task)
        last = max(begun + 1, round(trial.epochs * task.stop))
        segment = trial.train(begun, last)
        folder, kept = Path(task.folder), artifacts_of(task)
        artifacts: dict[str, Artifact] = dict(trial.behind)
        note = {**segment.note, "summary": _summary(session.model), "restarts": trial.restarts, **trial.fell_back}
        ended = segment.state == "complete" and (segment.stopped_by == "callback" or last >= trial.epochs)
        if segment.state in ("complete", "paused") and not ended:
            artifacts["checkpoint"] = session.keep(kept, folder.name)
        if segment.state in ("complete", "pruned", "paused") and segment.best_epoch is not None:
            artifacts["model"] = session.keep_model(kept, folder.name)
        measured = {name: float(note[name]) for name in _MEASURED if name in note}
        return Outcome(
            state=segment.state,
            metrics={**measured, **_own_metrics(segment.returned, self.plan)},
            fidelity=1.0 if ended else segment.epochs / trial.epochs,
            error=segment.error,
            artifacts=artifacts,
            note=note,
        )

    def _replicated(self, task: Task, reporter: Reporter) -> Outcome:
        """Several trainings of one configuration, each in full; the mean counts, every single value is kept."""
        values: list[dict[str, float]] = []
        note: dict[str, Any] = {}
        splits: Sequence[Holdout | None] = [None]
        if self.plan.cv is not None:
            splits = folds(self.sources.data(self.plan.data), self.plan.cv, self.plan.seed)
        runs = [(i, split) for i in range(self.plan.executions) for split in splits]
        artifacts: dict[str, Artifact] = {}
        for i, (execution, split) in enumerate(runs):
            trial = _Run(self, task, reporter, silent=i > 0)
            seed = task.seed if i == 0 else Seed(task.seed).child("execution", i, execution).integer()
            data, extra = (self.plan.data, {}) if split is None else split
            session, too_large = trial.session(data, extra, seed)
            if too_large is not None:
                return too_large
            segment = trial.train(0, trial.epochs)
            if segment.state not in ("complete", "pruned"):
                return Outcome(state=segment.state, error=segment.error, note=segment.note)
            values.append({**dict(segment.metrics), **_own_metrics(segment.returned, self.plan)})
            note = {**segment.note, "summary": _summary(session.model)}
            if i == 0 and segment.best_epoch is not None:
                artifacts["model"] = session.keep_model(artifacts_of(task), Path(task.folder).name)
            if segment.state == "pruned":
                break
        names = [name for name in values[0] if all(name in v for v in values)]
        means = {name: statistics.fmean(v[name] for v in values) for name in names}
        spread = {name: statistics.stdev(v[name] for v in values) for name in names} if len(values) > 1 else {}
        note |= {"executions": values, "spread": spread}
        return Outcome(metrics=means, fidelity=1.0, artifacts=artifacts, note=note)

    # --- after the search --------------------------------------------------------------------------

    def refit(self, config: Mapping[str, Any], *, seed: int, steps: int | None) -> Any:
        """A model trained on all rows, validation rows included, for as many epochs as its best epoch."""
        task = Task(number=-1, config=dict(config), seed=seed)
        trial = _Run(self, task, _Nobody())
        arguments = self.sources.arguments(trial.arguments())
        data, arguments = all_rows(self.sources.data(self.plan.data), arguments)
        session, too_large = trial.session(data, arguments, seed, whole=True)
        if too_large is not None:
            raise SubjectError(too_large.error.message if too_large.error else "the model is too large")
        segment = session.train(0, steps or trial.epochs, lambda epoch, logs: "go")
        if segment.error is not None:
            raise SubjectError(segment.error.message, where="refit")
        return session.model

    def rebuilt(self, config: Mapping[str, Any]) -> Any:
        """A fresh model of a configuration, for weights that were kept without it."""
        return self.plan.build(_Run(self, Task(number=-1, config=dict(config)), _Nobody()).hp)


class _Run:
    """One task on its way: hyperparameters, arguments, what is told."""

    def __init__(self, estimation: KerasEstimation, task: Task, reporter: Reporter, *, silent: bool = False):
        from modelwright.training.function import bind

        self.plan, self.task, self.reporter, self.silent = estimation.plan, task, reporter, silent
        self.sources = estimation.sources
        self.hp = bind(task, estimation.declared)
        self.model_session: Any = None
        self.told = -1
        self.epochs = 1
        self.restarts = 0
        self.behind: dict[str, Artifact] = {}
        self.fell_back: dict[str, Any] = {}

    def arguments(self) -> dict[str, Any]:
        """The arguments of ``model.fit`` for this configuration."""
        plan = self.plan
        made: dict[str, Any] = dict(self._asked(plan.arguments))
        batch = self._asked(plan.batch_size)
        if batch is not None:
            made["batch_size"] = int(batch)
        epochs = self._asked(plan.epochs)
        self.epochs = int(made.pop("epochs", epochs))
        return made

    def _asked(self, given: Any) -> Any:
        """What was given, or what a given function of hp returns."""
        return given(self.hp) if callable(given) else given

    def session(
        self, data: Sequence[Any], extra: Mapping[str, Any], seed: int, whole: bool = False
    ) -> tuple[Any, Outcome | None]:
        """A fresh model in a session, or the outcome of a model that is too large."""
        from modelwright.training.keras import KerasSession
        from modelwright.training.keras_backend import kept_generators, light_compilation, seed_everything

        with kept_generators(), light_compilation():
            seed_everything(Seed(seed).child("build").integer())
            model = self.plan.build(self.hp)
        check_model(model, self.plan.build)
        if getattr(model, _USED, False):
            raise SubjectError(
                "it returned the same model object as for an earlier trial",
                where=f"{described(self.plan.build)}(hp)",
                hint="Build a new model in each call: one that was trained before gives a value too good.",
            )
        object.__setattr__(model, _USED, True)
        arguments = dict(extra) if whole else {**self.arguments(), **extra}
        if extra and not whole:
            arguments.pop("validation_split", None)
        data, arguments = self.sources.data(data), self.sources.arguments(arguments)
        check_data(data, arguments, targets=needs_targets(model), own_fit=self.plan.fit is not None)
        fit, hp = self.plan.fit, self.hp
        session = KerasSession(
            model,
            data,
            objectives=self.plan.objectives if not whole else (),
            epochs=self.epochs,
            fit_arguments=arguments,
            seed=seed,
            fit=None if fit is None else lambda model, *a, **kw: fit(hp, model, *a, **kw),
            watched=() if fit is not None else {n for limit in self.plan.limits for n in limit.names} - _ASIDE,
            elsewhere=_MEASURED if fit is None else (*_MEASURED, *(o.name for o in self.plan.objectives)),
        )
        self.trace()
        self.model_session = session
        return session, self.too_large()

    def too_large(self) -> Outcome | None:
        """The outcome of a model over a limit. One that waits for its first batch has no size before."""
        plan, made = self.plan, self.model_session
        return too_large(made.count_params(), made.size_in_bytes(), plan.max_model_size, plan.limits)

    def train(self, first: int, last: int) -> Any:
        """A segment of the session's training, infeasible when the model turned out to be too large."""
        with explained(self.model_session):
            segment = self.model_session.train(first, last, self.on_epoch)
        self.trace()
        found = self.too_large()
        return segment if found is None else replace(segment, state="infeasible", error=found.error)

    def restore(self, session: Any, task: Task) -> int:
        """Epochs finished: from the checkpoint when it is whole, from zero otherwise."""
        if task.inherit.get("checkpoint") and task.segment == 0:
            parent = task.inherit["checkpoint"]
            session.inherit(artifacts_of(task).fetch(parent), sha256=parent.sha256)
        found = regained(task, lambda path, sha256: session.restore(path, sha256=sha256) or session.epochs)
        self.behind, self.fell_back = found.artifacts, found.note
        if found.value is None:
            self.restarts += found.passed > 0
            return 0
        return found.value

    def on_epoch(self, epoch: int, logs: dict[str, float]) -> Decision:
        self.trace()
        if self.too_large() is not None:
            return "stop"
        if self.silent:
            return "go"
        return self.reporter.report(epoch, logs, min(1.0, epoch / self.epochs))

    def trace(self) -> None:
        """Tell what was asked of the hyperparameters, when there is news."""
        if not self.silent and len(self.hp.trace) != self.told:
            self.told = len(self.hp.trace)
            self.reporter.traced(self.hp.ran, self.hp.trace)


class _Nobody:
    """A reporter that nobody listens to."""

    def traced(self, config: Any, parameters: Any) -> None:
        return None

    def report(self, step: int, metrics: Mapping[str, float], fidelity: float | None = None) -> Decision:
        return "go"


def prepare(request: Request, build: Callable[..., Any], made: Any, hp: HyperParameters, tree: Tree) -> Prepared:
    """Turn the arguments of ``tune`` into what the engine needs; ``made`` is the model built with the defaults."""
    request.refuse("a Keras model", "groups", "steps")
    check_model(made, build)
    fit = request.subject.fit if has_own_fit(request.subject) else None
    given: Any = request.given("fit", {})
    arguments: Any = given
    fixed = {
        name: request.options[name]
        for name in ("validation_split", "validation_data", "callbacks", "sample_weight")
        if request.options.get(name) is not None
    }
    static: dict[str, Any] = fixed
    if callable(given):
        tuned: Any = cast(Any, given)
        arguments = lambda hp: {**fixed, **tuned(hp)}  # noqa: E731
    else:
        arguments = static = {**fixed, **dict(given)}
    validated = bool({"validation_split", "validation_data"} & set(static)) or request.given("cv") is not None
    objectives = request.objectives or parse_objective("val_loss" if validated or fit else "loss")
    if fit is None and not callable(given) and not validated:
        _refuse_unvalidated(objectives)
    stated = {**static, "batch_size": request.given("batch_size")}
    check_data(request.data, stated, targets=needs_targets(made), own_fit=fit is not None)
    epochs = request.given("epochs", static.get("epochs", 1))
    plan = Plan(
        build=build,
        data=request.data,
        objectives=objectives,
        fit=fit,
        arguments=arguments,
        epochs=epochs,
        batch_size=request.given("batch_size"),
        executions=int(request.given("executions", 1)),
        cv=request.given("cv"),
        max_model_size=request.given("max_model_size"),
        limits=request.given("constraints", ()),
        seed=request.seed,
    )
    grown = tree.grow(hp.trace)
    return Prepared(
        estimation=KerasEstimation(plan, tree),
        tree=grown if isinstance(grown, Tree) else tree,
        objectives=objectives,
        kind="keras",
        unit="epoch",
        described=described(request.subject),
    )


def check_model(model: Any, build: Any) -> None:
    """Raise a ``SubjectError`` for what is not a compiled Keras model."""
    where = f"{described(build)}(hp)"
    if model is None:
        raise SubjectError("it returned None", where=where, hint="Did you forget 'return model'?")
    if not callable(getattr(model, "fit", None)) or not hasattr(model, "compiled"):
        raise SubjectError(f"it returned {kind_of(model)}", where=where, allowed="a compiled keras.Model")
    if not model.compiled:
        raise SubjectError(
            "the model it returned is not compiled",
            where=where,
            hint="Call model.compile(optimizer=..., loss=..., metrics=[...]) before you return it.",
        )


def _own_metrics(returned: Any, plan: Plan) -> dict[str, float]:
    """What a user's own fit returned besides a ``History``: a dict of metrics, or one number."""
    if plan.fit is None or returned is None or hasattr(returned, "history"):
        return {}
    if isinstance(returned, Mapping):
        return {str(k): float(v) for k, v in returned.items()}
    if isinstance(returned, (int, float)) or hasattr(returned, "__float__"):
        return {plan.objectives[0].name: float(returned)}
    raise SubjectError(f"fit returned {kind_of(returned)}", allowed="a History, a dict of numbers, or a number")


def _refuse_unvalidated(objectives: Sequence[Objective]) -> None:
    for objective in objectives:
        if objective.name.startswith("val_"):
            raise ObjectiveError(
                f"{objective.name!r} needs validation data",
                where="objective",
                hint="Pass validation_split=0.2, validation_data=(x, y) or cv=5.",
            )


def _summary(model: Any) -> str:
    from modelwright.training.keras_layers import describe

    try:
        return describe(model)
    except Exception as error:  # a model may be anything that trains; its description must not cost the trial
        return f"no summary: {type(error).__name__}: {error}"


def _release(*, everything: bool = False) -> None:
    from modelwright.training.keras_backend import release

    release(everything=everything)
