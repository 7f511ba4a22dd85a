"""Taking up a project: KerasTuner's files or ours, and what they lack from the store. Writes nothing."""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping
from typing import Any

from modelwright.keras_tuner.engine.facts import progress, read_back
from modelwright.keras_tuner.engine.hyperparameters import HyperParameters
from modelwright.keras_tuner.engine.stateful import load_json
from modelwright.keras_tuner.engine.trial import ENDED, Trial


def take_up(oracle: Any) -> None:
    """Give an oracle the trials and the state of the project in its folder.

    The oracle's state is the file's or the store's, whichever knows more. Trials that had ended when that state was
    taken no more are caught up with; of others that it does not know yet nothing is kept, they are chosen again.

    Raises:
        RuntimeError: the files there are those of a different kind of oracle, or damaged.
    """
    folder = oracle._project_dir
    kept, running, snapshot = read_back(folder)
    found, written = {}, None
    try:
        for path in sorted(glob.glob(os.path.join(glob.escape(folder), "trial_*", "trial.json"))):
            trial = Trial.load(path)
            found[trial.trial_id] = trial
        file = oracle._get_oracle_fname()
        written = load_json(file) if os.path.exists(file) else None
    except ValueError as error:
        if snapshot is None:
            raise _cannot(folder, f"a file is damaged ({error})") from error
    for trial_id, told in kept.items():
        if trial_id not in found or found[trial_id].status not in ENDED:
            found[trial_id] = Trial.from_state(told)
    state = written if progress(written) >= progress(snapshot) else snapshot
    if state is None:
        raise _cannot(folder, "oracle.json is missing")
    try:
        known = {*state["start_order"], *state["ongoing_trials"].values()}
        for trial_id in known - set(found):
            if trial_id in running:
                found[trial_id] = _proposed(trial_id, running[trial_id], state)
        late = [t for name, t in found.items() if name not in known and t.status in ENDED]
        for trial_id in sorted(found):
            if trial_id in known:
                oracle.trials[trial_id] = found[trial_id]
        oracle.set_state(dict(state))
    except KeyError as error:
        raise _cannot(folder, f"{error} is missing") from error
    _settle(oracle, late)


def interrupt(oracle: Any) -> None:
    """Queue trials that an earlier search began and did not finish."""
    interrupted = [trial.trial_id for trial in oracle.ongoing_trials.values()]
    oracle.ongoing_trials = {}
    oracle._retry_queue += [name for name in interrupted if oracle.trials[name].status not in ENDED]


def _settle(oracle: Any, late: list[Trial]) -> None:
    """What was running runs again, unless it ended after all."""
    interrupt(oracle)
    for trial in late:
        oracle.trials[trial.trial_id] = trial
    for name, trial in oracle.trials.items():
        if trial.status in ENDED and name not in oracle.end_order and name not in oracle._retry_queue:
            oracle._catch_up(trial)


def _proposed(trial_id: str, values: Mapping[str, Any], state: Mapping[str, Any]) -> Trial:
    """A trial of which nothing but its values was kept."""
    hyperparameters = HyperParameters.from_config(state["hyperparameters"])
    hyperparameters.values = dict(values)
    return Trial(hyperparameters, trial_id)


def _cannot(folder: str, why: str) -> RuntimeError:
    return RuntimeError(
        f"Error reloading the project at {folder}: {why}. To begin a new one, change project_name or pass "
        "`overwrite=True`."
    )
