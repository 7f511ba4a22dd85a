"""The candidates that every fit begins with, by what they brought on other tables for the time they took.

Does not know the table at hand but for its size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelwright.space import HyperParameters, Tree
from modelwright.tasks.learners import Learner
from modelwright.tasks.learners.constant import CONSTANT
from modelwright.tasks.search.estimation import MODEL

#: Learner and what differs from its defaults, in the order in which they are tried.
_ENTRIES: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("lightgbm", {}),
    ("linear", {}),
    ("mlp", {}),
    ("xgboost", {}),
    ("extra_trees", {}),
    ("catboost", {}),
    ("lightgbm", {"pairs": 12, "groups": True, "crosses": True}),
    ("lightgbm", {"extra_trees": True, "learning_rate": 0.05}),
    ("mlp", {"embedding": "piecewise"}),
    ("random_forest", {}),
    ("lightgbm", {"num_leaves": 20, "feature_fraction": 0.5, "bagging_fraction": 1.0}),
    ("neighbours", {}),
    ("naive_bayes", {}),
    ("constant", {}),
)
#: Entries before the constant, where it is early.
_EARLY = 2
#: Presets and the learners that they leave out or are confined to.
INTERPRETABLE = ("linear", "naive_bayes", "constant")
FAST_WITHOUT = ("mlp", "neighbours")


def space_of(learners: Mapping[str, Learner], task: str, rows: int, columns: int) -> Tree:
    """One space for all learners: which one, and what it decides.

    >>> from modelwright.tasks.learners import learners
    >>> tree = space_of(learners(["linear"]), "binary", 100, 3)
    >>> tree.default()["model"]
    'linear'
    """
    hp = HyperParameters()
    names = list(learners)
    hp.Choice(MODEL, names, ordered=False)
    for name, learner in learners.items():
        with hp.conditional_scope(MODEL, [name]), hp.name_scope(name):
            learner.space(hp, task, rows, columns)
    return hp.tree


def portfolio(
    tree: Any, learners: Mapping[str, Learner], *, timed: bool = False, named: bool = False
) -> list[dict[str, Any]]:
    """Configurations in the order in which they are tried: the entries, then what no entry names.

    Args:
        named: whether somebody named the learners: each has its turn, in that order, before any has a second one.
        timed: whether there is a budget of seconds. The constant costs none and tells what others gained: it comes
            early then. Among so many trials it would take the place of a model.
    """
    usual = {name for name, _ in _ENTRIES}
    entries: Sequence[tuple[str, Mapping[str, Any]]] = (*_ENTRIES, *((n, {}) for n in learners if n not in usual))
    if named:
        entries = (*((name, {}) for name in learners), *entries)
    if timed:
        rest = [entry for entry in entries if entry[0] != CONSTANT]
        entries = (*rest[:_EARLY], (CONSTANT, {}), *rest[_EARLY:])
    found: list[dict[str, Any]] = []
    for name, changes in entries:
        if name in learners:
            config = tree.complete({MODEL: name} | {f"{name}/{key}": value for key, value in changes.items()})
            if config not in found:
                found.append(config)
    return found


def quick(tree: Any, learners: Mapping[str, Learner]) -> dict[str, Any]:
    """A configuration that is fitted in a second; the first model of all."""
    name = next((one for one in ("lightgbm", "linear") if one in learners), next(iter(learners)))
    changes = {"lightgbm/learning_rate": 0.2, "lightgbm/num_leaves": 15} if name == "lightgbm" else {}
    # Texts take longer than a second to be read, and are no decision that is searched.
    return {**tree.complete({MODEL: name, **changes}), f"{name}/text": 0}
