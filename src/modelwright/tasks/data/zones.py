"""Zones: whether the dates of a column say how far their clock is from UTC. Does not read them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

_CLOCK = re.compile(
    r"(?:\d:|\d{8}T?\d\d)\d{2}(?::?\d{2}(?:[.,]\d{1,9})?)?\s*(?:[AaPp]\.?[Mm]\.?)?\s*"
    r"(?P<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$"
)
_MIDNIGHT = re.compile(r"(?<!\d)0?0:00(?::00(?:[.,]0+)?)?$")


def has_zone(text: str) -> bool | None:
    """Whether a date has a zone; None where it has no time of day, or no other than midnight without a zone.

    >>> has_zone("2016-04-05T10:30Z"), has_zone("2016-04-05 10:30 -0500"), has_zone("5/4/2016 10:30 PM")
    (True, True, False)
    >>> has_zone("2016-04-05") is has_zone("2016-04-05 00:00:00") is None
    True
    """
    found = _CLOCK.search(text)
    if found is None:
        return None
    return True if found["zone"] else None if _MIDNIGHT.search(text) else False


def is_aware(cell: Any) -> bool:
    """Whether a cell is a moment of Python or pandas with a zone."""
    return isinstance(cell, datetime.datetime) and cell.tzinfo is not None


def as_text(cell: datetime.datetime) -> str:
    """A moment with a zone as text that has one too."""
    return cell.astimezone(datetime.UTC).isoformat()


def have_clocks(moments: np.ndarray) -> bool:
    """Whether moments have times of day other than midnight.

    >>> have_clocks(np.array(["2020-01-01", "NaT"], dtype="datetime64[us]"))
    False
    """
    known = moments[~np.isnat(moments)]
    return bool((known != known.astype("datetime64[D]")).any())


def remembered(counts: Mapping[str, int]) -> dict[str, Any]:
    """What a schema remembers of the zones of texts: ``zoned``, or ``zones`` where some have one and others not.

    >>> remembered({"2016-04-05 10:30Z": 3, "2016-04-05": 1}), remembered({"10:30Z": 3, "10:30": 2})
    ({'zoned': True}, {'zones': [3, 2]})
    """
    found = {True: 0, False: 0, None: 0}
    for text, count in counts.items():
        found[has_zone(text)] += count
    if found[True] and found[False]:
        return {"zones": [found[True], found[False]]}
    return {"zoned": bool(found[True])} if found[True] or found[False] else {}


def refused(texts: Iterable[str], zoned: bool | None) -> str:
    """Why dates cannot be read where most have a zone and those of the fit had none, or the reverse; "" else."""
    if zoned is None:
        return ""
    found = [has_zone(text) for text in texts]
    return otherwise(zoned) if 2 * found.count(not zoned) > len(found) else ""


def otherwise(zoned: bool) -> str:
    """What is said of dates that differ from those of the fit, which had zones or none."""
    if zoned:
        return "its dates have no time zone, and those of the fit had one: nothing tells which moments they are"
    return "its dates have a time zone, and those of the fit had none: nothing tells which clock they went by"
