"""Zero-cost scores: against their definitions, against published ones, and as screens."""

import csv
import gzip
import os
import time
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from modelwright import nas
from modelwright.core.errors import ArgumentError
from modelwright.nas.canonical import pruned
from modelwright.nas.dataset import dataset
from modelwright.nas.limited import LimitedTree
from modelwright.nas.nasbench import configuration
from modelwright.nas.passes import Passes, batch
from modelwright.nas.proxies import SCORES, zero_cost
from modelwright.nas.screened import screened
from modelwright.nas.screening import keep_upper, partial_correlation, screen
from modelwright.space import HyperParameters

jax = pytest.importorskip("jax")
RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(12, 8, 8, 2)).astype("float32")
LABELS = RNG.integers(0, 3, 12)
#: What JAX calls it when it compiles.
COMPILED = "/jax/core/compile/backend_compile_duration"


def branched(x):
    a = x.conv(6, 3).batch_norm().relu()
    b = a.conv(6, 3).batch_norm() + a
    return nas.concat([b.relu(), b.avg_pool(3, stride=1).relu()]).global_avg_pool().dense(3)


GRAPH = nas.trace(branched, (8, 8, 2))


def test_nwot_is_the_determinant_of_the_agreements():
    passes = Passes(GRAPH, 5)
    values = passes.forward(batch(GRAPH, IMAGES, 12), kept=True)
    codes = [
        (np.asarray(values[node.inputs[0]]) > 0).reshape(12, -1) for node in GRAPH.nodes if node.op == "activation"
    ]
    code = np.concatenate(codes, 1)
    kernel = np.array([[float((a == b).sum()) for a in code] for b in code])
    assert zero_cost(GRAPH, x=IMAGES, seed=5, batch=12) == pytest.approx(np.linalg.slogdet(kernel)[1], rel=1e-6)


def test_equal_examples_count_once_and_units_that_are_too_few_have_no_determinant():
    twice = np.repeat(IMAGES, 2, axis=0)
    assert zero_cost(GRAPH, x=twice, seed=5, batch=24) == pytest.approx(zero_cost(GRAPH, x=IMAGES, seed=5, batch=12))
    few = nas.trace(lambda x: x.dense(3).relu().dense(2), (5,))
    assert zero_cost(few, x=RNG.normal(size=(12, 5)), batch=12) == -np.inf
    with pytest.raises(ArgumentError, match="all its examples are equal"):
        zero_cost(GRAPH, x=np.ones((12, 8, 8, 2)))


def test_synflow_is_the_sum_of_weight_times_gradient_of_the_linear_positive_network():
    graph = nas.trace(branched_with_gate, (8, 8, 2))
    passes = Passes(graph, 2)
    passing = {"batch_norm", "activation", "layer_norm"}

    def whole(weights):
        values = []
        for place, node in enumerate(graph.nodes):
            taken = [values[i] for i in node.inputs]
            if node.op == "input":
                values.append(np.ones((1, 8, 8, 2), "float32"))
            elif node.op in passing:
                values.append(taken[0])
            else:
                passes.weights[place] = weights[place]
                values.append(passes.run(place, taken))
        return values[-1].sum()

    weights = [{k: abs(w) if w.ndim > 1 else 0 * w for k, w in node.items()} for node in passes.weights]
    found = jax.grad(whole)(weights)
    flows = [
        float((found[i][k] * w).sum())
        for i, node in enumerate(weights)
        for k, w in node.items()
        if w.ndim > 1 and graph.nodes[i].op not in passing
    ]
    assert zero_cost(graph, "synflow", seed=2) == pytest.approx(np.log(sum(flows)), rel=1e-5)


def branched_with_gate(x):
    a = x.conv(5, 3, bias=True).batch_norm().relu()
    gated = a.depthwise(3).apply("multiply", a.conv(5, 1).activation("sigmoid"))
    return (gated + a.max_pool(3, stride=1)).relu().global_avg_pool().dense(3)


def test_synflow_of_a_very_deep_network_does_not_overflow():
    def deep(x):
        for _ in range(150):
            x = x.conv(8, 3).relu()
        return x.global_avg_pool().dense(2)

    found = zero_cost(nas.trace(deep, (8, 8, 2)), "synflow")
    # Far beyond the largest number of single precision, e^88, and about as much for each layer.
    assert 300 < found < 500


