"""What is said of a search that was cut off, and of one that only seems so: its plan was carried out."""

import signal

import numpy as np
import pytest

import modelwright as mw
from modelwright import nas
from modelwright.api import finishing
from modelwright.cli.main import main
from modelwright.nas.estimate import ArchitectureEstimation

keras = pytest.importorskip("keras")


def small(hp, x):
    return x.dense(hp.Choice("units", [8, 16, 32, 64])).relu().dense(2)


def searched(store, **options):
    x = np.random.default_rng(0).normal(size=(120, 4))
    options = {"trials": 1, "epochs": 1, "verbose": 0, "name": "s", "store": store, **options}
    return mw.nas.search(nas.Architecture(small, (4,)), x, (x[:, 0] > 0).astype(int), **options)


@pytest.fixture
def store(tmp_path):
    return str(tmp_path / "s.db")


def test_a_search_that_was_cut_off_says_so_until_it_is_gone_on_with(store, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as here:
        here.setattr(finishing, "finish", killed)
        with pytest.raises(KeyboardInterrupt):
            searched(store)
    said = mw.load_study("s", store=store).explain()
    assert "The search was cut off before its finish; the same call with name='s' goes on" in said
    assert "nothing better was found so far" in said
    with monkeypatch.context() as here:
        here.setattr(ArchitectureEstimation, "estimate", killed)
        with pytest.raises(KeyboardInterrupt):
            searched(store)
    assert "The search was cut off in its finish" in mw.load_study("s", store=store).explain()
    whole = searched(store)
    for study in (whole, mw.load_study("s", store=store)):
        said = study.explain()
        assert "cut off" not in said and "nothing better was found." in said


def interrupt_the_finish(monkeypatch):
    estimate = ArchitectureEstimation.estimate

    def interrupted(self, task, reporter):
        if task.note["phase"] == "finish":
            signal.raise_signal(signal.SIGINT)
        return estimate(self, task, reporter)

    monkeypatch.setattr(ArchitectureEstimation, "estimate", interrupted)


def test_a_finish_that_outlasts_ctrl_c_has_carried_out_the_plan(store, monkeypatch, capsys):
    interrupt_the_finish(monkeypatch)
    study = searched(store, verbose=1)
    said = capsys.readouterr().err
    assert study.stopped == "the plan is carried out" and study.best.fidelity == 1.0
    assert "The plan is carried out." in said and "goes on" not in said.rpartition("Next:")[2]
    assert "The plan is carried out" in str(study.explain()) or "the plan is carried out" in study.explain()


def test_a_plan_that_was_carried_out_says_so_by_name(store, capsys):
    searched(store)
    with pytest.warns(UserWarning, match="was carried out before"):
        again = searched(store, trials=12, verbose=1)
    said = capsys.readouterr().err
    assert again.stopped == "the plan is carried out" and "of 12 trials" not in said and "1 of 1 trial" in said


def test_the_command_writes_the_best_so_far_where_it_is_interrupted(store, tmp_path, monkeypatch, capsys):
    estimate = ArchitectureEstimation.estimate

    def interrupted(self, task, reporter):
        if task.number == 1:
            signal.raise_signal(signal.SIGINT)
        return estimate(self, task, reporter)

    monkeypatch.setattr(ArchitectureEstimation, "estimate", interrupted)
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).normal(size=(120, 4))
    np.savez("d.npz", x=x, y=(x[:, 0] > 0).astype(int))
    call = f"nas --data d.npz --trials 4 --epochs 1 --no-plan --strategy random --name s --store {store}"
    assert main([*call.split(), "--save", "m.keras"]) == 130
    told = capsys.readouterr()
    assert "trials: 2" in told.out and "The model is in m.keras" in told.err and "--name s" in told.err
    assert keras.saving.load_model("m.keras").output_shape == (None, 2)


def test_the_command_has_a_reason_behind_stopped(store, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).normal(size=(120, 4))
    np.savez("d.npz", x=x, y=(x[:, 0] > 0).astype(int))
    call = ["nas", "--data", "d.npz", "--trials", "1", "--epochs", "1", "--name", "s", "--store", store, "--quiet"]
    assert main(call) == 0 and main(call) == 0
    assert "stopped: the plan is carried out" in capsys.readouterr().out.rpartition("study: s")[2]
