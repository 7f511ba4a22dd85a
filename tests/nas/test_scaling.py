"""Scaling found architectures: widths stay tied, blocks repeat, budgets are met from below."""

import math
from functools import cache

import numpy as np
import pytest

from modelwright import nas
from modelwright.core.errors import ArgumentError, SpaceError
from modelwright.nas.graph import add, concat, trace
from modelwright.nas.resize import deepened, resized, stretches, widened
from modelwright.nas.scaling import beyond, scale

SHAPE = (28, 28, 1)


def plain(x):
    for filters in (16, 16, 32, 32, 64, 64):
        x = x.conv(filters, 3).batch_norm().relu()
    return x.global_avg_pool().dense(10)


def residual(x):
    x = x.conv(12, 3)
    for _ in range(2):
        x = add([x, x.relu().conv(12, 3).batch_norm()])
    x = concat([x, x.max_pool(3, stride=1)])
    return add([x, x.conv(24, 1)]).global_avg_pool().dense(10)


@cache
def spaces():
    return [
        nas.nasbench201((16, 16, 3), 10, width=8, cells=2), nas.cells(SHAPE, 10), nas.chain(SHAPE, 10),
        nas.mobile(SHAPE, 10), nas.branches(SHAPE, 10), nas.chain((64, 3), 4),
    ]  # fmt: skip


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.3, 2.0, 3.7])
def test_widths_stay_tied_and_ends_stay_as_they_are(factor):
    for define in (plain, residual):
        graph = trace(define, SHAPE)
        wide = widened(graph, factor)
        assert [n.op for n in wide.nodes] == [n.op for n in graph.nodes]
        assert wide.nodes[0].shape == SHAPE and wide.nodes[-1].shape == (10,)
        for before, after in zip(graph.nodes, wide.nodes, strict=True):
            if before.op == "conv":
                assert after.shape[-1] == pytest.approx(before.shape[-1] * factor, rel=0.25, abs=1)


def test_a_sum_with_a_concatenation_keeps_fitting_at_every_factor():
    graph = trace(residual, SHAPE)
    for factor in np.linspace(0.3, 4.0, 38):
        wide = widened(graph, float(factor))
        assert wide.nodes[-1].shape == (10,)


def test_channels_tied_to_an_input_are_not_widened():
    graph = trace(lambda x: add([x, x.conv(3, 3)]).conv(8, 3).global_avg_pool().dense(2), (8, 8, 3))
    assert [n.shape[-1] for n in widened(graph, 2.0).nodes] == [3, 3, 3, 16, 16, 2]


def test_grouped_convolutions_keep_whole_groups():
    graph = trace(lambda x: x.conv(12, 3).conv(12, 3, groups=4).global_avg_pool().dense(2), (8, 8, 3))
    for factor in np.linspace(0.4, 3.0, 27):
        assert widened(graph, float(factor)).nodes[1].shape[-1] % 4 == 0


def test_random_networks_of_every_space_can_be_widened_deepened_and_resized():
    for space in spaces():
        for seed in range(4):
            graph = space.graph(space.tree.sample(np.random.default_rng(seed)))
            for larger in (widened(graph, 1.7), deepened(graph, 2.0), resized(graph, 1.5)):
                assert larger.nodes[larger.outputs[0]].shape == graph.nodes[graph.outputs[0]].shape
                names = [node.name for node in larger.nodes]
                assert len(set(names)) == len(names) and set(names) >= {node.name for node in graph.nodes}
            assert widened(graph, 1.0) == graph and deepened(graph, 1.0) == graph and resized(graph, 1.0) == graph


def test_depth_repeats_blocks_that_keep_their_shape_with_all_that_belongs_to_them():
    graph = trace(plain, SHAPE)
    assert [(s.length, s.count) for s in stretches(graph)] == [(3, 1)] * 3
    twice = deepened(graph, 2.0)
    assert [n.shape[-1] for n in twice.nodes if n.op == "conv"] == [16, 16, 16, 32, 32, 32, 64, 64, 64]
    assert sum(n.op == "batch_norm" for n in twice.nodes) == sum(n.op == "activation" for n in twice.nodes) == 9
    assert [n.name for n in twice.nodes][7:10] == ["conv_1/again1", "batch_norm_1/again1", "activation_1/again1"]


def test_depth_shrinks_runs_of_equal_blocks_but_keeps_one_of_each():
    space = nas.nasbench201((16, 16, 3), 10, width=8, cells=4)
    graph = space.graph(space.tree.default())
    less = deepened(graph, 0.5)
    assert sum(s.count for s in stretches(less)) == round(0.5 * sum(s.count for s in stretches(graph)))
    assert deepened(graph, 0.01).nodes[-1].shape == (10,)
    assert sum(s.count for s in stretches(deepened(graph, 0.01))) == len(stretches(graph))


