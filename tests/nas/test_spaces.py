"""Ready spaces: what they write is what they say it costs, their decisions are those that count, their keys hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import modelwright as mw
from modelwright import nas
from modelwright.core.errors import SpaceError
from modelwright.core.rng import Seed
from modelwright.nas import canonical
from modelwright.training.keras_backend import light_compilation

SPACES = {
    "chain of images": nas.chain((12, 12, 2), 3, width=8, kinds=("residual", "conv", "bottleneck", "separable")),
    "chain of sequences": nas.chain((30, 3), 1, width=8, depth=(1, 2)),
    "chain of features": nas.chain((7,), 2, units=16, norms=("batch", "layer", "none")),
    "chain of both": nas.chain([(8, 8, 1), (5,)], 2, width=8, units=16, depth=(1, 2)),
    "branches": nas.branches((12, 12, 2), 3, width=8, operations=("conv_3x3", "sep_conv_3x3", "identity")),
    "cells": nas.cells((12, 12, 2), 3, width=(8, 12)),
    "cells of many operations": nas.cells((9, 2), 3, width=8, operations=tuple(nas.spaces.primitives.PRIMITIVES)),
    "mobile": nas.mobile((12, 12, 2), 3, width=8, expansions=(1, 2), head=(16,)),
    "tabular": nas.tabular([(6,), (3,)], 1, widths=(16, 8)),
}
each = pytest.mark.parametrize("space", SPACES.values(), ids=list(SPACES))


def drawn(space, count, seed=0):
    rng = np.random.default_rng(seed)
    return [space.tree.sample(rng) for _ in range(count)]


@each
def test_default_networks_and_drawn_ones_have_as_many_parameters_as_was_said(space):
    _costs_hold(space, [space.tree.default(), *drawn(space, 1)])


@pytest.mark.slow
@each
def test_many_drawn_networks_have_as_many_parameters_as_was_said(space):
    _costs_hold(space, drawn(space, 12, seed=1))


def _costs_hold(space, configs):
    for config in configs:
        # Of a stack of cells that take only the one before the last, every second is not built.
        graph = canonical.pruned(space.graph(config))
        model = nas.build(graph)
        assert model.count_params() == graph.cost.parameters
        assert sum(int(np.prod(v.shape)) for v in model.trainable_weights) == graph.cost.trainable
        assert model.output_shape == (None, *graph.nodes[graph.outputs[0]].shape)


@each
def test_a_decision_is_there_exactly_where_the_network_asks_for_it(space):
    for config in drawn(space, 150, seed=2):
        _, hp = space._traced(config, draw=Seed(1))
        assert hp.ran == config
        assert space.tree.grow(hp.trace) is space.tree
    assert all(p.conditions or p.name not in space.tree.hints for p in space.tree.parameters)


@each
def test_what_a_network_does_not_ask_for_does_not_count(space):
    for config, other in zip(drawn(space, 30, seed=3), drawn(space, 30, seed=4)):
        assert space.key({**other, **config}) == space.key(config) == space.tree.key({**other, **config})


@each
def test_a_network_is_told_apart_by_its_sketch_as_by_the_whole(space):
    configs = drawn(space, 40, seed=5)
    around = space.tree.neighbours(configs[0], np.random.default_rng(0), 30)
    by_sketch = [space.key(config) for config in [*configs, *around]]
    by_whole = [canonical.key(space.graph(config)) for config in [*configs, *around]]
    assert len(set(zip(by_sketch, by_whole))) == len(set(by_sketch)) == len(set(by_whole))


@each
def test_a_default_network_is_no_dead_end(space):
    """It has neighbours that are other networks, in each of its decisions but how a cell joins its one loose end."""
    start = space.tree.default()
    changed = {
        name
        for config in space.tree.neighbours(start, np.random.default_rng(0), 500)
        for name in start
        if config.get(name) != start[name]
    }
    assert changed == set(start) - {"join"}


# --- names -----------------------------------------------------------------------------------------------


def names(space, config):
    return {node.name: (node.op, node.shape) for node in space.graph(config).nodes}


@pytest.mark.parametrize(
    "space, decision, deeper",
    [
        (SPACES["chain of images"], "stage0/depth", 3),
        (SPACES["chain of images"], "stages", 1),
        (SPACES["mobile"], "stage1/depth", 4),
        (SPACES["tabular"], "depth", 5),
        (SPACES["cells"], "cells", 2),
    ],
)
def test_a_deeper_network_has_all_parts_of_the_other_under_their_names(space, decision, deeper):
    start = space.tree.default()
    one, two = sorted((names(space, start), names(space, {**start, decision: deeper})), key=len)
    assert set(one) < set(two) and all(two[name][0] == op for name, (op, _) in one.items())


@each
def test_a_change_of_width_renames_nothing(space):
    start = space.tree.default()
    widths = [p for p in space.tree.parameters if p.name.rsplit("/")[-1] in ("width", "units") and p.name in start]
    for p in widths:
        wider = names(space, {**start, p.name: max(p.domain.values)})
        before = names(space, start)
        # A shortcut's convolution may go, and the sum of a block whose input has other channels now.
        assert set(wider) >= {name for name in before if "shortcut" not in name and not name.endswith("/add")}


# --- keys ------------------------------------------------------------------------------------------------


def swapped(config, rng):
    """Cells with the two sides of some blocks exchanged, and two blocks that do not need each other; all are added."""
    found = _blocks_exchanged(config) if rng.random() < 0.7 else dict(config)
    config = dict(found)
    for name in config:
        if name.endswith("/left/in") and rng.random() < 0.5:
            block = name.removesuffix("/left/in")
            for what in ("in", "op"):
                one, two = f"{block}/left/{what}", f"{block}/right/{what}"
                found[one], found[two] = config[two], config[one]
    return found


def _blocks_exchanged(config):
    """The first two blocks of the normal cell under each other's names, where neither takes the other."""
    names = {"block0": "block1", "block1": "block0"}
    if any(config.get(f"normal/block1/{side}/in", "block0") == "block0" for side in ("left", "right")):
        return dict(config)
    found = dict(config)
    for name, value in config.items():
        cell, _, rest = name.partition("/")
        if cell == "normal":
            block, _, what = rest.partition("/")
            found[f"normal/{names.get(block, block)}/{what}"] = names.get(value, value)
    return found


