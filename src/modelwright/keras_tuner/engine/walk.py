"""Walking a space value by value: what comes next in a grid, and what has not been tried yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from modelwright.keras_tuner.engine.hyperparameters import Fixed, Float, HyperParameter, HyperParameters, Int

_LOOK = 100_000


def ordered_values(hp: HyperParameter) -> list[Any]:
    """The values of a hyperparameter as a grid takes them: its default first, then the others in order."""
    rest = [v for v in hp.values if v != hp.default]
    return [hp.default, *rest]


def grid(space: HyperParameters) -> Iterator[dict[str, Any]]:
    """All combinations of active values, the last hyperparameter changing fastest."""
    hps = HyperParameters()
    yield from _below(hps, list(space.space), 0)


def _below(hps: HyperParameters, left: list[HyperParameter], at: int) -> Iterator[dict[str, Any]]:
    if at == len(left):
        yield dict(hps.values)
        return
    hp = left[at]
    if not hps.is_active(hp) or hp.name in hps.values:
        yield from _below(hps, left, at + 1)
        return
    for value in ordered_values(hp):
        hps.values[hp.name] = value
        yield from _below(hps, left, at + 1)
    del hps.values[hp.name]


def finite(space: HyperParameters) -> bool:
    """Whether ``grid`` holds every combination there is."""
    return all(not isinstance(hp, (Int, Float)) or hp.step is not None for hp in space.space)


def untried(space: HyperParameters, tried: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
    """A combination of a finite space that was not tried, or None when there is none (or it takes too long to find).

    It is not the first one in the grid's order but lies where about half of the grid is behind it, so that several
    calls do not walk along one edge.
    """
    if not finite(space) or not any(not isinstance(hp, Fixed) for hp in space.space):
        return None
    left = [values for values in islice(grid(space), _LOOK) if not tried(values)]
    return left[len(left) // 2] if left else None
