"""Latency in a search: prices are told as such, what is handed out is measured, and keeps within the limits."""

from dataclasses import replace

import numpy as np
import pytest

import modelwright as mw
from modelwright import nas
from modelwright.api import ensembles
from modelwright.api.keeping import artifacts_of
from modelwright.core.constraint import MEASURED, parse
from modelwright.core.errors import ArgumentError, StudyError
from modelwright.nas import asked, hardware
from modelwright.nas.canonical import pruned
from modelwright.nas.estimate import _Trial
from modelwright.nas.hardware import Latency, Meter
from modelwright.nas.latency_table import device_table
from modelwright.nas.limited import LimitedTree, known
from modelwright.nas.metered import ENOUGH, SAMPLED, price
from modelwright.nas.nasbench import configuration
from modelwright.nas.phases import FINISH
from modelwright.nas.reading import Reading
from modelwright.space import HyperParameters

pytest.importorskip("onnxruntime")
keras = pytest.importorskip("keras")
NAME = "latency_ms@onnxruntime,b1"


def narrow(hp, x):
    return x.dense(hp.Int("units", 4, 200)).relu().dense(2)


def space():
    return nas.Architecture(narrow, (4,))


def ms(graph):
    """What a table is right about: a tenth of a millisecond, and one for a thousand parameters."""
    return 0.1 + graph.cost.parameters / 1000


class Machine:
    """This machine: for the table it takes what ``ms`` says, but for ``noise``; then ``slower`` times as long."""

    def __init__(self, slower):
        self.slower, self.noise, self.runs = slower, 0.0, 0

    def __call__(self, graph, runtime="onnxruntime", *, batch=1, repeats=30, threads=1):
        self.runs += 1
        took = ms(graph) * (self.slower if self.runs > ENOUGH else 1 + self.noise * (-1) ** self.runs)
        return Latency(NAME, took, took, repeats)


@pytest.fixture
def machine(monkeypatch):
    made = Machine(3.0)
    monkeypatch.setattr(hardware, "latency", made)
    return made


def searched(**options):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 4))
    options = {"trials": 4, "epochs": 1, "store": ":memory:", "verbose": 0, **options}
    return mw.nas.search(options.pop("over", None) or space(), x, x[:, 0] > 0, **options)


# --- what a search returns -------------------------------------------------------------------------


def test_a_winner_that_breaks_a_limit_when_it_is_measured_is_ruled_out_and_the_next_one_is_finished(
    machine, monkeypatch
):
    # The largest network wins, and takes three times what its price says.
    monkeypatch.setattr(asked, "check_planned", lambda task, objectives: None)
    study = searched(objective=mw.Maximize("params"), constraints=[f"{NAME} <= 1.2"])
    rows, best = study._machine.history.rows, study.best
    out = [row for row in rows if row.state == "infeasible"]
    assert out and all(row.metrics[NAME] > 1.2 and row.error.kind == "constraint" for row in out)
    assert best.metrics[NAME] <= 1.2 and best.fidelity == 1.0
    assert best.facts[NAME] == best.metrics[NAME] and not best.facts["priced"]
    opened = [note.data["trial"] for note in study._machine.history.notes if note.kind == FINISH]
    assert opened == [best.number]
    assert study.best_model().count_params() > 0
    # Those that were measured before the first network was trained, and not the winners after it.
    before = sum(note.kind == SAMPLED for note in study._machine.history.notes)
    assert before > 2 and f"with latencies of {before} networks measured" in study.explain()


def test_a_front_is_measured_and_other_prices_are_told_as_such(machine):
    objective = ["val_accuracy", NAME]
    study = searched(objective=objective, plan=None, strategy="random", trials=6)
    rows = {row.number: row for row in study._machine.history.rows}
    sizes = {number: study._settings.estimation.job.space.graph(row.config) for number, row in rows.items()}
    for trial in study.front:
        assert not trial.facts["priced"] and trial.values[1] == trial.metrics[NAME] == trial.facts[NAME]
        assert trial.values[1] == pytest.approx(ms(sizes[trial.number]) * (1, 3)[MEASURED in noted(study, trial)])
    priced = [row for row in rows.values() if row.priced]
    assert priced, "of six random networks some are not on the front"
    frame = study.frame()
    assert list(frame["priced"][frame["priced"] != ""].index) == [row.number for row in priced]
    assert f"~{priced[0].values[1]:.6g}" in repr(study.trials[priced[0].number])
    # What goes on in the same process is measured too.
    study.resume(trials=7)
    assert len(study.trials) == 7 and not any(trial.facts["priced"] for trial in study.front)


