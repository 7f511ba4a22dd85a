"""Mutation: configurations one decision away, and what tells two apart. Does not know why one wants them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from modelwright.core.records import Config
from modelwright.space.value import exact

if TYPE_CHECKING:
    from modelwright.space.base import Domain
    from modelwright.space.counting import Rule
    from modelwright.space.tree import Tree

_ROUNDS = 8
#: Numbers of more values than these are moved by one of them, and by these parts of their range.
_FEW, _STEPS = 12, (0.1, 0.25)


def neighbours(tree: Tree, config: Config, rng: np.random.Generator, count: int) -> list[dict[str, Any]]:
    """Up to ``count`` different valid configurations that differ from ``config`` in one decision.

    Every parameter is as likely to move as any other; what a move activates is drawn anew.
    """
    base = tree.complete(config, rng)
    base = {p.name: base[p.name] for p in tree.active(base)}
    movable = [p for p in tree.active(base) if not p.fixed and p.domain.levels != 1]
    found: dict[str, dict[str, Any]] = {tree.key(base): base}
    for _ in range(_ROUNDS if movable else 0):
        each = 1 + count // len(movable)
        moves = [(p.name, value) for p in movable for value in p.domain.neighbours(base[p.name], rng, each)]
        for i in rng.permutation(len(moves)):
            other = _moved(tree, {**base, moves[i][0]: moves[i][1]}, lambda rule: rule.domain.sample(rng))
            if tree.violated(other) is None:
                found.setdefault(tree.key(other), other)
            if len(found) > count:
                return list(found.values())[1:]
    return list(found.values())[1:]


def moves(tree: Tree, config: Config) -> list[dict[str, Any]]:
    """Every valid configuration that differs from ``config`` in one decision, each decision's other values once.

    What a move activates is at its defaults. Numbers of many values are moved a little and some way to either side.

    >>> from modelwright.space import IntDomain, Parameter, Tree
    >>> tree = Tree([Parameter("units", IntDomain(1, 3)), Parameter("cells", IntDomain(5, 6))])
    >>> moves(tree, {"units": 1, "cells": 5})
    [{'units': 2, 'cells': 5}, {'units': 3, 'cells': 5}, {'units': 1, 'cells': 6}]
    """
    base = tree.complete(config)
    base = {p.name: base[p.name] for p in tree.active(base)}
    found = []
    for p in tree.active(base):
        for value in [] if p.fixed else _others(p.domain, base[p.name]):
            other = _moved(tree, {**base, p.name: value}, lambda rule: rule.domain.default_value)
            if tree.violated(other) is None:
                found.append(other)
    return found


def _others(domain: Domain, value: Any) -> list[Any]:
    levels = domain.levels
    if levels is not None and (levels <= _FEW or not domain.numeric):
        values = domain.grid()
    else:
        here, steps = domain.to_unit(value), (*([] if levels is None else [1.0 / levels]), *_STEPS)
        units = [here + sign * step for step in steps for sign in (1, -1)]
        values = [domain.from_unit(min(max(unit, 0.0), 1.0)) for unit in units]
    found = {exact(other): other for other in values}
    found.pop(exact(domain.canonical(value)), None)
    return list(found.values())


def _moved(tree: Tree, wanted: Config, new: Callable[[Rule], Any]) -> dict[str, Any]:
    def choose(rule: Rule) -> Any:
        if rule.name in wanted and rule.domain.contains(wanted[rule.name]):
            return wanted[rule.name]
        return new(rule)

    return tree.walk(choose)


def difference(before: Config, after: Config) -> str:
    """Which values differ, and which names only one of them has.

    >>> difference({"a": 1, "b": 2}, {"a": 3, "c": 4})
    'a 1 -> 3, with c = 4, without b'
    """
    both = [name for name in after if name in before and exact(before[name]) != exact(after[name])]
    said = [f"{name} {_short(before[name])} -> {_short(after[name])}" for name in both]
    added = [f"{name} = {_short(value)}" for name, value in after.items() if name not in before]
    gone = [name for name in before if name not in after]
    said += [f"with {_listed(added)}"] if added else []
    said += [f"without {_listed(gone)}"] if gone else []
    return ", ".join(said)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _listed(names: list[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
