"""A metric that is slow: the ensemble is chosen by less of everything, so that the time that was asked for holds."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import modelwright as mw
from modelwright.tasks.ensemble.selection import selected
from modelwright.tasks.scoring.draws import Draws, Pace
from modelwright.tasks.scoring.metrics import Metric
from modelwright.tasks.scoring.target import Target
from modelwright.tasks.scoring.thresholds import attained, computed

SECONDS = 0.005


def slow_error(y, predicted):
    time.sleep(SECONDS)
    return float(np.mean((y - predicted) ** 2))


def slow_hits(y, named):
    time.sleep(SECONDS)
    return float(np.mean(y == named))


def numbers(rows=400, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 3))
    return {"a": x[:, 0], "b": x[:, 1], "y": x[:, 0] + x[:, 1] * x[:, 2] + rng.normal(size=rows)}


METRIC = Metric.of(slow_error, Target.of(np.array([1.0, 2.5, 3.25, 4.0]), task="regression"))


@given(
    each=st.floats(1e-5, 0.05),
    seconds=st.floats(0.5, 30),
    compared=st.lists(st.integers(1, 40), min_size=1, max_size=3),
    rows=st.integers(50, 50_000),
)
def test_as_much_is_done_as_the_time_allows(each, seconds, compared, rows):
    found = Draws().within(seconds, METRIC, Pace(each=each, rows=rows, units=8, classes=0), compared)
    least = Draws(candidates=4, steps=5, bags=1, crossed=1, rows=2000)
    assert found.calls(compared) * each <= seconds or found.calls(compared) == least.calls(compared)
    assert found.candidates <= 30 and found.until is not None


def test_a_metric_that_is_fast_has_all_of_it():
    found = Draws().within(3.0, METRIC, Pace(each=1e-4, rows=2000, units=8, classes=0), [30, 20])
    whole = Draws()
    assert found.calls([30, 20]) == whole.calls([30, 20]) and found.thorough


def test_an_ensemble_is_chosen_within_the_seconds_that_there_are():
    rng = np.random.default_rng(0)
    y = rng.normal(size=600)
    predictions = [y + rng.normal(scale=1.0 + 0.1 * k, size=600) for k in range(30)]

    def merit(y, predicted, weight):
        return -slow_error(y, predicted)

    began = time.monotonic()
    draws = Draws().within(1.5, METRIC, Pace.of(METRIC, y, units=1, classes=0), [30])
    found = selected(predictions[: draws.candidates], y, merit, seed=0, draws=draws)
    assert time.monotonic() - began < 3.0, "all of it takes 45 s"
    assert np.isclose(found.weights.sum(), 1) and found.selected > found.best


def test_what_is_there_when_the_time_is_up_is_taken():
    rng = np.random.default_rng(0)
    y = rng.normal(size=600)
    calls = []

    def merit(y, predicted, weight):
        calls.append(1)
        return -float(np.mean((y - predicted) ** 2))

    predictions = [y + rng.normal(size=600) for _ in range(5)]
    found = selected(predictions, y, merit, seed=0, draws=Draws(until=time.monotonic() - 1))
    assert np.isclose(found.weights.sum(), 1) and len(calls) < 100


def test_how_often_a_threshold_takes_the_metric_is_known():
    target = Target.of(np.array(["no", "yes"] * 4, object), positive="yes")
    rng = np.random.default_rng(0)
    chance = rng.random(300)
    y = (rng.random(300) < chance).astype(int)
    calls = []

    def hits(y, named):
        calls.append(1)
        return float(np.mean(y == named))

    metric = Metric.of(hits, target)
    attained(metric, y, np.column_stack([1 - chance, chance]))
    assert 0.9 * computed(metric, 2) < len(calls) <= computed(metric, 2)
    assert computed(Metric.of("f1", target), 2) == computed(Metric.of("roc_auc", target), 2) == 1


def test_a_fit_by_trials_reads_no_clock_for_it(monkeypatch):
    pytest.importorskip("lightgbm")

    def read(*_):
        raise AssertionError("the clock was read")

    monkeypatch.setattr(Draws, "within", read)
    monkeypatch.setattr(Pace, "of", read)
    model = mw.fit(numbers(), "y", models=["linear"], trials=3, folds=2, store=":memory:", verbose=0, min_gain=None)
    assert np.isfinite(model.score)


@pytest.mark.slow
@pytest.mark.parametrize("metric", [slow_error, slow_hits], ids=["of numbers", "with thresholds"])
def test_the_seconds_of_a_fit_hold(metric):
    pytest.importorskip("lightgbm")
    table = numbers()
    if metric is slow_hits:
        table["y"] = np.where(table["y"] > 0, "in", "out").astype(object)
    began = time.monotonic()
    model = mw.fit(table, "y", metric=metric, seconds=15, store=":memory:", verbose=0)
    assert time.monotonic() - began < 17
    assert np.isfinite(model.score) and len(model.leaderboard()) > 2
