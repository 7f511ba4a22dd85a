"""Kinds: what a column is, told from its cells alone; its name is never looked at."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from modelwright.tasks.data import dates, numerals, ordered_levels, whole_numbers, zones
from modelwright.tasks.data.boolean_words import FALSE, TRUE, are_yes_and_no
from modelwright.tasks.data.plain_numbers import plain
from modelwright.tasks.data.table import is_missing
from modelwright.tasks.data.uniform_dates import uniform

KINDS = ("number", "category", "ordinal", "boolean", "datetime", "text", "id", "constant")
#: Text that stands for nothing in every column, in small letters.
NOTHING = frozenset({"", "?", "na", "n/a", "#n/a", "n.a.", "nan", "null", "(null)", "<na>", "nat", "\\n", "#null!"})
#: Text that stands for nothing where numbers, dates or yes and no are expected, and may be a level elsewhere.
NO_VALUE = NOTHING | frozenset(
    "none|nil|-|--|---|–|.|..|...|missing|unknown|unk|undefined|tbd|not available|not applicable|not known|void|n/d|nd|"
    "#value!|#div/0!|#ref!|#name?".split("|")
)
#: Share of the cells that may be unreadable in a column of numbers or dates.
UNREADABLE = 0.05
#: Share of the dates with days and months the other way round beyond which those that may be either are none.
_UNCLEAR = 0.1
_SAMPLE = 300
_EXACT = 2.0**53
_WHOLE = re.compile(r"[-+]?\d{1,64}$")
_MOST_LEVELS = 50_000


@dataclass(frozen=True, slots=True)
class Context:
    """What other columns of the table tell where a column leaves it open: how they write decimals and dates."""

    comma: bool = False
    day_first: bool | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A kind with what is needed to read such cells again, and why."""

    kind: str
    why: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Profile:
    """Distinct cells of a column as text without outer blanks, how often each occurs, and what stands for nothing."""

    rows: int
    counts: Mapping[str, int]
    tokens: Mapping[str, int]

    @property
    def present(self) -> int:
        """How many cells hold something."""
        return sum(self.counts.values())

    def less(self, tokens: Iterable[str]) -> Profile:
        """The same with more texts that stand for nothing."""
        gone = {text: count for text, count in self.counts.items() if text.casefold() in tokens}
        kept = {text: count for text, count in self.counts.items() if text not in gone} if gone else self.counts
        return Profile(self.rows, kept, {**self.tokens, **gone})


def canonical(value: float) -> str:
    """A number as a level of text: whole numbers without a point.

    >>> canonical(3.0), canonical(3.5)
    ('3', '3.5')
    """
    return str(int(value)) if value == value // 1 and abs(value) < 1e16 else repr(float(value))


def level(cell: Any) -> str:
    """A cell as a level of text.

    >>> level(" gold "), level(3.0), level(np.int64(3)), level(True)
    ('gold', '3', '3', 'True')
    """
    cell = cell.item() if isinstance(cell, np.generic) else cell
    return canonical(cell) if type(cell) in (int, float) and abs(cell) < _EXACT else str(cell).strip()


def profile(cells: np.ndarray) -> Profile:
    """The profile of raw cells of any type."""
    if cells.dtype.kind == "O":
        raw = Counter(cells.tolist())
        raw.pop(None, None)
    elif cells.dtype.kind == "M":
        raw = Counter(np.datetime_as_string(cells[~np.isnat(cells)]).tolist())
    else:
        values, times = np.unique(cells[~is_missing(cells)], return_counts=True)
        texts = map(str, values.tolist()) if cells.dtype.kind in "bi" else map(canonical, values.tolist())
        raw = dict(zip(texts, times.tolist()))
    counts: dict[str, int] = {}
    tokens: dict[str, int] = {}
    for text, count in raw.items():
        bare = text.strip()
        into = tokens if len(bare) <= 8 and bare.casefold() in NOTHING else counts
        into[bare] = into.get(bare, 0) + count
    return Profile(len(cells), counts, tokens)


