"""What to try next: strategies by name.

A strategy is one file with one class; it is found here by its ``name``.
"""

from __future__ import annotations

import difflib
import importlib
from typing import Any

from modelwright.core.errors import StrategyError
from modelwright.strategy.base import Axis, Fold, SearchSpace, Strategy

_FILES = {
    "random": ("modelwright.strategy.random", "Random"),
    "grid": ("modelwright.strategy.grid", "Grid"),
    "sobol": ("modelwright.strategy.sobol", "Sobol"),
    "local": ("modelwright.strategy.local", "Local"),
    "evolution": ("modelwright.strategy.evolution", "Evolution"),
    "reinforce": ("modelwright.strategy.reinforce", "Reinforce"),
    "controller": ("modelwright.strategy.controller", "Controller"),
    "progressive": ("modelwright.strategy.progressive", "Progressive"),
    "tpe": ("modelwright.strategy.tpe", "TPE"),
    "cma-es": ("modelwright.strategy.cmaes", "CMAES"),
    "bayesian": ("modelwright.strategy.bayesian", "Bayesian"),
    "successive-halving": ("modelwright.strategy.halving", "SuccessiveHalving"),
    "hyperband": ("modelwright.strategy.halving", "Hyperband"),
    "asha": ("modelwright.strategy.asha", "ASHA"),
    "freeze-thaw": ("modelwright.strategy.freeze_thaw", "FreezeThaw"),
    "auto": ("modelwright.strategy.portfolio", "Auto"),
}

#: Names that ``tune(strategy=...)`` takes.
NAMES = tuple(_FILES)


def resolve(given: object, *, steps: int | None = None, resumable: bool = False) -> Strategy:
    """The strategy of that name, made for trials of ``steps`` steps; a strategy object is returned as it is.

    Args:
        given: a name, a ``Strategy``, or a ``Strategy`` class.
        steps: the steps that full fidelity means, or None when trials have no steps.
        resumable: whether paused trials go on from where they were.

    Raises:
        StrategyError: an unknown name; the message lists those that are known.

    >>> resolve("random").name
    'random'
    """
    if isinstance(given, Strategy):
        return given
    if isinstance(given, type) and issubclass(given, Strategy):
        if getattr(given, "__abstractmethods__", None):
            raise StrategyError(f"{given.__name__} is abstract: it has no ask()", where="strategy")
        return given()
    if not isinstance(given, str) or given not in _FILES:
        near = difflib.get_close_matches(str(given), _FILES, n=1)
        raise StrategyError(
            f"there is no strategy {given!r}",
            where="strategy",
            allowed=", ".join(repr(name) for name in _FILES) + ", or a Strategy object",
            hint=f"Did you mean {near[0]!r}?" if near else "",
        )
    module, name = _FILES[given]
    kind: Any = getattr(importlib.import_module(module), name)
    if not kind.multi_fidelity:
        return kind()
    if steps is None and given != "auto":
        raise StrategyError(
            f"{given!r} trains trials part of the way, and these trials have no steps",
            where="strategy",
            hint="Give epochs=... for a model, steps=... for a function that reports, or use strategy='bayesian'.",
        )
    return kind(steps=steps, resumable=resumable)


__all__ = ["NAMES", "Axis", "Fold", "SearchSpace", "Strategy", "resolve"]
