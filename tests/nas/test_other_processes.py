"""What a search for a network sends to other processes: operations of one's own and no stem; what cannot be sent."""

import os

import numpy as np
import pytest

import modelwright as mw
from modelwright import nas
from modelwright.api import finishing
from modelwright.core.errors import SpaceError
from modelwright.execute import threads
from modelwright.execute.processes import ProcessExecutor
from modelwright.execute.transfer import pack, unpack
from modelwright.nas.operations import _REGISTERED

keras = pytest.importorskip("keras")


@pytest.fixture
def elsewhere(monkeypatch):
    """Finishes train in a process of their own, as those of long searches do."""
    monkeypatch.setattr(finishing, "_executor", lambda seconds: ProcessExecutor(1))


def operation(name):
    layer = lambda shapes, attributes, name: keras.layers.LayerNormalization(name=name)  # noqa: E731
    return nas.Operation(name=name, shape=lambda shapes, attributes: shapes[0], layer=layer, channels="kept")


def space():
    def define(hp, x):
        return x.dense(hp.Choice("units", [4, 8])).apply("mine").relu().dense(2)

    return nas.Architecture(define, (3,))


def searched(space, **options):
    x = np.random.default_rng(0).normal(size=(60, 3))
    options = {"trials": 1, "epochs": 1, "store": ":memory:", "verbose": 0, **options}
    return mw.nas.search(space, x, x[:, 0] > 0, **options)


# --- operations ------------------------------------------------------------------------------------


def test_a_space_brings_the_operations_of_its_own_along(registered, tmp_path):
    registered(operation("mine"))
    sent = pack(space(), tmp_path)
    del _REGISTERED["mine"]  # as in a process of its own
    found = unpack(sent)
    assert [node.op for node in found.graph({"units": 4}).nodes][2] == "mine"
    registered(operation("mine"))  # by the user's own code, which that process may import later
    with pytest.raises(SpaceError, match="an operation named 'mine' already"):
        registered(operation("mine"))


def test_workers_know_an_operation_of_ones_own(registered):
    registered(operation("mine"))
    study = searched(space(), plan=None, strategy="random", executor="processes")
    assert [trial.state for trial in study.trials] == ["complete"]
    assert "LayerNormalization" in {type(layer).__name__ for layer in study.best_model().layers}


def test_the_finish_knows_an_operation_of_ones_own(registered, elsewhere):
    registered(operation("mine"))
    best = searched(space()).best
    assert best.fidelity == 1.0 and "failed" not in best._row.facts["finish"]


# --- the stem --------------------------------------------------------------------------------------


class Twice(keras.layers.Layer):
    """Known to nobody but this process."""

    def call(self, x):
        return 2 * x


def dense(features):
    return nas.Architecture(lambda hp, x: x.dense(hp.Int("units", 4, 16)).relu().dense(2), (features,))


@pytest.mark.parametrize(
    "options", [{"plan": None, "strategy": "random", "trials": 2, "workers": 2}, {}], ids=["workers", "finish"]
)
def test_a_stem_of_a_class_of_ones_own_stays_in_this_process(options, elsewhere):
    stem = keras.Sequential([keras.Input((3,)), Twice(), keras.layers.Dense(2)])
    study = searched(dense(2), stem=stem, **options)
    assert study.best.fidelity == 1.0 and "failed" not in study.best._row.facts.get("finish", {})
    model = study.best_model()
    assert model.input_shape == (None, 3) and any(isinstance(part, Twice) for part in model.layers[1].layers)


# --- what cannot be loaded there -------------------------------------------------------------------


class Here:
    """Fields of a recipe, in this process alone."""

    def __call__(self, hp):
        return {}

    def __reduce__(self):
        return made_in, (os.getpid(),)


def made_in(process):
    if os.getpid() != process:
        raise ValueError("the licence is for one process")
    return Here()


def test_a_finish_that_no_other_process_can_load_is_trained_in_this_one(elsewhere):
    with pytest.warns(UserWarning, match="the finish trains in this process, .* the licence is for one process"):
        study = searched(dense(3), training=Here())
    assert study.best.fidelity == 1.0 and "failed" not in study.best._row.facts["finish"]
    assert study.trials[0].state == "complete"


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="only JAX wins cores by a process")
def test_a_finish_on_a_gpu_stays_in_the_process_that_may_hold_its_memory(monkeypatch):
    import jax

    monkeypatch.setattr(threads, "available_cores", lambda: (0, 1))
    found = [finishing._executor(seconds) is None for seconds in (None, 10.0, 100.0)]
    assert found == [True, True, jax.default_backend() != "cpu"]
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert finishing._executor(100.0) is None
