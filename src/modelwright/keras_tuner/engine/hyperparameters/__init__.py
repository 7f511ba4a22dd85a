"""Hyperparameters: their kinds, their container, and how they become JSON."""

from modelwright.keras_tuner import aliases
from modelwright.keras_tuner.engine.hyperparameters.container import HyperParameters, deserialize, serialize
from modelwright.keras_tuner.engine.hyperparameters.hyperparameter import HyperParameter
from modelwright.keras_tuner.engine.hyperparameters.kinds import Boolean, Choice, Fixed, Float, Int

__all__ = [
    "Boolean",
    "Choice",
    "Fixed",
    "Float",
    "HyperParameter",
    "HyperParameters",
    "Int",
    "deserialize",
    "serialize",
]

__getattr__ = aliases.attributes(__name__)
