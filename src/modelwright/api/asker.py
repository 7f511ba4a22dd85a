"""Who asked for a trial by hand, and whether that process is still there. Knows processes; knows no trials."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def this_process() -> str:
    """A mark of this process that no other one has, before or after: host, number, start.

    >>> is_gone(this_process())
    False
    """
    return f"asked {os.getpid()} {_started(os.getpid())} {platform.node()}"


def is_gone(mark: str) -> bool:
    """Whether the process that left ``mark`` has ended; one on another host counts as gone, for nobody can tell.

    >>> is_gone("asked 1 never elsewhere")
    True
    """
    words = mark.split(" ", 3)
    if len(words) != 4 or words[0] != "asked" or words[3] != platform.node() or not words[1].isdigit():
        return True
    number = int(words[1])
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        pass  # it is there, and is another user's
    return _started(number) != words[2]


def _started(number: int) -> str:
    """When a process started, as the system counts it, so that a number used again is told apart; "-" if unknown."""
    try:
        return Path(f"/proc/{number}/stat").read_text("utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError, ValueError):
        return "-"
