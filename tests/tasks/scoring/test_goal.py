"""The target of a plan on other rows: task, classes and their types stay; new classes and lost ones are told."""

import csv

import numpy as np
import pytest

import modelwright as mw
from modelwright.tasks import learners

pytest.importorskip("lightgbm")

QUIET = {"verbose": 0, "store": ":memory:"}


def table(names=("a", "b", "c"), rows=300, seed=0):
    """Classes that follow a number; the first ones are rarer."""
    rng = np.random.default_rng(seed)
    x, count = rng.normal(size=rows), len(names)
    share = 4.0 ** np.arange(count)
    place = np.searchsorted(np.quantile(x, np.cumsum(share)[:-1] / share.sum()), x + 0.7 * rng.normal(size=rows))
    return {"x": x, "z": rng.normal(size=rows), "y": np.array(names, dtype=object)[place]}


@pytest.fixture(scope="module")
def model():
    return mw.fit(table(), "y", metric="balanced_accuracy", models=["linear"], trials=1, folds=3, **QUIET)


def test_a_class_that_the_plan_does_not_know_is_refused_by_its_name(model):
    assert len(model.plan["factors"]) == 3
    for names in (("a", "b", "c", "d"), ("b", "c", "d")):
        with pytest.raises(mw.ArgumentError, match=r"'y': \d+ rows have a class that the plan does not know: 'd'"):
            model.refit(table(names))
    with pytest.raises(mw.ArgumentError, match="does not know: 'w', 'v', 'u'"):
        model.refit(table(("u", "v", "w")))


def test_a_class_that_is_not_there_keeps_its_place_and_its_factor(model, tmp_path):
    rows = table(("b", "c"), seed=1)
    with pytest.warns(UserWarning, match="no row has 1 class that the plan knows: 'a'"):
        again = model.refit(rows)
    assert again.classes_.tolist() == ["a", "b", "c"] and again.task == "multiclass"
    assert again.plan["factors"] == model.plan["factors"] and again.plan["classes"] == ["a", "b", "c"]
    shares = again.predict_proba(rows)
    assert shares.shape == (300, 3) and shares[:, 0].max() < 0.01
    assert np.mean(again.predict(rows) == rows["y"]) > 0.6
    held = mw.load(again.save(tmp_path / "m.mw"))
    assert np.array_equal(held.predict(rows), again.predict(rows))


@pytest.mark.parametrize("name", [name for name in learners.names() if "multiclass" in learners.learner(name).tasks])
def test_every_learner_does_without_a_class(name):
    if name in ("catboost", "xgboost"):
        pytest.importorskip(name)
    first = mw.fit(table(), "y", models=[name], trials=1, folds=2, **QUIET)
    with pytest.warns(UserWarning, match="'b'"):
        again = first.refit(table(("a", "c"), seed=1))
    shares = again.predict_proba(table(seed=2))
    assert shares.shape == (300, 3) and np.isfinite(shares).all() and shares[:, 1].mean() < 0.1


def test_one_class_alone_teaches_nothing(model):
    for rows in (table(("c", "c")), {**table(), "y": np.array(["c"] * 300, dtype=object)}):
        with pytest.raises(mw.ArgumentError, match="every row has the class 'c'"):
            model.refit(rows)


def test_a_single_row_with_a_new_class_is_left_out_as_in_a_fit(model):
    rows = table(seed=3)
    rows["y"][7] = "q"
    with pytest.warns(UserWarning, match="1 class with a single row left out: 'q'"):
        again = model.refit(rows)
    assert again.classes_.tolist() == ["a", "b", "c"]


def test_members_of_folds_do_without_a_class_too():
    first = mw.fit(table(), "y", preset="best", models=["linear"], trials=1, folds=3, **QUIET)
    with pytest.warns(UserWarning, match="'a'"):
        again = first.refit(table(("b", "c"), seed=1))
    assert again.predict_proba(table()).shape == (300, 3)


def test_values_stay_values_where_few_of_them_are_different():
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    first = mw.fit({"x": x, "y": np.round(20 + 9 * x).astype(int)}, "y", models=["linear"], trials=1, folds=2, **QUIET)
    assert first.task == "regression"
    few = {"x": x, "y": np.clip(np.round(3 + x), 1, 5).astype(int)}
    for again in (first.refit(few), first.refit(few, task="regression")):
        assert again.task == "regression" and abs(float(np.mean(again.predict(few) - few["y"]))) < 0.2
    with pytest.raises(mw.ArgumentError, match="task='regression', and now task='multiclass'"):
        first.refit(few, task="multiclass")
    with pytest.raises(mw.ArgumentError, match="is no number"):
        first.refit({"x": x, "y": np.array(["low", "high"] * 100, dtype=object)})


@pytest.mark.parametrize(
    ("names", "typed"), [(["0", "1"], str), ([0, 1], int), ([True, False], bool), ([1.5, 2.5, 3.5], float)]
)
def test_classes_are_of_the_type_they_were_of(names, typed, tmp_path):
    rows = table(names)
    if typed is not str:
        rows["y"] = rows["y"].astype(typed)
    first = mw.fit(
        rows, "y", models=["linear"], trials=1, folds=2, task="multiclass" if typed is float else None, **QUIET
    )
    path = tmp_path / "d.csv"
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(rows)
        writer.writerows(zip(*rows.values(), strict=True))
    held = mw.load(first.save(tmp_path / "m.mw"))
    for again in (first.refit(path), held.refit(path), held.refit(rows)):
        assert again.classes_.tolist() == first.classes_.tolist()
        assert {type(one) for one in again.classes_.tolist()} == {typed}
        assert np.array_equal(again.predict(rows), first.predict(rows))


def test_a_plan_of_an_earlier_version_keeps_its_task_and_is_not_stretched(model):
    plan = {name: one for name, one in model.plan.items() if name not in ("classes", "details")}
    again = mw.fit(table(), "y", plan=plan, **QUIET)
    assert np.array_equal(again.predict_proba(table()), model.predict_proba(table()))
    with pytest.raises(mw.ArgumentError, match="decides between 3 classes, the target has 4"):
        mw.fit(table(("a", "b", "c", "d")), "y", plan=plan, **QUIET)
