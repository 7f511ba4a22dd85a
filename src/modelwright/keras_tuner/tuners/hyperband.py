"""Hyperband with KerasTuner's arithmetic of brackets, rounds and epochs.

Li et al., "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization", JMLR 18 (2018). A promoted
configuration is a new trial here, which goes on from the one it stems from.
"""

from __future__ import annotations

import contextlib
import math
import os
from typing import Any

from modelwright.keras_tuner.engine.hyperparameters import HyperParameters
from modelwright.keras_tuner.engine.oracle import Oracle
from modelwright.keras_tuner.engine.trial import ENDED, Trial, TrialStatus
from modelwright.keras_tuner.engine.tuner import Tuner

_BOOKKEEPING = ("tuner/epochs", "tuner/initial_epoch", "tuner/bracket", "tuner/round")


class HyperbandOracle(Oracle):
    """Starts many trials for few epochs and lets the best of them go on.

    Values of a trial hold ``tuner/epochs`` (train up to), ``tuner/initial_epoch`` (train from), ``tuner/bracket``,
    ``tuner/round``, and for a promoted trial ``tuner/trial_id``, the trial to load from.

    Args:
        max_epochs: epochs of a trial that got through all rounds.
        factor: how many times fewer trials, and more epochs, each round has.
        hyperband_iterations: how often the whole plan is carried out; None or 0 for ever.
        objective, seed, hyperparameters, allow_new_entries, tune_new_entries, max_retries_per_trial,
            max_consecutive_failed_trials: see ``Oracle``.
    """

    def __init__(
        self,
        objective: Any = None,
        max_epochs: int = 100,
        factor: int = 3,
        hyperband_iterations: float | None = 1,
        seed: int | None = None,
        hyperparameters: HyperParameters | None = None,
        allow_new_entries: bool = True,
        tune_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
    ):
        super().__init__(
            objective=objective,
            seed=seed,
            hyperparameters=hyperparameters,
            allow_new_entries=allow_new_entries,
            tune_new_entries=tune_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
        )
        if factor < 2:
            raise ValueError(f"factor needs to be a whole number above 1, got {factor}")
        self.max_epochs, self.factor, self.min_epochs = max_epochs, factor, 1
        self.hyperband_iterations = hyperband_iterations or math.inf
        self._current_iteration = 0
        self._current_bracket = self._get_num_brackets() - 1
        self._brackets: list[dict[str, Any]] = []
        self._start_new_bracket()

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        self._remove_completed_brackets()
        for bracket in self._brackets:
            if not bracket.get("exhausted") and len(bracket["rounds"][0]) < self._size(bracket, 0):
                return self._random_trial(trial_id, bracket)
            for round_num in range(1, len(bracket["rounds"])):
                best = self._promotable(bracket, round_num)
                if best is not None:
                    return self._promote(best, trial_id, bracket, round_num)
        last = self._current_bracket == 0 and self._current_iteration + 1 >= self.hyperband_iterations
        if last or any(bracket.get("exhausted") for bracket in self._brackets):
            return {"status": TrialStatus.IDLE if self.ongoing_trials else TrialStatus.STOPPED}
        self._increment_bracket_num()
        self._start_new_bracket()
        return self._random_trial(trial_id, self._brackets[-1])

    # --- choosing -------------------------------------------------------------------------------------

    def _random_trial(self, trial_id: str, bracket: dict[str, Any]) -> dict[str, Any]:
        values = self._random_values()
        if values is None and not self.hyperparameters.space and self.ongoing_trials:
            # The first trial has not asked for anything yet.
            return {"status": TrialStatus.IDLE}
        if values is None:
            # The space is used up: this bracket goes on with the trials it has, and it is the last.
            bracket["exhausted"] = True
            return self.populate_space(trial_id)
        values.update(self._bookkeeping(bracket, 0))
        bracket["rounds"][0].append({"past_id": None, "id": trial_id})
        return {"status": TrialStatus.RUNNING, "values": values}

    def _promotable(self, bracket: dict[str, Any], round_num: int) -> Trial | None:
        """The best trial of the round before, once it is certain to be among those that go on."""
        before, here = bracket["rounds"][round_num - 1], bracket["rounds"][round_num]
        taken = {info["past_id"] for info in here}
        trials = [self.trials[info["id"]] for info in before]
        free = [t for t in trials if t.status == TrialStatus.COMPLETED and t.trial_id not in taken]
        failed = sum(t.status == TrialStatus.FAILED for t in trials)
        dropped = self._size(bracket, round_num - 1) - self._size(bracket, round_num) - failed
        if not free or len(here) >= self._size(bracket, round_num) or len(free) <= dropped:
            return None
        return sorted(free, key=lambda t: t.score, reverse=self.objective.direction == "max")[0]

    def _promote(self, trial: Trial, trial_id: str, bracket: dict[str, Any], round_num: int) -> dict[str, Any]:
        values = dict(trial.hyperparameters.values)
        values["tuner/trial_id"] = trial.trial_id
        values.update(self._bookkeeping(bracket, round_num))
        bracket["rounds"][round_num].append({"past_id": trial.trial_id, "id": trial_id})
        return {"status": TrialStatus.RUNNING, "values": values}

    def _bookkeeping(self, bracket: dict[str, Any], round_num: int) -> dict[str, Any]:
        number = bracket["bracket_num"]
        return {
            "tuner/epochs": self._get_epochs(number, round_num),
            "tuner/initial_epoch": self._get_epochs(number, round_num - 1) if round_num else 0,
            "tuner/bracket": number,
            "tuner/round": round_num,
        }

    def _compute_values_hash(self, values: dict[str, Any]) -> str:
        return super()._compute_values_hash({k: v for k, v in values.items() if k not in _BOOKKEEPING})

    def _catch_up(self, trial: Trial) -> None:
        super()._catch_up(trial)
        values = trial.hyperparameters.values
        if "tuner/bracket" not in values:
            return
        if all(bracket["bracket_num"] != values["tuner/bracket"] for bracket in self._brackets):
            self._increment_bracket_num()
            self._start_new_bracket()
        bracket = self._brackets[-1]
        info = {"past_id": values.get("tuner/trial_id"), "id": trial.trial_id}
        if bracket["bracket_num"] == values["tuner/bracket"] and info not in bracket["rounds"][values["tuner/round"]]:
            bracket["rounds"][values["tuner/round"]].append(info)

    # --- arithmetic of brackets -----------------------------------------------------------------------

    def _start_new_bracket(self) -> None:
        rounds = [[] for _ in range(self._get_num_rounds(self._current_bracket))]
        self._brackets.append({"bracket_num": self._current_bracket, "rounds": rounds})

    def _increment_bracket_num(self) -> None:
        self._current_bracket -= 1
        if self._current_bracket < 0:
            self._current_bracket = self._get_num_brackets() - 1
            self._current_iteration += 1

    def _remove_completed_brackets(self) -> None:
        self._brackets = [
            bracket
            for bracket in self._brackets
            if bracket.get("exhausted") or len(bracket["rounds"][-1]) != self._size(bracket, len(bracket["rounds"]) - 1)
        ]

    def _size(self, bracket: dict[str, Any], round_num: int) -> int:
        """Trials of a round, as planned, or as the trials of a bracket cut short allow."""
        planned = self._get_size(bracket["bracket_num"], round_num)
        if not bracket.get("exhausted"):
            return planned
        return min(planned, math.ceil(len(bracket["rounds"][0]) / self.factor**round_num))

    def _get_size(self, bracket_num: int, round_num: int) -> int:
        # Every bracket is to take about the same number of epochs in all.
        last_of_bracket_0 = math.ceil(1 + math.log(self.max_epochs, self.factor))
        return math.ceil(last_of_bracket_0 / (bracket_num + 1) * self.factor ** (bracket_num - round_num))

    def _get_epochs(self, bracket_num: int, round_num: int) -> int:
        return math.ceil(self.max_epochs / self.factor ** (bracket_num - round_num))

    def _get_num_rounds(self, bracket_num: int) -> int:
        return bracket_num + 1

    def _get_num_brackets(self) -> int:
        count, epochs = 0, self.max_epochs
        while epochs >= self.min_epochs:
            count, epochs = count + 1, epochs / self.factor
        return count

    def get_state(self) -> dict[str, Any]:
        return {
            **super().get_state(),
            "hyperband_iterations": self.hyperband_iterations,
            "max_epochs": self.max_epochs,
            "min_epochs": self.min_epochs,
            "factor": self.factor,
            "brackets": self._brackets,
            "current_bracket": self._current_bracket,
            "current_iteration": self._current_iteration,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        # How often the plan is carried out is the user's to change between sessions; the plan itself is not.
        self.max_epochs, self.min_epochs, self.factor = state["max_epochs"], state["min_epochs"], state["factor"]
        self.hyperband_iterations = max(self.hyperband_iterations, state["hyperband_iterations"])
        self._brackets = state["brackets"]
        self._current_bracket = state["current_bracket"]
        self._current_iteration = state["current_iteration"]


class Hyperband(Tuner):
    """Tunes Keras models by Hyperband. ``epochs`` given to ``search`` do not count: the plan says how many.

    A promoted trial trains on where the trial before stopped: weights, optimizer, random state, order of the data and
    Keras' own callbacks are those of its last epoch, so that on JAX, with numpy arrays, 3 + 7 epochs are 10 epochs, bit
    for bit. Where there is no such end (a callback stopped it early, ``HyperModel.fit`` trains in a loop of its own or
    more than once) it begins with the weights and the optimizer's state of the best epoch.

    Args:
        hypermodel: a ``HyperModel`` or a function ``build(hp)``.
        max_epochs, factor, hyperband_iterations: see ``HyperbandOracle``.
        objective, seed, hyperparameters, tune_new_entries, allow_new_entries, max_retries_per_trial,
            max_consecutive_failed_trials: see ``Oracle``.
        **kwargs: see ``Tuner``.
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_epochs: int = 100,
        factor: int = 3,
        hyperband_iterations: float | None = 1,
        seed: int | None = None,
        hyperparameters: Any = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **kwargs: Any,
    ):
        oracle = HyperbandOracle(
            objective=objective,
            max_epochs=max_epochs,
            factor=factor,
            hyperband_iterations=hyperband_iterations,
            seed=seed,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
        )
        super().__init__(oracle=oracle, hypermodel=hypermodel, **kwargs)

    def run_trial(self, trial: Any, *fit_args: Any, **fit_kwargs: Any) -> Any:
        values = trial.hyperparameters.values
        if "tuner/epochs" in values:
            fit_kwargs["epochs"] = values["tuner/epochs"]
            fit_kwargs["initial_epoch"] = values["tuner/initial_epoch"]
        if "tuner/trial_id" not in values:
            return super().run_trial(trial, *fit_args, **fit_kwargs)
        from modelwright.training.keras_backend import kept_generators

        with kept_generators():  # it uses those of the trial it goes on from
            return super().run_trial(trial, *fit_args, **fit_kwargs)

    def _last_callbacks(self, trial: Any, execution: int, callbacks: list[Any]) -> list[Any]:
        from modelwright.keras_tuner.engine.continuing import Continuing

        values = trial.hyperparameters.values
        before = values.get("tuner/trial_id")
        source = self._get_continue_fname(before, execution) if before is not None else None
        goes_on = values.get("tuner/round", 0) < values.get("tuner/bracket", 0)
        target = self._get_continue_fname(trial.trial_id, execution) if goes_on else None
        if source is None and target is None:
            return []
        return [Continuing(source, target, values.get("tuner/initial_epoch", 0), callbacks)]

    def on_trial_end(self, trial: Any) -> None:
        super().on_trial_end(trial)
        before = trial.hyperparameters.values.get("tuner/trial_id")
        if before is not None and self.oracle.get_trial(trial.trial_id).status in ENDED:
            self._forget(before)

    def on_search_end(self) -> None:
        super().on_search_end()
        for trial_id in self.oracle.trials:
            self._forget(trial_id)

    def _get_continue_fname(self, trial_id: str, execution: int) -> str:
        """Where an execution leaves what a promoted trial needs to train on as if it had not been interrupted."""
        return os.path.join(self.get_trial_dir(trial_id), f"continue{execution}.ckpt")

    def _forget(self, trial_id: str) -> None:
        """Remove what nobody will go on from any more."""
        for execution in range(self.executions_per_trial):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._get_continue_fname(trial_id, execution))

    def _build_hypermodel(self, hp: Any) -> Any:
        model = super()._build_hypermodel(hp)
        if "tuner/trial_id" in hp.values:
            self._load_into(model, hp.values["tuner/trial_id"])
        return model
