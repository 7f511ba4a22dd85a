"""What a fit gives back, in use: scores of other tables, lists that are read, pickles, and places it is saved to."""

import os
import pickle

import numpy as np
import pytest
from stored_files import predictor
from stored_files import table as columns

import modelwright as mw
from modelwright.core.errors import ArgumentError, StoreError
from modelwright.tasks import learners
from modelwright.tasks.account.listing import Checks, Decisions, Features
from modelwright.tasks.result.leaderboard import Leaderboard

pytest.importorskip("lightgbm")
QUICK = {"trials": 2, "folds": 2, "store": ":memory:", "verbose": 0}


def far_off(y, predicted):
    """Share of the labels that differ; the lower the better."""
    return float(np.mean(np.asarray(y) != np.asarray(predicted)))


far_off.higher = False


def table(rows=200, seed=0, goal="classes"):
    draw = np.random.default_rng(seed)
    a, c = draw.normal(size=rows), draw.choice(["x", "y", "z"], rows)
    value = 2 * a + (c == "x") + 0.3 * draw.normal(size=rows)
    y = value if goal == "numbers" else np.where(value > 0.3, "yes", "no")
    return {"a": a, "c": c, "same": ["m"] * rows, "y": y}


@pytest.fixture(scope="module")
def classes():
    return mw.fit(table(), "y", **QUICK)


@pytest.fixture(scope="module")
def numbers():
    return mw.fit(table(goal="numbers"), "y", models=["linear", "lightgbm"], **QUICK)


def test_a_model_is_scored_on_another_table_by_all_that_goes_with_the_task(classes, numbers):
    other = table(seed=1)
    found = classes.evaluate(other)
    assert next(iter(found)) == "roc_auc" and {"accuracy", "log_loss", "f1"} <= set(found)
    assert found["accuracy"] == pytest.approx(np.mean(classes.predict(other) == other["y"]))
    assert found["roc_auc"] == pytest.approx(classes.leaderboard(other)[0]["test"])
    other = table(seed=1, goal="numbers")
    found = numbers.evaluate(other)
    assert next(iter(found)) == "rmse" and {"mae", "r2"} <= set(found) and "rmsle" not in found
    assert found["mae"] == pytest.approx(np.mean(np.abs(numbers.predict(other) - other["y"])))


def test_a_score_that_has_no_value_is_said_to_have_none(classes, tmp_path):
    assert "roc_auc 0." in classes.summary() and " ± 0." in classes.summary()
    model = pickle.loads(pickle.dumps(classes))
    model._body |= {"spread": float("nan")}
    assert "roc_auc 0." in model.summary() and "±" not in model.summary()
    assert "±" not in model.report(tmp_path / "one.html").read_text().split("expected of new rows")[0]
    model._body |= {"score": float("nan")}
    assert "roc_auc has no value, expected of new rows" in model.summary() and "nan" not in model.summary()


def test_the_class_that_f1_is_about_is_told_and_stays_the_same(classes, tmp_path):
    pytest.importorskip("sklearn")
    from sklearn.metrics import f1_score

    rarer, other = min("no", "yes", key=table()["y"].tolist().count), table(seed=1)
    again = mw.load(classes.save(tmp_path / "kept.mw"))
    assert "roc_auc of" not in again.summary()
    for model in (classes, again, again.refit({**other, "y": np.where(other["y"] == "yes", "no", "yes")})):
        assert model.looked_for == rarer
        true = f1_score(other["y"], model.predict(other), pos_label=rarer)
        assert model.evaluate(other, "f1")["f1"] == pytest.approx(true)
        assert f"test f1 of {rarer!r}" in str(model.leaderboard(other, metric="f1"))


def test_the_metrics_may_be_said(classes):
    other = table(seed=1)
    assert list(classes.evaluate(other, "accuracy")) == ["accuracy"]
    found = classes.evaluate(other, ["accuracy", far_off, "neg_brier_score"])
    assert list(found) == ["accuracy", "far_off", "neg_brier_score"]
    assert found["far_off"] == pytest.approx(1 - found["accuracy"])
    refused = [("acuracy", "no metric"), ("rmse", "regression"), (5, "metrics is an int"), (["f1"] * 2, "two")]
    for wrong, said in refused:
        with pytest.raises(ArgumentError, match=said):
            classes.evaluate(other, wrong)