def test_jacob_cov_is_that_of_the_gradients_of_the_inputs():
    passes, x = Passes(GRAPH, 1), batch(GRAPH, IMAGES, 12)[0]
    jacobian = np.asarray(jax.jit(jax.grad(lambda x: passes.forward([x])[-1].sum()))(x)).reshape(12, -1)
    spread = np.linalg.eigvalsh(np.corrcoef(jacobian))
    expected = -np.sum(np.log(spread + 1e-5) + 1 / (spread + 1e-5))
    assert zero_cost(GRAPH, "jacob_cov", x=IMAGES, seed=1, batch=12) == pytest.approx(expected, rel=1e-2)


@pytest.mark.parametrize("last", [None, "softmax"])
def test_snip_is_the_sum_of_weight_times_gradient_of_the_loss(last):
    graph = nas.trace(lambda x: branched(x).activation(last or "linear"), (8, 8, 2))
    plain, x = Passes(GRAPH, 1), batch(GRAPH, IMAGES, 12)[0]
    weights = plain.weights

    def loss(weights):
        plain.weights = weights
        logits = jax.nn.log_softmax(plain.forward([x])[-1])
        return -logits[np.arange(12), LABELS].mean()

    found = jax.jit(jax.grad(loss))(weights)
    expected = sum(
        float(abs(found[i][k] * w).sum()) for i, node in enumerate(weights) for k, w in node.items() if w.ndim > 1
    )
    assert zero_cost(graph, "snip", x=IMAGES, y=LABELS, seed=1, batch=12) == pytest.approx(expected, rel=1e-3)


def test_scores_do_not_depend_on_the_scale_of_the_data_or_on_what_cannot_matter():
    bytes_ = np.round(IMAGES * 20 + 128).clip(0, 255).astype("uint8")
    scaled = (bytes_ / 255).astype("float32")
    assert zero_cost(GRAPH, x=bytes_, batch=12) == pytest.approx(zero_cost(GRAPH, x=scaled, batch=12), abs=0.2)
    with_more = nas.trace(lambda x: (branched(x), x.conv(9, 3).relu())[0], (8, 8, 2))
    assert zero_cost(with_more, x=IMAGES, batch=12) == zero_cost(GRAPH, x=IMAGES, batch=12)
    assert zero_cost(GRAPH, x=IMAGES, seed=3) == zero_cost(GRAPH, x=IMAGES, seed=3)


@pytest.mark.parametrize("y", [np.eye(3)[LABELS], RNG.normal(size=(12, 3)), RNG.integers(0, 2, (12, 3))])
def test_snip_takes_classes_in_rows_and_numbers_to_predict(y):
    assert zero_cost(GRAPH, "snip", x=IMAGES, y=y, batch=12) > 0


def test_several_inputs_and_outputs():
    def two(a, b):
        joined = nas.concat([a.conv(4, 3).relu().global_avg_pool(), b.dense(4).relu()])
        return joined.dense(3), joined.dense(1)

    graph = nas.trace(two, (8, 8, 2), (5,))
    x, y = [IMAGES, RNG.normal(size=(12, 5))], [LABELS, RNG.normal(size=12)]
    for score in SCORES:
        assert np.isfinite(zero_cost(graph, score, x=x, y=y, batch=12))


@pytest.mark.parametrize(
    "graph, score, options, said",
    [
        (GRAPH, "nwott", {}, "unknown score 'nwott'"),
        (GRAPH, "nwot", {}, "needs examples"),
        (GRAPH, "snip", {"x": IMAGES}, "needs labels"),
        (GRAPH, "snip", {"x": IMAGES, "y": LABELS + 1}, "labels from"),
        (GRAPH, "snip", {"x": IMAGES, "y": LABELS[:4]}, "4 labels"),
        (GRAPH, "snip", {"x": IMAGES, "y": np.array(["cat"] * 12)}, "of type"),
        (GRAPH, "snip", {"x": IMAGES, "y": np.ones((12, 7))}, "shape"),
        (GRAPH, "nwot", {"x": IMAGES, "batch": 1}, "batch=1"),
        (nas.trace(lambda x: x.conv(2).flatten(), (8, 8, 2)), "nwot", {"x": IMAGES}, "no activation"),
        (nas.trace(lambda x: x.relu().flatten(), (8, 8, 2)), "synflow", {}, "no weights"),
    ],
)
def test_what_cannot_be_scored_is_told(graph, score, options, said):
    with pytest.raises(ArgumentError) as raised:
        zero_cost(graph, score, **{"batch": 12, **options})
    assert said in str(raised.value)


