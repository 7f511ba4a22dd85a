"""Monotone constraints: what is deployed never falls where it was asked to rise, whatever the data say."""

import numpy as np
import pytest

import modelwright as mw

pytest.importorskip("lightgbm")
QUICK = {"trials": 5, "folds": 2, "store": ":memory:", "verbose": 0}
STEPS = 40
GRADES = ["low", "middle", "high"]


def waves(rows=400, seed=0):
    """A price that goes up and down with the age of a thing, by its kind and its grade."""
    rng = np.random.default_rng(seed)
    age, size = rng.uniform(0, 10, rows), rng.normal(size=rows)
    kind = rng.choice(["a", "b", "c"], rows).astype(object)
    grade = rng.choice(GRADES, rows).astype(object)
    price = 0.3 * age + 2 * np.sin(2 * age) + size * (kind == "a") + rng.normal(scale=0.3, size=rows)
    return {"age": age, "size": size, "kind": kind, "grade": grade, "price": price}


def asked_for(table, column, values):
    """The first rows of a table, each with all the values of one column."""
    rows = 12
    made = {n: np.repeat(cells[:rows], len(values)) for n, cells in table.items() if n not in ("price", "dear")}
    made[column] = np.tile(np.asarray(values), rows)
    return made


def steps_of(model, table, column="age", values=None):
    values = np.linspace(0, 10, STEPS) if values is None else values
    new = asked_for(table, column, values)
    found = model.predict(new) if model.classes_ is None else model.predict_proba(new)[:, 1]
    return np.diff(found.reshape(-1, len(values)), axis=1)


@pytest.fixture(scope="module")
def rising():
    return mw.fit(waves(), "price", monotone={"age": 1}, **QUICK)


def test_without_a_constraint_the_waves_are_learned():
    free = mw.fit(waves(), "price", models=["lightgbm"], **QUICK)
    assert (steps_of(free, waves()) < -0.1).any()


def test_what_is_deployed_rises_and_still_learns_something(rising):
    assert (steps_of(rising, waves()) >= -1e-9).all()
    assert (steps_of(rising, waves()) > 0.01).any()


@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "catboost"])
def test_it_holds_where_absolute_errors_are_the_metric(name):
    pytest.importorskip(name)
    model = mw.fit(waves(), "price", monotone={"age": 1}, metric="mae", models=[name], **QUICK)
    assert name in repr(model)
    assert (steps_of(model, waves()) >= -1e-9).all()
    assert (steps_of(model, waves()) > 0.01).any()


def test_learners_that_cannot_are_left_out_and_it_is_said(rising):
    tried = {row["model"].split()[0] for row in rising.leaderboard()[1:]}
    assert tried <= {"lightgbm", "xgboost", "catboost", "constant"} and "lightgbm" in tried
    said = next(one for one in rising.decisions if one["what"] == "monotone")
    assert "linear" in said["why"]
    assert "lightgbm" in said["decided"] and "'age'" in said["decided"]


def test_a_plan_and_a_refit_keep_it(rising):
    again = mw.fit(waves(), "price", plan=rising.plan, verbose=0)
    new = asked_for(waves(), "age", np.linspace(0, 10, STEPS))
    assert np.array_equal(again.predict(new), rising.predict(new))
    assert (steps_of(rising.refit(waves(seed=5)), waves()) >= -1e-9).all()


def test_folds_together_fall_where_they_are_to_fall():
    model = mw.fit(waves(), "price", monotone={"age": -1}, preset="best", **QUICK)
    assert (steps_of(model, waves()) <= 1e-9).all()


def test_features_that_are_searched_do_not_get_round_it():
    held = {f"lightgbm/{name}": value for name, value in (("pairs", 12), ("groups", True), ("components", 5))}
    from modelwright.tasks.learners import learners
    from modelwright.tasks.search.estimation import Job
    from modelwright.tasks.search.gathered import Said, gather

    data = gather(waves(), Said(target="price", kinds={"grade": GRADES}))
    job = Job(
        frame=data.frame, y=data.y, task="regression", classes=0, weight=None, split=data.split, metric=data.metric,
        learners=learners(["lightgbm"]), seed=0, monotone={"age": 1, "grade": 1},
    )  # fmt: skip
    learner, config = job.own({"model": "lightgbm", **held, "lightgbm/crosses": True})
    recipe = learner.features(data.frame, config)
    fitted, _ = recipe.fit(data.frame, data.y, "regression", seed=0)
    for name, sources in zip(fitted._names, fitted._sources, strict=True):
        if "age" in sources or "grade" in sources:
            assert sources == (name,)


