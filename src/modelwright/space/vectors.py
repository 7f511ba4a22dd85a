"""Vectors: configurations as rows of positions in [0, 1], many at a time. Does not draw and does not decide.

A row holds NaN where a parameter is inactive. Everything here is a handful of numpy calls for each parameter,
whatever the number of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from modelwright.core.errors import SpaceError
from modelwright.space.axis import Axis
from modelwright.space.hints import Hint
from modelwright.space.parameter import Condition, Parameter
from modelwright.space.value import exact

_CLOSE = 1e-12


@dataclass(slots=True)
class _Plan:
    """How one parameter's activity follows from columns to its left."""

    place: int
    axis: int | None
    #: each entry: parameters of which one must be active, with a test on its column (None: nothing to test).
    needs: list[list[tuple[int, Callable[[np.ndarray], np.ndarray] | bool]]] = field(default_factory=list)
    shadows: list[int] = field(default_factory=list)

    @property
    def always(self) -> bool:
        return not self.needs and not self.shadows


class Vectors:
    """The columns of a tree: which are lattices, which depend on which.

    Args:
        parameters: in the tree's order, parents before children.
        hints: name of an unconditional parameter -> what is known about its presence.
    """

    def __init__(self, parameters: Sequence[Parameter], hints: Mapping[str, Hint]):
        self.parameters = tuple(parameters)
        searched = [p for p in self.parameters if not p.fixed]
        self.axes = tuple(
            Axis(p.name, "numeric" if p.domain.numeric else "categorical", p.domain.levels) for p in searched
        )
        self.column = {p.identity: j for j, p in enumerate(searched)}
        self._filling = np.array([p.domain.to_unit(p.default) for p in searched], dtype=float)
        counts = [p.domain.levels if _is_lattice(p) else None for p in searched]
        self._lattice = np.array([j for j, c in enumerate(counts) if c is not None], dtype=int)
        self._counts = np.array([c for c in counts if c is not None], dtype=float)
        self._others = [(j, p.domain) for j, p in enumerate(searched) if counts[j] is None and p.domain.kind == "int"]
        self._plans = [self._plan(i, p, hints) for i, p in enumerate(self.parameters)]
        self._simple = all(plan.always for plan in self._plans)

    def _plan(self, place: int, p: Parameter, hints: Mapping[str, Hint]) -> _Plan:
        plan = _Plan(place, self.column.get(p.identity))
        before = list(enumerate(self.parameters[:place]))
        plan.shadows = [i for i, q in before if q.name == p.name]
        for condition in p.conditions:
            plan.needs.append([(i, _test(q, condition)) for i, q in before if q.name == condition.parent])
        hint = hints.get(p.name) if not p.conditions else None
        if hint is not None:
            plan.needs.append([(i, _hint_test(q, hint)) for i, q in before if q.name == hint.parent])
        return plan

    def snap(self, rows: np.ndarray) -> np.ndarray:
        """``rows`` on the lattice; what is inactive is NaN, what became active and was NaN takes its default."""
        found = np.array(rows, dtype=float, ndmin=2)
        if found.shape[1] != len(self.axes):
            raise SpaceError(f"vectors have {found.shape[1]} columns", allowed=f"{len(self.axes)} columns")
        missing = np.isnan(found)
        if missing.any():
            found = np.where(missing, self._filling, found)
        np.clip(found, 0.0, 1.0, out=found)
        if len(self._lattice):
            level = np.minimum(np.floor(found[:, self._lattice] * self._counts), self._counts - 1)
            found[:, self._lattice] = (level + 0.5) / self._counts
        for j, domain in self._others:
            found[:, j] = domain.snap_units(found[:, j])
        return found if self._simple else self._blank(found)

    def _blank(self, found: np.ndarray) -> np.ndarray:
        everywhere = np.ones(len(found), dtype=bool)
        active: list[np.ndarray] = []
        for plan in self._plans:
            if plan.always:
                active.append(everywhere)
                continue
            here = everywhere.copy()
            for options in plan.needs:
                met = np.zeros(len(found), dtype=bool)
                for place, test in options:
                    axis = self._plans[place].axis
                    if isinstance(test, bool) or axis is None:
                        met |= active[place] & bool(test)
                    else:
                        met |= active[place] & test(found[:, axis])
                here &= met
            for place in plan.shadows:
                here &= ~active[place]
            active.append(here)
        for plan, here in zip(self._plans, active, strict=True):
            if plan.axis is not None and here is not everywhere:
                found[~here, plan.axis] = np.nan
        return found


def _is_lattice(p: Parameter) -> bool:
    count = getattr(p.domain, "count", None)
    return count is not None or p.domain.kind in ("choice", "boolean")


def _test(parent: Parameter, condition: Condition) -> Any:
    """A test on the parent's column for "its value is one of the condition's"."""
    units = []
    for value in condition.values:
        try:
            units.append(parent.domain.to_unit(parent.domain.coerce(value)))
        except SpaceError:
            continue
    if parent.fixed:
        return bool(units)
    return _among(np.array(units))


def _hint_test(parent: Parameter, hint: Hint) -> Any:
    domain = parent.domain
    if hint.values is not None:
        return _among(np.array([domain.to_unit(v) for v in domain.grid() if exact(v) in hint.values]))
    values = domain.grid() if domain.kind == "choice" else None
    if values is not None:
        return _among(np.array([domain.to_unit(v) for v in values if hint.holds(v)]))
    bound = hint.least if hint.least is not None else hint.most
    unit = domain.to_unit(domain.nearest(bound))  # pyright: ignore[reportAttributeAccessIssue]
    if hint.least is not None:
        return lambda column: column >= unit - _CLOSE
    return lambda column: column <= unit + _CLOSE


def _among(units: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return lambda column: np.any(np.abs(column[:, None] - units) < _CLOSE, axis=1)
