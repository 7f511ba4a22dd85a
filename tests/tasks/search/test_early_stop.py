"""When a fit ends before its budget: a score that was wanted is there, or nothing more is to be gained."""

import numpy as np
import pytest

import modelwright as mw
from modelwright.core import records as r
from modelwright.tasks.search.early_stop import Look, enough, gain_of, looks_of, outlook
from modelwright.tasks.search.milestones import ENOUGH, REOPENED

pytest.importorskip("lightgbm")
QUICK = {"folds": 2, "store": ":memory:", "verbose": 0}


def parted(rows=120, seed=0, noise=0.0):
    """Two classes that a line parts, but for some noise."""
    rng = np.random.default_rng(seed)
    x, other = rng.normal(size=rows), rng.normal(size=rows)
    return {"x": x, "other": other, "side": np.where(x + noise * rng.normal(size=rows) > 0, "in", "out").astype(object)}


def kinds(model):
    return {one["what"]: one for one in model.decisions}


def looks(*merits, step=10, spread=0.01, **more):
    return [Look(step * (place + 1), merit, spread, **more) for place, merit in enumerate(merits)]


# --- the estimate ----------------------------------------------------------------------------------


def test_a_curve_that_rises_promises_what_it_rose_in_the_last_doubling():
    assert gain_of(looks(0.70, 0.75, 0.78, 0.80), [0.7] * 40) == pytest.approx(0.05)


def test_a_curve_that_has_flattened_promises_nothing():
    assert gain_of(looks(0.70, 0.80, 0.79, 0.80), [0.7] * 40) == 0


def test_candidates_that_still_set_records_promise_more():
    flat, steep = [0.8] * 40, list(np.linspace(0.6, 0.8, 40))
    curve = looks(0.80, 0.80, 0.80, 0.80)
    assert gain_of(curve, steep) > gain_of(curve, flat) == 0


def test_nothing_is_promised_before_there_is_anything_to_go_by():
    assert np.isnan(gain_of(looks(0.8, step=40), [0.8] * 40))
    assert np.isnan(gain_of(looks(0.8, 0.8), [0.8] * 2))


def test_it_takes_several_looks_in_a_row_and_some_distance():
    small = [Look(n, 0.8, 0.01, 1e-5) for n in (40, 50, 60)]
    assert enough(small, 10, "noise")
    assert not enough(small[1:], 10, "noise")
    assert not enough([small[0], Look(50, 0.8, 0.01, 0.01), small[2]], 10, "noise")
    assert not enough([Look(n, 0.8, 0.01, 1e-5) for n in (58, 59, 60)], 10, "noise")
    assert not enough(small, 25, "noise")
    assert not enough(small, 10, 1e-6)
    assert enough(small, 10, 1e-4)
    assert not enough(small, 10, None)


def test_a_score_without_an_error_that_cannot_get_better_is_enough():
    assert enough([Look(n, 1.0, 0.0, 0.0) for n in (40, 50, 60)], 10, "noise")
    assert not enough([Look(n, 1.0, float("nan"), 0.0) for n in (40, 50, 60)], 10, "noise")


# --- fits ------------------------------------------------------------------------------------------


def test_a_target_score_ends_the_search_and_it_is_said():
    model = mw.fit(parted(), "side", target_score=0.9, trials=30, models=["linear"], **QUICK)
    assert len(model.leaderboard()) == 2
    said = kinds(model)["early end"]
    assert "0.9" in said["why"] and said["undo"] == "target_score="
    assert model.score >= 0.9


def test_a_target_score_out_of_reach_changes_nothing():
    asked = {"trials": 4, "models": ["linear"], **QUICK}
    model = mw.fit(parted(noise=1.0), "side", target_score=0.9999, **asked)
    assert len(model.leaderboard()) == 5
    assert "early end" not in kinds(model)
    free = mw.fit(parted(noise=1.0), "side", **asked)
    new = parted(50, seed=1)
    assert np.array_equal(model.predict_proba(new), free.predict_proba(new))


def test_lower_is_better_for_an_error():
    model = mw.fit(parted(), "side", metric="log_loss", target_score=0.5, trials=30, models=["linear"], **QUICK)
    assert len(model.leaderboard()) == 2
    assert model.score <= 0.5


@pytest.mark.parametrize("least", [{}, {"min_gain": 0.05}], ids=["by default", "by a number"])
def test_a_table_with_nothing_more_to_gain_ends_early_unless_it_is_not_to(least, recwarn):
    model = mw.fit(parted(), "side", trials=70, models=["linear"], **least, **QUICK)
    assert not [one for one in recwarn if "switched off" in str(one.message)]
    tried = len(model.leaderboard()) - 1
    assert 40 <= tried < 70
    said = kinds(model)["early end"]
    assert said["decided"] == f"after {tried} candidates"
    assert "min_gain=None" in said["undo"]
    assert "as many candidates again" in said["why"]
    assert said["why"].endswith("no more than min_gain=0.05") == bool(least)


def test_who_wants_all_of_the_budget_gets_it():
    model = mw.fit(parted(), "side", min_gain=None, trials=50, models=["linear"], **QUICK)
    assert len(model.leaderboard()) == 51
    assert "early end" not in kinds(model)


def test_what_more_time_would_bring_is_said_of_a_search_that_did_not_end_early():
    model = mw.fit(parted(noise=1.0), "side", min_gain=1e-12, trials=30, models=["linear"], **QUICK)
    assert "standard error" in kinds(model)["more time"]["why"]


def test_a_fit_that_ended_early_goes_on_when_it_is_asked_to(tmp_path):
    asked = {**QUICK, "store": tmp_path / "s.db", "models": ["linear"]}
    first = mw.fit(parted(), "side", target_score=0.9, trials=5, **asked)
    more = first.fit(parted(), trials=3, target_score=None, models=["linear"], verbose=0)
    assert len(more.leaderboard()) == len(first.leaderboard()) + 3


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"target_score": "high"}, "target_score"),
        ({"target_score": float("nan")}, "target_score"),
        ({"min_gain": -1}, "min_gain"),
        ({"min_gain": "little"}, "min_gain"),
    ],
)
def test_what_cannot_be_reached_is_refused(wrong, match):
    with pytest.raises(mw.ArgumentError, match=match):
        mw.fit(parted(), "side", trials=1, **wrong, **QUICK)


# --- notes -----------------------------------------------------------------------------------------


class History:
    def __init__(self, *notes):
        self.notes = list(notes)


def test_looks_come_back_from_what_was_stored():
    stored = History(r.Noted(kind="looked", data={"counted": 5, "merit": -0.2, "spread": 0.1}))
    (look,) = looks_of(stored)
    assert (look.counted, look.merit, look.spread) == (5, -0.2, 0.1)
    assert np.isnan(look.gain)


def test_an_end_that_was_gone_beyond_is_not_told():
    ended = r.Noted(kind=ENOUGH, data={"by": "min_gain", "counted": 44, "why": "because"})
    assert outlook(History(ended), "r2")[0]["decided"] == "after 44 candidates"
    assert outlook(History(ended, r.Noted(kind=REOPENED, data={})), "r2") == []
