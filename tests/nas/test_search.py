"""nas.search: arrays in, a network out."""

import time
from dataclasses import replace

import numpy as np
import pytest

import modelwright as mw
from modelwright import nas
from modelwright.core.errors import ArgumentError, ModelwrightError, SpaceError, StudyError
from modelwright.nas.estimate import ArchitectureEstimation
from modelwright.training.kept import artifacts_of

keras = pytest.importorskip("keras")


def bars(rows=400, seed=0):
    """Images of one bright row, or of one bright column."""
    rng = np.random.default_rng(seed)
    x, y = rng.random((rows, 8, 8)) * 40, np.arange(rows) % 2
    for image, label in zip(x, y, strict=True):
        at = rng.integers(8)
        image[(at, slice(None)) if label else (slice(None), at)] += 200
    return x, y


def tiny(hp, x):
    x = x.conv(hp.Choice("filters", [4, 8]), hp.Choice("kernel", [1, 3], default=3)).batch_norm().relu()
    if hp.Boolean("deeper"):
        x = x.conv(8, 3, stride=2).batch_norm().relu()
    return x.global_max_pool().dense(2)


def space():
    return nas.Architecture(tiny, (8, 8, 1))


def searched(x, y, over=None, **options):
    options = {"trials": 4, "epochs": 3, "store": ":memory:", "verbose": 0, **options}
    return mw.nas.search(over or space(), x, y, **options)


@pytest.fixture(scope="module")
def study():
    return searched(*bars(), trials=6, epochs=40)


def test_a_plan_finds_a_network_that_is_right_about_new_rows(study):
    x, y = bars(200, seed=9)
    model = study.best_model()
    assert isinstance(model, keras.Model) and (model.predict(x, verbose=0).argmax(axis=1) == y).mean() > 0.9
    assert model.evaluate(x, y, verbose=0)[1] > 0.9
    assert study.best.fidelity == 1.0 and study.best.metrics["val_accuracy"] > 0.9


def test_what_comes_out_is_evaluated_with_rows_of_one_hot_targets_as_they_were_given():
    x, y = bars()
    rows = np.eye(2)[y]
    study = searched(x, rows, plan=None, strategy="random", trials=3, epochs=20)
    for model in (study.best_model(), study.ensemble(2), study.refit()):
        loss, right = model.evaluate(x, rows, verbose=0)
        out = model.predict(x, verbose=0)
        assert right == pytest.approx((out.argmax(axis=1) == y).mean(), abs=1e-6)
        assert loss == pytest.approx(-np.log(out[np.arange(len(y)), y]).mean(), rel=1e-3)
        model.fit(x, rows, verbose=0)


def test_a_network_of_the_race_is_handed_out_as_it_was_judged_on_smaller_images():
    rng = np.random.default_rng(0)
    x, y = rng.random((400, 25, 24)) * 40, np.arange(400) % 2
    for image, label in zip(x, y, strict=True):
        at = rng.integers(24)
        image[(at, slice(None)) if label else (slice(None), at)] += 200
    study = searched(x, y, nas.Architecture(tiny, (25, 24, 1)), trials=1, epochs=2)
    job, row = study._settings.estimation.job, study.trials[0]._row
    assert job.ladder.rungs[0].factor == 2
    kept = ArchitectureEstimation(job)
    folder = study._journal.store.folder(study._record.id) / "again"
    folder.mkdir(parents=True, exist_ok=True)
    task = study._machine.task(0, str(folder))
    task = replace(
        task, segment=0, start=0.0, stop=job.ladder.rungs[0].fidelity, checkpoint=None, artifacts={}, note={}
    )
    outcome = kept.estimate(task, Quiet())
    model = keras.saving.load_model(artifacts_of(task).fetch(outcome.artifacts["model"]))
    held = job.data.kept
    right = (model.predict(x[held], verbose=0).argmax(axis=1) == y[held]).mean()
    assert right == pytest.approx(outcome.metrics["val_accuracy"]) and row.values


class Quiet:
    def traced(self, config, parameters):
        pass

    def report(self, step, metrics, fidelity=None):
        return "go"


def test_what_it_cost_is_told_with_each_network(study):
    for trial in study.trials:
        assert trial.metrics["params"] == space().graph(trial.config).cost.parameters
        facts = trial._row.facts
        assert facts["epochs"] > 0 and facts["spent"]["train"] > 0 and facts["phase"]


def test_ordinary_reports_work(study, tmp_path):
    assert len(study.frame()) == len(study.trials)
    assert "val_accuracy" in study.summary()
    study.report(tmp_path / "report.html")
    assert study.explain()


