"""What a model's space is beyond its defaults: parameters that only some configurations ask for. Trains nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelwright.frontends.hypermodel import has_own_fit
from modelwright.space import HyperParameters, Tree

#: Configurations that a model is built with at most, to see what they ask for.
_MOST = 20


def shown_by(build: Any, tree: Tree, configs: Iterable[Mapping[str, Any]]) -> Tree:
    """``tree`` with the parameters that a model asks for when it is built with ``configs``.

    Only configurations that name what the tree does not know are built, one for each set of such names. What the
    user's code raises is left for the trial.
    """
    seen: set[frozenset[str]] = set()
    for config in configs:
        names = {p.name for p in tree.parameters}
        strange = frozenset(config) - names
        if not strange or strange in seen or len(seen) >= _MOST:
            continue
        seen.add(strange)
        hp = HyperParameters.bind(config, declared=tree, draw=None)
        try:
            build(hp)
        except Exception:
            # The user's code may raise anything. Nothing is lost by going on: the configuration is tried as it is, and
            # its trial raises the same, with the user's line.
            continue
        tree = tree.grow(hp.trace)
    return tree


def is_told_by_building(subject: Any, kind: str, options: Mapping[str, Any]) -> bool:
    """Whether building the model shows every parameter; functions of hp among ``options`` ask for theirs later."""
    later = any(callable(options.get(name)) for name in ("epochs", "batch_size", "fit"))
    return kind != "function" and not has_own_fit(subject) and not later
