"""Fits and scores scikit-learn estimators as trials, fold by fold. Does not know how arguments were written."""

from __future__ import annotations

import hashlib
import inspect
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError, StoreError, SubjectError
from modelwright.core.records import Artifact, Outcome, Task
from modelwright.core.rng import Seed
from modelwright.core.wording import kind_of
from modelwright.estimation.base import Estimation, Reporter
from modelwright.space import HyperParameters, Tree
from modelwright.training.failure import outcome_of
from modelwright.training.function import bind
from modelwright.training.kept import Regained, artifacts_of, regained
from modelwright.training.refused import in_our_words, library_line
from modelwright.training.sklearn_folds import Folds, Table


@dataclass(frozen=True, slots=True)
class Score:
    """How a metric is measured: ``sign * scorer(estimator, X, y)``; None is the estimator's own ``score``."""

    scorer: Callable[..., Any] | None = None
    sign: float = 1.0


class SklearnEstimation(Estimation):
    """Fits what ``build(hp)`` returns on each fold, and scores it on the rest; a trial's value is the mean.

    A step is a fold. Each fold's running mean is reported, so that a strategy may stop a trial by what its first
    folds show and a trial that runs out of time goes on later with the folds that are left. ``steps`` stays None all
    the same: means over different folds compare well at equal numbers of folds only, rungs compare the best of a
    trial's reports so far, and the best of several running means flatters noisy trials. So "auto" runs every trial
    on all folds, and what it finds is what a plain search would find.

    Chance: parameters named ``random_state`` that were left None get a number that belongs to the trial; the folds
    belong to the study, the same for all trials. A confirming run, and each further execution, has fresh numbers and
    freshly shuffled folds.

    Args:
        build: makes an estimator from hyperparameters.
        table: the rows.
        folds: how they are divided.
        scores: metric -> how it is measured.
        declared: a space declared ahead, or None.
        seed: the study's seed.
        executions: times that all folds are run, each with its own chance.
    """

    resumable = True
    steps = None

    def __init__(
        self,
        build: Callable[..., Any],
        *,
        table: Table,
        folds: Folds,
        scores: Mapping[str, Score],
        declared: Tree | None = None,
        seed: int = 0,
        executions: int = 1,
    ):
        from sklearn import get_config

        self.build, self.table, self.folds, self.scores = build, table, folds, dict(scores)
        self.declared, self.seed, self.executions = declared, seed, executions
        self._config = get_config()

    def estimate(self, task: Task, reporter: Reporter) -> Outcome:
        from sklearn import config_context

        began = time.perf_counter()
        hp = bind(task, self.declared)
        traced: list[bool] = []

        def trace() -> None:
            if not traced:
                traced.append(True)
                reporter.traced(hp.ran, hp.trace)

        try:
            with config_context(**self._config):
                made = checked(self.build(hp))
                trace()
                return self._run(task, reporter, made, began)
        except Exception as error:
            trace()
            line = library_line(error)
            return _placed(outcome_of(error, time.perf_counter() - began), line)

    def check(self, made: Any) -> None:
        """Raise for arguments that an estimator, or a scorer, will not take."""
        from sklearn import get_config

        if self.table.weight is not None and not get_config().get("enable_metadata_routing"):
            weight_name(made)
        if any(score.scorer is None for score in self.scores.values()) and not callable(getattr(made, "score", None)):
            raise ArgumentError(
                f"{type(made).__name__} has no score of its own",
                where="objective",
                hint="Name one: objective='accuracy'.",
            )

    def refit(self, config: Mapping[str, Any], *, seed: int, steps: int | None = None) -> Any:
        """The estimator of ``config``, fitted on all rows; those of ``validation_data`` included."""
        from sklearn import config_context

        hp = HyperParameters.bind(config, declared=self.declared, draw=None)
        table = self.table
        if isinstance(self.folds.splitter, Table):
            table = table.joined(self.folds.splitter)
        with config_context(**self._config):
            estimator = seeded(_cloned(checked(self.build(hp))), Seed(seed))
            fitted, _ = self._arguments(estimator, table)
            return _fit(estimator, table, fitted)

    # --- folds -------------------------------------------------------------------------------------

    def _run(self, task: Task, reporter: Reporter, made: Any, began: float) -> Outcome:
        total = self.folds.count * self.executions
        last = max(1, round(total * task.stop))
        found = self._restored(task)
        done, decision = found.value or [], "go"
        while len(done) < last and decision == "go":
            done.append(self._fold(task, made, len(done)))
            decision = reporter.report(len(done), _means(done), min(1.0, len(done) / total))
        stopped = len(done) < last
        kept = {**found.artifacts, "checkpoint": _keep(task, done)} if len(done) < total and task.folder else {}
        return Outcome(
            state=("paused" if decision == "pause" else "pruned") if stopped else "complete",
            metrics=_means(done),
            fidelity=len(done) / total if stopped else task.stop,
            duration=time.perf_counter() - began,
            artifacts=kept,
            note={**self._note(done), **found.note},
            stepwise=False,
        )

    def _fold(self, task: Task, made: Any, step: int) -> dict[str, float]:
        """The metrics of fold ``step``, counted from 0 over all executions, with the seconds it took."""
        execution, fold = divmod(step, self.folds.count)
        chance, shuffle = Seed(task.seed), self.folds.seed
        if self._is_fresh(task):
            shuffle = chance.child("folds")
        if execution:
            chance, shuffle = chance.child("execution", execution), shuffle.child("execution", execution)
        part = self.folds.parts(self.table, shuffle)[fold]
        fit_on, score_on = self.folds.divided(self.table, part)
        estimator = seeded(_cloned(made), chance)
        fitted, _ = self._arguments(estimator, fit_on)
        start = time.perf_counter()
        _fit(estimator, fit_on, fitted)
        middle = time.perf_counter()
        metrics = self._scored(estimator, score_on)
        return {**metrics, "fit_seconds": middle - start, "score_seconds": time.perf_counter() - middle}

    def _is_fresh(self, task: Task) -> bool:
        """Whether the run confirms an earlier one: then its seed is not the trial's own."""
        return task.seed != Seed(self.seed).trial(task.number).root

    def _note(self, done: list[dict[str, float]]) -> dict[str, Any]:
        names = [name for name in done[0] if name not in SECONDS]
        folds = {name: [fold[name] for fold in done] for name in names}
        spread = {k: float(np.std(v, ddof=1)) for k, v in folds.items()} if len(done) > 1 else {}
        note: dict[str, Any] = {"folds": folds, "spread": spread}
        for name in SECONDS:
            note[name] = float(np.mean([fold[name] for fold in done]))
        if self.executions > 1 and len(done) == self.folds.count * self.executions:
            count = self.folds.count
            note["executions"] = [_means(done[i : i + count]) for i in range(0, len(done), count)]
        return note

    def _restored(self, task: Task) -> Regained[list[dict[str, float]]]:
        if task.checkpoint is None or task.start <= 0:
            return Regained(None, {}, {})
        return regained(task, _folds_in)

    # --- arguments and scores ----------------------------------------------------------------------

    def _arguments(self, estimator: Any, table: Table) -> tuple[dict[str, Any], dict[str, Any]]:
        """What goes to ``fit`` and to the scorers besides X and y."""
        from sklearn import get_config

        if get_config().get("enable_metadata_routing"):
            return _routed(estimator, self._scorers(estimator), table)
        given = dict(table.params)
        weighted = {} if table.weight is None else {"sample_weight": table.weight}
        if weighted:
            given[weight_name(estimator)] = table.weight
        return given, weighted

    def _scorers(self, estimator: Any) -> dict[str, Any]:
        from sklearn.metrics import check_scoring

        own = None
        if any(score.scorer is None for score in self.scores.values()):
            own = check_scoring(estimator)
        return {name: score.scorer or own for name, score in self.scores.items()}

    def _scored(self, estimator: Any, table: Table) -> dict[str, float]:
        doing = f"scoring {type(estimator).__name__} by {', '.join(map(repr, self.scores))}"
        with in_our_words(doing, table.described, _FITTING):
            found = self._measured(estimator, table)
        metrics: dict[str, float] = {}
        for name, value in found.items():
            many = value.items() if isinstance(value, Mapping) else [(name, value)]
            metrics.update({str(k): self.scores[name].sign * _number(v, str(k)) for k, v in many})
        return metrics

    def _measured(self, estimator: Any, table: Table) -> dict[str, Any]:
        """What each scorer returned."""
        from sklearn import get_config
        from sklearn.metrics import check_scoring

        scorers = self._scorers(estimator)
        _, arguments = self._arguments(estimator, table) if table.weight is not None or table.params else ({}, {})
        if not arguments or get_config().get("enable_metadata_routing"):
            together: Any = check_scoring(estimator, scoring=scorers)
            return together(estimator, table.X, table.y, **arguments)
        found: dict[str, Any] = {}
        for name, scorer in scorers.items():
            own = self.scores[name].scorer is None
            weighted = arguments if _weighs(scorer, estimator if own else None) else {}
            found[name] = scorer(estimator, table.X, table.y, **weighted)
        return found


