"""Labels: the cells of a target as numbers, booleans or text. Does not know what is predicted from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.tasks.data import kinds, numerals
from modelwright.tasks.data.cells import raw
from modelwright.tasks.data.problems import Unreadable
from modelwright.tasks.data.readers import reader
from modelwright.tasks.data.table import Declared, is_missing

#: Whole numbers up to which a float holds each.
_EXACT = 2**53
#: Under which name the details say what durations are measured in.
MEASURED = "measured"


@dataclass(slots=True)
class Labels:
    """The cells of a target as one type.

    Args:
        type: bool, int, float, text or date.
        values: float64, NaN where there is none and throughout of text.
        cells: as they were given.
        missing: mask of the cells without a value.
        details: how text is read as numbers; what durations are measured in.
        tokens: text that was taken for no value, with how often it occurred.
        names: text -> the number or boolean that the source has there, of cells that are text for want of one type.
        written: a text that is a number as people write them, such as "$1,149.24", where all are numbers and some are
            none as Python writes it; else "".
        exact: whole numbers as they are, where a float does not hold them all; else None.
    """

    type: str
    values: np.ndarray
    cells: np.ndarray
    missing: np.ndarray
    details: dict[str, Any]
    tokens: Mapping[str, int] = field(default_factory=dict)
    names: Mapping[str, bool | int | float] = field(default_factory=dict)
    written: str = ""
    exact: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        cells: np.ndarray,
        *,
        typed: bool,
        wanted: str,
        declared: Declared | None = None,
        context: Callable[[], kinds.Context] = kinds.Context,
    ) -> Labels:
        """The labels in raw cells.

        Args:
            typed: whether text is text, even where it consists of digits.
            wanted: a task that is sure already, or "".
            declared: what the source says of the column.
            context: gives what other columns tell; asked for only where the cells leave their decimal sign open.
        """
        if cells.dtype.kind == "M":
            return cls("date", np.full(len(cells), np.nan), cells, is_missing(cells), {})
        if cells.dtype.kind != "O":
            kind = {"b": "bool", "i": "int"}.get(cells.dtype.kind, "float")
            kind = "int" if declared is not None and declared.whole else kind
            values, missing = cells.astype(np.float64), is_missing(cells)
            exact = _exact(cells, values, missing) if cells.dtype.kind == "i" else None
            details = {MEASURED: declared.unit} if declared is not None and declared.unit else {}
            return cls(kind, values, cells, missing, details, exact=exact)
        found, names = kinds.profile(cells), {} if declared is None else declared.labels
        own = {type(names.get(text, text)) for text in found.counts}
        if own == {bool} or (not typed and _says_true(found.counts) and wanted != "regression"):
            values, _ = reader("", "boolean", {}).many(cells)
            return cls("bool", values, cells, _without(cells, found.counts), {}, found.tokens)
        levels = declared is not None and bool(declared.kind)
        if bool not in own and own - {str} and not levels:
            rest = (text for text in found.counts if text not in names)
            typed = typed and not all(_is_number(text, numerals.Notation()) for text in rest)
        return cls._of_text(cells, found, names, wanted, context, typed=typed or levels, levels=levels)

    @classmethod
    def _of_text(
        cls,
        cells: np.ndarray,
        found: kinds.Profile,
        names: Any,
        wanted: str,
        context: Callable[[], kinds.Context],
        *,
        typed: bool,
        levels: bool,
    ) -> Labels:
        """Numbers where texts are some for sure, or are written as quantities are; else texts."""
        filled = found.less(kinds.NO_VALUE)
        written = _notation(filled.counts, context)
        if wanted != "regression" and not typed:
            plain = _notation(found.counts, context)
            if found.counts and all(_is_number(text, plain) for text in found.counts):
                return cls._numbers(cells, found, plain, names)
        if filled.counts and wanted == "regression":
            if all(written.value(text) is not None for text in filled.counts):
                return cls._numbers(cells, filled, written, names)
        elif filled.counts and not levels and all(_is_quantity(text, written) for text in filled.counts):
            shown = next((text for text in filled.counts if not text.isdigit()), "")
            if shown:
                return replace(cls._numbers(cells, filled, written, names), written=shown)
        missing = _without(cells, found.counts)
        return cls("text", np.full(len(cells), np.nan), cells, missing, {}, found.tokens, names)

    @classmethod
    def _numbers(cls, cells: np.ndarray, found: kinds.Profile, written: numerals.Notation, names: Any) -> Labels:
        details = {"decimal": written.decimal, "unit": written.unit}
        values, _ = reader("", "number", details).many(cells)
        missing = _without(cells, found.counts)
        known = values[~missing]
        whole = bool((known == np.floor(known)).all()) and not any(written.decimal in text for text in found.counts)
        kind, exact = ("int", _exact(cells, values, missing)) if whole else ("float", None)
        return cls(kind, values, cells, missing, details, found.tokens, names, exact=exact)

    def spelled(self) -> Labels:
        """The same as texts, where numbers as people write them turned out to be classes."""
        found = kinds.profile(self.cells)
        missing = _without(self.cells, found.counts)
        return Labels("text", np.full(len(self.cells), np.nan), self.cells, missing, {}, found.tokens, self.names)

    @property
    def known(self) -> np.ndarray:
        """The values that are there."""
        return (self.values if self.exact is None else self.exact)[~self.missing]

    def counts(self) -> dict[Any, int]:
        """Class -> rows. Texts that differ only in outer blanks are one class, called as it is most often."""
        if self.type != "text":
            distinct, times = np.unique(self.known, return_counts=True)
            make = {"bool": bool, "int": int, "float": float}[self.type]
            return {
                make(value): int(count) for value, count in zip(distinct.tolist(), times.tolist()) if value == value
            }
        raws = Counter(cell for cell, gone in zip(self.cells.tolist(), self.missing.tolist()) if not gone)
        names: dict[str, str] = {}
        counts: Counter[str] = Counter()
        for text, count in raws.most_common():
            bare = names.setdefault(text.strip(), text)
            counts[bare] += count
        return {self.names.get(text.strip(), text): count for text, count in counts.items()}


def _exact(cells: np.ndarray, values: np.ndarray, missing: np.ndarray) -> np.ndarray | None:
    """Whole numbers as they are; None where floats hold them, or they are written in another way than Python's."""
    if not (np.abs(values[~missing]) > _EXACT).any():
        return None
    if cells.dtype.kind == "i":
        return cells
    found = [0 if gone else whole(cell) for cell, gone in zip(cells.tolist(), missing.tolist(), strict=True)]
    return None if None in found else np.array(found, object)


