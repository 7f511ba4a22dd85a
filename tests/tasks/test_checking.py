"""Data checks of a fit: what was not looked at says so, and nothing reads as if it had passed."""

import numpy as np
import pytest

import modelwright as mw
from modelwright.tasks import checking
from modelwright.tasks.checks import COSTLY, NAMES

QUIET = {"verbose": 0, "models": ["linear"]}


def table(rows=200):
    rng = np.random.default_rng(0)
    data = {"a": rng.normal(size=rows), "same": np.ones(rows), "c": rng.choice(["x", "y", "z"], rows)}
    return {**data, "y": np.where(data["a"] + rng.normal(size=rows) > 0, "yes", "no")}


def statuses(model):
    return {one["name"]: one["status"] for one in model.checks}


def said(model):
    return [one["decided"] for one in model.decisions if one["what"] == "checks"]


def test_with_trials_every_check_is_made():
    model = mw.fit(table(), "y", trials=1, store=":memory:", **QUIET)
    assert set(statuses(model)) >= set(NAMES)
    assert "skipped" not in statuses(model).values()
    assert statuses(model)["constants"] == "fixed" and statuses(model)["near-certain"] == "passed"
    assert not said(model)


def test_without_time_all_is_skipped_and_that_is_decided():
    with pytest.warns(UserWarning, match="the time was up"):
        model = mw.fit(table(), "y", seconds=0.0001, store=":memory:", **QUIET)
    assert set(statuses(model).values()) == {"skipped"} and set(statuses(model)) == set(NAMES)
    assert "near-certain" in said(model)[0]


def test_in_little_time_what_fits_models_is_skipped_alone():
    model = mw.fit(table(), "y", seconds=3.5, store=":memory:", **QUIET)
    found = statuses(model)
    assert all(found[name] == "skipped" for name in COSTLY)
    assert set(said(model)[0].partition(" not looked")[0].split(", ")) >= set(COSTLY)


def test_quick_checks_that_were_not_reached_are_made_beside_the_search(monkeypatch):
    monkeypatch.setattr(checking, "_BEFORE", 1e-9)
    model = mw.fit(table(), "y", seconds=12, store=":memory:", target_score=0.1, **QUIET)
    found = statuses(model)
    assert found["constants"] == "fixed" and found["too few rows"] == "passed"
    assert [one["name"] for one in model.checks].count("constants") == 1


def test_a_check_that_breaks_is_skipped_with_the_reason(monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("a mistake")

    monkeypatch.setattr(checking, "checked", broken)
    with pytest.warns(UserWarning, match="the data checks ended early: a mistake"):
        model = mw.fit(table(), "y", trials=1, store=":memory:", **QUIET)
    assert set(statuses(model).values()) == {"skipped"}
    assert any("RuntimeError: a mistake" in one["message"] for one in model.checks)


def test_a_plan_looks_at_nothing_and_says_so():
    model = mw.fit(table(), "y", trials=1, store=":memory:", **QUIET)
    again = model.refit(table())
    assert set(statuses(again).values()) == {"skipped"}


def test_what_was_found_is_there_for_a_fit_that_goes_on(tmp_path, monkeypatch):
    asked = {"name": "s", "store": tmp_path / "s.db", **QUIET}
    first = mw.fit(table(), "y", trials=1, **asked)
    monkeypatch.setattr(checking, "checked", lambda *_, **__: pytest.fail("it was looked at again"))
    again = mw.fit(table(), "y", trials=2, **asked)
    assert again.checks == first.checks


def test_columns_that_were_left_out_stay_out_of_a_fit_that_goes_on(tmp_path):
    data = {**table(), "told": np.arange(200.0)}
    data["told"] = (data["y"] == "yes") + np.random.default_rng(1).normal(scale=0.01, size=200)
    asked = {"name": "s", "store": tmp_path / "s.db", "drop_suspected": True, **QUIET}
    first = mw.fit(data, "y", trials=1, **asked)
    again = mw.fit(data, "y", trials=2, **asked)
    for model in (first, again):
        assert "told" not in [one["column"] for one in model.features()]


def test_the_page_tells_skipped_from_passed(tmp_path):
    with pytest.warns(UserWarning, match="the time was up"):
        model = mw.fit(table(), "y", seconds=0.0001, store=":memory:", **QUIET)
    page = model.report(tmp_path / "m.html").read_text(encoding="utf-8")
    assert f"{len(NAMES)} not looked at" in page and "Passed:" not in page
