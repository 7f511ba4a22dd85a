"""Scorers: what names, scorers of scikit-learn and functions say of themselves. Computes nothing."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from modelwright.core.errors import ArgumentError
from modelwright.core.optional import optional
from modelwright.core.wording import did_you_mean
from modelwright.tasks.scoring.scores import ALIASES, CLASSES, SCORES, VALUES

#: What may be given for a metric.
ALLOWED = f"{', '.join(SCORES)}; a scorer of scikit-learn or its name; a function of (y, predicted)"


def tasks_of(metric: Any) -> tuple[str, ...]:
    """The tasks that a metric is for; () where it does not say.

    >>> tasks_of("rmse"), tasks_of("f1"), tasks_of(max)
    (('regression',), ('binary', 'multiclass'), ())
    """
    if metric is None:
        return ()
    if isinstance(metric, str):
        own = SCORES.get(ALIASES.get(metric, metric))
        if own is not None:
            return VALUES if own.needs == "values" else CLASSES
        metric = named(metric)
    function = getattr(metric, "_score_func", metric)
    module = getattr(function, "__module__", "") or ""
    if module.startswith("sklearn.metrics"):
        return VALUES if module.endswith("_regression") else CLASSES
    return ()


def refuse_other_task(metric: Any, name: str, task: str, why: str) -> None:
    """Refuse a metric that is not for the task of a target.

    Args:
        name: what the target is called.
        why: what tells its task.

    Raises:
        ArgumentError: it is for other tasks; the message has those of ours that are for this one.
    """
    held = tasks_of(metric)
    if held and task not in held:
        fitting = [one for one, score in SCORES.items() if (score.needs == "values") == (task == "regression")]
        raise ArgumentError(
            f"{title(metric)!r} is for {' and '.join(held)} tasks, {name!r:.60} is {task}: {why}",
            where="metric",
            allowed=", ".join(fitting),
        )


def title(metric: Any) -> str:
    """What a metric is called; "" for None."""
    if metric is None or isinstance(metric, str):
        return metric or ""
    function = getattr(metric, "_score_func", metric)
    return getattr(function, "__name__", type(metric).__name__)


def named(name: str) -> Any:
    """The scorer of scikit-learn of that name.

    Raises:
        ArgumentError: there is none; the message names those that are near.
    """
    learn = optional("sklearn.metrics", extra="tables", purpose=f"the metric {name!r}")
    known = learn.get_scorer_names()
    if name not in known:
        raise ArgumentError(
            f"there is no metric {name!r:.60}",
            where="metric",
            allowed=ALLOWED,
            hint=did_you_mean(name, [*SCORES, *known]),
        )
    return learn.get_scorer(name)


def places(metric: Any) -> int:
    """How many arguments a callable must be given by their places."""
    try:
        given = inspect.signature(metric).parameters.values()
    except (TypeError, ValueError):
        return 2
    return sum(
        one.default is one.empty and one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD) for one in given
    )


def keywords(function: Callable[..., Any]) -> set[str]:
    """The names of the arguments of a callable."""
    try:
        return set(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return set()


def takes_weights(function: Callable[..., Any]) -> bool:
    """Whether a callable takes ``sample_weight``, by its name or among whatever else it is given.

    >>> takes_weights(lambda y, p, **more: 0.0), takes_weights(lambda y, p: 0.0)
    (True, False)
    """
    try:
        given = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(one.name == "sample_weight" or one.kind is one.VAR_KEYWORD for one in given)
