"""A fit that goes on where there is more memory or less, or other packages: it has the learners that it began with."""

import numpy as np
import pytest

import modelwright as mw
from modelwright.tasks import learners
from modelwright.tasks.search import room as room_of
from modelwright.tasks.search.gathered import Said, gather

pytest.importorskip("lightgbm")


def table(rows=120, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=rows)
    return {"a": a, "b": rng.normal(size=rows), "y": np.where(a + rng.normal(size=rows) > 0, "yes", "no")}


@pytest.fixture
def go(tmp_path):
    def go(trials, *models, **more):
        how = {"folds": 2, "store": tmp_path / "s.db", "name": "one", "verbose": 0, "models": models or None}
        return mw.fit(table(), "y", trials=trials, **{**how, **more})

    return go


def tried(model):
    return [row["model"].split()[0] for row in sorted(model.leaderboard()[1:], key=lambda row: row["model"].split()[1])]


def no_room_for_forests(monkeypatch):
    monkeypatch.setattr(room_of, "held", lambda processes: 0)
    monkeypatch.setattr(room_of, "available_memory", lambda: 20 * 10**9)
    monkeypatch.setitem(room_of._TREES, "extra_trees", 1e9)


def test_with_less_memory_what_has_no_room_is_tried_no_more(go, monkeypatch):
    first = go(2, "linear", "extra_trees")
    assert set(tried(first)) == {"linear", "extra_trees"}
    no_room_for_forests(monkeypatch)
    more = go(5, "linear", "extra_trees")
    assert tried(more)[:2] == tried(first) and tried(more)[2:] == ["linear"] * 3
    assert any(one["what"] == "memory" and "extra_trees" in one["decided"] for one in more.decisions)


def test_with_more_memory_what_had_no_room_is_tried(go, monkeypatch):
    with monkeypatch.context() as less:
        no_room_for_forests(less)
        assert set(tried(go(2, "linear", "extra_trees"))) == {"linear"}
    assert "extra_trees" in tried(go(4, "linear", "extra_trees"))


def test_with_less_memory_candidates_see_the_rows_that_earlier_ones_saw(monkeypatch):
    said = {"target": "y", "seconds": 60.0, "folds": 2}
    first = gather(table(900), Said(**said, max_rows=700))
    monkeypatch.setattr(room_of, "free_memory", lambda: 10**6)
    assert gather(table(900), Said(**said)).split.used == 500
    more = gather(table(900), Said(**said, divided=first.split.to_json()))
    assert np.array_equal(more.split.place, first.split.place)
    assert more.room.workers == 1 and not any("500" in one["decided"] for one in more.room.said)


@pytest.fixture
def others():
    """All learners but two that are fast."""
    return [name for name in learners.names() if name not in ("linear", "naive_bayes")]


def without_naive_bayes(monkeypatch):
    monkeypatch.setitem(learners._EXTRAS, "naive_bayes", "no_such_package")


def test_a_learner_whose_package_is_gone_has_no_part_any_more(go, others, monkeypatch):
    assert set(tried(go(2, block=others))) == {"linear", "naive_bayes"}
    without_naive_bayes(monkeypatch)
    more = go(4, block=others)
    assert tried(more).count("naive_bayes") == 1 and len(tried(more)) == 4
    assert {one["learner"] for one in more.plan["members"]} == {"linear"}
    (said,) = [one for one in more.decisions if one["what"] == "learner"]
    assert "naive_bayes left out" in said["decided"] and "not installed" in said["why"]


def test_a_learner_that_came_since_does_not_join(go, others, monkeypatch):
    with monkeypatch.context() as before:
        without_naive_bayes(before)
        go(1, block=others)
    more = go(3, block=others)
    assert set(tried(more)) == {"linear"} and len(tried(more)) == 3
    (said,) = [one for one in more.decisions if one["what"] == "learner"]
    assert "naive_bayes left out" in said["decided"] and "began without" in said["why"]


def test_who_names_fewer_learners_goes_on_with_those(go):
    go(2, "linear", "naive_bayes")
    more = go(4, "linear")
    assert tried(more).count("naive_bayes") == 1
    assert {one["learner"] for one in more.plan["members"]} == {"linear"}


def test_who_names_others_is_told_what_the_fit_began_with(go):
    go(1, "linear")
    with pytest.raises(mw.StudyError, match=r"study 'one'.*began with linear; 'naive_bayes' cannot join"):
        go(2, "linear", "naive_bayes")


def test_estimators_of_the_users_own_have_to_be_passed_again(go):
    linear_model = pytest.importorskip("sklearn.linear_model")
    go(2, "linear", linear_model.LogisticRegression())
    with pytest.raises(mw.StudyError, match="'logisticregression' is not among the learners now.*Pass models"):
        go(3, "linear")
