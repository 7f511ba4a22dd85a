"""What a level is worth: the number or moment that its text stands for, so that others which mean it are the same."""

from __future__ import annotations

import re

from modelwright.tasks.data import dates

#: Of which kind it is, and how much: whole numbers as they are, since floats do not hold all of them; microseconds.
Worth = tuple[str, int | float]
_YEAR_FIRST = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?$")


def worth(text: str) -> Worth | None:
    """What a text stands for; None where that is no number, and no moment with its year in front.

    >>> worth("007") == worth("7.0"), worth("2020-01-05") == worth("2020-01-05T00:00:00.000000"), worth("gold")
    (True, True, None)
    """
    if not text[-1:].isdigit() or "_" in text:
        return None
    if _YEAR_FIRST.match(text):
        found = dates.micros(text, day_first=False)
        return None if found is None else ("moment", found)
    try:
        return "number", int(text) if text.lstrip("+-").isdigit() else float(text)
    except ValueError:
        return None
