"""Keras callbacks of a trial: the tuner's hooks, and the memory of the best epoch. Imports keras."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import keras
import numpy as np

from modelwright.keras_tuner.engine.objective import Objective
from modelwright.keras_tuner.engine.results import missing_objective
from modelwright.keras_tuner.errors import FatalRuntimeError
from modelwright.training.checkpoint import replace_by
from modelwright.training.keras_state import read_state, write_state


class TunerCallback(keras.callbacks.Callback):
    """Calls a tuner's hooks of epochs."""

    def __init__(self, tuner: Any, trial: Any):
        super().__init__()
        self.tuner, self.trial = tuner, trial

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.tuner.on_epoch_begin(self.trial, self.model, epoch, logs=logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.tuner.on_epoch_end(self.trial, self.model, epoch, logs=logs)
        if self.tuner._epochs is not None:
            self.tuner._epochs(epoch, logs)


class TunerBatchCallback(TunerCallback):
    """Calls the hooks of batches too. Whoever looks at each batch slows training down, so it is used only then."""

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.tuner.on_batch_begin(self.trial, self.model, batch, logs)

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        self.tuner.on_batch_end(self.trial, self.model, batch, logs)


class EpochLines(keras.callbacks.Callback):
    """Prints one line for each epoch, with the trial's number: trials beside one another share a terminal."""

    def __init__(self, number: int):
        super().__init__()
        self.number = number

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        said = " - ".join(f"{name}: {float(value):.4g}" for name, value in (logs or {}).items())
        at = f"epoch {epoch + 1}/{(self.params or {}).get('epochs', '?')}"
        print(f"Trial {self.number}, {at} - {said}\n", end="", flush=True)


def tuner_callback(tuner: Any, trial: Any) -> TunerCallback:
    """The callback that calls those hooks of a tuner that its class overrides."""
    from modelwright.keras_tuner.engine.tuner import Tuner

    kind = type(tuner)
    own = kind.on_batch_begin is not Tuner.on_batch_begin or kind.on_batch_end is not Tuner.on_batch_end
    return (TunerBatchCallback if own else TunerCallback)(tuner, trial)


class SaveBestEpoch(keras.callbacks.Callback):
    """Saves the model of the best epoch, over all the fits that it is given to.

    An epoch whose logs lack the objective counts as the best so far: the objective may be known only after training.

    Args:
        objective: what "best" means.
        filepath: the file for weights and optimizer.
        deferred: keep the best epoch in memory until ``write`` is called; otherwise it is written at once.
        required: whether each epoch must report the objective, so that a wrong one is found after the first.
    """

    def __init__(self, objective: Objective, filepath: str, deferred: bool = False, required: bool = False):
        super().__init__()
        self.objective, self.filepath, self.deferred, self.required = objective, filepath, deferred, required
        self.best_value = float("-inf" if objective.direction == "max" else "inf")
        self._kept: dict[str, np.ndarray] = {}

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs = logs or {}
        if self.objective.has_value(logs):
            value = self.objective.get_value(logs)
            if not self.objective.better_than(value, self.best_value):
                return
            self.best_value = value
        elif self.required:
            raise missing_objective(self.objective, logs, "the first epoch of model.fit()")
        if not self.deferred:
            self._save()
        elif self.model is not None:
            self._kept = read_state(self.model, _groups(self.model))

    def write(self) -> None:
        """Write the best epoch, when a better one was seen since the last time, and let go of the model."""
        kept, self._kept = self._kept, {}
        if kept and self.model is not None:
            write_state(self.model, kept, _groups(self.model))
            self._save()
        self.set_model(None)

    def _save(self) -> None:
        model: Any = self.model
        if type(model).save_weights is keras.Model.save_weights:
            replace_by(model.save_weights, Path(self.filepath))
            return
        folder, name = os.path.split(self.filepath)
        draft = os.path.join(folder, f".new.{name}")
        model.save_weights(draft)
        if os.path.exists(draft):
            os.replace(draft, self.filepath)


def _groups(model: Any) -> tuple[str, ...]:
    """What makes up the state of a model, the optimizer's where it has one."""
    optimizer = ("optimizer",) if hasattr(getattr(model, "optimizer", None), "variables") else ()
    return ("trainable", "non_trainable", *optimizer)


def load_weights(model: Any, path: str) -> None:
    """Give a built model the weights in ``path``, and its optimizer the state that is there with them.

    Raises:
        FatalRuntimeError: there is no such file.
    """
    if not os.path.exists(path):
        raise FatalRuntimeError(
            f"there are no weights at {path}: the trial ended before its first epoch did, or its files were deleted"
        )
    optimizer = getattr(model, "optimizer", None)
    if not getattr(optimizer, "built", True):
        # Keras skips the state of an optimizer that has no variables yet.
        optimizer.build(model.trainable_variables)  # type: ignore[union-attr]
    model.load_weights(path)