def test_rows_that_cannot_judge_are_told(classes):
    other = table(seed=1)
    strange = {**other, "y": np.where(np.arange(200) < 50, other["y"], "maybe")}
    with pytest.warns(UserWarning, match="150 rows of 200 have a class that the model does not know, such as 'maybe'"):
        found = classes.evaluate(strange, "accuracy")
    assert found["accuracy"] == pytest.approx(np.mean(classes.predict(other)[:50] == other["y"][:50]))
    with pytest.raises(ArgumentError, match="such as 'maybe' in row 0, and no row is left"):
        classes.evaluate({**other, "y": ["maybe"] * 200})
    with pytest.raises(ArgumentError, match="no row has a 'y'"):
        classes.leaderboard({**other, "y": [None] * 200})
    with pytest.raises(ArgumentError, match="evaluate: there is no column 'y'"):
        classes.evaluate({"a": other["a"], "c": other["c"]})
    for label in ("yes", "no"):
        with pytest.warns(UserWarning, match=rf"evaluate: every row has the class '{label}': roc_auc") as heard:
            one = classes.evaluate({name: cells[:3] for name, cells in {**other, "y": [label] * 200}.items()})
        assert np.isnan(one["roc_auc"]) and np.isfinite(one["accuracy"]) and len(heard) == 1
        none = ", average_precision have no value" if label != classes.looked_for else " has no value, and average"
        assert none in str(heard[0].message)
    with pytest.warns(UserWarning, match="leaderboard: every row has the class 'yes': roc_auc has no value"):
        board = classes.leaderboard({**other, "y": ["yes"] * 200}, metric="roc_auc")
    assert np.isnan(board[0]["test"])


def test_cells_that_a_model_does_not_know_are_told_as_the_table_has_them():
    draw = np.random.default_rng(0)
    data = {"a": draw.normal(size=60), "y": np.arange(60) % 2}
    model = mw.fit(data, "y", models=["linear"], trials=1, folds=2, store=":memory:", verbose=0)
    with pytest.warns(UserWarning, match="such as 2 in row 3;"):
        model.evaluate({**data, "y": np.where(np.arange(60) == 3, 2, data["y"])}, "accuracy")


def test_a_metric_that_a_file_does_not_keep_is_asked_for_again(tmp_path):
    model, other = mw.fit(table(), "y", metric=far_off, **QUICK), table(seed=1)
    before = model.leaderboard(other)[0]["test"]
    again = mw.load(model.save(tmp_path / "m.mw"))
    with pytest.raises(ArgumentError, match=r"the fit went by 'far_off', an object .* Pass metric= again"):
        again.leaderboard(other)
    assert again.leaderboard(other, metric=far_off)[0]["test"] == before
    assert "far_off" not in again.evaluate(other) and "accuracy" in again.evaluate(other)
    board = again.leaderboard(other, metric="accuracy")
    assert "test accuracy" in str(board).splitlines()[0]


def test_what_is_deployed_has_its_seconds_and_its_speed(numbers):
    ensemble, *others = numbers.leaderboard()
    members = [row for row in others if row["weight"]]
    assert ensemble["fit_seconds"] > 0 and ensemble["mb"] == pytest.approx(sum(row["mb"] for row in members))
    assert 0 < ensemble["row_us"] < 1e5
    bagged = mw.fit(table(), "y", preset="best", models=["lightgbm"], **{**QUICK, "trials": 1})
    last = next(one for one in bagged.decisions if one["what"] == "last fits")
    assert (last["why"], last["undo"]) == ("preset='best' uses them together", "preset=")
    ensemble, only = bagged.leaderboard()
    assert ensemble["fit_seconds"] == pytest.approx(only["fit_seconds"] * len(bagged._members))


