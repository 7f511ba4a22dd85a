"""A plan on other rows: the same columns, kinds, orders and classes; what it is and is not said to be."""

import copy
import csv
import warnings

import numpy as np
import pytest
from stored_files import Opened

import modelwright as mw

pytest.importorskip("lightgbm")

QUIET = {"verbose": 0, "store": ":memory:"}


def table(rows=240, seed=0, good=0.3):
    """Most of "bad", so that "good" is the rarer one; a column of each kind."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=rows)
    size = rng.choice(["1 - 9", "10 - 19", "20 - 49"], rows)
    data = {"a": a, "b": rng.normal(size=rows), "c": rng.choice(["x", "y", "z"], rows), "size": size}
    merit = a + 0.5 * (data["c"] == "x") + 0.7 * rng.normal(size=rows)
    data["day"] = np.datetime64("2020-01-01") + rng.integers(0, 500, rows)
    data["g"] = np.arange(rows) // 4
    return {**data, "y": np.where(merit > np.quantile(merit, 1 - good), "good", "bad")}


def changed(**columns):
    return {name: cells for name, cells in {**table(seed=1), **columns}.items() if cells is not None}


@pytest.fixture(scope="module")
def model():
    return mw.fit(table(), "y", metric="f1", models=["lightgbm", "linear"], trials=2, folds=3, **QUIET)


def test_the_same_rows_give_the_same_model(model, tmp_path):
    held = mw.load(model.save(tmp_path / "m.mw"))
    for again in (model.refit(table()), held.refit(table()), mw.fit(table(), "y", plan=model.plan, **QUIET)):
        assert np.array_equal(again.predict_proba(table()), model.predict_proba(table()))
        assert again.plan == {**model.plan, "members": again.plan["members"]}


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        ({"a": None}, "1 column that the model was given is not there: 'a'"),
        ({"a": None, "size": None}, "2 columns that the model was given are not there: 'a', 'size'"),
        (
            {"a": np.repeat(["north", "south"], 120)},
            "column 'a': 240 cells of 240 cannot be read as a number",
        ),
        ({"day": np.repeat(["soon", "late"], 120)}, "column 'day': 240 cells of 240 cannot be read as a date"),
        ({"size": np.repeat(["small", "large"], 120)}, "column 'size': 240 cells of 240 have no place in its order"),
        ({"y": np.repeat(["bad", "fine"], 120)}, "120 rows have a class that the plan does not know: 'fine'"),
    ],
)
def test_a_table_that_holds_something_else_is_refused_by_the_name(model, columns, match):
    with pytest.raises(mw.ArgumentError, match=match):
        model.refit(changed(**columns))


@pytest.mark.parametrize(
    ("keys", "to"),
    [
        (["factors"], {"a": 1}),
        (["task"], {}),
        (["columns"], 0),
        (["said", "class_weight"], {"pairs": [["bad", ["x"]]]}),
        (["members", 0, "config", "pairs"], ["x"]),
        (["members", 0, "config", "smoothing"], {"a": 1}),
        (["members", 0, "config", "monotone"], ["a"]),
        (["members", 0, "config", "monotone"], {"a": "up"}),
        (["members", 0, "units"], 10**9),
        (["members", 0, "unit_rounds"], [1] * 50),
    ],
)
def test_a_plan_that_was_changed_is_refused_when_it_is_read(model, tmp_path, keys, to):
    file = Opened.of(model.save(tmp_path / "m.mw"))
    held = file.body["predictor"]["plan"]
    held["members"][0].pop("fits")  # as of an earlier version
    file.write(tmp_path / "m.mw")
    mw.load(tmp_path / "m.mw")
    for key in keys[:-1]:
        held = held[key]
    held[keys[-1]] = to
    file.write(tmp_path / "m.mw")
    with pytest.raises(mw.ArgumentError, match=r"m.mw: it is damaged, or was changed"):
        mw.load(tmp_path / "m.mw")


def test_settings_that_a_learner_refuses_are_told_with_their_member(model):
    for name, value, said in (("num_leaves", 0, "num_leaves"), ("pairs", "many", "str"), ("learning_rate", -1, "rate")):
        plan = copy.deepcopy(model.plan)
        at = next(one for one in plan["members"] if one["learner"] == "lightgbm")
        at["config"][name] = value
        with pytest.raises(mw.ArgumentError, match=f"the member '{at['name']}' cannot be fitted again.*{said}"):
            mw.fit(table(), "y", plan=plan, **QUIET)


def test_columns_are_what_they_were_whatever_the_rows_at_hand_would_make_of_them(model):
    odd = {
        "a": np.full(240, 1.5),  # would be a constant
        "c": np.repeat([1, 2, 3], 80),  # would be numbers
        "size": np.repeat(["10 - 19", "20 - 49"], 120),  # lacks the lowest
        "new": np.where(table(seed=1)["y"] == "good", 1.0, 0.0),  # would tell everything
    }
    again = model.refit(changed(**odd))
    kinds = {one["column"]: one["kind"] for one in model.features()}
    assert {one["column"]: one["kind"] for one in again.features()} == kinds
    assert kinds["size"] == "ordinal" and kinds["a"] == "number"
    assert again._schema["size"].levels == model._schema["size"].levels
    assert again._schema["c"].levels == ("1", "2", "3")
    assert len(again.predict(table(seed=2))) == 240


def test_a_level_that_the_order_lacks_is_told(model):
    size = table(seed=1)["size"].astype(object)
    size[:9] = "50 - 99"
    with pytest.warns(UserWarning, match="'size', and that have no place"):
        again = model.refit(changed(size=size))
    assert again._schema["size"].levels == model._schema["size"].levels


def test_numbers_that_are_written_otherwise_are_told_and_are_those_of_the_model_from_then_on(model):
    shares = changed(a=[f"{cell:.1f} %" for cell in table(seed=1)["a"]])
    said = "'a': its cells have percent signs, and those of the fit had none"
    with pytest.warns(UserWarning, match=said):
        again = model.refit(shares)
    with pytest.warns(UserWarning, match=said):
        planned = mw.fit(shares, "y", plan=model.plan, **QUIET)
    for made in (again, planned):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            made.predict(shares)
        with pytest.warns(UserWarning, match="have no percent sign"):
            made.predict(table(seed=2))


def test_the_class_that_is_looked_for_stays(model):
    assert model._target.positive == "good"
    again = model.refit(table(seed=1, good=0.7))  # now "bad" is the rarer one
    assert again._target.positive == "good"
    assert again.plan["threshold"] == model.plan["threshold"]


def test_a_constraint_is_held_on_rows_that_look_otherwise():
    data = table()
    model = mw.fit(data, "y", monotone={"g": 1}, models=["lightgbm"], trials=1, folds=3, **QUIET)
    rows = changed(g=np.array([f"{number}" for number in table()["g"]]))
    again = model.refit(rows)
    steps = {**{name: np.repeat(cells[:1], 60) for name, cells in rows.items()}, "g": np.arange(60)}
    assert (np.diff(again.predict_proba(steps)[:, 1]) >= -1e-9).all()


def test_nothing_is_said_to_be_judged_that_was_not(model, tmp_path):
    again = model.refit(table(seed=1))
    assert again.score == model.score
    assert "in the fit that the plan is from; nothing was judged here" in again.summary()
    assert "expected of new rows" not in again.summary() and "expected of new rows" in model.summary()
    page = again.report(tmp_path / "r.html").read_text()
    assert "of the fit that the plan is from" in page
    assert "was not fitted on" not in page and "expected of new rows" not in page
    assert "was not fitted on" in model.report(tmp_path / "m.html").read_text()


def test_its_members_are_on_the_leaderboard(model, tmp_path):
    again = mw.load(model.refit(table(seed=1)).save(tmp_path / "r.mw"))
    board = again.leaderboard(table(seed=2))
    names = [one["name"] for one in again.plan["members"]]
    assert [row["model"] for row in board] == ["ensemble", *names]
    assert all(0 < row["test"] <= 1 for row in board) and "score" not in board[0]
    assert board[0]["test"] == pytest.approx(again.evaluate(table(seed=2), "f1")["f1"])
    assert names[0] in str(board) and "in the plan" in str(again.leaderboard())
    assert "candidates tried" not in again.report(tmp_path / "r.html").read_text()


@pytest.mark.parametrize("divided", [{"groups": "g"}, {"time": "day"}])
def test_nothing_is_divided_where_nothing_is_judged(divided):
    how = {"models": ["linear"], "trials": 1, "folds": 3, **QUIET}
    model = mw.fit(table(), "y", **divided, **how)
    one = changed(g=np.zeros(240, int), day=np.repeat(np.array(["2021-01-01", "2021-01-02"], "M8[D]"), 120))
    again = model.refit(one)
    assert again.plan["split"] == model.plan["split"]
    assert len(again.refit(table()).predict(one)) == 240
    if "groups" in divided:
        assert len(model.refit(changed(g=None)).predict(one)) == 240
        bags = mw.fit(table(), "y", preset="best", **divided, **how)
        with pytest.raises(mw.ArgumentError, match="one group"):  # its members are of folds
            bags.refit(one)


def test_a_file_of_text_is_read_as_the_table_of_the_fit_was(model, tmp_path):
    path = tmp_path / "new.csv"
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table())
        writer.writerows(zip(*table(seed=1).values(), strict=True))
    again, typed = model.refit(path), model.refit(table(seed=1))
    assert np.allclose(again.predict_proba(table()), typed.predict_proba(table()))


def test_a_column_that_the_plan_has_is_no_target():
    data = {name: table()[name] for name in "ab"} | {"y": table()["a"] + table()["b"]}
    model = mw.fit(data, "y", models=["linear"], trials=1, folds=2, **QUIET)
    with pytest.raises(mw.ArgumentError, match="the model was given the column 'b', and its target was 'y'"):
        mw.fit(data, "b", plan=model.plan, **QUIET)
    renamed = {"answer" if name == "y" else name: cells for name, cells in data.items()}
    again = mw.fit(renamed, "answer", plan=model.plan, **QUIET)
    assert np.array_equal(again.predict(data), model.predict(data))


# --- beside a plan ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"monotone": {"b": 1}}, r"no monotone=, and now monotone=\{'b': 1\}"),
        ({"preset": "best"}, "preset='good', and now preset='best'"),
        ({"max_rows": 50}, "no max_rows="),
        ({"folds": 4}, "folds=3, and now folds=4"),
        ({"target_score": 0.9}, "no target_score="),
        ({"min_gain": None}, "min_gain='noise', and now min_gain=None"),
        ({"seconds": 5}, "no seconds="),
        ({"trials": 9}, "trials=2, and now trials=9"),
        ({"name": "other"}, "no name=, and now name='other'"),
        ({"drop_suspected": True}, "drop_suspected=False"),
        ({"block": ["linear"]}, "block has 'linear', which is in the plan"),
        ({"models": ["mlp"]}, "models is without '(lightgbm|linear)', which is in the plan"),
        ({"without": ["a"]}, "without has 'a', which the model was given"),
    ],
)
def test_what_a_plan_does_not_carry_out_is_refused(model, more, match):
    assert {one["learner"] for one in model.plan["members"]} == {"lightgbm", "linear"}
    with pytest.raises(mw.ArgumentError, match=match):
        mw.fit(table(), "y", plan=model.plan, **more, **QUIET)


def test_a_plan_makes_no_store(tmp_path):
    how = {"models": ["linear"], "trials": 1, "folds": 2, "name": "one", "verbose": 0}
    model = mw.fit(table(), "y", store=tmp_path / "one.db", **how)
    there = sorted(tmp_path.iterdir())
    mw.fit(table(), "y", plan=model.plan, store=tmp_path / "two.db", **how)
    model.refit(table(), store=tmp_path / "two.db")
    assert sorted(tmp_path.iterdir()) == there


def test_what_is_said_by_names_may_be_said_again_in_any_order():
    how = {"models": ["linear"], "trials": 1, "folds": 2, **QUIET}
    said = {"class_weight": {"good": 5, "bad": 1}, "kinds": {"g": "category", "b": "number"}}
    model = mw.fit(table(), "y", **said, **how)
    turned = {name: dict(reversed(one.items())) for name, one in said.items()}
    again = mw.fit(table(), "y", plan=model.plan, **turned, **QUIET)
    assert np.array_equal(again.predict_proba(table()), model.predict_proba(table()))
    with pytest.raises(mw.ArgumentError, match="carried out with class_weight="):
        mw.fit(table(), "y", plan=model.plan, class_weight={"good": 1, "bad": 5}, **QUIET)


def test_what_the_first_call_said_may_be_said_again():
    how = {"monotone": {"b": -1}, "max_rows": 150, "preset": "fast", "models": ["lightgbm"], "block": ["mlp"]}
    how |= {"trials": 1, "min_gain": None, "target_score": 1.0, "drop_suspected": True, "folds": 2, **QUIET}
    model = mw.fit(table(), "y", **how)
    again = mw.fit(table(), "y", plan=model.plan, **how)
    assert np.array_equal(again.predict_proba(table()), model.predict_proba(table()))
