"""KerasTuner's inner paths, ``keras_tuner.src...``, as other names for the modules here. Owns no code."""

from __future__ import annotations

import sys
from importlib import import_module

_ROOT = __name__.rpartition(".")[0]
#: Path below ``src`` -> path below the package.
_PLACES = {
    "applications": "applications",
    "errors": "errors",
    "oracles": "oracles",
    "tuners": "tuners",
    "tuners.bayesian": "tuners.bayesian",
    "tuners.gridsearch": "tuners.gridsearch",
    "tuners.hyperband": "tuners.hyperband",
    "tuners.randomsearch": "tuners.randomsearch",
    "tuners.sklearn_tuner": "tuners.sklearn_tuner",
    "engine": "engine",
    "engine.base_tuner": "engine.base_tuner",
    "engine.conditions": "engine.conditions",
    "engine.hypermodel": "engine.hypermodel",
    "engine.hyperparameters": "engine.hyperparameters",
    "engine.hyperparameters.hp_types": "engine.hyperparameters",
    "engine.hyperparameters.hyperparameter": "engine.hyperparameters.hyperparameter",
    "engine.hyperparameters.hyperparameters": "engine.hyperparameters.container",
    "engine.metrics_tracking": "engine.metrics_tracking",
    "engine.objective": "engine.objective",
    "engine.oracle": "engine.oracle",
    "engine.stateful": "engine.stateful",
    "engine.trial": "engine.trial",
    "engine.tuner": "engine.tuner",
    "engine.tuner_utils": "engine.results",
}

for _path, _place in _PLACES.items():
    _module = import_module(f"{_ROOT}.{_place}")
    sys.modules[f"{__name__}.{_path}"] = _module
    _parent, _, _leaf = _path.rpartition(".")
    setattr(sys.modules[f"{__name__}.{_parent}" if _parent else __name__], _leaf, _module)