@pytest.mark.parametrize("goal", ["classes", "numbers"])
def test_a_member_is_scored_as_it_is_used(goal):
    other = table(seed=1, goal=goal)
    asked = {"models": ["lightgbm"], "preset": "best", "folds": 3, "trials": 1, "store": ":memory:", "verbose": 0}
    model = mw.fit(table(600, goal=goal), "y", metric="log_loss" if goal == "classes" else None, **asked)
    assert len(model.plan["members"]) == 1 and len(model._members) == 9
    assert goal == "numbers" or model.plan["temperature"] != 1.0
    for metric in ("log_loss", "f1", "roc_auc") if goal == "classes" else ("rmse", "mae"):
        ensemble, member = model.leaderboard(other, metric=metric)[:2]
        assert member["test"] == pytest.approx(ensemble["test"]), metric


def test_a_model_can_be_pickled_before_and_after_it_was_used(classes, numbers):
    for model, rows in ((classes, table(seed=1)), (numbers, table(seed=1, goal="numbers"))):
        model.leaderboard(rows), model.predict({"a": 0.5, "c": "x", "same": "m"})
        again = pickle.loads(pickle.dumps(model))
        assert again.predict(rows).tolist() == model.predict(rows).tolist()
        assert again.leaderboard(rows) == model.leaderboard(rows) and again.plan == model.plan
        assert repr(again) == repr(model)


def test_metrics_can_be_pickled(classes):
    from modelwright.tasks.scoring.metrics import Metric

    y, predicted = np.array([0, 1, 1]), np.array([0.2, 0.9, 0.4])
    for given in ("roc_auc", "f1", "neg_brier_score", far_off):
        metric = Metric.of(given, classes._target)
        assert pickle.loads(pickle.dumps(metric)).score(y, predicted) == metric.score(y, predicted)


def test_lists_are_lists_and_print_as_tables(classes):
    assert isinstance(classes.checks, list) and classes.checks == classes._body["checks"]
    assert classes.decisions[0]["what"] == "task"
    told = str(classes.checks).splitlines()
    assert told[0].split() == ["status", "check", "column", "found"]
    assert any(line.startswith("fixed") and "same" in line for line in told)
    assert told[-1].startswith(("passed", " ")) and all(len(line) <= 120 for line in told)
    decided = str(classes.decisions)
    assert "task" in decided and "{" not in decided.splitlines()[1] and repr(classes.decisions) == decided


def test_a_leaderboard_says_why_its_order_is_not_that_of_the_scores():
    rows = [{"model": "ensemble", "score": 0.8, "selected": False}]
    rows += [{"model": f"m {i}", "score": score, "selected": True} for i, score in enumerate([0.9, 0.95, 0.7])]
    why = "the folds that judged both"
    assert why in str(Leaderboard(rows, metric="roc_auc", higher=True)).splitlines()[-1]
    in_order = [rows[0], rows[2], rows[1], rows[3]]
    assert why not in str(Leaderboard(in_order, metric="roc_auc", higher=True))
    assert why in str(Leaderboard(in_order, metric="rmse", higher=False))


def test_what_became_of_columns_prints_as_a_table_by_share(classes):
    found = classes.features()
    assert isinstance(found, list) and str(found) == repr(found)
    head, *lines = str(found).splitlines()
    assert head.split() == ["column", "kind", "share", "became"] and len(lines) == len(found)
    shares = [float(line.split("%")[0].split()[-1]) for line in lines]
    assert shares == sorted(shares, reverse=True) and max(map(len, lines)) <= 120 and "{" not in str(found)
    many = Features({"column": f"c{i}", "kind": "number", "share": i / 1e6, "became": "1 feature"} for i in range(900))
    assert str(many).splitlines()[1].startswith("c899") and "700 more columns" in str(many).splitlines()[-1]
    assert str(Features()).split() == ["column", "kind", "share", "became"]


def test_alerts_stand_first_and_long_ones_are_wrapped():
    found = Checks(
        [
            {"status": "passed", "name": "ids", "message": "none"},
            {"status": "fixed", "name": "constants", "column": "u", "message": "every cell is 'm'", "done": "left out"},
            {"status": "alert", "name": "outliers", "column": "x" * 60, "message": "far off " * 40, "undo": "look"},
        ]
    )
    lines = str(found).splitlines()
    assert lines[1].startswith("alert") and max(map(len, lines)) <= 120
    assert [line for line in lines if line.startswith("fixed")] and lines[-1].split() == ["passed", "ids"]
    assert str(Checks()) and str(Decisions()) and [*Checks(found)] == list(found)