def test_of_two_classes_the_positive_one_is_meant():
    table = waves()
    table["dear"] = np.where(table.pop("price") > 1.5, "no", "yes").astype(object)
    second = mw.fit(table, "dear", monotone={"age": 1}, **QUICK)
    assert (steps_of(second, table) >= -1e-9).all()
    first = mw.fit(table, "dear", monotone={"age": 1}, positive="no", metric="f1", **QUICK)
    assert (steps_of(first, table) <= 1e-9).all()


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision", "f1"])
def test_the_metric_does_not_turn_it_round(metric):
    table = waves()
    table["dear"] = np.where(table.pop("price") > 3, "no", "yes").astype(object)
    model = mw.fit(table, "dear", monotone={"age": -1}, metric=metric, models=["lightgbm"], **QUICK)
    assert model.looked_for == "no" and (steps_of(model, table) <= 1e-9).all()
    assert (steps_of(model, table) < -0.01).any()


def test_levels_are_held_in_the_order_that_was_said():
    table = waves()
    table["price"] = table["price"] + 3 * (table["grade"] == "middle")
    with pytest.raises(mw.ArgumentError, match=r"column 'grade'.*nothing tells the order .* 'high', 'low', 'middle'"):
        mw.fit(table, "price", monotone={"grade": 1}, kinds={"grade": "ordinal"}, **QUICK)
    model = mw.fit(table, "price", monotone={"grade": 1}, kinds={"grade": tuple(GRADES)}, **QUICK)
    assert model.plan["said"]["kinds"] == {"pairs": [["grade", GRADES]]}
    for one in (model, model.refit(table, verbose=0)):
        steps = steps_of(one, table, "grade", np.array(GRADES, dtype=object))
        assert (steps >= -1e-9).all() and (steps > 0.1).any()


def test_a_fit_that_goes_on_keeps_it_and_another_one_does_not_go_on_with_it(tmp_path):
    asked = {**QUICK, "trials": 2, "store": tmp_path / "s.db", "models": ["lightgbm"]}
    first = mw.fit(waves(), "price", monotone={"age": 1}, name="rising", **asked)
    more = first.fit(waves(), trials=2, verbose=0, models=["lightgbm"])
    assert len(more.leaderboard()) == 5
    assert (steps_of(more, waves()) >= -1e-9).all()
    with pytest.raises(mw.ModelwrightError, match="monotone"):
        mw.fit(waves(), "price", name="rising", **asked)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"monotone": {"aeg": 1}}, "age"),
        ({"monotone": {"kind": 1}}, r"no order.*kinds=\{'kind': \[\.\.\.\]\} lists its levels"),
        ({"monotone": {"age": 2}}, "rising"),
        ({"monotone": {"age": True}}, "rising"),
        ({"monotone": {"age": "up"}}, "rising"),
        ({"monotone": ["age"]}, "column"),
        ({"monotone": {"size": 1}, "without": ["size"]}, "size"),
        ({"monotone": {"age": 1}, "models": ["linear"]}, "lightgbm"),
        ({"monotone": {"age": 1}, "preset": "interpretable"}, "lightgbm"),
        ({"monotone": {"age": 1}, "block": ["lightgbm", "xgboost"]}, "xgboost"),
    ],
)
def test_what_cannot_be_held_is_refused(wrong, match):
    with pytest.raises(mw.ArgumentError, match=match):
        mw.fit(waves(60), "price", **{**QUICK, **wrong})


def test_three_classes_have_no_direction():
    table = waves(90)
    table["price"] = np.array(["a", "b", "c"] * 30, dtype=object)
    with pytest.raises(mw.ArgumentError, match="two classes"):
        mw.fit(table, "price", monotone={"age": 1}, **QUICK)
