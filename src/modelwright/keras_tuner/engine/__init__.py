"""The parts that KerasTuner's users subclass: oracle, tuner, trial, hyperparameters. See ``docs/keras_tuner.md``."""

from modelwright.keras_tuner import aliases
from modelwright.keras_tuner.engine import (
    base_tuner,
    hypermodel,
    hyperparameters,
    metrics_tracking,
    oracle,
    trial,
    tuner,
)

__all__ = ["base_tuner", "hypermodel", "hyperparameters", "metrics_tracking", "oracle", "trial", "tuner"]

__getattr__ = aliases.attributes(__name__)
__dir__ = aliases.listing(__all__)
