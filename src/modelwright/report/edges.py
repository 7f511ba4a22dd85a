"""Edges: parameters whose best value lies where their range ends, so that a wider one may hold better.

Owns when that is worth saying. Says nothing of ends that nothing lies beyond: shares, and counts from 0 or 1.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from modelwright.report import text
from modelwright.report.encoding import is_number, plain_spec
from modelwright.report.view import StudyView, ranked

#: Part of the range, on the sampling scale, that counts as its end.
NEAR = 0.02
#: Trials with a value before anything is said, the best of them that are looked at, and how many have to agree.
ENOUGH, TOP, MOST = 8, 5, 3


def edges(view: StudyView) -> list[tuple[str, str, Any]]:
    """(parameter, "lower" or "upper", end of its range) where the best trial and most of the best five lie there.

    Empty before eight trials have a value, and with several objectives, where the ends of the front are meant to lie
    at the ends of the ranges.
    """
    rows = ranked(view)
    if len(rows) < ENOUGH or len(view.objectives) > 1:
        return []
    specs = list(getattr(view.space, "parameters", None) or ())
    times = Counter(str(spec.name) for spec in specs)
    found = []
    for spec in specs:
        name, said = str(spec.name), plain_spec(spec)
        if times[name] > 1 or not _open(said):
            continue
        ends = [_end(said, row.config.get(name)) for row in rows[:TOP]]
        if ends[0] and ends.count(ends[0]) >= MOST and not _natural(said, ends[0]):
            found.append((name, ends[0], said["low"] if ends[0] == "lower" else _reached(said)))
    return found


def edges_text(view: StudyView, most: int = 3) -> str:
    """The same as one sentence; "" where there is nothing to say."""
    found = edges(view)
    if not found:
        return ""
    named = [f"the {end} end of {text.clean(name, 60)} ({text.setting(value)})" for name, end, value in found]
    if len(named) > most:
        named[most:] = [f"the end of {len(named) - most} more"]
    listed = f"{', '.join(named[:-1])} and {named[-1]}" if len(named) > 1 else named[0]
    return f"The best lies at {listed}: a wider range may hold better."


def _open(said: Mapping[str, Any]) -> bool:
    """Whether a range has ends and something between them."""
    low: Any = said.get("low")
    high: Any = said.get("high")
    step: Any = said.get("step")
    if not (is_number(low) and is_number(high) and low < high):
        return False
    log = said.get("sampling") not in (None, "linear")
    after = (low * step if log else low + step) if step else low + 1 if said.get("kind") == "int" else low
    return after < high


def _reached(said: Mapping[str, Any]) -> Any:
    """The largest value there is: steps from the lower end may stop before the upper one."""
    low, high, step, sampling = said["low"], said["high"], said.get("step"), said.get("sampling")
    if not step or sampling not in (None, "linear", "log"):
        return high
    if sampling == "log":
        return low * step ** math.floor(math.log(high / low, step) + 1e-9)
    return low + step * math.floor((high - low) / step + 1e-9)


def _natural(said: Mapping[str, Any], end: str) -> bool:
    """Whether nothing lies beyond: below none or, for whole numbers, below one; beyond a share of one."""
    low, high = said["low"], said["high"]
    if end == "lower":
        return low == 0 or (low == 1 and said.get("kind") == "int")
    return low >= 0 and high == 1 and said.get("sampling") in (None, "linear")


def _end(said: Mapping[str, Any], value: Any) -> str:
    """Which end of the range a value lies at, "" for none."""
    if not is_number(value):
        return ""
    low, high, sampling = said["low"], _reached(said), said.get("sampling")
    value = min(max(value, low), high)
    if sampling in (None, "linear"):
        place = (value - low) / (high - low)
    elif sampling == "log":
        place = math.log(value / low) / math.log(high / low)
    else:  # the log scale, mirrored: fine near the upper end
        place = 1 - math.log((low + high - value) / low) / math.log(high / low)
    return "lower" if place <= NEAR else "upper" if place >= 1 - NEAR else ""