def outputs_on_shared_weights(one, two, x):
    """What two graphs of one key put out, once the nodes that stand for each other have the same weights."""
    models, there = [], {}
    for graph in (one, two):
        kept = canonical.pruned(graph)
        labels = canonical._told_apart(canonical._Labels.of(kept))
        names = {node.name: colour for node, colour in zip(labels.graph.nodes, labels.colours)}
        model = nas.build(graph)
        by_colour = {names[n.name]: n.name.replace("/", ".") for n in kept.nodes if n.name in names}
        for colour, name in by_colour.items():
            layer = model.get_layer(name)
            if layer.weights and colour in there:
                layer.set_weights(there[colour])
            elif layer.weights:
                rng = np.random.default_rng(len(there))
                there[colour] = [np.abs(rng.normal(0.3, 0.2, w.shape)) for w in layer.get_weights()]
                layer.set_weights(there[colour])
        assert {c for c in by_colour if model.get_layer(by_colour[c]).weights} == set(there)
        models.append(model)
    return [np.asarray(model(x)) for model in models]


def _swaps_change_nothing(config, seed):
    space, config = SPACES["cells"], {**config, "join": "add"}
    other = swapped(config, np.random.default_rng(seed))
    assert space.key(other) == space.key(config)
    x = np.random.default_rng(0).normal(size=(2, 12, 12, 2)).astype("float32")
    with light_compilation():
        one, two = outputs_on_shared_weights(space.graph(config), space.graph(other), x)
    np.testing.assert_allclose(one, two, rtol=2e-4, atol=1e-5)


def test_cells_with_exchanged_sides_are_one_network_with_one_output():
    start = {**SPACES["cells"].tree.default(), "blocks": 2, "normal/block1/right/op": "conv_1x1"}
    start |= {"normal/block1/left/in": "previous", "normal/block1/right/in": "before"}
    assert _blocks_exchanged(start)["normal/block0/right/op"] == "conv_1x1"
    _swaps_change_nothing(start, 1)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_drawn_cells_with_exchanged_sides_are_one_network_with_one_output(seed):
    _swaps_change_nothing(SPACES["cells"].tree.sample(np.random.default_rng(seed)), seed)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_two_pools_of_a_node_may_be_exchanged_and_two_convolutions_of_others_may_not(seed):
    """Branches: ``in`` and ``skip`` of an identity that is added are alike; of anything else they are not."""
    space = SPACES["branches"]
    config = {**space.tree.default(), "stage0/nodes": 3, "stage0/node2/skip": "input", "stage0/node2/in": "node0"}
    config |= {"stage0/node2/op": "identity", "stage0/node2/join": "add", "stage0/node1/in": "node0"}
    turned = {**config, "stage0/node2/skip": "node0", "stage0/node2/in": "input"}
    assert space.key(turned) == space.key(config)
    op = ("conv_3x3", "sep_conv_3x3")[seed % 2]
    assert space.key({**turned, "stage0/node2/op": op}) != space.key({**config, "stage0/node2/op": op})