def test_a_larger_factor_never_makes_fewer_blocks():
    graph = trace(plain, SHAPE)
    counts = [sum(s.count for s in stretches(deepened(graph, f))) for f in (1.0, 1.3, 1.7, 2.0, 2.5, 3.0)]
    assert counts == sorted(counts) == [3, 4, 5, 6, 8, 9]


@pytest.mark.parametrize("times", [0.35, 1.5, 2.0, 4.0])
def test_budgets_of_parameters_are_met_from_below(times):
    for space in spaces():
        config = space.tree.default()
        most = int(space.graph(config).cost.parameters * times)
        found = scale(space, config, budget={"params": most})
        assert 0.85 * most <= found.parameters <= most and found.parameters == found.graph.cost.parameters
        assert found.resolution == 1.0 and (found.width > 1) == (times > 1)


def test_budgets_of_operations_grow_the_resolution_too():
    graph = trace(plain, SHAPE)
    most = 3 * graph.cost.macs
    found = scale(graph, budget={"macs": most})
    assert 0.9 * most <= found.macs <= most
    assert min(found.depth, found.width, found.resolution) > 1 and found.graph.nodes[0].shape[0] > 28
    flat = scale(graph, budget={"macs": most}, resolution=False)
    assert flat.resolution == 1.0 and flat.graph.nodes[0].shape == SHAPE and 0.9 * most <= flat.macs <= most


def test_two_budgets_hold_together():
    graph = trace(plain, SHAPE)
    found = scale(graph, budget={"macs": 8 * graph.cost.macs, "parameters": 2 * graph.cost.parameters})
    assert found.parameters <= 2 * graph.cost.parameters and found.macs <= 8 * graph.cost.macs


def test_width_first_keeps_activations_few():
    graph = trace(plain, SHAPE)
    most = 8 * graph.cost.macs
    wide, even = (scale(graph, budget={"macs": most}, how=how) for how in ("width", "compound"))
    assert wide.width > even.width and wide.graph.activations < even.graph.activations


def test_the_split_is_fitted_on_what_the_user_measures():
    graph = trace(plain, SHAPE)
    trained = []

    def deep_is_good(made):
        trained.append(made)
        return sum(node.op == "conv" for node in made.nodes)

    found = scale(graph, budget={"macs": 6 * graph.cost.macs}, score=deep_is_good)
    assert len(trained) == len(found.tried) == 7 and found.shares == (1.0, 0.0, 0.0)
    assert all(made.cost.macs <= 2 * graph.cost.macs for made in trained)
    assert found.depth > 2 and found.macs <= 6 * graph.cost.macs
    wide = scale(graph, budget={"parameters": 500_000}, score=lambda made: max(n.shape[-1] for n in made.nodes[1:-1]))
    assert wide.shares == (0.0, 1.0, 0.0) and len(wide.tried) == 3


def test_a_score_that_is_no_number_loses_and_with_none_the_split_is_the_papers():
    graph = trace(plain, SHAPE)
    found = scale(graph, budget={"parameters": 300_000}, score=lambda made: math.nan)
    assert all(score == -math.inf for _, score in found.tried) and "No score was a finite number" in found.said
    assert found.shares == scale(graph, budget={"parameters": 300_000}).shares
    most = max(node.shape[-1] for node in graph.nodes)

    def of_wide_ones(made):
        return 1.0 if max(node.shape[-1] for node in made.nodes) > 1.3 * most else math.nan

    wide = scale(graph, budget={"parameters": 300_000}, score=of_wide_ones)
    assert wide.shares == (0.0, 1.0, 0.0) and "No score" not in wide.said


def test_the_papers_split_is_that_of_its_factors_and_one_of_those_that_are_tried():
    graph = trace(plain, SHAPE)
    found = scale(graph, budget={"macs": 3 * graph.cost.macs}, score=lambda made: 0.0)
    whole = math.log(1.2 * 1.1**2 * 1.15**2)
    paper = [math.log(1.2) / whole, 2 * math.log(1.1) / whole, 2 * math.log(1.15) / whole]
    assert any(shares == pytest.approx(paper, abs=1e-6) for shares, _ in found.tried)
    assert scale(graph, budget={"macs": 3 * graph.cost.macs}).shares == pytest.approx(paper, abs=1e-6)


def blocks(graph):
    return sum(stretch.count for stretch in stretches(graph))


def widest(graph):
    return sum(node.shape[-1] for node in graph.nodes if node.op == "conv" and "again" not in node.name)


