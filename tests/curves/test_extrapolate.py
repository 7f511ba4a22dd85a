"""Extrapolation: what its forecasts promise, on any curve, and what they hold on curves nothing was fitted on."""

from __future__ import annotations

import csv
import gzip
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core.errors import ArgumentError
from modelwright.curves import Extrapolator, extrapolate

LOSSES = st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=12)
ANY = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=12)


def falling(count: int, points: int = 30, seed: int = 0) -> list[list[float]]:
    """Noisy power laws with different floors and speeds."""
    rng, x = np.random.default_rng(seed), np.arange(1, points + 1)
    floors, speeds = rng.uniform(0.1, 0.5, count), rng.uniform(0.2, 1.5, count)
    curves = floors[:, None] + x ** -speeds[:, None] + 0.01 * rng.normal(size=(count, points))
    return np.maximum(curves, 0.01).tolist()


@given(LOSSES, st.integers(1, 100), st.sampled_from([0.5, 0.8, 0.95, 0.999]))
@settings(max_examples=60, deadline=None)
def test_the_interval_holds_the_point_and_grows_with_confidence(values, total, confidence):
    found = extrapolate(values, total)
    low, high = found.interval(confidence)
    wide = found.interval((1 + confidence) / 2)
    assert wide[0] <= low <= found.point <= high <= wide[1]
    assert low > 0, "a loss that was always positive stays so"


@given(ANY, st.integers(1, 100), st.sampled_from(["min", "max"]), st.sampled_from(["final", "best"]))
@settings(max_examples=60, deadline=None)
def test_quantiles_rise_and_are_finite_for_any_curve(values, total, goal, target):
    found = extrapolate(values, total, goal=goal, target=target)
    quantiles = [found.quantile(level) for level in (0.01, 0.1, 0.5, 0.9, 0.99)]
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles) >= -1e-9 * np.ptp([*quantiles, *values])).all()


@given(LOSSES, st.sampled_from([0.125, 3.0, 1000.0]), st.integers(0, 12))
@settings(max_examples=60, deadline=None)
def test_a_curve_in_other_units_has_the_same_forecast_in_those_units(values, scale, completed):
    whole = np.array(falling(12)[:completed]).reshape(completed, 30)
    here = extrapolate(values, 30, whole.tolist()).interval()
    there = extrapolate([v * scale for v in values], 30, (whole * scale).tolist()).interval()
    assert there == pytest.approx([v * scale for v in here], rel=1e-6)


def test_a_score_to_be_made_large_is_the_mirror_of_one_to_be_made_small():
    values, whole = [-0.5, -0.3, -0.25], [[-v for v in c] for c in falling(8)]
    up = extrapolate(values, 30, [[-v for v in c] for c in whole], goal="max")
    down = extrapolate([-v - 10 for v in values], 30, [[v - 10 for v in c] for c in whole], goal="min")
    assert up.point > -10 and down.point < 10
    mirrored = extrapolate([-v for v in values], 30, [[-v for v in c] for c in falling(8)], goal="min")
    same = extrapolate(values, 30, falling(8), goal="max")
    assert same.interval() == pytest.approx([-v for v in mirrored.interval()[::-1]])


@given(st.lists(st.floats(0.1, 0.9), min_size=2, max_size=10), st.floats(0.05, 1.2))
@settings(max_examples=60, deadline=None)
def test_the_chance_of_beating_a_value_agrees_with_the_quantiles(values, value):
    found = extrapolate(values, 40)
    chance = found.chance_of_beating(value)
    assert 0 <= chance <= 1
    if 0.001 < chance < 0.999:
        assert found.quantile(chance) == pytest.approx(value, rel=1e-4)


def test_a_curve_that_has_ended_ends_where_it_is():
    assert extrapolate([0.9, 0.5, 0.4], total=3).interval() == pytest.approx((0.4, 0.4))
    assert extrapolate([0.9, 0.3, 0.4], total=3, target="best").point == pytest.approx(0.3)


def test_the_best_value_is_never_worse_than_the_best_so_far():
    found = extrapolate([0.9, 0.3, 0.7, 0.8], total=20, target="best")
    assert found.quantile(0.99) <= 0.3 + 1e-12


def test_a_constant_curve_may_still_move():
    low, high = extrapolate([0.693] * 5, total=50).interval()
    assert low < 0.693 < high


def test_missing_values_take_the_one_before_and_a_diverged_curve_stays_diverged():
    whole = extrapolate([0.9, 0.6, 0.6, 0.5], 20)
    assert extrapolate([0.9, 0.6, math.nan, 0.5], 20).point == pytest.approx(whole.point)
    lost = extrapolate([0.9, 0.6, math.nan], 20)
    assert lost.diverged and lost.point == math.inf and lost.chance_of_beating(0.9) == 0
    assert extrapolate([0.1, -math.inf], 20, goal="max").point == -math.inf


def test_values_at_the_edge_of_what_floats_hold_do_no_harm():
    for values in ([1e308, -1e308, 1e308], [-1e308] * 4, [1e-308] * 3):
        assert np.isfinite(extrapolate(values, 10, [values * 3] * 5).interval()).all()