def test_prices_are_marked_in_summaries_and_reports(machine, tmp_path):
    study = searched(objective=NAME, plan=None, strategy="random", trials=4)
    assert any(trial.facts["priced"] for trial in study.trials) and not study.best.facts["priced"]
    text, page = study.summary(), study.report(tmp_path / "report.html").read_text()
    assert f"{NAME}: ~" in text and "A ~ stands before a price" in text
    assert f"{NAME}: {study.best.value:.6g}" in text
    assert "~0." in page


def noted(study, trial):
    notes = study._machine.history.notes
    return {note.kind for note in notes if note.kind == MEASURED and note.data["number"] == trial.number}


def test_members_of_an_ensemble_are_measured(machine, monkeypatch):
    study = searched(constraints=[f"{NAME} <= 9"], plan=None, strategy="random")
    joined, held = [], artifacts_of(study._store, study._record)
    monkeypatch.setattr(ensembles, "_joined", lambda models, weights, task: joined.append(len(models)))
    there = [trial for trial in study.trials if held.holds(trial._row.artifacts["model"])]
    assert len(there) > 2 and any(trial.facts["priced"] for trial in there)
    study.ensemble(6)
    assert joined == [len(there)] and not any(trial.facts["priced"] for trial in there)
    # One that turns out to break the limit is none of them.
    unmeasured(there[0]._row, NAME)
    study._settings.estimation.job.meter._known.clear()
    machine.slower = 1e3
    study.ensemble(6)
    assert joined == [len(there), len(there) - 1] and there[0].state == "infeasible"


def unmeasured(row, name):
    """As if a trial had a price alone."""
    row.facts = {key: value for key, value in row.facts.items() if key != name} | {"priced": [name]}


def test_a_model_with_a_price_alone_is_not_handed_out_where_it_cannot_be_measured(machine, tmp_path):
    store = str(tmp_path / "s.db")
    searched(constraints=[f"{NAME} <= 9"], plan=None, strategy="random", store=store, name="s", trials=2)
    study = mw.load_study("s", store=store)
    assert study.best_model() is not None
    for trial in study.trials:
        unmeasured(trial._row, NAME)
    with pytest.raises(StudyError, match=r"price for latency_ms@onnxruntime,b1.*not measured.*resume\(space"):
        study.best_model()
    with pytest.raises(StudyError, match=r"2 others aside whose latency has a price alone"):
        study.ensemble(2)


# --- prices ----------------------------------------------------------------------------------------


class Counting(Meter):
    """A meter whose device takes what ``ms`` says, more or less by ``noise``."""

    def __init__(self, *names, noise=0.0, **options):
        super().__init__(names, **options)
        self.noise, self.count = noise, 0

    def _measured(self, graph, name):
        self.count += 1
        return ms(graph) * (1 + self.noise * (-1) ** self.count)


def test_networks_that_differ_are_measured_for_a_table_whatever_is_searched_beside_them():
    def small(hp, x):
        return x.dense(hp.Choice("units", [4, 8, 16, 32])).relu().dense(hp.Choice("last", [2, 3, 4])).dense(2)

    for over, known_, seconds in ((space(), ENOUGH, None), (nas.Architecture(small, (4,)), 12, None), (space(), 8, 0)):
        hp = HyperParameters()
        hp.Float("rate", 1e-3, 1e-1, sampling="log")
        for tree in (over.tree, over.tree.grow(hp.tree.specs())):
            meter = Counting(NAME)
            found = price(meter, LimitedTree.of(tree, ()), seed=0, seconds=seconds)
            assert len(found) == meter.count == known_ and list(meter.tables) == [NAME]
            # Further measurements are needed for the next fit, as many as for the first.
            assert price(meter, LimitedTree.of(tree, ()), seed=1) == []


def test_a_price_rejects_beyond_its_margin_alone_and_what_is_near_a_limit_is_measured():
    over, meter = space(), Counting(NAME, noise=0.15)
    price(meter, LimitedTree.of(over.tree, ()), seed=0)
    limits, margin = parse(f"{NAME} <= 0.8"), meter.tables[NAME].margin
    assert 0.05 < margin < 0.5
    tree, sides = LimitedTree.of(over.tree, limits, meter), set()
    for units in range(4, 201):
        reading = known(over.graph({"units": units}), {"units": units}, meter)
        value = reading.values[NAME]
        if not reading.margins:
            assert tree.allows({"units": units}) == (value <= 0.8)
            continue
        assert tree.allows({"units": units}) == (value / (1 + margin) <= 0.8)
        assert reading.open(limits) == (value / (1 + margin) <= 0.8 < value / (1 - margin))
        sides.add((value <= 0.8, reading.open(limits)))
    assert sides == {(True, True), (True, False), (False, True), (False, False)}
    # Where a search begins is measured, unless its price is far from the limit.
    start = tree.default()
    assert not known(over.graph(start), start, meter).open(limits)


