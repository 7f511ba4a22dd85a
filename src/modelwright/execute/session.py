"""The processes of one worker: its session, that is itself and what it started. Counts their memory, and ends them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Collection
from pathlib import Path

_PROC = Path("/proc")


def can_measure() -> bool:
    """Whether this system tells what a process holds."""
    return bool(_status(os.getpid()))


def members(leaders: Collection[int]) -> dict[int, list[int]]:
    """The processes of each session (or process group) that one of ``leaders`` leads, found in one pass."""
    found: dict[int, list[int]] = {leader: [] for leader in leaders}
    try:
        names = os.listdir(_PROC)
    except OSError:
        return found
    for name in names:
        if not name.isdigit():
            continue
        try:
            fields = (_PROC / name / "stat").read_bytes().rpartition(b")")[2].split()
            group, session = int(fields[2]), int(fields[3])
        except (OSError, IndexError, ValueError):
            continue  # gone meanwhile
        leader = session if session in found else group
        if leader in found and fields[0] != b"Z":
            found[leader].append(int(name))
    return found


def held(processes: Collection[int]) -> int:
    """Bytes that ``processes`` hold together and that the kernel cannot drop: their own and shared pages, not files.

    What several of them share (pages copied on write, shared memory) counts once.
    """
    if len(processes) == 1:
        return sum(_own_and_shared(_status(number)) for number in processes)
    total = 0
    for number in processes:
        parts = _status(number, "smaps_rollup")
        total += parts["Pss_Anon"] + parts["Pss_Shmem"] if "Pss_Shmem" in parts else _own_and_shared(_status(number))
    return total


def highest(number: int) -> int:
    """The most bytes, files left aside, that a process held since ``reset``; 0 where the system does not tell."""
    status = _status(number)
    return max(0, status.get("VmHWM", 0) - status.get("RssFile", 0))


def reset() -> None:
    """``highest`` of this process counts from now on."""
    with contextlib.suppress(OSError):
        (_PROC / "self" / "clear_refs").write_text("5")


def _own_and_shared(status: dict[str, int]) -> int:
    return status.get("RssAnon", status.get("VmRSS", 0)) + status.get("RssShmem", 0)


def _status(number: int, file: str = "status") -> dict[str, int]:
    """The entries of a file of ``/proc`` that are in kB, in bytes."""
    try:
        lines = (_PROC / str(number) / file).read_text("utf-8", "replace").splitlines()
    except OSError:
        return {}
    words = [line.split() for line in lines]
    return {w[0].rstrip(":"): int(w[1]) * 1024 for w in words if len(w) == 3 and w[2] == "kB" and w[1].isdigit()}


def kill_first() -> None:
    """When memory runs out, let the kernel kill this process before the one that started it."""
    with contextlib.suppress(OSError, ValueError):
        path = _PROC / "self" / "oom_score_adj"
        path.write_text(str(min(1000, int(path.read_text()) + 300)))


def send(leader: int, number: int) -> None:
    """Send a signal to every process of the session."""
    for process in members({leader})[leader]:
        if process != leader:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, number)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def has_ended(process: subprocess.Popen) -> bool:
    """Whether a process has ended; it stays to be buried, so that its number is not given to another one."""
    if process.returncode is not None:
        return True
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def bury(process: subprocess.Popen) -> int:
    """Kill what is left of a session, and wait for its leader.

    Returns:
        The most bytes that the leader ever held, where that can be told from what its parent holds; else 0.
    """
    send(process.pid, signal.SIGKILL)
    if process.returncode is not None or not hasattr(os, "wait4"):
        process.wait()
        return 0
    try:
        _, status, used = os.wait4(process.pid, 0)
    except ChildProcessError:
        process.wait()
        return 0
    process.returncode = os.waitstatus_to_exitcode(status)
    most = used.ru_maxrss * (1 if os.uname().sysname == "Darwin" else 1024)
    # A new process inherits the figure of the one that started it.
    return most if most > _status(os.getpid()).get("VmHWM", most) else 0