def test_completed_curves_that_diverged_make_the_bad_end_likelier():
    tame = falling(20)
    wild = [c if i % 3 else [*c[:20], *[math.inf] * 10] for i, c in enumerate(tame)]
    start = falling(1, seed=9)[0][:5]
    assert extrapolate(start, 30, wild).quantile(0.9) > extrapolate(start, 30, tame).quantile(0.9)
    assert math.isfinite(extrapolate(start, 30, wild).quantile(0.99))


def test_what_the_study_saw_takes_over_from_the_prior():
    """All completed curves jump late: nobody knew, now everybody does."""
    curves = [[1.0 + 0.01 * i] * 20 + [0.2] * 10 for i in range(20)]
    found = extrapolate([1.05] * 10, 30, curves)
    assert found.completed == 20
    assert found.point == pytest.approx(0.2, abs=0.03)
    assert extrapolate([1.05] * 10, 30).point > 0.9


def test_completed_curves_may_be_shorter_have_gaps_or_be_too_few():
    curves = [*falling(5), falling(1, seed=2)[0][:12], [math.nan, *falling(1, seed=3)[0][1:]], [math.nan] * 30, []]
    assert extrapolate([1.2, 0.9], 30, curves).completed == 7
    assert extrapolate([1.2, 0.9], 30, curves[:2]).completed == 0


def test_without_a_total_a_curve_is_as_long_as_the_others_or_goes_on_as_long_again():
    assert extrapolate([1.2, 0.9], None, falling(6)).interval() == extrapolate([1.2, 0.9], 30, falling(6)).interval()
    assert extrapolate([1.2, 0.9]).interval() == extrapolate([1.2, 0.9], 4).interval()


def test_bounds_hold_every_quantile():
    found = extrapolate([0.5, 0.7, 0.8, 0.83], 30, goal="max", bounds=(0.0, 1.0))
    assert found.quantile(0.999) <= 1 and found.chance_of_beating(1.0) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: extrapolate([], 10),
        lambda: extrapolate([math.nan], 10),
        lambda: extrapolate([1.0], 0),
        lambda: extrapolate([1.0], 10, goal="up"),  # pyright: ignore[reportArgumentType]
        lambda: extrapolate([1.0], 10, target="mean"),  # pyright: ignore[reportArgumentType]
        lambda: extrapolate([1.0], 10, bounds=(1.0, 0.0)),
        lambda: extrapolate([1.0], 10).interval(1.0),
        lambda: extrapolate([1.0], 10).quantile(0.0),
    ],
)
def test_arguments_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ArgumentError, match="Allowed"):
        wrong()


# --- published curves ----------------------------------------------------------------------------


def published() -> dict[str, list[np.ndarray]]:
    """Benchmark -> tasks -> (curves, points); nothing in the package was fitted on them."""
    folder = Path(os.environ.get("MODELWRIGHT_DATA", "")) / "nas"
    if not (folder / "taskset_lm_text_curves.npz").exists():
        pytest.skip("MODELWRIGHT_DATA names no folder with nas/taskset_lm_text_curves.npz")
    with gzip.open(folder / "nbnlp_wikitext2_curves.csv.gz", "rt") as file:
        curves = [[float(v) for v in row["val_curve"].split()] for row in csv.DictReader(file)]
    found = {"NAS-Bench-NLP": [np.array([c for c in curves if len(c) == 50])]}
    with np.load(folder / "taskset_lm_text_curves.npz") as stored:
        found["TaskSet"] = [stored[k].astype(float) for k in stored.files if k.endswith("__valid_loss")]
    return found


def scores(ends: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return high - low + 10 * (np.maximum(low - ends, 0) + np.maximum(ends - high, 0))


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
@pytest.mark.parametrize("benchmark", ["NAS-Bench-NLP", "TaskSet"])
def test_intervals_hold_what_they_say_and_beat_last_value_plus_quantiles(benchmark, share):
    """With 100 completed curves for both; scores in logarithms, since TaskSet holds 60,000 for what diverged."""
    tasks, held, ratios = published()[benchmark], [], []
    for curves in tasks:
        for seed in range(24 // len(tasks) // 2):
            order = np.random.default_rng(seed).permutation(len(curves))
            known, asked = curves[order[:100]], curves[order[100:]][:100]
            seen = max(1, round(share * curves.shape[1]))
            study = Extrapolator(curves.shape[1], known.tolist())
            low, high = np.log([study.forecast(c).interval(0.8) for c in asked[:, :seen].tolist()]).T
            known, ends, last = np.log(known), np.log(asked[:, -1]), np.log(asked[:, seen - 1])
            moved = np.quantile(known[:, -1] - known[:, seen - 1], [0.1, 0.9])
            held.append(((ends >= low - 1e-9) & (ends <= high + 1e-9)).mean())
            theirs = scores(ends, last + moved[0], last + moved[1]).mean()
            ratios.append(math.log(scores(ends, low, high).mean() / theirs))
    assert 0.75 <= np.mean(held) <= 0.85
    assert math.exp(np.mean(ratios)) <= 0.85