def test_a_trial_near_a_limit_is_measured_before_it_is_trained(machine):
    machine.slower, machine.noise = 1.0, 0.15
    study = searched(constraints=[f"{NAME} <= 0.8"], plan=None, strategy="random", trials=8)
    tried, job = study._machine.history.rows, study._settings.estimation.job
    near = [row for row in tried if row.facts.get("latency") == "measured"]
    assert near
    for row in near:
        took = ms(job.space.graph(row.config))
        assert row.facts[NAME] == row.metrics[NAME] == took and not row.priced
        assert row.state == ("complete" if took <= 0.8 else "infeasible")
    for row in tried:
        assert not row.priced or row.metrics[NAME] / (1 - job.meter.tables[NAME].margin) <= 0.8
    # Beside other trials it is an upper bound, and told as a price.
    job.meter.alone = False
    priced = [
        u for u in range(4, 201) if known(job.space.graph({"units": u}), {"units": u}, job.meter).open(job.limits)
    ]
    task = replace(study._machine.task(0, ""), config={"units": priced[0]}, segment=0, start=0.0)
    trial = _Trial(job, task, None)
    reading = trial._costs(job.space.graph(task.config))
    assert reading.priced == trial.note["priced"] == [NAME] and NAME not in trial.note
    assert trial.note["latency"] == "measured beside other trials"
    assert reading.values[NAME] <= ms(job.space.graph(task.config))


def test_a_reading_says_what_measuring_may_change():
    limits = parse([f"{NAME} <= 10", "params <= 100"])
    for value, margin, broken, doubt in (
        (5, 0.2, 0, False),
        (9, 0.2, 0, True),
        (11, 0.2, 0, True),
        (13, 0.2, 1, False),
    ):
        reading = Reading({NAME: value, "params": 50}, {NAME: margin})
        assert (len(reading.broken(limits)), reading.open(limits)) == (broken, doubt) and not reading.measured
    assert not Reading({NAME: 11.0, "params": 50.0}).open(limits)
    # What another limit forbids anyway is not worth a measurement.
    assert not Reading({NAME: 9.0, "params": 500.0}, {NAME: 0.2}).open(limits)


# --- what is built is what counts ------------------------------------------------------------------


def test_limits_are_held_against_the_network_that_is_built():
    over = nas.nasbench201((16, 16, 3), 10)
    dead = configuration("|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_1x1~0|none~1|none~2|")
    plain = configuration("|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|")
    built = pruned(over.graph(dead)).cost
    assert over.graph(dead).cost.parameters > 400_000 > built.parameters
    tree = LimitedTree.of(over.tree, parse("params <= 400_000"))
    assert tree.key(dead) == tree.key(plain) and tree.allows(dead) and tree.allows(plain)
    scaled = nas.scale(over, dead, budget={"params": built.parameters}, resolution=False)
    assert scaled.parameters > 0.9 * built.parameters


def test_a_closest_miss_is_told_of_the_network_that_is_built():
    def wasteful(hp, x):
        x.conv(64, 3)
        return x.conv(hp.Choice("filters", [4, 8]), 1).global_avg_pool().dense(2)

    with pytest.raises(ArgumentError, match=r"The closest: params is 14, too large by 4"):
        LimitedTree.of(nas.Architecture(wasteful, (8, 8, 1)).tree, parse("params <= 10"))


# --- devices that are not here ---------------------------------------------------------------------


def test_networks_that_a_device_has_no_latency_of_are_passed_over_with_a_note():
    over = nas.Architecture(lambda hp, x: x.dense(hp.Int("units", 4, 40)).relu().dense(2), (4,))
    listed = {str(units): units / 10 for units in range(4, 41, 2)}
    table = device_table("board", listed, named=lambda config: str(config["units"]))
    options = {"devices": {"board": table}, "plan": None, "strategy": "random"}
    with pytest.warns(UserWarning, match="came up in the search (is|are) in no table of a device"):
        study = searched(over=over, objective=["val_accuracy", "latency_ms@board"], **options)
    assert {trial.state for trial in study.trials} == {"complete"}
    for trial in study.trials:
        assert trial.values[1] == trial.config["units"] / 10 and not trial.facts["priced"]
    empty = device_table("board", {"nothing": 1.0}, named=lambda config: str(config["units"]))
    with pytest.raises(ArgumentError, match="that the tables of devices list.*no latency of"):
        searched(over=over, constraints=["latency_ms@board <= 3"], **(options | {"devices": {"board": empty}}))
