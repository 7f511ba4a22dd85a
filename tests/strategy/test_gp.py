import numpy as np
import pytest
from scipy.optimize import approx_fprime

from modelwright.strategy.gp import GP, Bend, Prior


def mixed_points(count=25, seed=0):
    """Three numeric axes, the last inactive in places, and one categorical axis that is inactive in places."""
    rng = np.random.default_rng(seed)
    x = rng.random((count, 4))
    x[:, 3] = (np.floor(x[:, 3] * 3) + 0.5) / 3
    x[rng.random(count) < 0.3, 2] = np.nan
    x[rng.random(count) < 0.3, 3] = np.nan
    y = np.sin(4 * x[:, 0]) + np.nan_to_num(x[:, 2]) + np.nan_to_num(x[:, 3])
    return x, (y - y.mean()) / y.std()


KINDS = ["numeric", "numeric", "numeric", "categorical"]


@pytest.mark.parametrize("prior", [Prior(), Prior(scale_width=0.5, bend_width=0.0)])
def test_gradient_of_the_posterior_is_exact(prior):
    x, y = mixed_points()
    model = GP(KINDS, prior=prior).fit(x, y, steps=0)
    free = np.flatnonzero(prior.widths(4))
    theta = model.theta.copy()
    theta[free] += np.linspace(-0.5, 0.5, len(free))
    _, slope = model._loss(theta)
    assert slope == pytest.approx(np.where(prior.widths(4), approx_fprime(theta, model.loss, 1e-6), 0.0), abs=2e-4)


def test_gradients_of_the_prediction_are_exact():
    x, y = mixed_points()
    model = GP(KINDS).fit(x, y)
    at = x[:6].copy()
    at[:, :2] += 0.01
    mean, std, mean_slope, std_slope = model.slopes(at)
    again = model.predict(at)
    assert mean == pytest.approx(again[0]) and std == pytest.approx(again[1])
    bend = Bend(*np.exp(model.theta[4:12]).reshape(2, 4), model.numeric)
    for axis in range(3):
        ahead, behind = bend.there(at), bend.there(at)
        ahead[:, axis] += 1e-5
        behind[:, axis] -= 1e-5
        ahead, behind = bend.back(ahead), bend.back(behind)
        active = ~np.isnan(at[:, axis])
        for slope, which in ((mean_slope, 0), (std_slope, 1)):
            numeric = (model.predict(ahead)[which] - model.predict(behind)[which]) / 2e-5
            assert slope[active, axis] == pytest.approx(numeric[active], abs=1e-4)
            assert not slope[~active, axis].any()
    assert not mean_slope[:, 3].any()


def test_inactive_values_do_not_separate_two_points_that_both_lack_them():
    model = GP(["numeric", "numeric"]).fit(np.array([[0.3, np.nan], [0.3, 0.5]]), np.array([1.0, -1.0]), steps=0)
    mean, std = model.predict(np.array([[0.3, np.nan], [0.3, 0.9]]))
    assert mean[0] > 0 > mean[1]
    assert std[0] < std[1]


def test_a_category_never_seen_is_as_uncertain_as_far_away():
    x = np.array([[0.1], [0.1], [0.3]])
    model = GP(["categorical"]).fit(x, np.array([1.0, 1.0, -1.0]), steps=0)
    _, std = model.predict(np.array([[0.1], [0.9]]))
    assert std[1] > 2 * std[0]


def test_learns_which_axes_matter_and_the_noise():
    rng = np.random.default_rng(1)
    x = rng.random((120, 4))
    y = np.sin(6 * x[:, 1])
    quiet, loud = GP(["numeric"] * 4).fit(x, y), GP(["numeric"] * 4).fit(x, y + 0.5 * rng.normal(size=120))
    assert np.argmin(quiet.theta[:4]) == 1
    assert quiet.theta[-2] < loud.theta[-2]
    assert np.exp(loud.theta[-2]) == pytest.approx(0.25, rel=0.5)


def test_repeated_points_and_equal_values_can_be_factorised():
    model = GP(["numeric"] * 3).fit(np.full((50, 3), 0.5), np.zeros(50))
    mean, std = model.predict(np.full((1, 3), 0.5))
    assert mean[0] == pytest.approx(0.0) and np.isfinite(std[0])


def test_believing_in_pending_points_keeps_the_mean_and_removes_doubt():
    x, y = mixed_points()
    rng = np.random.default_rng(3)
    at = np.column_stack([rng.random((3, 3)), np.full(3, 0.5)])
    before = GP(KINDS).fit(x, y)
    after = GP(KINDS).fit(x, y).extend(at[:2])
    assert after.predict(at)[0] == pytest.approx(before.predict(at)[0], abs=1e-3)
    assert (after.predict(at)[1][:2] < 0.6 * before.predict(at)[1][:2]).all()


def test_two_hundred_axes_fit():
    rng = np.random.default_rng(2)
    x = rng.random((40, 200))
    y = x[:, 7] - x[:, 8]
    model = GP(["numeric"] * 200).fit(x, (y - y.mean()) / y.std())
    mean, _ = model.predict(x)
    assert np.corrcoef(mean, y)[0, 1] > 0.9
