"""Every strategy keeps the contract, by name."""

import pytest

from modelwright.core.errors import StrategyError
from modelwright.strategy import NAMES, resolve
from modelwright.strategy.halving import brackets, rungs
from modelwright.testing.strategy import StrategyContract


class TestRandom(StrategyContract):
    make = staticmethod(lambda steps: resolve("random"))


class TestGrid(StrategyContract):
    make = staticmethod(lambda steps: resolve("grid"))


class TestBayesian(StrategyContract):
    make = staticmethod(lambda steps: resolve("bayesian"))


class TestHyperband(StrategyContract):
    make = staticmethod(lambda steps: resolve("hyperband", steps=steps, resumable=True))


class TestAuto(StrategyContract):
    make = staticmethod(lambda steps: resolve("auto", steps=steps, resumable=True))


class TestAutoOfTrialsThatCannotPause(StrategyContract):
    make = staticmethod(lambda steps: resolve("auto", steps=steps, resumable=False))


class TestAutoOfTrialsWithoutSteps(StrategyContract):
    make = staticmethod(lambda steps: resolve("auto"))


def test_the_brackets_are_those_of_the_paper():
    """Li et al. 2018, table 1: R = 81, eta = 3."""
    assert brackets(81) == [
        [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
        [(34, 3), (11, 9), (3, 27), (1, 81)],
        [(15, 9), (5, 27), (1, 81)],
        [(8, 27), (2, 81)],
        [(5, 81)],
    ]


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 10, 50, 100])
def test_rungs_rise_to_the_full_number_of_steps(steps):
    found = rungs(steps)
    assert found == sorted(set(found)) and found[-1] == steps and found[0] >= 1


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(StrategyError, match="'randm'.*'random'.*Did you mean 'random'") as caught:
        resolve("randm")
    assert all(repr(name) in str(caught.value) for name in NAMES)


def test_hyperband_without_steps_says_what_is_missing():
    with pytest.raises(StrategyError, match="no steps.*epochs"):
        resolve("hyperband")
