"""From the arguments of ``tune`` to an estimation of scikit-learn estimators: metrics, rows and folds."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from modelwright.core.constraint import DURATION
from modelwright.core.errors import ArgumentError, ObjectiveError
from modelwright.core.objective import VALUE, Objective
from modelwright.core.rng import Seed
from modelwright.core.wording import counted, warn_caller
from modelwright.frontends.given import warn_negative
from modelwright.space import HyperParameters, Tree
from modelwright.training.sklearn import SECONDS, Score, SklearnEstimation, checked
from modelwright.training.sklearn_folds import Folds, Table, has_classes, holdout_splitter, make_folds, make_splitter

if TYPE_CHECKING:
    from modelwright.frontends.subject import Prepared, Request

#: The metric that is an estimator's own ``score``.
OWN = "score"

#: Names people write for scikit-learn's scorers.
_SHORT = {
    "acc": "accuracy",
    "auc": "roc_auc",
    "f1_score": "f1",
    "r2_score": "r2",
    "mcc": "matthews_corrcoef",
    "mse": "neg_mean_squared_error",
    "mae": "neg_mean_absolute_error",
    "rmse": "neg_root_mean_squared_error",
    "mape": "neg_mean_absolute_percentage_error",
    "msle": "neg_mean_squared_log_error",
    "rmsle": "neg_root_mean_squared_log_error",
    "brier": "neg_brier_score",
}
#: Scorers that know two classes only, and one for more.
_FOR_MORE_CLASSES = {
    "roc_auc": "roc_auc_ovr",
    "f1": "f1_macro",
    "precision": "precision_macro",
    "recall": "recall_macro",
    "jaccard": "jaccard_macro",
}
#: Estimators whose ``random_state`` has no effect with some of their settings -> whether it has none.
_STEADY: dict[str, Callable[[Any], bool]] = {
    "LogisticRegression": lambda made: made.solver not in ("sag", "saga", "liblinear"),
    **dict.fromkeys(("Ridge", "RidgeClassifier"), lambda made: made.solver not in ("sag", "saga")),
    **dict.fromkeys(("Lasso", "ElasticNet"), lambda made: made.selection == "cyclic"),
    **dict.fromkeys(("SVC", "NuSVC"), lambda made: not made.probability),
}
#: Functions of ``sklearn.metrics`` that compare labels, or probabilities of labels.
_OF_CLASSES = """accuracy_score balanced_accuracy_score average_precision_score brier_score_loss f1_score jaccard_score
log_loss matthews_corrcoef precision_score recall_score roc_auc_score top_k_accuracy_score cohen_kappa_score
class_likelihood_ratios d2_log_loss_score d2_brier_score""".split()


def prepare(request: Request, build: Callable[..., Any], made: Any, hp: HyperParameters, tree: Tree) -> Prepared:
    """What the engine needs to tune ``build``, which returned ``made`` for the defaults.

    The objective is a scikit-learn scorer (``"roc_auc"``, ``"neg_log_loss"``), a metric that one is made from
    (``"rmse"``, ``"log_loss"``, positive and to be made small), ``"score"`` for the estimator's own, or a name in
    ``fit={"scoring": ...}``, which takes what scikit-learn's ``scoring`` takes: a name, a callable, a list of names
    or a dict of callables. All of them are recorded.

    Raises:
        ObjectiveError: a metric is not known, or is to be made better in the wrong direction.
        ArgumentError: the data do not fit together, cannot be divided, or an argument is meant for something else.
        SubjectError: ``made`` is no estimator.
    """
    from modelwright.frontends.subject import Prepared, described

    request.refuse("a scikit-learn estimator", "epochs", "batch_size", "callbacks", "steps", "max_model_size")
    made = checked(made)
    table, scoring = _table(request, made)
    folds = make_folds(_splitter(request, table, made), table, Seed(request.seed).child("folds"))
    objectives, scores = measures(request.objectives, scoring, table.y)
    _measure_constraints(request, scores, table.y)
    _check_scorers(made, scores)
    estimation = SklearnEstimation(
        build,
        table=table,
        folds=folds,
        scores=scores,
        declared=tree,
        seed=request.seed,
        executions=int(request.given("executions", 1)),
    )
    estimation.check(made)
    warn_negative(table.weight)
    _warn_of_repetition(request, folds, made)
    return Prepared(
        estimation=estimation,
        tree=tree.grow(hp.trace),
        objectives=objectives,
        kind="sklearn",
        unit="fold",
        described=described(request.subject),
        facts={"folds": folds.count, "rows": table.count, "metrics": sorted(scores)},
    )


def _measure_constraints(request: Request, scores: dict[str, Score], y: Any) -> None:
    """Have what the constraints name measured too: any scorer will do."""
    known = {*SECONDS, DURATION, *scores}
    inside = list(scores) == [OWN] and scores[OWN].scorer is not None  # a callable may give several metrics
    for name in dict.fromkeys(n for limit in request.given("constraints", ()) for n in limit.names):
        if name in known:
            continue
        try:
            scores[name] = find_score(name, y)
        except ObjectiveError as error:
            if not inside:
                raise ArgumentError(error.what, where="constraints", allowed=error.allowed, hint=error.hint) from None


def _warn_of_repetition(request: Request, folds: Folds, made: Any) -> None:
    """Warn where runs that are asked for again could only come out as they did."""
    asked = [name for name in ("confirm", "executions") if request.options.get(name) is not None]
    if not asked or folds.chance or draws(made):
        return
    kinds = {Table: "validation_data", list: "a list of splits"}
    splitter = kinds.get(type(folds.splitter), type(folds.splitter).__name__)
    final = made
    while getattr(final, "steps", None):
        final = final.steps[-1][1]
    warn_caller(
        f"{' and '.join(f'{name}={request.options[name]}' for name in asked)}: further runs of the default "
        f"configuration ({type(final).__name__}) come out the same, for neither the splitter ({splitter}) nor the "
        "estimator takes a fresh seed. Give new folds to each run, with cv=5 or a splitter with shuffle=True and no "
        "random_state, or give an estimator that draws, with random_state=None; or leave "
        f"{' and '.join(asked)} out."
    )


def draws(made: Any) -> bool:
    """Whether two fits of an estimator on the same rows may differ; of estimators from elsewhere nobody knows.

    >>> from sklearn.linear_model import LogisticRegression
    >>> draws(LogisticRegression()), draws(LogisticRegression(solver="saga"))
    (False, True)
    """
    parts = [made, *(part for part in made.get_params(deep=True).values() if not isinstance(part, type))]
    for part in parts:
        if hasattr(part, "fit") and type(part).__module__.split(".")[0] != "sklearn":
            return True
        steady = _STEADY.get(type(part).__name__)
        if getattr(part, "random_state", 0) is None and not (steady is not None and steady(part)):
            return True
    return False


def measures(
    objectives: tuple[Objective, ...], scoring: Any = None, y: Any = None
) -> tuple[tuple[Objective, ...], dict[str, Score]]:
    """The objectives, with what measures them and everything in ``scoring``.

    >>> measures((Objective("rmse", "min"),))[1]["rmse"].sign
    -1.0
    """
    scores = _scoring(scoring, y)
    if not objectives:
        first = next(iter(scores), OWN)
        objectives = (Objective(first, "max" if scores.get(first, Score()).sign > 0 else "min"),)
    maybe_inside = list(scores) == [OWN] and scores[OWN].scorer is not None
    for objective in objectives:
        if objective.name in scores:
            continue
        try:
            scores[objective.name] = find_score(objective.name, y, objective.direction)
        except ObjectiveError:
            if not maybe_inside:  # a callable may give several metrics, which show when it is called
                raise
    return objectives, scores


def takes_nan(made: Any) -> bool:
    """Whether an estimator takes NaN for a missing value, or leaves that open; of a pipeline the first step counts."""
    from sklearn.utils import get_tags

    first = made
    while getattr(first, "steps", None):
        first = first.steps[0][1]
    try:
        return hasattr(first, "transformers") or bool(get_tags(first).input_tags.allow_nan)
    except Exception:  # an estimator that knows no tags
        return True


def _check_scorers(made: Any, scores: Mapping[str, Score]) -> None:
    """Scorers of classes cannot score a regressor, whatever the data."""
    from sklearn import metrics
    from sklearn.base import is_regressor

    if not is_regressor(made):
        return
    for name, score in scores.items():
        function = getattr(score.scorer, "_score_func", None)
        if function is not None and function in {getattr(metrics, known, None) for known in _OF_CLASSES}:
            raise ObjectiveError(
                f"{name!r} scores classes, and {type(made).__name__} is a regressor",
                where="objective",
                allowed="'r2', 'rmse', 'mae', 'mape', 'explained_variance' and others for numbers",
                hint="For classes return a classifier from build(hp).",
            )


def find_score(name: str, y: Any = None, direction: str | None = None) -> Score:
    """What measures the metric ``name``.

    Args:
        y: targets; scorers for two classes are refused for more.
        direction: "min" or "max", checked when given.

    Raises:
        ObjectiveError: nothing does; the message lists near names.
    """
    from sklearn.metrics import get_scorer, get_scorer_names

    names = get_scorer_names()
    bare = name.removeprefix("val_").removeprefix("test_")
    if bare in (OWN, VALUE):
        _check_direction(name, direction, "max")
        return Score()
    known = next((n for n in (bare, _SHORT.get(bare), f"neg_{bare}") if n in names), None)
    if known is None:
        choices = [*names, *_SHORT, *(n.removeprefix("neg_") for n in names)]
        near = difflib.get_close_matches(bare, choices, n=5, cutoff=0.5)
        raise ObjectiveError(
            f"scikit-learn has no scorer {name!r}",
            where="objective",
            allowed=", ".join(dict.fromkeys(near)) if near else "'score', and sklearn.metrics.get_scorer_names()",
            hint="Hand over a scorer of your own with fit={'scoring': {'name': scorer}}.",
        )
    if known in _FOR_MORE_CLASSES and _many_classes(y):
        raise ObjectiveError(
            f"{name!r} is for two classes, and there are more",
            where="objective",
            allowed=", ".join(n for n in names if n.startswith(f"{known}_")),
            hint=f"Write objective={_FOR_MORE_CLASSES[known]!r}.",
        )
    negated = known.startswith("neg_") and not bare.startswith("neg_")
    _check_direction(name, direction, "min" if negated else "max")
    return Score(get_scorer(known), -1.0 if negated else 1.0)


def _check_direction(name: str, given: str | None, right: str) -> None:
    if given is not None and given != right:
        word, verb = ("large", "Maximize") if right == "max" else ("small", "Minimize")
        raise ObjectiveError(
            f"{name!r} is better {word}",
            where="objective",
            hint=f"Write mw.{verb}({name!r}), or hand over a scorer of your own with fit={{'scoring': {{...}}}}.",
        )


def _scoring(given: Any, y: Any) -> dict[str, Score]:
    if given is None:
        return {}
    if isinstance(given, str):
        return {given: find_score(given, y)}
    if isinstance(given, Mapping):
        return {str(k): find_score(v, y) if isinstance(v, str) else Score(_callable(v)) for k, v in given.items()}
    if callable(given):
        return {OWN: Score(given)}
    if isinstance(given, Iterable):
        found: dict[str, Score] = {}
        for item in given:
            found.update({getattr(item, "__name__", OWN): Score(item)} if callable(item) else _scoring(item, y))
        return found
    return {OWN: Score(_callable(given))}


def _callable(scorer: Any) -> Any:
    if not callable(scorer):
        raise ObjectiveError(
            f"cannot score with {scorer!r:.60}",
            where="scoring",
            allowed="a scorer's name, a callable(estimator, X, y), a list of names, or a dict of them",
        )
    return scorer


def _many_classes(y: Any) -> bool:
    from sklearn.utils.multiclass import type_of_target

    return has_classes(y) and type_of_target(y) == "multiclass"


# --- rows ------------------------------------------------------------------------------------------


def _table(request: Request, made: Any) -> tuple[Table, Any]:
    from sklearn.base import is_classifier, is_regressor

    if not 1 <= len(request.data) <= 2:
        raise ArgumentError(
            f"{len(request.data)} data sets were given", where="tune", allowed="tune(build, X, y) or tune(build, X)"
        )
    X, y = (*request.data, None)[:2]
    if y is None and (is_classifier(made) or is_regressor(made)):
        raise ArgumentError(
            f"{type(made).__name__} requires y to be passed, but the target y is None",
            where="tune",
            hint="Write tune(build, X, y, ...).",
        )
    params = dict(request.given("fit", {}))
    scoring = request.given("scoring", params.pop("scoring", None))
    weight = request.given("sample_weight", params.pop("sample_weight", None))
    groups = request.given("groups", params.pop("groups", None))
    X, y, weight, groups = _aligned(X=X, y=y, sample_weight=weight, groups=groups)
    return Table(X=X, y=y, weight=weight, groups=groups, params=params), scoring


def _aligned(**columns: Any) -> list[Any]:
    """The columns, each with as many rows as X, in a form that can be indexed."""
    from sklearn.utils import indexable

    try:
        found = list(indexable(*columns.values()))
    except (ValueError, TypeError) as error:
        names = ", ".join(k for k, v in columns.items() if v is not None)
        raise ArgumentError(str(error), where=names, hint="Each must have one entry a row of X.") from error
    return found


def _splitter(request: Request, table: Table, made: Any) -> Any:
    from sklearn.base import is_classifier

    ways = ("cv", "validation_split", "validation_data")
    given = [name for name in ways if request.options.get(name) is not None]
    if len(given) > 1:
        raise ArgumentError(f"{' and '.join(given)} were given", where="tune", allowed="one of " + ", ".join(ways))
    held = request.given("validation_data")
    if held is not None:
        return _held(held, table)
    share = request.given("validation_split")
    if share is not None:
        return holdout_splitter(share, table, classifier=is_classifier(made))
    return make_splitter(request.given("cv"), table, classifier=is_classifier(made))


def _held(held: Any, table: Table) -> Table:
    parts = list(held) if isinstance(held, (tuple, list)) else [held]
    if not 1 <= len(parts) <= 3 or (table.y is not None and len(parts) < 2):
        raise ArgumentError(
            f"validation_data has {counted(len(parts), 'part')}",
            where="tune",
            allowed="(X, y) or (X, y, sample_weight)",
        )
    X, y, weight = (*parts, None, None)[:3]
    X, y, weight = _aligned(X=X, y=y, sample_weight=weight)
    return Table(X=X, y=y, weight=weight)


__all__ = ["find_score", "measures", "prepare"]
