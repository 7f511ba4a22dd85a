"""What the report says of trials that are on their way: where their learning curves will end."""

from __future__ import annotations

import re

from report_studies import halved, lab, trial, view_of

from modelwright.core import records as r
from modelwright.core.objective import Objective
from modelwright.report.expected import expected
from modelwright.report.html import render


def rising(count=8, epochs=10, **more):
    """Eight trials that ran in full, one that paused half way, and a running one that is worse."""

    def curve(top, steps):
        return [{"val_accuracy": top - 0.3 * 0.7**step} for step in range(1, steps + 1)]

    made = []
    for number in range(count):
        reports = curve(0.8 + 0.01 * number, epochs)
        made.append(
            trial(number, {"units": number}, (reports[-1]["val_accuracy"],), reports=reports, step=epochs, steps=epochs)
        )
    shown = curve(0.9, 5)
    made.append(
        trial(count, {"units": 64}, (shown[-1]["val_accuracy"],), state="paused", reports=shown, steps=5, fidelity=0.5)
    )
    number = count + 1
    running = [r.Proposed(number=number, config={"units": 3}, fidelity=1.0), r.Started(number=number)]
    for step, report in enumerate(curve(0.6, 3), 1):
        running.append(r.Reported(number=number, step=step, metrics=report, fidelity=step / epochs))
    return view_of(*made, running, **({"unit": "epoch", "strategy": "asha"} | more))


def test_paused_and_running_trials_have_an_expected_value_with_its_interval():
    said = expected(rising())
    assert said.startswith("Expected in full, with 80 % intervals, by these curves and 8 trials in full: trial 8 0.")
    assert "trial 9 0." in said
    point, low, high = map(float, re.search(r"trial 8 ([\d.]+) \(([\d.]+) to ([\d.]+)\)", said).groups())
    assert low <= point <= high and 0.85 < point < 0.95


def test_it_stands_below_the_learning_curves_of_the_page():
    page = render(rising())
    curves = page[page.index('id="curves"') :]
    assert "Expected in full" in curves[: curves.index("</figure>")]


def test_with_too_few_trials_in_full_it_says_so():
    rows = rising(count=0)
    assert "too few trials in full are there to compare with" in expected(rows)


def test_nothing_is_said_where_nobody_is_on_the_way_or_nothing_can_be_told():
    assert expected(lab()) == ""
    pair = (Objective("val_accuracy", "max"), Objective("size", "min"))
    assert expected(rising(objectives=pair)) == "" and expected(rising(unit="fold")) == ""
    assert "Expected" in expected(halved())
