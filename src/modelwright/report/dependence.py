"""Partial dependence: the objective as one parameter, or two, would have it, averaged over all others.

J. Friedman, "Greedy Function Approximation: A Gradient Boosting Machine", Annals of Statistics 29(5), 2001, section
8.2; over the whole space rather than over the trials, which a search piles up around the best. Values are those of the
objective and of the parameters; nothing is said of values that no trial came near.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.core.objective import Objective
from modelwright.report.encoding import is_number, spread_out
from modelwright.report.landscape import Landscape
from modelwright.report.text import setting


@dataclass(frozen=True, slots=True)
class Dependence:
    """How the objective depends on one parameter.

    Attributes:
        values: of the parameter, in order along its scale; the middle of each cell of a continuous one.
        listed: whether the values are all there are, rather than places on a scale.
        mean, low, high: of the objective at each value, with a 90 % band; shape (values,).
        draws: larger is better; what each forest says, in units of ``scale``; shape (draws, values).
        scale: of the objective.
        wider: what differences between draws are multiplied by.
    """

    name: str
    values: tuple[Any, ...]
    listed: bool
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    draws: np.ndarray
    scale: float
    wider: float


@dataclass(frozen=True, slots=True)
class Surface:
    """How the objective depends on two parameters; ``mean`` has shape (values of the first, of the second)."""

    names: tuple[str, str]
    values: tuple[tuple[Any, ...], tuple[Any, ...]]
    listed: tuple[bool, bool]
    mean: np.ndarray


def dependence(land: Landscape, name: str, made: Objective) -> Dependence | None:
    """The effect of one parameter; None where it is not among those of the landscape or has a single value."""
    if name not in land.data.names:
        return None
    axis = land.data.names.index(name)
    cells, values, listed = _places(land, axis, land.cells(axis))
    if len(cells) < 2:
        return None
    draws = land.alone(axis)[:, cells]
    with np.errstate(over="ignore"):  # values near the largest number there is
        mean, low, high = (end * land.data.scale for end in land.interval(draws))
    if made.direction == "min":
        mean, low, high = -mean, -high, -low
    return Dependence(name, values, listed, mean, low, high, draws, land.data.scale, land.wider)


def surface(land: Landscape, first: str, second: str, made: Objective) -> Surface | None:
    """The effect of two parameters together."""
    names = land.data.names
    if first not in names or second not in names:
        return None
    axes, both = (names.index(first), names.index(second)), land.together(names.index(first), names.index(second))
    (rows, left, left_listed), (columns, right, right_listed) = (
        _places(land, axis, count) for axis, count in zip(axes, both.shape[1:])
    )
    if len(rows) < 2 or len(columns) < 2:
        return None
    mean = both.mean(axis=0)[np.ix_(rows, columns)] * land.data.scale
    mean = -mean if made.direction == "min" else mean
    return Surface((first, second), (left, right), (left_listed, right_listed), mean)


def _places(land: Landscape, axis: int, count: int) -> tuple[np.ndarray, tuple[Any, ...], bool]:
    """Cells of an axis that trials were in or between, the parameter's value there, and whether these are all."""
    name = land.data.names[axis]
    pairs = [(p, row.config[name]) for p, row in zip(land.data.points[:, axis], land.data.rows) if name in row.config]
    pairs = [(float(p), value) for p, value in pairs if np.isfinite(p)]
    if int(land.data.levels[axis]) == count or not all(is_number(value) for _, value in pairs):
        known: dict[int, Any] = {}
        for place, value in pairs:
            known.setdefault(min(int(place * count), count - 1), value)
        cells = sorted(known)
        return np.array(cells, dtype=int), tuple(known[cell] for cell in cells), True
    places, values = _along(pairs)
    middles = (np.arange(count) + 0.5) / count
    inside = np.flatnonzero((middles >= places[0] - 0.5 / count) & (middles <= places[-1] + 0.5 / count))
    log = spread_out(values)
    found = np.interp(middles[inside], places, np.log(values) if log else values)
    numbers = np.exp(found) if log else found
    whole = all(isinstance(value, int) for _, value in pairs)
    return inside, tuple(round(float(v)) if whole else float(v) for v in numbers), False


def _along(pairs: Sequence[tuple[float, Any]]) -> tuple[list[float], list[float]]:
    """Positions in ascending order, each once, with the parameter's value there."""
    known = {place: float(value) for place, value in pairs}
    places = sorted(known)
    return places, [known[place] for place in places]


# --- where good values lie ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Good:
    """Where a parameter's good values lie, and what leaving them costs, as far as that is sure.

    Attributes:
        best: values that are as good as the best: the listed ones, or one range in words.
        costs: (words for the other values, cost in units of the objective, at least 0); the dearest first.
    """

    name: str
    best: tuple[str, ...]
    ranged: bool
    costs: tuple[tuple[str, float], ...]


def good_values(found: Dependence) -> Good | None:
    """Where the good values of a parameter lie; None where no value is surely worse than the best."""
    draws = found.draws
    top = int(np.argmax(draws.mean(axis=0)))
    behind = draws[:, top : top + 1] - draws
    loss = behind.mean(axis=0)
    sure = loss - 1.645 * found.wider * behind.std(axis=0, ddof=1) > 0
    if not sure.any():
        return None
    near = loss <= 0.15 * loss.max()
    if found.listed:
        best = tuple(setting(found.values[i], 30) for i in range(len(loss)) if near[i])
        rest = sorted((i for i in range(len(loss)) if sure[i] and not near[i]), key=lambda i: -loss[i])
        return Good(
            found.name, best, False, tuple((setting(found.values[i], 30), float(loss[i]) * found.scale) for i in rest)
        )
    first, last = top, top
    while first > 0 and near[first - 1]:
        first -= 1
    while last < len(loss) - 1 and near[last + 1]:
        last += 1
    ends = tuple(setting(_short(found.values[i]), 30) for i in (first, last))
    costs = [("below", loss[:first], sure[:first], 1), ("above", loss[last + 1 :], sure[last + 1 :], -1)]
    said = [_side(word, part, known, step, found.values, last + 1) for word, part, known, step in costs]
    listed = sorted((one for one in said if one is not None), key=lambda one: -one[1])
    best = (f"between {ends[0]} and {ends[1]}",) if first < last else (f"near {ends[0]}",)
    if first == 0 or last == len(loss) - 1:
        best = (f"up to {ends[1]}",) if first == 0 else (f"from {ends[0]}",)
    return Good(found.name, best, True, tuple((word, cost * found.scale) for word, cost in listed))


def _side(
    word: str, loss: np.ndarray, sure: np.ndarray, step: int, values: tuple[Any, ...], after: int
) -> tuple[str, float] | None:
    """The part of one side, from its end inwards, that costs at least half of the most it costs there."""
    if not len(loss) or not sure.any():
        return None
    inwards = loss[::step]
    enough = (inwards >= 0.5 * loss.max()) & sure[::step]
    count = int(np.argmin(enough)) if not enough.all() else len(enough)
    if not count:
        return None
    place = count - 1 if step == 1 else after + len(loss) - count
    return f"{word} {setting(_short(values[place]), 30)}", float(inwards[:count].mean())


def _short(value: Any) -> Any:
    """A number to two digits."""
    return value if isinstance(value, int) and abs(value) < 1000 else float(f"{value:.2g}")
