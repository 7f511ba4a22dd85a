"""Explanations: what each cell of a row adds to the answer that a predictor gives for it. Knows predictors."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.rng import Seed
from modelwright.core.wording import counted, warn_caller
from modelwright.report.text import duration
from modelwright.tasks.account.listing import Explanations
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.data.table import Table
from modelwright.tasks.result.baseline import DRAWS
from modelwright.tasks.scoring.thresholds import Cut

if TYPE_CHECKING:
    from modelwright.tasks.result.predictor import Predictor

#: Columns that are told one by one; of more those that members rely on most, and the others together.
COLUMNS = 100
#: By what these are called.
OTHERS = "(all others)"
#: Rows that are predicted at a time, and seconds from which on it is said how long explaining takes.
_ROWS, _LONG = 20_000, 60.0


def explained(
    model: Predictor, table: Table, frame: Frame, of: Any = None, background: Any = None, draws: int = DRAWS
) -> Explanations:
    """Why each row of a table, and of what the model reads of it, has its answer; see ``Predictor.explain``."""
    if type(draws) is not int or draws < 1:
        raise ArgumentError(f"draws={draws!r:.60}", where="explain", allowed="a whole number from 1")
    told_of = _class(model, of)
    ordinary = _ordinary(model, background, draws)
    answers, usual = model._predicted(frame), model._predicted(ordinary)
    if not frame.rows:
        return Explanations()
    classes = _classes(model, told_of, answers)
    game = _Game.of(model, frame, ordinary)
    found, began = Explanations(), time.perf_counter()
    for row, (adds, errors) in enumerate(game.shares(answers, usual, classes)):
        place = None if classes is None else int(classes[row])
        own = answers[row] if place is None else answers[row, place]
        base = usual.mean() if place is None else usual[:, place].mean()
        about = {} if place is None or model.classes_ is None else {"of": model.classes_[place]}
        cells = [_shown(table, frame, names, row) for names in game.players]
        because = [
            {"column": name, "value": cell, "adds": float(add), "error": float(error)}
            for name, cell, add, error in zip(game.names, cells, adds, errors, strict=True)
        ]
        because.sort(key=lambda one: -abs(one["adds"]))
        found.append({**about, "answer": float(own), "base": float(base), "because": because})
        if row == 0 and (whole := (time.perf_counter() - began) * frame.rows / game.beside(frame.rows)) > _LONG:
            less = f"fewer of them, or fewer draws than {draws}, are quicker"
            warn_caller(f"explain: {counted(frame.rows, 'row')} take about {duration(whole)}; {less}")
    return found


def _class(model: Predictor, of: Any) -> int | None:
    """Which class is asked for; None where nobody says, or there are none."""
    if of is None:
        return None
    if model.classes_ is None:
        raise ArgumentError(
            f"of={of!r:.60}, and {model.target!r:.80} is a number, it has no classes",
            where="explain",
            hint="Leave it out.",
        )
    for place, label in enumerate(model.classes_.tolist()):
        if label == of and isinstance(label, str) == isinstance(of, str):
            return place
    shown = ", ".join(f"{label!r:.40}" for label in model.classes_.tolist()[:10])
    raise ArgumentError(f"of={of!r:.60}", where="explain", allowed=f"one of the classes: {shown}")


def _classes(model: Predictor, told_of: int | None, answers: np.ndarray) -> np.ndarray | None:
    """Of each row the class whose probability is explained; None for numbers."""
    if model.classes_ is None:
        return None
    if told_of is None and len(model.classes_) == 2:
        told_of = model.classes_.tolist().index(model.looked_for)
    if told_of is None:
        return Cut.of(model._body).named(answers)
    return np.full(len(answers), told_of)


def _ordinary(model: Predictor, background: Any, draws: int) -> Frame:
    """A row for each draw, then again: those of a baseline, or of a table, in turn and in an order by chance."""
    if background is not None:
        frame = model._schema.frame(background, where="background")
        if not frame.rows:
            raise ArgumentError("the table has columns and no rows", where="explain, background")
    elif model._baseline is None:
        raise ArgumentError(
            "the model is of an earlier version, and holds nothing to compare rows with",
            where="explain",
            hint="Pass background=, a table of ordinary rows such as some that it was fitted on.",
        )
    else:
        frame = model._baseline.frame(model._schema)
    order = Seed(0).child("background").generator().permutation(frame.rows)
    return frame.take(np.tile(order[np.arange(draws) % frame.rows], 2))


@dataclass(frozen=True, slots=True)
class _Game:
    """Rows whose cells take the place of those of ordinary rows, one column after the other.

    Shapley's value (1953) of each column, by orders drawn by chance as Strumbelj and Kononenko do (JMLR 11, 2010,
    section 3), each forwards and backwards with the same ordinary row (Mitchell et al., JMLR 23, 2022, section 4).

    Args:
        frame: the rows that are explained, then the ordinary ones, twice.
        rows: how many are explained.
        players: columns that take part, and those that do so together.
        names: by what these are told.
        orders: (walks, players), in which order they do: half of them, then their reverses.
    """

    model: Predictor
    frame: Frame
    rows: int
    players: tuple[tuple[str, ...], ...]
    names: tuple[str, ...]
    orders: np.ndarray

    @classmethod
    def of(cls, model: Predictor, frame: Frame, ordinary: Frame) -> _Game:
        alone, others = _columns(model)
        players = tuple((name,) for name in alone) + ((tuple(others),) if others else ())
        rng, draws = Seed(0).child("orders").generator(), ordinary.rows // 2
        forwards = rng.permuted(np.tile(np.arange(len(players)), (draws, 1)), axis=1)
        orders = np.concatenate([forwards, forwards[:, ::-1]])
        names = tuple(alone) + ((OTHERS,) if others else ())
        return cls(model, _stacked(frame, ordinary), frame.rows, players, names, orders)

    def beside(self, rows: int) -> int:
        """How many rows are explained at a time."""
        return min(rows, max(1, _ROWS // max(1, self.orders.size)))

    def shares(
        self, answers: np.ndarray, usual: np.ndarray, classes: np.ndarray | None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """For each row what its players add, which is in all what tells it from the ordinary ones; and standard errors.

        Args:
            answers: for the rows; ``usual``: for the ordinary ones. Probabilities (rows, classes), or values (rows,).
            classes: of each row the one whose probability is shared out; None for values.
        """
        step = self.beside(self.rows)
        for start in range(0, self.rows, step):
            rows = range(start, min(start + step, self.rows))
            walks = [_Walk.of(self._differs(row), self.orders) for row in rows]
            places = [np.column_stack([np.full(len(walk.walks), row), walk.walks]) for row, walk in zip(rows, walks)]
            own = np.concatenate([walk.own for walk in walks])
            between = self._between(np.concatenate(places), own)
            ends = np.cumsum([len(walk.walks) for walk in walks])[:-1]
            for row, walk, found in zip(rows, walks, np.split(between, ends), strict=True):
                if classes is None:
                    yield walk.shares(usual, found, float(answers[row]))
                else:
                    at = int(classes[row])
                    yield walk.shares(usual[:, at], found[:, at], float(answers[row, at]))

    def _differs(self, row: int) -> np.ndarray:
        """Where the cells of a player are others than those of an ordinary row: (walks, players)."""
        found = np.zeros(self.orders.shape, bool)
        for place, names in enumerate(self.players):
            for name in names:
                for part in (self.frame.numbers, self.frame.codes, self.frame.texts, self.frame.spellings):
                    if name not in part:
                        continue
                    own, other = part[name][row], part[name][self.rows :]
                    same = other == own
                    if own != own:
                        same = other != other
                    found[:, place] |= ~np.asarray(same, bool)
        return found

    def _between(self, places: np.ndarray, own: np.ndarray) -> np.ndarray:
        """Predictions for rows that have the cells of some players from a row, the others from an ordinary one.

        Args:
            places: (states, 2), the row and the walk; ``own``: (states, players), whose cells are the row's.
        """
        if not len(places):
            return self.model._predicted(self.frame.take([]))
        if len(places) > 2 * _ROWS:  # very many draws
            parts = range(0, len(places), _ROWS)
            return np.concatenate([self._between(places[at : at + _ROWS], own[at : at + _ROWS]) for at in parts])
        player_of = {name: place for place, names in enumerate(self.players) for name in names}
        rows, ordinary = places[:, 0], self.rows + places[:, 1]
        chosen = [np.where(own[:, place], rows, ordinary) for place in range(len(self.players))]

        def mixed(part: Any) -> dict[str, np.ndarray]:
            return {name: cells[chosen[player_of[name]] if name in player_of else rows] for name, cells in part.items()}

        frame = self.frame
        return self.model._predicted(
            replace(
                frame,
                rows=len(places),
                numbers=mixed(frame.numbers),
                codes=mixed(frame.codes),
                texts=mixed(frame.texts),
                spellings=mixed(frame.spellings),
            )
        )


@dataclass(frozen=True, slots=True)
class _Walk:
    """The ways from each ordinary row to one row, a player at a time.

    Args:
        orders: (walks, players).
        changed: (walks, players), step by step whether the player's cells are others at all.
        between: (walks, players), the steps that lead to another row that is not yet the one at the end.
        walks: of each state that they lead to, the walk, (states,).
        own: (states, players), whose cells are the row's by then.
    """

    orders: np.ndarray
    changed: np.ndarray
    between: np.ndarray
    walks: np.ndarray
    own: np.ndarray

    @classmethod
    def of(cls, differs: np.ndarray, orders: np.ndarray) -> _Walk:
        changed = np.take_along_axis(differs, orders, axis=1)
        steps = changed.cumsum(axis=1)
        between = changed & (steps < steps[:, -1:])
        walks, at = np.nonzero(between)
        rank = np.argsort(orders, axis=1)
        return cls(orders, changed, between, walks, rank[walks] <= at[:, None])

    def shares(self, usual: np.ndarray, found: np.ndarray, answer: float) -> tuple[np.ndarray, np.ndarray]:
        """What each player adds in the mean over walks, and its standard error, both (players,).

        Args:
            usual: answers for the ordinary rows, (walks,); ``found``: for the states between, (states,).
        """
        walks, players = self.orders.shape
        values = np.full((walks, players), math.nan)
        values[self.between] = found
        values[self.changed & ~self.between] = answer
        before, adds = usual.astype(np.float64), np.zeros((walks, players))
        for step in range(players):
            moved = self.changed[:, step]
            after = np.where(moved, values[:, step], before)
            np.put_along_axis(adds, self.orders[:, step : step + 1], (after - before)[:, None], axis=1)
            before = after
        forwards, backwards = adds[: walks // 2], adds[walks // 2 :]
        # As if the two of a pair were independent: they err in opposite directions, so this is rather too much.
        error = np.sqrt(np.square(forwards - backwards).sum(axis=0)) / walks
        return adds.mean(axis=0), error


def _columns(model: Predictor) -> tuple[list[str], list[str]]:
    """Columns that any member takes: those told one by one, and of very many the others."""
    taken = {name for fitted in model._features for names in fitted.sources for name in names}
    used = [column.name for column in model._schema.used if model._known is not None or column.name in taken]
    if len(used) <= COLUMNS:
        return used, []
    share = {one["column"]: one["share"] for one in model.features()}
    first = sorted(used, key=lambda name: -share.get(name, 0.0))[:COLUMNS]
    return first, [name for name in used if name not in set(first)]


def _stacked(first: Frame, second: Frame) -> Frame:
    """The rows of both."""

    def both(one: Any, other: Any) -> dict[str, np.ndarray]:
        return {name: np.concatenate([cells, other[name]]) for name, cells in one.items()}

    return replace(
        first,
        rows=first.rows + second.rows,
        numbers=both(first.numbers, second.numbers),
        codes=both(first.codes, second.codes),
        texts=both(first.texts, second.texts),
        spellings=both(first.spellings, second.spellings),
        notes=(),
    )


def _shown(table: Table, frame: Frame, names: Sequence[str], row: int) -> Any:
    """The cell of a row as it was given; None where it is missing for the model, or of several columns."""
    name = names[0]
    if len(names) > 1 or name not in table.columns or _is_missing(frame, name, row):
        return None
    cell = table.columns[name][row]
    if isinstance(cell, np.datetime64):
        shown = str(cell.astype("datetime64[s]")).removesuffix("T00:00:00")
        return f"{shown}Z" if table.zoned(name) else shown
    if isinstance(cell, str):
        return cell.strip()
    plain = cell.item()
    return int(plain) if isinstance(plain, float) and plain.is_integer() and abs(plain) < 2**53 else plain


def _is_missing(frame: Frame, name: str, row: int) -> bool:
    """Whether the model reads nothing in a cell."""
    if name in frame.codes:
        return bool(frame.codes[name][row] == -1)
    if name in frame.texts:
        return not frame.texts[name][row]
    return bool(np.isnan(frame.numbers[name][row]))
