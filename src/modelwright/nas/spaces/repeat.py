"""Depth: a block as often as a decision says, up to a bound or without one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from modelwright.core.errors import SpaceError
from modelwright.nas.graph import Tensor
from modelwright.space import HyperParameters

#: Layers that one decision adds where there is no upper bound.
STEP = 4


def repeat(
    hp: HyperParameters,
    x: Tensor,
    block: Callable[..., Tensor],
    lo: int,
    hi: int | None,
    *,
    name: str = "depth",
    default: int | None = None,
    scope: str = "layer",
) -> Tensor:
    """``block`` after ``block``, ``lo`` to ``hi`` times.

    The decisions of a layer exist only where the layer does, and so do their names: those of the third layer begin with
    ``layer2/``, whatever the depth.

    Args:
        block: ``block(hp, x)``, or ``block(hp, x, i)`` for the layer's number from 0.
        hi: None for no upper bound but the constraints of the search. The decision ``depth`` then reaches to
            ``lo + 4``; where it is taken to its end there is another, ``depth/more1``, that adds up to four, and so on:
            the space grows while a search goes deeper.
        name: of the decision.
        default: the depth in the default network; ``lo`` when None.
        scope: what the layers are named.

    Raises:
        SpaceError: the bounds are none.

    >>> from modelwright import nas
    >>> def dense(hp, x):
    ...     return x.dense(hp.Choice("units", [8, 16])).relu()
    >>> space = nas.Architecture(lambda hp, x: repeat(hp, x, dense, 1, 2).dense(1), (4,))
    >>> space.tree.size, space.tree.default()
    (6, {'depth': 1, 'layer0/units': 8})
    """
    write = block if _takes_number(block) else (lambda hp, x, i: block(hp, x))
    wanted = _checked(name, lo, hi, default)
    decision, least, most, layer, level = name, lo, lo + STEP if hi is None else hi, 0, 0
    asked: AbstractContextManager[None] = nullcontext()
    while True:
        with asked:
            count = most if least == most else hp.Int(decision, least, most, default=max(least, min(wanted, most)))
        for i in range(count):
            with _there(hp, decision, i, least, most), hp.name_scope(f"{scope}{layer}"):
                x = write(hp, x, layer)
            layer += 1
        if hi is not None or count < most:
            return x
        asked = hp.conditional_scope(decision, [most])
        wanted, level = wanted - count, level + 1
        decision, least, most = f"{name}/more{level}", 0, STEP


def _there(hp: HyperParameters, decision: str, i: int, least: int, most: int) -> AbstractContextManager[None]:
    """Where the layer ``i`` of a decision is there."""
    return nullcontext() if i < least else hp.conditional_scope(decision, list(range(i + 1, most + 1)))


def _takes_number(block: Callable[..., Tensor]) -> bool:
    try:
        inspect.signature(block).bind(None, None, 0)
    except TypeError:
        return False
    return True


def check_bounds(where: str, least: int = 0, *, endless: bool = True, **named: Any) -> list[Any]:
    """The fewest (at least ``least``) and the most of something; a number alone is both.

    Args:
        endless: whether None as the most, which is no bound, is allowed.

    Raises:
        SpaceError: it says which are none.

    >>> check_bounds("here", depth=2, nodes=(1, None))
    [(2, 2), (1, None)]
    """
    found = []
    for name, given in named.items():
        bounds = (given, given) if type(given) is int else given
        lo, hi = bounds if isinstance(bounds, (list, tuple)) and len(bounds) == 2 else (None, 0)
        open_end = hi is None and endless
        if type(lo) is not int or lo < least or not (open_end or (type(hi) is int and hi >= max(lo, 1))):
            allowed = f"(lo, hi) with {least} <= lo <= hi, or one number for both"
            raise SpaceError(f"{name}={given!r:.80}", where=where, allowed=allowed)
        found.append((lo, hi))
    return found


def _checked(name: str, lo: int, hi: int | None, default: int | None) -> int:
    """The depth of the default network."""
    check_bounds(f"repeat {name!r}", bounds=(lo, hi))
    wanted = lo if default is None else default
    if type(wanted) is not int or wanted < lo or (hi is not None and wanted > hi):
        told = f"{lo} to {hi}" if hi is not None else f"{lo} or more"
        raise SpaceError(f"default={default!r}", where=f"repeat {name!r}", allowed=told)
    return wanted
