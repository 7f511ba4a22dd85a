"""The oracles of the built-in tuners."""

from modelwright.keras_tuner import aliases
from modelwright.keras_tuner.tuners.bayesian import BayesianOptimizationOracle
from modelwright.keras_tuner.tuners.gridsearch import GridSearchOracle
from modelwright.keras_tuner.tuners.hyperband import HyperbandOracle
from modelwright.keras_tuner.tuners.randomsearch import RandomSearchOracle

__all__ = ["BayesianOptimizationOracle", "GridSearchOracle", "HyperbandOracle", "RandomSearchOracle"]

__dir__ = aliases.listing(__all__)
