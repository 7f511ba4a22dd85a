"""Scripts written for KerasTuner, run as they are."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import sys
import keras_tuner as kt
from keras_tuner.engine.hypermodel import HyperModel
from keras_tuner.src.engine.metrics_tracking import MetricsTracker
import kerastuner
import neighbour


class Tuner(kt.RandomSearch):
    def run_trial(self, trial, *args, **kwargs):
        import keras_tuner.engine.trial as trial_module
        assert type(trial) is trial_module.Trial
        return neighbour.score(trial.hyperparameters.Float("x", 0, 1))


if __name__ == "__main__":
    assert kerastuner.HyperModel is HyperModel is kt.HyperModel
    tuner = Tuner(max_trials=2, seed=0, directory=sys.argv[1])
    tuner.search(verbose=0, workers=int(sys.argv[2]))
    print(kt.__version__, __file__, len(tuner.oracle.trials), tuner.oracle.get_best_trials()[0].status)
"""


def run(tmp_path, *arguments):
    command = [sys.executable, "-m", "modelwright.keras_tuner", *arguments]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)


@pytest.fixture
def script(tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "script.py").write_text(SCRIPT)
    (tmp_path / "code" / "neighbour.py").write_text("def score(x):\n    return x\n")
    return "code/script.py"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_script_finds_the_drop_in_under_kerastuners_names(script, tmp_path, workers):
    done = run(tmp_path, script, "out", workers)
    assert (done.returncode, done.stdout) == (0, f"1.4.8 {script} 2 COMPLETED\n"), done.stderr
    assert (tmp_path / "out" / "untitled_project" / "oracle.json").exists()


def test_a_module_can_be_run_too(script, tmp_path):
    command = [sys.executable, "-m", "modelwright.keras_tuner", "-m", "script", "out", "1"]
    done = subprocess.run(command, cwd=tmp_path / "code", capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "2 COMPLETED" in done.stdout


@pytest.mark.parametrize(("arguments", "message"), [([], "usage"), (["none.py"], "cannot read"), (["-x"], "usage")])
def test_what_cannot_be_run_is_said(tmp_path, arguments, message):
    done = run(tmp_path, *arguments)
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr


def test_a_script_ends_as_it_would_alone(tmp_path):
    (tmp_path / "fails.py").write_text("import keras_tuner\nraise SystemExit(7)\n")
    assert run(tmp_path, "fails.py").returncode == 7
