"""Decision thresholds: good on rows that did not choose them, however few did."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.tasks.scoring import thresholds
from modelwright.tasks.scoring.metrics import Metric
from modelwright.tasks.scoring.target import Target

COUNTED = ("f1", "balanced_accuracy", "accuracy")


def metric(name, positive="yes"):
    return Metric.of(name, Target.of(np.array(["no", "yes"] * 4, object), positive=positive))


def drawn(rows, seed, slope=1.0, shift=0.0):
    """True probabilities with a fifth of ones; what a model says, by slope and shift of their log-odds; classes."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(-2.0, 1.5, rows)
    y = (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    return 1 / (1 + np.exp(-(slope * odds + shift))), y


def on_others(name, rows, chosen, **skewed):
    """Mean score on many other rows of thresholds that so few chose."""
    scores, y = drawn(50_000, 1000, **skewed)
    own = metric(name)
    found = []
    for seed in range(30):
        few, true = drawn(rows, seed, **skewed)
        found.append(own.merit(y, (scores >= chosen(own, true, few)).astype(np.int64)))
    return float(np.mean(found))


def by_trial(own, y, scores):
    return thresholds.tried(scores, y, own.merit)


@pytest.mark.parametrize("skewed", [{}, {"slope": 1.4}, {"shift": 1.5}], ids=["right", "too sure", "shifted"])
@pytest.mark.parametrize("rows", [50, 150, 600])
@pytest.mark.parametrize("name", COUNTED)
def test_few_rows_choose_a_threshold_that_is_good_for_others(name, rows, skewed):
    scores, y = drawn(50_000, 1000, **skewed)
    own = metric(name)
    best = max(own.merit(y, (scores >= at).astype(np.int64)) for at in np.linspace(0.02, 0.98, 97))
    found = on_others(name, rows, thresholds.best_threshold, **skewed)
    assert found > best - (0.02 if rows < 100 else 0.01)
    if rows >= thresholds.ENOUGH_TO_TRY:
        assert found >= on_others(name, rows, by_trial, **skewed)


@pytest.mark.parametrize("name", COUNTED)
def test_with_many_rows_it_is_the_best_one_however_wrong_the_probabilities_are(name):
    rng = np.random.default_rng(0)
    scores = rng.random(40_000)
    y = (rng.random(40_000) < np.where((scores > 0.2) & (scores < 0.3), 0.1, np.where(scores > 0.3, 0.9, 0.2))).astype(
        int
    )
    assert 0.28 < thresholds.best_threshold(metric(name), y, scores) < 0.32


def test_it_is_one_half_where_rows_or_a_class_are_too_few():
    own = metric("f1")
    assert thresholds.best_threshold(own, np.array([0, 1] * 8), np.linspace(0, 1, 16)) == 0.5
    y = np.zeros(200, np.int64)
    y[:2] = 1
    assert thresholds.best_threshold(own, y, np.linspace(0, 1, 200)) == 0.5
    weight = np.where(np.arange(200) < 10, 1.0, 0.0)  # rows that count for nothing are none
    assert thresholds.best_threshold(own, np.arange(200) % 2, np.linspace(0, 1, 200), weight) == 0.5


def test_the_more_probable_class_is_named_where_another_threshold_brings_nothing():
    found = [
        thresholds.best_threshold(metric("accuracy"), y, scores) for scores, y in map(drawn, [5000] * 10, range(10))
    ]
    assert sum(cut == 0.5 for cut in found) >= 6 and all(0.42 < cut < 0.58 for cut in found)


def test_a_weight_counts_as_so_many_rows():
    scores, y = drawn(400, 5)
    times = np.random.default_rng(0).integers(1, 4, 400)
    own = metric("f1")
    weighed = thresholds.best_threshold(own, y, scores, times.astype(float))
    repeated = thresholds.best_threshold(own, np.repeat(y, times), np.repeat(scores, times))
    assert weighed == pytest.approx(repeated, abs=0.05)


def test_which_class_is_looked_at_decides():
    scores, y = drawn(2000, 7)
    of_ones = thresholds.best_threshold(metric("f1", "yes"), y, scores)
    of_zeros = thresholds.best_threshold(metric("f1", "no"), y, scores)
    assert of_ones < 0.45 < of_zeros
    mirrored = thresholds.best_threshold(metric("f1", "no"), 1 - y, 1 - scores)
    assert mirrored == pytest.approx(1 - of_ones, abs=1e-3)


@given(st.integers(0, 10_000), st.integers(20, 60), st.sampled_from(COUNTED), st.sampled_from([1, 3, 1000]))
def test_any_probabilities_have_a_threshold(seed, rows, name, levels):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, levels + 1, rows) / levels
    y = rng.integers(0, 2, rows)
    weight = rng.random(rows) if seed % 2 else None
    assert 0 <= thresholds.best_threshold(metric(name), y, scores, weight) <= 1


