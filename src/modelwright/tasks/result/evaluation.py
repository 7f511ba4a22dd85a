"""Evaluation: how good a predictor is on rows it has not seen. Fits nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import counted, kind_of, warn_caller
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.data.labels import Labels
from modelwright.tasks.data.reading import read
from modelwright.tasks.data.schema import refuse_twice
from modelwright.tasks.scoring.metrics import Metric
from modelwright.tasks.scoring.scorers import ALLOWED
from modelwright.tasks.scoring.scores import RARER, SCORES
from modelwright.tasks.scoring.thresholds import Cut
from modelwright.tasks.scoring.weights import given_weights

if TYPE_CHECKING:
    from modelwright.tasks.result.predictor import Predictor


def evaluated(model: Predictor, source: Any, metrics: Any, *, where: str = "evaluate") -> dict[str, float]:
    """Metric -> score of what is deployed; see ``Predictor.evaluate``."""
    chosen = _chosen(model, metrics, where)
    frame, y, weight = rows(model, source, where=where)
    predicted = model._predicted(frame)
    cut = Cut.of(model._body)
    found = {name: score(metric, predicted, y, cut, weight) for name, metric in chosen.items()}
    warn_of(found, model, y, where)
    return found


def warn_of(found: Mapping[str, float], model: Predictor, y: np.ndarray, where: str) -> None:
    """Warn of scores that these rows give no value, or one that says nothing."""
    none = [name for name, one in found.items() if math.isnan(one)]
    alone = model._target.is_classes and len(np.unique(y)) == 1
    # Of positive rows alone any order is right.
    idle = [name for name in ("average_precision",) if alone and name in found and name not in none]
    said = [f"{', '.join(none)} {'has' if len(none) == 1 else 'have'} no value"] * bool(none)
    said += [f"{name} says nothing" for name in idle]
    if said:
        these = f"every row has the class {model._target.classes[y[0]]!r:.60}" if alone else "by these rows"
        warn_caller(f"{where}: {these}{':' if alone else ''} {', and '.join(said)}")


def rows(model: Predictor, source: Any, *, where: str) -> tuple[Frame, np.ndarray, np.ndarray | None]:
    """The rows of a table that a model can be judged by, and what is true of them: classes by their places, or values.

    The third is how much each counts, where the fit was given a column of weights and the table has it.

    Raises:
        ArgumentError: the table lacks the target or a column that the model was given, or no row can be judged.

    Warns:
        UserWarning: some rows have a class that the model does not know.
    """
    table, target = read(source, where=where), model._target
    if model.target not in table.columns:
        raise ArgumentError(f"there is no column {model.target!r}", where=where, hint="It is the target.")
    refuse_twice(table, model.target, where)
    table.check([model.target])
    cells = table.columns[model.target]
    there = target.present(cells)
    absent = Labels.of(cells, typed=True, wanted="", declared=table.declared.get(model.target)).missing
    strange = np.flatnonzero(~there & ~absent)
    if len(strange):
        noun = "a class" if target.is_classes else "a target"
        has = "has" if len(strange) == 1 else "have"
        what = f"{counted(len(strange), 'row')} of {table.rows:,} {has} {noun} that the model does not know"
        example = f"such as {_shown(cells[strange[0]]):.60} in row {strange[0]}"
        if not there.any():
            raise ArgumentError(f"{what}, {example}, and no row is left", where=where)
        warn_caller(f"{where}: {what}, {example}; they are left out, which flatters the scores")
    elif not there.any():
        raise ArgumentError(f"no row has a {model.target!r}", where=where)
    table = table.take(there)
    weighs = model.plan.get("said", {}).get("sample_weight")
    weighs = weighs if isinstance(weighs, str) and weighs in table.columns else None
    table.check([weighs] if weighs is not None else [])
    weight = given_weights(table, weighs, there, schema=model._schema, where=where)
    return model._frame(table), target.encode(table.columns[model.target], where=where), weight


def _shown(cell: Any) -> str:
    """A cell as its source has it, and not as an array keeps it."""
    if isinstance(cell, np.datetime64 | np.timedelta64):
        return str(cell)
    return repr(cell.item() if isinstance(cell, np.generic) else cell)


def score(metric: Metric, predicted: np.ndarray, y: np.ndarray, cut: Cut, weight: np.ndarray | None = None) -> float:
    """The score of predictions as they are deployed: classes as they are named."""
    named = metric.needs == "labels" and predicted.ndim == 2
    return float(metric.computed(y, cut.named(predicted) if named else predicted, weight))


def metric_of(model: Predictor, metric: Any, *, where: str) -> Metric:
    """The metric that is asked for, or the one that the fit went by.

    Raises:
        ArgumentError: there is no such metric, or it was a function, which a file does not keep.
    """
    if metric is not None:
        return Metric.of(metric, model._target)
    if model._metric is not None:
        return model._metric
    if _is_lost(model):
        raise ArgumentError(
            f"the fit went by {model.metric!r}, an object that is not kept in a file",
            where=where,
            allowed=ALLOWED,
            hint="Pass metric= again, or the name of another one.",
        )
    return Metric.of(model.metric, model._target)


def told(model: Predictor, metric: str) -> str:
    """A metric by its name, and the class that it is about where that is one of two."""
    one_sided = model.looked_for is not None and metric in RARER
    return f"{metric} of {model.looked_for!r:.40}" if one_sided else metric


def _is_lost(model: Predictor) -> bool:
    return model._metric is None and "metric" in model.plan.get("said", {}).get("again", ())


def _chosen(model: Predictor, metrics: Any, where: str) -> dict[str, Metric]:
    if metrics is None:
        own = [] if _is_lost(model) else [metric_of(model, None, where=where)]
        usual = [name for name, one in SCORES.items() if (one.needs == "values") == (model.task == "regression")]
        low = float(model._body["range"][0]) if model.task == "regression" else 0.0
        given = [*own, *(Metric.of(name, model._target) for name in usual if name != "rmsle" or low >= 0)]
    else:
        listed = [metrics] if isinstance(metrics, str) or callable(metrics) else metrics
        if not isinstance(listed, Iterable):
            raise ArgumentError(f"metrics is {kind_of(metrics)}", where=where, allowed=f"a list of {ALLOWED}")
        given = [Metric.of(one, model._target) for one in listed]
    found: dict[str, Metric] = {}
    for one in given:
        if metrics is not None and one.name in found:
            raise ArgumentError(f"two metrics are called {one.name!r:.60}", where=where, allowed="one of each name")
        found.setdefault(one.name, one)
    return found
