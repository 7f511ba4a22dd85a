"""Graphs of architectures: shapes, costs, what counts of them, and when two are the same."""

from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright import nas
from modelwright.core.errors import SpaceError
from modelwright.nas import canonical
from modelwright.nas.canonical import key, pruned
from modelwright.nas.graph import Graph
from modelwright.nas.passes import Passes


def test_shapes_and_costs_are_those_of_the_built_model():
    def define(x):
        a = x.conv(8, 3, stride=2).batch_norm().relu()
        b = a.depthwise(5, bias=True).activation("gelu")
        c = nas.concat([a, b.max_pool(3, stride=1), (a + b).avg_pool(3, stride=1)]).conv(6, 1, bias=True)
        return c.apply("layer_norm").global_avg_pool().dropout(0.1).dense(5)

    graph = nas.trace(define, (13, 9, 3))
    model = nas.build(graph)
    assert graph.cost.parameters == model.count_params()
    assert graph.cost.trainable == sum(int(np.prod(v.shape)) for v in model.trainable_weights)
    for node in graph.nodes[1:]:
        assert model.get_layer(node.name).output.shape[1:] == node.shape
    # conv 7*5*27*8, depthwise 7*5*25*8, conv 7*5*24*6, dense 30
    assert graph.cost.macs == 7 * 5 * (27 * 8 + 25 * 8 + 24 * 6) + 30


def test_the_same_in_one_dimension():
    graph = nas.trace(lambda x: x.conv(4, 3, stride=2).depthwise(3).max_pool(2).flatten().dense(3), (11, 2))
    assert graph.nodes[-2].shape == (12,)
    assert graph.cost.parameters == nas.build(graph).count_params()


def test_memory_is_that_of_what_is_alive():
    graph = nas.trace(lambda x: x.conv(4).conv(2) + x.conv(2), (4, 4, 1))
    # When the last convolution has run: the input, its output, and the other branch's.
    assert graph.peak == 16 * (1 + 4 + 2) and graph.activations == 16 * (1 + 4 + 2 + 2 + 2)


@pytest.mark.parametrize(
    "define, said",
    [
        (lambda x: x.conv(4, 3) + x, "different shapes: (8, 8, 4), (8, 8, 3)"),
        (lambda x: x.global_avg_pool().conv(3), "positions and channels"),
        (lambda x: x.max_pool(2).max_pool(2).max_pool(2).max_pool(2), "nothing is left"),
        (lambda x: x.apply("convolve"), "unknown operation 'convolve'"),
        (lambda x: x.conv(0), "filters=0"),
        (lambda x: x.activation("rely"), "kind='rely'"),
        (lambda x: 3, "no tensor"),
        (lambda x: x.conv(8, 3, strides=2), "unknown option 'strides'. Allowed: filters, kernel, stride"),
        (lambda x: x.conv(8, 3, strides=2), "Write stride=..."),
        (lambda x: x.conv(8, kernl=3), "Did you mean 'kernel'?"),
        (lambda x: x.dense(8, activation="relu"), "unknown option 'activation'. Allowed: units, bias, init, name"),
        (lambda x: x.dense(8, activation="relu"), ".relu()"),
        (lambda x: x.dense(8, use_bias=False), "Write bias=..."),
        (lambda x: x.dense(8, bias="no"), "bias='no'. Allowed: True or False"),
        (lambda x: x.dense(8, init="he"), "dense: init='he'. Allowed: he_normal"),
        (lambda x: x.dropout(1.5), "dropout: rate=1.5. Allowed: a number from 0, below 1"),
        (lambda x: x.conv(8, name=3), "name=3"),
        (lambda x: x.apply("conv"), "conv: filters is not given"),
        (lambda x: x.apply("reshape"), "reshape: shape is not given"),
        (lambda x: x.apply("flatten", axis=1), "unknown option 'axis'. Allowed: name"),
        (lambda x: x + 1, "add: 1 is an int"),
        (lambda x: 1 + x, "add: 1 is an int"),
        (lambda x: x + None, "add: None is a NoneType"),
        (lambda x: nas.concat([]), "nas.concat: the list is empty"),
        (lambda x: nas.add([]), "nas.add: the list is empty"),
        (lambda x: nas.add([1, x]), "nas.add: 1 is an int"),
        (lambda x: nas.concat([x, 1]), "concat: 1 is an int"),
        (lambda x: x.convv(3), "Did you mean 'conv'?"),
        (lambda x: x.layer_norm(), "x.apply('layer_norm', ...)"),
        (lambda x: x.apply("cnv"), "Did you mean 'conv'?"),
        (lambda x: x.apply([]), "unknown operation []"),
    ],
)
def test_what_does_not_fit_is_told(define, said):
    with pytest.raises(SpaceError) as raised:
        nas.trace(define, (8, 8, 3))
    assert said in str(raised.value)


