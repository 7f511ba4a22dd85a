"""What a trial may return (a History, a dict, a number, or a list of these), and what it means."""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np

from modelwright.keras_tuner.engine.objective import DefaultObjective, Objective
from modelwright.keras_tuner.errors import FatalError, FatalTypeError, FatalValueError


def is_history(results: Any) -> bool:
    """Whether it is what ``model.fit`` returns; needs no keras to say no."""
    return any(kind.__name__ == "History" and "keras" in kind.__module__ for kind in type(results).__mro__)


def is_number(results: Any) -> bool:
    """Whether it is the objective's bare value."""
    if isinstance(results, np.ndarray):
        return results.ndim == 0
    return isinstance(results, (int, float, np.floating, np.integer))


def validate_trial_results(results: Any, objective: Objective, func_name: str) -> None:
    """Check what ``func_name`` returned.

    Raises:
        FatalTypeError: nothing, or something of a kind that cannot be understood.
        FatalValueError: a dict, or a history, without the objective.
    """
    if isinstance(results, list):
        for one in results:
            validate_trial_results(one, objective, func_name)
        return
    if is_number(results):
        return
    if results is None:
        raise FatalTypeError(f"The return value of {func_name} is None. Did you forget to return the metrics?")
    metrics = results if isinstance(results, dict) else getattr(results, "history", None)
    if isinstance(objective, DefaultObjective) and not (isinstance(results, dict) and objective.name in results):
        raise FatalTypeError(
            f"Expected the return value of {func_name} to be a single float to be made small, as no objective was "
            f"given, got {results!r} of type {type(results)}."
        )
    if not isinstance(results, dict) and not is_history(results):
        raise FatalTypeError(
            f"Expected the return value of {func_name} to be one of float, dict, keras.callbacks.History or a list of "
            f"these, got {results!r} of type {type(results)}."
        )
    if metrics is not None and not (objective.name in metrics or objective.has_value(metrics)):
        raise missing_objective(objective, metrics, func_name)


def missing_objective(objective: Objective, metrics: Any, func_name: str) -> FatalError:
    """The error that says which objective is missing and what there is."""
    if isinstance(objective, DefaultObjective):
        return FatalTypeError(
            f"{func_name} gave {sorted(metrics)}, and no objective was given. Name one of these "
            f"(objective={next(iter(metrics), 'val_loss')!r}), or return a single number to be made small."
        )
    return FatalValueError(
        f"{func_name} gave no value for the specified objective, {objective.name!r}. It gave: {sorted(metrics)}. "
        "Choose one of these, or have the model report it (validation data are needed for names with val_)."
    )


def convert_to_metrics_dict(results: Any, objective: Objective) -> dict[str, Any]:
    """Metrics by name: of the best epoch of a history, and the mean over a list."""
    if isinstance(results, list):
        gathered: dict[str, list[Any]] = {}
        for one in results:
            for name, value in convert_to_metrics_dict(one, objective).items():
                gathered.setdefault(name, []).append(value)
        return {name: np.mean(values) for name, values in gathered.items()}
    if is_number(results):
        return {objective.name: float(results)}
    if isinstance(results, dict):
        known = objective.name in results or not objective.has_value(results)
        return results if known else {**results, objective.name: objective.get_value(results)}
    return _best_epoch(results, objective)[0]


def get_best_step(results: Any, objective: Objective) -> int:
    """The best epoch of a history, from 0; the mean over a list; 0 for everything else."""
    if isinstance(results, list):
        return int(statistics.mean([get_best_step(one, objective) for one in results]))
    return _best_epoch(results, objective)[1] if is_history(results) else 0


def _best_epoch(history: Any, objective: Objective) -> tuple[dict[str, Any], int]:
    epochs = max((len(values) for values in history.history.values()), default=0)
    if epochs == 0:
        raise FatalValueError("model.fit ran no epoch, so there is no result: check epochs and initial_epoch")
    logs = [{n: v[i] for n, v in history.history.items() if i < len(v)} for i in range(epochs)]
    usable = [i for i in range(epochs) if objective.has_value(logs[i])]
    best = usable[0]
    for i in usable:
        now, top = objective.get_value(logs[i]), objective.get_value(logs[best])
        if objective.better_than(now, top) or (np.isnan(top) and not np.isnan(now)):
            best = i
    return {**logs[best], objective.name: objective.get_value(logs[best])}, best


def __getattr__(name: str) -> Any:
    """KerasTuner has the callbacks in the module that this one stands for; they need keras, this does not."""
    if name in ("TunerCallback", "SaveBestEpoch"):
        from modelwright.keras_tuner.engine import callbacks

        return getattr(callbacks, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
