"""Searches for networks that go on: with the call, with a loaded study, with what this process remembers."""

import numpy as np
import pytest

import modelwright as mw
from modelwright import nas
from modelwright.core import records as r
from modelwright.core.errors import ArgumentError, StudyError
from modelwright.nas.estimate import ArchitectureEstimation
from modelwright.nas.phases import FINISH
from modelwright.study.crew import Lead

keras = pytest.importorskip("keras")


def points(rows=300, seed=0):
    x = np.random.default_rng(seed).normal(size=(rows, 4))
    return x, (x[:, 0] * x[:, 1] > 0).astype(int)


def small(hp, x):
    return x.dense(hp.Choice("units", [8, 16, 32, 64])).relu().dense(2)


def space():
    return nas.Architecture(small, (4,))


def searched(store, **options):
    options = {"trials": 2, "epochs": 2, "verbose": 0, "name": "s", "store": store, **options}
    return mw.nas.search(space(), *points(), **options)


@pytest.fixture
def store(tmp_path):
    return str(tmp_path / "s.db")


def test_other_data_are_another_search(store):
    searched(store)
    with pytest.raises(StudyError, match=r"data was '300 rows of \(4,\), .*now '301 rows"):
        mw.nas.search(space(), *points(301), trials=3, store=store, name="s", verbose=0)


def test_another_training_is_another_search(store):
    first = {"plan": None, "strategy": "random", "trials": 1, "recipe": nas.Recipe(rate=np.float32(0.25))}
    searched(store, **first, class_weight={0: 2, 1: 1})
    said = r"recipe was rate=0.25, decay=0.1, now rate=0.5, decay=0.01; class_weight was {0: 2, 1: 1}, now none; "
    with pytest.raises(StudyError, match=f"{said}epochs was 2, now 3"):
        searched(store, **first | {"recipe": nas.Recipe(rate=0.5, decay=0.01)}, epochs=3)
    with pytest.raises(StudyError, match="class_weight was {0: 2, 1: 1}, now 'balanced'"):
        searched(store, **first, class_weight="balanced")
    assert len(mw.load_study("s", store=store).trials) == 1


def test_epochs_of_a_plan_are_compared_where_they_bound_it(store):
    searched(store, trials=1, epochs=None)
    searched(store, trials=1, epochs=None)  # the same call
    with pytest.raises(StudyError, match="epochs was none, .*, now 2"):
        searched(store, trials=1, epochs=2)


def test_a_loaded_study_goes_on_as_it_was_trained(store):
    recipe = nas.Recipe(rate=0.25, batch=16)
    searched(store, trials=1, plan=None, strategy="random", recipe=recipe, class_weight={0: 2.0, 1: 1.0})
    again = mw.load_study("s", store=store).resume(space(), *points(), trials=2, verbose=0)
    job = again._settings.estimation.job
    assert (
        len(again.trials) == 2
        and job.recipe == recipe.settled("multiclass", 300)
        and job.class_weight == {0: 2.0, 1: 1.0}
    )
    assert job.ladder.rungs[-1].epochs == 2


def test_a_loaded_study_goes_on_with_its_split_its_task_and_who_leads_the_race(store):
    x, y = points()
    y = np.where(y, 3.0, x[:, 1].round())  # whole numbers: classes, unless they are said to be none
    one = nas.Architecture(lambda hp, x: x.dense(hp.Choice("units", [8, 16, 32, 64])).relu().dense(1), (4,))
    options = {"task": "regression", "validation": 0.3, "strategy": "evolution", "epochs": 2, "trials": 1, "verbose": 0}
    first = mw.nas.search(one, x, y, name="s", store=store, **options)
    again = mw.load_study("s", store=store).resume(one, x, y, trials=1, verbose=0)
    before, now = (study._settings.estimation.job.data for study in (first, again))
    assert len(now.kept) == 90 and now.kept.tolist() == before.kept.tolist() and now.task == before.task
    assert again._machine.setup.strategy.inner.name == "evolution"


def test_another_split_or_leader_is_refused_by_its_name_and_not_as_other_data(store):
    searched(store, trials=1, validation=0.3, strategy="evolution")
    with pytest.raises(StudyError, match=r"another search: validation was 0.3, now 0.2; strategy was 'evolution', now "
                                         r"the plan's own model\. Use"):  # fmt: skip
        searched(store, trials=1, validation=0.2)
    with pytest.raises(StudyError, match=r"validation was 0.3, now '60 rows'"):
        searched(store, trials=1, validation=points(60, 1), strategy="evolution")
    assert len(searched(store, trials=1, validation=0.3, strategy="evolution").trials) == 1


