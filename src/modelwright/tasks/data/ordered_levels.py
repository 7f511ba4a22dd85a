"""Bands: levels of text whose order is plain, such as "0 - 200 DM" or "low" and "high"."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection

#: Scales of words from low to high; each place holds words of the same meaning.
_SCALES = [
    (
        "jan january|feb february|mar march|apr april|may|jun june|jul july|aug august|sep sept september|oct october|"
        "nov november|dec december"
    ),
    "mon monday|tue tues tuesday|wed wednesday|thu thur thurs thursday|fri friday|sat saturday|sun sunday",
    (
        "none;never;not at all|very low;lowest|low;rarely;a little;not much|medium;moderate;mid;sometimes;some|"
        "high;often;a lot|very high;highest;always"
    ),
    "very bad;very poor;awful;terrible|bad;poor|fair;average;ok;okay;mediocre|good|very good|excellent;ideal;perfect",
    "strongly disagree|disagree|neutral;neither agree nor disagree;undecided|agree|strongly agree",
    "very dissatisfied|dissatisfied;unsatisfied|neutral|satisfied|very satisfied",
    "very unlikely|unlikely|neutral|likely|very likely",
    "xxs|xs;extra small|s;small|m;medium|l;large|xl;extra large|xxl|xxxl",
    "first|second|third|fourth|fifth",
    "1st|2nd|3rd|4th|5th|6th|7th|8th|9th",
    "beginner;novice|intermediate|advanced|expert",
    "cold|cool|mild|warm|hot",
]
_NUMBER = r"[-−]?[$€£]?\s*(\d[\d,]*(?:\.\d+)?|\.\d+)\s*([kKmM])?"
_WORD = r"(?:\s*(?:years?|yrs?|months?|days?|hours?|hrs?|minutes?|mins?|[A-Z]{2,3}|[$€£%]|kg|cm|mm|km|miles?))?"
_BETWEEN = re.compile(rf"{_NUMBER}{_WORD}\s*(?:-|–|—|to|\.\.\.?|:)\s*{_NUMBER}{_WORD}$", re.IGNORECASE)
_BRACKETS = re.compile(r"[\[(]\s*(-?[\d.]+|-inf)\s*[,;]\s*(-?[\d.]+|inf)\s*[\])]$", re.IGNORECASE)
_BELOW = re.compile(rf"(?:<=?|≤|under|below|less than|up to|at most)\s*{_NUMBER}{_WORD}$", re.IGNORECASE)
_ABOVE = re.compile(rf"(?:>=?|≥|over|above|more than|at least)\s*{_NUMBER}{_WORD}$", re.IGNORECASE)
_BEYOND = re.compile(rf"{_NUMBER}{_WORD}\s*(?:\+|plus|or more|and more|and over|and above)$", re.IGNORECASE)
_UNTIL = re.compile(rf"{_NUMBER}{_WORD}\s*(?:or less|or fewer|and under|and below)$", re.IGNORECASE)
_ONLY = re.compile(rf"{_NUMBER}{_WORD}$", re.IGNORECASE)
_DIGITS = re.compile(r"\d+(?:\.\d+)?")
_SIGNED = re.compile(r"(?:^|\s)[-−]\d")
#: Words for "not said", which have no place in an order.
UNSAID = frozenset({"unknown", "not known", "unspecified", "other", "missing", "no answer", "prefer not to say"})


def ordered(levels: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The levels from low to high and those without a place, such as "unknown"; None where no order is plain.

    >>> ordered(["> 200 DM", "< 0 DM", "unknown", "1 - 200 DM"])
    (('< 0 DM', '1 - 200 DM', '> 200 DM'), ('unknown',))
    >>> ordered(["high", "low", "medium"])
    (('low', 'medium', 'high'), ())
    >>> ordered(["north", "south"]) is None
    True
    """
    placed = [level for level in levels if level.casefold() not in UNSAID]
    unsaid = tuple(sorted(level for level in levels if level.casefold() in UNSAID))
    if len(placed) < 2 or len(unsaid) > 2 or len(levels) > 200 or max(map(len, placed)) > 64:
        return None
    found = _in_words(placed) or _in_numbers(placed)
    return (found, unsaid) if found else None


def numbered(levels: Collection[str]) -> tuple[str, ...] | None:
    """Levels that differ in one number alone, by that number; None for others. Nobody says that such levels have an
    order: houses are numbered too.

    >>> numbered(["grade 10", "Grade 9", "grade 1"]), numbered(["1 of 3", "2 of 3"]), numbered(["at -5", "at -3"])
    (('grade 1', 'Grade 9', 'grade 10'), None, None)
    """
    if len({_DIGITS.sub("\0", " ".join(level.casefold().split())) for level in levels}) != 1:
        return None
    found = [_DIGITS.findall(level) for level in levels]
    if any(len(numbers) != 1 for numbers in found) or any(_SIGNED.search(level) for level in levels):
        return None
    values = [float(numbers[0]) for numbers in found]
    return tuple(level for _, level in sorted(zip(values, levels))) if len(set(values)) == len(values) > 1 else None


def _in_words(levels: list[str]) -> tuple[str, ...] | None:
    if len(levels) < 3 and not {level.casefold() for level in levels} <= {"low", "high", "small", "large"}:
        return None
    for scale in _SCALES:
        places = {
            word.strip(): i
            for i, step in enumerate(scale.split("|"))
            for word in (step.split(";") if ";" in step or ";" in scale else step.split())
        }
        found = [places.get(" ".join(level.casefold().split())) for level in levels]
        if None not in found and len(set(found)) == len(found):
            return tuple(level for _, level in sorted(zip(found, levels), key=lambda pair: pair[0] or 0))
    return None


def _in_numbers(levels: list[str]) -> tuple[str, ...] | None:
    """Bands by their ends: they must follow one another without overlap."""
    found, ranges = [], 0
    for level in levels:
        ends = _ends(level)
        if ends is None:
            return None
        ranges += ends[0] != ends[1]
        found.append((ends, level))
    if not ranges:
        return None
    found.sort()
    if any(before[0][1] > after[0][0] for before, after in itertools.pairwise(found)):
        return None
    return tuple(level for _, level in found)


def _ends(level: str) -> tuple[float, float] | None:
    text = " ".join(level.replace("\u00a0", " ").split())
    brackets = _BRACKETS.match(text)
    if brackets:
        return float(brackets[1]), float(brackets[2])
    between = _BETWEEN.match(text)
    if between:
        low, high = _value(between[1], between[2]), _value(between[3], between[4])
        return (low, high) if low <= high else None
    for pattern, open_low, open_high in (
        (_BELOW, True, False),
        (_UNTIL, True, False),
        (_ABOVE, False, True),
        (_BEYOND, False, True),
    ):
        match = pattern.match(text)
        if match:
            value = _value(match[1], match[2])
            return (float("-inf") if open_low else value, float("inf") if open_high else value)
    only = _ONLY.match(text)
    if only:
        value = _value(only[1], only[2])
        return value, value
    return None


def _value(digits: str, magnitude: str | None) -> float:
    return float(digits.replace(",", "") or 0) * {"k": 1e3, "m": 1e6}.get((magnitude or "").lower(), 1.0)
