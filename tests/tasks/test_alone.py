"""LightGBM is used from several threads of a process, as by data checks beside a fit: the process lives."""

import subprocess
import sys

import pytest

pytest.importorskip("lightgbm")

#: Sparse columns are what LightGBM fills from several threads.
_USED_BESIDE = """
import threading, time
import numpy as np
from modelwright.tasks.features.matrix import Matrix
from modelwright.tasks.learners import learner

rng = np.random.default_rng(0)
values = ((rng.random((3000, 30)) < 0.03) * rng.normal(size=(3000, 30))).astype(np.float32)
names = tuple(f"x{k}" for k in range(30))
matrix = Matrix(values=values, names=names, sources=tuple((n,) for n in names), categorical=())
y = (values[:, 0] > 0) * 1
lightgbm, end = learner("lightgbm"), time.monotonic() + 6
model = lightgbm.fit(matrix, y, "binary", config={}, rounds=20)

def fits():
    while time.monotonic() < end:
        lightgbm.fit(matrix, y, "binary", config={}, rounds=2, threads=1)

def predicts():
    while time.monotonic() < end:
        model.predict(matrix, threads=2)

both = [threading.Thread(target=work) for work in (fits, predicts)]
[one.start() for one in both], [one.join() for one in both]
"""


def test_fitting_beside_predicting_does_not_end_the_process():
    done = subprocess.run([sys.executable, "-c", _USED_BESIDE], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
