"""Ready-made hypermodels for images, with KerasTuner's names and hyperparameters."""

from modelwright.keras_tuner import aliases
from modelwright.keras_tuner.applications.augment import HyperImageAugment
from modelwright.keras_tuner.applications.efficientnet import HyperEfficientNet
from modelwright.keras_tuner.applications.resnet import HyperResNet
from modelwright.keras_tuner.applications.xception import HyperXception

__all__ = ["HyperEfficientNet", "HyperImageAugment", "HyperResNet", "HyperXception"]

__dir__ = aliases.listing(__all__)
