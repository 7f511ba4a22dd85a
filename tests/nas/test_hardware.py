"""Latency: names of metrics, real measurements in real runtimes, and what a search is told before it trains."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from modelwright import nas
from modelwright.core.constraint import parse
from modelwright.core.errors import ArgumentError
from modelwright.nas.hardware import Latency, Meter, Target, latency, target
from modelwright.nas.latency_table import LatencyTable, device_table

pytest.importorskip("onnxruntime")
NAME = "latency_ms@onnxruntime,b1"


def network(width):
    def define(x):
        return x.conv(width, 3).batch_norm().relu().conv(width, 3).relu().global_avg_pool().dense(3)

    return nas.trace(define, (16, 16, 1))


SMALL, LARGE = network(4), network(64)


def test_names_say_the_runtime_the_batch_and_the_threads():
    assert target(NAME) == Target("onnxruntime", 1) and str(target(NAME)) == NAME
    assert target("latency_ms@jax,b64") == Target("jax", 64)
    assert str(target("latency_ms@onnxruntime,b8,t2")) == "latency_ms@onnxruntime,b8,t2"
    assert target("latency_ms@raspi4", devices=["raspi4"]) == Target("raspi4")


@pytest.mark.parametrize(
    "name, said",
    [
        ("latency_ms", "names no latency"),
        ("latency_ms@onnxruntime,b", "names no latency"),
        ("latency_ms@onnxruntimes,b1", "unknown runtime 'onnxruntimes'.*onnxruntime, jax"),
        ("latency_ms@raspi4", "unknown runtime 'raspi4'.*device_table"),
        ("latency_ms@jax,x3", "says no batch"),
        ("latency_ms@jax,b0", "says no batch"),
        ("latency_ms@jax,b1,t2", "number of threads"),
    ],
)
def test_names_that_mean_nothing_are_told(name, said):
    with pytest.raises(ArgumentError, match=said):
        target(name)


def test_a_larger_network_takes_longer_and_so_does_a_larger_batch():
    small, large, batch = latency(SMALL), latency(LARGE), latency(SMALL, batch=64)
    assert small.name == NAME and small.runs == 30 and "ms" in str(small)
    assert 0 < small.median_ms <= small.upper_ms
    # A hundred times the operations, and sixty-four times the examples.
    assert large.median_ms > small.median_ms and batch.median_ms > small.median_ms


def test_a_graph_and_its_model_are_measured_in_both_runtimes():
    model = nas.build(SMALL)
    for runtime in ("onnxruntime", "jax"):
        for measured in (latency(SMALL, runtime, repeats=3), latency(model, runtime, repeats=3)):
            assert isinstance(measured, Latency) and measured.median_ms > 0 and f"@{runtime},b1" in measured.name


def test_several_inputs_are_measured():
    graph = nas.trace(lambda a, b: nas.concat([a.conv(2, 3).flatten(), b.dense(4)]).dense(2), (6, 6, 1), (3,))
    assert latency(graph, repeats=3).median_ms > 0 and latency(graph, "jax", repeats=3, batch=2).median_ms > 0


@pytest.mark.parametrize("options", [{"runtime": "raspi4"}, {"batch": 0}, {"threads": 0}, {"repeats": 0}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ArgumentError):
        latency(SMALL, **options)


# --- in a search --------------------------------------------------------------------------------------------


class Counting(Meter):
    """A meter whose device takes a millisecond for a million multiplications: what is measured can be counted."""

    def _measured(self, graph, name):
        self.count = getattr(self, "count", 0) + 1
        return 0.1 + graph.cost.macs / 1e6


def test_equal_networks_are_measured_once():
    meter = Counting([NAME])
    one = nas.trace(lambda x: x.conv(4, 3) + x.conv(4, 1), (8, 8, 3))
    two = nas.trace(lambda x: x.conv(4, 1) + x.conv(4, 3), (8, 8, 3))
    assert meter.measure(one) == meter.measure(two) and meter.count == 1
    assert meter.check(two, parse(f"{NAME} <= 1e-6")).measured and meter.count == 1


def test_a_table_rejects_what_is_far_beyond_a_limit_and_the_rest_is_measured():
    meter, limits = Counting([NAME], enough=10), parse([f"{NAME} <= 9.7", "params <= 1e9"])
    for width in (16, 32, 48, 80, 96, 112, 128, 144, 160, 176):
        assert meter.price(network(width)) is None
        assert meter.check(network(width), limits).measured
    assert meter.count == 10 and meter.tables[NAME].error < 0.1
    for width, known in ((256, {"params": 1e5}), (192, {})):
        found = meter.check(network(width), limits, known=known)
        assert not found.measured and found.values[NAME] > 9.7
    assert meter.count == 10
    # Near the limit a table decides nothing, nor does it say that a network is quick enough.
    assert meter.check(network(64), limits).measured and meter.check(network(3), limits).measured and meter.count == 12
    # Without a limit there is nothing to reject.
    assert meter.check(network(256)).measured and meter.count == 13


def test_a_table_is_silent_about_operations_that_it_never_saw():
    meter = Counting([NAME], enough=8)
    for width in range(4, 12):
        meter.measure(network(width))
    other = nas.trace(lambda x: x.conv(999, 3).depthwise(3).global_avg_pool(), (16, 16, 1))
    assert meter.price(other) is None and meter.check(other, parse(f"{NAME} <= 0.001")).measured


def test_what_was_measured_before_is_not_measured_again():
    meter = Counting([NAME])
    meter.learn(SMALL, {NAME: 7.0, "params": 3.0})
    meter.learn(LARGE, {"latency_ms@jax,b1": 7.0})
    assert meter.measure(SMALL) == {NAME: 7.0} and not hasattr(meter, "count")
    assert meter.measure(LARGE)[NAME] != 7 and meter.count == 1


def test_devices_that_are_not_here_are_looked_up_or_priced():
    graphs = [network(width) for width in range(16, 272, 16)]
    priced = LatencyTable.fit(graphs, [graph.cost.macs / 1e6 for graph in graphs])
    listed = device_table("board", {"small": 3.0}, named=lambda config: config["size"])
    meter = Counting(["latency_ms@board", "latency_ms@phone", NAME], devices={"board": listed, "phone": priced})
    found = meter.measure(LARGE, {"size": "small"})
    assert found["latency_ms@board"] == 3.0 and meter.count == 1
    assert found["latency_ms@phone"] == pytest.approx(LARGE.cost.macs / 1e6, rel=0.1)
    with pytest.raises(ArgumentError, match="no latency of large"):
        meter.measure(SMALL, {"size": "large"})


def test_a_meter_measures_for_real():
    meter = Meter([NAME], repeats=3)
    assert 0 < meter.measure(SMALL)[NAME] < 1000
    reading = meter.check(LARGE, parse(f"{NAME} <= 1e-6"))
    assert reading.measured and parse(f"{NAME} <= 1e-6")[0].broken(parse(f"{NAME} <= 1e-6")[0].excess(reading.values))


def test_a_meter_refuses_names_at_once():
    for names, options in ((["latency_ms@pixel3"], {}), ([NAME], {"enough": 3}), ([NAME], {"repeats": 0})):
        with pytest.raises(ArgumentError):
            Meter(names, **options)


@pytest.mark.slow
def test_thirty_measurements_of_this_machine_rank_and_price_fifty_unseen_networks():
    """As a search measures: what nine of ten runs do not exceed, and a table from the first thirty of them.

    Within the bounds that hold for any device; what the benchmark reports with all care is nearer.
    """
    space, draws, meter = nas.chain((28, 28, 1), 10), np.random.default_rng(0), Meter([NAME])
    graphs = [space.graph(space.tree.sample(draws)) for _ in range(80)]
    for graph in graphs[:30]:
        meter.measure(graph)
    found = [latency(graph) for graph in graphs[30:]]
    if np.median([one.upper_ms / one.median_ms for one in found]) > 1.25:
        pytest.skip("something else runs on this machine: latencies are those of its turns")
    table = meter.tables[NAME]
    predicted, measured = np.array([table.predict(graph) for graph in graphs[30:]]), [one.upper_ms for one in found]
    assert spearmanr(predicted, measured)[0] >= 0.9
    assert np.median(np.abs(predicted - measured) / measured) <= 0.2
