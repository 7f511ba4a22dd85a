"""Limits: what one trial may use, in seconds and in memory. Does not know who measures it, nor who ends it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from modelwright.core.errors import ArgumentError
from modelwright.core.records import Failure
from modelwright.execute.base import Usage

_UNITS = {"": 1, **{f"{p}B": 1000**i for i, p in enumerate(["", "k", "M", "G", "T"])}}
_UNITS |= {f"{p}iB": 1024**i for i, p in enumerate(["K", "M", "G", "T"], 1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a trial may use before it is ended.

    Attributes:
        seconds: running time, all segments of the trial together; None for no limit.
        memory: bytes that its processes may hold at any time; None for no limit.

    >>> Limits(seconds=60).broken(Usage(20.0), before=45.0).message
    'it ran for 65 s, longer than trial_seconds=60'
    >>> bool(Limits())
    False
    """

    seconds: float | None = None
    memory: int | None = None

    def __bool__(self) -> bool:
        return self.seconds is not None or self.memory is not None

    def broken(self, used: Usage, before: float = 0.0) -> Failure | None:
        """The failure of a trial that is over a limit; None while it is within both.

        Args:
            used: by the segment that runs.
            before: seconds of the segments before it.
        """
        if self.memory is not None and used.held > self.memory:
            message = f"it held {in_bytes(used.held)}, more than trial_memory={in_bytes(self.memory)}"
            return Failure(kind="memory_limit", message=message, peak_bytes=max(used.held, used.peak))
        if self.seconds is not None and before + used.seconds > self.seconds:
            message = f"it ran for {before + used.seconds:.3g} s, longer than trial_seconds={self.seconds:g}"
            return Failure(kind="timeout", message=message, peak_bytes=used.peak)
        return None


def checked_limits(trial_seconds: Any, trial_memory: Any, where: str = "tune") -> Limits:
    """Limits as a user writes them: seconds, and bytes or a text such as ``"2GB"``.

    Raises:
        ArgumentError: one of them is no such thing.

    >>> checked_limits(30, "1.5GB").memory, checked_limits(None, "2 GiB").memory
    (1500000000, 2147483648)
    """
    if trial_seconds is not None and not _is_positive(trial_seconds):
        raise ArgumentError(f"trial_seconds={trial_seconds!r:.60}", where=where, allowed="a number above 0, or None")
    memory = checked_size(trial_memory, "trial_memory", where)
    return Limits(seconds=None if trial_seconds is None else float(trial_seconds), memory=memory)


def checked_size(given: Any, name: str, where: str) -> int | None:
    """Bytes from a number of them, or from a text such as ``"2GB"``; None stays None.

    Raises:
        ArgumentError: it is no such thing.

    >>> checked_size("20 MB", "memory", "fit")
    20000000
    """
    size = _bytes(given) if isinstance(given, str) else given
    if size is not None and not (_is_positive(size) and size >= 1):
        raise ArgumentError(
            f"{name}={given!r:.60}",
            where=where,
            allowed="a number of bytes, or a text with a unit: kB, MB, GB, TB, KiB, MiB, GiB, TiB",
            hint=f"Write {name}='2GB'.",
        )
    return None if size is None else int(size)


def bare(size: int) -> str:
    """What is added where a size that somebody asked for is so small that its unit was forgotten; "" where it is not.

    >>> bare(2), bare(2_000_000_000)
    (" (a number alone is bytes: memory='2GB' has a unit)", '')
    """
    return f" (a number alone is bytes: memory='{size if size < 1000 else 2}GB' has a unit)" if size < 1_000_000 else ""


def _bytes(text: str) -> float:
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-zA-Z]*)\s*", text)
    units = {name.lower(): size for name, size in _UNITS.items()}
    return float(found[1]) * units[found[2].lower()] if found and found[2].lower() in units else math.nan


def _is_positive(value: Any) -> bool:
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        return False
    try:
        return 0 < float(value) < math.inf
    except (OverflowError, TypeError, ValueError):
        return False


def in_bytes(count: float) -> str:
    """A number of bytes for people.

    >>> in_bytes(1_500_000_000), in_bytes(20_000_000), in_bytes(700)
    ('1.5 GB', '20 MB', '700 bytes')
    """
    for name, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {name}"
    return f"{count:.0f} bytes"
