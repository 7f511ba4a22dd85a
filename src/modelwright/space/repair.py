"""Constraints on vectors: which rows satisfy them, drawing rows that do, moving rows until they do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from modelwright.core.errors import SpaceError
from modelwright.space.constraints import Constraint
from modelwright.space.counting import Rule, walk
from modelwright.space.counting import count as counted
from modelwright.space.vectors import Vectors

_POOL = 256
_NEAREST = 32
_CHUNK = 128
#: Points of a lattice come again and again; so many verdicts are kept for each constraint.
_REMEMBERED = 300_000
#: Finite spaces up to this size are listed.
LISTED = 100_000
#: Where valid rows are rare: draws made once to find some, how many of them are enough, and steps away from them.
RARE, _SEEDS, _STEPS = 200_000, 32, 30


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
        encode: a configuration -> its row.
    """

    def __init__(
        self,
        vectors: Vectors,
        rules: Sequence[Rule],
        constraints: Sequence[Constraint],
        decode: Callable[[np.ndarray], dict[str, Any]],
        encode: Callable[[dict[str, Any]], np.ndarray],
    ):
        self._vectors, self._decode, self._encode = vectors, decode, encode
        self._checks = [_Check(c, rules) for c in constraints]
        columns = [check.columns for check in self._checks]
        self._columns = np.unique(np.concatenate(columns)) if columns else np.empty(0, dtype=int)
        self._pool: np.ndarray | None = None
        self._rules = rules
        self._found: np.ndarray | None = None
        self._whole = False

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
        """``count`` valid rows by rejection; where ``tries`` draws find too few, the others as ``rare`` finds them.

        Raises:
            SpaceError: nothing satisfies the constraints.
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
        if len(rows) < count:
            more = count - len(rows)
            rows = np.vstack([rows, self.rare(rng, more) if len(rows) < _SEEDS else self._walk(rng, rows, more)])
        return rows[:count]

    def rare(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """``count`` valid rows of a space whose constraints leave so little that rejection finds none.

        A small space is listed. In others a long search, made once, finds a few rows, and steps lead away from them.

        Raises:
            SpaceError: nothing satisfies the constraints, as far as ``RARE`` draws can tell.
        """
        if self._found is None:
            raw = counted(self._rules)
            small = raw is not None and raw <= LISTED
            self._found, self._whole = (self._all() if small else self._searched()), small
        found = self._found
        if not len(found):
            rules = "; ".join(str(check.constraint) for check in self._checks)
            raise SpaceError(
                f"nothing satisfies the constraints ({rules})"
                + ("" if self._whole else f", as far as {RARE:,} draws can tell"),
                where="the search space",
                hint="Loosen them, or narrow the ranges they speak of.",
            )
        return found[rng.integers(len(found), size=count)] if self._whole else self._walk(rng, found, count)

    def _all(self) -> np.ndarray:
        every = walk(self._rules, every=True)
        return np.array([self._encode(c) for c in every if all(check.constraint.holds(c) for check in self._checks)])

    def _searched(self) -> np.ndarray:
        first, found, drawn = np.random.default_rng(0), [], 0
        while drawn < RARE and sum(map(len, found)) < _SEEDS:
            rows = self._vectors.snap(first.random((2000, len(self._vectors.axes))))
            found.append(rows[self.valid(rows)])
            drawn += len(rows)
        return np.vstack(found)

    def _walk(self, rng: np.random.Generator, starts: np.ndarray, count: int) -> np.ndarray:
        """``count`` valid rows, each some steps away from one of ``starts``.

        A step changes one or two of the columns that constraints speak of, and counts where the row stays valid. By
        turns they are drawn anew, and moved by the difference of two of ``starts`` (ter Braak 2006, "A Markov Chain
        Monte Carlo version of the genetic algorithm Differential Evolution"): its steps have the size of what is valid.
        """
        rows = starts[rng.integers(len(starts), size=count)]
        free = np.setdiff1d(np.arange(rows.shape[1]), self._columns)
        every = np.arange(count)
        for step in range(_STEPS):
            tries = rows.copy()
            if step == 0:
                tries[:, free] = rng.random((count, len(free)))
            one, two = starts[rng.integers(len(starts), size=(2, count))]
            for _ in range(1 + step % 2):
                column = self._columns[rng.integers(len(self._columns), size=count)]
                apart = np.nan_to_num(one[every, column] - two[every, column])
                moved = rng.random(count) if step % 4 == 0 else np.clip(rows[every, column] + apart, 0.0, 1.0)
                tries[every, column] = moved
            tries = self._vectors.snap(np.where(np.isnan(rows), np.nan, tries))
            fits = self.valid(tries)
            rows[fits] = tries[fits]
        return rows

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
