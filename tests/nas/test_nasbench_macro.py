"""NAS-Bench-Macro, written as a user writes a space, against its published table.

Su et al., "K-shot NAS: Learnable Weight-Sharing for NAS with K-shot Supernets", ICML 2021.
"""

import csv
import gzip
import os
from pathlib import Path

import pytest

import modelwright as mw
from modelwright import nas


def block(x, filters, stride, expansion, kernel):
    y = x.conv(x.channels * expansion).batch_norm().relu()
    y = y.depthwise(kernel, stride=stride).batch_norm().relu().conv(filters).batch_norm()
    return y + x if y.shape == x.shape else y


def macro(hp, x):
    x = x.conv(32, 3).batch_norm().relu()
    for i, (filters, stride) in enumerate(zip((64, 64, 128, 128, 128, 256, 256, 256), (2, 1, 2, 1, 1, 2, 1, 1))):
        op = hp.Choice(f"layer{i}", ["identity", "MB3 K3", "MB6 K5"])
        with hp.name_scope(f"layer{i}"):
            if op != "identity":
                x = block(x, filters, stride, *((3, 3) if op == "MB3 K3" else (6, 5)))
            elif stride > 1:
                x = x.conv(filters, stride=stride).batch_norm()
    return x.conv(1280).batch_norm().relu().global_avg_pool().dense(10)


@pytest.fixture(scope="module")
def space():
    return nas.Architecture(macro, (32, 32, 3))


@pytest.fixture(scope="module")
def rows():
    folder = os.environ.get("MODELWRIGHT_DATA")
    name = "nas/nb_macro_cifar10.csv.gz"
    if not folder or not (Path(folder) / name).exists():
        pytest.skip(f"MODELWRIGHT_DATA names no folder with {name}")
    with gzip.open(Path(folder) / name, "rt", newline="") as file:
        return {row["arch"]: row for row in csv.DictReader(file)}


OPS = ("identity", "MB3 K3", "MB6 K5")


def configuration(arch):
    return {f"layer{i}": OPS[int(digit)] for i, digit in enumerate(arch)}


def test_it_has_every_network_of_the_table(space):
    assert space.tree.size == 3**8 and len(space.tree.parameters) == 8


def test_parameters_and_products_are_exactly_those_published(space, rows):
    """The table counts trained weights, and one operation for a product with its addition."""
    assert len(rows) == 6561
    for arch in rows:
        cost = space.graph(configuration(arch)).cost
        assert (cost.trainable, cost.macs) == (int(rows[arch]["params"]), int(rows[arch]["flops"])), arch


def test_two_orders_of_layers_that_keep_their_shape_are_one_network_only_if_they_are(space):
    one, two = configuration("01000000"), configuration("02000000")
    assert space.key(one) != space.key(two)
    # The fourth and the fifth layer are alike: it does not matter which of them is the identity.
    assert space.key(configuration("00010000")) == space.key(configuration("00001000"))


def test_a_search_of_the_table_comes_near_its_best(space, rows):
    study = mw.Study(space.tree, objective="maximize", strategy="local", store=":memory:", seed=1)
    for _ in range(60):
        trial = study.ask()
        arch = "".join(str(OPS.index(trial.config[f"layer{i}"])) for i in range(8))
        study.tell(trial, float(rows[arch]["test_acc_1"]))
    assert study.best.value > 92.5
