"""TunedCV: a search as a scikit-learn estimator. A face over ``tune``; owns no search of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from types import MethodType
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from modelwright.api.afterwards import followed_by, seconds_to_fit_again
from modelwright.api.study import Study
from modelwright.api.tune import tune
from modelwright.core.errors import SubjectError
from modelwright.core.objective import Maximize, Objective, parse_objective
from modelwright.frontends.changed import Changed
from modelwright.frontends.sklearn import OWN, measures
from modelwright.space import HyperParameters
from modelwright.store.memory import MemoryStore
from modelwright.training.sklearn import Score


class _Delegated:
    """A method that is there when the wrapped estimator has it; after ``fit`` the best one decides.

    Unlike scikit-learn's ``available_if`` it says why a method is not there.
    """

    def __init__(self, function: Callable[..., Any]):
        self.function, self.name = function, function.__name__

    def __get__(self, search: TunedCV | None, owner: type) -> Any:
        if search is None:
            return self.function
        _check_has(search, _NEEDS.get(self.name, self.name))
        return MethodType(self.function, search)


#: Methods that are there when the estimator has another one.
_NEEDS = {"fit_transform": "transform"}


def _check_has(search: TunedCV, name: str) -> None:
    kind = type(search).__name__
    if not search.refit:
        raise AttributeError(
            f"{kind} has no {name!r} because refit=False: no estimator was fitted on all rows. Leave refit out, or fit "
            "one yourself with best_params_."
        )
    try:
        getattr(search.best_estimator_ if hasattr(search, "best_estimator_") else search._template(), name)
    except Exception as error:  # of a build as well: whoever only looks for a method gets no other error
        raise AttributeError(f"{kind} has no {name!r}: {error}") from error


class TunedCV(MetaEstimatorMixin, BaseEstimator):
    """An estimator that, when fitted, finds its own hyperparameters by cross-validation.

    Args:
        estimator: an estimator whose parameters are searched, or a ``build(hp)`` that returns one.
        space: ``function(hp)`` that returns parameters for ``estimator.set_params``; None with a ``build(hp)``.
        objective: a scorer's name, a callable ``(estimator, X, y)`` that is better large, ``mw.Minimize("rmse")``,
            a list of these, or None for the estimator's own score.
        cv: a number of folds (shuffled with ``seed``, stratified for a classifier), a splitter, a list of splits.
        trials, seconds: the budget in configurations, or in seconds, of which the last fit gets its part; at least one.
        strategy: a name or a strategy object, see ``tune``.
        refit: whether the best is fitted again on all rows; without it there are no ``predict`` and its like.
        seed: the same seed gives the same search, with a budget in trials and one worker.
        workers: processes.
        executions: times the folds of each trial are run, with other seeds.
        confirm: so many of the best are run again with fresh seeds and folds before the winner is named.
        store, name: where the study is kept; by default nothing outlives the object.
        verbose: 0 prints nothing.

    Attributes:
        best_estimator_: the best configuration, fitted on all rows.
        best_params_: what ``space`` returned for it; with a ``build(hp)`` its hyperparameters.
        best_score_: its mean score over the folds, better large whatever the objective's direction is.
        best_index_: its row in ``cv_results_``, which is the trial's number.
        cv_results_: a dict of columns as scikit-learn's searches have it.
        study_: the ``Study``, without the data: look, report, but do not run it on.
        scorer_: the callable that ``score`` uses, better large.
        n_splits_: number of folds.
        classes_: the labels, for a classifier.
        n_features_in_: number of features seen in ``fit``.
        feature_names_in_: their names, when X was a data frame.

    A search can be pickled when ``space`` (or ``build``) can: a function of a module, not a lambda.

    ``fit`` takes further arguments for the estimator's own ``fit``; ``sample_weight`` reaches ``fit`` and those
    scorers that take it, ``groups`` keeps the rows of a group in one fold.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> import modelwright as mw
    >>> X, y = load_iris(return_X_y=True)
    >>> search = mw.TunedCV(LogisticRegression(max_iter=500), lambda hp: {"C": hp.Float("C", 0.01, 10, sampling="log")},
    ...                     trials=4, cv=3, strategy="random")
    >>> search.fit(X, y).score(X, y) > 0.9
    True
    """

    def __init__(
        self,
        estimator: Any,
        space: Callable[[HyperParameters], Mapping[str, Any]] | None = None,
        *,
        objective: Any = None,
        cv: Any = None,
        trials: int | None = 20,
        seconds: float | None = None,
        strategy: Any = "auto",
        refit: bool = True,
        seed: int = 0,
        workers: int = 1,
        executions: int = 1,
        confirm: int = 0,
        store: Any = ":memory:",
        name: str | None = None,
        verbose: int = 0,
    ):
        self.estimator, self.space, self.objective, self.cv = estimator, space, objective, cv
        self.trials, self.seconds, self.strategy, self.refit = trials, seconds, strategy, refit
        self.seed, self.workers, self.executions, self.confirm = seed, workers, executions, confirm
        self.store, self.name, self.verbose = store, name, verbose

    def fit(self, X: Any, y: Any = None, **params: Any) -> TunedCV:
        """Search, then fit the best on all rows.

        Args:
            X: rows of features: numpy, pandas, sparse.
            y: targets, or None.
            params: ``sample_weight``, ``groups``, and arguments for the estimator's ``fit``.
        """
        objective, scoring = self._objective()
        given = dict(params)
        groups, weight = given.pop("groups", None), given.pop("sample_weight", None)
        if scoring is not None:
            given["scoring"] = scoring
        with followed_by(seconds_to_fit_again(self.executions) if self.refit else None):
            study = self._search(X, y, objective, groups, weight, given)
        self._keep(study)
        return self

    def _search(self, X: Any, y: Any, objective: Any, groups: Any, weight: Any, given: dict[str, Any]) -> Study:
        return tune(
            self._build(),
            *((X,) if y is None else (X, y)),
            objective=objective,
            strategy=self.strategy,
            trials=self.trials,
            seconds=self.seconds,
            workers=self.workers,
            store=self.store,
            name=self.name,
            seed=self.seed,
            verbose=self.verbose,
            cv=self.cv,
            groups=groups,
            sample_weight=weight,
            fit=given,
            executions=self.executions,
            confirm=self.confirm,
        )

    def _keep(self, study: Study) -> None:
        assert study._settings is not None
        estimation: Any = study._settings.estimation
        best = study.best
        self.study_, self.best_index_ = study, best.number
        self.n_splits_ = estimation.folds.count
        self.scorer_ = _Larger(study.objectives[0], estimation.scores.get(study.objectives[0].name))
        self.best_score_ = study.objectives[0].score(best.value)  # pyright: ignore[reportArgumentType]
        self.best_params_ = self._params(best.config)
        self.cv_results_ = _columns(study, [self._params(trial.config) for trial in study.trials])
        if self.refit:
            self.best_estimator_ = study.refit()
            output = getattr(self, "_sklearn_output_config", None)
            if output and hasattr(self.best_estimator_, "set_output"):
                self.best_estimator_.set_output(**output)
        study._settings = None  # the rows are the caller's; what is fitted should not hold them

    # --- what is searched --------------------------------------------------------------------------

    def _build(self) -> Any:
        if isinstance(self.estimator, type):
            name = self.estimator.__name__
            raise SubjectError(
                f"{name} is a class; hand over an instance", where="TunedCV", hint=f"Write TunedCV({name}(), ...)."
            )
        if self.space is not None:
            return Changed(self.estimator, self.space)
        if not callable(self.estimator):
            raise SubjectError(
                f"nothing says what to search in {self.estimator!r:.60}",
                where="TunedCV",
                allowed="TunedCV(estimator, space) with a space(hp), or TunedCV(build) with a build(hp)",
                hint="Such as TunedCV(Ridge(), lambda hp: {'alpha': hp.Float('alpha', 0.01, 100, sampling='log')}).",
            )
        return self.estimator

    def _template(self) -> Any:
        """An estimator of the kind that will be fitted."""
        if self.space is None and callable(self.estimator) and not hasattr(self.estimator, "fit"):
            return self.estimator(HyperParameters())
        return self.estimator

    def _params(self, config: Mapping[str, Any]) -> dict[str, Any]:
        if self.space is None:
            return dict(config)
        return dict(self.space(HyperParameters.bind(config, declared=None, draw=None)))

    def _objective(self) -> tuple[Any, Any]:
        """The objective as ``tune`` takes it, and the scorer of the user's own that it was."""
        if callable(self.objective) and not hasattr(self.objective, "direction"):
            return Maximize(OWN), self.objective
        return self.objective, None

    # --- what scikit-learn asks --------------------------------------------------------------------

    @property
    def classes_(self) -> Any:
        check_is_fitted(self)
        return self.best_estimator_.classes_

    @property
    def n_features_in_(self) -> int:
        if not hasattr(self, "best_estimator_"):
            raise AttributeError(f"{type(self).__name__} has no n_features_in_ before it is fitted")
        return self.best_estimator_.n_features_in_

    @property
    def feature_names_in_(self) -> Any:
        if not hasattr(self, "best_estimator_"):
            raise AttributeError(f"{type(self).__name__} has no feature_names_in_ before it is fitted")
        return self.best_estimator_.feature_names_in_

    def score(self, X: Any, y: Any = None, **params: Any) -> float:
        """The objective on ``X`` and ``y``, better large: of ``"rmse"`` it is the negative."""
        _check_has(self, "score")
        check_is_fitted(self)
        return self.scorer_(self.best_estimator_, X, y, **params)

    @_Delegated
    def predict(self, X: Any, **params: Any) -> Any:
        """What the best estimator predicts."""
        check_is_fitted(self)
        return self.best_estimator_.predict(X, **params)

    @_Delegated
    def predict_proba(self, X: Any, **params: Any) -> Any:
        """Probabilities, rows x classes, in the order of ``classes_``."""
        check_is_fitted(self)
        return self.best_estimator_.predict_proba(X, **params)

    @_Delegated
    def predict_log_proba(self, X: Any, **params: Any) -> Any:
        """Logarithms of ``predict_proba``."""
        check_is_fitted(self)
        return self.best_estimator_.predict_log_proba(X, **params)

    @_Delegated
    def decision_function(self, X: Any, **params: Any) -> Any:
        """The best estimator's decision function."""
        check_is_fitted(self)
        return self.best_estimator_.decision_function(X, **params)

    @_Delegated
    def score_samples(self, X: Any) -> Any:
        """The best estimator's score of each row."""
        check_is_fitted(self)
        return self.best_estimator_.score_samples(X)

    @_Delegated
    def transform(self, X: Any) -> Any:
        """What the best estimator makes of ``X``."""
        check_is_fitted(self)
        return self.best_estimator_.transform(X)

    @_Delegated
    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> Any:
        """``fit``, then ``transform`` of the same rows."""
        return self.fit(X, y, **params).transform(X)

    @_Delegated
    def inverse_transform(self, X: Any) -> Any:
        """The way back from ``transform``."""
        check_is_fitted(self)
        return self.best_estimator_.inverse_transform(X)

    @_Delegated
    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Names of what ``transform`` gives."""
        check_is_fitted(self)
        return self.best_estimator_.get_feature_names_out(input_features)

    @_Delegated
    def set_output(self, *, transform: str | None = None) -> TunedCV:
        """What ``transform`` gives: "default", "pandas" or "polars"; None changes nothing."""
        if transform is not None:
            self._sklearn_output_config = {"transform": transform}
            if hasattr(self, "best_estimator_"):
                self.best_estimator_.set_output(transform=transform)
        return self

    def get_metadata_routing(self) -> Any:
        """Who is asked for ``sample_weight`` and the like when scikit-learn's metadata routing is on."""
        from sklearn.metrics import check_scoring
        from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping

        template = self._template()
        objective, scoring = self._objective()
        _, scores = measures(parse_objective(objective) if objective is not None else (), scoring)
        scorers = {name: score.scorer or check_scoring(template) for name, score in scores.items()}
        router = MetadataRouter(owner=self)
        router.add(estimator=template, method_mapping=MethodMapping().add(caller="fit", callee="fit"))
        both = MethodMapping().add(caller="score", callee="score").add(caller="fit", callee="score")
        router.add(scorer=check_scoring(template, scoring=scorers), method_mapping=both)
        if hasattr(self.cv, "split"):
            router.add(splitter=self.cv, method_mapping=MethodMapping().add(caller="fit", callee="split"))
        return router

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = deepcopy(get_tags(self._template()))
        for name in ("estimator_type", "classifier_tags", "regressor_tags", "transformer_tags", "input_tags"):
            setattr(tags, name, getattr(inner, name))
        tags.target_tags = inner.target_tags
        return tags

    # --- pickling ----------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """A fitted search travels with what its study knows; afterwards the study lives in memory."""
        state: Any = dict(super().__getstate__())  # pyright: ignore
        study = state.pop("study_", None)
        if study is not None:
            facts = list(study._store.load(study._record.id))
            state["study_facts"] = (study._record, facts, study._machine.setup)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        facts = state.pop("study_facts", None)
        super().__setstate__(state)
        if facts is not None:
            record, events, setup = facts
            store = MemoryStore()
            made = store.create(record.name, record.definition, record.created)
            for i, (event, at) in enumerate(events):
                store.append(made.id, [event], after=i, at=at)
            self.study_ = Study._of(store, made, setup)


