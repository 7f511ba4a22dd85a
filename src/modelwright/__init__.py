"""Modelwright searches for models: hyperparameters today, architectures and whole pipelines next.

    import modelwright as mw
    study = mw.tune(build, x, y, objective="val_accuracy", validation_split=0.2, epochs=10, trials=30)

Names are loaded when they are first used, so importing this package takes no time.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from modelwright.core.backend import choose_backend

__version__ = "0.1.0"

# Without TensorFlow a plain "import keras" after this line would fail, although JAX is there.
choose_backend(only_if_needed=True)

_HOMES = {
    "tune": "modelwright.api.tune",
    "Study": "modelwright.api.study",
    "Trial": "modelwright.api.trial",
    "load_study": "modelwright.api.load",
    "fit": "modelwright.tasks.fit",
    "check": "modelwright.tasks.check",
    "load": "modelwright.tasks.result.loading",
    "Predictor": "modelwright.tasks.result.predictor",
    "TunedCV": "modelwright.api.tuned",
    "HyperParameters": "modelwright.space",
    "HyperModel": "modelwright.frontends.hypermodel",
    "preset": "modelwright.frontends.presets",
    "Objective": "modelwright.core.objective",
    "Minimize": "modelwright.core.objective",
    "Maximize": "modelwright.core.objective",
    "Strategy": "modelwright.strategy.base",
    "ModelwrightError": "modelwright.core.errors",
    "SpaceError": "modelwright.core.errors",
    "ObjectiveError": "modelwright.core.errors",
    "StrategyError": "modelwright.core.errors",
    "SubjectError": "modelwright.core.errors",
    "ArgumentError": "modelwright.core.errors",
    "StudyError": "modelwright.core.errors",
    "StoreError": "modelwright.core.errors",
    "InfeasibleError": "modelwright.core.errors",
    "MissingPackageError": "modelwright.core.errors",
}
_PACKAGES = ("datasets", "keras_tuner", "nas")

if TYPE_CHECKING:
    from modelwright.api.load import load_study
    from modelwright.api.study import Study
    from modelwright.api.trial import Trial
    from modelwright.api.tune import tune
    from modelwright.core.errors import (
        ArgumentError,
        InfeasibleError,
        MissingPackageError,
        ModelwrightError,
        ObjectiveError,
        SpaceError,
        StoreError,
        StrategyError,
        StudyError,
        SubjectError,
    )
    from modelwright.core.objective import Maximize, Minimize, Objective
    from modelwright.frontends.hypermodel import HyperModel
    from modelwright.frontends.presets import preset
    from modelwright.space import HyperParameters
    from modelwright.strategy.base import Strategy
    from modelwright.tasks.check import check
    from modelwright.tasks.fit import fit
    from modelwright.tasks.result.loading import load
    from modelwright.tasks.result.predictor import Predictor

__all__ = sorted([*_HOMES, *_PACKAGES, "__version__"])


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    elif name in _PACKAGES:
        value = importlib.import_module(f"modelwright.{name}")
    else:
        raise AttributeError(f"module 'modelwright' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
