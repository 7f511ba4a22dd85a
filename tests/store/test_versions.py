"""Stores that earlier versions wrote are opened, read, and gone on with. Their files lie in ``version-N``."""

import math
import sqlite3

import pytest
from kept_version import DIED_IN, HERE, lay_out, rungs, search

import modelwright as mw
from modelwright.store import schema

VERSIONS = range(1, len(schema.MIGRATIONS) + 1)


@pytest.fixture(params=VERSIONS)
def store(request, tmp_path):
    return lay_out(request.param, tmp_path)


def test_there_is_a_file_of_each_version_and_of_no_other():
    assert sorted(path.name for path in HERE.glob("version-*")) == sorted(f"version-{n}" for n in VERSIONS)
    for number in VERSIONS:
        assert f'modelwright_schema" VALUES({number})' in (HERE / f"version-{number}" / "studies.sql").read_text()


def test_what_was_found_is_read(store):
    study = mw.load_study("killed", store)
    rows = [(trial.number, trial.state) for trial in study.trials]
    assert rows == [(n, {3: "infeasible", DIED_IN: "running"}.get(n, "complete")) for n in range(DIED_IN + 1)]
    for trial in study.trials:
        at = trial.config
        assert set(at) == {"kind", "x", "n", "flag"} | ({"scale"} if at["kind"] == "scaled" else set())
        if trial.state == "complete":
            loss = abs(at["x"]) * at.get("scale", 1.0) + at["n"] / 10 + at["flag"]
            assert trial.value == pytest.approx(loss + 1 / 3)
            assert [step for step, _ in trial._row.reports] == [1, 2, 3]
    assert study.best.value == min(t.value for t in study.trials if t.state == "complete")
    assert {p.name for p in study.space.parameters} == {"kind", "scale", "x", "n", "flag"}
    assert "paused" in {trial.state for trial in mw.load_study("rungs", store).trials}


def test_the_search_goes_on_where_it_was(store):
    before = {t.number: (t.config, t.value) for t in mw.load_study("killed", store).trials}
    study = search(store, 12)
    assert [trial.state for trial in study.trials] == ["infeasible" if n == 3 else "complete" for n in range(12)]
    for number, (config, value) in before.items():
        again = study.trials[number]
        assert again.config == config
        assert number == DIED_IN or again.value == value or (math.isnan(value) and math.isnan(again.value))
    assert study.trials[DIED_IN]._row.attempt == 1, "it ran again"
    ended = len(mw.load_study("rungs", store).trials)
    assert len(rungs(store, ended + 3).trials) == ended + 3


def test_it_is_a_store_of_this_version_afterwards(store):
    search(store, 12)
    with sqlite3.connect(store) as raw:
        assert raw.execute("SELECT version FROM modelwright_schema").fetchall() == [(len(schema.MIGRATIONS),)]