def test_a_tensor_has_what_it_has():
    def define(x):
        assert hasattr(x, "conv") and not hasattr(x, "cnv") and copy(x) == x
        return sum([x, x])

    assert [node.op for node in nas.trace(define, (8,)).nodes] == ["input", "add"]


def test_numbers_of_numpy_are_options():
    graph = nas.trace(lambda x: x.conv(np.int64(4), np.int32(3)).dropout(np.float32(0.5)), (8, 8, 3))
    assert graph == nas.trace(lambda x: x.conv(4, 3).dropout(0.5), (8, 8, 3))


@pytest.mark.parametrize("door", [nas.draw, nas.build, nas.measures, nas.zero_cost])
@pytest.mark.parametrize("given", [{"units": 3}, nas.chain((8, 8, 1), 2)])
def test_what_takes_a_graph_takes_nothing_else(door, given):
    with pytest.raises(SpaceError, match=rf"nas.{door.__name__}: an? \w+ is no graph. Allowed: space.graph\(config\)"):
        door(given)


def test_tensors_of_two_graphs_do_not_mix():
    kept = []
    nas.trace(lambda x: kept.append(x) or x.relu(), (4, 4, 1))
    with pytest.raises(SpaceError, match="two graphs"):
        nas.trace(lambda x: x + kept[0], (4, 4, 1))


def test_an_input_that_leads_nowhere_is_told():
    with pytest.raises(SpaceError, match="the input 'input1' leads to no output"):
        nas.trace(lambda a, b: a.dense(2), (3,), (4,))
    with pytest.raises(SpaceError, match="leads to no output"):
        nas.Architecture(lambda hp, a, b: a.dense(hp.Int("units", 1, 3)), (3,), (4,))


def _register_wrong_operations():
    """Operations whose shapes are not those of their layers; registered once in a process."""
    from keras import layers

    for name, shape, layer in (
        ("half", lambda shapes, a: (shapes[0][0] / 2,), lambda shapes, a, name: layers.Dense(3, name=name)),
        ("wider", lambda shapes, a: (7,), lambda shapes, a, name: layers.Dense(3, name=name)),
        ("deaf", lambda shapes, a: shapes[0], lambda shapes, a, name: layers.Conv2D(3, 1, name=name)),
    ):
        try:
            nas.operation(name)
        except SpaceError:
            nas.register(nas.Operation(name=name, shape=shape, layer=layer))


def test_an_operation_of_ones_own_that_says_a_wrong_shape_is_told():
    _register_wrong_operations()
    with pytest.raises(SpaceError, match=r"operation 'half': its shape is \(2.0,\)"):
        nas.trace(lambda x: x.apply("half"), (4,))
    with pytest.raises(SpaceError, match=r"node 'wider': its layer puts out \(3,\) .* its shape says \(7,\)"):
        nas.build(nas.trace(lambda x: x.apply("wider"), (4,)))
    with pytest.raises(SpaceError, match="'deaf'.*its layer cannot be made for inputs"):
        nas.build(nas.trace(lambda x: x.apply("deaf"), (4,)))
    with pytest.raises(SpaceError, match="there is an operation named 'wider' already"):
        nas.register(nas.operation("wider"))
    with pytest.raises(SpaceError, match=r"allowed: a nas.Operation|nas.Operation"):
        nas.register("wider")


# --- which graphs are the same -------------------------------------------------------------------------


def of(define, shape=(6, 6, 2)):
    return key(nas.trace(define, shape))


def test_zeros_and_dead_ends_do_not_count_and_a_sum_of_two_is_not_one():
    plain = of(lambda x: x.conv(2, 3))
    assert of(lambda x: x.conv(2, 3) + x.zero()) == plain
    assert of(lambda x: x.conv(2, 3) + x.zero().conv(2, 1).relu().max_pool(3, stride=1)) == plain
    assert of(lambda x: (x.conv(5, 1), x.conv(2, 3))[1]) == plain
    assert of(lambda x: x + x) != of(lambda x: x)
    assert of(lambda x: x.conv(2, 3) + x.zero().batch_norm()) != plain  # a normalisation learns an offset
    assert of(lambda x: nas.concat([x, x.zero()])) != of(lambda x: x)


def test_one_convolution_used_twice_is_not_two():
    def once(x):
        y = x.conv(2, 3)
        return y + y.max_pool(3, stride=1)

    assert of(once) != of(lambda x: x.conv(2, 3) + x.conv(2, 3).max_pool(3, stride=1))
    # Without weights it is the same.
    assert of(lambda x: x.relu() + x.relu().max_pool(3, stride=1)) == of(
        lambda x: (lambda y: y + y.max_pool(3, stride=1))(x.relu())
    )


@pytest.mark.parametrize("op", ["dropout", "spatial_dropout"])
def test_what_is_dropped_once_is_not_dropped_twice(op):
    def once(x):
        y = x.apply(op, rate=0.5)
        return y + y.max_pool(3, stride=1)

    twice = of(lambda x: x.apply(op, rate=0.5) + x.apply(op, rate=0.5).max_pool(3, stride=1))
    assert of(once) != twice
    assert of(lambda x: x.apply(op, rate=0.5).max_pool(3, stride=1) + x.apply(op, rate=0.5)) == twice


