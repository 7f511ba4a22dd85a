"""Random search."""

from __future__ import annotations

from typing import Any

from modelwright.keras_tuner.engine.hyperparameters import HyperParameters
from modelwright.keras_tuner.engine.oracle import Oracle
from modelwright.keras_tuner.engine.trial import TrialStatus
from modelwright.keras_tuner.engine.tuner import Tuner


class RandomSearchOracle(Oracle):
    """Independent draws, none of them twice. See ``Oracle`` for the arguments."""

    def __init__(
        self,
        objective: Any = None,
        max_trials: int | None = 10,
        seed: int | None = None,
        hyperparameters: HyperParameters | None = None,
        allow_new_entries: bool = True,
        tune_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
    ):
        super().__init__(
            objective=objective,
            max_trials=max_trials,
            seed=seed,
            hyperparameters=hyperparameters,
            allow_new_entries=allow_new_entries,
            tune_new_entries=tune_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
        )

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        values = self._random_values()
        return {"status": TrialStatus.STOPPED if values is None else TrialStatus.RUNNING, "values": values}


class RandomSearch(Tuner):
    """Tunes by random search.

    Args:
        hypermodel: a ``HyperModel`` or a function ``build(hp)``.
        objective, max_trials, seed, hyperparameters, tune_new_entries, allow_new_entries, max_retries_per_trial,
            max_consecutive_failed_trials: see ``Oracle``.
        **kwargs: see ``Tuner``.
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_trials: int | None = 10,
        seed: int | None = None,
        hyperparameters: Any = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **kwargs: Any,
    ):
        self.seed = seed
        oracle = RandomSearchOracle(
            objective=objective,
            max_trials=max_trials,
            seed=seed,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
        )
        super().__init__(oracle, hypermodel, **kwargs)