def test_rows_of_ones_own_and_a_stem_are_asked_for_by_their_names(store):
    stem = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    searched(store, trials=1, validation=points(60, 1), stem=stem)
    loaded = mw.load_study("s", store=store)
    with pytest.raises(StudyError, match=r"begun with validation=\(x, y\) of 60 rows and stem=model of 20 weights"):
        loaded.resume(space(), *points(), verbose=0)
    again = loaded.resume(space(), *points(), validation=points(60, 1), stem=stem, trials=1, verbose=0)
    assert len(again._settings.estimation.job.data.kept) == 60


def test_a_loaded_study_asks_for_its_space_and_its_data_and_names_its_own_door(store):
    searched(store, trials=1, plan=None, strategy="random")
    loaded = mw.load_study("s", store=store)
    with pytest.raises(StudyError, match=r"does not know the space and its data\. Write study\.resume\(space, x, y, "
                                         r"\.\.\.\), or call mw\.nas\.search with the same name="):  # fmt: skip
        loaded.resume()
    with pytest.raises(StudyError, match=r"data\. Hand them over with study = study\.resume\(space, x, y, .*refit\(\)"):
        loaded.refit()
    with pytest.raises(ArgumentError, match=r"'batch_size'.*study\.resume\(space, x, y, \.\.\.\) takes more"):
        loaded.resume(batch_size=32)
    again = loaded.resume(space(), *points(), trials=1, verbose=0)
    with pytest.raises(ArgumentError, match="^study.resume: workers=0"):
        again.resume(workers=0, trials=2)
    assert again.resume(trials=2).trials[-1].state == "complete"


def test_a_study_of_an_earlier_version_goes_on_though_its_digest_was_of_the_split(store):
    study = searched(store, trials=1)
    told = {k: v for k, v in study._record.definition.items() if k not in ("validation", "race", "stem")}
    study._store.redefine(study._record.id, told | {"data": "300 rows of (4,), 0123456789ab"})
    assert len(searched(store, trials=1).trials) == 1
    with pytest.raises(StudyError, match="data was"):
        mw.nas.search(space(), *points(301), trials=3, store=store, name="s", verbose=0)


def test_a_larger_budget_for_a_plan_that_was_carried_out_is_told(store):
    searched(store)
    with pytest.warns(UserWarning, match="was carried out before"):
        again = searched(store, trials=4)
    assert len(again.trials) == 2


def test_a_loaded_study_goes_on_with_its_space_and_its_data(store):
    first = searched(store, plan=None, strategy="random", trials=1)
    loaded = mw.load_study("s", store=store)
    again = loaded.resume(space(), *points(), trials=2, epochs=2, verbose=0)
    assert [trial.config for trial in again.trials][:1] == [trial.config for trial in first.trials]
    assert len(again.trials) == 2
    with pytest.raises(StudyError, match="its space and its data"):
        loaded.resume(space())


def test_a_study_whose_finish_was_not_opened_goes_on_to_it(store, monkeypatch):
    from modelwright.api import searching

    with monkeypatch.context() as without:
        without.setattr(searching, "_ENDED", ("",))  # as if the call had been interrupted before the finish
        study = searched(store)
    assert study.best.fidelity < 1.0
    assert study.resume(verbose=0).best.fidelity == 1.0


@pytest.mark.parametrize(("epochs", "anew"), [(2, False), (1000, True)])
def test_a_finish_is_trained_as_from_the_beginning_where_little_was_before_it(epochs, anew):
    study = searched(":memory:", trials=1, epochs=epochs)
    assert study.best._row.facts["finish"]["anew"] is anew


def test_what_was_learned_before_the_search_is_gone_on_with():
    x, y = points()
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(2)])
    study = mw.nas.search(nas.around(model), x, y, trials=1, epochs=1000, verbose=0, store=":memory:")
    assert study.best._row.facts["finish"]["anew"] is False


