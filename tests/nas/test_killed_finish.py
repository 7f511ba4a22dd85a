"""A search for a network whose process is killed in the finish is, once it is gone on with, what it would have been."""

import subprocess
import sys

import numpy as np
import pytest

import modelwright as mw
from modelwright.nas.phases import FINISH

keras = pytest.importorskip("keras")

SEARCH = """
import numpy as np
import modelwright as mw
from modelwright import nas

def small(hp, x):
    return x.dense(hp.Choice("units", [8, 16, 32])).batch_norm().relu().dense(2)

def searched(store):
    x = np.random.default_rng(0).normal(size=(300, 4))
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    space = nas.Architecture(small, (4,))
    return mw.nas.search(space, x, y, trials=2, epochs=4, verbose=0, name="s", store=store)
"""
KILLED = """
import os, signal, sys
from modelwright.nas.estimate import ArchitectureEstimation

estimate = ArchitectureEstimation.estimate

class Deadly:
    def __init__(self, inner):
        self.inner = inner

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def report(self, step, metrics, fidelity):
        self.inner.report(step, metrics, fidelity)
        os.kill(os.getpid(), signal.SIGKILL)

def deadly(self, task, reporter):
    return estimate(self, task, Deadly(reporter) if task.note["phase"] == "finish" else reporter)

ArchitectureEstimation.estimate = deadly
searched(sys.argv[1])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_search_that_is_killed_in_its_finish_goes_on_to_the_same_end(tmp_path):
    store, known = str(tmp_path / "s.db"), {}
    ran = subprocess.run([sys.executable, "-c", SEARCH + KILLED, store], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == -9, ran.stderr
    left = mw.load_study("s", store=store)
    history = left._machine.history
    assert [note.kind for note in history.notes].count(FINISH) == 1
    confirmed = history.best()
    assert confirmed.state == "running" and confirmed.reports[-1][0] > 300 and list(confirmed.segments)[-1] == 0.3
    assert left.best.value == confirmed.segments[0.3][0] and left.best_model() is not None
    assert sum(0.3 in row.segments for row in history.rows) == 2 and left.ensemble(2) is not None

    exec(SEARCH, known)
    whole, again = known["searched"](":memory:"), known["searched"](store)
    assert [trial.config for trial in again.trials] == [trial.config for trial in whole.trials]
    assert (again.best.number, again.best.fidelity, again.best.value) == (whole.best.number, 1.0, whole.best.value)
    assert again.best._row.facts["finish"]["before"] == confirmed.segments[0.3][0]
    assert list(again.best._row.segments) == list(whole.best._row.segments)
    x = np.random.default_rng(1).normal(size=(50, 4))
    found = [study.best_model().predict(x, verbose=0) for study in (again, whole)]
    assert np.array_equal(*found)
