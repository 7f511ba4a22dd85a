"""Temporary folders that pass with their process: one that was killed leaves its own to whoever comes next."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

#: A file that a process holds locked as long as it uses the folder around it; the system lets go of it at any end.
_IN_USE = ".in-use"


class PassingFolder:
    """A folder of this process, which ``close`` removes; those of the same prefix that nobody uses any more go first.

    Attributes:
        path: where it is.

    >>> folder = PassingFolder("modelwright-example-"); folder.path.is_dir()
    True
    >>> folder.close(); folder.path.exists()
    False
    """

    def __init__(self, prefix: str):
        _clear(prefix)
        self.path = Path(tempfile.mkdtemp(prefix=prefix))
        unnamed = self.path / f"{_IN_USE}.new"  # locked before it has the name by which others look for it
        self._lock = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        unnamed.rename(self.path / _IN_USE)

    def close(self) -> None:
        """Remove the folder with all that is in it; once is enough."""
        if self._lock < 0:
            return
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)
        self._lock = -1


def _clear(prefix: str) -> None:
    """Remove what killed processes of this user left behind; what has no lock is not known to be such a folder."""
    for path in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        try:
            if path.lstat().st_uid != os.getuid():
                continue
            lock = os.open(path / _IN_USE, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
        except OSError:  # somebody uses it
            pass
        finally:
            os.close(lock)