def test_networks_beyond_the_space_are_trained_beside_the_winner(store):
    study = searched(store, trials=1, epochs=1)
    assert "study.explain(beyond=True)" in study.explain()
    said = study.explain(beyond=True)
    (note,) = (note.data for note in study._machine.history.notes if note.kind == "beyond")
    own, wider = note["networks"]
    assert (own["what"], wider["what"]) == ("", "1.5 times the channels") and wider["params"] > own["params"]
    assert note["trial"] == 0 and note["metric"] == "val_accuracy" and 0 < note["noise"] < 0.2
    assert f"1.5 times the channels: val_accuracy {wider['value']:.4g}" in said
    assert ("One is better by more than that" in said) == (wider["value"] - own["value"] > 2 * 2**0.5 * note["noise"])
    loaded = mw.load_study("s", store=store)
    assert "1.5 times the channels" in loaded.explain() and len(loaded.trials) == 1
    with pytest.raises(StudyError, match="with its data.*resume"):
        loaded.explain(beyond=True)


@pytest.mark.parametrize("strategy", ["asha", "hyperband", "freeze-thaw"])
def test_strategies_with_rungs_are_for_searches_without_a_plan(strategy):
    with pytest.raises(ArgumentError, match="plan=None"):
        searched(":memory:", strategy=strategy)
    study = searched(":memory:", strategy=strategy, plan=None, trials=5, epochs=9)
    # No rung is a part of an epoch: 240 rows of batches of 32 are seven steps.
    spent = [trial._row.facts["epochs"] for trial in study.trials]
    assert min(spent) >= 9 - 1e-9
    assert study.best.fidelity == 1.0


def test_rungs_of_strategies_are_whole_epochs():
    x, y = points(4000)
    study = mw.nas.search(space(), x, y, plan=None, strategy="asha", trials=6, epochs=9, store=":memory:", verbose=0)
    assert {round(f * 9, 6) for trial in study.trials for f in trial._row.segments} <= {1.0, 3.0, 9.0}
    assert study.best.fidelity == 1.0
    rungs = study._settings.estimation.job.ladder
    assert rungs.steps == 9 and rungs.step(1 / 3) == 3


# --- beside another process ------------------------------------------------------------------------


def beside(monkeypatch, number, happens):
    """While trial ``number`` runs for the first time, something happens elsewhere."""
    estimate, done = ArchitectureEstimation.estimate, []

    def estimated(self, task, reporter):
        if task.number == number and not done:
            done.append(True)
            happens()
        return estimate(self, task, reporter)

    monkeypatch.setattr(ArchitectureEstimation, "estimate", estimated)


@pytest.mark.parametrize("options", [{}, {"plan": None, "strategy": "random"}], ids=["plan", "strategy"])
def test_the_same_call_is_refused_while_the_search_is_running(store, monkeypatch, options):
    def again():
        before = mw.load_study("s", store=store)
        with pytest.raises(StudyError, match="'s': it is being run by process .* workers="):
            searched(store, trials=9, **options)
        after = mw.load_study("s", store=store)
        assert after._record == before._record and len(after._machine.history) == len(before._machine.history)

    beside(monkeypatch, 1, again)
    study = searched(store, **options)
    assert len(study.trials) == 2 and study.best.fidelity == 1.0
    with pytest.raises(StudyError, match="being run"), Lead(study._store) as other:
        other.take(study._record)
        study.resume(trials=3)


def test_no_second_network_is_finished_where_another_session_opened_the_finish_meanwhile(store, monkeypatch):
    """As after a sleep that was longer than a session counts as there."""

    def finished():
        journal = mw.load_study("s", store=store)._journal
        segment = journal.machine.history.rows[0].segment + 1
        journal.write([
            r.Noted(kind=FINISH, data={"trial": 0, "number": 1}),
            r.Continued(number=0, fidelity=1.0, note={"phase": "finish", "finish": 1}),
            r.Started(number=0, segment=segment, worker="runs 1 never elsewhere 1"),
            r.Finished(number=0, state="complete", values=(0.75,), metrics={"val_accuracy": 0.75}, fidelity=1.0),
        ])  # fmt: skip

    beside(monkeypatch, 1, finished)
    study = searched(store)
    assert [note.kind for note in study._machine.history.notes].count(FINISH) == 1
    assert study.best.number == 0 and study.best.value == 0.75


def test_a_plan_that_was_carried_out_has_no_more_to_do(store):
    study = searched(store, trials=1, epochs=1)
    with pytest.warns(UserWarning, match="was carried out before"):
        assert len(study.resume(trials=3, verbose=0).trials) == 1
