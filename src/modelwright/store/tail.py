"""The newest events of a study, in a file that is only appended to, until the database takes them in bulk.

One append and, for what must survive a power failure, one fsync: a fraction of what a database transaction costs.
Syncs of several processes at once are one for the medium, since none holds the lock while it waits for it.
Knows lines and bytes; does not know the database.
"""

from __future__ import annotations

import errno
import fcntl
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from modelwright.core.errors import StoreError
from modelwright.core.medium import cannot_write

#: (number in the study, time, kind, body): an event as text.
Line = tuple[int, float, str, str]

_KEPT = "Nothing that was stored before is lost."
#: What the checksum of a line is mixed with when more lines of the same append follow.
_MORE = 0x5A5A5A5A


class Change(NamedTuple):
    """What others did to the file since it was last looked at.

    Attributes:
        lines: what they appended; all lines of the file when it is ``another``.
        another: whether this is a file not seen before: what the database holds must be counted again.
    """

    lines: list[Line]
    another: bool


class Tail:
    """One study's file of newest events; several processes may append to it, each under its lock.

    Each line ends with a checksum, which also says whether the append goes on: one that was cut short by a crash, and
    what follows it, does not count, not even its whole lines.

    Raises:
        StoreError: the medium refuses.
    """

    def __init__(self, path: Path):
        self.path = path
        self._descriptor: int | None = None
        self._size = 0

    @staticmethod
    def read(path: Path) -> list[Line]:
        """The lines in the file; none when there is no file."""
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreError(f"cannot be read: {error.strerror or error}", where=str(path)) from error
        return [line for line, _ in _parse(content)]

    @contextmanager
    def locked(self) -> Iterator[Change | None]:
        """Within: no other process appends. Gives what others changed since the last look; None: nothing.

        What a crash cut short is removed.
        """
        try:
            change = self._change(opened=self._lock())
        except OSError as error:
            raise cannot_write(self.path, error, _KEPT) from error
        try:
            yield change
        finally:
            if self._descriptor is not None:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def more(self) -> list[Line] | None:
        """What others appended since the last look, without a lock; None where the file is another one by now."""
        if self._descriptor is None:
            return None
        try:
            there = os.stat(self.path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"cannot be read: {error.strerror or error}", where=str(self.path)) from error
        own = os.fstat(self._descriptor)
        if (own.st_ino, own.st_dev) != (there.st_ino, there.st_dev) or own.st_size < self._size:
            return None
        return self._read_on(own.st_size)

    def _lock(self) -> bool:
        """Lock the file that is there now; whether it is another one than before."""
        opened = False
        while True:
            if self._descriptor is None:
                self._descriptor = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600)
                opened = True
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            own = os.fstat(self._descriptor)
            try:
                there = os.stat(self.path)
            except FileNotFoundError:
                there = None
            if there is not None and (own.st_ino, own.st_dev) == (there.st_ino, there.st_dev):
                return opened
            os.close(self._descriptor)
            self._descriptor = None

    def _change(self, opened: bool) -> Change | None:
        assert self._descriptor is not None
        size = os.fstat(self._descriptor).st_size
        another = opened or size < self._size
        if another:
            settled(self.path.parent)
            self._size = 0
        elif size == self._size:
            return None
        lines = self._read_on(size)
        if size != self._size:
            os.ftruncate(self._descriptor, self._size)
        return Change(lines, another)

    def _read_on(self, size: int) -> list[Line]:
        """Whole appends between what was seen and ``size``."""
        assert self._descriptor is not None
        if size == self._size:
            return []
        parsed = _parse(os.pread(self._descriptor, size - self._size, self._size))
        self._size += parsed[-1][1] if parsed else 0
        return [line for line, _ in parsed]

    def append(self, lines: Sequence[Line]) -> None:
        """Add lines, all or none; only within ``locked``."""
        assert self._descriptor is not None, "locked() comes first"
        data = b"".join(_format(line, more=line is not lines[-1]) for line in lines)
        try:
            written = os.write(self._descriptor, data)
            if written != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            os.ftruncate(self._descriptor, self._size)
            raise cannot_write(self.path, error, _KEPT) from error
        self._size += len(data)

    def sync(self) -> None:
        """What was appended is on the medium when this returns. Outside of the lock several processes share a sync."""
        assert self._descriptor is not None
        try:
            os.fdatasync(self._descriptor)
        except OSError as error:
            raise cannot_write(self.path, error, _KEPT) from error

    def clear(self) -> None:
        """Forget all lines: the database holds them. Only within ``locked``.

        The file is a new one afterwards, so that other processes that have it open notice.
        """
        assert self._descriptor is not None, "locked() comes first"
        draft = self.path.with_suffix(".new")
        try:
            made = os.open(draft, os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_TRUNC, 0o600)
            fcntl.flock(made, fcntl.LOCK_EX)  # until ``locked`` ends: nobody may write a line before the count is right
            os.replace(draft, self.path)
            settled(self.path.parent)
        except OSError as error:
            raise cannot_write(self.path, error, _KEPT) from error
        os.close(self._descriptor)
        self._descriptor, self._size = made, 0

    def close(self) -> None:
        """Let go of the file. Closing twice is harmless."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def settled(path: Path) -> None:
    """What is in the file, or the names in the folder, at ``path`` survive a power failure from here on.

    A file that was synced can be lost by its name when its folder was not.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _format(line: Line, *, more: bool) -> bytes:
    text = f"{line[0]}\t{line[1]!r}\t{line[2]}\t{line[3]}".encode()
    return text + b"\t%08x\n" % (zlib.crc32(text) ^ (_MORE if more else 0))


def _parse(content: bytes) -> list[tuple[Line, int]]:
    """Lines of whole appends, each with the offset at which it ends."""
    found: list[tuple[Line, int]] = []
    whole = end = 0
    for raw in content.splitlines(keepends=True):
        text, _, check = raw[:-1].rpartition(b"\t")
        sum_ = zlib.crc32(text)
        last = check == b"%08x" % sum_
        if not raw.endswith(b"\n") or not (last or check == b"%08x" % (sum_ ^ _MORE)):
            break
        end += len(raw)
        number, at, kind, body = text.decode().split("\t", 3)
        found.append(((int(number), float(at), kind, body), end))
        if last:
            whole = len(found)
    return found[:whole]
