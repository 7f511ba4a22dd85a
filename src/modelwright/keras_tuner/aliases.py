"""KerasTuner's own names, ``keras_tuner`` and ``kerastuner``, as other names for this package. Runs nothing."""

from __future__ import annotations

import sys

_HERE = __name__.rpartition(".")[0]
NAMES = ("keras_tuner", "kerastuner")


def install() -> None:
    """Make ``import keras_tuner`` (or ``kerastuner``), and what lies below, mean this package in this process.

    >>> install()
    >>> import keras_tuner.engine.trial
    >>> keras_tuner.engine.trial.Trial.__module__
    'modelwright.keras_tuner.engine.trial'
    """
    import modelwright.keras_tuner.src  # noqa: F401 - the modules behind the inner paths have to be there

    for name, module in list(sys.modules.items()):
        if name == _HERE or name.startswith(f"{_HERE}."):
            for alias in NAMES:
                sys.modules[alias + name[len(_HERE) :]] = module


def installed() -> bool:
    """Whether ``import keras_tuner`` means this package."""
    return sys.modules.get(NAMES[0]) is sys.modules[_HERE]
