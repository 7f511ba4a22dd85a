"""Presets: what is worth searching in known estimators, and configurations that did well on many data sets.

Small tables of facts with their sources; every range is wide enough to be wrong about your data. Trains nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelwright.core.errors import ArgumentError
from modelwright.space import HyperParameters

_TUNABILITY = "first: Probst, Boulesteix, Bischl, 'Tunability', JMLR 20 (2019), table of optimal defaults"
_AUTOSKLEARN = "ranges after those of auto-sklearn (Feurer et al., NIPS 2015)"
_OURS = "first: our own choice"


@dataclass(frozen=True, slots=True)
class Preset:
    """What to search in one family of estimators.

    Attributes:
        family: the name without ``Classifier`` or ``Regressor``.
        parameters: (name, kind, what the kind takes, default): "float" and "int" take (low, high), searched by their
            logarithm when the kind ends in "-log"; "choice" takes the values.
        first: configurations to try right after the estimator's own parameters.
        source: where ranges and configurations come from.
    """

    family: str
    parameters: tuple[tuple[str, str, tuple[Any, ...], Any], ...]
    first: tuple[Mapping[str, Any], ...]
    source: str

    def space(self, hp: HyperParameters, own: Mapping[str, Any] | None = None, prefix: str = "") -> dict[str, Any]:
        """Ask ``hp`` for every parameter; returns them for ``set_params``.

        Args:
            own: parameters that an estimator has; they are the defaults where they are in range.
            prefix: of a step in a pipeline, such as ``"svc__"``.

        >>> preset("SVC").space(HyperParameters())
        {'C': 1.0, 'gamma': 'scale'}
        """
        found = {}
        for name, kind, domain, default in self.parameters:
            if name == "max_samples" and own is not None and own.get("bootstrap") is False:
                continue  # scikit-learn refuses the two together
            mine = (own or {}).get(name)
            default = mine if _fits(mine, kind, domain) else default
            full = prefix + name
            if kind == "choice":
                found[full] = hp.Choice(full, list(domain), ordered=False, default=default)
                continue
            ask = hp.Int if kind.startswith("int") else hp.Float
            sampling = "log" if kind.endswith("-log") else "linear"
            found[full] = ask(full, *domain, sampling=sampling, default=default)
        return found


def _fits(value: Any, kind: str, domain: tuple[Any, ...]) -> bool:
    if kind == "choice":
        return any(type(value) is type(known) and value == known for known in domain)
    number = isinstance(value, int) or (isinstance(value, float) and kind.startswith("float"))
    return number and not isinstance(value, bool) and domain[0] <= value <= domain[1]


_FEATURES = ("max_features", "choice", ("sqrt", 0.1, 0.25, 0.5, 0.75, 1.0), "sqrt")
_LEAF = ("min_samples_leaf", "int-log", (1, 50), 1)
_PENALTY = ("alpha", "float-log", (1e-6, 100.0), 1.0)

_PRESETS = (
    Preset(
        "HistGradientBoosting",
        (
            ("learning_rate", "float-log", (0.01, 0.5), 0.1),
            ("max_leaf_nodes", "int-log", (3, 255), 31),
            ("min_samples_leaf", "int-log", (1, 200), 20),
            ("l2_regularization", "float-log", (1e-8, 10.0), 1e-8),
            ("max_features", "float", (0.3, 1.0), 1.0),
        ),
        (
            {"learning_rate": 0.05, "max_leaf_nodes": 15, "min_samples_leaf": 20, "max_features": 0.5},
            {"learning_rate": 0.1, "max_leaf_nodes": 8, "min_samples_leaf": 40, "l2_regularization": 1.0},
        ),
        f"{_AUTOSKLEARN}; {_OURS}",
    ),
    Preset(
        "RandomForest",
        (_FEATURES, _LEAF, ("max_samples", "float", (0.3, 1.0), 1.0)),
        ({"max_features": 0.25, "min_samples_leaf": 1, "max_samples": 0.7}, {"max_features": 0.5}),
        _TUNABILITY,
    ),
    Preset("ExtraTrees", (_FEATURES, _LEAF), ({"max_features": 0.5}, {"max_features": 1.0}), _OURS),
    Preset(
        "DecisionTree",
        (
            ("ccp_alpha", "float-log", (1e-6, 0.1), 1e-6),
            ("max_depth", "int", (1, 30), 30),
            ("min_samples_leaf", "int-log", (1, 60), 1),
            ("min_samples_split", "int-log", (2, 60), 2),
        ),
        ({"max_depth": 21, "min_samples_leaf": 12, "min_samples_split": 24},),
        _TUNABILITY,
    ),
    Preset(
        "SVC",
        (
            ("C", "float-log", (0.01, 10000.0), 1.0),
            ("gamma", "choice", ("scale", 0.0001, 0.001, 0.005, 0.02, 0.1, 0.5, 2.0), "scale"),
        ),
        ({"C": 682.0, "gamma": 0.005}, {"C": 10.0, "gamma": "scale"}),
        _TUNABILITY,
    ),
    Preset(
        "SVR",
        (
            ("C", "float-log", (0.01, 10000.0), 1.0),
            ("gamma", "choice", ("scale", 0.0001, 0.001, 0.005, 0.02, 0.1, 0.5, 2.0), "scale"),
            ("epsilon", "float-log", (0.001, 1.0), 0.1),
        ),
        ({"C": 100.0}, {"C": 10.0, "gamma": 0.02}),
        _OURS,
    ),
    Preset("LogisticRegression", (("C", "float-log", (1e-4, 1e4), 1.0),), ({"C": 0.1}, {"C": 10.0}), _OURS),
    Preset("Ridge", (_PENALTY,), ({"alpha": 0.01}, {"alpha": 10.0}), _OURS),
    Preset(
        "ElasticNet",
        (("alpha", "float-log", (1e-5, 10.0), 1.0), ("l1_ratio", "float", (0.01, 1.0), 0.5)),
        ({"alpha": 0.004, "l1_ratio": 0.4}, {"alpha": 0.1, "l1_ratio": 0.9}),
        _TUNABILITY,
    ),
    Preset(
        "KNeighbors",
        (
            ("n_neighbors", "int-log", (1, 100), 5),
            ("weights", "choice", ("uniform", "distance"), "uniform"),
            ("p", "choice", (1, 2), 2),
        ),
        ({"n_neighbors": 30, "weights": "distance"}, {"n_neighbors": 10, "weights": "distance"}),
        _TUNABILITY,
    ),
    Preset(
        "MLP",
        (
            ("learning_rate_init", "float-log", (1e-4, 0.1), 0.001),
            ("alpha", "float-log", (1e-7, 0.1), 0.0001),
            ("hidden_layer_sizes", "choice", ((32,), (100,), (256,), (64, 64), (256, 256)), (100,)),
            ("batch_size", "choice", ("auto", 32, 128), "auto"),
        ),
        ({"hidden_layer_sizes": (256, 256), "learning_rate_init": 0.001}, {"alpha": 0.01}),
        f"{_AUTOSKLEARN}; {_OURS}",
    ),
    Preset(
        "LGBM",
        (
            ("learning_rate", "float-log", (0.01, 0.5), 0.1),
            ("num_leaves", "int-log", (4, 255), 31),
            ("min_child_samples", "int-log", (2, 200), 20),
            ("subsample", "float", (0.5, 1.0), 1.0),
            ("colsample_bytree", "float", (0.3, 1.0), 1.0),
            ("reg_lambda", "float-log", (1e-6, 10.0), 1e-6),
        ),
        (
            {"learning_rate": 0.05, "num_leaves": 15, "colsample_bytree": 0.5},
            {"learning_rate": 0.04, "num_leaves": 50, "min_child_samples": 40, "colsample_bytree": 0.5},
        ),
        _OURS,
    ),
    Preset(
        "XGB",
        (
            ("learning_rate", "float-log", (0.01, 0.5), 0.3),
            ("max_depth", "int", (2, 14), 6),
            ("min_child_weight", "float-log", (0.1, 100.0), 1.0),
            ("subsample", "float", (0.5, 1.0), 1.0),
            ("colsample_bytree", "float", (0.3, 1.0), 1.0),
            ("reg_lambda", "float-log", (0.001, 100.0), 1.0),
        ),
        (
            {"learning_rate": 0.02, "max_depth": 13, "min_child_weight": 2, "subsample": 0.8, "colsample_bytree": 0.8},
            {"learning_rate": 0.1, "max_depth": 4, "subsample": 0.8, "colsample_bytree": 0.7},
        ),
        f"{_TUNABILITY} (its 4,168 rounds are yours to set)",
    ),
)
_BY_FAMILY = {p.family: p for p in _PRESETS}


def preset(estimator: Any) -> Preset:
    """What to search in a known estimator.

    Args:
        estimator: an estimator, its class, or its name, such as ``"RandomForestClassifier"``.

    Raises:
        ArgumentError: nothing is known about it; the message lists what is.

    >>> preset("RandomForestClassifier").first[0]["max_features"]
    0.25
    """
    name = estimator if isinstance(estimator, str) else getattr(estimator, "__name__", type(estimator).__name__)
    found = _BY_FAMILY.get(_family(name))
    if found is None:
        near = difflib.get_close_matches(_family(name), _BY_FAMILY, n=1)
        raise ArgumentError(
            f"there is no preset for {name!r:.60}",
            where="preset",
            allowed=", ".join(sorted(_BY_FAMILY)) + ", with or without Classifier or Regressor",
            hint=f"Did you mean {near[0]!r}?" if near else "Write its space yourself, in build(hp).",
        )
    return found


def _family(name: str) -> str:
    return name.removesuffix("Classifier").removesuffix("Regressor")


class Ready:
    """``build(hp)`` made of an estimator that is known, or of a pipeline that ends in one.

    Attributes:
        first: the preset's configurations, under the names that this build asks for.
    """

    def __init__(self, estimator: Any, found: Preset, prefix: str):
        self.estimator, self.preset, self.prefix = estimator, found, prefix
        self.own = {name.removeprefix(prefix): value for name, value in estimator.get_params().items()}
        asked = found.space(HyperParameters(), self.own, prefix)
        named = [{prefix + name: value for name, value in config.items()} for config in found.first]
        self.first = [{name: value for name, value in config.items() if name in asked} for config in named]
        self.__qualname__, self.__module__ = type(estimator).__name__, type(estimator).__module__

    def __call__(self, hp: HyperParameters) -> Any:
        from sklearn.base import clone

        made: Any = clone(self.estimator)
        return made.set_params(**self.preset.space(hp, self.own, self.prefix))


def ready(subject: Any) -> Any:
    """``subject``, or a ``build(hp)`` in its place when it is an estimator that a preset knows."""
    if isinstance(subject, type) or not (hasattr(subject, "fit") and hasattr(subject, "set_params")):
        return subject
    last: Any = subject
    prefix = ""
    while getattr(last, "steps", None):
        name, last = last.steps[-1]
        prefix += f"{name}__"
    found = _BY_FAMILY.get(_family(type(last).__name__))
    return subject if found is None else Ready(subject, found, prefix)