SECONDS = ("fit_seconds", "score_seconds")
_CHECK = "Look at the rows and at what the estimator says of them."
_FITTING = "Do the metric, the rows and the estimator belong together? A regressor gives no classes, for example."


def checked(made: Any) -> Any:
    """What ``build`` returned, when it is an estimator.

    Raises:
        SubjectError: it is none.
    """
    if isinstance(made, type):
        raise SubjectError(
            f"build returned the class {made.__name__}", where="build(hp)", hint=f"Return {made.__name__}(...)."
        )
    if not callable(getattr(made, "fit", None)) or not callable(getattr(made, "get_params", None)):
        raise SubjectError(
            f"build returned {made!r:.60} ({kind_of(made)})",
            where="build(hp)",
            allowed="a scikit-learn estimator: an object with fit and get_params",
            hint="Did you forget 'return estimator'?" if made is None else "",
        )
    return made


def seeded(estimator: Any, seed: Seed) -> Any:
    """``estimator`` with every ``random_state`` that was left None set from ``seed``, at every depth."""
    params = estimator.get_params(deep=True)
    names = [k for k in sorted(params) if params[k] is None and k.split("__")[-1] == "random_state"]
    if names:
        estimator.set_params(**{name: seed.child("random_state", name).integer() for name in names})
    return estimator


