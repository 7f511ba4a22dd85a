"""Hyperband with a Keras model, interrupted in the middle of a trial; then the same script again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("keras")

# A shell that starts tests in the background has them ignore Ctrl-C, and a process passes that on.
SCRIPT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
import keras, numpy as np
from modelwright import keras_tuner as kt

def build(hp):
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(4), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(hp.Float("rate", 1e-3, 1e-1, sampling="log")), "mse")
    return model

class Tuner(kt.Hyperband):
    def on_trial_begin(self, trial):
        print("begins", trial.trial_id, flush=True)

    def on_epoch_end(self, trial, model, epoch, logs=None):
        print("epoch", trial.trial_id, epoch, flush=True)
        if len(sys.argv) > 1 and trial.trial_id == sys.argv[1]:
            sys.stdin.readline()

    def on_trial_end(self, trial):
        super().on_trial_end(trial)
        print("ends", trial.trial_id, flush=True)

if __name__ == "__main__":
    x = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
    tuner = Tuner(build, objective="val_loss", max_epochs=4, factor=2, seed=7, directory=".", project_name="p")
    tuner.search(x, x.sum(1), validation_split=0.25, batch_size=8, verbose=0)
    print("done", flush=True)
"""


def start(folder, *arguments):
    (folder / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, "script.py", *arguments],
        cwd=folder,
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def to_the_end(folder):
    out, problems = start(folder).communicate(timeout=300)
    assert out.splitlines()[-1:] == ["done"], problems
    return out.splitlines()


def interrupted(folder, at, *signals):
    """Run until the first epoch of a trial has ended, then send the signals; what was printed, and the exit status."""
    process = start(folder, at)
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if lines[-1].startswith(f"epoch {at} "):
            break
    for number in signals:
        process.send_signal(number)
        time.sleep(0.1)
    out, problems = process.communicate(timeout=60)
    return lines + out.splitlines(), process.returncode, problems


def results(folder):
    """Of every trial: what it tried, how it ended and what it scored."""
    found = {}
    for path in sorted((folder / "p").glob("trial_*/trial.json")):
        told = json.loads(path.read_text())
        found[told["trial_id"]] = told["hyperparameters"]["values"], told["status"], told["score"]
    return found


def ended(lines):
    return [line.split()[1] for line in lines if line.startswith("ends")]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    lines = to_the_end(folder)
    assert ended(lines) == sorted(results(folder)) and len(results(folder)) > 8
    return results(folder)


@pytest.mark.parametrize(
    ("signals", "status"),
    [
        ((signal.SIGKILL,), -signal.SIGKILL),
        pytest.param((signal.SIGINT,), -signal.SIGINT, marks=pytest.mark.slow),
        ((signal.SIGINT, signal.SIGINT), -signal.SIGINT),
    ],
    ids=["kill", "Ctrl-C", "Ctrl-C twice"],
)
@pytest.mark.parametrize("at", ["0004"])
def test_nothing_finished_is_repeated_and_the_result_is_the_same(uninterrupted, tmp_path, at, signals, status):
    first, code, problems = interrupted(tmp_path, at, *signals)
    assert code == status, problems
    second = to_the_end(tmp_path)
    assert ended(first) + ended(second) == sorted(uninterrupted)
    assert next(line for line in second if line.startswith("begins")) == f"begins {at}"
    assert results(tmp_path) == uninterrupted
    state = json.loads((tmp_path / "p" / "oracle.json").read_text())
    assert (state["ongoing_trials"], state["retry_queue"]) == ({}, [])
    assert state["start_order"] == state["end_order"] == sorted(uninterrupted)
