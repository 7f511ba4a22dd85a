"""What kind of file system a path is on, as Linux tells it. Decides nothing."""

from __future__ import annotations

import os
import re
from pathlib import Path

#: Kinds whose locks or caches do not hold what SQLite and shared appending need.
NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afs", "ceph", "lustre", "beegfs", "gpfs", "glusterfs",
     "fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse", "fuse.goofys"}
)  # fmt: skip
_ESCAPED = re.compile(r"\\([0-7]{3})")


def network_kind(path: Path, mounts: str | None = None) -> str:
    """The kind of network file system that ``path`` is on; "" when it is on none, or nobody can tell.

    Args:
        path: need not exist.
        mounts: the text of ``/proc/self/mountinfo``, which is read when None.

    >>> told = "36 25 0:32 / /home/lab rw,relatime shared:1 - nfs4 server:/home rw"
    >>> network_kind(Path("/home/lab/ann/studies.db"), told), network_kind(Path("/home/ann"), told)
    ('nfs4', '')
    """
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text("utf-8", errors="replace")
        except OSError:
            return ""
    place = Path(path).expanduser().absolute()
    place = Path(os.path.realpath(place))  # which asks for no permission
    found: tuple[int, str] = (-1, "")
    for line in mounts.splitlines():
        before, dash, after = line.partition(" - ")
        fields = before.split()
        if not dash or len(fields) < 5:
            continue
        point = Path(_ESCAPED.sub(lambda m: chr(int(m[1], 8)), fields[4]))
        if place.is_relative_to(point) and len(point.parts) >= found[0]:
            found = (len(point.parts), after.split()[0])
    return found[1] if found[1] in NETWORK else ""
