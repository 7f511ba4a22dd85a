"""Networks whose parts are all zeros can be built, and equal seeds leave out equal units."""

import numpy as np
import pytest

from modelwright import nas
from modelwright.nas.canonical import key

keras = pytest.importorskip("keras")


def test_the_published_cell_without_any_operation_is_built():
    space = nas.nasbench201((8, 8, 3), 10, width=4, cells=1)
    model = nas.build(space.graph(dict.fromkeys(space.tree.default(), "none")))
    assert np.ptp(model.predict(np.random.default_rng(0).normal(size=(4, 8, 8, 3)), verbose=0), axis=0).max() == 0


def test_zeros_of_another_shape_are_built_and_have_one_key():
    graphs = [
        nas.trace(lambda x: x.zero().global_avg_pool().dense(2), (8, 8, 4)),
        nas.trace(lambda x: x.zero().avg_pool(2).global_avg_pool().dense(2), (8, 8, 4)),
    ]
    for graph in graphs:
        out = nas.build(graph).predict(np.ones((2, 8, 8, 4)), verbose=0)
        assert out.shape == (2, 2) and not np.any(out)
    assert key(graphs[0]) == key(graphs[1])


def dropped(x):
    return x.dense(16).dropout(rate=0.5).relu().dropout(rate=0.5).dense(2)


def test_equal_seeds_leave_out_equal_units():
    x = np.random.default_rng(0).normal(size=(8, 5)).astype("float32")
    graph = nas.trace(dropped, (5,))
    outs = [np.asarray(nas.build(graph, seed=seed)(x, training=True)) for seed in (1, 1, 2)]
    assert np.array_equal(outs[0], outs[1]) and not np.array_equal(outs[0], outs[2])
    states = [layer.seed_generator.state.value for layer in nas.build(graph).layers if "dropout" in layer.name]
    assert not np.array_equal(*map(np.asarray, states))