class _Larger:
    """Scores an estimator by an objective, so that larger is better."""

    def __init__(self, objective: Objective, score: Score | None):
        self.objective, self.measure = objective, score or Score()

    def __call__(self, estimator: Any, X: Any, y: Any = None, **params: Any) -> float:
        scorer = self.measure.scorer
        value = estimator.score(X, y, **params) if scorer is None else scorer(estimator, X, y, **params)
        if isinstance(value, Mapping):
            value = value[self.objective.name]
        return self.objective.score(self.measure.sign * value)


def _columns(study: Study, params: list[dict[str, Any]]) -> dict[str, Any]:
    """Columns over the trials of a study, NaN where a trial has none; scores are better large."""
    trials, first = study.trials, study.objectives[0]
    columns: dict[str, Any] = {"params": params, "state": np.array([trial.state for trial in trials])}
    for name in sorted({k for row in params for k in row}):
        column: Any = np.ma.array(np.empty(len(params), dtype=object), mask=True)
        for i, row in enumerate(params):
            if name in row:
                column[i] = row[name]
        columns[f"param_{name}"] = column
    for name in ("fit", "score"):
        columns[f"mean_{name}_time"] = np.array([t.facts.get(f"{name}_seconds", np.nan) for t in trials], float)
    names = sorted({name for trial in trials for name in trial.facts.get("folds", {})})
    for name in names:
        made = next((o for o in study.objectives if o.name == name), Objective(name, "max"))
        label = "score" if name == first.name else name
        folds = [[made.score(v) for v in trial.facts.get("folds", {}).get(name, ())] for trial in trials]
        for i in range(max(len(row) for row in folds)):
            columns[f"split{i}_test_{label}"] = np.array([row[i] if i < len(row) else np.nan for row in folds])
        columns[f"mean_test_{label}"] = np.array([np.mean(row) if row else np.nan for row in folds])
        columns[f"std_test_{label}"] = np.array([np.std(row) if row else np.nan for row in folds])
    values = np.array([-np.inf if t.value is None else first.score(t.value) for t in trials])
    columns["rank_test_score"] = np.array([1 + int((values > value).sum()) for value in values])
    return columns
