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
        self._vectors, self._constraints, self._decode = vectors, tuple(constraints), decode
        names = {n for c in constraints for n in c.parameters} | {x.parent for c in constraints for x in c.conditions}
        concerned = [rule for rule in rules if rule.name in names]
        self._columns = np.array([rule.axis for rule in concerned if rule.axis is not None], dtype=int)
        # A fixed parameter leaves no mark in a row, so whether it is active takes the whole configuration.
        self._partial = all(rule.axis is not None for rule in concerned)
        self._parts = [(rule.name, rule.domain) for rule in concerned]
        self._pool: np.ndarray | None = None

    def valid(self, rows: np.ndarray) -> np.ndarray:
        """A boolean for each row, which must be snapped."""
        known: dict[Any, bool] = {}
        found = np.ones(len(rows), dtype=bool)
        for i, row in enumerate(rows):
            units = tuple(row[self._columns].tolist()) if self._partial else i
            if units not in known:
                known[units] = self._holds(self._values(row, units))
            found[i] = known[units]
        return found

    def _values(self, row: np.ndarray, units: Any) -> dict[str, Any]:
        if not self._partial:
            return self._decode(row)
        pairs = zip(self._parts, units, strict=True)
        return {name: domain.from_unit(u) for (name, domain), u in pairs if u == u}

    def _holds(self, config: dict[str, Any]) -> bool:
        return all(c.holds(config) for c in self._constraints)

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
        pool = self._pool
        for i in bad:
            gap = np.nan_to_num(np.abs(pool - rows[i]), nan=0.25)
            order = np.argsort((gap[:, self._columns] ** 2).sum(axis=1), kind="stable")[:_NEAREST]
            tries = np.repeat(rows[i][None], len(order), axis=0)
            tries[:, self._columns] = pool[order][:, self._columns]
            tries = self._vectors.snap(tries)
            fits = np.flatnonzero(self.valid(tries))
            rows[i] = tries[fits[0]] if len(fits) else pool[int(np.argmin((gap**2).sum(axis=1)))]
        return rows
