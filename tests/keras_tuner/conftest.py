"""The contract of the drop-in. ``MODELWRIGHT_KT=keras_tuner`` runs the same files against KerasTuner itself."""

from __future__ import annotations

import importlib
import os
import sys

import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")
MODULE = os.environ.get("MODELWRIGHT_KT", "modelwright.keras_tuner")
OURS = MODULE != "keras_tuner"

_OWN = ("continuing", "improvements", "interrupts", "mistakes", "paths", "projects", "scripts", "workers")
collect_ignore = [] if OURS else [f"test_{name}.py" for name in _OWN]


@pytest.fixture(scope="session")
def kt():
    """The module under test."""
    return importlib.import_module(MODULE)


@pytest.fixture(scope="session")
def sub(kt):
    """Its submodules, by the names KerasTuner gives them."""
    return lambda name: importlib.import_module(f"{MODULE}.{name}")


@pytest.fixture(autouse=True)
def quiet_environment(monkeypatch, tmp_path):
    for name in ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def make_tuner(kt, sub, tmp_path):
    """A tuner that runs a plain function of a trial's hyperparameters."""

    def make(function, oracle=None, *, kind=None, project="p", overwrite=False, **oracle_arguments):
        class Plain(kind or sub("engine.base_tuner").BaseTuner):
            def run_trial(self, trial, *args, **kwargs):
                return function(trial.hyperparameters)

        if oracle is None:
            oracle_arguments.setdefault("max_trials", 5)
            oracle_arguments.setdefault("seed", 3)
            oracle = kt.oracles.RandomSearchOracle(**oracle_arguments)
        return Plain(oracle=oracle, directory=str(tmp_path), project_name=project, overwrite=overwrite)

    return make


@pytest.fixture(scope="session")
def tiny():
    """Thirty-two rows that a small network can learn."""
    import numpy as np

    rng = np.random.default_rng(0)
    x = rng.normal(size=(32, 4)).astype("float32")
    return x, (x.sum(axis=1) > 0).astype("float32")


@pytest.fixture(scope="session")
def build():
    """A function that builds a small classifier with two hyperparameters."""
    import keras

    def build_model(hp):
        model = keras.Sequential(
            [
                keras.layers.Input((4,)),
                keras.layers.Dense(hp.Choice("units", [2, 3]), activation="relu"),
                keras.layers.Dense(1, activation="sigmoid"),
            ]
        )
        optimizer = keras.optimizers.Adam(hp.Float("rate", 1e-3, 1e-1, sampling="log"))
        model.compile(optimizer, "binary_crossentropy", metrics=["acc"])
        return model

    return build_model


assert sys.version_info >= (3, 11)