def test_one_strategy_with_one_estimation():
    study = searched(*bars(100), plan=None, strategy="random", trials=3, epochs=1)
    assert [trial.fidelity for trial in study.trials] == [1.0] * 3
    assert len({study.space.key(trial.config) for trial in study.trials}) == 3


def test_two_objectives_give_a_front():
    study = searched(*bars(100), plan=None, strategy="random", objective=["val_accuracy", mw.Minimize("params")],
                     trials=3, epochs=1)  # fmt: skip
    sizes = [trial.metrics["params"] for trial in study.front]
    assert min(sizes) == min(trial.metrics["params"] for trial in study.trials)
    with pytest.raises(ArgumentError, match="plan=None"):
        searched(*bars(100), objective=["val_accuracy", mw.Minimize("params")])


def test_constraints_hold_for_every_network_that_is_built():
    study = searched(*bars(100), constraints=["params <= 150"], trials=4, epochs=1)
    assert all(trial.metrics["params"] <= 150 for trial in study.trials)
    with pytest.raises(ArgumentError, match="closest"):
        searched(*bars(100), constraints=["params <= 10"])


def test_training_is_searched_beside_the_architecture():
    study = searched(*bars(100), training=lambda hp: {"rate": hp.Float("rate", 1e-4, 1e-2, sampling="log")},
                     plan=None, strategy="random", trials=3, epochs=1)  # fmt: skip
    assert len({trial.config["rate"] for trial in study.trials}) == 3


def test_the_optimizer_is_searched_beside_the_architecture():
    study = searched(*bars(100), training=lambda hp: {"optimizer": hp.Choice("optimizer", ["sgd", "adamw"])},
                     plan=None, strategy="random", trials=6, epochs=1)  # fmt: skip
    assert {trial.config["optimizer"] for trial in study.trials} == {"sgd", "adamw"}
    assert study.trials[0].config["optimizer"] == "adamw"  # the recipe's


def test_a_search_goes_on_under_its_name(tmp_path):
    x, y = bars(100)
    store = str(tmp_path / "s.db")
    first = searched(x, y, trials=2, epochs=1, store=store, name="s", plan=None, strategy="random")
    again = searched(x, y, trials=4, epochs=1, store=store, name="s", plan=None, strategy="random")
    assert [t.config for t in again.trials][:2] == [t.config for t in first.trials] and len(again.trials) == 4
    kept = mw.load_study("s", store=store)
    assert kept.best.value == again.best.value
    assert np.allclose(kept.best_model().predict(x, verbose=0), again.best_model().predict(x, verbose=0))


def test_numbers_and_tables():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 5))
    y = 100 + 10 * x[:, 0] - 5 * x[:, 1]
    over = nas.Architecture(lambda hp, x: x.dense(hp.Choice("units", [16, 32])).relu().dense(1), (5,))
    study = searched(x, y, over, trials=2, epochs=25)
    assert study.objectives[0].direction == "min"
    assert np.corrcoef(study.best_model().predict(x, verbose=0)[:, 0], y)[0, 1] > 0.9


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"seconds": None, "trials": None}, ArgumentError, "neither trials nor seconds"),
        ({"plan": "fancy"}, ArgumentError, "plan='fancy'"),
        ({"over": 3}, ArgumentError, "no space of architectures"),
        ({"over": nas.Architecture(tiny, (9, 9, 1))}, SpaceError, "takes"),
        ({"over": nas.Architecture(lambda hp, x: x.global_avg_pool().dense(3), (8, 8, 1))}, SpaceError, "puts out"),
        ({"epochs": 0}, ArgumentError, "epochs=0"),
        ({"class_weight": "fair"}, ArgumentError, "class_weight"),
        ({"recipe": 3}, ArgumentError, "recipe"),
        ({"task": "ranking"}, ArgumentError, "task="),
        ({"trils": 3}, ModelwrightError, "trils"),
        ({"strategy": "magic"}, ModelwrightError, "magic"),
    ],
)
def test_wrong_arguments_are_refused_at_once(change, error, said):
    change = dict(change)
    with pytest.raises(error, match=said):
        searched(*bars(40), **change)


def test_a_space_that_does_not_fit_the_images_is_refused():
    deep = nas.Architecture
    with pytest.raises(SpaceError, match="nothing is left"):
        deep(
            lambda hp, x: x.conv(4, 3, stride=2).conv(4, 3, stride=4).conv(4, 3, stride=4).flatten().dense(2), (8, 8, 1)
        )


def test_a_network_that_was_never_trained_has_no_model():
    study = searched(*bars(40), trials=1, epochs=1, plan=None, strategy="random")
    study._machine.history.rows[0].artifacts = {}
    study._settings = None
    with pytest.raises(StudyError, match="left no model"):
        study.best_model()


