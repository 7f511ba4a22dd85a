"""From a table to a model: what mw.fit promises, on small tables made here."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import warnings
import zipfile

import numpy as np
import pytest

import modelwright as mw

pytest.importorskip("lightgbm")
QUICK = {"trials": 3, "store": ":memory:", "verbose": 0, "models": ["lightgbm", "linear"]}


def customers(rows=400, seed=0, classes=("no", "yes")):
    """Who leaves: by age, by plan, and by a little chance; some cells are missing."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, rows).astype(float)
    plan = rng.choice(["basic", "plus", "pro"], rows)
    score = 0.08 * (age - 50) + np.array([{"basic": -1.5, "plus": 0.0, "pro": 1.5}[p] for p in plan])
    left = rng.random(rows) < 1 / (1 + np.exp(-2 * score))
    age[rng.random(rows) < 0.05] = np.nan
    table = {"age": age, "plan": plan.astype(object), "noise": rng.normal(size=rows)}
    return {**table, "left": np.array(classes, dtype=object)[left.astype(int)]}


def prices(rows=400, seed=0):
    rng = np.random.default_rng(seed)
    size, rooms = rng.uniform(20, 200, rows), rng.integers(1, 6, rows).astype(float)
    return {
        "size": size,
        "rooms": rooms,
        "price": np.exp(0.01 * size + 0.1 * rooms + rng.normal(scale=0.05, size=rows)),
    }


def features(table, target):
    return {name: cells for name, cells in table.items() if name != target}


@pytest.fixture(scope="module")
def model():
    return mw.fit(customers(), "left", **QUICK)


# --- predictions -----------------------------------------------------------------------------------


def test_labels_are_those_of_the_data_and_probabilities_are_in_the_order_of_the_classes(model):
    new = customers(200, seed=1)
    labels, shares = model.predict(features(new, "left")), model.predict_proba(features(new, "left"))
    assert model.classes_.tolist() == ["no", "yes"]
    assert set(labels) <= {"no", "yes"}
    assert shares.shape == (200, 2)
    assert np.allclose(shares.sum(axis=1), 1)
    assert (labels == new["left"]).mean() > 0.75
    assert shares[new["left"] == "yes", 1].mean() > shares[new["left"] == "no", 1].mean() + 0.2


def test_whole_numbers_stay_whole_numbers():
    made = mw.fit(customers(classes=(3, 7)), "left", **QUICK)
    assert made.classes_.tolist() == [3, 7]
    assert made.predict(features(customers(20, seed=2), "left")).dtype.kind == "i"


def test_more_than_two_classes():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 2))
    kind = np.array(["b", "c", "a"], dtype=object)[(x[:, 0] > 0).astype(int) + (x[:, 1] > 0)]
    made = mw.fit({"u": x[:, 0], "v": x[:, 1], "kind": kind}, "kind", **QUICK)
    assert made.task == "multiclass"
    assert made.classes_.tolist() == ["a", "b", "c"]
    assert (made.predict({"u": x[:, 0], "v": x[:, 1]}) == kind).mean() > 0.9


def test_numbers_by_the_logarithm_where_the_metric_is_about_it():
    made = mw.fit(prices(), "price", metric="rmsle", **QUICK)
    new = prices(200, seed=1)
    off = np.log1p(made.predict(features(new, "price"))) - np.log1p(new["price"])
    assert np.sqrt(np.mean(off**2)) < 0.15
    assert made.classes_ is None
    with pytest.raises(mw.ArgumentError, match="no classes"):
        made.predict_proba(new)


def test_rows_may_lack_order_have_more_columns_and_unseen_levels(model):
    new = features(customers(50, seed=3), "left")
    want = model.predict_proba(new)
    turned = {"more": np.arange(50), **{name: new[name] for name in reversed(list(new))}}
    assert np.array_equal(model.predict_proba(turned), want)
    strange = {**new, "plan": np.array(["gold"] * 50, dtype=object)}
    with pytest.warns(UserWarning, match="not fitted on: 'plan'"):
        assert np.isfinite(model.predict_proba(strange)).all()