@pytest.mark.parametrize("times", [0.5, 1.15, 1.6, 2.0, 4.0])
def test_what_is_told_of_a_scaled_network_is_what_became_of_it(times):
    def narrowing(x):
        for filters in (16, 32):
            x = x.conv(filters, 3, stride=2).batch_norm().relu().conv(filters, 3).batch_norm().relu()
        return x.flatten().dense(10)

    graph = trace(narrowing, SHAPE)
    found = scale(graph, budget={"macs": int(times * graph.cost.macs)})
    assert found.depth == blocks(found.graph) / blocks(graph)
    assert found.resolution == found.graph.nodes[0].shape[0] / 28
    assert found.width == pytest.approx(widest(found.graph) / widest(graph))
    assert f"Depth times {found.depth:.2f}, width times {found.width:.2f}" in found.said


def test_a_network_without_blocks_grows_by_width_and_says_so():
    graph = trace(lambda x: x.conv(8, 3).relu().global_avg_pool().dense(3), (8, 8, 3))
    found = scale(graph, budget={"parameters": 5_000})
    assert found.depth == 1.0 and "No block" in found.said and "only a budget of macs" in found.said


@pytest.mark.parametrize("most", [30_000, np.int64(200_000)])
def test_a_budget_below_the_network_makes_it_smaller_and_says_so(most):
    found = scale(trace(plain, SHAPE), budget={"params": most})
    assert (found.width < 1) == ("It was made smaller: the network that was given has 73,114 param" in found.said)
    assert (found.width < 1) == (most < 73_114)


@pytest.mark.parametrize(
    ("budget", "alone"),
    [
        ({"params": 400}, {(0.0, 1.0, 0.0)}),
        ({"macs": 40_000}, {(0.0, 1.0, 0.0), (0.0, 0.0, 1.0)}),
        ({"params": 400, "macs": 10**7}, {(0.0, 1.0, 0.0)}),
        ({"params": 5_000, "macs": 40_000}, {(0.0, 1.0, 0.0), (0.0, 0.0, 1.0)}),
    ],
)
def test_a_budget_below_the_network_leaves_out_the_splits_that_cannot_reach_it(budget, alone):
    three = trace(
        lambda x: x.conv(8, 3).relu().conv(8, 3).relu().conv(8, 3).relu().global_avg_pool().dense(2), (8, 8, 3)
    )
    seen = []
    found = scale(three, budget=budget, score=lambda made: seen.append(made) or -made.cost.parameters)
    own = {"params": lambda made: made.cost.parameters, "macs": lambda made: made.cost.macs}
    assert all(own[name](made) <= most for made in (*seen, found.graph) for name, most in budget.items())
    assert len(found.tried) == len(seen) and {one for one, _ in found.tried if 1.0 in one} == alone
    assert "It was made smaller" in found.said


def test_what_cannot_be_is_refused():
    graph = trace(plain, SHAPE)
    with pytest.raises(ArgumentError, match=r"no network of this kind.*73,114 parameters"):
        scale(graph, budget={"parameters": 3})
    with pytest.raises(
        ArgumentError, match=r"no network of this kind is within {'parameters': 3, 'macs': 10000000000}"
    ):
        scale(graph, budget={"parameters": 3, "macs": 10**10}, score=lambda made: 1.0)
    for wrong in ({}, {"watts": 3}, {"parameters": -1}, {"parameters": True}, {"macs": "many"}):
        with pytest.raises(ArgumentError, match="budget"):
            scale(graph, budget=wrong)
    with pytest.raises(ArgumentError, match="a finite number above 0"):
        scale(graph, budget={"macs": math.inf})
    for wrong in ("0.5", None, [1, 2]):
        with pytest.raises(ArgumentError, match=r"score returned .* Allowed: a number that is larger"):
            scale(graph, budget={"macs": 10**8}, score=lambda made, wrong=wrong: wrong)
    with pytest.raises(ArgumentError, match="how"):
        scale(graph, budget={"macs": 10}, how="tall")
    with pytest.raises(ArgumentError, match="score"):
        scale(graph, budget={"macs": 10}, score=3)
    with pytest.raises(ArgumentError, match="a graph"):
        scale("net", budget={"macs": 10})
    with pytest.raises(SpaceError, match="positions"):
        resized(trace(lambda x: x.dense(3), (4,)), 2.0)


def test_wider_draws_leave_the_space_in_one_respect_each():
    space = nas.mobile(SHAPE, 10)
    graph = space.graph(space.tree.default())
    found = dict(beyond(space))
    assert set(found) == {"1.5 times the channels", "2 times the blocks", "1.5 times the resolution"}
    assert all(larger.cost.macs > graph.cost.macs for larger in found.values())
    assert list(dict(beyond(trace(lambda x: x.dense(8).relu().dense(3), (4,))))) == ["1.5 times the channels"]


def test_a_scaled_network_is_built_as_it_was_counted():
    for graph in (trace(residual, (12, 12, 2)), trace(plain, (12, 12, 2))):
        found = scale(graph, budget={"macs": 3 * graph.cost.macs})
        model = nas.build(found.graph)
        assert model.count_params() == found.parameters and model.output_shape == (None, 10)
