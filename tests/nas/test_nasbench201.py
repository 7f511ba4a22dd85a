"""NAS-Bench-201 against its published tables: cells, canonical forms, parameters, operations."""

import csv
import gzip
import os
from collections import defaultdict
from math import prod
from pathlib import Path

import numpy as np
import pytest

import modelwright as mw
from modelwright import nas
from modelwright.nas.nasbench import configuration, isomorphic, published


def table(name):
    folder = os.environ.get("MODELWRIGHT_DATA")
    if not folder or not (Path(folder) / "nas" / name).exists():
        pytest.skip(f"MODELWRIGHT_DATA names no folder with nas/{name}")
    with gzip.open(Path(folder) / "nas" / name, "rt", newline="") as file:
        return list(csv.DictReader(file))


#: Names in the table, the sides of the images, and classes.
DATASETS = (("cifar10", 32, 10), ("cifar100", 32, 100), ("ImageNet16-120", 16, 120))


@pytest.fixture(scope="module")
def space():
    return nas.nasbench201()


def test_the_space_is_whole(space):
    assert space.tree.size == 15_625 and len(space.tree.parameters) == 6


def test_the_published_canonical_form_is_that_of_the_table():
    rows = table("nb201_full.csv.gz")
    configs = [configuration(row["arch"]) for row in rows]
    assert [published(c) for c in configs] == [row["arch"] for row in rows]
    assert [isomorphic(c) for c in configs] == [row["canonical"] for row in rows]
    assert len({row["canonical"] for row in rows}) == 6_466


@pytest.mark.parametrize(("dataset", "side", "classes"), DATASETS)
def test_parameters_and_operations_are_those_published(dataset, side, classes):
    """The table counts trained weights, and operations beside the products: see ``_others``. It has six digits."""
    space = nas.nasbench201((side, side, 3), classes)
    for row in scored(dataset)[:50]:
        graph = space.graph(configuration(row["arch"]))
        others = sum(_others(graph, node) for node in graph.nodes)
        assert f"{graph.cost.trainable / 1e6:.6g}" == row["params"]
        assert f"{(graph.cost.macs + others) / 1e6:.6g}" == row["flops"]


def scored(dataset):
    rows = [r for r in table("zerocost_sampled.csv.gz") if (r["bench"], r["dataset"]) == ("nasbench201", dataset)]
    assert len(rows) > 700
    return rows


def _others(graph, node):
    """Two for each number that a normalisation puts out, one for a ReLU's, one for each that a pooling takes in.

    The pooling of a whole image counts as if its window were one longer and one wider than the image.
    """
    if node.op == "global_avg_pool":
        height, width, channels = graph.nodes[node.inputs[0]].shape
        return (height + 1) * (width + 1) * channels
    each = {"batch_norm": 2, "activation": 1, "avg_pool": node.attributes.get("size", 1) ** 2}
    return each.get(node.op, 0) * prod(node.shape)


@pytest.mark.parametrize("number", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_what_is_built_has_the_parameters_and_operations_of_the_table(space, number):
    """A second each: Keras' own variables, and products as they follow from kernels and outputs of its layers."""
    for row in scored("cifar10")[:number]:
        graph = space.graph(configuration(row["arch"]))
        model = nas.build(graph, whole=True)
        trained = sum(prod(v.shape) for v in model.trainable_variables)
        assert f"{trained / 1e6:.6g}" == row["params"] and model.count_params() == graph.cost.parameters
        built = [layer for layer in model.layers if hasattr(layer, "kernel")]
        products = sum(prod(layer.kernel.shape) * prod(layer.output.shape[1:-1]) for layer in built)
        others = sum(_others(graph, node) for node in graph.nodes)
        assert f"{(products + others) / 1e6:.6g}" == row["flops"]


def test_a_network_is_built_as_it_was_counted():
    config = configuration("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|none~2|")
    small = nas.nasbench201((8, 8, 3), 7, width=4, cells=1)
    graph = small.graph(config)
    model = nas.build(graph, whole=True)
    assert model.count_params() == graph.cost.parameters and model.output_shape == (None, 7)


def test_equal_keys_are_equal_cells_and_fewer_than_published():
    rows = table("nb201_full.csv.gz")[::8]
    space = nas.nasbench201((8, 8, 3), 2, width=2, cells=1)
    by_key = defaultdict(set)
    for row in rows:
        by_key[space.key(configuration(row["arch"]))].add(row["canonical"])
    assert len(by_key) < len({row["canonical"] for row in rows})
    # Cells of one key were trained to the same accuracy, up to the noise of training.
    accuracy = {row["canonical"]: float(row["c10_test_e200"]) for row in rows}
    apart = [max(accuracy[c] for c in cells) - min(accuracy[c] for c in cells) for cells in by_key.values()]
    assert np.mean(apart) < 0.1


def test_strategies_search_it_and_skip_cells_that_are_the_same(space):
    score = {row["arch"]: float(row["c10_val_e12"]) for row in table("nb201_full.csv.gz")}
    study = mw.Study(space.tree, objective="maximize", strategy="evolution", store=":memory:", seed=0)
    for _ in range(60):
        trial = study.ask()
        study.tell(trial, score[published(trial.config)])
    keys = [space.key(trial.config) for trial in study.trials]
    assert len(set(keys)) == len(keys) and study.best.value > 83