@each
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_networks_of_one_key_cost_the_same(space, seed):
    """Keys may be equal only where nothing that counts differs."""
    config = space.tree.sample(np.random.default_rng(seed))
    for other in space.tree.neighbours(config, np.random.default_rng(seed), 8):
        if space.key(other) == space.key(config):
            one, two = (canonical.pruned(space.graph(c)) for c in (config, other))
            assert one.cost == two.cost and one.activations == two.activations
        else:
            assert canonical.form(canonical.pruned(space.graph(other))) != canonical.form(
                canonical.pruned(space.graph(config))
            )


@pytest.mark.parametrize("strategy", ["random", "evolution", "local", "bayesian"])
@pytest.mark.parametrize("name", ["cells", "branches", "chain of features"])
def test_no_strategy_proposes_a_network_again(name, strategy):
    space = SPACES[name]
    study = mw.Study(space.tree, objective="minimize", strategy=strategy, store=":memory:", seed=0)
    for _ in range(14):
        trial = study.ask()
        study.tell(trial, float(np.log(space.graph(trial.config).cost.macs)))
    keys = [space.key(trial.config) for trial in study.trials]
    assert len(set(keys)) == len(keys) == 14


# --- depth without a bound -------------------------------------------------------------------------------


def test_depth_without_a_bound_grows_where_the_search_reaches_its_end():
    def block(hp, x, i):
        return x.dense(hp.Choice("units", [4, 8], default=4 if i else 8)).relu()

    space = nas.Architecture(lambda hp, x: nas.repeat(hp, x, block, 1, None).dense(1), (3,))
    assert space.tree.default() == {"depth": 1, "layer0/units": 8}
    known = sorted(p.name for p in space.tree.parameters if p.name.startswith("depth"))
    assert known[:2] == ["depth", "depth/more1"]
    deepest = {"depth": 5, **dict.fromkeys(known[1:], 4)}
    graph, (ran, unknown) = space.graph(deepest), space.asked(deepest)
    assert len([n for n in graph.nodes if n.op == "dense"]) == 5 + 4 * (len(known) - 1) + 1
    grown = space.tree.grow(unknown)
    more = f"depth/more{len(known)}"
    assert (
        more not in known and ran[more] == 0 and set(deepest) <= set(ran) and more in {p.name for p in grown.parameters}
    )
    # Deeper still, and what is not known yet is at its default, so it ends.
    deeper = {**deepest, more: 2}
    assert len(space.graph(deeper).nodes) == len(graph.nodes) + 4
    assert grown.key(deeper) != grown.key(deepest)


def test_a_block_may_be_left_out_and_the_default_depth_may_be_any():
    space = nas.Architecture(
        lambda hp, x: nas.repeat(hp, x, lambda hp, x: x.dense(4), 0, None, default=7).dense(1), (3,)
    )
    assert space.tree.default() == {"depth": 4, "depth/more1": 3}
    assert len(space.graph({"depth": 0}).nodes) == 2


@pytest.mark.parametrize(
    "lo, hi, default, said",
    [(2, 1, None, "lo <= hi"), (-1, 2, None, "lo <= hi"), (1, 3, 4, "default=4"), (0, 0, None, "hi")],
)
def test_bounds_that_are_none_are_refused(lo, hi, default, said):
    with pytest.raises(SpaceError) as raised:
        nas.Architecture(lambda hp, x: nas.repeat(hp, x, lambda hp, x: x.relu(), lo, hi, default=default), (3,))
    assert said in str(raised.value)


