"""Inheriting weights: a child computes what its parent did, for every rule, on graphs written at random."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwright.core.errors import ArgumentError
from modelwright.nas import build, trace, weights
from modelwright.nas.facts import facts
from modelwright.nas.graph import Graph, concat
from modelwright.nas.grow import deepen, larger_kernel, rewritten, skip, widen
from modelwright.nas.morph import inherit
from modelwright.nas.operations import Cost, Operation, operation, register

SHAPE = (8, 8, 3)


def shaken(found, seed=0):
    """Statistics, scales and shifts as after a training, and not those of a fresh network."""
    rng = np.random.default_rng(seed)

    def value(name, old):
        if name == "gamma":
            return rng.uniform(0.3, 1.8, old.shape) * rng.choice([-1, 1], old.shape)
        if name == "moving_variance":
            return rng.uniform(0.2, 3.0, old.shape)
        return rng.normal(0.0, 0.5, old.shape) if name in ("beta", "moving_mean", "bias") else old

    return {layer: {n: value(n, v).astype(np.float32) for n, v in own.items()} for layer, own in found.items()}


def outputs(model, x):
    found = model(x, training=False)
    return [np.asarray(part) for part in (found if isinstance(found, list) else [found])]


class Family:
    """A parent with weights, and what becomes of it."""

    def __init__(self, parent, seed=0):
        self.graph, self.model = parent, build(parent)
        self.weights = shaken(weights.read(self.model), seed)
        weights.write(self.model, self.weights)

    def inherit(self, child, **more):
        return inherit(self.graph, self.weights, child, seed=7, **more)

    def apart(self, child, found):
        """The largest difference of outputs, in parts of the largest output."""
        model = build(child, seed=7)
        weights.write(model, found.weights)
        x = np.random.default_rng(3).normal(size=(4, *self.graph.nodes[0].shape)).astype(np.float32)
        pairs = list(zip(outputs(self.model, x), outputs(model, x), strict=True))
        assert all(one.shape == other.shape for one, other in pairs)
        return max(np.abs(one - other).max() / np.abs(one).max() for one, other in pairs)


def exact(parent, child, **options):
    family = Family(parent)
    found = family.inherit(child, **options)
    assert found.exact, [str(edit) for edit in found.edits if not edit.exact]
    assert family.apart(child, found) <= 1e-4
    return found


def inexact(parent, child):
    found = Family(parent).inherit(child)
    assert not found.exact
    assert any(not edit.exact and edit.why for edit in found.edits)
    weights.write(build(child), found.weights)
    return found


# --- each rule ---------------------------------------------------------------------------------------


def plain(width=8, kernel=3, act="relu", layers=1, classes=5):
    def define(x):
        for i in range(layers):
            x = x.conv(width, kernel, name=f"conv{i}").batch_norm(name=f"norm{i}").activation(act, name=f"act{i}")
        return x.global_avg_pool().dense(classes, name="head")

    return trace(define, SHAPE)


def residual(width=8, blocks=1, kernel=3, before=False, head="flatten"):
    def define(x):
        x = x.conv(width, 3, stride=2, name="stem").batch_norm(name="stem_norm").relu()
        for i in range(blocks):
            y = x.batch_norm(name=f"n{i}").activation("silu", name=f"s{i}") if before else x
            y = y.conv(width, kernel, name=f"a{i}").batch_norm(name=f"b{i}").activation("silu", name=f"c{i}")
            y = y.conv(width, 3, name=f"d{i}").batch_norm(name=f"e{i}")
            x = x.apply("add", y, name=f"add{i}")
            x = x if before else x.activation("relu", name=f"act{i}")
        return x.apply(head).dense(5, name="head")

    return trace(define, SHAPE)


def joined(a=4, b=6, c=10, more=0):
    def define(x):
        one, two = x.conv(a, 3, name="a").relu(), x.conv(b, 1, name="b").batch_norm(name="norm")
        y = concat([one, two]).apply("add", x.conv(c, 3, name="c"), name="add")
        if more:
            y = y.apply("concat", y.conv(more, 3, name="more").relu(), name="joined")
        y = y.apply("depthwise", kernel=3, name="depthwise").max_pool(2).dropout(0.3).flatten()
        return y.dense(7, name="hidden").activation("tanh").dense(3, name="head")

    return trace(define, SHAPE)


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        pytest.param(plain(), plain(12), id="wider"),
        pytest.param(plain(act="silu"), plain(12, act="silu"), id="wider before any activation"),
        pytest.param(plain(), plain(kernel=5), id="larger kernel"),
        pytest.param(plain(kernel=2), plain(kernel=5), id="larger even kernel"),
        pytest.param(plain(), plain(layers=3), id="deeper"),
        pytest.param(plain(), plain(12, 5, layers=3), id="deeper, wider and with a larger kernel"),
        pytest.param(residual(), residual(12), id="wider through sums and flatten"),
        pytest.param(residual(), residual(blocks=3), id="residual blocks"),
        pytest.param(residual(before=True), residual(12, 3, 5, before=True), id="residual blocks, sums of sums"),
        pytest.param(joined(), joined(6, c=12), id="one part of a concatenation wider"),
        pytest.param(joined(), joined(6, 9, 15), id="both parts of a concatenation wider"),
        pytest.param(joined(), joined(more=3), id="skip by concatenation"),
        pytest.param(joined(4, 6, 10, 2), joined(5, 7, 12, 4), id="two concatenations"),
    ],
)
def test_a_rule_gives_the_same_function(parent, child):
    found = exact(parent, child)
    assert 0.0 < found.share <= 1.0


@pytest.mark.parametrize("kernel", [3, 4, 5])
@pytest.mark.parametrize("size", [7, 8])
def test_a_larger_kernel_with_a_stride_meets_the_same_positions(kernel, size):
    def network(kernel):
        return trace(lambda x: x.conv(4, kernel, stride=2, bias=True).flatten().dense(3), (size, size, 2))

    exact(network(2), network(kernel))


def test_dilation_and_padding_are_minded():
    def network(kernel, dilation=1, padding="same"):
        return trace(
            lambda x: x.conv(4, kernel, dilation=dilation, padding=padding).global_avg_pool().dense(3), (9, 9, 2)
        )

    exact(network(3, 2), network(5, 2))
    exact(network(1), network(3, 2))
    inexact(network(3, 1), network(3, 2))
    inexact(network(3, padding="valid"), network(5, padding="valid"))
    inexact(network(3), network(3, padding="valid"))


def test_an_inserted_layer_is_found_where_names_have_shifted():
    def define(x, more=False):
        x = x.conv(4, 3).relu()
        x = x.conv(5, 1).batch_norm().relu() if more else x
        return x.conv(6, 3).relu().global_avg_pool().dense(3)

    exact(trace(define, SHAPE), trace(lambda x: define(x, more=True), SHAPE))


def test_a_hidden_layer_takes_over_where_the_last_one_has_its_name():
    def define(x, hidden=0):
        x = x.conv(4, 3).relu().global_avg_pool()
        return (x.dense(hidden).relu() if hidden else x).dense(3)

    found = exact(trace(define, SHAPE), trace(lambda x: define(x, 16), SHAPE))
    assert "identity: dense" in map(str, found.edits)


def test_several_inputs_and_outputs():
    def network(width, outputs=2):
        def define(a, b):
            a, b = a.conv(width, 3, name="a").relu().global_avg_pool(), b.dense(width, name="b").relu()
            x = concat([a, b])
            return [x.dense(3, name="one"), x.dense(2, name="two")][:outputs]

        return trace(define, SHAPE, (5,))

    parent, child = network(4), network(6)
    first, second = build(parent), build(child)
    given = shaken(weights.read(first))
    weights.write(first, given)
    found = inherit(parent, given, child)
    assert found.exact
    weights.write(second, found.weights)
    rng = np.random.default_rng(0)
    x = [rng.normal(size=(4, *SHAPE)).astype(np.float32), rng.normal(size=(4, 5)).astype(np.float32)]
    for one, other in zip(outputs(first, x), outputs(second, x), strict=True):
        assert np.abs(one - other).max() <= 1e-4 * np.abs(one).max()
    assert not inherit(parent, given, network(6, outputs=1)).exact


# --- where there is no rule ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parent", "child", "share"),
    [
        pytest.param(plain(), plain(6), 1.0, id="narrower"),
        pytest.param(plain(kernel=5), plain(kernel=3), 1.0, id="smaller kernel"),
        pytest.param(plain(), plain(act="silu"), 1.0, id="another activation"),
        pytest.param(plain(), plain(act="silu", layers=2), 0.3, id="deeper after what cuts nothing off"),
        pytest.param(residual(blocks=2), residual(), 1.0, id="a block less"),
        pytest.param(plain(), plain(classes=7), 0.9, id="more classes"),
    ],
)
def test_weights_are_inherited_by_position_and_it_is_said(parent, child, share):
    assert inexact(parent, child).share >= share


def test_the_channels_that_count_most_are_kept():
    parent, child = plain(8), plain(5)
    family = Family(parent)
    idle = [0, 3, 6]
    for name in ("gamma", "beta"):
        family.weights["norm0"][name][idle] = 0.0
    weights.write(family.model, family.weights)
    found = family.inherit(child)
    assert not found.exact and found.share == 1.0
    assert family.apart(child, found) <= 1e-4  # what was cut off gave zero
    kept = [1, 2, 4, 5, 7]
    assert np.array_equal(found.weights["conv0"]["kernel"], family.weights["conv0"]["kernel"][..., kept])


def test_inputs_of_other_shapes_keep_what_does_not_depend_on_them():
    def network(size, channels):
        return trace(
            lambda x: x.conv(4, 3, name="a").relu().conv(6, 3, name="b").global_avg_pool().dense(3),
            (size, size, channels),
        )

    family = Family(network(8, 3))
    found = family.inherit(network(6, 1))
    assert not found.exact
    assert np.array_equal(found.weights["b"]["kernel"], family.weights["b"]["kernel"])
    assert np.array_equal(found.weights["a"]["kernel"], family.weights["a"]["kernel"][..., :1, :])


def test_layer_normalisation_over_new_channels_is_no_rule():
    def network(width):
        return trace(lambda x: x.conv(width, 3).apply("layer_norm").relu().global_avg_pool().dense(3), SHAPE)

    inexact(network(4), network(6))
    exact(network(4), network(4))


# --- new parts learn, optimizers go on ---------------------------------------------------------------------


def cut_off():
    """A branch that ends in ReLU, and with it in no gradient at zero."""

    def define(x, branch=False):
        x = x.conv(6, 3, name="a").relu()
        if branch:
            x = x.apply("add", x.conv(6, 3, name="b").batch_norm(name="n").relu(), name="one")
            x = x.apply("add", x.conv(6, 3, name="c").relu(), name="two")
        return x.global_avg_pool().dense(5, name="head")

    return trace(define, SHAPE), trace(lambda x: define(x, branch=True), SHAPE)


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        pytest.param(plain(), plain(12), id="wider"),
        pytest.param(plain(), plain(layers=2), id="deeper"),
        pytest.param(residual(), residual(blocks=2), id="residual", marks=pytest.mark.slow),
        pytest.param(joined(), joined(more=3), id="concatenation", marks=pytest.mark.slow),
        pytest.param(plain(), skip(plain(layers=1), "conv0", "act0"), id="gate"),
        pytest.param(*cut_off(), id="behind an activation that is cut off at zero"),
    ],
)
def test_everything_that_is_new_learns(parent, child):
    import keras

    found = exact(parent, child)
    model = build(child)
    weights.write(model, found.weights)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, *SHAPE)).astype(np.float32)
    y = rng.normal(size=(64, model.output_shape[-1])).astype(np.float32)
    before, changed = found.weights, {}
    for _ in range(4):
        model.train_on_batch(x, y)
        after = weights.read(model)
        for layer, own in after.items():
            for name, value in own.items():
                changed.setdefault((layer, name), np.zeros(value.shape, bool))
                changed[layer, name] |= value != before[layer][name]
        before = after
    still = {key: float(1 - moved.mean()) for key, moved in changed.items() if moved.mean() < 0.95}
    assert not still


def test_what_an_optimizer_keeps_goes_where_the_weights_go():
    family = Family(residual())
    child = residual(12, 2, 5)
    found = family.inherit(child)
    slots = {layer: {n: np.full_like(v, 2.0) for n, v in own.items()} for layer, own in family.weights.items()}
    del slots["stem_norm"]["moving_mean"]
    mapped = found.map(slots)
    assert {layer: {n: v.shape for n, v in own.items()} for layer, own in mapped.items()} == {
        layer: {n: v.shape for n, v in own.items()} for layer, own in found.weights.items()
    }
    assert not mapped["a1"]["kernel"].any() and not mapped["stem_norm"]["moving_mean"].any()
    assert (mapped["a0"]["kernel"][1:4, 1:4, :8, :8] == 2.0).all() and mapped["a0"]["kernel"].sum() == 2.0 * 9 * 64
    there = sum(int((value == 2.0).sum()) for own in mapped.values() for value in own.values()) + 8
    assert found.share == pytest.approx(there / weights.count(found.weights))
    same = found.map(family.weights)
    for layer, own in same.items():
        for name, value in own.items():
            taken = mapped[layer][name] == 2.0
            assert np.array_equal(value[taken], found.weights[layer][name][taken])


def test_inserted_normalisation_has_the_statistics_of_what_comes_in():
    family = Family(plain())
    found = family.inherit(plain(layers=2))
    rng = np.random.default_rng(0)
    drawn = np.maximum(
        rng.normal(family.weights["norm0"]["beta"], np.abs(family.weights["norm0"]["gamma"]), (200_000, 8)), 0.0
    )
    inserted = found.weights["norm1"]
    assert np.allclose(inserted["moving_mean"], drawn.mean(0), atol=0.01)
    assert np.allclose(inserted["moving_variance"], drawn.var(0), atol=0.02)
    known = {node.name: family.weights.get(node.name, {}) for node in family.graph.nodes}
    into = facts(family.graph, known)[1]
    assert into.mean is family.weights["norm0"]["moving_mean"]


# --- operations of one's own, errors -------------------------------------------------------------------------


def scaling(name, **more):
    def layer(shapes, attributes, name):
        import keras

        return keras.layers.EinsumDense("...a,ab->...b", attributes["units"], name=name)

    return register(
        Operation(
            name=name,
            shape=lambda shapes, attributes: (*shapes[0][:-1], attributes["units"]),
            cost=lambda shapes, attributes, out: Cost(shapes[0][-1] * out[-1], shapes[0][-1] * out[-1], 0),
            layer=layer,
            **more,
        )
    )


def test_an_operation_of_ones_own_brings_its_rules_or_is_copied():
    stock = operation("dense")
    scaling("own_with_rules", embed=stock.embed, slice=stock.slice, identity=stock.identity, silent=("kernel",))
    scaling("own_without")

    def network(op, width, layers=1):
        def define(x):
            for i in range(layers):
                x = x.apply(op, units=width, name=f"own{i}").activation("relu", name=f"act{i}")
            return x.dense(2, name="head")

        return trace(define, (4,))

    exact(network("own_with_rules", 5), network("own_with_rules", 8, layers=3))
    assert exact(network("own_without", 5), network("own_without", 5)).share == 1.0
    assert inexact(network("own_without", 5), network("own_without", 8)).share < 0.5
    inexact(network("own_without", 5), network("own_without", 5, layers=2))


def test_weights_of_another_network_are_refused():
    family = Family(plain())
    with pytest.raises(ArgumentError, match="the weights have 216 numbers for the layer 'conv0'"):
        inherit(plain(12), family.weights, plain(16))
    with pytest.raises(ArgumentError, match="the fresh weights have 216 numbers"):
        family.inherit(plain(12), fresh=family.weights)


def test_fresh_weights_may_be_given_and_are_not_changed():
    family, child = Family(residual()), residual(12)
    start = weights.read(build(child, seed=7))
    kept = {layer: {name: np.array(value) for name, value in own.items()} for layer, own in start.items()}
    found, same = family.inherit(child, fresh=start), family.inherit(child)
    for layer, own in found.weights.items():
        for name, value in own.items():
            assert np.array_equal(value, same.weights[layer][name])
            assert np.array_equal(start[layer][name], kept[layer][name])


# --- random graphs, random edits -------------------------------------------------------------------

ACTIVATIONS = ("relu", "relu6", "silu", "tanh", "gelu", "leaky_relu")


def written(draw, shape=None):
    """A graph of convolutions, normalisations, sums, concatenations, pooling and dense layers."""

    def define(x):
        x = x.conv(draw(st.sampled_from([4, 6])), draw(st.sampled_from([1, 3])), bias=draw(st.booleans()))
        for _ in range(draw(st.integers(1, 4))):
            x = block(draw, x)
        x = x.flatten() if draw(st.booleans()) else x.global_avg_pool()
        for _ in range(draw(st.integers(0, 1))):
            x = x.dense(6).activation(draw(st.sampled_from(ACTIVATIONS)))
        return x.dense(3)

    return trace(define, shape or draw(st.sampled_from([(8, 8, 3), (7, 7, 2), (9, 2)])))


def block(draw, x):
    kind = draw(st.sampled_from(["plain", "residual", "before", "concat", "separable", "pool", "down", "gate"]))
    act = draw(st.sampled_from(ACTIVATIONS))
    kernel = draw(st.sampled_from([1, 2, 3]))
    width = draw(st.sampled_from([4, 6]))
    if kind == "plain":
        return x.conv(width, kernel).batch_norm().activation(act)
    if kind == "residual":
        return (x.conv(width, kernel).batch_norm().activation(act).conv(x.channels, 3).batch_norm() + x).activation(act)
    if kind == "before":
        return x + x.batch_norm().activation(act).conv(x.channels, kernel)
    if kind == "concat":
        return concat([x.conv(3, kernel).activation(act), x.max_pool(3, stride=1), x.conv(2, 1).batch_norm()])
    if kind == "separable":
        return x.depthwise(3).batch_norm().activation(act).conv(width, 1, bias=True)
    if kind == "pool":
        return x.avg_pool(2, stride=1).dropout(0.2)
    if kind == "down":
        return x.conv(width, draw(st.sampled_from([2, 3])), stride=2 if min(x.shape[:-1]) > 3 else 1).batch_norm()
    return x.apply("multiply", x.conv(x.channels, 1, bias=True).activation("sigmoid"))


def edited(draw, graph):
    """One edit that a rule knows; None where there is no place for the one that was drawn."""
    kind = draw(st.sampled_from(["deepen", "widen", "larger kernel", "skip", "concat"]))
    names = [node.name for node in graph.nodes]
    inner = [name for place, name in enumerate(names) if place not in graph.outputs]
    made = [node.name for node in graph.nodes if node.op in ("conv", "dense")]
    if kind == "deepen":
        return deepen(graph, draw(st.sampled_from(inner)), kernel=draw(st.sampled_from([1, 2, 3])))
    if kind == "larger kernel":
        conv = [node.name for node in graph.nodes if node.op in ("conv", "depthwise")]
        return larger_kernel(graph, draw(st.sampled_from(conv)))
    try:
        if kind == "widen":
            return widen(graph, draw(st.sampled_from(made)), 1.5)
        a, b = sorted(draw(st.tuples(st.integers(0, len(names) - 1), st.integers(0, len(names) - 1))))
        return skip(graph, names[a], names[b], join="add" if kind == "skip" else "concat")
    except ValueError:
        return None


many = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@pytest.mark.slow
@many
@given(st.data())
def test_any_chain_of_edits_of_any_graph_is_the_same_function(data):
    parent = child = written(data.draw)
    for _ in range(data.draw(st.integers(1, 3))):
        child = edited(data.draw, child) or child
    exact(parent, child)


def altered(draw, graph):
    """Another graph with the same input, or this one with one setting changed, for better or worse."""
    if draw(st.booleans()):
        return written(draw, graph.nodes[0].shape)
    place = draw(st.integers(1, len(graph.nodes) - 1))
    node = graph.nodes[place]
    change = {
        "conv": {"kernel": [1, 2, 3], "stride": [1, 2], "filters": [3, 5, 8], "bias": [True, None], "dilation": [1, 2]},
        "depthwise": {"kernel": [1, 2, 5], "stride": [1, 2], "bias": [True]},
        "dense": {"units": [3, 5, 8], "bias": [False, True]},
        "activation": {"kind": list(ACTIVATIONS)},
        "max_pool": {"size": [1, 2], "stride": [1, 2]},
        "avg_pool": {"size": [1, 3], "stride": [1, 2]},
        "batch_norm": {"epsilon": [1e-3]},
    }.get(node.op)
    if not change:
        return graph
    key = draw(st.sampled_from(sorted(change)))
    try:
        return rewritten(graph, {place: {key: draw(st.sampled_from(change[key]))}}, {})
    except ValueError:
        return graph


@pytest.mark.slow
@many
@given(st.data())
def test_what_is_said_to_be_the_same_function_is(data):
    parent = child = written(data.draw)
    for _ in range(data.draw(st.integers(1, 2))):
        child = altered(data.draw, child)
    family = Family(parent)
    found = family.inherit(child)
    assert 0.0 <= found.share <= 1.0
    if found.exact:
        assert family.apart(child, found) <= 1e-4
    else:
        weights.write(build(child), found.weights)
        assert any(not edit.exact for edit in found.edits)


@pytest.mark.slow
@many
@given(st.data())
def test_the_same_graph_under_other_names_inherits_everything(data):
    graph = written(data.draw)
    nodes = [replace(node, name=f"other/{place}") for place, node in enumerate(graph.nodes)]
    assert exact(graph, Graph(tuple(nodes), graph.outputs)).share == 1.0
