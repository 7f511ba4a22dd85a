import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm
from small_space import Part, Small, floats

from modelwright.strategy.acquisition import candidates, climb, log_ei, log_ei_slopes, propose_vectors
from modelwright.strategy.gp import GP, Bend
from modelwright.strategy.terms import Below, Improvement, Mean, Sum


@pytest.mark.parametrize("mean, std, best", [(0.0, 1.0, 0.5), (1.0, 0.2, 0.0), (-2.0, 0.7, 1.0)])
def test_equals_the_integral(mean, std, best):
    gain, _ = quad(lambda y: (y - best) * norm.pdf(y, mean, std), best, mean + 12 * std, epsabs=0)
    assert log_ei(np.array([mean]), np.array([std]), best)[0] == pytest.approx(np.log(gain), abs=1e-6)


def test_finite_and_increasing_far_below_the_best():
    mean = -np.logspace(8, -3, 400)
    value = log_ei(mean, np.ones(400), 0.0)
    assert np.isfinite(value).all() and (np.diff(value) > 0).all()


@pytest.mark.parametrize("mean", [-300.0, -1.0001, -0.9999, 0.0, 3.0])
def test_slopes(mean):
    def value(m, s):
        return log_ei(np.array([m]), np.array([s]), 0.1)[0]

    _, by_mean, by_std = log_ei_slopes(np.array([mean]), np.array([0.8]), 0.1)
    assert by_mean[0] == pytest.approx((value(mean + 1e-6, 0.8) - value(mean - 1e-6, 0.8)) / 2e-6, rel=1e-3)
    assert by_std[0] == pytest.approx((value(mean, 0.8 + 1e-6) - value(mean, 0.8 - 1e-6)) / 2e-6, rel=1e-3)


def test_candidates_lie_on_the_lattice_with_conditions_kept():
    space = Small(Part("kind", 3, "categorical"), Part("units", 7), Part("rate", only_if=("kind", 1)))
    tops = space.sample_vectors(np.random.default_rng(0), 3)
    bend = Bend(np.full(3, 0.5), np.full(3, 2.0), np.array([False, True, True]))
    made = candidates(space, np.random.default_rng(1), tops, np.full(3, 0.3), bend, 256)
    assert np.array_equal(made, space.snap(made), equal_nan=True)
    assert (np.isnan(made[:, 2]) == (np.floor(made[:, 0] * 3) != 1)).all()
    assert len(np.unique(made[:, 1])) == 7


def test_climbing_from_the_best_of_few_beats_the_best_of_many():
    rng = np.random.default_rng(0)
    x = rng.random((40, 2))
    y = -8 * ((x - [0.31, 0.77]) ** 2).sum(axis=1)
    model = GP(["numeric"] * 2).fit(x, y)
    few, many = rng.random((200, 2)), rng.random((20_000, 2))
    worth = log_ei(*model.predict(few), y.max())
    found, value = climb(Improvement(model, y.max()), model.bend, few[np.argsort(-worth)[:6]], ["numeric"] * 2)
    assert value.max() > log_ei(*model.predict(many), y.max()).max()
    assert np.abs(found[value.argmax()] - [0.31, 0.77]).max() < 0.1


def test_climbing_leaves_categories_and_inactive_values_alone():
    x = np.array([[0.25, 0.2, np.nan], [0.75, 0.8, 0.5], [0.25, 0.5, np.nan]])
    model = GP(["categorical", "numeric", "numeric"]).fit(x, np.array([0.0, 1.0, 0.5]), steps=0)
    found, _ = climb(Improvement(model, 1.0), model.bend, x, model.kinds)
    assert np.array_equal(found[:, 0], x[:, 0])
    assert np.array_equal(np.isnan(found), np.isnan(x))


def test_the_best_comes_first():
    space = floats(2)
    x = space.sample_vectors(np.random.default_rng(0), 20)
    model = GP(["numeric"] * 2).fit(x, x[:, 0])
    points, worth = propose_vectors(
        Improvement(model, 1.0), model.bend, space, np.random.default_rng(1), x[:2], np.full(2, 0.2)
    )
    assert (np.diff(worth) <= 0).all()
    assert points[0, 0] > 0.9


@pytest.mark.parametrize("term", [lambda m: Improvement(m, 0.8), Below, lambda m: Mean(m, -0.5)])
def test_terms_know_their_slopes_by_the_coordinates_of_the_point(term):
    rng = np.random.default_rng(0)
    model = GP(["numeric"] * 2)
    model.theta[2:6] = 0.3, -0.2, 0.4, 0.1  # bent, so that a slope by bent coordinates would be another
    x = rng.random((15, 2))
    model.fit(x, np.sin(5 * x).sum(axis=1), [model.theta], steps=0)
    wanted, at = Sum([term(model)]), rng.random((6, 2))
    value, slope = wanted.slopes(at)
    assert value == pytest.approx(wanted.value(at))
    for axis in range(2):
        move = np.eye(2)[axis] * 1e-5
        assert slope[:, axis] == pytest.approx((wanted.value(at + move) - wanted.value(at - move)) / 2e-5, rel=1e-3)
