"""Ctrl-C in a fit, in whatever phase it comes: the first one has a model made of what is there, the second one ends."""

import signal
import time

import numpy as np
import pytest

import modelwright as mw
from modelwright.cli.main import main
from modelwright.tasks.learners.linear import Linear
from modelwright.tasks.request import call
from modelwright.tasks.search import session
from modelwright.tasks.search.checking import Checking

pytest.importorskip("lightgbm")


def table(rows=300):
    rng = np.random.default_rng(0)
    data = {"a": rng.normal(size=rows), "c": rng.choice(["x", "y", "z"], rows)}
    return {**data, "y": np.where(data["a"] + rng.normal(size=rows) > 0, "yes", "no")}


@pytest.fixture
def interrupting(monkeypatch):
    """Has a function send so many signals, the first time it is called, before it does what it does."""

    def interrupt(owner, name, signals=1):
        own, left = getattr(owner, name), [signals]

        def interrupted(*args, **more):
            for _ in range(left.pop() if left else 0):
                signal.raise_signal(signal.SIGINT)
            return own(*args, **more)

        monkeypatch.setattr(owner, name, interrupted)

    return interrupt


@pytest.fixture(autouse=True)
def handler():
    # Whoever runs the tests in the background may have it ignored.
    outer = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.signal(signal.SIGINT, outer) is signal.default_int_handler


def test_in_the_first_model_it_ends_the_search_with_that(interrupting, capsys):
    interrupting(Linear, "learn")
    began = time.monotonic()
    model = mw.fit(table(), "y", seconds=30, models=["linear"], workers=1, store=":memory:")
    assert time.monotonic() - began < 15
    assert model.stopped == "interrupted" and len(model.leaderboard()) == 2
    said = capsys.readouterr().err
    assert said.count("Stopping") == 1 and "A model is made of what there is" in said
    assert "trying candidates" not in said and "Model for 'y'" in said
    assert next(one for one in model.decisions if one["what"] == "candidates")["why"] == "interrupted"
    last = next(one for one in model.decisions if one["what"] == "last fits")
    assert last["why"] == "the fit was interrupted before"


@pytest.mark.parametrize("phase", ["blended", "predictor_of"])
def test_between_two_parts_nothing_is_lost_and_nothing_more_is_begun(interrupting, phase, capsys, tmp_path):
    interrupting(session, phase)
    model = mw.fit(table(), "y", trials=2, models=["linear"], store=tmp_path / "s.db", name="s")
    assert model.stopped == "interrupted" and len(model.predict(table())) == 300
    whole = {entry["whole"] for entry in model.plan["members"]}
    assert whole == ({False} if phase == "blended" else {True})
    assert capsys.readouterr().err.count("Stopping") == 1
    held = mw.load(model.save(tmp_path / "m.mw"))
    assert held.stopped == "interrupted" and held.refit(table()).stopped == ""
    again = mw.fit(table(), "y", trials=2, models=["linear"], store=tmp_path / "s.db", name="s", verbose=0)
    assert again.stopped != "interrupted" and all(entry["whole"] for entry in again.plan["members"])


def test_before_there_is_a_candidate_there_is_no_model(interrupting, tmp_path):
    interrupting(Checking, "begin")
    with pytest.raises(KeyboardInterrupt, match=r"Go on with mw\.fit\(\.\.\., name='s'"):
        mw.fit(table(), "y", trials=2, models=["linear"], store=tmp_path / "s.db", name="s")


@pytest.mark.parametrize(("owner", "name"), [(call, "gather"), (session.Session, "_learners")])
def test_before_there_is_a_study_it_says_that_nothing_is_lost(interrupting, owner, name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d.csv").write_text("a,y\n" + "1,yes\n2,no\n" * 20)
    interrupting(owner, name)
    assert main(["fit", "d.csv", "--target", "y", "--trials", "1", "--name", "s"]) == 130
    said = "interrupted: stopped before a candidate was tried. Nothing is lost: run the same again"
    assert said in capsys.readouterr().err and not (tmp_path / "d.mw").exists()


def test_the_second_one_ends_and_says_how_to_go_on(interrupting, capsys, tmp_path):
    interrupting(session, "blended", signals=2)
    with pytest.raises(KeyboardInterrupt, match=r"2 finished trials of study 's' are kept\. Go on with mw\.fit\("):
        mw.fit(table(), "y", trials=2, models=["linear"], store=tmp_path / "s.db", name="s")
    said = capsys.readouterr().err
    assert "it was stopped at once" in said and "budget" not in said.partition("The fit ended")[2]


def test_costly_checks_are_not_waited_for(interrupting, monkeypatch):
    interrupting(session, "blended")
    own = Checking._look

    def slow(self):
        time.sleep(20)
        own(self)

    monkeypatch.setattr(Checking, "_look", slow)
    began = time.monotonic()
    model = mw.fit(table(), "y", trials=1, models=["linear"], store=":memory:", verbose=0)
    assert time.monotonic() - began < 15
    assert "not looked at: the fit was to end" in {one["message"] for one in model.checks}


def test_the_command_writes_the_model_and_says_by_its_code(interrupting, tmp_path, monkeypatch, capsys):
    interrupting(session, "blended")
    monkeypatch.chdir(tmp_path)
    rows = zip(*(cells.tolist() for cells in table().values()), strict=True)
    (tmp_path / "d.csv").write_text("\n".join(["a,c,y", *(f"{a},{c},{y}" for a, c, y in rows)]) + "\n")
    words = ["fit", "d.csv", "--target", "y", "--trials", "2", "--model", "linear", "--save", "m.mw"]
    assert main([*words, "--name", "s"]) == 130
    assert "The model is in m.mw" in capsys.readouterr().err
    assert mw.load("m.mw").stopped == "interrupted"
    assert main([*words, "--name", "s", "--json"]) == 0
    assert '"stopped"' in capsys.readouterr().out