# --- templates and bad input -------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [nas.chain, nas.branches, nas.cells, nas.mobile])
def test_a_template_is_bound_to_data_later(make):
    template = make()
    assert isinstance(template, nas.Template)
    late, now = template.bind((28, 28, 1), outputs=10), make((28, 28, 1), 10)
    assert late.tree.specs() == now.tree.specs()
    assert late.key(late.tree.default()) == now.key(now.tree.default())
    assert make((16, 16, 3)).bind(outputs=4).inputs == ((16, 16, 3),)
    assert make(classes=4).bind((16, 16, 3)).graph({}).nodes[-1].shape == (4,)


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: nas.cells((3, 224, 224), 10), "channels first"),
        (lambda: nas.chain((1, 28, 28), 10), "np.moveaxis"),
        (lambda: nas.chain((8, 8, 1), 10, stages=5), "up to 4 stages"),
        (lambda: nas.cells((4, 4, 1), 10, stages=4), "up to 3 stages"),
        (lambda: nas.cells((20,), 10), "nas.tabular"),
        (lambda: nas.cells([(8, 8, 1), (8, 8, 1)], 10), "nas.chain takes several"),
        (lambda: nas.tabular((8, 8, 1), 10), "(features,)"),
        (lambda: nas.chain((None, 3), 10), "shape=(None, 3)"),
        (lambda: nas.chain((2, 8, 8, 1), 10), "without the batch"),
        (lambda: nas.chain(28, 10), "shape=28"),
        (lambda: nas.chain((28, 28, 1), 0), "classes=0"),
        (lambda: nas.chain((28, 28, 1), 10, kinds=("conv", "magic")), "'residual'"),
        (lambda: nas.chain((28, 28, 1), 10, depth=(3, 1)), "depth=(3, 1)"),
        (lambda: nas.chain((28, 28, 1), 10, dropouts=()), "dropouts=()"),
        (lambda: nas.chain((28, 28, 1), 10, norms=("group",)), "'batch'"),
        (lambda: nas.cells((28, 28, 1), 10, blocks=0), "blocks"),
        (lambda: nas.cells((28, 28, 1), 10, joins=("mean",)), "joins"),
        (lambda: nas.mobile((28, 28, 1), 10, expansions=(0,)), "expansions"),
        (lambda: nas.branches((28, 28, 1), 10, operations=("conv_9x9",)), "conv_9x9"),
        (lambda: nas.chain((28, 28, 1)).bind((32, 32, 3)), "made for"),
        (lambda: nas.chain(classes=3).bind((32, 32, 3), outputs=4), "made for"),
        (lambda: nas.chain().bind(), "no input's shape"),
    ],
)
def test_what_makes_no_sense_is_told(make, said):
    with pytest.raises(SpaceError) as raised:
        make()
    assert said in str(raised.value)


# --- what a space of one's own may not be ---------------------------------------------------------


def one_layer(hp, x):
    return x.dense(hp.Int("units", 2, 8)).relu().dense(2)


@pytest.mark.parametrize(
    ("config", "said"), [({"units": 99}, "decision 'units'"), ("u", "'u' is a str"), (None, "None")]
)
def test_a_graph_is_made_of_decisions_that_can_be(config, said):
    with pytest.raises(SpaceError, match=said):
        nas.Architecture(one_layer, (3,)).graph(config)


def test_parameters_beside_the_network_do_not_matter_to_its_graph():
    space = nas.Architecture(one_layer, (3,))
    assert space.graph({"units": 4, "rate": 0.1}) == space.graph({"units": np.int64(4)})


@pytest.mark.parametrize(
    ("level", "said"),
    [({"unit": 1}, "Did you mean 'units'"), ({"units": 99}, "decision 'units'"), ("units", "'units' is a str")],
)
def test_levels_hold_decisions_that_there_are(level, said):
    with pytest.raises(SpaceError, match=said):
        nas.Architecture(one_layer, (3,), levels=[level])


def test_networks_that_cannot_be_are_told_of():
    def define(hp, x):
        return x.dense(4).activation(hp.Choice("kind", ["relu", "tahn"])).dense(2)

    with pytest.warns(UserWarning, match=r"of \d+ networks of nas.Architecture\(define\) cannot be.*kind='tahn'"):
        nas.Architecture(define, (3,))


def test_a_function_that_decides_by_chance_is_refused():
    draws = np.random.default_rng(0)

    def define(hp, x):
        return x.dense(int(draws.integers(2, 1000))).dense(hp.Int("units", 2, 8)).dense(2)

    with pytest.raises(SpaceError, match="another network for the same decisions"):
        nas.Architecture(define, (3,))


def test_numbers_of_numpy_are_shapes_and_outputs():
    space = nas.chain(tuple(np.array([8, 8, 1])), np.int64(3))
    assert space.inputs == ((8, 8, 1),) and type(space.inputs[0][0]) is int
