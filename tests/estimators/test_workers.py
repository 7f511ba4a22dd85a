"""Estimators in worker processes: classes of a script without a guard, on standard input, rows by memory map."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sklearn")

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import os
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
import modelwright as mw

SHIFT = 0.5

class Nearest(ClassifierMixin, BaseEstimator):
    def __init__(self, power=1.0, random_state=None):
        self.power, self.random_state = power, random_state

    def fit(self, X, y):
        X += 0.0  # writes into its rows
        self.classes_ = np.unique(y)
        self.centres_ = np.array([X[y == c].mean(axis=0) for c in self.classes_]) + SHIFT
        self.pid_ = os.getpid()
        return self

    def predict(self, X):
        X += 0.0
        apart = (np.abs(X[:, None] - self.centres_) ** self.power).sum(axis=2)
        return self.classes_[apart.argmin(axis=1)]

def build(hp):
    return make_pipeline(StandardScaler(copy=False), Nearest(hp.Float("power", 0.5, 4.0)))

def elsewhere(estimator, X, y):
    return float(estimator[-1].pid_ != parent)

parent = os.getpid()
chance = np.random.default_rng(0)
X = chance.normal(size=(3000, 20))
y = (X[:, 0] + 0.3 * X[:, 1] > 0).astype(int)
scoring = {"accuracy": "accuracy", "elsewhere": elsewhere}
for workers in (1, 2):
    for way in ({"cv": 3}, {"validation_data": (X[:500], y[:500])}):
        study = mw.tune(build, X, y, objective="accuracy", fit={"scoring": scoring}, trials=4, strategy="random",
                        store=":memory:", verbose=0, workers=workers, **way)
        done = all(t.state == "complete" for t in study.trials)
        print(workers, done, {t.metrics["elsewhere"] for t in study.trials}, [round(t.value, 9) for t in study.trials])
print(round(study.best_model().score(X, y), 2) > 0.6)
"""


def run(arguments, folder, **given):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=300, **given
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("way", ["script", "standard input"])
def test_a_class_of_main_without_a_guard(tmp_path, way):
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    out = run(["script.py"], tmp_path) if way == "script" else run(["-"], tmp_path, input=SCRIPT)
    folds, held, folds_there, held_there, last = out.splitlines()
    assert folds.startswith("1 True {0.0}") and folds_there.startswith("2 True {1.0}")
    assert folds.split("[")[1] == folds_there.split("[")[1]  # the same search, wherever it runs
    assert held.split("[")[1] == held_there.split("[")[1]
    assert last == "True"


def test_the_pipeline_example(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "MODELWRIGHT_SMALL": "1"}
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "sklearn_pipeline.py")],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(r"^best of 6: accuracy 0\.9\d+ \+- 0\.\d+, F1 0\.9", done.stdout, re.MULTILINE)
    assert re.search(r"^TunedCV in an outer cross-validation: accuracy 0\.9", done.stdout, re.MULTILINE)
    assert not list(tmp_path.iterdir())