def weight_name(estimator: Any) -> str:
    """Under which name ``estimator.fit`` takes weights of rows; a pipeline hands them to its last step.

    Raises:
        ArgumentError: it takes none.
    """
    path: list[str] = []
    final = estimator
    while getattr(final, "steps", None):
        name, final = final.steps[-1]
        path.append(name)
    if final in (None, "passthrough") or not _takes(getattr(final, "fit", None), "sample_weight"):
        raise ArgumentError(
            f"sample_weight was given, and {type(final).__name__}.fit takes none",
            where="sample_weight",
            hint="Leave it out, hand it to a step with fit={'step__sample_weight': weights}, or use scikit-learn's "
            "metadata routing: sklearn.set_config(enable_metadata_routing=True).",
        )
    return "__".join([*path, "sample_weight"])


def _weighs(scorer: Any, estimator: Any) -> bool:
    """Whether a scorer takes weights; ``estimator`` is given when it is the estimator's own score."""
    if estimator is None:
        return _takes(getattr(scorer, "_score_func", scorer), "sample_weight")
    while getattr(estimator, "steps", None):
        estimator = estimator.steps[-1][1]
    return _takes(getattr(estimator, "score", None), "sample_weight")


def _takes(function: Any, name: str) -> bool:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _routed(estimator: Any, scorers: Mapping[str, Any], table: Table) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arguments that estimator and scorers asked for through scikit-learn's metadata routing."""
    from sklearn.metrics import check_scoring
    from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

    given = dict(table.params) if table.weight is None else {**table.params, "sample_weight": table.weight}
    if not given:
        return {}, {}
    scorer: Any = check_scoring(estimator, scoring=dict(scorers))
    router = MetadataRouter(owner="modelwright")
    router.add(estimator=estimator, method_mapping=MethodMapping().add(caller="fit", callee="fit"))
    router.add(scorer=scorer, method_mapping=MethodMapping().add(caller="fit", callee="score"))
    routed: Any = process_routing(router, "fit", **given)
    return dict(routed.estimator.fit), dict(routed.scorer.score)


def _fit(estimator: Any, table: Table, arguments: Mapping[str, Any]) -> Any:
    with in_our_words(f"{type(estimator).__name__}.fit", table.described, _CHECK):
        if table.y is None:
            fitted = estimator.fit(table.X, **arguments)
        else:
            fitted = estimator.fit(table.X, table.y, **arguments)
    return estimator if fitted is None else fitted


def _cloned(estimator: Any) -> Any:
    from sklearn.base import clone

    return clone(estimator)


def _number(value: Any, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise SubjectError(
            f"the scorer {name!r} returned {value!r:.60} ({kind_of(value)})",
            where="scoring",
            allowed="a number, or a dict of numbers",
        ) from None


def _means(done: list[dict[str, float]]) -> dict[str, float]:
    return {k: float(np.mean([fold[k] for fold in done])) for k in done[0] if k not in SECONDS}


def _keep(task: Task, done: list[dict[str, float]]) -> Artifact:
    plain = [{k: v if math.isfinite(v) else None for k, v in fold.items()} for fold in done]
    content = json.dumps(plain).encode()
    return artifacts_of(task).keep(Path(task.folder).name, "folds.json", lambda sink: sink.write(content))


def _folds_in(path: Path, sha256: str) -> list[dict[str, float]]:
    try:
        content = path.read_bytes()
        if sha256 and hashlib.sha256(content).hexdigest() != sha256:
            raise StoreError("was changed or cut short since it was written", where=f"checkpoint {str(path)!r}")
        return [{k: math.nan if v is None else float(v) for k, v in fold.items()} for fold in json.loads(content)]
    except (OSError, ValueError, AttributeError) as error:
        raise StoreError(f"cannot be read ({error})", where=f"checkpoint {str(path)!r}") from error


def _placed(outcome: Outcome, line: str) -> Outcome:
    """Failures inside ``fit`` have no line of the user's: the library's own tells one kind from another."""
    if outcome.error is None or outcome.error.where:
        return outcome
    return replace(outcome, error=replace(outcome.error, where=line))
