"""Keras on TensorFlow and torch: the same searches, and the data that these packages bring. See ``backend_study``."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("keras", reason="keras is not installed")
import backend_study

#: On JAX only what the other packages bring is looked at; everything else has tests of its own.
CASES = [("jax", check) for check in ("tensorflow_datasets", "torch_loaders")]
CASES += [(backend, check.__name__) for backend in ("tensorflow", "torch") for check in backend_study.CHECKS]
SCRIPT = Path(backend_study.__file__)


@functools.cache
def outcomes(backend):
    """What each check said in a process of this backend."""
    names = [name for other, name in CASES if other == backend]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *names],
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(("backend", "check"), CASES, ids="-".join)
def test_on(backend, check):
    packages = {"jax": ("jax", check.split("_")[0]), "tensorflow": ("tensorflow",), "torch": ("torch",)}[backend]
    for package in packages:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    said = outcomes(backend)[check]
    if said.startswith("skip: "):
        pytest.skip(said.removeprefix("skip: "))
    assert not said, said
