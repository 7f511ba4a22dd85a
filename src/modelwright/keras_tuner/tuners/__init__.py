"""The tuners, one module each, with their oracles."""

from modelwright.keras_tuner import aliases
from modelwright.keras_tuner.engine.tuner import Tuner
from modelwright.keras_tuner.tuners.bayesian import BayesianOptimization
from modelwright.keras_tuner.tuners.gridsearch import GridSearch
from modelwright.keras_tuner.tuners.hyperband import Hyperband
from modelwright.keras_tuner.tuners.randomsearch import RandomSearch
from modelwright.keras_tuner.tuners.sklearn_tuner import SklearnTuner

__all__ = ["BayesianOptimization", "GridSearch", "Hyperband", "RandomSearch", "SklearnTuner", "Tuner"]

__dir__ = aliases.listing(__all__)
