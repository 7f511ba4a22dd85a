"""What a search prints: a table before each trial, the score and the best so far after it."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from typing import Any

from modelwright.core.clock import SystemClock
from modelwright.keras_tuner.engine.stateful import Stateful
from modelwright.keras_tuner.engine.trial import TrialStatus

_WIDTH = 18


class Display(Stateful):
    """Prints the progress of an oracle.

    Args:
        oracle: whose trials are shown.
        verbose: nothing is printed below 1.
    """

    def __init__(self, oracle: Any, verbose: int = 1):
        self.verbose: Any = verbose
        self.oracle = oracle
        self._clock = SystemClock()
        self.search_start: datetime | None = None
        self.trial_start: dict[str, datetime] = {}
        self.trial_number: dict[str, int] = {}

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.wall())

    @property
    def silent(self) -> bool:
        """Whether nothing is to be printed."""
        return self.verbose < 1

    def get_state(self) -> dict[str, Any]:
        return {
            "search_start": self.search_start.isoformat() if self.search_start else None,
            "trial_start": {trial: start.isoformat() for trial, start in self.trial_start.items()},
            "trial_number": dict(self.trial_number),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        start = state["search_start"]
        self.search_start = datetime.fromisoformat(start) if start else None
        self.trial_start = {trial: datetime.fromisoformat(when) for trial, when in state["trial_start"].items()}
        self.trial_number = dict(state["trial_number"])

    def on_trial_begin(self, trial: Any) -> None:
        """Print number and configuration of a trial beside the best so far."""
        if self.silent:
            return
        now = self._now()
        self.search_start = self.search_start or now
        self.trial_start[trial.trial_id] = now
        self.trial_number[trial.trial_id] = len(self.oracle.trials)
        print(f"\nSearch: Running Trial #{self.trial_number[trial.trial_id]}\n")
        self.show_hyperparameter_table(trial)
        print()

    def on_trial_end(self, trial: Any) -> None:
        """Print the score of a trial, the best so far and the time."""
        if self.silent:
            return
        _clear()
        now = self._now()
        began = self.trial_start.get(trial.trial_id, now)
        number = self.trial_number.get(trial.trial_id, len(self.oracle.trials))
        name = self.oracle.objective.name
        ended = "Complete" if trial.status == TrialStatus.COMPLETED else "Failed"
        print(f"Trial {number} {ended} [{self.format_duration(now - began)}]")
        if ended == "Complete" and trial.score is not None:
            print(f"{name}: {trial.score}")
        best = self._best()
        if best is not None:
            print(f"\nBest {name} So Far: {best.score}")
        print(f"Total elapsed time: {self.format_duration(now - (self.search_start or now))}")

    def _best(self) -> Any:
        """The best trial that was completed, or None: an oracle fills its list up with others."""
        found = self.oracle.get_best_trials()
        return found[0] if found and found[0].status == TrialStatus.COMPLETED else None

    def show_hyperparameter_table(self, trial: Any) -> None:
        """Print the values of a trial beside those of the best one."""
        if not trial.hyperparameters.values:
            print("default configuration")
            return
        best = self._best()
        print(f"{'Value':{_WIDTH}}|{'Best Value So Far':{_WIDTH}}|Hyperparameter")
        for name, value in trial.hyperparameters.values.items():
            other = "?" if best is None else best.hyperparameters.values.get(name)
            print(f"{self.format_value(value):{_WIDTH}}|{self.format_value(other):{_WIDTH}}|{name}")

    def format_value(self, val: Any) -> str:
        """A value in at most 18 characters."""
        if isinstance(val, (int, float)) and not isinstance(val, bool):
            return f"{val:.5g}"
        text = str(val)
        return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."

    def format_duration(self, d: timedelta) -> str:
        """Such as ``1d 02h 03m 04s``; days only where there are any."""
        minutes, seconds = divmod(round(d.total_seconds()), 60)
        hours, minutes = divmod(minutes, 60)
        days, hours = divmod(hours, 24)
        return (f"{days:d}d " if days else "") + f"{hours:02d}h {minutes:02d}m {seconds:02d}s"


def _clear() -> None:
    shell = sys.modules.get("IPython")
    running = shell.get_ipython() if shell is not None else None
    if running is not None and "Terminal" not in type(running).__name__:
        from IPython.display import clear_output  # pyright: ignore[reportMissingImports]

        clear_output()
    else:
        print()
