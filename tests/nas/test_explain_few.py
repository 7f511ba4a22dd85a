"""Reasons for the result of a search that tried too few networks for a model: what was measured is told."""

import json

import numpy as np
import pytest

import modelwright as mw
from modelwright import nas
from modelwright.core import records as r
from modelwright.nas.explain import explained


def space():
    hp = mw.HyperParameters()
    hp.Int("depth", 1, 4)
    hp.Choice("first", ["a", "b"])
    hp.Choice("second", ["a", "b"])
    return hp.tree


def trial(number, config, segments, epochs, parent=None, seconds=3.0):
    """A trial that ended at each of these fidelities."""
    events = [r.Proposed(number=number, config=config, fidelity=min(segments), parent=parent)]
    for place, (fidelity, value) in enumerate(segments.items()):
        events += [r.Continued(number=number, fidelity=fidelity)] if place else []
        events.append(r.Started(number=number, segment=place))
        note = {"epochs": epochs, "cpu_seconds": 2.0 * seconds * (place + 1)}
        events.append(r.Finished(number=number, state="paused" if fidelity < 1 else "complete", values=(value,),
                                 metrics={"value": value}, fidelity=fidelity, duration=seconds, note=note))  # fmt: skip
    return events


def study(*trials):
    made = mw.Study(space(), objective="maximize", store=":memory:")
    made._journal.begin()
    for number, (config, segments, *rest) in enumerate(trials):
        made._journal.write(
            trial(number, dict(zip(("depth", "first", "second"), config, strict=True)), segments, *rest)
        )
    return made


def quarter():
    """As a quarter of an hour leaves them: the default, and three others, of which the last was best and finished."""
    return study(
        ((1, "a", "a"), {0.1: 0.5, 0.3: 0.6}, 10.0),
        ((4, "a", "b"), {0.1: 0.55}, 5.0),
        ((2, "b", "b"), {0.1: 0.4}, 5.0),
        ((4, "b", "b"), {0.1: 0.6, 0.3: 0.75, 1.0: 0.9}, 40.0, 1),
    )


def test_a_search_of_few_networks_tells_what_was_measured():
    found = explained(space(), quarter()._view())
    assert found.winner == 3 and found.effects == () and found.explained is None and found.noise is None
    assert found.lacking == "4 trials with a value: there are no effects and no predicted changes, which take 8 trials."
    assert [(pair.low, pair.high, pair.trials) for pair in found.fidelities] == [(0.1, 0.3, 2)]
    assert found.edges == ("depth = 4 (the largest)",) and found.seconds == 2.0 * 3.0 * 7
    (step,) = found.path  # both as they were worth at 0.3, the last fidelity at which both ended
    assert step.config == found.config and step.measured == pytest.approx(0.15) and step.change is None
    assert step.decisions == "depth 1 -> 4, first a -> b, second a -> b" and step.trial == 3
    assert [(step.trial, step.decisions) for step in found.neighbours] == [(1, "first b -> a"), (2, "depth 4 -> 2")]
    assert all(step.measured < 0 and step.change is None for step in found.neighbours)


def test_its_text_and_its_data_say_the_same():
    found = explained(space(), quarter()._view())
    assert json.loads(json.dumps(found.data))["lacking"] == found.lacking
    lines = found.text.splitlines()
    assert lines[0] == (
        f"Trial 3 is the best: value 0.9. {found.lacking} Above 0 a change is for the better."
    )  # fmt: skip
    there = "  measured +0.15, 40 epochs against 10, with inherited weights (trial 3): depth 1 -> 4, first a -> b, "
    assert "From the default to the winner:" in lines and there + "second a -> b" in lines
    assert "One edit away from it 2 networks were tried:" in lines
    assert "0.1 and 0.3: " in found.text and "wider space may hold a better network: depth = 4" in found.text
    assert "Its trials took 42 CPU-seconds." in found.text and "What mattered" not in found.text


def test_what_is_still_trained_counts_with_what_it_was_worth():
    made = quarter()
    made._journal.write([r.Continued(number=3, fidelity=1.0), r.Started(number=3, segment=3)])
    (step,) = explained(space(), made._view()).path
    assert made.best.number == 3 and step.measured == pytest.approx(0.15)


def test_a_default_that_wins_alone_has_its_edges_and_its_cost():
    found = explained(space(), study(((1, "a", "a"), {1.0: 0.5}, 9.0))._view())
    assert found.path == found.neighbours == () and found.edges == ("depth = 1 (the smallest)",)
    assert "The winner is the default network." in found.text and "Above 0" not in found.text
    assert "1 trial with a value:" in found.text and found.seconds == 6.0


def test_a_default_without_a_value_is_no_measure():
    (step,) = explained(space(), study(((3, "b", "a"), {1.0: 0.5}, 9.0))._view()).path
    assert step.measured is None and step.trial == 0


def test_equal_values_say_so_and_no_value_is_no_explanation():
    rows = [((1 + i % 4, "ab"[i // 4 % 2], "ab"[i // 8]), {1.0: 0.5}, 9.0) for i in range(16)]
    found = explained(space(), study(*rows)._view())
    assert found.lacking.startswith("All 16 trials have the same value") and found.diversity
    assert explained(space(), mw.Study(space(), objective="maximize", store=":memory:")._view()) is None


def test_a_search_of_few_networks_explains_itself():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 3)), np.arange(60) % 2

    def define(hp, x):
        return x.dense(hp.Choice("units", [2, 3, 4, 5], default=2)).relu().dense(2)

    made = nas.Architecture(define, (3,))
    text = mw.nas.search(made, x, y, trials=3, epochs=1, store=":memory:", verbose=0).explain()
    assert "trials with a value" in text and ("From the default to the winner" in text or "default network" in text)
    assert "CPU-seconds" in text and "rank trials" in text and "end of its range" in text
