"""In a real Jupyter kernel: what cells define goes to workers, studies show themselves, an interrupt loses nothing."""

from __future__ import annotations

import os
import sys
import time

import pytest

import modelwright as mw

pytest.importorskip("keras", reason="keras is not installed")
nbformat = pytest.importorskip("nbformat", reason="nbclient and ipykernel are not installed")
nbclient = pytest.importorskip("nbclient", reason="nbclient and ipykernel are not installed")
pytest.importorskip("ipykernel", reason="nbclient and ipykernel are not installed")
manager_module = pytest.importorskip("jupyter_client.manager")

BUILD = """
import numpy as np, keras
import modelwright as mw
rng = np.random.default_rng(0)
x = rng.normal(size=(120, 4)).astype("float32")
y = (x[:, 0] > 0).astype("int32")

class Scale(keras.layers.Layer):
    def call(self, inputs):
        return inputs * factor

factor = 2.0

def build(hp):
    model = keras.Sequential([keras.layers.Input((4,)), Scale(), keras.layers.Dense(hp.Int("units", 2, 8), "relu"),
                              keras.layers.Dense(2, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
"""
SEARCH = """
study = mw.tune(build, x, y, objective="val_accuracy", validation_split=0.25, epochs=2, trials=3, workers=2,
                strategy="random", store=":memory:", verbose=0)
assert [t.state for t in study.trials] == ["complete"] * 3, study.trials
assert study.best_model().predict(x, verbose=0).shape == (120, 2)
study
"""
DROP_IN = """
import modelwright.keras_tuner as kt
tuner = kt.RandomSearch(build, "val_accuracy", max_trials=2, directory="runs", project_name="p")
tuner.search(x, y, validation_split=0.25, epochs=1, verbose=0, workers=2)
assert len(tuner.oracle.get_best_trials(2)) == 2
"""
LONG = """
class Slow(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        import time
        time.sleep(0.2)

study = mw.tune(build, x, y, objective="val_accuracy", validation_split=0.25, epochs=2, trials=500, callbacks=[Slow()],
                strategy="random", store="s.db", name="s", verbose=0)
"""
AFTER = """
assert 1 <= len(study.trials) < 500 and "interrupted" in study.stopped.lower(), (len(study.trials), study.stopped)
assert all(t.state == "complete" for t in study.trials)
assert len(mw.load_study("s", "s.db").trials) == len(study.trials)
"""


def test_cells_define_what_workers_run_and_a_study_shows_itself(tmp_path):
    cells = [nbformat.v4.new_code_cell(code) for code in (BUILD, SEARCH, DROP_IN)]
    book = nbformat.v4.new_notebook(cells=cells)
    client = nbclient.NotebookClient(book, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    shown = [out["data"] for out in book.cells[1].outputs if out["output_type"] == "execute_result"]
    assert len(shown) == 1 and "<table" in shown[0]["text/html"] and "Study(" in shown[0]["text/plain"]


def _finished(store):
    """Whether a trial of the search is over."""
    if not store.exists():
        return False
    try:
        return any(trial.state == "complete" for trial in mw.load_study("s", store).trials)
    except mw.ModelwrightError:
        return False


def test_one_interrupt_ends_the_search_and_keeps_what_was_found(tmp_path):
    manager = manager_module.KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(tmp_path), env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        assert client.execute_interactive(BUILD, timeout=120)["content"]["status"] == "ok"
        running = client.execute(LONG)
        while not _finished(tmp_path / "s.db"):
            time.sleep(0.2)
        manager.interrupt_kernel()
        reply = client.get_shell_msg(timeout=120)
        while reply["parent_header"].get("msg_id") != running:
            reply = client.get_shell_msg(timeout=120)
        assert reply["content"]["status"] == "ok", reply["content"].get("traceback")
        after = client.execute_interactive(AFTER, timeout=120)["content"]
        assert after["status"] == "ok", after.get("evalue")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