def infer(cells: np.ndarray, context: Context) -> Finding:
    """The kind of a column.

    >>> infer(np.array(["a1", "b2", "a1"], dtype=object), Context()).kind
    'category'
    >>> infer(np.array(["1,250", None, "?", "900"], dtype=object), Context()).kind
    'number'
    """
    if cells.dtype.kind == "M":
        known = cells[~np.isnat(cells)]
        if not len(known):
            return Finding("constant", "every cell is missing", {"value": None})
        if len(known) == len(cells) and (known == known[0]).all():
            return Finding("constant", "every cell is the same", {"value": str(known[0])})
        return Finding("datetime", "the source has dates", {"day_first": None})
    if cells.dtype.kind != "O":
        return _of_numbers(cells, "the source has numbers" if cells.dtype.kind != "b" else "the source has booleans")
    numbers = plain(cells.tolist())
    if numbers is not None:
        grouped = numerals.grouped(cells.tolist())
        if not (grouped and context.comma):
            found = _of_numbers(numbers.values, "every cell is a number")
            if found.kind == "datetime" and not _in_digits(cells):
                return _of_text(profile(cells), context)
            return replace(found, details={**found.details, "sure": False}) if grouped else found
    return _of_text(profile(cells), context)


def _of_numbers(values: np.ndarray, why: str) -> Finding:
    known = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if not len(known):
        return Finding("constant", "every cell is missing", {"value": None})
    low, high = known.min(), known.max()
    if low == high and len(known) == len(values):
        return Finding("constant", "every cell is the same", {"value": canonical(float(low))})
    if values.dtype.kind == "b" or (low == 0 and high == 1 and bool(((known == 0) | (known == 1)).all())):
        return Finding("boolean", "the cells are 0 and 1" if values.dtype.kind != "b" else why, {})
    whole = values.dtype.kind == "i" or bool((known == np.floor(known)).all())
    if whole and whole_numbers.are_days(known, UNREADABLE):
        return Finding("datetime", "the cells are dates as year, month and day in digits", {"day_first": None})
    large = known.dtype.kind == "i" and (low < -_EXACT or high > _EXACT)
    if large and not whole_numbers.told_apart(counts := Counter(known.tolist())):
        return _codes(counts, profile(values).counts)
    if whole and len(known) >= 0.99 * len(values):
        said = whole_numbers.identify(known)
        if said:
            return Finding("id", said, {})
    return Finding("number", why, {"decimal": ".", "unit": "", "whole": whole})


def _in_digits(cells: np.ndarray) -> bool:
    """Whether texts that are whole numbers are written as such: dates are not read from 2.0160405e7."""
    texts = {cell.strip() for cell in cells.tolist() if cell is not None}
    return all(_WHOLE.match(text.removesuffix(".0")) for text in texts if text.casefold() not in NOTHING)


def _codes(numbers: Mapping[int, int], counts: Mapping[str, int]) -> Finding:
    """Numbers that floats do not tell apart: whatever they stand for would be lost."""
    why = "floats cannot tell the whole numbers apart"
    if len(numbers) >= 0.99 * sum(numbers.values()):
        return Finding("id", f"{why}, none of which occurs twice", {})
    return Finding("category", f"{why}, which repeat: they are codes", {"levels": levels(counts)})


def _of_text(found: Profile, context: Context) -> Finding:
    if not found.counts:
        return Finding("constant", "every cell is missing", {"value": None})
    folded = {text.casefold() for text in found.counts} - NO_VALUE
    if are_yes_and_no(folded):
        return Finding("boolean", "the cells say yes and no", {})
    if len(found.counts) == 1 and found.present == found.rows:
        return Finding("constant", "every cell is the same", {"value": next(iter(found.counts))})
    return _number(found, context) or _moment(found, context) or _levels(found)


