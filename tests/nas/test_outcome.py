"""What is said of a finish that brought nothing: of longer ones only where it had time, and by more than chance."""

import warnings
from types import SimpleNamespace

import pytest

from modelwright.api import outcome
from modelwright.core import records as r
from modelwright.core.history import History
from modelwright.core.objective import Objective
from modelwright.nas.finished import EARLY, FINISHED
from modelwright.study.budget import Budget


def said(after, epochs=20.0, before=0.9, kept=1000, **facts):
    history = History((Objective("val_accuracy", "max"),))
    told = {"before": before, "after": after, "kept": "before"}
    for number in range(2):
        history.extend([r.Proposed(number=number, config={}), r.Started(number=number)])
        history.extend([r.Finished(number=number, state="paused", values=(before - number * 0.1,), fidelity=0.5,
                                   note={"epochs": 5.0})])  # fmt: skip
    history.extend([
        r.Continued(number=0, fidelity=1.0), r.Started(number=0, segment=1),
        r.Finished(number=0, state="complete", values=(before,),
                   note={"epochs": 5.0 + epochs, FINISHED: told, **facts}),
    ])  # fmt: skip
    data = SimpleNamespace(kept=range(kept))
    study = SimpleNamespace(
        _machine=SimpleNamespace(history=history), name="s", elapsed=100.0,
        _settings=SimpleNamespace(estimation=SimpleNamespace(job=SimpleNamespace(data=data))),
    )  # fmt: skip
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        outcome.say(study, Budget(seconds=100.0))
    (one,) = map(str, (warning.message for warning in caught))
    assert "brought nothing" in one and f"0.9 before it and {after} after it. The network is as it was before" in one
    return one.partition("as it was before")[2]


def test_a_finish_that_was_whole_says_that_longer_ones_bring_nothing():
    assert said(0.85) == ": longer training of this kind is of no use to it."


@pytest.mark.parametrize(
    ("after", "options"),
    [(0.895, {}), (0.85, {"kept": 30}), (0.85, {"epochs": 1.0}), (0.89, {"doubts": {"val_accuracy": 0.02}})],
)
def test_one_that_was_short_or_worse_by_chance_says_nothing_of_longer_ones(after, options):
    assert said(after, **options) == "."


def test_one_that_was_ended_early_says_so():
    assert said(0.85, **{EARLY: 0.3}) == ", for it was ended early."
