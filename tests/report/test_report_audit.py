"""What the fidelity audit found, wherever a study is summed up."""

from __future__ import annotations

import pytest

import modelwright as mw
from modelwright.core import records as r
from modelwright.core.history import History
from modelwright.core.objective import Objective
from modelwright.report import audit, summary
from modelwright.report.html import render, repr_html
from modelwright.report.view import StudyView

RAISED = {"from": 0.1, "to": 0.3, "against": 0.3, "tau": -0.05, "low": -0.31, "high": 0.22, "pairs": 31, "bound": 0.3}


def audited(trials: int = 18, *, steps: int = 10, keep: int = 6, lots=(8, 12, 15), raised=False, unit="epoch"):
    """Trials whose order at fidelities 0.1 and 0.3 is the same; the better ones went on, and ``lots`` did by lot."""
    history = History((Objective("accuracy", "max"),))
    for number in range(trials):
        value = 0.9 - 0.02 * number
        note = {"first": 0.1, **({"raised": RAISED} if raised and number == trials - 1 else {})}
        history.extend([r.Proposed(number=number, config={"x": number}, fidelity=0.1, note=note)])
        history.extend(_segment(number, 0, value, 0.1, steps))
        if number < keep or number in lots:
            why = {"why": "audit", "audited": [0.1]} if number in lots else {"why": "promoted"}
            history.extend([r.Continued(number=number, fidelity=0.3, note=why)])
            history.extend(_segment(number, 1, value + 0.05, 0.3, steps))
    return StudyView(name="s", history=history, unit=unit, strategy="asha")


def _segment(number, segment, value, fidelity, steps):
    return [
        r.Started(number=number, segment=segment),
        r.Configured(number=number, config={"x": number}),
        r.Finished(
            number=number, state="paused", values=(value,), fidelity=fidelity, steps=round(steps * fidelity),
            metrics={"accuracy": value},
        ),
    ]  # fmt: skip


def test_the_agreement_stands_in_every_summing_up():
    view = audited()
    line = "Epochs 1 and 3 rank trials alike: 1.00 ["
    assert audit.told(view)[0].startswith(line) and "9 pairs" in audit.told(view)[0]
    assert "3 of 9 promotions were drawn by lot" in audit.told(view)[0]
    for said in (summary.final_block(view), summary.results(view, 5), render(view), repr_html(view)):
        assert line in " ".join(said.split())


def test_fidelities_without_steps_are_named_as_numbers():
    said = audit.told(audited(steps=0))[0]
    assert said.startswith("Fidelities 0.1 and 0.3 rank trials alike: ")


@pytest.mark.parametrize(("steps", "least"), [(10, "for at least 3 epochs"), (0, "to fidelity 0.3 at least")])
def test_a_fidelity_that_was_given_up_is_told_with_the_reason(steps, least):
    view = audited(raised=True, steps=steps)
    said = audit.told(view)[-1]
    assert said.startswith(f"From trial 17 on every new trial was trained {least}")
    assert "alike: -0.05 [-0.31, 0.22], 31 pairs, which is below 0.3" in said
    assert "From trial 17 on" in summary.final_block(view) and "From trial 17 on" in render(view)


def test_a_study_without_audits_says_nothing_of_them():
    assert audit.told(audited(lots=())) == []
    assert audit.told(StudyView(name="s", history=History((Objective("a", "max"),)))) == []


def test_steps_at_which_hopeless_trials_ended_are_no_fidelities():
    def train(hp, trial):
        x, y = hp.Float("x", 0.0, 1.0), hp.Float("y", 0.0, 1.0)
        for step in range(1, 10):
            trial.report(step, loss=(x if step >= 3 else 2 - x) + 0.1 * y)
            if trial.should_stop():
                return

    given = {"strategy": "asha", "steps": 9, "trials": 100, "store": ":memory:", "verbose": 0}
    study = mw.tune(train, objective=mw.Minimize("loss"), **given)
    between = {trial.steps for trial in study.trials} - {1, 3, 9}
    assert between, "nobody ended between rungs"
    said = audit.told(study._view())[0]
    assert said.startswith("Steps 1 and 3 rank trials alike: -0.")
    assert not any(f"teps {step} and" in said or f"and {step} rank" in said for step in between)
