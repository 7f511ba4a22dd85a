"""Grid search: every combination once, the defaults first, the last hyperparameter changing fastest.

The space may grow while it is walked, so there is no list to walk: each trial that ended says which combination comes
next after its own, and the trials are kept in the grid's order to know whether that one was tried.
"""

from __future__ import annotations

import copy
import functools
from typing import Any

from modelwright.keras_tuner.engine.hyperparameters import HyperParameters
from modelwright.keras_tuner.engine.oracle import Oracle, synchronized
from modelwright.keras_tuner.engine.trial import Trial, TrialStatus
from modelwright.keras_tuner.engine.tuner import Tuner
from modelwright.keras_tuner.engine.walk import ordered_values


class GridSearchOracle(Oracle):
    """Walks the grid; of what has no end of values it takes ten. See ``Oracle`` for the arguments."""

    def __init__(
        self,
        objective: Any = None,
        max_trials: int | None = None,
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
        self._ordered_ids: list[str] = []
        self._populate_next: list[str] = []

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        values = self._defaults(trial_id) if not self.start_order else self._next_untried(trial_id)
        if values is not None:
            return {"status": TrialStatus.RUNNING, "values": values}
        # A running trial may still show more of the space.
        return {"status": TrialStatus.IDLE if self.ongoing_trials else TrialStatus.STOPPED, "values": None}

    def _defaults(self, trial_id: str) -> dict[str, Any]:
        self._ordered_ids.append(trial_id)
        # Its neighbour may be tried by another worker before it ends; when it ends it is asked once more.
        self._populate_next.append(trial_id)
        hps = self.get_space()
        return {hp.name: hp.default for hp in hps.space if hps.is_active(hp)}

    def _next_untried(self, trial_id: str) -> dict[str, Any] | None:
        while self._populate_next:
            before = self._populate_next.pop(0)
            values = self._get_next_combination(self.trials[before].hyperparameters.values)
            if values is None:
                continue
            place = self._ordered_ids.index(before) + 1
            if place < len(self._ordered_ids):
                following = self.trials[self._ordered_ids[place]].hyperparameters.values
                if self._compare(values, following) >= 0:
                    continue
            self._ordered_ids.insert(place, trial_id)
            return values
        return None

    def _compare(self, a: dict[str, Any], b: dict[str, Any]) -> int:
        """-1, 0 or 1 as the values ``a`` come before, with or behind ``b`` in the grid."""
        for hp in self.hyperparameters.space:
            if hp.name not in a or hp.name not in b or a[hp.name] == b[hp.name]:
                continue
            values = ordered_values(hp)
            return -1 if _index(values, a[hp.name]) < _index(values, b[hp.name]) else 1
        return 0

    def _compare_trials(self, a: str, b: str) -> int:
        return self._compare(self.trials[a].hyperparameters.values, self.trials[b].hyperparameters.values)

    def _get_next_combination(self, values: dict[str, Any]) -> dict[str, Any] | None:
        """The values that come right behind ``values`` in the grid, or None behind the last ones."""
        hps = self.get_space()
        hps.values = copy.deepcopy(values)
        for hp in reversed(hps.space):
            if hps.is_active(hp):
                choices = ordered_values(hp)
                at = _index(choices, hps.values.get(hp.name, hp.default))
                if at + 1 < len(choices):
                    hps.values[hp.name] = choices[at + 1]
                    hps.ensure_active_values()
                    return hps.values
            hps.values[hp.name] = hp.default
        return None

    @synchronized
    def end_trial(self, trial: Trial) -> None:
        self._populate_next.append(trial.trial_id)
        super().end_trial(trial)

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        # The files do not tell the order, but the trials do. Each is asked for its neighbour once more.
        self._ordered_ids = sorted(self.start_order, key=functools.cmp_to_key(self._compare_trials))
        self._populate_next = list(self._ordered_ids)


def _index(values: list[Any], value: Any) -> int:
    return values.index(value) if value in values else 0


class GridSearch(Tuner):
    """Tunes by grid search.

    Args:
        hypermodel: a ``HyperModel`` or a function ``build(hp)``.
        max_trials: at most so many combinations; all of them when left out.
        objective, seed, hyperparameters, tune_new_entries, allow_new_entries, max_retries_per_trial,
            max_consecutive_failed_trials: see ``Oracle``.
        **kwargs: see ``Tuner``.
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_trials: int | None = None,
        seed: int | None = None,
        hyperparameters: Any = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **kwargs: Any,
    ):
        self.seed = seed
        oracle = GridSearchOracle(
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