def test_a_model_is_saved_to_files_alone(classes, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for place in (pipe, tmp_path):
        with pytest.raises(StoreError, match="no regular file|it is a folder"):
            classes.save(place)
    for place in (None, 3, b"m.mw"):
        with pytest.raises(ArgumentError, match="path is|is no path"):
            classes.save(place)
        with pytest.raises(ArgumentError, match="path is|is no path"):
            classes.report(place)
        with pytest.raises(ArgumentError, match="path is"):
            mw.load(place)
    page = tmp_path / "pipe.html"
    os.mkfifo(page)
    with pytest.raises(ArgumentError, match="no regular file"):
        classes.report(page)
    assert page.is_fifo()
    page.unlink()
    assert pipe.is_fifo() and sorted(one.name for one in tmp_path.iterdir()) == ["pipe"]
    assert classes.save(tmp_path / "m.mw").is_file() and classes.save(tmp_path / "m.mw").is_file()


def test_columns_may_be_called_by_what_the_frame_calls_them():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(np.random.default_rng(0).normal(size=(120, 4)))
    frame[3] = frame[0] * 2 + frame[1].abs()
    frame[2] = frame[2].abs()
    quick = {**QUICK, "models": ["lightgbm"]}
    model = mw.fit(frame, 3, kinds={1: "number"}, monotone={0: 1}, sample_weight=2, **quick)
    assert model.target == "3" and {one["column"] for one in model.features()} == {"0", "1"}
    assert mw.fit(frame, np.int64(3), without=[2], **quick).evaluate(frame, "r2")["r2"] > 0.5
    with pytest.raises(ArgumentError, match="no column '7'"):
        mw.fit(frame, 7, **quick)
    frame.columns = pandas.MultiIndex.from_product([["a"], range(4)])
    assert mw.fit(frame, ("a", 3), **quick).target == "a.3"


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_table_without_rows_has_no_predictions(task, tmp_path):
    names = [name for name in learners.names() if name != "catboost" and task in learners.learner(name).tasks]
    model = predictor(task, names)
    for one in (model, mw.load(model.save(tmp_path / "m.mw"))):
        none = {name: cells[:0] for name, cells in columns(4)[0].items()}
        assert one.predict(none).shape == one.predict([]).shape == one.predict(()).shape == (0,)
        assert one.predict(none).dtype == one.predict(columns(4)[0]).dtype
        if task != "regression":
            assert one.predict_proba(none).shape == one.predict_proba([]).shape == (0, len(one.classes_))


@pytest.mark.parametrize(
    "names", [(0, "one"), (1, 2.5, "x"), (True, "no", 3), (1.0, 2.0, "other"), (1e-20, 1e20), (2**70, "a")], ids=str
)
def test_labels_of_several_types_come_back_from_a_file_as_they_were_given(names, tmp_path):
    x = np.linspace(-1, 1, 90)
    given = [names[int(place)] for place in np.linspace(0, len(names) - 0.01, 90)]
    rows = {"x": x, "y": np.array(given, dtype=object)}
    asked = {"task": "binary" if len(names) == 2 else "multiclass", "models": ["linear"], **QUICK, "trials": 1}
    model = mw.fit(rows, "y", **asked)
    model.save(tmp_path / "mixed.mw")
    again = mw.load(tmp_path / "mixed.mw")
    assert set(map(type, again.classes_.tolist())) == set(map(type, names)) and set(again.classes_) == set(names)
    assert again.predict(rows).tolist() == model.predict(rows).tolist()
    assert np.mean([one == other for one, other in zip(again.predict(rows).tolist(), given)]) > 0.9


def test_text_is_text_where_the_source_has_types(tmp_path):
    pandas, x = pytest.importorskip("pandas"), np.linspace(-1, 1, 60)
    pytest.importorskip("pyarrow")
    frame = pandas.DataFrame({"x": x, "y": np.where(x > 0, "10", "9")})
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv", index=False)
    asked = {"models": ["linear"], **QUICK, "trials": 1}
    for source in (frame, tmp_path / "t.parquet"):
        assert mw.fit(source, "y", **asked).classes_.tolist() == ["10", "9"]
    assert mw.fit(tmp_path / "t.csv", "y", **asked).classes_.tolist() == [9, 10]
