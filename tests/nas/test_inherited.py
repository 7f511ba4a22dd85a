"""Whose weights a network began with, also where those that it was to have cannot be read."""

import numpy as np
import pytest

from modelwright import nas
from modelwright.core import records as r
from modelwright.core.history import History
from modelwright.core.objective import Objective
from modelwright.nas.dataset import dataset
from modelwright.nas.estimate import ArchitectureEstimation
from modelwright.nas.inherited import INHERITED, giver
from modelwright.nas.job import Job
from modelwright.nas.ladder import ladder
from modelwright.nas.phases import PlanLeads
from modelwright.nas.plan import Plan
from modelwright.nas.stale import alike
from modelwright.study.machine import Machine, Setup

keras = pytest.importorskip("keras")
GOALS = (Objective("val_accuracy", "max"),)
LADDER = ladder(510, None, 4, batch=32)
RACE = LADDER.of("race")


class Says:
    def traced(self, config, parameters):
        pass

    def report(self, step, metrics, fidelity=None):
        return "go"


def small(hp, x):
    return x.dense(hp.Int("units", 4, 64, step=4)).relu().dense(2)


def learned(x, y):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(32, "relu", name="a"), keras.layers.Dense(2)])
    model.compile(keras.optimizers.Adam(0.02), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, epochs=40, verbose=0)
    return model


def child(folder, around, torn):
    """A network of the race's last rung that is to have another one's weights; its row."""
    x = np.random.default_rng(0).normal(size=(600, 4)).astype("float32")
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    space = nas.around(learned(x, y)) if around else nas.Architecture(small, (4,))
    machine = Machine(Setup(space=space.tree, strategy=Plan(LADDER), objectives=GOALS), PlanLeads())
    job = Job(space=space, data=dataset(x, y), ladder=LADDER, objectives=GOALS)
    config, history = space.tree.default(), machine.history
    for number, rung in enumerate((RACE[0], RACE[-1])):
        proposed = r.Proposed(number=number, config=config, fidelity=rung.fidelity, parent=0 if number else None,
                              note={"phase": "race"})  # fmt: skip
        machine.apply([proposed, *machine.start(number)])
        task = machine.task(number, str(folder / str(number)))
        machine.apply(machine.finish(number, ArchitectureEstimation(job).estimate(task, Says())))
        for path in (folder / "0").glob("*.ckpt") if torn else ():
            path.write_bytes(b"torn")
    return history.rows[1]


@pytest.mark.parametrize("around", [False, True])
def test_a_child_whose_parents_weights_cannot_be_read_begins_as_every_other_network(tmp_path, around):
    row = child(tmp_path, around, torn=True)
    fact = row.facts[INHERITED]
    assert row.parent == 0 and giver(row) is None and fact["why"]
    # The model that the space was made around is no trial: its training is behind all networks alike.
    assert (fact["share"] == 1.0 and fact["from"] != 0) if around else fact["share"] == 0.0
    assert row.facts["epochs"] == pytest.approx(sum(rung.epochs for rung in RACE), rel=0.02)


def test_a_child_that_inherits_trains_for_the_last_rung_alone(tmp_path):
    row = child(tmp_path, around=False, torn=False)
    assert giver(row) == row.facts[INHERITED]["from"] == 0 and row.facts[INHERITED]["share"] == 1.0
    assert row.facts["epochs"] == pytest.approx(RACE[0].epochs + RACE[-1].epochs, rel=0.02)


def test_a_network_that_inherited_nothing_is_compared_as_one_that_began_at_chance():
    history = History(GOALS)
    for number in range(9):
        parent, value = (number - 1 if number else None), 0.5 + 0.02 * number
        share = {"from": parent, "share": 0.0 if number == 8 else 1.0}
        note = {INHERITED: share} if number else {}
        done = r.Finished(number=number, state="paused", values=(value,), fidelity=0.09, note=note)
        history.extend([r.Proposed(number=number, config={}, parent=parent), r.Started(number=number), done])
    found = alike(history, 90)
    assert found[8] == pytest.approx(0.66) and found[7] == pytest.approx(0.5)
    assert Plan(LADDER).finalists(history) == [8, 7, 6]  # one of which began at chance
