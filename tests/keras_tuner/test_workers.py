"""``search(..., workers=2)``: what runs where, and that the results are the same."""

from __future__ import annotations

import os

import numpy as np
import pytest

from modelwright.core.errors import ArgumentError
from modelwright.keras_tuner.errors import FatalValueError


@pytest.fixture
def watched(kt):
    """A tuner whose hooks note in which process they ran."""

    class Watched(kt.RandomSearch):
        def __init__(self, function, **kwargs):
            self.function, self.here = function, []
            super().__init__(**kwargs)

        def run_trial(self, trial, *args, **kwargs):
            self.here.append(("run_trial", os.getpid()))
            value = self.function(trial, *args)
            return {"loss": value, "pid": os.getpid()}

        def on_trial_begin(self, trial):
            self.here.append(("on_trial_begin", os.getpid()))

        def on_trial_end(self, trial):
            self.here.append(("on_trial_end", os.getpid()))
            super().on_trial_end(trial)

    return Watched


def test_trials_run_elsewhere_and_the_oracle_here(watched, tmp_path):
    def function(trial, x):
        return trial.hyperparameters.Float("x", 0, 1) + float(x.sum()) * 0

    tuner = watched(function, objective="loss", max_trials=4, seed=1, directory=tmp_path)
    tuner.search(np.zeros(100_000), workers=2, verbose=0)
    trials = list(tuner.oracle.trials.values())
    assert [t.status for t in trials] == ["COMPLETED"] * 4
    pids = {t.metrics.get_best_value("pid") for t in trials}
    assert os.getpid() not in pids and 1 <= len(pids) <= 2
    assert {name for name, _ in tuner.here} == {"on_trial_begin", "on_trial_end"}
    assert {pid for _, pid in tuner.here} == {os.getpid()}
    assert all(t.score == t.hyperparameters["x"] for t in trials[1:])
    assert len({t.hyperparameters["x"] for t in trials}) >= 3


def test_trials_that_fail_there_fail_here(watched, tmp_path):
    def function(trial):
        if trial.trial_id == "1":
            raise ValueError("wrong over there")
        if trial.trial_id == "2":
            os.kill(os.getpid(), 9)
        return trial.hyperparameters.Float("x", 0, 1)

    tuner = watched(function, objective="loss", max_trials=4, seed=1, directory=tmp_path)
    tuner.search(workers=2, verbose=0)
    assert [t.status for t in tuner.oracle.trials.values()] == ["COMPLETED", "FAILED", "FAILED", "COMPLETED"]
    assert "ValueError: wrong over there" in tuner.oracle.trials["1"].message
    assert "SIGKILL" in tuner.oracle.trials["2"].message  # whether memory was the reason, the system's counters say


def test_a_fatal_error_there_ends_the_search_here(watched, tmp_path):
    def function(trial):
        raise FatalValueError("stop everything")

    tuner = watched(function, objective="loss", max_trials=4, directory=tmp_path)
    with pytest.raises(FatalValueError, match="stop everything"):
        tuner.search(workers=2, verbose=0)


def test_workers_must_be_a_number(watched, tmp_path):
    tuner = watched(lambda trial: 1.0, objective="loss", directory=tmp_path)
    with pytest.raises(ArgumentError, match="workers"):
        tuner.search(workers=0)


@pytest.mark.slow
def test_hyperband_trains_keras_models_in_two_processes(kt, build, tiny, tmp_path):
    tuner = kt.Hyperband(build, objective="val_loss", max_epochs=4, factor=2, seed=1, directory=tmp_path)
    tuner.search(*tiny, validation_split=0.25, verbose=0, workers=2)
    trials = tuner.oracle.trials
    assert len(trials) == 15 and {t.status for t in trials.values()} == {"COMPLETED"}
    promoted = [t for t in trials.values() if "tuner/trial_id" in t.hyperparameters.values]
    assert len(promoted) == 5
    best = tuner.oracle.get_best_trials()[0]
    x, y = tiny
    assert tuner.get_best_models()[0].evaluate(x[24:], y[24:], verbose=0)[0] == pytest.approx(best.score, rel=1e-3)


@pytest.mark.parametrize("verbose", [{}, {"verbose": 1}, {"verbose": "auto"}])
def test_epochs_there_are_one_line_each_and_no_bars(kt, build, tiny, tmp_path, capfd, verbose):
    tuner = kt.RandomSearch(build, objective="val_loss", max_trials=2, seed=0, directory=tmp_path, project_name="p")
    tuner.search(*tiny, validation_split=0.25, epochs=2, workers=2, **verbose)
    printed = capfd.readouterr().out
    assert "━" not in printed and "\r" not in printed and "\b" not in printed
    lines = sorted(line for line in printed.splitlines() if ", epoch " in line)
    assert [line.split(" - ")[0] for line in lines] == [f"Trial {n}, epoch {e}/2" for n in (1, 2) for e in (1, 2)]
    assert all(" - val_loss: " in line for line in lines)


def test_epochs_there_are_not_told_where_nobody_listens(kt, build, tiny, tmp_path, capfd):
    tuner = kt.RandomSearch(build, objective="val_loss", max_trials=2, seed=0, directory=tmp_path, project_name="p")
    tuner.search(*tiny, validation_split=0.25, workers=2, verbose=0)
    assert "epoch" not in capfd.readouterr().out


def test_failures_there_are_told_here(watched, tmp_path, capfd):
    def function(trial):
        raise ValueError("wrong over there")

    tuner = watched(function, objective="loss", max_trials=1, directory=tmp_path)
    with pytest.warns(UserWarning, match="no trial completed: 1 trial failed, .*ValueError: wrong over there"):
        tuner.search(workers=2)
    assert capfd.readouterr().err.count("ValueError: wrong over there") == 1
