"""Names under which KerasTuner's users know the modules here: inner paths, and ``keras_tuner`` itself. Owns no code.

``modelwright.keras_tuner`` understands KerasTuner's inner paths (``src.engine.trial``, ``engine.tuner_utils``, those of
older releases) as soon as it is imported. ``install`` makes ``import keras_tuner``, or ``kerastuner``, mean it too.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_HERE = __name__.rpartition(".")[0]
NAMES = ("keras_tuner", "kerastuner")
_KINDS = "engine.hyperparameters.hp_types"
_FILES = ("boolean_hp", "choice_hp", "fixed_hp", "float_hp", "int_hp", "numerical")
#: KerasTuner's path -> the path here, where they differ.
_PLACES = {
    "backend": "engine.backend",
    "backend.config": "engine.backend",
    "config": "engine.backend",
    "engine.hyperparameters.hyperparameters": "engine.hyperparameters.container",
    _KINDS: "engine.hyperparameters",
    **{f"{_KINDS}.{file}": "engine.hyperparameters.kinds" for file in _FILES},
    "engine.hyperparameters.hp_utils": "engine.hyperparameters.hyperparameter",
    "engine.multi_execution_tuner": "engine.tuner",
    "engine.tuner_utils": "engine.results",
    "utils": "engine.stateful",
    "version": "",
}
#: A path, or the first part of one, that KerasTuner has (or had) -> why it is not here.
_MISSING = {
    "api_export": "it marks what KerasTuner itself exports",
    "backend.io": "project folders are local: use open, os and shutil",
    "engine.logger": "KerasTuner has it no more: override on_trial_begin and on_trial_end of the tuner",
    "test_utils": "KerasTuner has it no more, and it was for KerasTuner's own tests",
    "distribute": "there is no chief process: to run several trials at a time write tuner.search(..., workers=2)",
    "protos": "there are no protobufs: use get_config() and from_config(), or get_state() and set_state()",
}


class _Finder(MetaPathFinder, Loader):
    """Finds a module here by another name; the module itself stays one and the same."""

    def __init__(self) -> None:
        self.roots: tuple[str, ...] = (_HERE,)
        self._real: dict[str, ModuleSpec | None] = {}

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname[:5] not in (_HERE[:5], NAMES[0][:5]):
            return None
        root = next((root for root in self.roots if fullname == root or fullname.startswith(f"{root}.")), None)
        if root is None:
            return None
        asked = fullname[len(root) + 1 :]
        place = _place(asked)
        reason = _MISSING.get(place, _MISSING.get(place.partition(".")[0]))
        if reason is not None:
            raise ModuleNotFoundError(f"No module named {fullname!r} in Modelwright: {reason}", name=fullname)
        if root == _HERE and place == asked:
            return None
        real = f"{_HERE}.{place}" if place else _HERE
        return ModuleSpec(fullname, self, origin=real) if _is_there(real) else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        assert spec.origin is not None
        if spec.name == NAMES[1]:
            warnings.warn(
                "`import kerastuner` is deprecated, use `import keras_tuner`", DeprecationWarning, stacklevel=2
            )
        module = importlib.import_module(spec.origin)
        self._real[spec.name] = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # It ran when it was imported by its own name; the import that goes on wrote its spec over that of the module.
        assert module.__spec__ is not None
        module.__spec__ = self._real.pop(module.__spec__.name)


_FINDER = _Finder()


def _place(asked: str) -> str:
    path = asked.removeprefix("src.") if asked != "src" else ""
    return _PLACES.get(path, path)


def _is_there(name: str) -> bool:
    try:
        return name in sys.modules or importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def understand_inner_paths() -> None:
    """Let imports below this package find KerasTuner's inner paths. Calling it twice is harmless."""
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


def install() -> None:
    """Make ``import keras_tuner`` (or ``kerastuner``), and what lies below, mean this package in this process.

    >>> install()
    >>> import keras_tuner.engine.trial
    >>> keras_tuner.engine.trial.Trial.__module__
    'modelwright.keras_tuner.engine.trial'
    """
    if installed():
        return
    understand_inner_paths()
    for name in [name for name in sys.modules if name.partition(".")[0] in NAMES]:
        del sys.modules[name]
    _FINDER.roots = (_HERE, *NAMES)


def installed() -> bool:
    """Whether ``import keras_tuner`` means this package."""
    return NAMES[0] in _FINDER.roots


def attributes(package: str) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package: modules that are known by another name, imported when they are asked for."""

    def find(name: str) -> Any:
        path = f"{package}.{name}"[len(_HERE) + 1 :]
        if not name.startswith("_") and _place(path) != path and path not in _MISSING:
            return importlib.import_module(f"{_HERE}.{path}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return find


def listing(names: Sequence[str]) -> Callable[[], list[str]]:
    """The ``__dir__`` of a package that shows no more than KerasTuner's does."""
    own = ("builtins", "cached", "doc", "file", "loader", "name", "package", "path", "spec")
    return lambda: sorted({*names, *(f"__{name}__" for name in own)})
