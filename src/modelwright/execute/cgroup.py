"""Control groups of Linux: those that this process is in, and what they and their ancestors allow. Reads files only.

Both versions are read, at the places where they are mounted. A container may see its own group as the root of the
mount, or the whole path of the host with only its own end of it mounted: what is not there is passed over.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_ROOT = Path("/")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _own(root: Path) -> dict[str, str]:
    """Controller -> the path of this process' group in its hierarchy; "" is version 2."""
    found = {}
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, names, path = [*line.split(":", 2), "", ""][:3]
        found.update(dict.fromkeys(names.split(","), path))
    return found


def _mounts(root: Path) -> Iterator[tuple[str, set[str], str, Path]]:
    """Type, options, root in the hierarchy and place of each mount of control groups."""
    for line in _text(root / "proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        fields, kind = before.split(), after.split()
        if len(fields) > 4 and len(kind) > 2 and kind[0] in ("cgroup", "cgroup2"):
            place = fields[4].replace("\\040", " ")
            yield kind[0], set(kind[2].split(",")), fields[3], root / place.lstrip("/")


def groups(controller: str, root: Path = _ROOT) -> list[tuple[int, Path]]:
    """Version and folder of each group that limits this process by ``controller``, its own group first.

    Args:
        root: a folder that stands for ``/``.
    """
    own, found = _own(root), []
    for kind, options, top, place in _mounts(root):
        version, name = (2, "") if kind == "cgroup2" else (1, controller)
        if name not in own or (version == 1 and controller not in options):
            continue
        with contextlib.suppress(ValueError):
            found += [(version, folder) for folder in _upwards(place, PurePosixPath(own[name]).relative_to(top))]
            continue
        found.append((version, place))
    return found


def _upwards(place: Path, below: PurePosixPath) -> Iterator[Path]:
    parts = below.parts if ".." not in below.parts else ()
    for length in range(len(parts), -1, -1):
        folder = place.joinpath(*parts[:length])
        if folder.is_dir():
            yield folder


def cores_allowed(root: Path = _ROOT) -> float | None:
    """How many cores' worth of time the tightest of the groups allows; None where none limits it."""
    found = []
    for version, folder in groups("cpu", root):
        if version == 2:
            quota, period = [*_text(folder / "cpu.max").split(), "", ""][:2]
        else:
            quota, period = _text(folder / "cpu.cfs_quota_us").strip(), _text(folder / "cpu.cfs_period_us").strip()
        if quota.isdigit() and period.isdigit() and int(period):
            found.append(int(quota) / int(period))
    return min(found, default=None)


def memory_allowed(root: Path = _ROOT) -> int | None:
    """Bytes that the tightest of the groups allows; None where none limits them."""
    found = []
    for version, folder in groups("memory", root):
        text = _text(folder / ("memory.max" if version == 2 else "memory.limit_in_bytes")).strip()
        if text.isdigit() and int(text) < 1 << 60:  # version 1 writes a huge number for none
            found.append(int(text))
    return min(found, default=None)


def memory_left(root: Path = _ROOT) -> int | None:
    """Bytes that the tightest of the groups still has for its processes; None where none limits them.

    What the kernel holds only to read files faster counts as free.
    """
    found = []
    for version, folder in groups("memory", root):
        text = _text(folder / ("memory.max" if version == 2 else "memory.limit_in_bytes")).strip()
        used = _text(folder / ("memory.current" if version == 2 else "memory.usage_in_bytes")).strip()
        if text.isdigit() and int(text) < 1 << 60 and used.isdigit():
            cache = _entry(_text(folder / "memory.stat"), "inactive_file" if version == 2 else "total_inactive_file")
            found.append(max(0, int(text) - max(0, int(used) - (cache or 0))))
    return min(found, default=None)


def memory_free(root: Path = _ROOT) -> int | None:
    """Bytes of the machine's memory that processes can have without swapping; None where it does not tell."""
    for line in _text(root / "proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def memory_there(root: Path = _ROOT) -> int | None:
    """Bytes of memory of the machine; None where it does not tell."""
    for line in _text(root / "proc/meminfo").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    if root != _ROOT or not hasattr(os, "sysconf"):
        return None
    with contextlib.suppress(ValueError, OSError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def out_of_memory_kills(root: Path = _ROOT) -> int | None:
    """How many processes of this group, or else of the machine, the kernel has killed for want of memory so far.

    None where it does not tell.
    """
    own = dict(reversed(groups("memory", root)))  # the last one counts: this process' own
    for version, name in ((2, "memory.events"), (1, "memory.oom_control")):
        count = _entry(_text(own[version] / name)) if version in own else None
        if count is not None:
            return count
    return _entry(_text(root / "proc/vmstat"))


def _entry(text: str, name: str = "oom_kill") -> int | None:
    for line in text.splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == name and words[1].isdigit():
            return int(words[1])
    return None
