"""The surrogate for few trials of many decisions: what it says of the difference of two points."""

import numpy as np
import pytest

from modelwright.strategy.ensemble import Ensemble


def problem(seed, count=80, decisions=20, noise=0.3):
    """Points, a model of noisy values at them, and what points are really worth: a sum over decisions."""
    rng = np.random.default_rng(seed)
    x = (rng.integers(0, 3, (count, decisions)) + 0.5) / 3
    worth = rng.normal(size=(decisions, 3))

    def true(x):
        return worth[np.arange(decisions), (3 * x).astype(int)].sum(1)

    return x, Ensemble(x, true(x) + noise * rng.normal(size=count), [True] * decisions, ranks=False), true


def edits(point):
    """Every point that differs in one decision."""
    found = np.repeat(point[None], 2 * len(point), axis=0)
    for place, row in enumerate(found):
        row[place // 2] = [level for level in (1 / 6, 0.5, 5 / 6) if abs(level - point[place // 2]) > 0.1][place % 2]
    return found


def test_a_difference_is_that_of_the_means_and_a_point_does_not_differ_from_itself():
    x, model, _ = problem(1, 60, 8, 0.2)
    mean, std = model.difference(x[:5], x[0])
    assert mean == pytest.approx(model.predict(x[:5])[0] - model.predict(x[:1])[0], abs=1e-9)
    assert [mean[0], std[0]] == pytest.approx([0.0, 0.0], abs=1e-6) and (std[1:] > 0.01).all()


def test_alike_points_are_known_alike_and_far_ones_are_not():
    x, model, _ = problem(1, 60, 8, 0.2)
    near, far = x[0].copy(), 1.0 - x[0]
    near[0] = x[1:][x[1:, 0] != x[0, 0]][0, 0]
    _, apart = model.difference(np.array([near, far]), x[0])
    _, alone = model.predict(np.array([x[0], near, far]))
    assert apart[0] < alone[:2].min() and apart[0] < apart[1]
    # Never more than if nothing were known of both, but what members disagree about.
    assert apart[1] < 1.1 * (alone[0] + alone[2])


def test_how_uncertain_a_difference_is_said_to_be_is_how_far_it_is_off():
    """What all differences of a problem have in common is one draw, so several problems tell. Off by as much as told is
    1; the uncertainty of a point by itself would say 0.5."""
    off = []
    for seed in range(10):
        x, model, true = problem(seed)
        here = x[model.values.argmax()]
        around = edits(here)
        mean, std = model.difference(around, here)
        off.append((mean - true(around) + true(here[None])) / std)
    assert np.sqrt(np.mean(np.square(off))) == pytest.approx(1.0, abs=0.2)
    assert np.mean(np.abs(off) < 1.0) == pytest.approx(0.68, abs=0.12)
