"""Tables of latency: against the published ones of devices, and devices that are not here."""

import csv
import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

import modelwright as mw
from modelwright import nas
from modelwright.core.errors import ArgumentError
from modelwright.nas.canonical import key
from modelwright.nas.latency_table import LatencyTable, device_table, features
from modelwright.nas.nasbench import configuration, published
from modelwright.strategy.pareto import front


def path(name):
    folder = os.environ.get("MODELWRIGHT_DATA")
    if not folder or not (Path(folder) / "nas" / name).exists():
        pytest.skip(f"MODELWRIGHT_DATA names no folder with nas/{name}")
    return Path(folder) / "nas" / name


def table(name):
    with gzip.open(path(name), "rt", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("device, least", [("raspi4", 0.95), ("gold_6226", 0.95), ("eyeriss", 0.95)])
def test_thirty_rows_price_the_rest_of_nasbench201(device, least):
    """Some runtimes leave out what leads nowhere (raspi4) and some do not: the table finds out."""
    cells = [row["arch"] for row in table("nb201_full.csv.gz")]
    ms = [float(row[device]) for row in table("nb201_latency.csv.gz")]
    space = nas.nasbench201()
    draw = np.random.default_rng(1).permutation(len(cells))[:430]
    graphs = [space.graph(configuration(cells[i])) for i in draw]
    times = np.array([ms[i] for i in draw])
    found = LatencyTable.fit(graphs[:30], times[:30])
    predicted = np.array([found.predict(graph) for graph in graphs[30:]])
    assert spearmanr(predicted, times[30:])[0] >= least
    assert np.median(np.abs(predicted - times[30:]) / times[30:]) <= 0.2
    assert found.number == 30 and found.error <= 0.2 and found.whole == (device != "raspi4")


@pytest.mark.slow
def test_thirty_rows_price_all_of_nasbench201_on_raspi4():
    cells = [row["arch"] for row in table("nb201_full.csv.gz")]
    times = np.array([float(row["raspi4"]) for row in table("nb201_latency.csv.gz")])
    space = nas.nasbench201()
    draw = np.random.default_rng(0).permutation(len(cells))
    graphs = [space.graph(configuration(cells[i])) for i in draw]
    found = LatencyTable.fit(graphs[:30], times[draw[:30]])
    predicted = np.array([found.predict(graph) for graph in graphs[30:]])
    rest = times[draw[30:]]
    assert spearmanr(predicted, rest)[0] >= 0.9 and np.median(np.abs(predicted - rest) / rest) <= 0.2


def networks(number, seed=0):
    space = nas.chain((16, 16, 1), 4)
    draws = np.random.default_rng(seed)
    return [space.graph(space.tree.sample(draws)) for _ in range(number)]


def test_prices_are_never_negative_and_outliers_do_not_matter():
    graphs = networks(60)
    times = np.array([0.2 + g.cost.macs / 1e6 + 0.01 * len(g.nodes) for g in graphs])
    spoiled = times[:40].copy()
    spoiled[[3, 17, 30]] *= 8
    found = LatencyTable.fit(graphs[:40], spoiled)
    assert min(found.prices.values()) >= 0 and found.base >= 0
    predicted = np.array([found.predict(g) for g in graphs[40:]])
    assert np.median(np.abs(predicted / times[40:] - 1)) < 0.15
    assert found.error < 0.2 and found.margin > found.error


def test_what_leads_nowhere_counts_where_a_device_computes_it():
    graph = nas.trace(lambda x: (x.conv(2, 3) + x.zero(), x.conv(9, 3))[0], (8, 8, 2))
    assert features(graph)["conv", "count"] == 1 and features(graph, whole=True)["conv", "count"] == 2
    assert ("join", "count") not in features(graph) and ("zero", "count") in features(graph, whole=True)


def test_operations_without_a_price_are_named():
    found = LatencyTable.fit(networks(10), np.arange(1.0, 11.0))
    assert found.unknown(nas.trace(lambda x: x.conv(2, 3).depthwise(3).flatten().dense(2), (8, 8, 1))) == [
        "depthwise",
        "flatten",
    ]


def test_too_few_measurements_and_impossible_ones_are_refused():
    graphs = networks(9)
    for few, times in ((graphs[:5], np.ones(5)), (graphs, np.ones(8)), (graphs, np.zeros(9)), (graphs, [np.nan] * 9)):
        with pytest.raises(ArgumentError, match=r"LatencyTable.fit"):
            LatencyTable.fit(few, times)


# --- devices that are not here ------------------------------------------------------------------------------


def raspi4():
    rows = table("nb201_full.csv.gz")
    names = {row["index"]: row["arch"] for row in rows}
    return device_table("raspi4", path("nb201_latency.csv.gz"), names=names, named=published), rows


def test_the_front_of_a_published_device_is_that_of_brute_force():
    device, rows = raspi4()
    points = np.array([[float(row["c100_test_e200"]), -device.ms[row["arch"]]] for row in rows])
    accuracy, minus = points.T
    beaten = []
    for a, m in zip(np.array_split(accuracy, 40), np.array_split(minus, 40), strict=True):
        # Somebody is at least as good in both and better in one.
        here = (accuracy >= a[:, None]) & (minus >= m[:, None])
        beaten.append((here & ((accuracy > a[:, None]) | (minus > m[:, None]))).any(1))
    better = ~np.concatenate(beaten)
    assert front(points).tolist() == np.flatnonzero(better).tolist() and 20 < better.sum() < 200


def test_a_study_of_two_objectives_finds_most_of_that_front():
    device, rows = raspi4()
    accuracy = {row["arch"]: float(row["c100_test_e200"]) for row in rows}
    study = mw.Study(
        nas.nasbench201().tree,
        objective=[mw.Maximize("accuracy"), "latency_ms@raspi4"],
        strategy="evolution",
        store=":memory:",
        seed=0,
    )
    for _ in range(200):
        trial = study.ask()
        said = published(trial.config)
        study.tell(trial, {"accuracy": accuracy[said], "latency_ms@raspi4": device.find(config=trial.config)})
    told = np.array([[t.metrics["accuracy"], -t.metrics["latency_ms@raspi4"]] for t in study.trials])
    expected = {tuple(told[i]) for i in front(told)}
    assert {(t.metrics["accuracy"], -t.metrics["latency_ms@raspi4"]) for t in study.front} == expected
    every = np.array([[accuracy[row["arch"]], -device.ms[row["arch"]]] for row in rows])
    assert covered(told) > 0.9 * covered(every)


def covered(points, slowest=80.0, least=40.0):
    """The area between a corner and the front of (accuracy, minus latency)."""
    area, reached = 0.0, least
    for accuracy, minus in sorted((p for p in points if -p[1] < slowest), key=lambda p: -p[1]):
        if accuracy > reached:
            area += (accuracy - reached) * (slowest + minus)
            reached = accuracy
    return area


def test_a_table_by_keys_holds_for_equal_networks():
    one = nas.trace(lambda x: x.conv(4, 3) + x.conv(4, 1), (8, 8, 3))
    two = nas.trace(lambda x: x.conv(4, 1) + x.conv(4, 3), (8, 8, 3))
    device = device_table("phone", {key(one): 2.5})
    assert device.find(two) == 2.5
    with pytest.raises(ArgumentError, match=r"latency_ms@phone: it has no latency of this network"):
        device.find(nas.trace(lambda x: x.conv(4, 3), (8, 8, 3)))


def test_a_file_that_is_no_table_is_told(tmp_path):
    file = tmp_path / "table.csv"
    file.write_text("name,phone,board\na,1.5,3\nb,2.5,x\n")
    assert device_table("phone", file).ms == {"a": 1.5, "b": 2.5}
    assert device_table("phone", file, names=["c", "d"]).ms == {"c": 1.5, "d": 2.5}
    for device, source, options, said in (
        ("phon", file, {}, "no column 'phon'.*phone, board"),
        ("board", file, {}, "no number"),
        ("phone", file, {"names": ["c"]}, "1 names for 2 rows"),
        ("phone", tmp_path / "none.csv", {}, "cannot be read"),
        ("phone", {"a": -1.0}, {}, "takes -1.0 ms"),
        ("phone", {}, {}, "empty"),
    ):
        with pytest.raises(ArgumentError, match=said):
            device_table(device, source, **options)
