"""Values that stand for nothing, by their shape, and numbers far from all others."""

import numpy as np
import pytest
from examined import examined, noise, of, passed

from modelwright.tasks.checks.shape import far_away, spikes

rng = np.random.default_rng(4)
POSITIVE = rng.gamma(4.0, 20.0, 1000)


def with_spike(values, value, count=60):
    return np.concatenate([values, np.full(count, float(value))])


@pytest.mark.parametrize(
    ("values", "value"),
    [
        (rng.integers(0, 28, 1000).astype(float), 999),
        (rng.integers(18, 80, 1000).astype(float), -1234),
        (rng.integers(0, 500, 1000).astype(float), -1),
        (rng.normal(0, 1, 1000), 77.25),
        (np.exp(rng.normal(10, 1, 1000)), -999),
        (rng.normal(120, 15, 1000), 0),
        (np.clip(POSITIVE, 0, 700), 9999),
        (rng.integers(1, 6, 1000).astype(float), 99),
    ],
)
def test_a_spike_far_outside_the_rest_is_a_sentinel(values, value):
    assert [spike.value for spike in spikes(with_spike(values, value))] == [value]


def test_several_at_one_end_and_at_both():
    both = with_spike(with_spike(with_spike(rng.normal(50, 5, 1000), 997), 999), -500)
    assert sorted(spike.value for spike in spikes(both)) == [-500, 997, 999]


@pytest.mark.parametrize(
    "values",
    [
        rng.normal(size=2000),
        np.exp(rng.normal(0, 2, 2000)),
        rng.poisson(2.0, 2000).astype(float),
        rng.integers(0, 2, 2000).astype(float),
        rng.integers(-1, 2, 2000).astype(float),
        np.where(rng.random(2000) < 0.4, 0.0, rng.poisson(3.0, 2000) + 1.0),
        np.where(rng.random(2000) < 0.8, 0.0, rng.gamma(2.0, 500.0, 2000) + 200),
        np.minimum(rng.gamma(4.0, 20.0, 2000), 150.0),
        with_spike(rng.normal(size=1000), 0.0),
        np.r_[rng.normal(size=1000), 999.0],
        np.array([]),
        np.full(50, 3.0),
    ],
)
def test_tails_counts_caps_and_zeros_for_none_are_no_sentinels(values):
    assert spikes(values) == []


def test_a_sentinel_in_a_table_is_an_alert_with_its_count():
    table = noise(1060, days=with_spike(rng.integers(0, 28, 1000).astype(float), 999))
    found = of(examined(table), "sentinel values")
    assert (
        found["days"].count == 60 and found["days"].status == "alert" and passed(examined(noise()), "sentinel values")
    )


def test_words_for_nothing_are_told_and_stay_levels():
    jobs = np.array(["cook", "nurse", "unknown", "---"])[rng.integers(0, 4, 400)]
    found = of(examined(noise(job=jobs.tolist())), "sentinel values")
    assert found["job"].status == "fixed" and found["job"].count == int(np.isin(jobs, ["unknown", "---"]).sum())


def test_single_numbers_far_away_are_outliers():
    values = np.concatenate([rng.normal(50, 5, 995), [900.0, -750.0, 901.0, 45.0, 52.0]])
    assert far_away(values).sum() == 3
    found = of(examined(noise(1000, a=values)), "outliers")
    assert found["a"].count == 3 and "901" in found["a"].message


@pytest.mark.parametrize("values", [rng.normal(size=3000), np.exp(rng.normal(0, 2, 3000)), rng.pareto(1.5, 3000)])
def test_long_tails_are_no_outliers(values):
    assert far_away(values).sum() <= 1


def test_a_slip_in_the_target_is_told():
    y = np.concatenate([rng.normal(100, 10, 399), [1e6]])
    assert of(examined(noise(400, y=y)), "outliers")["y"].count == 1
