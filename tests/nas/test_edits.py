"""What became of a network, in words; and evolution's notes of it."""

import numpy as np
import pytest

import modelwright as mw
from modelwright import nas
from modelwright.nas.edits import KINDS, edits, told
from modelwright.nas.graph import add, concat, trace
from modelwright.strategy.evolution import Evolution


def plain(x):
    return x.conv(8, 3, name="one").relu().conv(8, 3, name="two").global_avg_pool().dense(2)


def skipped(x):
    x = x.conv(8, 3, name="one").relu()
    return add([x, x.conv(8, 3, name="two")]).global_avg_pool().dense(2)


def joined(x):
    x = x.conv(8, 3, name="one").relu()
    return concat([x, x.conv(8, 3, name="two")]).global_avg_pool().dense(2)


def pooled(x):
    x = x.conv(8, 3, name="one").relu().avg_pool(2)
    return x.conv(8, 3, name="two").global_avg_pool().dense(2)


def wider(x):
    return x.conv(16, 3, name="one").relu().conv(8, 5, name="two").global_avg_pool().dense(2)


def other(x):
    return x.conv(8, 3, name="one").activation("tanh").conv(8, 3, name="two").global_avg_pool().dense(2)


def found(one, two):
    return [str(edit) for edit in edits(trace(one, (8, 8, 3)), trace(two, (8, 8, 3)))]


SKIP, KIND = "activation -> global_avg_pool", "changed a setting: kind"


@pytest.mark.parametrize(
    ("after", "forth", "back"),
    [
        (skipped, [f"added a connection: {SKIP}"], [f"removed a connection: {SKIP}"]),
        (joined, [f"added a connection: {SKIP}"], [f"removed a connection: {SKIP}"]),
        (pooled, ["added a layer: avg_pool"], ["removed a layer: avg_pool"]),
        (
            wider,
            ["changed a size: filters 8 -> 16 (one)", "changed a size: kernel 3 -> 5 (two)"],
            ["changed a size: filters 16 -> 8 (one)", "changed a size: kernel 5 -> 3 (two)"],
        ),
        (other, [f"{KIND} relu -> tanh (activation)"], [f"{KIND} tanh -> relu (activation)"]),
        (plain, [], []),
    ],
)  # fmt: skip
def test_edits_have_their_names_in_both_directions(after, forth, back):
    assert found(plain, after) == forth and found(after, plain) == back


def test_another_layer_in_a_place_is_a_changed_operation():
    space = nas.nasbench201((8, 8, 3), 2, width=4, cells=1)
    config = {f"edge{a}<{b}": "nor_conv_3x3" for a, b in ((1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2))}
    assert space.tree.edit(config, {**config, "edge2<1": "avg_pool_3x3"}) == (
        "changed an operation: conv 3x3 -> avg_pool (edge2_1)"
    )
    assert space.tree.edit(config, config) == ""


def test_what_is_no_matter_is_no_edit():
    assert found(plain, lambda x: add([plain(x), x.zero().global_avg_pool().dense(2, bias=False)])) == []


def test_one_line_counts_what_happens_often():
    def stack(filters):
        def define(x):
            for i in range(5):
                x = x.conv(filters, 3, name=f"c{i}")
            return x.global_avg_pool()

        return define

    graphs = [trace(stack(filters), (8, 8, 3)) for filters in (8, 16)]
    assert told(edits(*graphs)) == "changed a size: filters 8 -> 16 (c0 and 4 more)"


def searched(crossover):
    space = nas.nasbench201((8, 8, 3), 2, width=4, cells=1)
    strategy = Evolution(population=8, crossover=crossover)
    study = mw.Study(space.tree, objective="maximize", strategy=strategy, store=":memory:", seed=0)
    for _ in range(60):
        trial = study.ask()
        study.tell(trial, space.graph(trial.config).cost.macs / 1e6)
    return space, study


@pytest.mark.parametrize("crossover", [0.0, 1.0])
def test_evolution_notes_the_edit_and_the_parents(crossover):
    space, study = searched(crossover)
    born = [t for t in study.trials if t.note["by"] == "evolution"]
    assert len(born) > 40
    for trial in born:
        parent = study.trials[trial.note["from"]]
        assert trial.note["from"] < trial.number and trial.note["edit"] == space.tree.edit(parent.config, trial.config)
        assert any(trial.note["edit"].startswith(kind) for kind in KINDS)
        assert space.key(parent.config) != space.key(trial.config)
        assert ("with" in trial.note) == bool(crossover)


def test_neighbours_that_are_the_same_network_are_skipped():
    """A cell of zeros but for one edge: most changes of one operation change nothing."""
    space = nas.nasbench201((8, 8, 3), 2, width=4, cells=1)
    config = dict.fromkeys((p.name for p in space.tree.parameters), "none") | {"edge3<0": "nor_conv_1x1"}
    around = space.tree.neighbours(config, np.random.default_rng(0), 24)
    keys = {space.key(other) for other in around}
    assert len(keys) == len(around) < 24 and space.key(config) not in keys


def test_hyperparameters_beside_the_network_are_named_too():
    hp = mw.HyperParameters()
    hp.Float("lr", 1e-4, 1e-1, sampling="log")
    tree = nas.nasbench201((8, 8, 3), 2, width=4, cells=1).tree.grow(hp.tree.specs())
    before = tree.default() | {"lr": 0.001}
    after = before | {"lr": 0.01, "edge1<0": "nor_conv_1x1"}
    assert tree.edit(before, after) == "changed a size: kernel 3 -> 1 (edge1_0/conv); changed lr 0.001 -> 0.01"
