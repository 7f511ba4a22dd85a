"""What is said of networks beyond a space, and of a screen: no more than was seen."""

from types import SimpleNamespace

import numpy as np
import pytest

from modelwright.api.explaining import _before_finish, _screen, _unscored
from modelwright.core import records as r
from modelwright.core.history import History
from modelwright.core.objective import Objective
from modelwright.nas.proposer import SCREENED
from modelwright.nas.wider import told


def network(what, value):
    return {"what": what, "value": value, "params": 1000, "macs": 5000}


def beyond(*values, noise=0.01, metric="val_accuracy"):
    wider = [network(f"{1.5 + i} times the channels", value) for i, value in enumerate(values)]
    return told({"metric": metric, "networks": [network("", 0.9), *wider], "noise": noise})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((0.93, 0.9), "a wider space may hold a better network"),
        # By two standard deviations of one value: two values differ so much by chance once in six times.
        ((0.92,), "does not tell apart"),
        ((0.912, 0.85), "does not tell apart"),
        ((0.86, 0.85), "a wider space promises little"),
        ((None,), "Nothing could be compared"),
    ],
)
def test_a_wider_network_is_better_where_two_values_are_told_apart(values, said):
    text = beyond(*values)
    assert said in text and "two differ by more than chance from 0.028 on" in text
    assert sum(words in text for words in ("may hold", "promises", "tell apart", "compared")) == 1


def test_networks_without_a_score_are_told_with_the_reason():
    assert _unscored({"scores": {}}) == []
    (one,) = _unscored({"unscored": 1, "why": "it has none"})
    (two,) = _unscored({"unscored": 2, "why": "it has none"})
    assert one == "  1 network has no score, and the screen says nothing of it: it has none."
    assert "2 networks have no score" in two


def test_where_the_noise_is_not_known_nothing_follows_from_one_training():
    text = beyond(0.5, noise=0.0, metric="val_loss")
    assert "(+0.4)" in text and "is not known: take the differences as hints" in text and "may hold" not in text


def screened(kept, rejected=0):
    """Networks named by a number, of which the screen kept the first, and what their first training showed."""
    history = History((Objective("val_accuracy", "max"),))
    names = [str(i) for i in range(kept + rejected)]
    data = {"score": "nwot", "scores": {name: float(name) for name in names}, "rejected": names[kept:],
            "macs": {name: 1.0 + float(name) % 3 for name in names}, "kept": [], "seconds": 1.0}  # fmt: skip
    history.extend([r.Noted(kind=SCREENED, data=data)])
    values = np.random.default_rng(0).random(len(names))
    for number, name in enumerate(names):
        note = {"params": 10.0 + number % 4}
        history.extend([r.Proposed(number=number, config={"name": name}), r.Started(number=number),
                        r.Finished(number=number, state="paused", values=(values[number],), fidelity=0.1,
                                   note=note)])  # fmt: skip
    machine = SimpleNamespace(history=history, space=SimpleNamespace(key=lambda config: config["name"]))
    return _screen(SimpleNamespace(_machine=machine))


def test_a_screen_is_judged_by_what_it_kept_and_says_so():
    text = screened(12)
    assert "nwot ranks 12 networks of those that it kept" in text and "What it rejected was not trained" in text


def test_a_screen_whose_rejects_raced_too_says_how_many():
    text = screened(10, 3)
    assert "nwot ranks 13 networks, 3 of which it had rejected," in text and "was not trained" not in text


@pytest.mark.parametrize(
    ("why", "confirmed", "raced", "said"),
    [
        (
            "the race ended, for its networks are used up; the default is best: nothing to confirm",
            False,
            False,
            [
                "The race ended: its networks are used up.",
                "There was no confirmation: the default is best: nothing to confirm.",
            ],
        ),
        (
            "the race ended, for its share of the time was used up; the time for confirming is used up",
            True,
            True,
            ["The confirmation ended: the time for confirming is used up."],
        ),
        ("the best are confirmed", True, True, ["The confirmation ended: the best are confirmed."]),
        ("", False, False, []),
    ],
)
def test_a_phase_that_never_began_is_not_said_to_have_ended(why, confirmed, raced, said):
    assert [line.strip() for line in _before_finish(why, confirmed=confirmed, raced=raced)] == said
