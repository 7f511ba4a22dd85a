"""LightGBM's models of boosted trees, walked by XGBoost: the same leaves, whatever the trees are like."""

from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.tasks.features.matrix import Matrix
from modelwright.tasks.learners import learner, traversal
from modelwright.tasks.learners.traversal import Traversal

CLASSES = {"regression": 0, "binary": 2, "multiclass": 3}
LEVELS = 20


def rows(rng, count, *, missing):
    x = rng.normal(size=(count, 5)).astype(np.float32)
    x[:, 1] = np.round(x[:, 1])
    x[:, 3] = rng.integers(0, LEVELS, count)
    if missing:
        x[rng.random(x.shape) < missing] = np.nan
    return x


def target(rng, x, task):
    known = np.nan_to_num(x)
    z = known[:, 0] * known[:, 1] + np.isnan(x[:, 2]) + rng.normal(size=LEVELS)[known[:, 3].astype(int)]
    return z * 1e4 + 1e6 if task == "regression" else np.digitize(z, [0.5] if task == "binary" else [-0.5, 0.5])


def grown(x, y, task, *, leaves=15, trees=5, seed=0, categorical=()):
    told: dict[str, Any] = {"objective": task, "num_leaves": leaves, "min_data_in_leaf": 3, "verbosity": -1}
    told |= {"min_data_per_group": 5, "seed": seed, "deterministic": True, "num_threads": 1}
    if task == "multiclass":
        told["num_class"] = 3
    booster = lgb.train(told, lgb.Dataset(x, y, categorical_feature=list(categorical)), trees)
    return booster.model_to_string(), booster


@settings(max_examples=40, deadline=None)
@given(
    task=st.sampled_from(sorted(CLASSES)),
    leaves=st.integers(2, 40),
    trees=st.integers(1, 12),
    missing=st.sampled_from([0.0, 0.2]),
    later=st.sampled_from([0.0, 0.2]),
    categorical=st.sampled_from([(), (3,), (1, 3)]),
    seed=st.integers(0, 99),
)
def test_every_row_comes_to_the_same_leaves(task, leaves, trees, missing, later, categorical, seed):
    rng = np.random.default_rng(seed)
    x = rows(rng, 400, missing=missing)
    y = target(rng, x, task)
    x[:, 1] = np.abs(x[:, 1])
    text, booster = grown(x, y, task, leaves=leaves, trees=trees, seed=seed, categorical=categorical)
    # Missing values where there were none, and numbers that are thresholds.
    asked = rows(rng, 300, missing=later)
    asked[::9, 3] = rng.choice([LEVELS, LEVELS + 40, 1000], len(asked[::9]))  # levels that are new
    expected = np.asarray(booster.predict(asked, num_threads=1))
    assert Traversal.known(text)
    found = Traversal(text, CLASSES[task]).predict(asked, 1)
    scale = np.abs(expected - expected.mean()).max() + 1e-3
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6 * trees * scale + 1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("task", sorted(CLASSES))
@pytest.mark.parametrize("categorical", [(), (3,)])
def test_many_rows_are_predicted_as_few_are(task, categorical):
    rng = np.random.default_rng(3)
    x = rows(rng, 12_000, missing=0.1)
    y = target(rng, x, task)
    names = tuple("abcde")
    sources = tuple((name,) for name in names)
    whole = Matrix(values=x, names=names, sources=sources, categorical=categorical)
    fitted = learner("lightgbm").fit(whole.take(slice(0, 2000)), y[:2000], task, config={}, rounds=60)
    at_once, half = fitted.predict(whole, threads=2), fitted.predict(whole.take(slice(0, 6000)), threads=2)
    assert fitted._traversal is not None
    parts = [fitted.predict(whole.take(slice(start, start + 1500))) for start in range(0, 12_000, 1500)]
    np.testing.assert_allclose(at_once, np.concatenate(parts), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(half, np.concatenate(parts[:4]), rtol=1e-12)


def test_other_formats_and_very_many_sets_of_levels_are_left_to_lightgbm(monkeypatch):
    rng = np.random.default_rng(0)
    x = rows(rng, 300, missing=0)
    y = target(rng, x, "regression")
    text, _ = grown(x, y, "regression")
    assert Traversal.known(text)
    assert not Traversal.known(text.replace("version=v4", "version=v5"))
    text, _ = grown(x, y, "regression", categorical=[3])
    Traversal(text, 0)
    monkeypatch.setattr(traversal, "_SETS", 1)
    with pytest.raises(ValueError, match="sets of levels"):
        Traversal(text, 0)