def _sampled(texts: Iterable[str], count: int) -> list[str]:
    kept = list(texts)
    return kept[:: max(1, len(kept) // count)][: 2 * count]


def _number(found: Profile, context: Context) -> Finding | None:
    filled = found.less(NO_VALUE)
    if not filled.counts:
        return None
    sample = _sampled(filled.counts, _SAMPLE)
    written, _ = numerals.notation(sample, comma=context.comma)
    if sum(written.value(text) is not None for text in sample) < 0.5 * len(sample) or not sample:
        return None
    written, sure = numerals.notation(filled.counts, comma=context.comma)
    if all(map(str.isdigit, filled.counts)) and _same_length_codes(filled):
        return None
    values = {text: written.value(text) for text in filled.counts}
    bad = {text: count for text, count in filled.counts.items() if values[text] is None}
    bounds = sum(count for text, count in filled.counts.items() if numerals.bounded(text))
    if sum(bad.values()) > UNREADABLE * filled.present or bounds > 0.5 * filled.present:
        return None
    numbers = [value for value in values.values() if value is not None]
    digits = all(map(_WHOLE.match, values.keys() - bad.keys()))
    if digits and whole_numbers.are_days(np.array(numbers), UNREADABLE):
        return Finding("datetime", "nearly all cells are dates as year, month and day in digits", {"day_first": None})
    if len(numbers) == 1 and filled.present == filled.rows:
        return None
    whole = all(value == value // 1 for value in numbers if abs(value) != float("inf"))
    details = {"decimal": written.decimal, "unit": written.unit, "whole": whole}
    if whole and found.present == len(found.counts) and not bad:
        if max(map(abs, numbers)) >= _EXACT and len({len(text) for text in filled.counts}) == 1:
            return Finding("id", "long numbers of one length, none of which occurs twice", {})
        said = whole_numbers.identify(np.array(numbers)) if max(map(abs, numbers)) < _EXACT else ""
        if said and filled.present >= 0.99 * filled.rows:
            return Finding("id", said, {})
    if digits and max(map(abs, numbers)) >= _EXACT:
        exact: Counter[int] = Counter()
        for text in values.keys() - bad.keys():
            exact[int(text)] += filled.counts[text]
        if not whole_numbers.told_apart(exact):
            return _codes(exact, found.counts)
    why = "nearly every cell is a number" if bad else "every cell is a number"
    return Finding("number", why, {**details, "sure": sure})


def _same_length_codes(found: Profile) -> bool:
    lengths = {len(text) for text in found.counts}
    return len(lengths) == 1 and lengths.pop() >= 3 and any(text[0] == "0" for text in found.counts)


def _moment(found: Profile, context: Context) -> Finding | None:
    filled = found.less(NO_VALUE)
    sample = _sampled(filled.counts, _SAMPLE)
    if not sample or sum(bool(dates.shape_of(text)) for text in sample) < 0.5 * len(sample):
        return None
    order, said = _days_first(filled.counts, context)
    clocks = zones.remembered(filled.counts)
    first = bool(order["day_first"])
    alike = uniform(list(filled.counts))
    bad = 0
    if alike is None or alike.seconds(day_first=first) is None:
        known = (text for text in filled.counts if dates.micros(text, day_first=first) is None)
        bad = sum(filled.counts[text] for text in known)
    if bad > UNREADABLE * filled.present:
        return None
    shapes = sorted({dates.shape_of(text) for text in sample} - {""})
    why = f"the cells are dates ({', '.join(shapes)})" + (f"; {said}" if said else "")
    return Finding("datetime", why, {**order, **clocks, "shapes": shapes})


def _days_first(texts: Iterable[str], context: Context) -> tuple[dict[str, Any], str]:
    """Whether days come first, None where no date is written so that one could ask; and whether both occur.

    Where both do, how often each, and whether that is so often that dates that may be either are none. And whether
    the dates themselves tell it. Then what tells it, in words.
    """
    first, said = dates.day_first(texts, other=context.day_first)
    found = dates.orders(texts)
    made: dict[str, Any] = {"day_first": first if found.seen else None}
    fewer = min(found.front, found.behind)
    if fewer:
        made |= {"mixed": True, "orders": [found.front, found.behind]}
        made |= {"unclear": True} if fewer > _UNCLEAR * (found.front + found.behind) else {}
    return {**made, "sure": "nothing tells" not in said and "unclear" not in made}, said


def _levels(found: Profile) -> Finding:
    distinct, present = len(found.counts), found.present
    order = ordered_levels.ordered(found.counts) if distinct <= 200 else None
    if order is not None:
        return Finding("ordinal", "the levels have a plain order", {"levels": list(order[0]), "unsaid": list(order[1])})
    sample = _sampled(found.counts, 1000)
    words = sum(len(text.split()) for text in sample) / len(sample)
    length = sum(map(len, sample)) / len(sample)
    labels = distinct > 0.6 * present and _labels(sample)
    if labels and present >= max(20, 0.9 * found.rows) and distinct >= 0.99 * present:
        return Finding("id", "codes of one form, none of which occurs twice", {})
    if present >= 10 and distinct > 0.6 * present and (words >= 1.8 or length > 30) and not labels:
        return Finding("text", "several words, mostly different in each row", {})
    if present >= 50 and distinct >= 0.95 * present and not labels:
        return Finding("text", "strings that differ in each row", {})
    if length > 100 and distinct > 0.1 * present:
        return Finding("text", "long strings", {})
    return Finding("category", "strings that repeat", {"levels": levels(found.counts)})


def _labels(texts: list[str]) -> bool:
    """Whether strings are labels by their form: digits among them, and hex of one length or a few shapes."""
    bare = [text for text in texts if not re.search(r"\s", text)]
    if len(bare) < len(texts):
        return not any(sign.isalpha() for text in texts for sign in text) and _few_shapes(texts)
    with_digits = sum(any(sign.isdigit() for sign in text) for text in bare)
    if with_digits < 0.5 * len(bare):
        return False
    if len({len(text) for text in bare}) <= 2:
        return True
    words = sum(len(re.findall(r"[^\W\d_]+", text)) for text in bare) / len(bare)
    return words <= 3 and _few_shapes(bare)


def _few_shapes(texts: list[str]) -> bool:
    shapes = Counter(re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", text)) for text in texts)
    return sum(count for _, count in shapes.most_common(3)) >= 0.9 * len(texts)


def levels(counts: Mapping[str, int]) -> list[str]:
    """Levels by frequency, the most frequent first; equals by their text. Of very many the rare ones are left out."""
    found = sorted(counts, key=lambda text: (-counts[text], text))
    if len(found) > _MOST_LEVELS:
        found = [text for text in found[:_MOST_LEVELS] if counts[text] > 1] or found[:_MOST_LEVELS]
    return found


def in_order(cells: np.ndarray) -> tuple[str, ...] | None:
    """The levels of an ordinal column from low to high; None where nothing tells which comes first.

    >>> in_order(np.array(["10 kg", "9 kg"], dtype=object)), in_order(np.array(["silver", "gold"], dtype=object))
    (('9 kg', '10 kg'), None)
    """
    counts = profile(cells).counts
    plain_ = ordered_levels.ordered(counts)
    if plain_ is not None:
        return plain_[0]
    texts = [text for text in counts if text.casefold() not in NO_VALUE | ordered_levels.UNSAID]
    if cells.dtype.kind == "M" or len(texts) < 2:
        return tuple(sorted(texts))
    if {text.casefold() for text in texts} <= TRUE | FALSE and len(texts) == 2:
        return tuple(sorted(texts, key=lambda text: text.casefold() in TRUE))
    written, _ = numerals.notation(texts)
    values = {text: written.value(text) for text in texts}
    if all(value is not None for value in values.values()):
        return tuple(sorted(values, key=lambda text: values[text] or 0.0))
    return ordered_levels.numbered(texts)


def described(cells: np.ndarray, kind: str, context: Context, order: Sequence[str] = ()) -> Finding:
    """What is needed to read cells as a kind that somebody chose.

    Args:
        order: the levels from low to high, of an ordinal column.
    """
    found = profile(cells)
    why = "as was said"
    if kind == "number":
        filled, typed = found.less(NO_VALUE), cells.dtype.kind != "O"
        written, sure = numerals.notation(filled.counts, comma=context.comma and not typed)
        details = {"decimal": written.decimal, "unit": written.unit, "whole": False}
        return Finding(kind, why, details if typed else {**details, "sure": sure})
    if kind == "datetime":
        return Finding(kind, why, {**_days_first(found.counts, context)[0], **zones.remembered(found.counts)})
    if kind == "category":
        return Finding(kind, why, {"levels": levels(found.counts)})
    if kind == "ordinal":
        nothing = NO_VALUE | ordered_levels.UNSAID
        unsaid = sorted(text for text in found.counts if text not in order and text.casefold() in nothing)
        return Finding(kind, why, {"levels": [text.strip() for text in order], "unsaid": unsaid})
    if kind == "boolean":
        filled = found.less(NO_VALUE)
        if {text.casefold() for text in filled.counts} <= TRUE | FALSE:
            return Finding(kind, why, {})
        return Finding(kind, why, {"levels": sorted(filled.counts)})
    return Finding(kind, why, {"value": None} if kind == "constant" else {})
