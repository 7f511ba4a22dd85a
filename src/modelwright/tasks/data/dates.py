"""Dates: text that stands for a moment, in the usual ways of writing one. Moments are microseconds since 1970, UTC."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass

from modelwright.core.wording import counted
from modelwright.tasks.data.uniform_dates import uniform

_MONTHS = {
    name: i
    for i, names in enumerate(
        "jan january|feb february|mar march|apr april|may|jun june|jul july|aug august|sep sept september|oct october|"
        "nov november|dec december".split("|"),
        1,
    )
    for name in names.split()
}
_TIME = r"(?P<h>\d{1,2}):(?P<mi>\d{2})(?::(?P<s>\d{2})(?:[.,](?P<f>\d{1,9}))?)?\s*(?P<half>[AaPp]\.?[Mm]\.?)?"
_ZONE = r"\s*(?P<z>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?"
_TAIL = rf"(?:(?:T|,?\s+|:){_TIME}{_ZONE})?$"
_DAY = r"(?P<d>\d{1,2})(?:st|nd|rd|th)?"
_NAME = r"(?P<name>[A-Za-z]{3,9})\.?"
_WEEKDAY = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\s+)?"
_FORMATS = {
    "year-month-day": re.compile(rf"(?P<y>\d{{4}})(?P<sep>[-/.])(?P<mo>\d{{1,2}})(?P=sep)(?P<d>\d{{1,2}}){_TAIL}"),
    "day/month": re.compile(rf"(?P<a>\d{{1,2}})(?P<sep>[-/. ])(?P<b>\d{{1,2}})(?P=sep)(?P<y>\d{{4}}|\d{{2}}){_TAIL}"),
    "day name year": re.compile(rf"{_WEEKDAY}{_DAY}[-\s./]*{_NAME}[-\s,./]*(?P<y>\d{{4}}|\d{{2}}){_TAIL}"),
    "name day year": re.compile(rf"{_WEEKDAY}{_NAME}[-\s]*{_DAY}(?:,\s*|[-\s]+)(?P<y>\d{{4}}){_TAIL}"),
    "year name day": re.compile(rf"(?P<y>\d{{4}})[-\s]{_NAME}[-\s]{_DAY}{_TAIL}"),
    "digits": re.compile(
        # Where a column of whole numbers has gaps, pandas writes 20160405.0.
        r"(?P<y>(?:19|20)\d{2})(?P<mo>\d{2})(?P<d>\d{2})(?:T?(?P<h>\d{2})(?P<mi>\d{2})(?P<s>\d{2})?Z?|\.0)?$"
    ),
    "year-month": re.compile(r"(?P<y>\d{4})[-/](?P<mo>\d{1,2})$"),
    "name year": re.compile(rf"{_NAME}[-\s,]+(?P<y>\d{{4}})$"),
    "year-week": re.compile(r"(?P<y>\d{4})-?W(?P<w>\d{2})(?:-?(?P<d>[1-7]))?$"),
    "year-quarter": re.compile(r"(?P<y>\d{4})[-\s]?Q(?P<q>[1-4])$"),
    "time": re.compile(rf"{_TIME}$"),
}
_LONGEST = 64
_EPOCH = datetime.date(1970, 1, 1).toordinal()
#: What may be a day or a month.
_OPEN = frozenset(range(1, 13))
#: Two digits of a year: up to here they are of this century.
_PIVOT = 68


def shape_of(text: str) -> str:
    """The name of the way in which ``text`` writes a moment; "" where it is none.

    >>> shape_of("2016-04-04 10:00"), shape_of("4 Apr 2016"), shape_of("Apr 4, 2016"), shape_of("Trafalgar Square")
    ('year-month-day', 'day name year', 'name day year', '')
    """
    if len(text) > _LONGEST or not any(sign.isdigit() for sign in text[:40]):
        return ""
    for name, pattern in _FORMATS.items():
        if pattern.match(text):
            return name
    return ""


def micros(text: str, *, day_first: bool, strict: bool = False) -> int | None:
    """The moment that ``text`` stands for; None where it is none, or one that never was, such as 30 February.

    Where only the other order of day and month makes a date, it is taken, unless ``strict``.

    >>> micros("01/02/1970", day_first=False) // 86_400_000_000, micros("01/02/1970", day_first=True) // 86_400_000_000
    (1, 31)
    >>> micros("1970-01-01T01:00:00+01:00", day_first=False), micros("2023-02-30", day_first=False)
    (0, None)

    A week begins on a Monday, and the first of a year has its first Thursday (ISO 8601).

    >>> micros("1970-W02", day_first=False) // 86_400_000_000, micros("1970-Q2", day_first=False) // 86_400_000_000
    (4, 90)
    """
    if len(text) > _LONGEST or not text[:1].isalnum():
        return None
    for name, pattern in _FORMATS.items():
        found = pattern.match(text)
        if found is not None:
            parts = found.groupdict()
            days = _days(name, parts, day_first, strict)
            seconds = _of_day(parts)
            if days is None or seconds is None:
                return None
            return (days * 86_400 + seconds) * 1_000_000 + int((parts.get("f") or "0").ljust(6, "0")[:6])
    return None


def _days(name: str, parts: dict[str, str | None], day_first: bool, strict: bool) -> int | None:
    if name == "time":
        return 0
    year = int(parts["y"] or 0)
    if len(parts["y"] or "") == 2:
        year += 2000 if year <= _PIVOT else 1900
    if name == "day/month":
        a, b = int(parts["a"] or 0), int(parts["b"] or 0)
        day, month = (a, b) if day_first else (b, a)
        if month > 12 and not strict:
            day, month = month, day
    else:
        day = int(parts.get("d") or 1)
        month = _MONTHS.get((parts.get("name") or "").lower(), 0) if "name" in parts else int(parts.get("mo") or 1)
        month += 3 * (int(parts.get("q") or 1) - 1)
    try:
        if name == "year-week":
            return datetime.date.fromisocalendar(year, int(parts["w"] or 0), day).toordinal() - _EPOCH
        return datetime.date(year, month, day).toordinal() - _EPOCH
    except ValueError:
        return None


def _of_day(parts: dict[str, str | None]) -> int | None:
    """Seconds since midnight, in UTC."""
    if not parts.get("h"):
        return 0
    hour, minute, second = int(parts["h"] or 0), int(parts["mi"] or 0), int(parts.get("s") or 0)
    half = (parts.get("half") or "")[:1].lower()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 24 or minute > 59 or second > 60:
        return None
    zone = parts.get("z") or ""
    shift = 0
    if zone[:1] in ("+", "-"):
        digits = zone[1:].replace(":", "").ljust(4, "0")
        shift = (int(digits[:2]) * 3600 + int(digits[2:]) * 60) * (1 if zone[0] == "+" else -1)
    return hour * 3600 + minute * 60 + second - shift


@dataclass(frozen=True, slots=True)
class Orders:
    """What dates such as 04/05/2016 tell of the order of day and month.

    Args:
        seen: how many are written so.
        front: how many have a day above 12 in front.
        behind: how many have one in the middle.
        dotted: how many have points or dashes between the numbers.
    """

    seen: int = 0
    front: int = 0
    behind: int = 0
    dotted: int = 0


def orders(texts: Iterable[str]) -> Orders:
    """What distinct texts tell of the order of day and month.

    >>> orders(["20/05/17", "04/05/16", "2016-01-02"])
    Orders(seen=2, front=1, behind=0, dotted=0)
    """
    listed = list(texts)
    alike = uniform(listed)
    if alike is not None:
        if alike.shape == "year-month-day":
            return Orders()
        first, second = alike.fields[:2]
        front, behind = int(((first > 12) & (second <= 12)).sum()), int(((second > 12) & (first <= 12)).sum())
        return Orders(len(listed), front, behind, alike.dotted * len(listed))
    found = [match for match in map(_FORMATS["day/month"].match, listed) if match is not None]
    pairs = [(int(match["a"]), int(match["b"])) for match in found]
    return Orders(
        len(found),
        sum(a > 12 >= b for a, b in pairs),
        sum(b > 12 >= a for a, b in pairs),
        sum(match["sep"] in ".-" for match in found),
    )


def is_open(text: str) -> bool:
    """Whether a text is one date with days first, and another one with months first.

    >>> is_open("04/05/2016"), is_open("04/04/2016"), is_open("20/05/2016"), is_open("2016-04-05")
    (True, False, False, False)
    """
    found = _FORMATS["day/month"].match(text)
    return found is not None and len({int(found["a"]), int(found["b"])} & _OPEN) == 2


def settled(texts: Iterable[str], usual: bool | None) -> bool | str | None:
    """Whether days come first in other dates of a column, None where no date is written so that one could ask.

    Args:
        texts: distinct cells.
        usual: whether they did so far; None where nobody had to know.

    Returns:
        A text that says why they cannot be read: nothing tells, or they are in the other order.

    >>> settled(["13/01/2020", "02/01/2020"], None), settled(["2020-01-02"], None), settled(["05/04/2020"], True)
    (True, None, True)
    >>> settled(["05/04/2020"], None)
    "nothing tells whether days or months come first in dates such as '05/04/2020'"
    """
    listed = list(texts)
    found = orders(listed)
    if not found.seen:
        return usual
    if usual is None:
        if found.front or found.behind:
            return found.front > found.behind
        shown = next(text for text in sorted(listed) if orders([text]).seen)
        return f"nothing tells whether days or months come first in dates such as {shown!r:.40}"
    against, along = (found.behind, found.front) if usual else (found.front, found.behind)
    if against <= along:
        return usual
    return f"{counted(against, 'date')} can only be read with {'months' if usual else 'days'} first, not as before"


def day_first(texts: Iterable[str], *, other: bool | None = None) -> tuple[bool, str]:
    """Whether days come before months in dates such as 04/05/2016, and what says so.

    Args:
        texts: distinct cells of a column.
        other: what other columns of the table say; None where they say nothing.

    >>> day_first(["20/05/17", "13/08/16"]), day_first(["04/05/2016"])
    ((True, '2 dates have a day above 12 in front'), (False, 'nothing tells: months first, as with / usual'))
    """
    found = orders(texts)
    front, behind = found.front, found.behind
    if front or behind:
        first = front > behind
        count = max(front, behind)
        said = f"{count} date{'' if count == 1 else 's'} have a day above 12 {'in front' if first else 'in the middle'}"
        return first, said + (f", {min(front, behind)} the other way round" if min(front, behind) else "")
    if not found.seen:
        return False, ""
    if other is not None:
        return other, "nothing tells: as in the other columns"
    first = found.dotted * 2 > found.seen
    return first, f"nothing tells: {'days first, as with . and -' if first else 'months first, as with /'} usual"
