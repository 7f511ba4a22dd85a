"""Where the time of a search goes."""

import time

import numpy as np
import pytest

import modelwright as mw
from modelwright import nas
from modelwright.core import records as r
from modelwright.core.history import History
from modelwright.core.objective import Objective
from modelwright.nas.spent import PARTS, Spent, times
from modelwright.nas.steps import Clocked


def history(*segments):
    """Of (number, began, ended, duration, fidelity, spent)."""
    made = History((Objective("acc", "max"),))
    events = []
    for number, began, ended, duration, fidelity, spent in segments:
        told = {"spent": spent} if spent else {}
        events += [(began, 1, r.Started(number=number))]
        events += [(ended, 0, r.Finished(number=number, state="paused", values=(0.5,), fidelity=fidelity,
                                         duration=duration, note=told))]  # fmt: skip
    for number in sorted({segment[0] for segment in segments}):
        made.extend([r.Proposed(number=number, config={})], 0.0)
    for at, _, event in sorted(events, key=lambda item: item[:2]):
        made.extend([event], at)
    return made


def test_what_is_between_trials_and_around_training_is_overhead():
    spent = {"start": 0.0, "build": 2.0, "compile": 1.0, "train": 6.0, "judge": 0.5, "keep": 0.5}
    found = times(history((0, 5.0, 15.0, 10.0, 0.01, spent), (0, 15.0, 25.0, 10.0, 0.3, {"train": 9.0})))
    assert found.seconds == 25.0 and found.overhead == pytest.approx(1 - (6.5 + 9.0) / 25)
    assert found.lowest == pytest.approx(0.35)
    assert found.parts == {**spent, "train": 15.0, "other": 1.0}


def test_trials_that_run_together_share_the_clock():
    found = times(history((0, 0.0, 10.0, 10.0, 0.01, {"train": 10.0}), (1, 0.0, 10.0, 10.0, 0.01, {"build": 10.0})))
    assert found.overhead == pytest.approx(0.5) and found.lowest == pytest.approx(0.5)


def test_a_trial_that_says_nothing_is_overhead_and_alone_no_answer():
    assert times(history((0, 0.0, 10.0, 10.0, 0.01, None))) is None
    found = times(history((0, 0.0, 10.0, 10.0, 0.01, None), (1, 10.0, 20.0, 10.0, 0.01, {"train": 10.0})))
    assert found.overhead == pytest.approx(0.5) and found.lowest == pytest.approx(0.0)


def test_a_segment_that_was_killed_counts_from_its_second_start():
    made = history((0, 0.0, 4.0, 4.0, 0.01, {"train": 4.0}))
    made.extend([r.Started(number=0)], 4.0)
    made.extend([r.Started(number=0)], 8.0)
    made.extend([r.Finished(number=0, state="paused", duration=2.0, note={"spent": {"train": 2.0}})], 10.0)
    assert times(made).overhead == pytest.approx(0.4)


class Slow:
    """Steps of which the first call of a kind compiles."""

    def __init__(self):
        self.seen = set()

    def train(self, x, y, weight, rate):
        return self._wait(("train", len(y)))

    def predict(self, x):
        return self._wait(("predict", len(x[0])))

    def settle(self):
        pass

    def _wait(self, what):
        time.sleep(0.01 if what in self.seen else 0.2)
        self.seen.add(what)
        return 0.0


def test_first_calls_of_each_size_compile():
    steps = Clocked(Slow())
    x, y = (np.zeros((4, 1)),), np.zeros(4)
    for _ in range(3):
        steps.train(x, y, None, 0.1)
    assert steps.compiling()["train"] > 0.1 and steps.compiling()["judge"] == 0.0
    for size in (4, 2):
        for _ in range(2):
            steps.predict((x[0][:size],))
    found = steps.compiling()
    spent = Spent()
    spent["train"], spent["judge"] = 1.0, 1.0
    spent.compiled(found)
    assert found["judge"] > 0.2 and spent["compile"] == pytest.approx(sum(found.values()))
    assert spent["train"] + spent["compile"] + spent["judge"] == pytest.approx(2.0)


def test_a_search_says_where_its_time_went():
    pytest.importorskip("keras")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    over = nas.Architecture(lambda hp, x: x.dense(hp.Int("units", 4, 16, step=4)).relu().dense(2), (3,))
    study = mw.nas.search(over, x, x[:, 0] > 0, trials=3, epochs=60, store=":memory:", verbose=0)
    found = times(study._machine.history)
    assert set(found.parts) == {*PARTS, "other"} and 0 < found.overhead < 1 and 0 < found.lowest < 1
    assert all(found.parts[part] > 0 for part in ("build", "compile", "train", "keep"))
    assert sum(found.parts.values()) == pytest.approx(
        sum(row.duration for row in study._machine.history.rows), rel=0.02
    )
    assert "Where the work of the trials went" in study.explain() and "lowest fidelity" in study.explain()
