"""What is said where the best value of a parameter lies at the end of its range."""

from __future__ import annotations

import pytest
from report_studies import trial, view_of

from modelwright.core.objective import Objective
from modelwright.report.edges import edges, edges_text
from modelwright.report.html import render
from modelwright.report.summary import results
from modelwright.space import HyperParameters


def study(declare, values, **more):
    """Trials of one parameter "p", the best first."""
    hp = HyperParameters()
    declare(hp)
    return view_of(*(trial(i, {"p": v}, (0.9 - 0.01 * i,)) for i, v in enumerate(values)), space=hp.tree, **more)


def rate(hp):
    hp.Float("p", 1e-4, 1e-2, sampling="log")


def units(hp):
    hp.Int("p", 16, 100, step=16)


AT_TOP = [0.01, 0.0095, 0.001, 0.00999, 0.01, 0.002, 0.003, 0.0001]


def test_the_summary_and_the_report_say_that_a_wider_range_may_hold_better():
    view = study(rate, AT_TOP)
    said = "The best lies at the upper end of p (0.01): a wider range may hold better."
    assert edges_text(view) == said and said in results(view) and said in render(view)


@pytest.mark.parametrize(
    "declare, values, expected",
    [
        (rate, AT_TOP[:7], None),  # too few trials
        (rate, [0.001, *AT_TOP], None),  # the best lies inside
        (rate, [0.01, 0.001, 0.001, 0.002, 0.01, 0.01, 0.01, 0.01], None),  # the next best do not agree
        (rate, [0.00011, 0.0001, 0.000102] + [0.001] * 5, None),  # on the log scale the first is 2.07 % away
        (rate, [0.000109, 0.0001, 0.000102] + [0.001] * 5, "lower"),
        (units, [96, 96, 96] + [32] * 5, "upper"),  # the last step before 100
        (units, [80, 96, 96] + [32] * 5, None),
        (lambda hp: hp.Float("p", 0.1, 1.0, sampling="reverse_log"), [0.1, 0.1, 0.1] + [0.5] * 5, "lower"),
        (lambda hp: hp.Float("p", 0.001, 1.0, sampling="log"), [1.0, 1.0, 1.0] + [0.5] * 5, "upper"),
        (lambda hp: hp.Float("p", -5.0, 5.0), [-5.0, -4.9, -4.95] + [0.5] * 5, "lower"),
    ],
)
def test_it_is_said_where_the_best_and_most_of_the_best_five_lie_there(declare, values, expected):
    assert [end for _, end, _ in edges(study(declare, values))] == [expected] * (expected is not None)


@pytest.mark.parametrize(
    "declare, value",
    [
        (lambda hp: hp.Float("p", 0.0, 0.5), 0.0),
        (lambda hp: hp.Float("p", 0.1, 1.0), 1.0),
        (lambda hp: hp.Int("p", 1, 9), 1),
        (lambda hp: hp.Int("p", 4, 5), 5),
        (lambda hp: hp.Int("p", 7, 7), 7),
        (lambda hp: hp.Fixed("p", 3), 3),
        (lambda hp: hp.Choice("p", [1, 2, 4, 8]), 8),
        (lambda hp: hp.Boolean("p"), True),
    ],
)
def test_nothing_is_said_of_ends_that_nothing_lies_beyond(declare, value):
    assert edges(study(declare, [value] * 10)) == []


def test_nothing_is_said_of_fronts_and_of_studies_without_a_space():
    two = (Objective("acc", "max"), Objective("ms", "min"))
    hp = HyperParameters()
    rate(hp)
    trials = [trial(i, {"p": v}, (0.9 - 0.01 * i, 1.0)) for i, v in enumerate(AT_TOP)]
    assert edges(view_of(*trials, objectives=two, space=hp.tree)) == []
    assert edges(view_of(*trials)) == []


def test_several_parameters_make_one_sentence():
    hp = HyperParameters()
    for name in "abcde":
        hp.Float(name, 2.0, 3.0)
    view = view_of(*(trial(i, dict.fromkeys("abcde", 3.0), (0.9,)) for i in range(8)), space=hp.tree)
    listed = "the upper end of a (3), the upper end of b (3), the upper end of c (3) and the end of 2 more"
    assert edges_text(view) == f"The best lies at {listed}: a wider range may hold better."
