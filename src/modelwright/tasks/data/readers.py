"""Readers: the cells of one column as what its kind says, many at once or one alone, with the same outcome."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from modelwright.tasks.data import boolean_words, dates, kinds, numerals, zones
from modelwright.tasks.data.cells import texts as as_cells
from modelwright.tasks.data.level_values import Worth, worth
from modelwright.tasks.data.plain_numbers import USUAL, plain
from modelwright.tasks.data.problems import Problems, Unreadable
from modelwright.tasks.data.table import is_missing
from modelwright.tasks.data.uniform_dates import uniform

NUMBERS, CODES, TEXTS = "numbers", "codes", "texts"
#: Magnitudes from here on are taken as infinite: float32, which learners compute in, has none such.
LARGEST = 3e38
#: Levels from which a category's cells are kept as texts too.
_MANY_LEVELS = 30
#: What a cell of a kind is called in messages.
NOUNS = {
    "number": "a number",
    "boolean": "yes or no",
    "datetime": "a date",
    "category": "a level",
    "ordinal": "a level",
}


@dataclass(frozen=True, slots=True)
class Reader:
    """How cells of a column are read.

    Args:
        name: the column.
        part: which mapping of a frame the column belongs to: numbers, codes or texts.
        missing: what a missing cell becomes.
        noun: what a cell is called in messages, with its article.
        allowed: examples of cells that can be read.
        text: a text without outer blanks -> its value. Raises ``Unreadable``. None stands for missing.
        typed: an array that is no objects -> its values, or None where such cells have to be read as text.
        bulk: an array of texts -> its values, or None where they have to be read one by one.
        settle: the distinct texts of a column -> how all of them are to be read, where they are written otherwise than
            those that the column was told from; or why they cannot be read.
        tolerant: whether cells that could not be read were there from the beginning.
        unseen: the code of a level that is new.
        many_levels: whether it is a category with so many levels that new ones may be spelled like known ones.
        zoned: whether the dates of the fit had a time zone; None where nobody knows, or where it is no matter.
        details, kind: those of the column that it was made from.
    """

    name: str
    part: str
    missing: Any
    noun: str
    allowed: str
    text: Callable[[str], Any]
    typed: Callable[[np.ndarray], np.ndarray | None]
    bulk: Callable[[np.ndarray, Problems], np.ndarray | None] | None = None
    settle: Callable[[set[str]], Callable[[str], Any] | str] | None = None
    tolerant: bool = False
    unseen: int = -2
    many_levels: bool = False
    zoned: bool | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    kind: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        return reader, (self.name, self.kind, self.details)

    @property
    def dtype(self) -> Any:
        """The type of the values."""
        return {NUMBERS: np.float64, CODES: np.int32, TEXTS: object}[self.part]

    def many(self, cells: np.ndarray, *, zoned: bool = False) -> tuple[np.ndarray, Problems]:
        """The values of raw cells, and what was found.

        Args:
            zoned: whether cells that are moments had a time zone in their source.
        """
        problems = Problems()
        moments = cells.dtype.kind == "M" and self.zoned is not None
        if moments and self.zoned != zoned and (zoned or zones.have_clocks(cells)):
            problems.refused = zones.otherwise(not zoned)
            return np.full(len(cells), self.missing, dtype=self.dtype), problems
        typed = cells.dtype.kind != "O"
        made = self.typed(cells) if typed else None if self.bulk is None else self.bulk(cells, problems)
        if made is None:
            made = self._texts(_as_texts(cells) if typed else cells, problems)
        if self.part == NUMBERS:
            made = _finite(made, problems)
        return made, problems

    def one(self, cell: Any) -> Any:
        """The value of one raw cell: a str, float, int, bool, numpy datetime64, or None.

        Raises:
            Unreadable: it is not missing and cannot be read.
        """
        if cell is None:
            return self.missing
        if isinstance(cell, str):
            value = self._value(cell)
            value = self.missing if value is None else value
        else:
            value = self._alone(cell)
        if self.part == NUMBERS:
            return float(value) if abs(value) < LARGEST else math.nan
        return value

    def spelled(self, cells: Iterable[Any] | None, rows: int) -> np.ndarray:
        """Raw cells as texts without outer blanks, "" where missing."""
        if cells is None:
            cells = [None] * rows
        listed = cells.tolist() if isinstance(cells, np.ndarray) else list(cells)
        texts = {cell: "" if cell is None or cell != cell else str(cell).strip() for cell in set(listed)}
        return as_cells([texts[cell] for cell in listed])

    def _alone(self, cell: Any) -> Any:
        """The value of a cell that is no text."""
        if self.noun == NOUNS["number"] and type(cell) in (int, float, bool):
            return cell
        values, problems = self.many(_array_of(cell))
        if problems.refused:
            raise Unreadable(str(cell))
        if problems.unreadable:
            raise Unreadable(next(iter(problems.unreadable)))
        return values[0]

    def _value(self, text: str) -> Any:
        bare = text.strip()
        try:
            return self.text(bare)
        except Unreadable:
            other = None if self.settle is None else self.settle({bare})
            if other is None or isinstance(other, str):
                raise
            return other(bare)

    def _texts(self, cells: np.ndarray, problems: Problems) -> np.ndarray:
        listed = cells.tolist()
        values: dict[str | None, Any] = {None: self.missing}
        counts = Counter(listed)
        read = self.text if self.settle is None else self.settle({text.strip() for text in counts if text is not None})
        if isinstance(read, str):
            problems.refused = read
            return np.full(len(listed), self.missing, dtype=self.dtype)
        for text, count in counts.items():
            if text is None:
                continue
            bare = text.strip()
            try:
                value = read(bare)
            except Unreadable:
                problems.unreadable[bare] += count
                value = self.missing
            else:
                if value is None:
                    problems.tokens[bare] += count
                    value = self.missing
                elif self.part == CODES and value == self.unseen:
                    problems.unseen[bare] += count
            values[text] = value
        if self.part == TEXTS:
            return as_cells([values[text] for text in listed])
        return np.fromiter(map(values.__getitem__, listed), dtype=self.dtype, count=len(listed))


def reader(name: str, kind: str, details: Mapping[str, Any]) -> Reader:
    """The reader of a column of a schema.

    >>> reader("x", "number", {"decimal": ","}).many(np.array(["1,5", "?", None], dtype=object))[0]
    array([1.5, nan, nan])
    >>> reader("x", "boolean", {}).one("Yes"), reader("x", "category", {"levels": ["a", "b"]}).one("b ")
    (1.0, 1)
    """
    tolerant = bool(details.get("seen", {}).get("unreadable"))
    if kind == "number":
        made = _numbers(name, details, tolerant)
    elif kind == "boolean":
        made = _booleans(name, details, tolerant)
    elif kind == "datetime":
        made = _moments(name, details, tolerant)
    elif kind in ("category", "ordinal"):
        made = _levels(name, details)
    else:
        made = Reader(name, TEXTS, "", "a text", "text", _plain_text, lambda cells: None)
    return replace(made, details=details, kind=kind)


def _finite(values: np.ndarray, problems: Problems) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        infinite = np.abs(values) >= LARGEST
    count = int(infinite.sum())
    if count:
        problems.infinite += count
        values = np.where(infinite, np.nan, values)
    return values


def _as_texts(cells: np.ndarray) -> np.ndarray:
    made = np.full(len(cells), None, dtype=object)
    present = ~is_missing(cells)
    if cells.dtype.kind == "M":
        texts = np.datetime_as_string(cells[present]).tolist()
    elif cells.dtype.kind == "f":
        texts = list(map(kinds.canonical, cells[present].tolist()))
    else:
        texts = list(map(str, cells[present].tolist()))
    made[present] = texts
    return made


def _array_of(cell: Any) -> np.ndarray:
    if isinstance(cell, np.datetime64):
        return np.array([cell], dtype="datetime64[us]")
    if isinstance(cell, bool):
        return np.array([cell])
    if isinstance(cell, int):
        return np.array([cell]) if abs(cell) < 2**63 else np.array([str(cell)], dtype=object)
    return np.array([cell], dtype=np.float64)


# --- one kind each -------------------------------------------------------------------------------


def _numbers(name: str, details: Mapping[str, Any], tolerant: bool) -> Reader:
    written = numerals.Notation(details.get("decimal", "."), details.get("unit", ""))

    def text(given: str, written: numerals.Notation = written) -> float | None:
        found = written.value(given)
        if found is None:
            if given.casefold() in kinds.NO_VALUE:
                return None
            raise Unreadable(given)
        return found

    def settle(texts: set[str]) -> Callable[[str], float | None]:
        found = numerals.settled((one for one in texts if one.casefold() not in kinds.NO_VALUE), written)
        return functools.partial(text, written=found)

    def bulk(cells: np.ndarray, problems: Problems) -> np.ndarray | None:
        if written.decimal != ".":
            return None
        found = plain(cells.tolist())
        if found is None:
            return None
        problems.tokens.update(found.tokens)
        return found.values.astype(np.float64)

    def typed(cells: np.ndarray) -> np.ndarray | None:
        return cells.astype(np.float64) if cells.dtype.kind in "bif" else None

    allowed = "numbers" + (" with a decimal comma" if written.decimal == "," else "") + ", or missing cells"
    return Reader(name, NUMBERS, math.nan, NOUNS["number"], allowed, text, typed, bulk, settle, tolerant)


def _booleans(name: str, details: Mapping[str, Any], tolerant: bool) -> Reader:
    own = details.get("levels", ())
    true = {own[1].casefold()} if len(own) > 1 else boolean_words.TRUE
    false = {own[0].casefold()} if own else boolean_words.FALSE

    def text(given: str) -> float | None:
        folded = given.casefold()
        if folded in true:
            return 1.0
        if folded in false:
            return 0.0
        if folded in kinds.NO_VALUE:
            return None
        raise Unreadable(given)

    def typed(cells: np.ndarray) -> np.ndarray | None:
        if own or cells.dtype.kind == "M":
            return None
        if cells.dtype.kind == "b" or bool((is_missing(cells) | (cells == 0) | (cells == 1)).all()):
            return cells.astype(np.float64)
        return None

    allowed = f"{own[0]!r} or {own[1]!r}" if len(own) > 1 else "yes and no, true and false, 1 and 0"
    return Reader(name, NUMBERS, math.nan, NOUNS["boolean"], allowed, text, typed, tolerant=tolerant)


def _moments(name: str, details: Mapping[str, Any], tolerant: bool) -> Reader:
    known, mixed, unclear = details.get("day_first"), bool(details.get("mixed")), bool(details.get("unclear"))
    zoned = details.get("zoned")

    def text(given: str, first: bool | None = known) -> float | None:
        if (unclear or first is None) and dates.is_open(given):
            if unclear:
                return math.nan
            raise Unreadable(given)
        if zoned is not None and zones.has_zone(given) is (not zoned):
            raise Unreadable(given)
        found = dates.micros(given, day_first=bool(first), strict=first is not None and not mixed)
        if found is None:
            if given.casefold() in kinds.NO_VALUE:
                return None
            raise Unreadable(given)
        return found / 1e6

    def settle(texts: set[str]) -> Callable[[str], float | None] | str:
        found = zones.refused(texts, zoned) or (known if mixed else dates.settled(texts, known))
        return found if isinstance(found, str) else functools.partial(text, first=found)

    def typed(cells: np.ndarray) -> np.ndarray | None:
        if cells.dtype.kind != "M":
            return None
        return np.where(np.isnat(cells), np.nan, cells.astype("datetime64[us]").astype(np.int64) / 1e6)

    def bulk(cells: np.ndarray, problems: Problems) -> np.ndarray | None:
        listed = cells.tolist()
        there = [cell for cell in listed if cell is not None and cell not in USUAL]
        alike = uniform(there)
        if alike is None or ((known is None or unclear) and alike.shape == "day/month"):
            return None
        if zoned and len(alike.fields) > 3:  # such dates have no zone
            return None
        seconds = alike.seconds(day_first=bool(known))
        if seconds is None:
            return None
        if len(there) == len(listed):
            return seconds
        made = np.full(len(listed), math.nan)
        made[[cell is not None and cell not in USUAL for cell in listed]] = seconds
        problems.tokens.update(cell.strip() for cell in listed if cell is not None and cell in USUAL)
        return made

    order = {None: "such as 2016-04-05", True: "days first, or such as 2016-04-05"}
    clock = {None: "", True: ", with a time zone, such as 2016-04-05T10:30+02:00", False: ", without a time zone"}
    allowed = f"dates, {order.get(known, 'months first, or such as 2016-04-05')}{clock[zoned]}"
    return Reader(name, NUMBERS, math.nan, NOUNS["datetime"], allowed, text, typed, bulk, settle, tolerant, zoned=zoned)


def _levels(name: str, details: Mapping[str, Any]) -> Reader:
    levels = tuple(details.get("levels", ()))
    places = {level: i for i, level in enumerate(levels)}
    values: dict[Worth, int] = {}
    for level, place in places.items():
        value = worth(level)
        if value is not None:
            values.setdefault(value, place)
    numbers = any(value[0] == "number" for value in values)
    unsaid = {text.casefold() for text in details.get("unsaid", ())}

    def text(given: str) -> int | None:
        place = places.get(given)
        if place is not None:
            return place
        folded = given.casefold()
        if folded in kinds.NOTHING or folded in unsaid:
            return None
        value = worth(given) if values else None
        return values.get(value, len(levels)) if value is not None else len(levels)

    def typed(cells: np.ndarray) -> np.ndarray | None:
        if cells.dtype.kind == "M":
            return None
        present = ~is_missing(cells)
        distinct, inverse = np.unique(cells[present], return_inverse=True)
        codes = [text(known) for known in _as_texts(distinct)]
        if any(code == len(levels) for code in codes):
            return None  # the slow way counts what is new
        made = np.full(len(cells), -1, dtype=np.int32)
        made[present] = np.array([-1 if code is None else code for code in codes], dtype=np.int32)[inverse]
        return made

    many = len(levels) >= _MANY_LEVELS and not numbers
    return Reader(name, CODES, -1, NOUNS["category"], "levels", text, typed, None, None, True, len(levels), many)


def _plain_text(given: str) -> str | None:
    return None if len(given) <= 8 and given.casefold() in kinds.NOTHING else given
