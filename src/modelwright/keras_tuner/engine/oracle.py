"""Oracles: they choose what to try, keep all trials, and say when a search is over.

This is the class that users subclass. The search runs through the engine (see ``engine.search``); an oracle is its
strategy there.
"""

from __future__ import annotations

import hashlib
import math
import os
import warnings
from collections import defaultdict
from typing import Any

from modelwright.keras_tuner.engine.chance import unlike_others
from modelwright.keras_tuner.engine.display import Display
from modelwright.keras_tuner.engine.hyperparameters import HyperParameters
from modelwright.keras_tuner.engine.limits import check_limits
from modelwright.keras_tuner.engine.metrics_tracking import MetricsTracker
from modelwright.keras_tuner.engine.objective import MultiObjective, Objective, create_objective, direction_of
from modelwright.keras_tuner.engine.stateful import Stateful, make_folder
from modelwright.keras_tuner.engine.synchronize import synchronized
from modelwright.keras_tuner.engine.trial import Trial, TrialStatus
from modelwright.keras_tuner.engine.walk import untried

__all__ = ["Objective", "Oracle", "synchronized"]


class Oracle(Stateful):
    """Base of search algorithms: override ``populate_space``, and what else must be different.

    Args:
        objective: name of a metric, an ``Objective``, a list of these (their sum), or None when ``run_trial`` or
            ``HyperModel.fit`` returns a number to be made small.
        max_trials: at most so many configurations; None for no limit, and 0 too, with a warning.
        hyperparameters: declared ahead, or in place of what the hypermodel declares under the same names.
        allow_new_entries: whether the hypermodel may ask for others than those in ``hyperparameters``.
        tune_new_entries: whether such others are tuned, or keep their defaults.
        seed: makes the search repeatable; 0 counts.
        max_retries_per_trial: how often a trial that crashed runs again.
        max_consecutive_failed_trials: so many failed trials in a row end the search. Configurations that cannot be
            run at all (too large a model, out of memory) do not count.
    """

    def __init__(
        self,
        objective: Any = None,
        max_trials: int | None = None,
        hyperparameters: HyperParameters | None = None,
        allow_new_entries: bool = True,
        tune_new_entries: bool = True,
        seed: int | None = None,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
    ):
        check_limits(max_trials, max_retries_per_trial, max_consecutive_failed_trials)
        self.objective = create_objective(objective)
        self.max_trials = max_trials
        for name, allowed in (("tune_new_entries", tune_new_entries), ("allow_new_entries", allow_new_entries)):
            if not hyperparameters and not allowed:
                raise ValueError(f"{name}=False needs the search space in the argument hyperparameters")
        self.hyperparameters = hyperparameters if hyperparameters else HyperParameters()
        self.allow_new_entries, self.tune_new_entries = allow_new_entries, tune_new_entries
        self.max_retries_per_trial = max_retries_per_trial
        self.max_consecutive_failed_trials = max_consecutive_failed_trials

        self.trials: dict[str, Trial] = {}
        self.ongoing_trials: dict[str, Trial] = {}
        self.start_order: list[str] = []
        self.end_order: list[str] = []
        self.tuner_ids: set[str] = set()
        self.seed = unlike_others() if seed is None else seed
        self._seed_state = self.seed
        self._run_times: defaultdict[str, int] = defaultdict(int)
        self._retry_queue: list[str] = []
        self._tried_so_far: set[str] = set()
        self._id_to_hash: defaultdict[str, str | None] = defaultdict(lambda: None)
        self._max_collisions = 20
        self._directory: Any = None
        self._project_name: Any = None
        self.directory, self.project_name = None, None
        self.multi_worker, self.should_report = False, True
        # While a search runs, whoever runs it sees to it that each file is written once for each trial that ends.
        self._searching, self._unsaved, self._with_file = False, False, set()
        self._display = Display(oracle=self)

    @property
    def verbose(self) -> Any:
        """0 prints nothing; "auto" is 1."""
        return self._display.verbose

    @verbose.setter
    def verbose(self, value: Any) -> None:
        self._display.verbose = 1 if value == "auto" else value

    # --- what a search algorithm decides --------------------------------------------------------------

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Choose the values of a new trial.

        Returns:
            ``{"status": ..., "values": {name: value}}`` with the status RUNNING; or IDLE when nothing can be chosen
            until a running trial ends; or STOPPED when the search is over.
        """
        raise NotImplementedError(f"{type(self).__name__} must override populate_space(trial_id)")

    def score_trial(self, trial: Trial) -> None:
        """Set ``trial.score`` and ``trial.best_step`` of a completed trial."""
        trial.score = trial.metrics.get_best_value(self.objective.name)
        trial.best_step = trial.metrics.get_best_step(self.objective.name)

    def _populate_space(self, trial_id: str) -> dict[str, Any]:
        warnings.warn("_populate_space is deprecated, use populate_space", DeprecationWarning, stacklevel=2)
        return self.populate_space(trial_id)

    def _score_trial(self, trial: Trial) -> None:
        warnings.warn("_score_trial is deprecated, use score_trial", DeprecationWarning, stacklevel=2)
        self.score_trial(trial)

    # --- the life of a trial --------------------------------------------------------------------------

    @synchronized
    def create_trial(self, tuner_id: str) -> Trial:
        """The trial that the tuner ``tuner_id`` should run now: its own that still runs, one to be tried again,
        or a new one. A trial whose status is STOPPED or IDLE is empty and not kept."""
        if tuner_id in self.ongoing_trials:
            return self.ongoing_trials[tuner_id]
        self.tuner_ids.add(tuner_id)
        if self._retry_queue:
            trial = self.trials[self._retry_queue.pop()]
            trial.status, trial.metrics, trial.message = TrialStatus.RUNNING, MetricsTracker(), None
            trial.infeasible = False
        else:
            trial = self._new_trial()
            if trial.status == TrialStatus.STOPPED:
                self.tuner_ids.discard(tuner_id)
            if trial.status != TrialStatus.RUNNING:
                return trial
            self._record_values(trial)
            self.trials[trial.trial_id] = trial
            self.start_order.append(trial.trial_id)
        self.ongoing_trials[tuner_id] = trial
        if not self._searching:
            self._save_trial(trial)
            self.save()
        self._display.on_trial_begin(trial)
        return trial

    def _new_trial(self) -> Trial:
        trial_id = f"{len(self.trials):0{len(str(self.max_trials))}d}"
        if self.max_trials and len(self.trials) >= self.max_trials:
            answer: dict[str, Any] = {"status": TrialStatus.STOPPED}
        else:
            answer = self.populate_space(trial_id)
        hyperparameters = self.hyperparameters.copy()
        hyperparameters.values = answer.get("values") or {}
        return Trial(hyperparameters=hyperparameters, trial_id=trial_id, status=answer["status"])

    @synchronized
    def update_trial(self, trial_id: str, metrics: dict[str, Any], step: int = 0) -> Trial:
        """Record metrics of a trial at a step.

        Raises:
            ValueError: the objective is not among them.
        """
        trial = self.trials[trial_id]
        self._check_objective_found(metrics)
        for name, value in metrics.items():
            if not trial.metrics.exists(name):
                trial.metrics.register(name, direction=direction_of(self.objective, name))
            trial.metrics.update(name, value, step=step)
        return trial

    @synchronized
    def end_trial(self, trial: Trial) -> None:
        """Take back a trial whose status is COMPLETED, INVALID (to be tried again) or FAILED.

        Raises:
            RuntimeError: too many trials in a row failed.
        """
        kept = self.trials[trial.trial_id]
        kept.hyperparameters, kept.status, kept.message = trial.hyperparameters, trial.status, trial.message
        kept.infeasible = trial.infeasible
        self.update_space(kept.hyperparameters)
        if kept.status == TrialStatus.COMPLETED:
            self.score_trial(kept)
            if kept.score is not None and math.isnan(kept.score):
                kept.status, kept.infeasible = TrialStatus.INVALID, True
                kept.message = f"{self.objective.name} is not a number"
        self._record_values(kept)
        self._run_times[kept.trial_id] += 1
        over = not self._retry(kept)
        if over:
            self.end_order.append(kept.trial_id)
        self.ongoing_trials = {t: o for t, o in self.ongoing_trials.items() if o.trial_id != kept.trial_id}
        self._save_trial(kept)
        self._unsaved = True
        if not self._searching:
            self.save()
        self._display.on_trial_end(kept)
        if over:
            self._check_consecutive_failures()

    def _retry(self, trial: Trial) -> bool:
        """Queue a trial that is to be tried again; whether it is."""
        if trial.status != TrialStatus.INVALID:
            return False
        left = self.max_retries_per_trial + 1 - self._run_times[trial.trial_id]
        if left <= 0:
            trial.status = TrialStatus.FAILED
            return False
        print(f"Trial {trial.trial_id} failed {self._run_times[trial.trial_id]} times. {left} retries left.")
        self._retry_queue.append(trial.trial_id)
        return True

    def _check_consecutive_failures(self) -> None:
        failures, message = 0, None
        for trial_id in reversed(self.end_order):
            trial = self.trials[trial_id]
            if trial.status != TrialStatus.FAILED:
                break
            failures += not trial.infeasible
            message = message or trial.message
        if failures and failures >= self.max_consecutive_failed_trials:
            raise RuntimeError(
                f"Number of consecutive failures exceeded the limit of {self.max_consecutive_failed_trials}.\n"
                f"{message or ''}"
            )

    def _check_objective_found(self, metrics: dict[str, Any]) -> None:
        multi = isinstance(self.objective, MultiObjective)
        wanted = list(self.objective.name_to_direction) if multi else [self.objective.name]  # type: ignore[union-attr]
        missing = [name for name in wanted if name not in metrics]
        if missing:
            raise ValueError(
                f"Objective value missing in metrics reported to the Oracle, expected: {missing}, "
                f"found: {list(metrics)}"
            )

    # --- space and values -----------------------------------------------------------------------------

    def get_space(self) -> HyperParameters:
        """A copy of the search space as known so far."""
        return self.hyperparameters.copy()

    def update_space(self, hyperparameters: HyperParameters) -> None:
        """Add what is new in ``hyperparameters`` to the search space.

        Raises:
            RuntimeError: there is something new, and ``allow_new_entries=False``.
        """
        new = [hp for hp in hyperparameters.space if not self.hyperparameters._exists(hp.name, hp.conditions)]
        if new and not self.allow_new_entries:
            raise RuntimeError(f"`allow_new_entries` is `False`, but the hypermodel asked for new entries: {new}")
        if self.tune_new_entries:
            self.hyperparameters.merge(new)

    def _random_values(self) -> dict[str, Any] | None:
        """Values that were not tried before; None when there are none left."""
        for _ in range(self._max_collisions + 1):
            hps = HyperParameters()
            for hp in self.hyperparameters.space:
                hps.merge([hp])
                if hps.is_active(hp):
                    hps.values[hp.name] = hp.random_sample(self._seed_state)
                    self._seed_state += 1
            if not self._duplicate(hps.values):
                return hps.values
        return untried(self.hyperparameters, self._duplicate)

    def _duplicate(self, values: dict[str, Any]) -> bool:
        """Whether the values were tried before."""
        return self._compute_values_hash(values) in self._tried_so_far

    def _compute_values_hash(self, values: dict[str, Any]) -> str:
        text = "".join(f"{name}={values[name]}" for name in sorted(values))
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def _record_values(self, trial: Trial) -> None:
        trial.hyperparameters.ensure_active_values(seed=self._seed_state)
        new = self._compute_values_hash(trial.hyperparameters.values)
        old = self._id_to_hash[trial.trial_id]
        self._tried_so_far.add(new)
        self._id_to_hash[trial.trial_id] = new
        if old is not None and old != new:
            self._tried_so_far.discard(old)

    # --- results --------------------------------------------------------------------------------------

    def get_trial(self, trial_id: str) -> Trial:
        """The trial of that name."""
        return self.trials[trial_id]

    def get_best_trials(self, num_trials: int = 1) -> list[Trial]:
        """Completed trials, best first; behind them, where they are too few, the others."""
        completed = [t for t in self.trials.values() if t.status == TrialStatus.COMPLETED]
        found = sorted(completed, key=lambda t: t.score, reverse=self.objective.direction == "max")
        if len(found) < num_trials:
            found += [t for t in self.trials.values() if t.status != TrialStatus.COMPLETED]
        return found[:num_trials]

    def remaining_trials(self) -> int | None:
        """How many more trials may start; None without a limit."""
        return self.max_trials - len(self.trials) if self.max_trials else None

    # --- state ----------------------------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        return {
            "ongoing_trials": {tuner_id: trial.trial_id for tuner_id, trial in self.ongoing_trials.items()},
            "hyperparameters": self.hyperparameters.get_config(),
            "start_order": list(self.start_order),
            "end_order": list(self.end_order),
            "run_times": dict(self._run_times),
            "retry_queue": list(self._retry_queue),
            "seed": self.seed,
            "seed_state": self._seed_state,
            "tried_so_far": self._in_order_of_trials(self._tried_so_far),
            "id_to_hash": dict(self._id_to_hash),
            "display": self._display.get_state(),
        }

    def _in_order_of_trials(self, hashes: set[str]) -> list[str]:
        """A list that grows at its end while trials are added, so that little of it is news each time."""
        known = dict.fromkeys(self._id_to_hash.values())
        if hashes == known.keys():
            return list(known)  # type: ignore[arg-type]
        return [*(h for h in known if h in hashes), *sorted(hashes.difference(known))]  # type: ignore[arg-type]

    def set_state(self, state: dict[str, Any]) -> None:
        self.ongoing_trials = {tuner: self.trials[trial] for tuner, trial in state["ongoing_trials"].items()}
        self.hyperparameters = HyperParameters.from_config(state["hyperparameters"])
        self.start_order, self.end_order = list(state["start_order"]), list(state["end_order"])
        self._run_times = defaultdict(int, state["run_times"])
        self._retry_queue = list(state["retry_queue"])
        self.seed, self._seed_state = state["seed"], state["seed_state"]
        self._tried_so_far = set(state["tried_so_far"])
        self._id_to_hash = defaultdict(lambda: None, state["id_to_hash"])
        self._display.set_state(state["display"])

    def save(self) -> None:  # type: ignore[override]
        """Write ``oracle.json`` in the project's folder, and the trials that it names as running."""
        for trial in self.ongoing_trials.values():
            if trial.trial_id not in self._with_file:
                self._save_trial(trial)
        super().save(self._get_oracle_fname())
        self._unsaved = False

    def reload(self) -> None:  # type: ignore[override]
        """Read a project, ours or KerasTuner's; trials that were running when it stopped will run again.

        Raises:
            RuntimeError: the files there are those of a different kind of oracle, or damaged.
        """
        from modelwright.keras_tuner.engine.reloading import take_up

        take_up(self)

    def _catch_up(self, trial: Trial) -> None:
        """Take note of a trial that had ended when the oracle's own state was not written any more."""
        if trial.trial_id not in self.start_order:
            self.start_order.append(trial.trial_id)
        self.end_order.append(trial.trial_id)
        self._run_times[trial.trial_id] += 1
        self._record_values(trial)

    def _set_project_dir(self, directory: Any, project_name: Any) -> None:
        self._directory, self._project_name = directory, project_name

    @property
    def _project_dir(self) -> str:
        return make_folder(os.path.join(str(self._directory), str(self._project_name)))

    def _get_oracle_fname(self) -> str:
        return os.path.join(self._project_dir, "oracle.json")

    def _get_trial_dir(self, trial_id: str) -> str:
        return make_folder(os.path.join(self._project_dir, f"trial_{trial_id}"))

    def _save_trial(self, trial: Trial) -> None:
        trial.save(os.path.join(self._get_trial_dir(trial.trial_id), "trial.json"))
        self._with_file.add(trial.trial_id)
