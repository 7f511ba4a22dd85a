"""A user's own estimator, by scikit-learn's rules, as a learner."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import cloudpickle
import numpy as np

from modelwright.core.errors import SubjectError
from modelwright.core.optional import optional
from modelwright.core.wording import each_once, kind_of
from modelwright.space.hyperparameters import HyperParameters
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.features.matrix import Matrix
from modelwright.tasks.features.recipe import Recipe
from modelwright.tasks.learners.base import WARNED, Arrays, Fitted, Learner, Lesson, shared
from modelwright.tasks.learners.recipes import for_smooth
from modelwright.tasks.learners.weighed import seed_all, weights_of

#: Modules of models that are made of trees.
_TREES = (
    "sklearn.tree.", "sklearn.ensemble._forest.", "sklearn.ensemble._gb.", "sklearn.ensemble._hist_gradient_boosting.",
    "lightgbm.", "xgboost.", "catboost.",
)  # fmt: skip
#: What is said where rows or classes have weights of which an estimator does not know.
_UNWEIGHED = "its fit takes no sample_weight, so that all rows count alike in it"
#: Characters of a warning that are kept: some end in addresses of manuals.
_LONGEST = 300


class Own(Learner):
    """Fits a copy of the estimator on features that are numbers without gaps, on one scale.

    It is fitted to its end, whatever the deadline: nobody but itself can stop it. Its parameters stay as they are, but
    for each ``random_state`` that is None. Where its ``fit`` takes no weights, that is among what it warned of.

    Args:
        estimator: has ``fit``, and ``predict_proba`` or ``predict``.
        name: by which it is reported; its class in lower case by default.

    Raises:
        SubjectError: it has no ``fit`` or no ``predict``.
    """

    name = ""  # type: ignore[misc]
    chooses: ClassVar[bool] = False

    def __init__(self, estimator: Any, name: str = ""):
        if isinstance(estimator, type) or not hasattr(estimator, "fit") or not _has(estimator, "predict"):
            shown = f"the class {estimator.__name__}" if isinstance(estimator, type) else kind_of(estimator)
            raise SubjectError(
                f"{shown} is no estimator",
                where="models",
                allowed="names of learners, and estimators with fit and predict",
                hint="Write MyEstimator() with its arguments." if isinstance(estimator, type) else "",
            )
        self.estimator = estimator
        self.name = name or type(estimator).__name__.lower()  # type: ignore[misc]
        base = optional("sklearn.base", extra="tables", purpose="a model of your own")
        self.tasks = _tasks(estimator, base)  # type: ignore[misc]

    def features(self, frame: Frame, config: Mapping[str, Any]) -> Recipe:
        return for_smooth(frame, config)

    def space(self, hp: HyperParameters, task: str, rows: int, columns: int) -> None:
        if not _by_order(self.estimator):  # to whom a scale is none, another one would be the same candidate again
            hp.Choice("scale", ["robust", "quantile"])

    def cost(self, rows: int, columns: int, config: Mapping[str, Any]) -> float:
        return 0.1 + rows * columns * 1e-5

    def learn(self, lesson: Lesson) -> Fitted:
        matrix, y, weight = lesson.matrix, lesson.y, lesson.weight
        base = optional("sklearn.base", extra="tables", purpose="a model of your own")
        model = base.clone(self.estimator, safe=False)
        seed_all(model, lesson.seed % 2**31)
        takes = weights_of(model)
        differ = weight is not None and bool(np.ptp(weight))
        more = {takes: weight} if takes and weight is not None else {}
        facts: dict[str, Any] = {"rounds": 1, "ended": "rounds"}
        said = [_UNWEIGHED] if differ and not takes else []
        if said := [*said, *_heard(lambda: model.fit(matrix.values, y, **more))]:
            facts[WARNED] = said
        return FittedOwn(model, lesson.classes, facts)


def _has(estimator: Any, name: str) -> bool:
    """Whether it has a method, or will have once it is fitted, as a stack has what its last estimator has."""
    return hasattr(estimator, name) or hasattr(type(estimator), name)


def _tasks(estimator: Any, base: Any) -> tuple[str, ...]:
    """What it is for; all tasks where it does not say."""
    classes, numbers = ("binary", "multiclass"), ("regression",)
    if hasattr(estimator, "predict_proba"):
        return classes
    if not hasattr(estimator, "__sklearn_tags__"):  # it knows no scikit-learn, which would refuse to look at it
        said = getattr(estimator, "_estimator_type", None)
        return (*classes, *numbers) if said is None else classes if said == "classifier" else numbers
    return classes if base.is_classifier(estimator) else numbers


def _heard(fit: Callable[[], Any]) -> list[str]:
    """The warnings that a fit would have shown, each once: there is a fit for each fold of each candidate.

    >>> _heard(lambda: warnings.warn("it did not converge"))
    ['UserWarning: it did not converge']
    """
    with warnings.catch_warnings(record=True) as caught:
        fit()
    said = each_once(f"{one.category.__name__}: {' '.join(str(one.message).split())}" for one in caught)
    return [one if len(one) <= _LONGEST else f"{one[:_LONGEST]} ..." for one in said]


def _by_order(estimator: Any) -> bool:
    """Whether it is known to go by the order of values alone, so that it is the same on any scale: trees are.

    Splits that are drawn between the least and the largest value are not, nor are boosters of linear models.
    """
    if "extra" in type(estimator).__name__.lower():
        return False
    given = estimator.get_params() if hasattr(estimator, "get_params") else {}
    if given.get("booster") == "gblinear" or given.get("linear_tree") or given.get("splitter") == "random":
        return False
    return any(f"{one.__module__}.".startswith(_TREES) for one in type(estimator).__mro__)


class FittedOwn(Fitted):
    """The estimator. It alone of all models is kept by pickling, and is not restored without the user's word."""

    kind: ClassVar[str] = "own"

    def __init__(self, model: Any, classes: int, facts: dict[str, Any]):
        self._model, self._classes, self.facts = model, classes, facts

    def predict(self, matrix: Matrix, *, threads: int = 1) -> np.ndarray:
        if self._classes == 0:
            return np.asarray(self._model.predict(matrix.values), np.float64).reshape(matrix.rows)
        made = np.zeros((matrix.rows, self._classes))
        if hasattr(self._model, "predict_proba"):
            made[:, np.asarray(self._model.classes_).astype(int)] = self._model.predict_proba(matrix.values)
        else:
            made[np.arange(matrix.rows), np.asarray(self._model.predict(matrix.values)).astype(int)] = 1.0
        return made

    def shares(self) -> np.ndarray:
        found = getattr(self._model, "feature_importances_", getattr(self._model, "coef_", None))
        if found is None:
            return np.zeros(int(getattr(self._model, "n_features_in_", 0)))
        return shared(np.abs(np.atleast_2d(found)).sum(axis=0))

    def state(self) -> tuple[dict[str, Any], Arrays]:
        return {"classes": self._classes, "facts": self.facts}, {"pickle": cloudpickle.dumps(self._model)}

    @classmethod
    def restore(cls, json: Mapping[str, Any], arrays: Mapping[str, Any]) -> FittedOwn:
        return cls(cloudpickle.loads(bytes(arrays["pickle"])), json["classes"], dict(json["facts"]))
