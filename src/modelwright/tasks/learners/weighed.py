"""How an estimator of the user's own takes the weights of rows, and what in it is left to chance. Fits nothing."""

from __future__ import annotations

import inspect
from typing import Any

from modelwright.core.rng import Seed

_WEIGHTS = "sample_weight"


def weights_of(estimator: Any) -> str:
    """The argument by which ``fit`` takes the weights of rows; "" where none is known to reach what is fitted.

    Estimators of scikit-learn that are made of others hand arguments on, and name them in no signature.
    """
    kinds = {one.__name__ for one in type(estimator).__mro__ if one.__module__.startswith("sklearn.")}
    if "Pipeline" in kinds:
        name, last = estimator.steps[-1]
        inner = weights_of(last)
        return f"{name}__{inner}" if inner else ""
    if kinds & {"BaseSearchCV", "RFE"}:
        return weights_of(estimator.estimator)
    if "TransformedTargetRegressor" in kinds:
        return _WEIGHTS if estimator.regressor is None else weights_of(estimator.regressor)
    if kinds & {"_BaseVoting", "_BaseStacking"}:
        last = getattr(estimator, "final_estimator", None)
        others = [one for _, one in (*estimator.estimators, ("", last)) if one is not None and one != "drop"]
        return _WEIGHTS if all(weights_of(one) == _WEIGHTS for one in others) else ""
    if not hasattr(estimator, "fit"):  # "passthrough", or None
        return ""
    return _WEIGHTS if _WEIGHTS in inspect.signature(estimator.fit).parameters else ""


def seed_all(estimator: Any, seed: int) -> None:
    """Leave nothing in it to chance: each ``random_state`` that is None gets a number, within it too.

    Args:
        estimator: a copy that nobody else has.
        seed: that of the outermost; those within have numbers of their own, so that no two draw alike.
    """
    given = estimator.get_params() if hasattr(estimator, "get_params") else {}
    open_ = [name for name, value in given.items() if value is None and f"__{name}".endswith("__random_state")]
    if open_:
        numbers = {name: seed if name == "random_state" else Seed(seed).child(name).integer() for name in open_}
        estimator.set_params(**numbers)
    for name, value in given.items():
        draws = hasattr(value, "get_n_splits") and getattr(value, "shuffle", True)
        if draws and getattr(value, "random_state", seed) is None:
            value.random_state = Seed(seed).child(name).integer()
