"""What is told of predictions for rows that models were not fitted on."""

import numpy as np
import pytest

from modelwright.tasks.scoring.diagnostics import judged
from modelwright.tasks.scoring.thresholds import Cut


def test_confusion_goes_by_the_threshold_and_counts_every_row():
    rng = np.random.default_rng(0)
    said = rng.random(400)
    y = (rng.random(400) < said).astype(int)
    both = np.stack([1 - said, said], axis=1)
    found = judged(y, both, task="binary", cut=Cut(0.3))
    (a, b), (c, d) = found["confusion"]
    assert a + b + c + d == found["rows"] == 400
    assert b + d == int((said >= 0.3).sum()) and c + d == int(y.sum())
    assert found["right"] == pytest.approx((a + d) / 400)


def test_calibration_of_honest_probabilities_lies_on_the_diagonal():
    rng = np.random.default_rng(1)
    said = rng.random(20_000)
    y = (rng.random(20_000) < said).astype(int)
    parts = judged(y, np.stack([1 - said, said], axis=1), task="binary")["calibration"]
    assert len(parts) == 10 and sum(rows for _, _, rows in parts) == 20_000
    assert all(abs(mean - true) < 0.05 for mean, true, _ in parts)
    sure = judged(y, np.stack([said < 0.5, said >= 0.5], axis=1).astype(float), task="binary")["calibration"]
    assert max(abs(mean - true) for mean, true, _ in sure) > 0.2


def test_of_many_classes_the_pairs_that_are_mixed_up_most_are_told():
    y = np.arange(40).repeat(10)
    predicted = np.eye(40)[y]
    predicted[:7] = np.eye(40)[5]
    found = judged(y, predicted, task="multiclass")
    assert "confusion" not in found
    assert found["mixed_up"] == [[0, 5, 7]]


def test_residuals_tell_where_values_are_missed():
    predicted = np.linspace(0, 100, 1000)
    y = predicted + np.where(predicted > 50, 10.0, 0.0)
    found = judged(y, predicted, task="regression")
    medians = [median for _, _, median, _, _ in found["residuals"]]
    assert np.allclose(medians[:5], 0, atol=1e-6) and np.allclose(medians[-4:], 10)
    assert found["within"][1] == pytest.approx(10) and 0.9 < found["r2"] < 1
    assert judged(np.ones(5), np.ones(5), task="regression")["r2"] is None
