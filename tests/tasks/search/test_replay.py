"""What a model remembers of how it was made: plans carried out again, refits, and searches that go on."""

import numpy as np
import pytest

import modelwright as mw
from modelwright.store.artifacts import Artifacts
from modelwright.tasks.ensemble.blend import sufficient
from modelwright.tasks.learners import mlp
from modelwright.tasks.search import session

pytest.importorskip("lightgbm")

QUIET = {"verbose": 0, "store": ":memory:"}
FEW = {"models": ["linear", "mlp", "lightgbm"], "trials": 3}


def table(rows=240, task="binary", seed=0):
    rng = np.random.default_rng(seed)
    data = {"a": rng.normal(size=rows), "b": rng.normal(size=rows), "c": rng.choice(["x", "y", "z"], rows)}
    merit = data["a"] + 0.5 * (data["c"] == "x") + rng.normal(size=rows)
    data["y"] = np.exp(merit) if task == "regression" else np.where(merit > 0, "yes", "no")
    data["w"] = np.where(data["c"] == "x", 50.0, 0.1)
    data["g"] = np.arange(rows) // 4
    return data


def answers(model, data):
    return model.predict(data) if model.task == "regression" else model.predict_proba(data)


@pytest.mark.parametrize(
    ("task", "more"),
    [
        ("binary", {"preset": "best", **FEW}),
        ("binary", {"seconds": 3.0}),
        ("binary", {"seed": 5, "class_weight": {"yes": 20}, **FEW}),
        ("regression", {"metric": "rmsle", **FEW}),
        ("regression", {"metric": "mae", "sample_weight": "w", "groups": "g", "seconds": 6.0}),
    ],
)
def test_a_plan_alone_gives_the_same_predictions(task, more):
    data = table(task=task)
    model = mw.fit(data, "y", **more, **QUIET)
    again = mw.fit(data, "y", plan=model.plan, **QUIET)
    assert np.array_equal(answers(again, data), answers(model, data))
    assert again.metric == model.metric and again.plan["said"] == model.plan["said"]


@pytest.mark.parametrize(("more", "trees"), [({"preset": "best"}, 200), ({}, 210)])
def test_a_forest_has_as_many_trees_as_its_weight_needs_and_has_them_again(more, trees):
    data = table(task="regression")
    model = mw.fit(data, "y", models=["linear", "extra_trees", "random_forest"], trials=3, **more, **QUIET)
    forests = [one for one in model._members if one.member.learner == "random_forest"]
    grown = [one.member.model.facts["rounds"] for one in forests]
    assert grown == [sufficient(trees, one.weight) for one in forests]
    assert grown and min(grown) < trees
    again = mw.fit(data, "y", plan=model.plan, **QUIET)
    assert np.array_equal(answers(again, data), answers(model, data))


def test_a_forest_that_has_more_weight_in_a_later_call_has_more_trees(tmp_path):
    rng = np.random.default_rng(2)
    x = rng.normal(size=(400, 5))
    data = dict(zip("abcde", x.T, strict=True))
    data["y"] = x.sum(1) + 1.5 * (x[:, 0] * x[:, 1] > 0) + rng.normal(size=400) * 0.2
    how = {"models": ["linear", "random_forest", "constant"], "trials": 2, "folds": 2, "verbose": 0}
    first = mw.fit(data, "y", store=tmp_path / "s.db", name="s", **how)
    few = {one["learner"]: one["rounds"] for one in first.plan["members"]}["random_forest"]
    more = first.fit(data, trials=1, block=["linear"], verbose=0)
    (alone,) = more.plan["members"]
    assert few < 210 and (alone["learner"], alone["rounds"]) == ("random_forest", 210)
    again = mw.fit(data, "y", plan=more.plan, **QUIET)
    assert np.array_equal(again.predict(data), more.predict(data))


def best(tmp_path, **more):
    kept = {"store": f"sqlite:///{tmp_path}/s.db", "name": "s", "verbose": 0, "min_gain": None}
    return {"preset": "best", "models": ["linear"], "folds": 3, **kept, **more}


def models(folder):
    """Files of models, in the order in which they were written."""
    return sorted(folder.rglob("*.mw"), key=lambda path: path.stat().st_mtime_ns)


def test_a_plan_of_some_of_the_folds_knows_which_they_are(tmp_path):
    """The model of the first one is gone where an earlier call left its candidate there."""
    data = table()
    mw.fit(data, "y", **best(tmp_path, trials=1))
    gone = models(tmp_path)[0]
    gone.unlink()
    holds = Artifacts.holds
    with pytest.MonkeyPatch.context() as patch:  # no time for a fit on all rows
        patch.setattr(Artifacts, "holds", lambda files, kept: gone.name in str(kept.path) or holds(files, kept))
        model = mw.fit(data, "y", **best(tmp_path, trials=1))
    (member,) = model.plan["members"]
    assert [fit["unit"] for fit in member["fits"]] == list(range(1, 9))
    model.save(tmp_path / "m.mw")
    again = mw.fit(data, "y", plan=mw.load(tmp_path / "m.mw").plan, **QUIET)
    assert np.array_equal(answers(again, data), answers(model, data))


