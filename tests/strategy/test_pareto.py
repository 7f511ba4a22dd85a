"""Fronts and hypervolumes, held against counting and drawing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from modelwright.strategy.gp import GP
from modelwright.strategy.pareto import (
    HypervolumeImprovement,
    boxes,
    front,
    hypervolume,
    reference_point,
    spread,
)


def grids(least=1, most=9, objectives=(2, 3, 4)):
    """Points of small whole numbers, so that ties and equal points are common."""
    sizes = st.tuples(st.integers(least, most), st.sampled_from(objectives))
    return sizes.flatmap(lambda size: arrays(float, size, elements=st.integers(0, 4).map(float)))


@given(grids())
def test_the_front_is_who_nobody_beats(points):
    beaten = [any((q >= p).all() and (q > p).any() for q in points) for p in points]
    assert front(points).tolist() == [i for i, worse in enumerate(beaten) if not worse]


@given(grids())
def test_the_hypervolume_is_the_number_of_unit_cells_below_a_point(points):
    axes = [np.arange(4)] * points.shape[1]
    cells = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, points.shape[1])
    covered = sum(any((p >= cell + 1).all() for p in points) for cell in cells)
    assert hypervolume(points, np.zeros(points.shape[1])) == pytest.approx(covered)


@given(grids())
def test_boxes_fill_what_is_not_dominated_and_do_not_overlap(points):
    objectives = points.shape[1]
    low, high = boxes(points, np.zeros(objectives))
    centres = np.stack(np.meshgrid(*[np.arange(5) + 0.5] * objectives, indexing="ij"), axis=-1).reshape(-1, objectives)
    for centre in centres:
        dominated = any((p >= centre).all() for p in points if (p > 0).all())
        assert ((low <= centre) & (centre < high)).all(axis=1).sum() == (0 if dominated else 1)


def test_a_front_of_many_points_has_few_boxes():
    rng = np.random.default_rng(0)
    for objectives, most in ((2, 41), (3, 81)):
        points = np.abs(rng.normal(size=(40, objectives)))
        points /= np.linalg.norm(points, axis=1, keepdims=True)
        assert len(boxes(points, np.zeros(objectives))[0]) <= most


def test_points_at_or_below_the_reference_count_nothing():
    assert hypervolume(np.array([[1.0, 5.0], [0.5, 0.0]]), (1.0, 0.0)) == 0.0
    assert hypervolume(np.empty((0, 2)), (0.0, 0.0)) == 0.0


def models(objectives, count=12):
    rng = np.random.default_rng(3)
    x = rng.random((count, 2))
    made, values = [], []
    for j in range(objectives):
        y = np.sin(4 * x[:, 0] + j) - (x[:, 1] - j / objectives) ** 2
        model = GP(["numeric"] * 2)
        model.theta[2:6] = 0.2, -0.1, 0.1, 0.3
        made.append(model.fit(x, y, [model.theta], steps=0))
        values.append(y)
    return made, np.array(values).T, rng


@pytest.mark.parametrize("objectives", [2, 3, 4])
def test_the_expected_improvement_is_the_mean_over_draws(objectives):
    made, values, rng = models(objectives)
    at = rng.random((5, 2))
    wanted = HypervolumeImprovement(made, values)
    found = np.exp(wanted.value(at))
    seen = [model.predict(at) for model in made]
    mean, std = np.array([m for m, _ in seen]).T, np.array([s for _, s in seen]).T
    before = hypervolume(values, wanted.reference)
    for i in range(len(at)):
        draws = mean[i] + std[i] * rng.normal(size=(2000, objectives))
        gains = [hypervolume(np.vstack([values, draw]), wanted.reference) - before for draw in draws]
        assert found[i] == pytest.approx(np.mean(gains), abs=4.5 * np.std(gains) / np.sqrt(2000) + 1e-6)


@pytest.mark.parametrize("objectives", [2, 3])
def test_it_knows_its_slopes_even_where_it_underflows(objectives):
    made, values, rng = models(objectives)
    for best in (values, values + 60.0):
        wanted, at = HypervolumeImprovement(made, best), rng.random((4, 2))
        value, slope = wanted.slopes(at)
        assert np.isfinite(value).all() and value == pytest.approx(wanted.value(at))
        for axis in range(2):
            move = np.eye(2)[axis] * 1e-5
            near = (wanted.value(at + move) - wanted.value(at - move)) / 2e-5
            assert slope[:, axis] == pytest.approx(near, rel=2e-3, abs=1e-4)


def test_the_reference_lies_below_the_front_whatever_the_scales():
    values = np.array([[1e6, 1e-3], [2e6, 0.0], [0.0, -9.0]])
    assert (reference_point(values) < values[:2].min(axis=0)).all()
    alone = reference_point(np.array([[1.0, 1.0]]))
    assert (alone < 1.0).all()


def test_the_spread_keeps_the_ends():
    angle = np.linspace(0, np.pi / 2, 50)
    points = np.column_stack([np.cos(angle), np.sin(angle)])
    kept = spread(points, 7)
    assert len(kept) == 7 and {0, 49} <= set(kept.tolist())
