"""Estimators of somebody's own in plans, refits and searches that go on."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

import modelwright as mw

QUIET = {"verbose": 0, "store": ":memory:"}


def table(rows=200, seed=0):
    rng = np.random.default_rng(seed)
    data = {"a": rng.normal(size=rows), "c": rng.choice(["x", "y", "z"], rows)}
    return {**data, "y": np.where(data["a"] + rng.normal(size=rows) > 0, "yes", "no")}


@pytest.fixture(scope="module")
def model():
    return mw.fit(table(), "y", models=[LogisticRegression(C=0.3), "constant"], trials=3, **QUIET)


def test_a_plan_is_carried_out_again_with_them(model):
    assert "logisticregression" in {entry["learner"] for entry in model.plan["members"]}
    again = mw.fit(table(), "y", plan=model.plan, models=[LogisticRegression(C=0.3)], **QUIET)
    assert np.array_equal(again.predict_proba(table()), model.predict_proba(table()))


def test_a_refit_takes_them(model):
    again = model.refit(table(seed=1), models=[LogisticRegression(C=0.3)])
    assert [one["name"] for one in again.plan["members"]] == [one["name"] for one in model.plan["members"]]
    one = model.refit(table(), models=LogisticRegression(C=0.3))
    assert np.array_equal(one.predict_proba(table()), model.predict_proba(table()))


def test_without_them_it_says_what_to_pass(model):
    for again in (lambda: model.refit(table()), lambda: mw.fit(table(), "y", plan=model.plan, **QUIET)):
        with pytest.raises(mw.ArgumentError, match=r"'logisticregression \d' is an estimator of your own.* models="):
            again()


def test_another_one_than_was_there_is_refused(model):
    with pytest.raises(mw.ArgumentError, match="an estimator of your own"):
        model.refit(table(), models=[RandomForestClassifier()])


def test_a_search_goes_on_with_them(tmp_path):
    kept = {"store": tmp_path / "s.db", "name": "s", "verbose": 0}
    first = mw.fit(table(), "y", models=[LogisticRegression()], trials=1, **kept)
    with pytest.raises(mw.ArgumentError, match="Pass models= again"):
        first.fit(table(), trials=1)
    further = first.fit(table(), trials=1, models=[LogisticRegression()], verbose=0)
    assert len(further.leaderboard()) == 3


def test_what_they_warn_of_is_said_once_a_fit(tmp_path):
    script = tmp_path / "fits.py"
    script.write_text(
        "import sys, warnings\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import modelwright as mw\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "from test_own_again import QUIET, table\n"
        "given = {'models': [LogisticRegression(max_iter=1, solver='saga')], **QUIET}\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    model = mw.fit(table(), 'y', trials=3, folds=3, **given)\n"
        "    plan = mw.fit(table(), 'y', plan=model.plan, **given)\n"
        "print([str(one.message) for one in caught])\n"
        "print([one['why'] for one in model.decisions if 'of it warned' in one['decided']])\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    said, decided = map(ast.literal_eval, done.stdout.splitlines())
    assert len(said) == 2 and all(one.count("ConvergenceWarning") == 1 for one in said)
    assert len(decided) == 1 and "ConvergenceWarning" in decided[0] and not done.stderr


def test_several_of_a_class_are_tried_and_found_again():
    shallow, deep = DecisionTreeClassifier(max_depth=1), DecisionTreeClassifier(max_depth=9)
    model = mw.fit(table(), "y", models=[shallow, deep], trials=2, folds=2, **QUIET)
    names = {f"decisiontreeclassifier(max_depth={depth})" for depth in (1, 9)}
    assert {row["model"].split()[0] for row in model.leaderboard()[1:]} == names
    again = mw.fit(table(), "y", plan=model.plan, models=[deep, shallow], **QUIET)
    assert np.array_equal(again.predict_proba(table()), model.predict_proba(table()))
    with pytest.raises(mw.ArgumentError, match="an estimator of your own"):
        model.refit(table(), models=[DecisionTreeClassifier(max_depth=5)])


def test_a_decision_and_a_warning_say_that_weights_do_not_count():
    given = {"models": [KNeighborsClassifier()], "trials": 1, "folds": 2, **QUIET}
    with pytest.warns(UserWarning, match="kneighborsclassifier warned: its fit takes no sample_weight"):
        model = mw.fit(table(), "y", class_weight="balanced", **given)
    assert any("no sample_weight" in one["why"] for one in model.decisions)
