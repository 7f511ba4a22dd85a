"""Commands that look use the state that a long study keeps, and say the same as without it."""

import sqlite3

import pytest

import modelwright as mw
from modelwright.cli.main import main
from modelwright.store.base import open_store
from modelwright.store.sqlite import SqliteStore
from modelwright.study.journal import Folded


def function(hp, trial):
    total = sum(hp.Float(f"w{i}", 0.0, 1.0) for i in range(hp.Int("layers", 1, 3)))
    if trial.number == 5:
        raise mw.InfeasibleError("too large")
    for step in range(1, 4):
        trial.report(step, total + 1 / step)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setitem(Folded.keep.__globals__, "EVERY", 24)  # whichever module pytest imported for its doctests
    path = tmp_path / "s.db"
    mw.tune(function, objective="minimize", strategy="random", trials=20, store=path, name="s", verbose=0, seed=3)
    return path


COMMANDS = [
    ("show", "s"),
    ("show", "s", "--json", "--trials", "3"),
    ("show", "s", "--trial", "5"),
    ("show", "s", "--importance"),
    ("studies",),
    ("studies", "--json"),
    ("export", "s"),
    ("export", "s", "--json"),
    ("workers", "s"),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_study_that_keeps_its_state_looks_as_its_events_say(place, words, capsys, monkeypatch):
    said, read = [], []
    load = SqliteStore.load

    def loaded(self, study, after=0):
        read.append(after)
        return load(self, study, after)

    monkeypatch.setattr(SqliteStore, "load", loaded)
    for _ in range(2):
        read.clear()
        assert main([*words, "--store", str(place)]) == 0
        said.append(capsys.readouterr().out)
        if len(said) == 1:
            assert 0 not in read, "all events were folded"
            store = open_store(str(place))
            store.forget(1)
            store.close()
    assert said[0] == said[1]
    if words[0] != "workers":
        assert 0 in read, "nothing was kept, and yet the events were not folded"


def test_what_is_kept_and_damaged_is_not_shown(place, capsys):
    assert main(["show", "s", "--json", "--store", str(place)]) == 0
    before = capsys.readouterr().out
    with sqlite3.connect(place) as raw:
        raw.execute("UPDATE kept SET body = substr(body, 1, 20) || 'x' || substr(body, 22) WHERE name = 'rows/0'")
    assert main(["show", "s", "--json", "--store", str(place)]) == 0
    assert capsys.readouterr().out == before


def test_a_trial_that_runs_is_found_behind_what_was_kept(place, capsys):
    study = mw.load_study("s", place)
    trial = study.ask()
    assert main(["show", "s", "--json", "--store", str(place)]) == 0
    assert f'"trial": {trial.number}' in capsys.readouterr().out
