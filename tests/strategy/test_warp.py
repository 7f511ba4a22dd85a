import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from modelwright.strategy.warp import clean, fit_power, power, standardise, warp

scores = arrays(float, st.integers(1, 40), elements=st.floats(allow_nan=True, allow_infinity=True, width=64))


@given(scores)
def test_whatever_comes_in_finite_values_come_out(values):
    out = warp(values)
    assert out.shape == values.shape and np.isfinite(out).all()


@given(arrays(float, st.integers(2, 40), elements=st.floats(-1e6, 1e6)))
def test_order_is_kept_on_the_good_side(values):
    out = warp(values)
    better = values >= np.median(values)
    assert (np.diff(out[better][np.argsort(values[better], kind="stable")]) >= -1e-12).all()


@given(st.floats(-3, 5), arrays(float, 20, elements=st.floats(-20, 20)))
def test_the_power_transform_increases(shape, values):
    moved = power(np.sort(values), shape)
    assert (np.diff(moved) >= -1e-9 * np.abs(moved[:-1]).max()).all()


def test_failed_trials_count_as_the_worst_seen():
    assert clean(np.array([0.5, 0.9, np.nan, -np.inf])).tolist() == [0.5, 0.9, 0.5, 0.5]


def test_one_diverged_trial_does_not_squeeze_the_others_together():
    good = np.linspace(0.8, 0.9, 20)
    out = standardise(clean(np.append(good, -1e12)))
    assert np.ptp(out[:20]) > 1.0


def test_a_skewed_sample_becomes_symmetric():
    values = standardise(-np.exp(np.random.default_rng(0).normal(size=300)))
    warped = standardise(power(values, fit_power(values)))
    assert abs(np.mean(warped**3)) < 0.4 < abs(np.mean(values**3))


def test_all_failed_and_all_equal_give_zeros():
    assert not warp(np.full(5, np.nan)).any()
    assert not warp(np.full(5, 0.3)).any()
    assert warp(np.array([1.0])).tolist() == pytest.approx([0.0])
