import numpy as np
import pytest
from small_space import Part, Small, floats, search

from modelwright.core.errors import StrategyError
from modelwright.core.rng import Seed
from modelwright.strategy.bayesian import Bayesian
from modelwright.strategy.forest import Forest


def bumpy(x):
    return np.where(np.isnan(x[:, 1]), 2.0, np.sin(5 * x[:, 1])) + 0.5 * x[:, 0]


def points(count, seed):
    rng = np.random.default_rng(seed)
    x = rng.random((count, 3))
    x[rng.random(count) < 0.4, 1] = np.nan
    return x


def test_a_function_with_inactive_axes_is_learnt():
    x, new = points(300, 0), points(200, 1)
    mean, std = Forest.fit(x, bumpy(x), np.random.default_rng(0)).predict(new)
    error = bumpy(new) - mean
    assert error.var() < 0.05 * bumpy(new).var()
    assert (std > 0).all() and np.corrcoef(std, np.abs(error))[0, 1] > 0.2


def test_rows_held_out_are_predicted_as_new_ones_are_and_not_as_seen_ones():
    rng = np.random.default_rng(0)
    x, noise = points(300, 0), rng.normal(size=300)
    forest = Forest.fit(x, noise, rng)
    seen, held = (np.mean((noise - f(x)[0]) ** 2) for f in (forest.predict, forest.held_out))
    assert seen < 0.5 * noise.var() < held


def test_the_spread_is_that_between_trees_and_within_their_leaves():
    x = np.repeat(np.array([[0.2], [0.8]]), 200, axis=0)
    y = np.random.default_rng(0).normal(size=400) + 10 * x[:, 0]
    _, std = Forest.fit(x, y, np.random.default_rng(1)).predict(np.array([[0.2], [0.8]]))
    assert std == pytest.approx([y[:200].std(), y[200:].std()], rel=0.25)


def test_without_bootstrap_and_with_single_leaves_what_was_seen_is_known():
    x = np.random.default_rng(0).random((50, 2))
    forest = Forest.fit(x, x[:, 0], np.random.default_rng(1), bootstrap=False)
    assert np.abs(forest.predict(x)[0] - x[:, 0]).max() < 0.01 and (forest.drawn == 1).all()


@pytest.mark.parametrize("y", [np.zeros(6), np.array([1.0, 1.0, 1.0, 1.0, 1.0, 2.0])])
def test_few_and_equal_values_are_leaves(y):
    x = np.full((6, 1), 0.5)
    mean, _ = Forest.fit(x, y, np.random.default_rng(0)).predict(x)
    assert np.isfinite(mean).all() and mean.min() >= y.min() and mean.max() <= y.max()


def test_a_search_with_trees_finds_the_branch_and_its_best_values():
    space = Small(
        Part("kind", 3, "categorical"), Part("a", only_if=("kind", 0)), Part("b", only_if=("kind", 1)), Part("c")
    )

    def function(config):
        branch = {0: 0.3, 1: 1.0 - abs(config.get("b", 0) - 0.7), 2: 0.2}[config["kind"]]
        return branch - (config["c"] - 0.4) ** 2

    history = search(Bayesian(surrogate="forest"), space, function, 40, seed=Seed(0))
    assert {row.note["by"] for row in history.rows} == {"default", "design", "forest"}
    assert history.scores().max() > 0.95


def test_values_at_several_scales_and_failures_do_no_harm_to_trees():
    history = search(
        Bayesian(surrogate="forest"),
        floats(2),
        lambda c: None if c["x0"] > 0.8 else -np.exp(20 * c["x1"]),
        20,
        seed=Seed(1),
    )
    assert [row.note["by"] for row in history.rows[4:]] == ["forest"] * 16


def test_a_surrogate_that_is_not_there_is_refused_by_name():
    with pytest.raises(StrategyError, match=r"surrogate='tree'.*'gp', 'forest'"):
        Bayesian(surrogate="tree")
