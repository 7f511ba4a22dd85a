"""Searches that hardly have the time: what they return, what they say, and what a finish may not spoil."""

import numpy as np
import pytest

import modelwright as mw
from modelwright import nas
from modelwright.core import records as r
from modelwright.nas import weights
from modelwright.nas.phases import FINISH, clocked, shares
from modelwright.nas.train import Trainer

keras = pytest.importorskip("keras")


def points(rows=300):
    x = np.random.default_rng(0).normal(size=(rows, 4))
    return x, (x[:, 0] * x[:, 1] > 0).astype(int)


def small(hp, x):
    return x.dense(hp.Choice("units", [8, 16, 32])).relu().dense(2)


def searched(**options):
    options = {"store": ":memory:", "verbose": 0, "epochs": 2, **options}
    return mw.nas.search(nas.Architecture(small, (4,)), *points(), **options)


def test_less_time_than_one_training_takes_gives_the_default_and_says_so():
    with pytest.warns(UserWarning, match="one network alone"):
        study = mw.nas.search(nas.Architecture(small, (4,)), *points(), seconds=0.01, store=":memory:", verbose=0)
    assert study.best.number == 0 and study.best.config == {"units": 8}
    assert study.best_model().predict(points()[0][:3], verbose=0).shape == (3, 2)


@pytest.mark.parametrize("seconds", [0.01, 8.0])
def test_without_a_plan_too_and_it_goes_on_from_there(seconds):
    with pytest.warns(UserWarning, match=r"one network alone.* % of its training: nothing was searched\. Give"):
        study = searched(plan=None, strategy="random", epochs=100_000, seconds=seconds)
    (row,) = study._machine.history.rows
    assert row.state == "paused" and 0 < row.fidelity < 1 and set(row.artifacts) == {"checkpoint", "model"}
    assert study.stopped == "the seconds are used up" and study._machine.put_aside() == [0]
    assert study.best.number == 0 and study.best_model().predict(points()[0][:3], verbose=0).shape == (3, 2)


def test_training_ends_at_most_after_so_many_seconds_with_one_step_at_least():
    study = searched(trials=1)
    job = study._settings.estimation.job
    graph = job.space.graph({"units": 8})
    rates = []

    def fit(at_most):
        trainer = Trainer(nas.build(graph), job.data)
        before, train = weights.read(trainer.model), trainer.steps.train
        rates.clear()
        trainer.steps.train = lambda x, y, w, rate: (rates.append(rate), train(x, y, w, rate))[1]
        found = trainer.fit(50, 0, lambda done, loss: True, at_most=at_most)
        trainer.steps.settle()
        after = weights.read(trainer.model)
        return found, any(np.any(before[a][b] != after[a][b]) for a in before for b in before[a])

    assert fit(None)[0].share == 1.0
    found, changed = fit(0.0)
    assert 0 < found.share < 0.1 and changed and len(rates) == 1


@pytest.fixture
def spoiled(monkeypatch):
    """Training that goes on from a winner's weights ends with none that are worth anything."""
    fit, full = Trainer.fit, []

    def spoil(self, epochs, seed, on_epoch, **options):
        found = fit(self, epochs, seed, on_epoch, **options)
        full.extend([epochs] if options.get("going_on") and epochs == 7 else [])
        if len(full) == 2:  # after the confirmation, which has as many epochs
            self.steps.settle()
            empty = {layer: {n: v * 0 for n, v in held.items()} for layer, held in weights.read(self.model).items()}
            weights.write(self.model, empty)
        return found

    monkeypatch.setattr(Trainer, "fit", spoil)
    monkeypatch.setattr(Trainer, "watch", lambda self: {"val_accuracy": 0.0})  # nor were they on the way


def test_a_finish_that_makes_the_winner_worse_is_undone_and_it_is_said(spoiled):
    with pytest.warns(UserWarning, match="the finish of trial 0 brought nothing.* as it was before"):
        study = searched(trials=1, epochs=7)
    row = study.best._row
    told = row.facts["finish"]
    assert row.fidelity == 1.0 and told["kept"] == "before" and told["after"] < told["before"]
    assert study.best.value == told["before"]
    assert "the weights before it were kept" in study.explain()
    x, y = study._settings.estimation.job.data.x[0], study._settings.estimation.job.data.y
    kept = study._settings.estimation.job.data.kept
    right = (study.best_model().predict(x[kept], verbose=0).argmax(axis=1) == y[kept]).mean()
    assert right == pytest.approx(told["before"])


def test_a_finish_that_helps_is_kept():
    told = searched(trials=1, epochs=30).best._row.facts["finish"]
    assert told["kept"] == "after" and told["after"] >= told["before"]


def test_a_finish_that_is_cut_leaves_what_was_confirmed(tmp_path):
    store = str(tmp_path / "s.db")
    study = searched(trials=1, store=store, name="s")
    row = study._machine.history.rows[0]
    confirmed, model = row.segments[0.3], row.artifacts["model"]
    # The events of a search whose process died in the finish.
    events = [e for e in study._journal.machine.history if not isinstance(e, r.Noted) or e.kind != "session"]
    last = max(i for i, e in enumerate(events) if isinstance(e, r.Started))
    again = mw.Study(lambda hp: hp.Choice("units", [8, 16, 32]), objective=mw.Maximize("val_accuracy"), name="t",
                     store=store)  # fmt: skip
    again._journal.begin()
    again._journal.write([e for e in events[: last + 1] if not isinstance(e, r.Grew)])
    assert again._machine.history.rows[0].state == "running"
    assert again.best.value == confirmed[0] and again._machine.history.best().artifacts["model"] != model


def test_the_time_of_a_trial_is_that_of_the_phases_it_went_through():
    study = searched(trials=3)
    history = study._machine.history
    found = shares(history)
    assert list(found) == ["anchor", "race", "confirm", "finish"]
    assert found["anchor"]["trials"] == found["finish"]["trials"] == 1
    whole = sum(row.duration for row in history.rows)
    assert sum(entry["seconds"] for entry in found.values()) == pytest.approx(whole)
    assert found["finish"]["seconds"] < next(row for row in history.rows if row.fidelity == 1.0).duration
    assert any(note.kind == FINISH for note in history.notes)
    clock = clocked(history)
    assert sum(clock.values()) == pytest.approx(history.elapsed) and {"prepare", "between"} < set(clock)
    assert all(clock[phase] == pytest.approx(entry["seconds"], abs=2) for phase, entry in found.items())
    text = study.explain()
    assert "  prepare: everything before the first network, " in text and "  between: what lies" in text
