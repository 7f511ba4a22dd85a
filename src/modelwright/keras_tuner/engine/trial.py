"""Trials: one point of the search space, what it scored and how it ended."""

from __future__ import annotations

import uuid
from typing import Any

from modelwright.keras_tuner.engine.hyperparameters import HyperParameters
from modelwright.keras_tuner.engine.metrics_tracking import MetricsTracker
from modelwright.keras_tuner.engine.stateful import Stateful, load_json
from modelwright.keras_tuner.errors import no_protobuf


class TrialStatus:
    """What may become of a trial, as strings.

    RUNNING: may run, or does. IDLE: nothing to run until another trial ends. STOPPED: the search is over.
    COMPLETED: ended well. INVALID: crashed, and may be tried again. FAILED: given up.
    """

    RUNNING = "RUNNING"
    IDLE = "IDLE"
    INVALID = "INVALID"
    STOPPED = "STOPPED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"

    @staticmethod
    def to_proto(status: str | None) -> Any:
        raise no_protobuf("TrialStatus")

    @staticmethod
    def from_proto(proto: Any) -> str | None:
        raise no_protobuf("TrialStatus")


#: Characters of a failure that are quoted.
_LONGEST = 800

#: Nothing more will happen to such a trial.
ENDED = (TrialStatus.COMPLETED, TrialStatus.FAILED)


class Trial(Stateful):
    """All runs of one configuration.

    Args:
        hyperparameters: the configuration.
        trial_id: unique in the search; made up when left out.
        status: one of ``TrialStatus``.
        message: why it ended badly.

    Attributes:
        score: the objective's value once completed.
        best_step: the epoch (from 0) that gave the score.
        metrics: everything that was measured.
        infeasible: whether it failed because the configuration cannot be run at all.
    """

    def __init__(
        self,
        hyperparameters: Any,
        trial_id: str | None = None,
        status: str = TrialStatus.RUNNING,
        message: str | None = None,
    ):
        self.hyperparameters: HyperParameters = hyperparameters
        self.trial_id: str = generate_trial_id() if trial_id is None else trial_id
        self.metrics = MetricsTracker()
        self.score: Any = None
        self.best_step: int | None = 0
        self.status = status
        self.message = message
        self.infeasible = False

    def summary(self) -> None:
        """Print the trial."""
        print(f"Trial {self.trial_id} summary")
        print("Hyperparameters:")
        self.display_hyperparameters()
        if self.score is not None:
            print(f"Score: {self.score}")
        if self.message is not None:
            print(self.message)

    def _why_failed(self) -> str:
        """What the message says without the lines of its traceback, in one line; "" without a message.

        >>> Trial(None, message='Traceback:\\n  File "a.py", line 1, in f\\n    g()\\nValueError: no')._why_failed()
        'ValueError: no'
        """
        lines = (self.message or "").splitlines()
        traced = [i for i, line in enumerate(lines) if line.startswith('  File "')]
        said = lines[traced[-1] + 1 :] if traced else lines
        while traced and said and said[0].startswith("    "):
            said = said[1:]
        text = " ".join(" ".join(said).split())
        return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."

    def display_hyperparameters(self) -> None:
        """Print the configuration, one value a line."""
        for name, value in self.hyperparameters.values.items():
            print(f"{name}:", value)
        if not self.hyperparameters.values:
            print("default configuration")

    def get_state(self) -> dict[str, Any]:
        state = {
            "trial_id": self.trial_id,
            "hyperparameters": self.hyperparameters.get_config(),
            "metrics": self.metrics.get_config(),
            "score": self.score,
            "best_step": self.best_step,
            "status": self.status,
            "message": self.message,
        }
        return {**state, "infeasible": True} if self.infeasible else state

    def set_state(self, state: dict[str, Any]) -> None:
        self.trial_id = state["trial_id"]
        self.hyperparameters = HyperParameters.from_config(state["hyperparameters"])
        self.metrics = MetricsTracker.from_config(state["metrics"])
        self.score = state["score"]
        self.best_step = state["best_step"]
        self.status = state["status"]
        self.message = state.get("message")
        self.infeasible = bool(state.get("infeasible"))

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Trial:
        """The trial of which ``get_state`` told."""
        made = cls(hyperparameters=None, trial_id="")
        made.set_state(state)
        return made

    @classmethod
    def load(cls, fname: str) -> Trial:
        """Read a ``trial.json``."""
        return cls.from_state(load_json(fname))

    def to_proto(self) -> Any:
        raise no_protobuf("Trial")

    @classmethod
    def from_proto(cls, proto: Any) -> Trial:
        raise no_protobuf("Trial")


def generate_trial_id() -> str:
    """32 hexadecimal digits that nobody else has."""
    return uuid.uuid4().hex
