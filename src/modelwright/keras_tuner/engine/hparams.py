"""TensorBoard: what its callback needs, and hyperparameters for its HParams plugin (with the TensorFlow backend)."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelwright.keras_tuner.engine.hyperparameters import Choice, Fixed, Float, Int
from modelwright.keras_tuner.errors import FatalRuntimeError


def explained(error: ImportError, callbacks: list[Any]) -> Exception | None:
    """What to raise for an import that failed while a model was trained, where there is more to say.

    Keras' TensorBoard callback imports TensorFlow when training begins, whatever the backend is; every trial would
    fail in the same way.
    """
    missing = (error.name or "").partition(".")[0] == "tensorflow"
    if not missing or not any(kind.__name__ == "TensorBoard" for c in callbacks for kind in type(c).__mro__):
        return None
    return FatalRuntimeError(
        "keras.callbacks.TensorBoard writes its files with TensorFlow, also on other backends, and the package "
        "tensorflow is not installed. Run: pip install tensorflow. Or leave the callback out: every epoch of every "
        "trial is in the study, see modelwright.load_study('search', store='.../modelwright.db').report(...)."
    )


def hparams_callback(log_dir: str, trial: Any) -> Any:
    """The plugin's Keras callback for a trial."""
    try:
        from tensorboard.plugins.hparams import api  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise FatalRuntimeError("to log hyperparameters TensorBoard is needed: pip install tensorboard") from error

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
