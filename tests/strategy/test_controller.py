"""The LSTM controller: its gradient, what it learns, and that its training is a fold."""

from itertools import pairwise

import numpy as np
import pytest

from modelwright.core import records as r
from modelwright.core.errors import StrategyError
from modelwright.core.history import History
from modelwright.core.objective import Objective
from modelwright.core.rng import Seed
from modelwright.space import HyperParameters
from modelwright.strategy.controller import Controller
from modelwright.strategy.lstm import ABSENT
from modelwright.strategy.lstm import Controller as Net

STRINGS = np.array([[0, 2, 1], [1, ABSENT, 3], [ABSENT, 0, 2], [1, 1, ABSENT]])


def value(net, weights, advantages, entropy):
    """What the gradient is of, by the network's own shares."""
    moved = net.moved(weights)
    total = np.mean(advantages * moved.log_shares(STRINGS))
    for _, step in moved._run(STRINGS):
        total -= entropy * (step.shares * np.log(step.shares)).sum() / len(STRINGS)
    return total


@pytest.mark.parametrize("layers", [1, 2])
def test_the_gradient_is_that_of_finite_differences(layers):
    net = Net("abc", [2, 3, 4], Seed(0), units=5, layers=layers, scale=0.5)
    rng = np.random.default_rng(1)
    advantages = rng.normal(size=4)
    slopes = net.gradient(STRINGS, advantages, 0.3)
    for name, weight in net.weights.items():
        for _ in range(15):
            place = tuple(int(rng.integers(n)) for n in weight.shape)
            ends = []
            for step in (1e-5, -1e-5):
                moved = weight.copy()
                moved[place] += step
                ends.append(value(net, {**net.weights, name: moved}, advantages, 0.3))
            assert slopes[name][place] == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=1e-8)


def test_shares_of_all_strings_add_up_to_one():
    net = Net("ab", [2, 3], Seed(0), units=4, scale=1.0)
    strings = np.array([[i, j] for i in range(2) for j in range(3)])
    assert np.exp(net.log_shares(strings)).sum() == pytest.approx(1.0)


def test_strings_are_drawn_as_often_as_their_shares_say():
    net = Net("ab", [2, 3], Seed(0), units=4, scale=1.5)
    drawn = net.draw(np.random.default_rng(0), 20_000, lambda j, strings: np.ones(len(strings), dtype=bool))
    strings = np.array([[i, j] for i in range(2) for j in range(3)])
    seen = [(drawn == string).all(axis=1).mean() for string in strings]
    np.testing.assert_allclose(seen, np.exp(net.log_shares(strings)), atol=0.015)


def tree():
    hp = HyperParameters()
    hp.Int("depth", 1, 7)
    for i in range(7):
        with hp.conditional_scope("depth", list(range(i + 1, 8))):
            hp.Choice(f"op{i}", ["a", "b", "c"])
    return hp.tree


def told(space, strategy, count, score, order=None):
    """A history in which ``count`` proposals were told their score, and the state that saw it."""
    history = History((Objective("score", "max"),))
    state = strategy.init(Seed(3), history)
    waiting = []
    for number in range(count):
        answer = strategy.ask(state, space, number)
        assert isinstance(answer, r.Proposal)
        history.extend([r.Proposed(number=number, config=answer.config, note=answer.note), r.Started(number=number)])
        waiting.append(number)
        if order is None or len(waiting) == order:
            for n in reversed(waiting):
                history.extend([finished(n, score(history.rows[n].config))])
            waiting = []
    return history, state


def finished(number, value):
    return r.Finished(number=number, state="complete", fidelity=1.0, metrics={"score": value}, values=(value,))


def alternating(config):
    """Only strings that alternate are worth anything: no decision is good by itself."""
    ops = [config[f"op{i}"] for i in range(config["depth"])]
    return sum(one != other for one, other in pairwise(ops)) + 0.1 * len(ops)


def test_it_learns_strings_whose_parts_are_worth_nothing_alone():
    history, _ = told(tree(), Controller(), 90, alternating)
    scores = [row.values[0] for row in history.rows]
    assert np.mean(scores[60:]) > np.mean(scores[:30]) + 1.0
    assert len({row.config["depth"] for row in history.rows}) == 7


@pytest.mark.parametrize("order", [None, 3])
def test_what_was_kept_of_the_training_makes_no_difference(order):
    space, strategy = tree(), Controller(units=8, layers=1)
    history, state = told(space, strategy, 30, alternating, order)
    fresh = strategy.init(Seed(3), history)
    assert strategy.ask(fresh, space, 30) == strategy.ask(state, space, 30)


def test_several_objectives_and_failures_are_rewards_too():
    space, strategy = tree(), Controller(units=8, layers=1)
    history = History((Objective("score", "max"), Objective("size", "min")))
    state = strategy.init(Seed(0), history)
    for number in range(20):
        answer = strategy.ask(state, space, number)
        history.extend([r.Proposed(number=number, config=answer.config, note=answer.note), r.Started(number=number)])
        if number % 5 == 4:
            failure = r.Failure(kind="user", type="E", message="no")
            history.extend([r.Finished(number=number, state="failed", error=failure)])
            continue
        pair = (alternating(answer.config), float(answer.config["depth"]))
        metrics = dict(zip(("score", "size"), pair, strict=True))
        history.extend([r.Finished(number=number, state="complete", fidelity=1.0, metrics=metrics, values=pair)])
    note = strategy.ask(state, space, 20).note
    assert note["by"] == "controller" and note["steps"] == 20


def test_arguments_that_make_no_sense_are_refused():
    for wrong in ({"rate": 0.0}, {"batch": 0}, {"baseline": 1.0}, {"units": 0}):
        with pytest.raises(StrategyError, match="controller"):
            Controller(**wrong)
