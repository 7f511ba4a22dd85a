"""Prices and measurements of a trial: what decides on a limit, and what takes the place of what."""

from modelwright.core import records as r
from modelwright.core.constraint import LIMITS, MEASURED
from modelwright.core.history import History
from modelwright.core.objective import Objective
from modelwright.core.snapshot import restored, texts

MS = "latency_ms@onnxruntime,b1"
ACCURACY, LATENCY = Objective("acc", "max"), Objective(MS, "min")


def trial(number, acc, price, *, fidelity, measured=False):
    """The events of a network whose latency is a price, or was measured."""
    state = "complete" if fidelity == 1 else "paused"
    kept = {} if fidelity == 1 else {"checkpoint": r.Artifact(path="x")}
    return [
        r.Proposed(number=number, config={"n": number}, fidelity=fidelity),
        r.Started(number=number),
        ended(number, acc, price, fidelity, state, kept, {MS: price, r.PRICED: []} if measured else {r.PRICED: [MS]}),
    ]


def ended(number, acc, price, fidelity, state, kept, note):
    return r.Finished(
        number=number, state=state, values=(acc,), metrics={"acc": acc, MS: price}, fidelity=fidelity, steps=1,
        artifacts=kept, note=note,
    )  # fmt: skip


def told(number, ms):
    return r.Noted(kind=MEASURED, data={"number": number, "metrics": {MS: ms}})


def history(*events, objectives=(ACCURACY,), limit=f"{MS} <= 5"):
    made = History(objectives)
    made.extend([r.Noted(kind=LIMITS, data={"texts": [limit]}), *(one for several in events for one in several)])
    return made


def test_a_measurement_rules_a_network_out_whether_it_rests_or_is_complete():
    for fidelity in (0.3, 1.0):
        made = history(trial(0, 0.92, 4.8, fidelity=fidelity), trial(1, 0.91, 4.5, fidelity=fidelity))
        assert made.best().number == 0
        made.extend([told(0, 9.0)])
        row = made.rows[0]
        assert row.state == "infeasible" and row.error.kind == "constraint" and "is 9, too large by 4" in str(row.error)
        assert row.metrics[MS] == 9 and row.priced == () and row.values == (0.92,)
        assert made.best().number == 1 and made.best().priced == (MS,)
        made.extend([told(1, 4.9)])
        assert made.best().metrics[MS] == 4.9 and made.best().priced == ()


def test_a_price_decides_on_no_limit():
    made = history(trial(0, 0.9, 5.2, fidelity=1.0), trial(1, 0.8, 4.0, fidelity=1.0, measured=True))
    assert [row.state for row in made.rows] == ["complete", "complete"] and made.best().number == 0
    made.extend([told(0, 4.7)])
    assert made.best().number == 0
    # A device that is not here has its table alone: there the price is a fact, and decides.
    here = trial(2, 0.95, 6.0, fidelity=1.0)
    here[-1] = ended(2, 0.95, 6.0, 1.0, "complete", {}, {MS: 6.0, r.PRICED: [MS]})
    made.extend(here)
    assert made.rows[2].state == "infeasible" and made.rows[2].priced == (MS,)


def test_limits_that_change_are_held_against_what_was_measured():
    made = history(trial(0, 0.9, 4.0, fidelity=0.3))
    made.extend([told(0, 9.0)])
    assert made.rows[0].state == "infeasible"
    made.extend([r.Noted(kind=LIMITS, data={"texts": [f"{MS} <= 10"]})])
    assert made.rows[0].state == "paused"


def test_a_price_does_not_take_the_place_of_what_was_measured_before():
    made = history(trial(0, 0.9, 4.0, fidelity=0.3))
    made.extend([told(0, 4.9), r.Continued(number=0, fidelity=1.0), r.Started(number=0, segment=1)])
    made.extend([ended(0, 0.95, 4.0, 1.0, "complete", {}, {r.PRICED: [MS]})])
    row = made.rows[0]
    assert row.state == "complete" and row.metrics[MS] == 4.9 and row.priced == () and row.values == (0.95,)


def test_a_measured_objective_is_the_value():
    made = History((ACCURACY, LATENCY))
    made.extend(trial(0, 0.9, 4.0, fidelity=1.0)[:2])
    values = {"acc": 0.9, MS: 4.0}
    made.extend([r.Finished(number=0, state="complete", values=(0.9, 4.0), metrics=values, fidelity=1.0, steps=1,
                            note={r.PRICED: [MS]})])  # fmt: skip
    made.extend([told(0, 6.0)])
    assert made.rows[0].values == (0.9, 6.0) and made.rows[0].segments == {1.0: (0.9, 6.0)}
    assert made.scores(1)[0] == -6.0


def test_what_was_measured_is_in_a_snapshot():
    made = history(trial(0, 0.92, 4.8, fidelity=0.3), trial(1, 0.91, 4.5, fidelity=0.3))
    since = len(made)
    made.extend([told(0, 9.0)])
    changed = texts(made, since)
    assert "rows/0" in changed
    again = History((ACCURACY,))
    restored(again, texts(made), made.latest)
    assert repr(again.rows) == repr(made.rows) and again.best().number == 1
