"""What an operating system says of a file that it does not take, in our words. Writes nothing itself."""

from __future__ import annotations

import errno
import os
import re

from modelwright.core.errors import MediumError, StoreError

_WHAT = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk is full: the quota is used up",
    errno.EFBIG: "the disk is full, or the file may not grow so large (see ulimit -f)",
    errno.EROFS: "the disk is read-only",
}
_CODE = re.compile(r"errno = (\d+)")
GO_ON = "Free some space and run again: the study goes on."
KEPT = "Nothing that was finished is lost."


def cannot_write(
    path: str | os.PathLike[str],
    error: OSError,
    hint: str = "Check the free space and the permissions of its folder.",
    onward: str = "",
) -> StoreError:
    """The error to raise for ``path``; a ``MediumError`` where the medium takes no more.

    Args:
        hint: what to do where it is something else.
        onward: what to do where the medium takes no more, if it is not a part of a study that cannot be written.

    >>> print(cannot_write("a/b", OSError(errno.ENOSPC, "No space left on device")))
    a/b: the disk is full. Free some space and run again: the study goes on. Nothing that was finished is lost.
    >>> print(cannot_write("a/b", OSError(errno.EACCES, "Permission denied")))
    a/b: cannot be written (Permission denied). Check the free space and the permissions of its folder.
    """
    code = error.errno
    if code is None and (found := _CODE.search(str(error))):  # HDF5 only writes it into its text
        code = int(found[1])
    if code not in _WHAT:
        return StoreError(f"cannot be written ({error.strerror or error})", where=os.fspath(path), hint=hint)
    if onward:
        return MediumError(_WHAT[code], where=os.fspath(path), hint=onward)
    go_on = "Make it writable and run again: the study goes on." if code == errno.EROFS else GO_ON
    return MediumError(_WHAT[code], where=os.fspath(path), hint=f"{go_on} {KEPT}")
