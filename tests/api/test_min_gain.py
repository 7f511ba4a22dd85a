"""min_gain: a search ends when more trials would gain too little, says why, and says it again when it is opened."""

from __future__ import annotations

import pytest

import modelwright as mw
from modelwright.core.errors import ArgumentError, StudyError


def bowl(hp) -> float:
    return (hp.Float("x", 0.0, 1.0) - 0.3) ** 2 + (hp.Float("y", 0.0, 1.0) - 0.6) ** 2


def tuned(store=":memory:", **more):
    given = {"objective": "minimize", "strategy": "sobol", "trials": 200, "store": store, "verbose": 0}
    return mw.tune(bowl, **(given | more))


def test_a_search_ends_when_little_is_left_to_gain():
    study = tuned(min_gain=0.05)
    assert 25 <= len(study.trials) < 200
    assert "more trials would gain about" in study.stopped and "less than 0.05" in study.stopped
    note = next(note for note in study._machine.history.notes if note.kind == "stop")
    assert note.data["gain"] < 0.05 and note.data["min_gain"] == 0.05


def test_it_is_still_enough_after_a_resume_and_goes_on_without(tmp_path):
    store = tmp_path / "studies.db"
    first = tuned(store, name="s", min_gain=0.05)
    again = tuned(store, name="s", min_gain=0.05)
    assert len(again.trials) == len(first.trials) and again.stopped == first.stopped
    assert sum(note.kind == "stop" for note in again._machine.history.notes) == 1
    on = tuned(store, name="s", trials=len(first.trials) + 3)
    assert len(on.trials) == len(first.trials) + 3


def test_a_budget_that_is_too_small_for_the_rule_is_used_up():
    study = tuned(min_gain=0.05, trials=20)
    assert len(study.trials) == 20 and "budget" in study.stopped


def test_by_hand_ask_refuses_and_says_why():
    hp = mw.HyperParameters()
    hp.Float("x", 0.0, 1.0)
    study = mw.Study(hp, objective="minimize", strategy="sobol", store=":memory:", min_gain=0.05)
    with pytest.raises(StudyError, match="would gain about"):
        for _ in range(200):
            trial = study.ask()
            study.tell(trial, (trial.config["x"] - 0.3) ** 2)
    assert 25 <= len(study.trials) < 200


@pytest.mark.parametrize("wrong", [0, -1.0, float("nan"), float("inf"), True, "some", [1], "0.1"])
def test_a_gain_that_is_none_is_refused_before_anything_runs(wrong):
    with pytest.raises(ArgumentError, match="min_gain"):
        tuned(min_gain=wrong)
    with pytest.raises(ArgumentError, match="min_gain"):
        mw.Study(None, store=":memory:", min_gain=wrong)


def test_noise_needs_noise():
    """Exact values: nothing says how far they are off, so the budget ends the search."""
    assert len(tuned(min_gain="noise", trials=60).trials) == 60
