"""Errors say where once, and propose nothing that cannot be done there."""

import numpy as np
import pytest

import modelwright as mw
from modelwright.cli.main import main
from modelwright.tasks.learners import all_names, names

QUIET = {"models": ["linear"], "trials": 1, "store": ":memory:", "verbose": 0}


@pytest.fixture(scope="module")
def model():
    return mw.fit({"age": np.arange(60) % 9 / 3, "size": np.arange(60) % 7 / 2, "y": ["yes", "no"] * 30}, "y", **QUIET)


def refusal(call, *given, **named):
    with pytest.raises(mw.ModelwrightError) as caught:
        call(*given, **named)
    return str(caught.value)


def test_a_metric_of_another_task_is_refused_with_those_that_go(model):
    rows = {"age": [1.0], "size": [1.0], "y": ["yes"]}
    for said in (refusal(model.evaluate, rows, ["rmse"]), refusal(model.leaderboard, rows, metric="rmse")):
        assert "'rmse' is for regression tasks" in said and said.endswith("balanced_accuracy, f1")


def test_what_is_no_table_is_called_what_it_is():
    assert refusal(mw.fit, None, "y").startswith("fit: the table is None. Allowed: a path")
    assert refusal(mw.fit, 3, "y").startswith("fit: the table is an int.")


def test_what_ends_a_fit_is_said_in_its_own_words():
    said = refusal(mw.fit, {"a": [1, 2], "y": [1, 2]}, "y", min_gain=-1)
    assert said.startswith("fit: min_gain=-1. Allowed: a number above 0 in units of the objective, 'noise', or None")
    assert "when as many trials again as there were are expected" in said


def test_a_file_is_named_once(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("a,y\n" + "1,2\n" * 500)
    said = refusal(mw.fit, "t.csv", "y", memory=10)
    assert said.startswith("fit 't.csv': it has") and said.count("t.csv") == 1
    assert main(["check", "empty.csv", "--target", "y"]) == 3
    assert "modelwright: 'empty.csv': there is no such file" in capsys.readouterr().err
    assert refusal(mw.fit, "http://x/y.csv", "y").startswith("fit 'http://x/y.csv': it is an address, no path")


def test_one_name_that_is_near_is_no_advice_where_many_are_missing(model):
    cells = {"aged": np.arange(5.0), "other": np.arange(5.0)}
    said = refusal(model.predict, cells)
    assert "2 columns" in said and "It has none of them, but 'aged', 'other': is it another table?" in said
    assert "For 'age': Did you mean 'aged'?" in refusal(model.predict, {"aged": cells["aged"], "sizes": cells["other"]})
    assert refusal(model.predict, {"aged": cells["aged"], "size": cells["other"]}).endswith("Did you mean 'aged'?")


NOT_THERE = [name for name in all_names() if name not in names()]


@pytest.mark.skipif(not NOT_THERE, reason="all learners are installed")
def test_a_learner_that_is_not_installed_is_known_and_says_what_installs_it(tmp_path, capsys):
    rows = {"age": np.arange(60) % 9 / 3, "size": np.arange(60) % 7 / 2, "y": ["yes", "no"] * 30}
    said = refusal(mw.fit, rows, "y", **QUIET | {"models": ["linear", *NOT_THERE]})
    assert "which is not installed" in said and f"pip install 'modelwright[{NOT_THERE[0]}]'" in said
    assert mw.fit(rows, "y", block=NOT_THERE, **QUIET).predict(rows).size == 60
    assert (
        "catbost" in (said := refusal(mw.fit, rows, "y", **QUIET | {"models": ["catbost"]})) and "'catboost'?" in said
    )
    (tmp_path / "t.csv").write_text("a,y\n" + "1,no\n2,yes\n" * 30)
    assert main(["fit", str(tmp_path / "t.csv"), "--target", "y", "--model", NOT_THERE[0]]) == 3
    assert f"pip install 'modelwright[{NOT_THERE[0]}]'" in capsys.readouterr().err
