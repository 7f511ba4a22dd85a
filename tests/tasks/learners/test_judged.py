"""What learners stop by agrees with scikit-learn's metrics."""

import numpy as np
import pytest

from modelwright.tasks.learners.judged import merit

metrics = pytest.importorskip("sklearn.metrics")
rng = np.random.default_rng(0)


@pytest.mark.parametrize("weighted", [False, True])
def test_agrees(weighted):
    y = rng.integers(0, 2, 300)
    positive = np.round(np.clip(0.3 * y + 0.7 * rng.random(300), 0.01, 0.99), 2)  # with ties
    weight = rng.random(300) if weighted else None
    found = np.column_stack([1 - positive, positive])
    area = metrics.roc_auc_score(y, positive, sample_weight=weight)
    assert merit(y, found, weight, "roc_auc") == pytest.approx(area)
    assert merit(y, found, weight) == pytest.approx(-metrics.log_loss(y, found, sample_weight=weight))
    hits = metrics.accuracy_score(y, found.argmax(axis=1), sample_weight=weight)
    assert merit(y, found, weight, "accuracy") == pytest.approx(hits)
    error = metrics.mean_squared_error(y, positive, sample_weight=weight)
    assert merit(y.astype(float), positive, weight) == pytest.approx(-error)


def test_one_class_alone_has_an_area_of_a_half():
    assert merit(np.ones(5, int), np.tile([0.4, 0.6], (5, 1)), None, "roc_auc") == 0.5