def test_the_best_few_are_one_model(study, tmp_path):
    x, y = bars(200, seed=9)
    together = study.ensemble(3)
    out = together.predict(x, verbose=0)
    assert out.shape == (200, 2) and np.allclose(out.sum(axis=1), 1, atol=1e-4)
    assert (out.argmax(axis=1) == y).mean() > 0.9
    together.save(tmp_path / "together.keras")
    again = keras.saving.load_model(tmp_path / "together.keras")
    assert np.allclose(again.predict(x, verbose=0), out, atol=1e-5)
    with pytest.raises(ArgumentError, match="k=1"):
        study.ensemble(1)


def test_an_ensemble_of_fewer_than_were_asked_for_says_so(study):
    full = sum(row.fidelity >= 0.3 for row in study._machine.history.rows)
    assert full < 6
    with pytest.warns(UserWarning, match=f"the ensemble has {full} networks in place of 99: {6 - full} other"):
        study.ensemble(99)


def test_an_ensemble_has_a_network_that_is_still_trained_as_it_was_when_it_rested(study):
    row, x = study._machine.history.best(), bars(200, seed=9)[0]
    full, before = sum(row.fidelity >= 0.3 for row in study._machine.history.rows), study.ensemble(2)
    kept = row.state, row.fidelity
    try:  # as when a finish is under way, or was killed
        row.state, row.fidelity = "running", 0.97
        assert study._machine.history.best() is row
        again = study.ensemble(2)
        with pytest.warns(UserWarning, match=f"the ensemble has {full} networks in place of 99: {6 - full} other"):
            study.ensemble(99)
    finally:
        row.state, row.fidelity = kept
    assert np.array_equal(again.predict(x, verbose=0), before.predict(x, verbose=0))


def test_a_stored_search_knows_its_task_and_its_labels(tmp_path):
    x, y = bars(60)
    options = {"store": str(tmp_path / "s.db"), "plan": None, "strategy": "random", "trials": 2, "epochs": 1}
    made = searched(x, np.array(["row", "column"])[y], name="texts", **options)
    assert made.classes == mw.load_study("texts", store=options["store"]).classes == ("column", "row")
    assert searched(x, y + 1, nas.chain(), name="gap", **options).classes == (0, 1, 2)

    def numbers(hp, x):
        return x.conv(hp.Int("filters", 2, 8)).global_avg_pool().dense(1)

    searched(x, x.mean(axis=(1, 2)), nas.Architecture(numbers, (8, 8, 1)), name="numbers", **options)
    study = mw.load_study("numbers", store=options["store"])
    assert study.classes == () and study.ensemble(2).loss == "mse"
    with pytest.raises(StudyError, match="only a search of nas.search"):
        _ = mw.Study(store=":memory:").classes


def test_an_ensemble_needs_networks_that_were_trained_at_full_size():
    with pytest.raises(StudyError, match="full size"):
        searched(*bars(40), trials=1, epochs=1, plan=None, strategy="random").ensemble(2)
    with pytest.raises(StudyError, match="only networks"):
        mw.tune(lambda hp: hp.Float("x", 0, 1), objective="minimize", trials=1, store=":memory:", verbose=0).ensemble(2)


def test_a_limit_on_latency_is_held_by_what_is_measured():
    pytest.importorskip("onnxruntime")
    study = searched(*bars(60), constraints=["latency_ms@onnxruntime,b1 <= 50"], trials=2, epochs=1)
    assert study.best.metrics["latency_ms@onnxruntime,b1"] <= 50
    with pytest.raises(ArgumentError, match="closest"):
        searched(*bars(60), constraints=["latency_ms@onnxruntime,b1 <= 0.000001"], trials=2, epochs=1)
    with pytest.raises(ModelwrightError, match="warpdrive"):
        searched(*bars(60), constraints=["latency_ms@warpdrive,b1 <= 5"], trials=2, epochs=1)


def test_reasons_say_what_each_phase_did(study):
    text = study.explain()
    assert all(word in text for word in ("What the search did", "screen", "race", "finish"))


@pytest.mark.slow
def test_a_search_by_the_clock_keeps_to_it_and_finishes_on_every_core():
    x, y = bars(2000)
    began = time.monotonic()
    study = searched(x, y, trials=None, epochs=None, seconds=60)
    assert time.monotonic() - began < 60 * 1.02 + 5
    assert study.best.fidelity == 1.0 and study.best._row.note["phase"] == "finish"
    assert (study.best_model().predict(x, verbose=0).argmax(axis=1) == y).mean() > 0.9
