"""``BaseTuner``: joins an oracle with what builds and runs trials. Knows nothing of Keras."""

from __future__ import annotations

import copy
import os
import shutil
import sys
import traceback
import warnings
from typing import Any

from modelwright.core.errors import MediumError, ModelwrightError
from modelwright.core.wording import counted
from modelwright.keras_tuner.engine.hypermodel import get_hypermodel
from modelwright.keras_tuner.engine.oracle import Oracle
from modelwright.keras_tuner.engine.results import convert_to_metrics_dict, get_best_step, validate_trial_results
from modelwright.keras_tuner.engine.stateful import Stateful, make_folder
from modelwright.keras_tuner.engine.trial import Trial, TrialStatus
from modelwright.keras_tuner.errors import FailedTrialError, FatalError, FatalRuntimeError, InfeasibleTrialError


class BaseTuner(Stateful):
    """Base of all tuners: override ``run_trial``, ``save_model`` and ``load_model``.

    Args:
        oracle: chooses what to try.
        hypermodel: a ``HyperModel`` or a function ``build(hp)``; not needed when ``run_trial`` is overridden and does
            not use it.
        directory: folder of the project's folder; the current one by default.
        project_name: name of the project's folder; ``untitled_project`` by default.
        overwrite: whether to delete what is there; otherwise a project that is there goes on.
        **kwargs: ``logger`` is accepted and ignored.

    Attributes:
        remaining_trials: how many more trials may start, None without a limit.
    """

    #: While a trial runs: tells the study what an epoch measured.
    _epochs: Any = None
    #: Whether no model of this search has been held against the arguments yet.
    _unchecked = True

    def __init__(
        self,
        oracle: Oracle,
        hypermodel: Any = None,
        directory: Any = None,
        project_name: str | None = None,
        overwrite: bool = False,
        **kwargs: Any,
    ):
        if not isinstance(oracle, Oracle):
            raise ValueError(
                f"Expected `oracle` argument to be an instance of `Oracle`, got {oracle!r} of type {type(oracle)}"
            )
        self.logger = kwargs.pop("logger", None)
        if self.logger is not None:
            warnings.warn("the argument logger is ignored", DeprecationWarning, stacklevel=2)
        if kwargs:
            raise ValueError(f"Unrecognized arguments {list(kwargs)} for {type(self).__name__}")
        _refuse_chief()
        self.oracle = oracle
        self.hypermodel = get_hypermodel(hypermodel)
        self.directory = directory or "."
        self.project_name = project_name or "untitled_project"
        self.oracle._set_project_dir(self.directory, self.project_name)
        folder = os.path.join(str(self.directory), self.project_name)
        if overwrite and os.path.exists(folder):
            shutil.rmtree(folder)
        self.tuner_id = os.environ.get("KERASTUNER_TUNER_ID", "tuner0")
        if not overwrite and os.path.exists(self._get_tuner_fname()):
            print(f"Reloading Tuner from {self._get_tuner_fname()}")
            self.reload()
        else:
            self._populate_initial_space()

    # --- the space before the first trial ---------------------------------------------------------

    def _populate_initial_space(self) -> None:
        """Learn the search space by building the hypermodel; subclasses may put it off."""
        if self.hypermodel is None:
            return
        hp = self.oracle.get_space()
        self.hypermodel.declare_hyperparameters(hp)
        self.oracle.update_space(hp)
        self._activate_all_conditions()

    def _activate_all_conditions(self) -> None:
        """Build until every conditional scope was entered with its conditions holding once."""
        assert self.hypermodel is not None
        never: list[Any] = []
        once: list[Any] = []
        hp = self.oracle.get_space()
        while True:
            self.hypermodel.build(hp)
            self.oracle.update_space(hp)
            once += [copy.deepcopy(scope) for scope in hp.active_scopes if scope not in once]
            never = [scope for scope in never if scope not in once]
            never += [copy.deepcopy(scope) for scope in hp.inactive_scopes if scope not in once and scope not in never]
            if not never:
                return
            scope, hp = never[0], self.oracle.get_space()
            for condition in scope:
                hp.values[condition.name] = condition.values[0]
            hp.ensure_active_values(seed=self.oracle.seed)
            if any(not condition.is_active(hp.values) for condition in scope):
                # The parent cannot take that value here: building again would never end.
                never.pop(0)
                once.append(scope)

    # --- the search -------------------------------------------------------------------------------

    def search(self, *fit_args: Any, **fit_kwargs: Any) -> None:
        """Run trials until the oracle stops.

        Args:
            *fit_args: given to ``run_trial``, such as the training data.
            **fit_kwargs: given to ``run_trial``; ``verbose=0`` also silences the search itself. ``workers=2`` (not
                passed on) runs trials in so many processes, see ``docs/keras_tuner.md`` for what callbacks lose.
        """
        from modelwright.keras_tuner.engine.search import run

        workers = fit_kwargs.pop("workers", 1)
        if "verbose" in fit_kwargs:
            self.oracle.verbose = fit_kwargs["verbose"]
        self._unchecked = True
        self.on_search_begin()
        run(self, fit_args, fit_kwargs, workers)
        self.on_search_end()
        self._warn_of_failures()

    def _warn_of_failures(self) -> None:
        """Warn where a search ended and no trial has ever completed."""
        trials = list(self.oracle.trials.values())
        failed = [trial for trial in trials if trial.status == TrialStatus.FAILED]
        if not failed or len(failed) < len(trials):
            return
        warnings.warn(
            f"no trial completed: {counted(len(failed), 'trial')} failed, the first ({failed[0].trial_id}) with "
            f"{failed[0]._why_failed() or 'no message'}. Mend it and search again with a new project_name= or "
            "overwrite=True; tuner.oracle.get_trial(...).message has each traceback.",
            stacklevel=3,
        )

    def _try_run_and_update_trial(self, trial: Trial, *fit_args: Any, **fit_kwargs: Any) -> None:
        """Run a trial; what it raises becomes its status and message, unless that ends the search."""
        try:
            self._run_and_update_trial(trial, *fit_args, **fit_kwargs)
            trial.status = TrialStatus.COMPLETED
        except FatalError:
            raise
        except MediumError as error:
            raise FatalRuntimeError(str(error)) from error
        except Exception as error:
            self._give_up(trial, error)
            self._report_failure(trial, error)

    def _give_up(self, trial: Trial, error: Exception) -> None:
        from modelwright.core.errors import InfeasibleError
        from modelwright.training.failure import is_out_of_memory

        trial.infeasible = isinstance(error, (InfeasibleTrialError, InfeasibleError)) or is_out_of_memory(error)
        final = trial.infeasible or isinstance(error, FailedTrialError)
        trial.status = TrialStatus.FAILED if final else TrialStatus.INVALID
        trial.message = "".join(traceback.format_exception(error))

    def _report_failure(self, trial: Trial, error: Exception | None = None) -> None:
        """Print why a trial failed: its traceback, unless it is a refusal of ours, which says it all."""
        if not self.oracle._display.silent and trial.message:
            text = f"{type(error).__name__}: {error}" if isinstance(error, ModelwrightError) else trial.message
            print(text.rstrip("\n"), file=sys.stderr)

    def _run_and_update_trial(self, trial: Trial, *fit_args: Any, **fit_kwargs: Any) -> None:
        results = self.run_trial(trial, *fit_args, **fit_kwargs)
        objective = self.oracle.objective
        if self.oracle.get_trial(trial.trial_id).metrics.exists(objective.name):
            warnings.warn(
                "Please remove the call of oracle.update_trial in run_trial, it is deprecated: return the metrics",
                DeprecationWarning,
                stacklevel=2,
            )
            return
        validate_trial_results(results, objective, "Tuner.run_trial()")
        metrics, step = convert_to_metrics_dict(results, objective), get_best_step(results, objective)
        self.oracle.update_trial(trial.trial_id, metrics, step=step)

    def run_trial(self, trial: Trial, *fit_args: Any, **fit_kwargs: Any) -> Any:
        """Evaluate ``trial.hyperparameters``; see ``Tuner.run_trial`` for what may be returned."""
        raise NotImplementedError(f"{type(self).__name__} must override run_trial(trial, ...)")

    def save_model(self, trial_id: str, model: Any, step: int = 0) -> None:
        """Save the model of a trial."""
        raise NotImplementedError(f"{type(self).__name__} must override save_model")

    def load_model(self, trial: Trial) -> Any:
        """Load the model of a trial."""
        raise NotImplementedError(f"{type(self).__name__} must override load_model")

    # --- hooks ------------------------------------------------------------------------------------

    def pre_create_trial(self) -> None:
        """Called before the oracle is asked for a trial."""

    def on_trial_begin(self, trial: Trial) -> None:
        """Called before a trial runs."""

    def on_trial_end(self, trial: Trial) -> None:
        """Called after a trial ran; hands it back to the oracle."""
        self.oracle.end_trial(trial)
        self.save()

    def on_search_begin(self) -> None:
        """Called before the first trial of a ``search``."""

    def on_search_end(self) -> None:
        """Called after the last trial of a ``search``."""

    # --- results ----------------------------------------------------------------------------------

    def get_best_models(self, num_models: int = 1) -> list[Any]:
        """The trained models of the best trials, best first."""
        return [self.load_model(trial) for trial in self.oracle.get_best_trials(num_models)]

    def get_best_hyperparameters(self, num_trials: int = 1) -> list[Any]:
        """The hyperparameters of the best trials, best first."""
        return [trial.hyperparameters for trial in self.oracle.get_best_trials(num_trials)]

    def search_space_summary(self, extended: bool = False) -> None:
        """Print the search space."""
        space = self.oracle.get_space().space
        print(f"Search space summary\nDefault search space size: {len(space)}")
        for hp in space:
            config = hp.get_config()
            print(f"{config.pop('name')} ({type(hp).__name__})\n{config}")

    def results_summary(self, num_trials: int = 10) -> None:
        """Print the best trials."""
        print(f"Results summary\nResults in {self.project_dir}\nShowing {num_trials} best trials")
        print(self.oracle.objective)
        for trial in self.oracle.get_best_trials(num_trials):
            print()
            trial.summary()

    @property
    def remaining_trials(self) -> int | None:
        """How many more trials may start; None without a limit."""
        return self.oracle.remaining_trials()

    # --- state ------------------------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """A tuner itself has no state; subclasses may."""

    def save(self) -> None:  # type: ignore[override]
        """Write the oracle's and the tuner's state in the project's folder."""
        self.oracle.save()
        state, file = self.get_state(), self._get_tuner_fname()
        if state or not os.path.exists(file):
            super().save(file)

    def reload(self) -> None:  # type: ignore[override]
        """Take up the project in the folder."""
        self.oracle.reload()
        super().reload(self._get_tuner_fname())

    @property
    def project_dir(self) -> str:
        """The project's folder, which exists afterwards."""
        return make_folder(os.path.join(str(self.directory), self.project_name))

    def get_trial_dir(self, trial_id: str) -> str:
        """The folder of a trial, which exists afterwards."""
        return make_folder(os.path.join(self.project_dir, f"trial_{trial_id}"))

    def _get_tuner_fname(self) -> str:
        return os.path.join(self.project_dir, f"{self.tuner_id}.json")


def _refuse_chief() -> None:
    if "KERASTUNER_ORACLE_IP" in os.environ:
        raise FatalRuntimeError(
            "KERASTUNER_ORACLE_IP is set, but there is no chief process here. To run several trials at a time write "
            "tuner.search(..., workers=2), and unset KERASTUNER_ORACLE_IP, KERASTUNER_ORACLE_PORT and "
            "KERASTUNER_TUNER_ID."
        )