def test_what_is_new_or_cannot_be_read_is_told_once_with_the_columns(model):
    new = features(customers(50, seed=3), "left")
    age = new["age"].astype(object)
    age[:5] = "old"
    strange = {"age": age, "plan": np.array(["gold"] * 50, dtype=object), "noise": new["noise"]}
    for answer in (model.predict, model.predict_proba):
        with pytest.warns(UserWarning) as caught:
            answer(strange)
        assert len(caught) == 1
        said = str(caught[0].message)
        assert "taken as missing: 'age'" in said and "not fitted on: 'plan'" in said
        assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="not fitted on: 'plan'") as caught:
        model.predict({"age": 40.0, "plan": "gold", "noise": 0.0})
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(new)


def test_a_column_that_is_not_there_is_named(model):
    with pytest.raises(mw.ArgumentError, match="plan"):
        model.predict({"age": [30.0], "noise": [0.0]})


def test_one_row_is_predicted_as_in_a_table(model):
    new = features(customers(20, seed=4), "left")
    together = model.predict_proba(new)
    for i in range(20):
        alone = model.predict_proba({name: cells[i] for name, cells in new.items()})
        assert np.allclose(alone[0], together[i], atol=1e-6)


# --- files -----------------------------------------------------------------------------------------


def test_a_model_is_one_file_without_pickle_and_predicts_the_same_in_another_process(model, tmp_path):
    path = model.save(tmp_path / "churn.mw")
    new = customers(30, seed=5)
    want = model.predict_proba(features(new, "left"))
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        assert all(name == "model.json" or name.endswith(".npy") for name in names)
        assert not any(archive.read(name)[:2] == b"\x80\x04" for name in names)
    (tmp_path / "new.json").write_text(json.dumps({k: v.tolist() for k, v in features(new, "left").items()}))
    code = """
        import json, sys, modelwright as mw
        table = json.load(open(sys.argv[2]))
        print(json.dumps(mw.load(sys.argv[1]).predict_proba(table).tolist()))
        assert "keras" not in sys.modules
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(path), str(tmp_path / "new.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert np.array_equal(np.array(json.loads(done.stdout)), want)


@pytest.mark.parametrize("content", [b"", b"no zip", None])
def test_what_is_no_model_is_refused_with_its_name(tmp_path, content):
    path = tmp_path / "model.mw"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(mw.ArgumentError, match=r"model\.mw"):
        mw.load(path)


def test_a_file_that_was_cut_short_is_refused(model, tmp_path):
    path = model.save(tmp_path / "m.mw")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(mw.ArgumentError, match="cannot be read"):
        mw.load(path)


# --- the same again --------------------------------------------------------------------------------


def test_a_seed_gives_the_same_model_with_a_budget_in_trials(model):
    again = mw.fit(customers(), "left", **QUICK)
    new = features(customers(50, seed=6), "left")
    assert np.array_equal(again.predict_proba(new), model.predict_proba(new))
    assert [row["model"] for row in again.leaderboard()] == [row["model"] for row in model.leaderboard()]


def test_a_plan_is_carried_out_again_to_the_same_predictions():
    first = mw.fit(customers(), "left", seconds=6, store=":memory:", verbose=0)
    again = mw.fit(customers(), "left", plan=first.plan, verbose=0)
    new = features(customers(50, seed=7), "left")
    assert np.array_equal(again.predict_proba(new), first.predict_proba(new))


def test_a_model_is_fitted_again_on_other_rows(model):
    other = customers(300, seed=10)
    again = model.refit(other)
    new = features(customers(100, seed=11), "left")
    assert [one["learner"] for one in again.plan["members"]] == [one["learner"] for one in model.plan["members"]]
    assert not np.array_equal(again.predict_proba(new), model.predict_proba(new))
    assert np.corrcoef(again.predict_proba(new)[:, 1], model.predict_proba(new)[:, 1])[0, 1] > 0.8


def test_a_fit_goes_on_from_what_it_knows(tmp_path):
    asked = {**QUICK, "trials": 2, "store": tmp_path / "s.db"}
    first = mw.fit(customers(), "left", **asked)
    more = first.fit(customers(), trials=2, verbose=0, models=asked["models"])
    before = {row["model"]: row["score"] for row in first.leaderboard()[1:]}
    after = {row["model"]: row["score"] for row in more.leaderboard()[1:]}
    assert len(after) == 4
    assert all(after[name] == score for name, score in before.items())


def test_models_of_candidates_that_are_no_members_do_not_stay(tmp_path):
    made = mw.fit(customers(), "left", trials=6, store=tmp_path / "s.db", name="fit", verbose=0, models=["linear"])
    members = {f"trial-{entry['trial']:05d}" for entry in made.plan["members"]}
    kept = {path.parent.name for path in tmp_path.rglob("*") if path.suffix == ".mw"}
    assert len(mw.load_study("fit", tmp_path / "s.db").trials) == 6
    assert kept == members and len(members) < 6


def test_a_fit_that_was_kept_nowhere_cannot_go_on(model):
    with pytest.raises(mw.ArgumentError, match="no study"):
        model.fit(customers(), trials=1)


# --- what it says ----------------------------------------------------------------------------------


def test_the_leaderboard_has_all_candidates_and_scores_on_a_test_table(model):
    board = model.leaderboard(customers(300, seed=8))
    assert board[0]["model"] == "ensemble"
    assert len(board) == 4
    assert np.isclose(sum(row["weight"] or 0 for row in board[1:]), 1)
    assert 0.5 < board[0]["test"] <= 1
    tested = [row for row in board[1:] if row["weight"]]
    assert all(0.5 < row["test"] <= 1 for row in tested)
    assert "roc_auc" in str(board)


def test_decisions_and_checks_are_listed(model):
    assert {"task", "metric", "validation", "ensemble"} <= {one["what"] for one in model.decisions}
    assert {"duplicate rows", "missing values"} <= {one["name"] for one in model.checks}


def test_features_say_what_became_of_each_raw_column():
    table = {**customers(), "same": np.zeros(400), "key": np.array([f"K{i:05d}" for i in range(400)], dtype=object)}
    made = mw.fit(table, "left", **QUICK)
    found = {one["column"]: one for one in made.features()}
    assert list(found) == ["age", "plan", "noise", "same", "key"]
    members = {entry["name"] for entry in made.plan["members"]}
    assert set(found["age"]["used"]) == members and set(found["plan"]["used"]) == members
    assert all(names for names in found["age"]["used"].values())
    assert "left out: constant" in found["same"]["became"] and not found["same"]["used"]
    assert "left out: id" in found["key"]["became"] and found["key"]["why"]
    assert np.isclose(sum(one["share"] for one in found.values()), 1)
    assert found["age"]["share"] > found["noise"]["share"]


def test_features_that_a_member_does_not_take_come_with_the_reason():
    table = customers()
    table["again"] = table["age"] * 2
    made = mw.fit(table, "left", trials=1, store=":memory:", verbose=0, models=["linear"])
    for one in made.features():
        for names in one["dropped"].values():
            assert all(isinstance(why, str) and why for why in names.values())
        kept = {name for names in one["used"].values() for name in names}
        gone = {name for names in one["dropped"].values() for name in names}
        assert not kept & gone


def test_a_leak_is_an_alert_and_is_dropped_only_when_asked():
    table = customers()
    table["told"] = np.where(table["left"] == "yes", 1.0, 0.0) + np.random.default_rng(0).normal(scale=0.01, size=400)
    kept = mw.fit(table, "left", **QUICK)
    assert any(one["column"] == "told" and one["status"] == "alert" for one in kept.checks)
    assert kept.score > 0.99
    dropped = mw.fit(table, "left", drop_suspected=True, **QUICK)
    assert dropped.score < 0.99
    assert "told" not in [one["column"] for one in dropped.features()]


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"target": "gone"}, "gone"),
        ({"seconds": 0}, "seconds"),
        ({"trials": -1}, "trials"),
        ({"preset": "quick"}, "preset"),
        ({"models": ["lightgmb"]}, "lightgbm"),
        ({"groups": "nobody"}, "nobody"),
        ({"metric": "rmse"}, "regression"),
        ({"class_weight": {"maybe": 2}}, "maybe"),
        ({"sample_weight": [1, 2, 3]}, "sample_weight"),
        ({"plan": {}}, "plan"),
    ],
)
def test_wrong_arguments_are_refused_with_what_is_allowed(wrong, match):
    asked = {"target": "left", **QUICK, **wrong}
    with pytest.raises(mw.ArgumentError, match=match):
        mw.fit(customers(), asked.pop("target"), **asked)


# --- time ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("time_limit", "is written seconds="),
        ("label", "mw.fit(table, target, ...)"),
        ("eval_metric", "is written metric="),
        ("presets", "is written preset="),
        ("cat_features", "is written kinds="),
        ("num_cpus", "is written workers="),
        ("time_limit_seconds", "is written seconds="),
        ("test_data", "model.evaluate(table)"),
        ("path", "is written store="),
        ("TARGET", "Did you mean 'target'?"),
        ("trails", "Did you mean 'trials'?"),
        ("whatever", "help(mw.fit)"),
    ],
)
def test_words_of_other_tools_are_answered_with_those_that_are_meant(word, meant):
    with pytest.raises(mw.ArgumentError) as caught:
        mw.fit(customers(), "left", **{word: 3})
    assert f"fit: there is no argument {word!r}" in str(caught.value) and meant in str(caught.value)


def test_what_is_given_by_position_beyond_the_target_is_asked_for_by_its_name():
    with pytest.raises(
        mw.ArgumentError, match="fit: 3 arguments by position.*Write the name, such as seconds=300"
    ) as e:
        mw.fit(customers(), "left", 300)
    assert isinstance(e.value, TypeError) and "Allowed: 'table', 'target' by position" in str(e.value)


def test_in_seconds_that_are_few_there_is_a_model_better_than_the_constant():
    made = mw.fit(customers(), "left", seconds=1.5, store=":memory:", verbose=0)
    new = customers(500, seed=9)
    shares = made.predict_proba(features(new, "left"))[:, 1]
    yes = new["left"] == "yes"
    assert (shares[yes][:, None] > shares[~yes][None, :]).mean() > 0.65


def test_a_fit_that_was_killed_goes_on_with_what_it_knew(tmp_path):
    store = tmp_path / "s.db"
    code = """
        import sys
        sys.path.insert(0, sys.argv[2])
        import modelwright as mw
        from test_fit import customers
        if __name__ == "__main__":
            mw.fit(customers(), "left", seconds=60, name="churn", store=sys.argv[1], verbose=0)
    """
    script = tmp_path / "fit_it.py"
    script.write_text(textwrap.dedent(code))
    here = os.path.dirname(__file__)
    process = subprocess.Popen([sys.executable, str(script), str(store), here], start_new_session=True)
    until = time.monotonic() + 60
    known = 0
    while known < 4 and time.monotonic() < until:
        time.sleep(0.2)
        try:
            known = sum(trial.value is not None for trial in mw.load_study("churn", store).trials)
        except mw.ModelwrightError:
            known = 0
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert known >= 4
    made = mw.fit(customers(), "left", seconds=12, name="churn", store=store, verbose=0)
    assert len(made.leaderboard()) > known
    assert made.score > 0.75


def test_the_time_of_a_fit_is_counted_once_over_all_of_its_parts():
    from modelwright.core.clock import SystemClock

    rng = np.random.default_rng(0)
    data = {"a": rng.normal(size=3000), "b": rng.normal(size=3000)}
    data["y"] = (data["a"] + rng.normal(size=3000) > 0).astype(int)
    clock = SystemClock()
    began = clock.monotonic()
    model = mw.fit(data, "y", seconds=6, verbose=0, store=":memory:")
    wall = clock.monotonic() - began
    spent = model._body["asked"]["spent"]["seconds"]
    assert 0.3 * wall < spent <= wall + 0.1
