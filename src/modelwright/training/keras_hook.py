"""What happens between two epochs: the last callback of a fit, and what a trial has lived through so far.

Does not start a fit and writes no file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from modelwright.core.errors import ObjectiveError
from modelwright.core.records import Decision, Failure, State
from modelwright.core.wording import did_you_mean
from modelwright.training import keras_callbacks as cbs
from modelwright.training import keras_state as st
from modelwright.training.keras_backend import seed_everything

#: Called after each epoch with the number of epochs finished and the epoch's metrics.
OnEpoch = Callable[[int, dict[str, float]], Decision]


@dataclass(slots=True)
class Progress:
    """What a trial has lived through so far."""

    epochs: int = 0
    reports: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    best: tuple[int, dict[str, float]] | None = None
    best_weights: dict[str, np.ndarray] | None = None
    callbacks: list[dict[str, Any]] = field(default_factory=list)
    arrays: dict[str, np.ndarray] | None = None
    build: Any = None


class EpochHook(cbs.Callback):
    """The last callback of a fit: what the session needs to do between two epochs."""

    def __init__(self, session: Any, to_epoch: int, on_epoch: OnEpoch):
        super().__init__()
        self.session, self.to_epoch, self.ask = session, to_epoch, on_epoch
        self.state: State = "complete"
        self.stopped_by = ""
        self.error: Failure | None = None
        self.arrays: dict[str, np.ndarray] | None = None
        self.resumed = False

    def set_params(self, params: Any) -> None:
        super().set_params(params)
        for callback in [*self.session.callbacks, *self.session.plan.watchers]:
            callback.set_params({**(params or {}), "epochs": self.session.plan.epochs})

    def on_train_begin(self, logs: Any = None) -> None:
        session = self.session
        if session.resuming and not self.resumed:
            self.resumed = True
            st.build(session.model, session.progress.build)
            st.write_state(session.model, session.progress.arrays or {})
            cbs.load_callback_state(session.callbacks, session.progress.callbacks)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        # Data order, and whatever else draws from the global generators, depends on (seed, epoch) alone.
        seed_everything(self.session.epoch_seed(self.session.epochs))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        session, progress = self.session, self.session.progress
        metrics = {name: float(v) for name, v in (logs or {}).items() if _is_number(v)}
        progress.epochs += 1
        progress.reports.append((progress.epochs, metrics))
        if not math.isfinite(metrics.get("loss", 0.0)):
            self._stop("infeasible", "nan")
            self.error = Failure(
                kind="nan", message=f"the loss became {metrics['loss']} in epoch {progress.epochs}", type="ValueError"
            )
            return
        _check_objectives(session, metrics, progress.epochs)
        self._keep_best(metrics)
        by_callback = bool(session.model.stop_training)
        decision = self.ask(progress.epochs, metrics)
        if decision == "stop":
            self._stop("pruned", "decision")
        elif by_callback:
            self.stopped_by = "callback"
        elif decision == "pause":
            self._stop("paused", "decision")
        if self.state == "paused" or (not self.stopped_by and self.to_epoch <= progress.epochs < session.plan.epochs):
            # Before on_train_end: callbacks change weights there, and a pause is not the end.
            progress.callbacks = cbs.callback_state(session.callbacks)
            self.arrays = st.read_state(session.model)

    def _stop(self, state: State, why: str) -> None:
        self.state, self.stopped_by = state, why
        self.session.model.stop_training = True

    def _keep_best(self, metrics: Mapping[str, float]) -> None:
        session, progress = self.session, self.session.progress
        if not session.objectives:
            return
        objective = session.objectives[0]
        value = metrics.get(objective.name)
        old = progress.best[1][objective.name] if progress.best else None
        if value is not None and objective.better(value, old):
            progress.best = (progress.epochs, dict(metrics))
            progress.best_weights = st.weights_only(st.read_state(session.model, ("trainable", "non_trainable")))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) or getattr(value, "shape", None) == ()


def _check_objectives(session: Any, metrics: Mapping[str, float], epoch: int) -> None:
    frequency = session.plan.fit_arguments.get("validation_freq", 1)
    due = epoch % frequency == 0 if isinstance(frequency, int) else epoch >= min(frequency, default=1)
    named = [*((o.name, "objective") for o in session.objectives), *((n, "constraints") for n in session.plan.watched)]
    for name, where in named:
        seen = name in metrics or name in session.plan.elsewhere or any(name in m for _, m in session.progress.reports)
        if seen or (name.startswith("val_") and not due):
            continue
        known = sorted({*metrics, *(session.plan.elsewhere if where == "constraints" else ())})
        hint = did_you_mean(name, known)
        if name.startswith("val_") and not any(k.startswith("val_") for k in metrics):
            hint = "Pass validation_data=(x, y) or validation_split=0.2."
        raise ObjectiveError(
            f"no epoch reports {name!r}",
            where=where,
            allowed=", ".join(known) or "nothing: fit reported no metrics",
            hint=hint,
        )