def test_a_member_that_lacks_the_model_of_a_fold_is_fitted_on_all_rows(tmp_path):
    mw.fit(table(), "y", **best(tmp_path, trials=1))
    models(tmp_path)[1].unlink()
    model = mw.fit(table(), "y", **best(tmp_path, trials=1))
    assert [(one["whole"], one["units"]) for one in model.plan["members"]] == [(True, 1)]


def test_the_threads_of_a_plan_are_those_of_each_fit(tmp_path, monkeypatch):
    for cores in (2, 1):
        monkeypatch.setattr(session.Session, "threads", lambda *_, cores=cores: cores)
        model = mw.fit(table(), "y", **best(tmp_path, trials=3 - cores))
    found = {one["trial"]: [fit["threads"] for fit in one["fits"]] for one in model.plan["members"]}
    assert found == {0: [2] * 9, 1: [1] * 9}
    again = mw.fit(table(), "y", plan=model.plan, **QUIET)
    assert [one["fits"] for one in again.plan["members"]] == [one["fits"] for one in model.plan["members"]]


@pytest.mark.parametrize("preset", ["good", "best"])
def test_a_network_is_trained_as_long_on_other_rows(preset, monkeypatch):
    monkeypatch.setattr(mlp, "epochs_for", lambda rows: 8 if rows < 300 else 4)
    model = mw.fit(table(), "y", preset=preset, models=["mlp"], trials=1, folds=3, **QUIET)
    more, many = model.refit(table(480)), model.refit(table(960))
    found = [
        [(one.member.model.facts["rounds"], one.member.model.facts["epochs"]) for one in made._members]
        for made in (model, more, more.refit(table()), many)
    ]
    assert found[0] == found[1] == found[2]
    assert found[3] == [(max(1, round(rounds / 2)), round(epochs / 2)) for rounds, epochs in found[0]]


def test_a_plan_of_an_earlier_version_is_carried_out():
    """It knows no more of the models of folds than their rounds, and one number of threads for all."""
    model = mw.fit(table(), "y", preset="best", models=["linear", "mlp"], trials=2, folds=3, **QUIET)
    before = {**model.plan, "members": [dict(one) for one in model.plan["members"]]}
    for one in before["members"]:
        one["unit_rounds"] = [fit["rounds"] for fit in one.pop("fits")]
    again = mw.fit(table(), "y", plan=before, **QUIET)
    assert np.array_equal(answers(again, table()), answers(model, table()))


def test_a_plan_of_a_saved_model_gives_the_same_predictions(tmp_path):
    data = table()
    model = mw.fit(data, "y", class_weight={"yes": 3.0, "no": 1.0}, without=["w"], **FEW, **QUIET)
    model.save(tmp_path / "m.mw")
    again = mw.fit(data, "y", plan=mw.load(tmp_path / "m.mw").plan, **QUIET)
    assert np.array_equal(answers(again, data), answers(model, data))


def test_a_refit_goes_by_all_that_was_said():
    data = table()
    model = mw.fit(data, "y", sample_weight="w", groups="g", class_weight={"yes": 9}, **FEW, **QUIET)
    again = model.refit(data)
    assert np.array_equal(answers(again, data), answers(model, data))
    other = {name: cells for name, cells in data.items() if name in "abc"}
    assert len(again.predict(other)) == len(data["a"])


def test_a_column_that_leaked_stays_out_of_a_refit():
    data = table()
    data["told"] = (data["y"] == "yes").astype(float)
    model = mw.fit(data, "y", drop_suspected=True, **FEW, **QUIET)
    again = model.refit(data)
    assert again.plan["said"]["without"] == ["told"]
    assert len(again.predict({name: cells for name, cells in data.items() if name != "told"})) == len(data["a"])


def test_what_a_plan_was_carried_out_with_is_not_contradicted():
    data = table()
    model = mw.fit(data, "y", metric="log_loss", models=["linear"], trials=1, **QUIET)
    with pytest.raises(mw.ArgumentError, match="carried out with metric='log_loss', and now metric='roc_auc'"):
        mw.fit(data, "y", plan=model.plan, metric="roc_auc", **QUIET)
    with pytest.raises(mw.ArgumentError, match="carried out with no groups="):
        mw.fit(data, "y", plan=model.plan, groups="g", **QUIET)


def test_weights_that_were_an_array_are_asked_for_again():
    data = table()
    weight = np.linspace(0.1, 2, 240)
    model = mw.fit(data, "y", sample_weight=weight, models=["linear"], trials=1, **QUIET)
    with pytest.raises(mw.ArgumentError, match="Pass sample_weight= again"):
        model.refit(data)
    assert np.array_equal(answers(model.refit(data, sample_weight=weight), data), answers(model, data))


def test_a_search_goes_on_with_the_learners_and_weights_of_the_first_call(tmp_path):
    data = table()
    kept = {"store": f"sqlite:///{tmp_path}/s.db", "verbose": 0}
    model = mw.fit(data, "y", models=["linear"], class_weight={"yes": 4.0}, trials=1, name="a", **kept)
    further = model.fit(data, trials=1, verbose=0)
    assert {row["model"].split()[0] for row in further.leaderboard()} == {"ensemble", "linear"}
    assert further.plan["said"] == model.plan["said"]
