"""Constraints on vectors: which rows satisfy them, drawing rows that do, moving rows until they do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from modelwright.space.constraints import Constraint
from modelwright.space.counting import Rule
from modelwright.space.vectors import Vectors

_POOL = 256
_NEAREST = 32
_CHUNK = 128
#: Points of a lattice come again and again; so many verdicts are kept for each constraint.
_REMEMBERED = 300_000


class _Check:
    """One constraint, over the columns of the parameters that it names.

    Attributes:
        partial: whether those columns say everything. A fixed parameter leaves no mark in a row, so whether it is
            active takes the whole configuration.
    """

    def __init__(self, constraint: Constraint, rules: Sequence[Rule]):
        self.constraint = constraint
        names = {*constraint.parameters, *(c.parent for c in constraint.conditions)}
        concerned = [rule for rule in rules if rule.name in names]
        self.partial = all(rule.axis is not None for rule in concerned)
        self.columns = np.array([rule.axis for rule in concerned if rule.axis is not None], dtype=int)
        self._parts = [(rule.name, rule.domain) for rule in concerned]
        lattice = all(rule.domain.levels is not None for rule in concerned)
        self._known: dict[Any, bool] | None = {} if lattice else None

    def holds(self, units: tuple[float, ...]) -> bool:
        """Whether the values at these positions satisfy it; points of a lattice are remembered."""
        known = self._known
        if known is not None and units in known:
            return known[units]
        values = {name: domain.from_unit(u) for (name, domain), u in zip(self._parts, units, strict=True) if u == u}
        found = self.constraint.holds(values)
        if known is not None and len(known) < _REMEMBERED:
            known[units] = found
        return found


class Repair:
    """Rejection and repair for the rows of one tree.

    Args:
        decode: a row -> configuration, without regard to constraints.
    """

    def __init__(
        self,
        vectors: Vectors,
        rules: Sequence[Rule],
        constraints: Sequence[Constraint],
        decode: Callable[[np.ndarray], dict[str, Any]],
    ):
        self._vectors, self._decode = vectors, decode
        self._checks = [_Check(c, rules) for c in constraints]
        columns = [check.columns for check in self._checks]
        self._columns = np.unique(np.concatenate(columns)) if columns else np.empty(0, dtype=int)
        self._pool: np.ndarray | None = None

    def valid(self, rows: np.ndarray) -> np.ndarray:
        """A boolean for each row, which must be snapped."""
        found = np.ones(len(rows), dtype=bool)
        for check in self._checks:
            left = np.flatnonzero(found)
            if check.partial:
                found[left] = [check.holds(units) for units in map(tuple, rows[np.ix_(left, check.columns)].tolist())]
            else:
                found[left] = [check.constraint.holds(self._decode(rows[i])) for i in left]
        return found

    def draw(self, rng: np.random.Generator, count: int, tries: int) -> np.ndarray:
        """``count`` valid rows by rejection, or no row at all when ``tries`` draws found none.

        When they found some but too few, those are repeated at random.
        """
        width = len(self._vectors.axes)
        found: list[np.ndarray] = []
        have = drawn = 0
        while have < count and drawn < max(tries, 40 * count):
            rows = self._vectors.snap(rng.random((max(count, 64), width)))
            rows = rows[self.valid(rows)]
            found.append(rows)
            have, drawn = have + len(rows), drawn + max(count, 64)
        rows = np.vstack(found) if found else np.empty((0, width))
        if 0 < len(rows) < count:
            rows = np.vstack([rows, rows[rng.integers(len(rows), size=count - len(rows))]])
        return rows[:count]

    def repair(self, rows: np.ndarray, draw: Callable[[int], np.ndarray]) -> np.ndarray:
        """``rows`` with those that violate a constraint replaced by near ones that do not.

        First only the columns that constraints speak of are moved, to the nearest of a fixed pool of valid rows;
        where that does not help, the nearest row of the pool takes the place.
        """
        bad = np.flatnonzero(~self.valid(rows))
        if not len(bad):
            return rows
        if self._pool is None:
            self._pool = draw(_POOL)
        for start in range(0, len(bad), _CHUNK):
            part = bad[start : start + _CHUNK]
            rows[part] = self._replaced(rows[part], self._pool)
        return rows

    def _replaced(self, rows: np.ndarray, pool: np.ndarray) -> np.ndarray:
        gap = np.nan_to_num((pool[None, :, :] - rows[:, None, :]) ** 2, nan=0.0625)
        order = np.argsort(gap[:, :, self._columns].sum(axis=2), axis=1, kind="stable")[:, :_NEAREST]
        width = order.shape[1]
        tries = np.repeat(rows, width, axis=0)
        tries[:, self._columns] = pool[order.ravel()][:, self._columns]
        tries = self._vectors.snap(tries)
        fits = np.reshape(self.valid(tries), (-1, width))
        first = tries[np.arange(len(rows)) * width + fits.argmax(axis=1)]
        return np.where(fits.any(axis=1, keepdims=True), first, pool[gap.sum(axis=2).argmin(axis=1)])
