"""3 + 7 epochs are 10 epochs: in the same process, in fresh ones, and through the fast loop or Keras' own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("jax")
from modelwright.training.keras import keras

if keras.backend.backend() != "jax":
    pytest.skip("bit-equality is promised for JAX", allow_module_level=True)

sys.path.insert(0, str(Path(__file__).parent))
import resume_trial

CASES = ["decay", "plateau", "scheduler"]


def whole(kind, folder, accelerate=True):
    folder.mkdir()
    trial = resume_trial.session(kind, folder, accelerate)
    segment = resume_trial.train(trial, folder, [(0, 10)])
    assert trial.exact_resume and segment.epochs > 5
    return resume_trial.everything(trial), segment.epochs


def assert_same(left, right):
    assert str(left["text"]) == str(right["text"])
    assert set(left) == set(right)
    for name in left:
        if name != "text":
            np.testing.assert_array_equal(left[name], right[name], err_msg=name)


@pytest.mark.parametrize("kind", CASES)
def test_in_the_same_session(kind, tmp_path):
    expected, epochs = whole(kind, tmp_path / "whole")
    (tmp_path / "parts").mkdir()
    trial = resume_trial.session(kind, tmp_path / "parts")
    for first, last in ((0, 3), (3, 4), (4, 10)):
        trial.train(first, last, lambda epoch, logs: "go")
    assert_same(resume_trial.everything(trial), expected)
    if kind == "plateau":
        logs = [(tmp_path / part / "log.csv").read_text() for part in ("whole", "parts")]
        assert logs[0] == logs[1] and len(logs[0].splitlines()) == epochs + 1


@pytest.mark.parametrize("kind", CASES)
def test_after_a_pause_by_decision_through_a_file(kind, tmp_path):
    expected, epochs = whole(kind, tmp_path / "whole", accelerate=False)
    (tmp_path / "parts").mkdir()
    trial = resume_trial.session(kind, tmp_path / "parts")
    paused = trial.train(0, 10, lambda epoch, logs: "pause" if epoch == 3 else "go")
    assert (paused.state, paused.epochs) == ("paused", 3)
    made = trial.save(tmp_path / "pause.ckpt")
    other = resume_trial.session(kind, tmp_path / "parts")
    other.restore(tmp_path / "pause.ckpt", sha256=made.sha256)
    assert other.epochs == 3 and other.train(3, 10, lambda epoch, logs: "go").epochs == epochs
    assert_same(resume_trial.everything(other), expected)


@pytest.mark.slow
@pytest.mark.parametrize("kind", CASES)
def test_in_fresh_processes(kind, tmp_path):
    expected, _ = whole(kind, tmp_path / "whole")
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    (tmp_path / "parts").mkdir()
    for span in ("0-3", "3-10"):
        files = [str(tmp_path / "parts"), str(tmp_path / "out.npz")]
        command = [sys.executable, resume_trial.__file__, kind, *files, span]
        subprocess.run(command, check=True, env=environment, capture_output=True, timeout=300)
    with np.load(tmp_path / "out.npz") as found:
        assert_same(dict(found), expected)