def whole(text: str) -> int | None:
    """The whole number that a text is, of any size; None where it is none.

    >>> whole(" 9007199254740993"), whole("1e3")
    (9007199254740993, None)
    """
    try:
        return None if "_" in text else int(text)
    except ValueError:
        return None


def places_of(classes: Sequence[Any], cells: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Places of whole numbers of any size among the classes, -1 where there is none.

    Args:
        values: the cells as floats, of those that are not written as Python writes whole numbers.
    """
    places: dict[Any, int] = {one: place for place, one in enumerate(classes)}
    if cells.dtype.kind == "i":
        distinct, inverse = np.unique(cells, return_inverse=True)
        return np.array([places.get(one, -1) for one in distinct.tolist()], np.int64)[inverse]
    texts = cells.tolist() if cells.dtype.kind == "O" else [None] * len(cells)
    wholes = [None if text is None else whole(text) for text in texts]
    for row in np.flatnonzero(np.isfinite(values)).tolist():
        if wholes[row] is None and values[row].is_integer():
            wholes[row] = int(values[row])
    return np.array([places.get(one, -1) for one in wholes], np.int64)


def class_named(given: Any, classes: Sequence[Any], details: Mapping[str, Any]) -> Any:
    """The class that somebody means, None where there is none: a word is read as a cell of the target would be.

    Args:
        details: how text is read as numbers.

    >>> class_named("TRUE", (False, True), {}), class_named("1", (0.0, 1.0), {}), class_named("yes", ("no", "yes "), {})
    (True, 1.0, 'yes ')
    """
    same = [known for known in classes if given == known]
    same += [known for known in classes if str(given).strip() == str(known).strip()]
    if same:
        return same[0]
    types = set(map(type, classes))
    if not isinstance(given, str) or str in types:
        return None
    value: Any = whole(given)
    if value is None:
        try:
            value = reader("", "boolean" if types == {bool} else "number", details).one(given)
        except Unreadable:
            return None
    return next((known for known in classes if known == value), None)


def is_large(classes: Sequence[Any]) -> bool:
    """Whether there are whole numbers that no float holds."""
    return any(type(one) is int and abs(one) > _EXACT for one in classes)


def _says_true(texts: Iterable[str]) -> bool:
    folded = {text.casefold() for text in texts}
    return bool(folded) and folded <= {"true", "false"}


def _without(cells: np.ndarray, texts: Container[str]) -> np.ndarray:
    """Mask of the cells that are none of ``texts``."""
    return np.fromiter((cell is None or cell.strip() not in texts for cell in cells.tolist()), bool, len(cells))


def _notation(texts: Iterable[str], context: Callable[[], kinds.Context]) -> numerals.Notation:
    """How the numbers among texts are written."""
    (usual, _), (other, _) = (numerals.notation(texts, comma=comma) for comma in (False, True))
    return other if usual != other and context().comma else usual


def _is_number(text: str, written: numerals.Notation) -> bool:
    """Whether a text is a number for sure: labels such as "007", "3+" and "5 kg" may be names of classes."""
    if text[:1] == "0" and text[1:2].isdigit():
        return False
    return text[-1:].isdigit() and text[:1] in "-0123456789." and written.value(text) is not None


def _is_quantity(text: str, written: numerals.Notation) -> bool:
    """Whether a text is a number as people write them: codes and bounds are none."""
    if numerals.bounded(text) or (text[:1] == "0" and text[1:2].isdigit()):
        return False
    return written.value(text) is not None


def column_of(column: Any, name: str) -> tuple[np.ndarray, Declared | None]:
    """The raw cells of whatever holds a target, and what its source says of it.

    Raises:
        ArgumentError: a cell holds several things.
    """
    if isinstance(column, np.ndarray) and column.ndim == 1:
        plain = column.dtype.kind == "O" and all(cell is None or type(cell) is str for cell in column)
        if plain or column.dtype in (np.float64, np.int64, bool):
            return column, None
    where = f"target {name!r:.80}"
    cells, declared = raw(column, name, where, [])
    refuse_several(declared, where)
    return cells, declared


def refuse_several(declared: Declared | None, where: str) -> None:
    """A label is one thing."""
    if declared is not None and declared.strange:
        raise ArgumentError(
            f"it has cells of {declared.strange}", where=where, allowed="text, numbers, or true and false"
        )


def some_of(classes: Sequence[Any], most: int = 5) -> str:
    """The first classes, in words."""
    return ", ".join(f"{known!r:.40}" for known in classes[:most]) + (" ..." if len(classes) > most else "")
