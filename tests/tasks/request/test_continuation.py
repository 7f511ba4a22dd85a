"""A search that goes on from its model: in the study that it is from, or not at all; a file chooses no store."""

import inspect
import os
import pickle
import re
import warnings

import numpy as np
import pytest

import modelwright as mw
from modelwright.store.base import open_store
from modelwright.study.crew import Crew
from modelwright.tasks.request.continuation import KEPT, SAID, further
from modelwright.tasks.search import finishing
from modelwright.tasks.search.session import Session

FAST = {"models": ["linear"], "trials": 1, "folds": 2, "verbose": 0}


def table(rows=120, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=rows)
    return {"a": a, "b": rng.normal(size=rows), "y": np.where(a + rng.normal(size=rows) > 0, "yes", "no")}


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A model whose store was named by a path of the folder it was made in."""
    monkeypatch.chdir(tmp_path)
    return mw.fit(table(), "y", store="s.db", name="s", **FAST)


def tried(model):
    return len(model.leaderboard()) - 1


def test_a_search_goes_on_from_another_folder_too(kept, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert tried(kept.fit(table(), trials=1, verbose=0)) == 2
    assert tried(pickle.loads(pickle.dumps(kept)).fit(table(), trials=1, verbose=0)) == 3
    assert os.listdir() == []


def test_arguments_that_there_are_none_of_are_told_before_anything_else(kept):
    with pytest.raises(mw.ArgumentError, match=r"Predictor\.fit: there is no argument 'trial'.*Did you mean 'trials'"):
        kept.fit(table(), trial=1)
    with pytest.raises(mw.ArgumentError, match="time_limit= is written seconds="):
        kept.fit(table(), time_limit=3)
    with pytest.raises(mw.ArgumentError, match=r"data= is written first, by position: model\.fit\(table, \.\.\.\)"):
        kept.fit(table(), data=3)
    with pytest.raises(mw.ArgumentError, match=r"label= is written nowhere: the target is that of the search"):
        kept.fit(table(), label="y")
    assert set(SAID) == set(inspect.signature(mw.fit).parameters) - {"table", "target", "plan"}


def test_a_search_whose_study_is_gone_does_not_begin_anew(kept, tmp_path):
    (tmp_path / "s.db").rename(tmp_path / "moved.db")
    with pytest.raises(mw.StudyError, match=r"s\.db.*there is no store.*begins a new search"):
        kept.fit(table(), trials=1, verbose=0)
    assert not (tmp_path / "s.db").exists()
    with pytest.raises(mw.StudyError, match=r"there is no study 's' to go on with.*begins a new search"):
        kept.fit(table(), trials=1, store=":memory:", verbose=0)
    assert tried(kept.fit(table(), trials=1, store=tmp_path / "moved.db", verbose=0)) == 2


def test_the_file_of_a_model_does_not_choose_what_is_opened(kept, tmp_path):
    kept._body["asked"]["arguments"]["store"] = str(tmp_path / "theirs.db")
    kept.save("gift.mw")
    gift = mw.load("gift.mw")
    with pytest.raises(mw.ArgumentError, match=r"does not choose the store.*theirs\.db.*Pass store="):
        gift.fit(table(), trials=1, verbose=0)
    assert not (tmp_path / "theirs.db").exists()
    assert tried(gift.fit(table(), trials=1, store="s.db", verbose=0)) == 2
    with pytest.raises(mw.StudyError, match=r"theirs\.db"):
        mw.load("gift.mw", trust=True).fit(table(), trials=1, verbose=0)


def test_the_file_of_a_model_says_how_the_search_went_on_and_nothing_else(kept):
    asked = kept._body["asked"]
    asked["arguments"] |= {"plan": {}, "table": "/etc/passwd", "began": 0.0}
    said = further(kept._body, trusted=True, seconds=None, trials=2, more={"verbose": 0})
    assert set(said) <= {*KEPT, "store", "seconds", "trials", "verbose"}
    assert said["trials"] == 3 and said["models"] == ["linear"]


def test_a_password_that_is_not_kept_is_asked_for(kept):
    kept._body["asked"]["arguments"]["store"] = "postgresql://me:***@there/db"
    with pytest.raises(mw.ArgumentError, match="password"):
        kept.fit(table(), trials=1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"seconds": -1}, r"Predictor\.fit: seconds=-1\. Allowed: a number above 0"),
        ({"seconds": "5"}, r"seconds='5'\. Allowed"),
        ({"trials": 0}, r"Predictor\.fit: trials=0\. Allowed: a whole number from 1"),
        ({"trials": True}, r"trials=True"),
        ({"trials": 1, "target": "b"}, r"target='b': it is that of the search\. mw\.fit\(\.\.\.\) begins a new search"),
    ],
)
def test_what_makes_no_sense_of_a_search_that_goes_on_is_refused(kept, given, said):
    with pytest.raises(mw.ArgumentError, match=said):
        kept.fit(table(), **given)


def test_calls_on_the_same_model_each_have_what_they_ask_for(kept):
    assert [tried(kept.fit(table(), trials=1, verbose=0)) for _ in range(3)] == [2, 3, 4]


def test_seconds_on_top_are_measured_against_themselves_and_not_against_all():
    asked = type("Asked", (), {"seconds": 1000.0})
    for left, goes_on in ((9.0, True), (2.0, False)):
        session = type("Session", (), {"asked": asked, "before": 990.0, "left": lambda self, left=left: left})
        assert Session._more(session(), None) is goes_on


def test_too_few_seconds_are_said_to_be(kept):
    with pytest.warns(UserWarning, match=r"2(\.\d)? s were too few to go on with.* give at least \d+ s on top"):
        model = kept.fit(table(), seconds=2.0, verbose=0)
    assert tried(model) == 1
    assert "too few to go on with" in model.stopped
    assert any("too few to go on with" in one["why"] for one in model.decisions if one["what"] == "candidates")


def test_what_is_enough_is_told_in_all_sessions_together_too(kept):
    less = round(0.5 * kept._body["asked"]["spent"]["seconds"], 3)
    asked = {**FAST, "trials": None, "store": "s.db", "name": "s", "seconds": less}
    with pytest.warns(UserWarning, match=f"nothing was left of {less:g} s") as heard:
        model = mw.fit(table(), "y", **asked)
    assert tried(model) == 1 and "nothing was left" in model.stopped
    on_top, in_all = map(int, re.search(r"at least (\d+) s on top .* (\d+) s in all", str(heard[0].message)).groups())
    spent = model._body["asked"]["spent"]["seconds"]
    assert on_top > 6 and on_top + spent - 1 < in_all
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # who makes the same call again asks for no more
        mw.fit(table(), "y", **asked)


def test_a_call_that_joins_a_fit_is_told_who_runs_it(kept):
    """The same command in a second terminal is a slip, mostly."""
    store = open_store("s.db")
    with (
        Crew(store, store.find("s").id),
        pytest.warns(UserWarning, match=rf"study 's' is being run by process {os.getpid()} for .* this call joins it"),
    ):
        mw.fit(table(), "y", store="s.db", name="s", **FAST)


def test_a_call_that_has_nothing_left_to_try_says_as_much_of_its_model_as_any_other(kept, capsys, recwarn):
    again = mw.fit(table(), "y", store="s.db", name="s", **{**FAST, "verbose": 1})
    said = capsys.readouterr().err
    assert said.startswith("Fit 'y': ") and "goes on after 1 candidate" in said
    assert said.rstrip().endswith(again.summary()) and "best so far" not in said
    assert not [one for one in recwarn if "joins it" in str(one.message)]


def test_a_member_whose_models_of_folds_an_earlier_call_removed_is_fitted_on_all_rows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = {**FAST, "preset": "best", "store": "s.db", "name": "s"}
    first = mw.fit(table(), "y", **asked)
    removed = list(tmp_path.rglob("*.mw"))
    assert len(removed) == len(first._members) == 6
    for one in removed:
        one.unlink()
    again = mw.fit(table(), "y", **asked)
    assert len(again._members) == 1
    assert np.mean(again.predict(table()) == table()["y"]) > 0.7


@pytest.mark.parametrize("preset", ["good", "best"])
def test_the_same_call_again_gives_the_same_model_and_takes_none_of_the_time(tmp_path, preset):
    asked = {"models": ["linear", "naive_bayes", "lightgbm"], "folds": 2, "verbose": 0, "preset": preset, "name": "s"}
    asked |= {"store": tmp_path / "s.db", "seconds": 6.0, "min_gain": None}
    first = mw.fit(table(), "y", **asked)
    booked = mw.load_study("s", tmp_path / "s.db").elapsed
    for _ in range(2):
        again = mw.fit(table(), "y", **asked)
        assert (again.score, again.plan["members"]) == (first.score, first.plan["members"])
        assert again.leaderboard()[0]["spread"] == first.leaderboard()[0]["spread"]
        assert np.array_equal(again.predict_proba(table()), first.predict_proba(table()))
        assert mw.load_study("s", tmp_path / "s.db").elapsed == booked


def test_what_chose_other_members_without_trying_any_is_booked(kept):
    before = mw.load_study("s", "s.db").elapsed
    mw.fit(table(), "y", store="s.db", name="s", **FAST, preset="best")
    assert mw.load_study("s", "s.db").elapsed > before


@pytest.mark.parametrize("fails", ["_with_room", "_fit_all"])
def test_members_are_chosen_again_without_those_that_cannot_be_had(tmp_path, monkeypatch, fails):
    """Their models were removed by an earlier call; there is no room to fit them on all rows, or the fits fail."""
    monkeypatch.chdir(tmp_path)
    asked = {**FAST, "models": ["linear", "naive_bayes"], "preset": "best", "trials": 2, "store": "s.db", "name": "s"}
    first = mw.fit(table(), "y", **asked)
    assert {one["trial"] for one in first.plan["members"]} == {0, 1}
    for one in tmp_path.rglob("trial-00000/*.mw"):
        one.unlink()
    monkeypatch.setattr(finishing, fails, lambda *_: [])
    again = mw.fit(table(), "y", **asked)
    (member,) = again.plan["members"]
    assert member["trial"] == 1 and member["weight"] == 1.0
    alone = next(row for row in again.leaderboard() if row["model"] == member["name"])
    assert again.score == pytest.approx(alone["score"], abs=alone["spread"]) and again.score != first.score
    (said,) = [one for one in again.decisions if one["what"] == "members"]
    assert "without" in said["decided"] and f"with them {first.score:.5g}" in said["bought"]
