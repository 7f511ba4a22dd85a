"""Trials that go on where another one stopped: everything training depends on, kept at the end of its last epoch.

Weights, optimizer, random states of the model, the generators that everybody shares (they decide the order of the
data), and the state of Keras' own callbacks. Does not know which trial goes on from which. Imports keras.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from modelwright.core.errors import StoreError
from modelwright.training import keras_callbacks as cbs
from modelwright.training.checkpoint import read_checkpoint, write_checkpoint
from modelwright.training.generators import read_generators, write_generators
from modelwright.training.keras_state import read_state, write_state

#: Callbacks of Keras' that begin anew in each trial: what they tell is of that trial alone.
_ANEW = ("History", "BackupAndRestore")


class Continuing(keras.callbacks.Callback):
    """The last callback of a fit: lets it begin where another one ended, and keeps where it ends itself.

    A fit that a callback stopped early has no such end, nor has an execution that calls ``fit`` more than once: the
    trial that goes on begins then with the weights and the optimizer of the best epoch.

    Args:
        source: the file to go on from, or None; one that is not there is passed over.
        target: the file to leave, or None when no trial is going to go on from this one.
        first: epochs that were finished where ``source`` ended.
        callbacks: the callbacks of the fit; the state of Keras' own ones is part of it.
    """

    def __init__(self, source: str | None, target: str | None, first: int, callbacks: Sequence[Any]):
        super().__init__()
        self.source, self.target, self.first = source, target, first
        self._watched = [c for c in callbacks if cbs.is_builtin(c) and type(c).__name__ not in _ANEW]
        self._fits = 0
        self._kept: tuple[dict[str, Any], dict[str, Any]] | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        self._fits += 1
        self._kept = None
        if self.target is not None:
            Path(self.target).unlink(missing_ok=True)
        if self._fits == 1 and self.source is not None and os.path.exists(self.source):
            self._go_on(self.source)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        # Here and not at the end of training: callbacks change weights there.
        if self.target is None or self._fits != 1 or epoch + 1 != (self.params or {}).get("epochs"):
            return
        arrays, rest = read_generators()
        arrays.update(read_state(self.model))
        packed = cbs.pack(cbs.callback_state(self._watched), arrays, "callback")
        self._kept = arrays, {"epochs": epoch + 1, "generators": rest, "callbacks": packed}

    def on_train_end(self, logs: Any = None) -> None:
        kept, self._kept = self._kept, None
        if kept is not None and self.target is not None and not getattr(self.model, "stop_training", False):
            write_checkpoint(self.target, *kept)

    def _go_on(self, source: str) -> None:
        try:
            arrays, state = read_checkpoint(source)
        except StoreError as error:
            warnings.warn(f"{error} The trial begins with the best epoch instead.", stacklevel=2)
            return
        if state["epochs"] != self.first:
            return
        write_state(self.model, arrays)
        cbs.load_callback_state(self._watched, cbs.unpack(state["callbacks"], arrays))
        write_generators(arrays, state["generators"])
