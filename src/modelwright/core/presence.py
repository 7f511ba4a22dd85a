"""Which process did something, and whether it is still there. Knows processes of this machine; knows no trials."""

from __future__ import annotations

import itertools
import os
import platform
from pathlib import Path

_count = itertools.count(1)
#: Linux' flag of a process that has been told to end, or has.
_EXITING = 0x4


def this_process(kind: str = "asked") -> str:
    """A mark of this process that no other one has, before or after: what it does, number, start, host.

    >>> is_gone(this_process()), gone_here(this_process("runs"))
    (False, False)
    """
    return f"{kind} {os.getpid()} {_started(os.getpid())} {platform.node()}"


def session() -> str:
    """A mark of one session of this process: two sessions of one process have different ones.

    >>> session() != session(), gone_here(session())
    (True, False)
    """
    return f"{this_process('runs')} {next(_count)}"


def is_gone(mark: str) -> bool:
    """Whether the process that left ``mark`` has ended; one on another host counts as gone, for nobody can tell.

    >>> is_gone("asked 1 never elsewhere")
    True
    """
    return not _ours(mark) or gone_here(mark)


def gone_here(mark: str) -> bool:
    """Whether the process that left ``mark`` ran on this host and has ended.

    >>> gone_here("runs 1 never elsewhere"), gone_here("")
    (False, False)
    """
    if not _ours(mark):
        return False
    words = mark.split(" ")
    number = int(words[1])
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        pass  # it is there, and is another user's
    return _started(number) != words[2]


def _ours(mark: str) -> bool:
    words = mark.split(" ")
    return len(words) >= 4 and words[1].isdigit() and words[3] == platform.node()


def _started(number: int) -> str:
    """When a process started, as the system counts it, so that a number used again is told apart.

    "-" if unknown, and of one that is ending, or has ended and nobody asked how yet: it does nothing any more.
    """
    try:
        told = Path(f"/proc/{number}/stat").read_text("utf-8").rpartition(")")[2].split()
        return "-" if int(told[6]) & _EXITING else told[19]
    except (OSError, IndexError, ValueError):
        return "-"
