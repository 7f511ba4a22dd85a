"""Leases of one study on one host: a small file under a lock. Knows no study and no trial.

Time is the host's own since it was started, which every process here shares and nobody sets: a jump of the wall clock
takes nobody's lease away. A lease from before the host was started last has run out.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from modelwright.core.codec import dumps, loads
from modelwright.core.medium import cannot_write
from modelwright.store.base import Lease


class LeaseFile:
    """The leases in the file at ``path``.

    >>> import tempfile
    >>> leases = LeaseFile(Path(tempfile.mkdtemp()) / "leases")
    >>> leases.hold("ask", "a", 60.0, {}).token, leases.hold("ask", "b", 60.0, {})
    (1, None)
    >>> leases.release("ask", "a"); leases.hold("ask", "b", 60.0, {}).token
    2
    """

    def __init__(self, path: Path):
        self.path = path

    def hold(self, what: str, holder: str, seconds: float, facts: Mapping[str, Any]) -> Lease | None:
        """See ``Store.hold``."""
        with self._locked() as (held, now):
            had = held.get(what)
            if had and had["holder"] not in ("", holder) and had["until"] > now:
                return None
            token = had["token"] + (had["holder"] != holder) if had else 1
            held[what] = {"holder": holder, "token": token, "until": now + seconds, "facts": dict(facts)}
            return Lease(what=what, holder=holder, token=token, left=seconds, facts=facts)

    def release(self, what: str, holder: str) -> None:
        """See ``Store.release``. The token stays, so that the next holder's is larger."""
        if not self.path.parent.exists():
            return
        with self._locked() as (held, now):
            if held.get(what, {}).get("holder") == holder:
                if what == holder:  # nobody else ever takes a session's own lease
                    del held[what]
                else:
                    held[what] |= {"holder": "", "until": now, "facts": {}}

    def all(self) -> list[Lease]:
        """See ``Store.leases``."""
        if not self.path.exists():
            return []
        with self._locked(change=False) as (held, now):
            return [
                Lease(what=what, holder=h["holder"], token=h["token"], left=h["until"] - now, facts=h["facts"])
                for what, h in held.items()
                if h["holder"]
            ]

    @contextmanager
    def _locked(self, change: bool = True) -> Iterator[tuple[dict[str, dict[str, Any]], float]]:
        try:
            descriptor = os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX if change else fcntl.LOCK_SH)
                before = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
                held = _parsed(before)
                yield held, _now()
                if change:
                    after = dumps({"boot": _boot(), "held": held}).encode()
                    os.pwrite(descriptor, after + b"\n" * max(0, len(before) - len(after)), 0)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise cannot_write(self.path, error) from error


def _parsed(content: bytes) -> dict[str, dict[str, Any]]:
    """The leases; none where a crash tore the file, or it is from before the host was started."""
    try:
        found = loads(content.decode())
    except (json.JSONDecodeError, UnicodeDecodeError):
        return {}
    return found["held"] if found["boot"] == _boot() else {}


def _now() -> float:
    """Seconds since the host was started, sleep included."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@lru_cache(maxsize=1)
def _boot() -> str:
    """What tells one start of the host from another; "" where the system does not."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""