def test_an_operation_is_compiled_once_and_a_network_of_known_ones_takes_a_tenth_of_a_second():
    space, x = nas.nasbench201((28, 28, 1), cells=1), RNG.normal(size=(32, 28, 28, 1))
    met, heard, spent = set(), [], []
    jax.monitoring.register_event_duration_secs_listener(lambda event, seconds, **more: heard.append(event))
    for config in {space.key(one): one for one in (space.tree.sample(RNG) for _ in range(60))}.values():
        graph = pruned(space.graph(config))
        kinds = {
            (node.op, repr(sorted(node.attributes.items())), tuple(graph.nodes[i].shape for i in node.inputs))
            for node in graph.nodes
            if node.op != "input"
        }
        began = time.process_time()
        zero_cost(graph, "nwot", x=x)
        if kinds <= met:
            spent.append(time.process_time() - began)
        assert heard.count(COMPILED) <= len(kinds - met)
        met |= kinds
        heard.clear()
    assert 20 < len(met) < 60 and len(spent) > 20 and np.median(spent) <= 0.1


# --- against what is published ---------------------------------------------------------------------------


def networks(number):
    folder = os.environ.get("MODELWRIGHT_DATA")
    path = Path(folder or ".") / "nas" / "zerocost_sampled.csv.gz"
    if not folder or not path.exists():
        pytest.skip("MODELWRIGHT_DATA names no folder with nas/zerocost_sampled.csv.gz")
    with gzip.open(path, "rt", newline="") as file:
        rows = [r for r in csv.DictReader(file) if (r["bench"], r["dataset"]) == ("nasbench201", "cifar10")]
    return rows[:number]


def agreement(rows, score, stored, space, **options):
    graphs = [space.graph(configuration(row["arch"])) for row in rows]
    found = [zero_cost(graph, score, **options) for graph in graphs]
    return spearmanr(found, [float(row[stored]) for row in rows])[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "score, stored, least", [("nwot", "nwot", 0.9), ("synflow", "synflow", 0.9), ("snip", "snip", 0.85)]
)
def test_scores_of_built_networks_rank_as_the_published_ones(score, stored, least):
    """The published ones saw CIFAR-10, these see noise: the scores are mostly the network's."""
    x, y = RNG.normal(size=(32, 32, 32, 3)), RNG.integers(0, 10, 32)
    assert agreement(networks(50), score, stored, nas.nasbench201(), x=x, y=y) > least


def test_scores_of_smaller_networks_rank_as_the_published_ones():
    x = RNG.normal(size=(16, 12, 12, 3))
    space = nas.nasbench201((12, 12, 3), width=8, cells=1)
    assert agreement(networks(50), "nwot", "nwot", space, x=x, batch=16) > 0.85


# --- screens -----------------------------------------------------------------------------------------------


def test_what_goes_along_with_size_alone_has_no_partial_correlation():
    size = RNG.normal(size=4000)
    scores, values = size + 0.5 * RNG.normal(size=4000), size + 0.5 * RNG.normal(size=4000)
    assert partial_correlation(scores, values, []) > 0.7
    assert abs(partial_correlation(scores, values, {"params": size})) < 0.05
    more = RNG.normal(size=4000)
    assert partial_correlation(scores + more, values + more, {"params": size, "macs": size**3}) > 0.5
    assert partial_correlation(scores, values, {"params": np.exp(size)}) == partial_correlation(
        scores, values, {"params": size}
    )


def test_without_enough_candidates_or_spread_there_is_no_correlation():
    assert np.isnan(partial_correlation([1, 2, 3], [1, 2, 3], [[1, 2, 3]]))
    assert np.isnan(partial_correlation([1, 1, 1, 1, 1, 1], [1, 2, 3, 4, 5, 6], []))
    with pytest.raises(ArgumentError, match="lengths 2, 3"):
        partial_correlation([1, 2], [1, 2, 3], [])
    with pytest.raises(ArgumentError, match="NaN"):
        partial_correlation([1, np.nan], [1, 2], [])


def test_the_upper_half_is_kept_at_each_size():
    macs = np.arange(40)
    scores = macs + np.tile([0.0, 0.5, -30.0, -30.0], 10)  # mostly size
    kept = keep_upper(scores, macs, 0.5, strata=4)
    assert len(kept) == 20 and kept == sorted(kept)
    assert [sum(10 * i <= place < 10 * (i + 1) for place in kept) for i in range(4)] == [5, 5, 5, 5]
    assert keep_upper([np.nan, 1.0, -np.inf], [1, 1, 1], 0.3, strata=1) == [1]
    assert keep_upper([1.0], [1], 0.5) == [0] and keep_upper([], []) == []
    for bad in ({"share": 0}, {"share": 1.5}, {"strata": 0}):
        with pytest.raises(ArgumentError):
            keep_upper([1, 2], [1, 2], **bad)