def test_of_a_metric_that_only_tells_values_thresholds_are_tried():
    rng = np.random.default_rng(0)
    true = rng.beta(1, 9, 5_000)
    y = (rng.random(5_000) < true).astype(int)

    def f1(y, named):
        right = (y & named).sum()
        return 2 * right / max(1, y.sum() + named.sum())

    cut = thresholds.tried(true, y, f1)
    assert 0.05 < cut < 0.35
    assert f1(y, (true >= cut).astype(int)) > 1.3 * f1(y, (true >= 0.5).astype(int))


def classes(rows, seed):
    """Three classes of 80, 15 and 5 %, and probabilities that are right."""
    rng = np.random.default_rng(seed)
    y = rng.choice(3, rows, p=[0.8, 0.15, 0.05])
    density = np.exp(-0.5 * (rng.normal(size=rows)[:, None] + 1.2 * y[:, None] - 1.2 * np.arange(3)) ** 2)
    probable = density * [0.8, 0.15, 0.05]
    return y, probable / probable.sum(axis=1, keepdims=True)


def of_three(name):
    return Metric.of(name, Target.of(np.array(["a", "b", "c"] * 4, object)))


@pytest.mark.parametrize("name", ["balanced_accuracy", "f1"])
def test_rarer_ones_of_several_classes_are_named_sooner_where_that_scores_better(name):
    own, (y, predicted), (new, probable) = of_three(name), classes(3000, 0), classes(20_000, 1)
    cut = thresholds.best_cut(own, y, predicted)
    assert cut.factors[2] == 1 > cut.factors[1] > cut.factors[0] > 0
    usual, better = (own.score(new, one.named(probable)) for one in (thresholds.MOST_PROBABLE, cut))
    assert better > usual + (0.1 if name == "balanced_accuracy" else 0.02)
    assert thresholds.attained(own, y, predicted) == pytest.approx(better, abs=0.04)
    assert thresholds.attainable(own, y, predicted) == pytest.approx(own.score(y, cut.named(predicted)), abs=0.01)


def test_the_most_probable_of_several_classes_is_named_elsewhere():
    y, predicted = classes(3000, 0)
    assert thresholds.best_cut(of_three("accuracy"), y, predicted) == thresholds.MOST_PROBABLE
    assert thresholds.best_cut(of_three("log_loss"), y, predicted) == thresholds.MOST_PROBABLE
    few = thresholds.best_cut(of_three("balanced_accuracy"), y[:60], predicted[:60])
    assert few == thresholds.MOST_PROBABLE


def test_a_class_without_rows_has_a_factor_all_the_same():
    y, predicted = classes(400, 0)
    four = np.column_stack([predicted, np.zeros(400)])
    metric = Metric.of("balanced_accuracy", Target.of(np.array(["a", "b", "c", "d"] * 4, object)))
    cut = thresholds.best_cut(metric, y, four)
    assert len(cut.factors) == 4 and all(0 < factor <= 1 for factor in cut.factors)
