"""Every strategy keeps the contract, by name."""

import importlib.util

import pytest

from modelwright.core.errors import StrategyError
from modelwright.strategy import NAMES, resolve
from modelwright.strategy.asha import ASHA
from modelwright.strategy.controller import Controller
from modelwright.strategy.halving import Hyperband, brackets, rungs
from modelwright.strategy.progressive import Progressive
from modelwright.testing.strategy import StrategyContract


class TestRandom(StrategyContract):
    make = staticmethod(lambda steps: resolve("random"))


class TestGrid(StrategyContract):
    make = staticmethod(lambda steps: resolve("grid"))


class TestBayesian(StrategyContract):
    make = staticmethod(lambda steps: resolve("bayesian"))


class TestSobol(StrategyContract):
    make = staticmethod(lambda steps: resolve("sobol"))


class TestLocal(StrategyContract):
    make = staticmethod(lambda steps: resolve("local"))


class TestEvolution(StrategyContract):
    make = staticmethod(lambda steps: resolve("evolution"))


class TestTPE(StrategyContract):
    make = staticmethod(lambda steps: resolve("tpe"))


class TestReinforce(StrategyContract):
    make = staticmethod(lambda steps: resolve("reinforce"))


class TestController(StrategyContract):
    make = staticmethod(lambda steps: Controller(units=8, layers=1))


class TestProgressive(StrategyContract):
    make = staticmethod(lambda steps: Progressive(keep=4))


@pytest.mark.skipif(importlib.util.find_spec("cmaes") is None, reason="cmaes is not installed")
class TestCMAES(StrategyContract):
    make = staticmethod(lambda steps: resolve("cma-es"))


class TestHyperband(StrategyContract):
    make = staticmethod(lambda steps: resolve("hyperband", steps=steps, resumable=True))


class TestHyperbandWithAModel(StrategyContract):
    make = staticmethod(lambda steps: Hyperband(steps=steps, sampler="bayesian"))


class TestASHA(StrategyContract):
    make = staticmethod(lambda steps: resolve("asha", steps=steps, resumable=True))


class TestASHAThatStops(StrategyContract):
    make = staticmethod(lambda steps: resolve("asha", steps=steps, resumable=False))


class TestASHAWithAModel(StrategyContract):
    make = staticmethod(lambda steps: ASHA(steps=steps, resumable=True, sampler="bayesian"))


class TestFreezeThaw(StrategyContract):
    make = staticmethod(lambda steps: resolve("freeze-thaw", steps=steps, resumable=True))


class TestFreezeThawThatStartsOver(StrategyContract):
    make = staticmethod(lambda steps: resolve("freeze-thaw", steps=steps, resumable=False))


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


@pytest.mark.parametrize("kind", [Hyperband, ASHA])
def test_an_unknown_sampler_is_answered_with_the_known_ones(kind):
    with pytest.raises(StrategyError, match="'random', 'bayesian'"):
        kind(steps=9, sampler="tpe")
