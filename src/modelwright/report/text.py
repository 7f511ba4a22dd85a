"""Text for people: names and errors made harmless, numbers and durations made short, columns lined up.

Whatever a user named something is printed literally: no escape sequence, no markup, no line break survives.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from modelwright.core.history import Row
from modelwright.core.objective import Objective
from modelwright.core.wording import counted

#: Characters that change the direction of text, or hide in it.
_HIDDEN = frozenset("\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff")


def clean(given: object, limit: int | None = None) -> str:
    """``given`` as one line that a terminal shows as it is, cut to ``limit`` characters.

    Tabs and line breaks become spaces; other control characters, lone surrogates and marks that turn the
    direction of text become the replacement character.

    >>> clean("two\\nlines"), clean("abcdef", 4)
    ('two lines', 'abc…')
    """
    text = str(given)
    if not text.isprintable():
        text = "".join(map(_harmless, text))
    if limit is not None and len(text) > limit:
        return text[: max(limit - 1, 0)] + "…"
    return text


def middle(said: str, limit: int) -> str:
    """Text cut in its middle: long names often differ only at their ends.

    >>> middle("encoder/block_1/units", 13), middle("units", 13)
    ('encode…/units', 'units')
    """
    if len(said) <= limit:
        return said
    tail = (limit - 1) // 2
    return f"{said[: limit - 1 - tail]}…{said[len(said) - tail :]}"


def name(given: object, limit: int = 60) -> str:
    """The name of a column as ``clean`` shows it, without its middle where it is long.

    >>> name("rate of the first half", 13), name("rate of the second half", 13)
    ('rate o…t half', 'rate o…d half')
    """
    return middle(clean(given), limit)


def clean_block(given: object) -> str:
    """Like ``clean`` for several lines: line breaks stay."""
    return "\n".join(clean(line.expandtabs(4)) for line in str(given).splitlines())


def _harmless(char: str) -> str:
    if char in "\t\n\r\v\f\x85\u2028\u2029":
        return " "
    if char in _HIDDEN or unicodedata.category(char) in ("Cc", "Cs"):
        return "\ufffd"
    return char


def number(value: object, digits: int = 4) -> str:
    """A number in at most ``digits`` significant digits, whole numbers in full; other things as text.

    >>> [number(v) for v in (0.88971, 512, 1e-05, None, float("nan"), "relu")]
    ['0.8897', '512', '1e-05', '-', 'nan', 'relu']
    """
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, Real):
        return clean(value)
    if isinstance(value, Integral):
        whole = int(value)
        return str(whole) if abs(whole) < 10**15 else f"{float(whole):.{digits}e}" if abs(whole) < 1e300 else "huge"
    value = float(value)
    if math.isfinite(value) and value == int(value) and abs(value) < 10 ** max(digits, 6):
        return str(int(value))
    return f"{value:.{digits}g}"


def grouped(said: str) -> str:
    """A long whole number with its thousands set apart; anything else as it is.

    >>> grouped("330730"), grouped("1024"), grouped("0.8897")
    ('330,730', '1024', '0.8897')
    """
    return f"{int(said):,}" if said.isdecimal() and len(said) > 4 else said


def duration(seconds: float | None) -> str:
    """Seconds in the unit that a person would use.

    >>> [duration(s) for s in (0.042, 9.94, 75, 4000, 200000, None)]
    ['42 ms', '9.9 s', '1 min 15 s', '1 h 06 min', '2 d 07 h', '-']
    """
    if seconds is None or not math.isfinite(seconds):
        return "-"
    if 0 < seconds < 0.0005:
        return "<1 ms"
    if seconds < 0.9995:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 59.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes:02d} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours:02d} h"


def setting(value: Any, limit: int = 40) -> str:
    """The value of a hyperparameter, short.

    >>> setting(0.001), setting((3, 3)), setting(True)
    ('0.001', '(3, 3)', 'True')
    """
    if isinstance(value, (tuple, list)):
        return clean("(" + ", ".join(setting(item) for item in value) + ")", limit)
    return clean(str(value) if value is None else number(value), limit)


def config_text(config: Mapping[str, Any], limit: int | None = None) -> str:
    """A configuration on one line.

    >>> config_text({"units": 64, "lr": 0.00123456})
    'units=64 lr=0.001235'
    """
    return clean(" ".join(f"{clean(name, 40)}={setting(value)}" for name, value in config.items()), limit)


def goal(objectives: Sequence[Objective]) -> str:
    """What is optimised, in words.

    >>> goal([Objective("loss", "min")])
    'minimize loss'
    """
    return ", ".join(f"{'maximize' if o.direction == 'max' else 'minimize'} {clean(o.name, 60)}" for o in objectives)


def metric(row: Row, name: str, value: object, digits: int = 4) -> str:
    """The number of a metric of a trial, with a ~ in front where it is a price.

    >>> metric(Row(number=0, config={}, facts={"priced": ["latency_ms@jax,b1"]}), "latency_ms@jax,b1", 3.25)
    '~3.25'
    """
    return f"~{number(value, digits)}" if value is not None and name in row.priced else number(value, digits)


#: What a ~ means, for below the trials that have one.
PRICES = "A ~ stands before a price: a table of latencies says that number, and nobody measured it."


def values_text(row: Row, objectives: Sequence[Objective]) -> str:
    """The values of a trial, each with its name."""
    return " ".join(f"{clean(o.name, 40)}={metric(row, o.name, v)}" for o, v in zip(objectives, row.values or ()))


def budget_text(trials: int | None, seconds: float | None) -> str:
    """A budget in words.

    >>> budget_text(30, 600), budget_text(None, None)
    ('30 trials or 10 min 00 s', 'no limit')
    """
    parts = [counted(trials, "trial")] if trials is not None else []
    parts += [duration(seconds)] if seconds is not None else []
    return " or ".join(parts) or "no limit"


def of_total(number: int, total: int | None) -> str:
    """How many trials there are, of how many there may be.

    >>> of_total(1, None), of_total(1, 30), of_total(1, 1)
    ('1 trial', '1 of 30 trials', '1 of 1 trial')
    """
    return counted(number, "trial") if total is None else f"{number:,} of {counted(total, 'trial')}"


def numbers_text(numbers: Sequence[int], limit: int = 6) -> str:
    """Numbers of trials, the first few of many.

    >>> numbers_text([3]), numbers_text([1, 2, 5], limit=2)
    ('trial 3', 'trials 1, 2 and 1 more')
    """
    shown = ", ".join(str(n) for n in numbers[:limit])
    more = f" and {len(numbers) - limit} more" if len(numbers) > limit else ""
    return f"{'trial' if len(numbers) == 1 else 'trials'} {shown}{more}"


def width(text: str) -> int:
    """How many columns of a terminal ``text`` takes: wide characters two, combining ones none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool] | None = None) -> str:
    """Plain columns under their heads; ``right`` says which ones are set flush right.

    >>> print(table(["trial", "loss"], [["0", "0.5"], ["11", "0.25"]], right=[True, True]))
    trial  loss
    -----  ----
        0   0.5
       11  0.25
    """
    flush = list(right or [False] * len(heads))
    grid = [[clean(cell) for cell in line] for line in [heads, *rows]]
    widths = [max(width(line[i]) for line in grid) for i in range(len(heads))]
    lines = ["  ".join(_pad(c, w, f) for c, w, f in zip(line, widths, flush)).rstrip() for line in grid]
    lines.insert(1, "  ".join("-" * w for w in widths))
    return "\n".join(lines)


def _pad(text: str, columns: int, right: bool) -> str:
    space = " " * (columns - width(text))
    return space + text if right else text + space
