"""Hyperparameters in TensorBoard's HParams plugin; only with the TensorFlow backend and tensorboard installed."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelwright.keras_tuner.engine.hyperparameters import Choice, Fixed, Float, Int


def hparams_callback(log_dir: str, trial: Any) -> Any:
    """The plugin's Keras callback for a trial."""
    from tensorboard.plugins.hparams import api  # pyright: ignore[reportMissingImports]

    values = convert_hyperparams_to_hparams(trial.hyperparameters, api)
    return api.KerasCallback(writer=log_dir, hparams=values, trial_id=trial.trial_id)


def convert_hyperparams_to_hparams(hyperparams: Any, hparams_api: Any) -> dict[Any, Any]:
    """The plugin's parameters with their domains -> the active values of ``hyperparams``."""
    found = {}
    for hp in hyperparams.space:
        if hp.name in hyperparams.values:
            found[hparams_api.HParam(hp.name, _domain(hp, hparams_api))] = hyperparams.values[hp.name]
    return found


def _domain(hp: Any, api: Any) -> Any:
    if isinstance(hp, Fixed):
        return api.Discrete([hp.value])
    if isinstance(hp, Choice):
        return api.Discrete(list(hp.values))
    if isinstance(hp, Int):
        whole = hp.step in (None, 1)
        return api.IntInterval(hp.min_value, hp.max_value) if whole else api.Discrete(list(hp.values))
    if isinstance(hp, Float):
        if hp.step is None:
            return api.RealInterval(hp.min_value, hp.max_value)
        return api.Discrete(np.asarray(hp.values).tolist())
    return api.Discrete([True, False])
