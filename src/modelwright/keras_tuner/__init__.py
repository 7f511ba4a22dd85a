"""A drop-in for KerasTuner 1.4.8: ``import modelwright.keras_tuner as kt``.

Owns KerasTuner's names, rules and files; the engine below does the work. What is better here, and what is missing,
is listed in ``docs/keras_tuner.md``.
"""

from modelwright.keras_tuner import aliases, applications, engine, errors, oracles, tuners
from modelwright.keras_tuner.engine.hypermodel import HyperModel
from modelwright.keras_tuner.engine.hyperparameters import HyperParameters
from modelwright.keras_tuner.engine.objective import Objective
from modelwright.keras_tuner.engine.oracle import Oracle, synchronized
from modelwright.keras_tuner.engine.tuner import Tuner
from modelwright.keras_tuner.tuners.bayesian import BayesianOptimization
from modelwright.keras_tuner.tuners.gridsearch import GridSearch
from modelwright.keras_tuner.tuners.hyperband import Hyperband
from modelwright.keras_tuner.tuners.randomsearch import RandomSearch
from modelwright.keras_tuner.tuners.sklearn_tuner import SklearnTuner

#: The release of KerasTuner whose interface this is.
__version__ = "1.4.8"

__all__ = [
    "BayesianOptimization",
    "GridSearch",
    "HyperModel",
    "HyperParameters",
    "Hyperband",
    "Objective",
    "Oracle",
    "RandomSearch",
    "SklearnTuner",
    "Tuner",
    "__version__",
    "applications",
    "engine",
    "errors",
    "oracles",
    "synchronized",
    "tuners",
]

aliases.understand_inner_paths()
__getattr__ = aliases.attributes(__name__)
__dir__ = aliases.listing([*__all__, "src"])