def test_a_screen_takes_configurations_and_says_what_scores_say_beyond_size():
    space = nas.nasbench201((8, 8, 2), 3, width=2, cells=1)
    configs = [configuration(row["arch"]) for row in networks(12)]
    values = [float(row["val_accuracy"]) for row in networks(12)]
    found = screen(configs, "synflow", space=space, values=values)
    assert len(found.scores) == 12 and found.macs[0] == space.graph(configs[0]).cost.macs
    assert -1 <= found.partial <= 1 and "given params and macs" in str(found)
    assert set(found.kept()) < set(range(12))
    for bad, said in (([], "no candidates"), ([3], "no graph"), (configs, "no graph")):
        with pytest.raises(ArgumentError, match=said):
            screen(bad)
    with pytest.raises(ArgumentError, match="1 values for 12"):
        screen(configs, space=space, values=[1.0])


def test_a_screen_says_what_it_rejected():
    space = nas.Architecture(
        lambda hp, x: x.conv(hp.Choice("filters", [2, 4, 6, 8, 10, 12])).relu().global_avg_pool().dense(2), (8, 8, 1)
    )
    x = np.random.default_rng(0).normal(size=(60, 8, 8, 1))
    tree = LimitedTree.of(space.tree, ())
    found = screened(tree, dataset(x, np.arange(60) % 2), seed=0)
    kept = {tree.key(config) for config in found["kept"]}
    assert len(found["scores"]) == 6 and kept | set(found["rejected"]) == set(found["scores"])
    assert kept and not kept & set(found["rejected"])
    assert "why" not in found


def test_a_screen_scores_networks_and_not_what_is_searched_beside_them():
    space = nas.Architecture(
        lambda hp, x: x.conv(hp.Choice("filters", [2, 4, 6, 8, 10, 12])).relu().global_avg_pool().dense(2), (8, 8, 1)
    )
    hp = HyperParameters()
    hp.Float("rate", 0.001, 0.1)
    x = np.random.default_rng(0).normal(size=(60, 8, 8, 1))
    made = dataset(x, np.arange(60) % 2)
    tree = LimitedTree.of(space.tree.grow(hp.tree.specs()), ())
    found, alone = (screened(one, made, seed=0, count=40) for one in (tree, LimitedTree.of(space.tree, ())))
    assert all("rate" in config for config in found["kept"])
    assert found["scores"] == alone["scores"] and sorted(found["rejected"]) == sorted(alone["rejected"])


@pytest.mark.parametrize(
    ("space", "least", "unscored"),
    [
        (nas.chain((20,), 2, depth=(0, 4)), 30, 1),
        (nas.chain((20,), 2, activations=("relu", "sigmoid")), 20, 10),
        (nas.chain((20,), 2, activations=("sigmoid",)), 0, 20),
    ],
)
def test_networks_without_a_score_leave_the_screen_to_the_others(space, least, unscored):
    x = np.random.default_rng(0).normal(size=(60, 20))
    found = screened(LimitedTree.of(space.tree, ()), dataset(x, x[:, 0] > 0), seed=0, count=40)
    assert len(found["scores"]) >= least and found["unscored"] >= unscored
    assert len(found["rejected"]) >= least / 3 and "no activation that switches units" in found["why"]
    if not least:  # it does not go on in vain
        assert found["unscored"] == 20 and not found["scores"] and not found["kept"]


def test_a_screen_looks_at_rows_that_differ():
    """A table of a few columns of 0 and 1 has the same row many times."""
    bits = np.random.default_rng(0).integers(0, 2, size=(400, 6)).astype(float)
    bits[:100] = bits[0]  # far more than a score looks at
    made = dataset(bits, np.arange(400) % 2)
    wide = nas.chain((6,), 2, depth=(1, 2), widths=(64, 96, 128, 192))
    found = screened(LimitedTree.of(wide.tree, ()), made, seed=0, count=12)
    assert np.isfinite(list(found["scores"].values())).all() and len(set(found["scores"].values())) > 6
    assert found["rejected"] and "why" not in found


def test_a_network_that_cannot_tell_rows_apart_is_neither_kept_nor_rejected_by_the_screen():
    space = nas.Architecture(
        lambda hp, x: x.dense(hp.Choice("units", [2, 3, 4, 64, 96, 128, 192, 256])).relu().dense(2), (6,)
    )
    x = np.random.default_rng(0).normal(size=(60, 6))
    tree = LimitedTree.of(space.tree, ())
    found = screened(tree, dataset(x, x[:, 0] > 0), seed=0, count=40)
    small = {tree.key({"units": units}) for units in (2, 3, 4)}
    assert found["unscored"] == 3 and found["why"] == "its units switch too much alike on 32 examples"
    assert len(found["scores"]) == 5 and not small & {*found["scores"], *found["rejected"]}
    assert all(config["units"] >= 64 for config in found["kept"])