def test_zeros_of_other_shapes_are_other_zeros():
    def beside(turned):
        def define(x):
            few, many = x.zero(), x.zero().conv(3, 1)
            return nas.concat([many, x, few] if turned else [few, x, many]).conv(2, 1)

        return define

    assert of(beside(True)) != of(beside(False))


def test_sums_may_be_nested_and_concatenations_may_not_be_turned():
    assert of(lambda x: (x + x.conv(2)) + x.conv(2, 3)) == of(lambda x: x.conv(2, 3) + (x.conv(2) + x))
    a, b = (lambda x: x.conv(2, 3).relu()), (lambda x: x.conv(2, 3).batch_norm())
    assert of(lambda x: nas.concat([a(x), b(x)])) != of(lambda x: nas.concat([b(x), a(x)]))


@st.composite
def graphs(draw):
    """A random graph of a few nodes, all of one shape but for the last."""
    plan = draw(
        st.lists(st.tuples(st.sampled_from(OPS), st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=9)
    )

    def define(x):
        nodes = [x]
        for op, one, two in plan:
            a, b = nodes[one % len(nodes)], nodes[two % len(nodes)]
            nodes.append(OPS_BY_NAME[op](a, b))
        return nas.add(nodes[-2:])

    return nas.trace(define, (5, 5, 2))


OPS_BY_NAME = {
    "add": lambda a, b: a + b,
    "conv": lambda a, b: a.conv(2, 3),
    "relu": lambda a, b: a.relu(),
    "pool": lambda a, b: a.max_pool(3, stride=1),
    "norm": lambda a, b: a.batch_norm(),
    "zero": lambda a, b: a.zero(),
    "concat": lambda a, b: nas.concat([a, b]).conv(2, 1),
}
OPS = tuple(OPS_BY_NAME)


@settings(max_examples=60, deadline=None)
@given(graphs(), st.randoms(use_true_random=False))
def test_renaming_and_reordering_nodes_changes_no_key(graph, random):
    assert key(_shuffled(graph, random)) == key(graph)


@settings(max_examples=30, deadline=None)
@given(graphs(), st.randoms(use_true_random=False))
def test_what_is_computed_twice_without_weights_changes_no_key_and_no_output(graph, random):
    pytest.importorskip("jax")
    twice = _doubled(graph, random)
    merged = canonical._merged(pruned(twice))
    assert key(twice) == key(graph) == key(merged)
    x = np.random.default_rng(0).normal(size=(3, 5, 5, 2)).astype("float32")
    # Weights follow from names, so that all have the same.
    found = [[value for value in Passes(g, seed=1).forward([x]) if value is not None] for g in (graph, twice, merged)]
    for other in found[1:]:
        np.testing.assert_allclose(other[-1], found[0][-1], rtol=1e-4, atol=1e-5)


def _doubled(graph, random):
    """The same network, with some of what has no weights computed once more for some of those who take it."""
    nodes, stands = [], {}
    for place, node in enumerate(graph.nodes):
        free = node.op != "input" and not graph.cost_of(place).parameters
        stands[place] = []
        for again in range(1 + (free and random.random() < 0.5)):
            inputs = tuple(random.choice(stands[i]) for i in node.inputs)
            nodes.append(replace(node, inputs=inputs, name=f"{node.name}{'_again' * again}"))
            stands[place].append(len(nodes) - 1)
    return Graph(tuple(nodes), tuple(random.choice(stands[i]) for i in graph.outputs))


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(graphs())
def test_what_is_left_out_changes_no_output(graph):
    whole, kept = nas.build(graph, whole=True), nas.build(graph)
    there = {layer.name: layer for layer in whole.layers}
    for layer in kept.layers:
        layer.set_weights(there[layer.name].get_weights())
    x = np.random.default_rng(0).normal(size=(3, 5, 5, 2)).astype("float32")
    np.testing.assert_allclose(kept(x), whole(x), rtol=1e-5, atol=1e-5)
    assert key(pruned(graph)) == key(graph)


def _shuffled(graph, random):
    """The same network with its nodes in another valid order and under other names."""
    left, order = set(range(len(graph.nodes))), []
    while left:
        ready = sorted(i for i in left if not set(graph.nodes[i].inputs) & left)
        order.append(random.choice(ready))
        left.discard(order[-1])
    at = {place: i for i, place in enumerate(order)}
    nodes = []
    for place in order:
        node = graph.nodes[place]
        inputs = [at[i] for i in node.inputs]
        if node.op == "add":
            random.shuffle(inputs)
        nodes.append(replace(node, inputs=tuple(inputs), name=f"n{place}"))
    return Graph(tuple(nodes), tuple(at[i] for i in graph.outputs))
