"""Learners by their names. Each is imported when it is asked for: the libraries behind them are heavy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import did_you_mean
from modelwright.tasks.learners.base import Fitted, Learner

__all__ = ["Fitted", "Learner", "all_names", "learner", "learners", "names", "own", "restore"]

_HERE = "modelwright.tasks.learners"
#: Name -> module and class.
_KNOWN = {
    "lightgbm": ("lightgbm", "LightGBM"),
    "xgboost": ("xgboost", "XGBoost"),
    "catboost": ("catboost", "CatBoost"),
    "random_forest": ("forest", "RandomForest"),
    "extra_trees": ("forest", "ExtraTrees"),
    "linear": ("linear", "Linear"),
    "mlp": ("mlp", "MLP"),
    "neighbours": ("neighbours", "Neighbours"),
    "naive_bayes": ("naive_bayes", "NaiveBayes"),
    "constant": ("constant", "Constant"),
}
#: Kind of a fitted model -> module and class.
_KINDS = {
    "lightgbm": ("lightgbm", "FittedLightGBM"),
    "xgboost": ("xgboost", "FittedXGBoost"),
    "catboost": ("catboost", "FittedCatBoost"),
    "forest": ("forest", "FittedForest"),
    "linear": ("linear", "FittedLinear"),
    "mlp": ("mlp", "FittedMLP"),
    "neighbours": ("neighbours", "FittedNeighbours"),
    "naive_bayes": ("naive_bayes", "FittedNaiveBayes"),
    "constant": ("constant", "FittedConstant"),
    "own": ("custom", "FittedOwn"),
}
#: Learners whose package is an extra of its own: they join when it is installed.
_EXTRAS = {"catboost": "catboost"}


def names() -> tuple[str, ...]:
    """Names of all learners whose packages are installed, as far as they are extras of their own."""
    return tuple(name for name in _KNOWN if name not in _EXTRAS or find_spec(_EXTRAS[name]) is not None)


def all_names() -> tuple[str, ...]:
    """Names of all learners, those whose packages are not installed too.

    >>> "catboost" in all_names()
    True
    """
    return tuple(_KNOWN)


def learner(name: str) -> Learner:
    """The learner of that name.

    Raises:
        ArgumentError: there is none.
        MissingPackageError: its package is not installed, or does not load.

    >>> learner("linear").name
    'linear'
    """
    if name not in _KNOWN:
        raise ArgumentError(f"there is no learner {name!r}", allowed=", ".join(_KNOWN), hint=did_you_mean(name, _KNOWN))
    module, kind = _KNOWN[name]
    return getattr(import_module(f"{_HERE}.{module}"), kind)()


def own(estimator: Any, name: str = "") -> Learner:
    """A learner of the user's own estimator, which follows scikit-learn's rules."""
    return import_module(f"{_HERE}.custom").Own(estimator, name)


def learners(chosen: Iterable[str] | None = None) -> dict[str, Learner]:
    """Learners by name: those in ``chosen``, or all that are installed."""
    return {name: learner(name) for name in (names() if chosen is None else chosen)}


def restore(kind: str, json: Mapping[str, Any], arrays: Mapping[str, Any], *, trust: bool = False) -> Fitted:
    """A fitted model from its ``kind`` and ``state``.

    Args:
        trust: whether a user's own estimator may be unpickled, which runs code of whoever wrote the file. All other
            kinds are JSON, arrays and native formats.

    Raises:
        ArgumentError: an unknown kind, or a user's own estimator without ``trust``.
    """
    if kind not in _KINDS:
        raise ArgumentError(
            f"unknown kind of model {kind!r}", hint="It was written by a newer version: upgrade Modelwright."
        )
    if kind == "own" and not trust:
        raise ArgumentError(
            "the model is an estimator of the user's own, which can only be unpickled",
            where="trust=False",
            hint="Pass trust=True if you know who wrote the file: unpickling runs their code.",
        )
    module, fitted = _KINDS[kind]
    return getattr(import_module(f"{_HERE}.{module}"), fitted).restore(json, arrays)
