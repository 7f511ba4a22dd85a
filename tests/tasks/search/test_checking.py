"""Data checks of a fit: what was not looked at says so, and nothing reads as if it had passed."""

import time

import numpy as np
import pytest

import modelwright as mw
from modelwright.tasks.checks import COSTLY, LEAKS, NAMES, run, skipped
from modelwright.tasks.checks.record import settled
from modelwright.tasks.search import checking
from modelwright.tasks.search.gathered import Said, gather

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


def test_what_was_not_looked_at_is_in_the_summary_with_what_makes_it():
    model = mw.fit(table(), "y", seconds=3.5, store=":memory:", **QUIET)
    (line,) = [one for one in model.summary().splitlines() if "not looked at" in one]
    assert line.strip().startswith("not looked at, or not all of it, for lack of time: near-certain, dominant, ")
    assert line.endswith("; modelwright check TABLE --target y does")
    whole = mw.fit(table(), "y", trials=1, store=":memory:", **QUIET)
    assert "not looked at" not in whole.summary()


def test_importing_takes_nothing_of_the_seconds_of_checks(monkeypatch):
    monkeypatch.setattr(run, "load", lambda: time.sleep(1.0))
    data = gather(table(), Said(target="y"))
    found = run.check(data.table, data.schema, data.target, seconds=0.9, only=COSTLY)
    assert "near-certain" in [one.name for one in found if one.status == "passed"]


def test_leaks_have_some_seconds_however_short_the_fit(monkeypatch):
    given = {}
    asked = lambda data, names, *, seed, seconds: given.update(dict.fromkeys(names, seconds)) or []  # noqa: E731
    monkeypatch.setattr(checking, "checked", asked)
    own = checking.Checking(gather(table(), Said(target="y")), 0, 10.0, lambda: 8.0)
    own.begin(history_of())
    own._thread.join(20)
    assert given["near-certain"] == 1.5 and given["constants"] == 0.5


@pytest.mark.parametrize(("score", "again"), [(0.999, True), (0.8, False)])
def test_where_a_candidate_is_almost_without_error_leaks_are_looked_for_all_the_same(monkeypatch, score, again):
    given = []

    def late(data, names, *, seed, seconds):
        given.append((tuple(names), seconds))
        return skipped(names, "the time was up") if len(given) < 3 else settled("near-certain", [], "fine")

    monkeypatch.setattr(checking, "checked", late)
    own = checking.Checking(gather(table(), Said(target="y")), 0, 10.0, lambda: 8.0)
    own.begin(history_of(score))
    own._thread.join(20)
    assert (given[2:] == [(LEAKS, 4.0)]) is again
    found = {one.name: one.status for one in own._beside}
    assert found["near-certain"] == ("passed" if again else "skipped")


def history_of(*scores):
    rows = [type("Row", (), {"facts": {"scores": [one]}}) for one in scores]
    return type("History", (), {"notes": [], "rows": rows or [type("Row", (), {"facts": {"scores": [0.5]}})]})
