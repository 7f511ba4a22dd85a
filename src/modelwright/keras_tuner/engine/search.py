"""The search."""

from __future__ import annotations

from typing import Any

from modelwright.keras_tuner.engine.trial import TrialStatus


def run(tuner: Any, args: tuple[Any, ...], kwargs: dict[str, Any], workers: int) -> None:
    """Run trials until the oracle stops."""
    while True:
        tuner.pre_create_trial()
        trial = tuner.oracle.create_trial(tuner.tuner_id)
        if trial.status == TrialStatus.STOPPED:
            return
        if trial.status == TrialStatus.IDLE:
            continue
        tuner.on_trial_begin(trial)
        tuner._try_run_and_update_trial(trial, *args, **kwargs)
        tuner.on_trial_end(trial)
