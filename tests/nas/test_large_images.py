"""Large images: what preparing and judging them takes in memory, and that parts of them come to the same."""

import tracemalloc

import numpy as np
import pytest

from modelwright import nas
from modelwright.nas import front
from modelwright.nas.dataset import dataset, mirrors
from modelwright.nas.train import Recipe, Trainer

keras = pytest.importorskip("keras")
rng = np.random.default_rng(0)


def peak(work):
    """What ``work`` gives, and the bytes that it had in memory at once."""
    tracemalloc.start()
    try:
        return work(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def images():
    return rng.integers(0, 255, (800, 128, 128, 3), dtype=np.uint8), np.arange(800) % 5


def test_images_are_prepared_in_little_more_memory_than_they_take(images):
    made, most = peak(lambda: dataset(*images))
    assert most < 2 * images[0].nbytes
    assert peak(lambda: mirrors(made))[1] < 2 * images[0].nbytes
    assert peak(lambda: made.shrunk(8).held_back())[1] < images[0].nbytes


def test_networks_are_judged_by_some_rows_at_a_time(images):
    x, y = images
    made = dataset(x[:100], y[:100], validation=images)
    model = nas.build(nas.trace(lambda x: x.global_avg_pool().dense(5), (128, 128, 3)))
    judge = Trainer(model, made, Recipe(batch=32)).judge
    judge()  # compiles
    assert len(made.kept) == 800 and peak(judge)[1] < 4 * x.nbytes


@pytest.mark.parametrize("shape", [(30, 9, 11, 3), (30, 3, 9, 11), (30, 40), (30, 20, 3)])
@pytest.mark.parametrize("factor", [1, 2])
def test_rows_in_parts_are_scaled_as_all_at_once(shape, factor, monkeypatch):
    x, y = rng.normal(3.0, 2.0, shape), np.arange(30) % 2
    x[..., 1] = 1e6 + 1e-4 * x[..., 1]  # hardly varies
    rows = np.arange(30)
    whole = dataset(x, y).shrunk(factor)
    monkeypatch.setattr(front, "_AT_ONCE", 1000)
    parts = dataset(x, y).shrunk(factor)
    assert parts.notes == whole.notes
    for one, other in zip(parts.fronts, whole.fronts, strict=True):
        assert one.mean == pytest.approx(other.mean) and one.variance == pytest.approx(other.variance)
    assert np.allclose(parts.inputs(rows)[0], whole.inputs(rows)[0], atol=1e-5)
    assert parts.inputs(rows[:0])[0].shape == (0, *parts.shapes[0])
