"""One worker process of this machine: how it begins, what its task holds, how it ends. Knows one task at a time."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from modelwright.core.records import Failure, Task
from modelwright.execute import session

#: Seconds after which a worker that does not take a message, or does not finish one, counts as gone.
_SILENCE = 120


@dataclass
class Worker:
    """A worker process, and what its keeper knows of it.

    Attributes:
        environment: the variables that bind it to its cores.
        ready: whether it has loaded what it is to run.
        taken: when it was given its task, by the monotonic clock.
        began: when its task began to run, by the same clock.
        held, peak: bytes that it and what it started hold now, and held at most during the task.
        failure: why it is being ended from outside.
        kill_at: when it is killed, by the monotonic clock.
    """

    process: subprocess.Popen
    connection: Connection
    environment: Mapping[str, str]
    ready: bool = False
    task: Task | None = None
    taken: float = 0.0
    began: float = 0.0
    held: int = 0
    peak: int = 0
    tasks_done: int = 0
    first_bytes: int = 0
    last_bytes: int = 0
    failure: Failure | None = None
    kill_at: float = float("inf")

    @property
    def free(self) -> bool:
        return self.task is None and self.kill_at == float("inf")

    def send(self, message: object) -> None:
        """Tell it something. One that cannot be told is killed: what it has been told would make no sense any more."""
        try:
            self.connection.send(message)
        except OSError:
            self.kill()

    def take(self, task: Task) -> None:
        """Give it a task, which begins when it is ready."""
        self.task, self.held, self.peak = task, 0, 0
        self.taken = time.monotonic()
        if self.ready:
            self.begin()

    def begin(self) -> None:
        """Its task begins, if it has one."""
        if self.task is not None:
            self.began = time.monotonic()
            self.send(replace(self.task, waited=self.began - self.taken))

    def done(self, memory: int) -> None:
        """Its task ended, and it holds so many bytes."""
        self.task = None
        self.tasks_done += 1
        self.first_bytes, self.last_bytes = self.first_bytes or memory, memory

    def measure(self, processes: list[int]) -> None:
        """Look at what it holds."""
        self.held = session.held(processes)
        self.peak = max(self.peak, self.held, session.highest(self.process.pid) if self.ready else 0)

    def end(self, grace: float, failure: Failure | None = None) -> None:
        """Ask it and all that it started to end; they are killed after ``grace`` seconds."""
        if self.kill_at < float("inf"):
            return
        self.failure = failure
        self.kill_at = time.monotonic() + grace
        session.send(self.process.pid, signal.SIGTERM if grace > 0 else signal.SIGKILL)

    def leave(self, grace: float) -> None:
        """Let it go: it ends when it has read this, or is killed."""
        with contextlib.suppress(OSError):
            self.connection.send(None)
        self.kill_at = time.monotonic() + grace

    def kill(self) -> None:
        self.kill_at = time.monotonic()
        session.send(self.process.pid, signal.SIGKILL)

    @property
    def gone(self) -> bool:
        """Whether it has ended; kills it where the time for that has come."""
        if session.has_ended(self.process):
            return True
        if time.monotonic() >= self.kill_at:
            self.kill()
        return False

    def bury(self) -> int:
        """Kill what is left of it, and forget it; its exit code, negative for a signal."""
        self.peak = max(self.peak, session.bury(self.process))
        self.connection.close()
        return self.process.returncode


def spawn(
    environment: Mapping[str, str],
    code: bytes,
    share: str,
    given: Mapping[str, str],
    printed: tuple[int | None, int | None],
) -> Worker:
    """Start a worker.

    Args:
        environment: variables that bind it to its cores.
        code: what it is to run, as ``transfer.pack`` made it.
        share: the folder of its large arrays.
        given: further variables.
        printed: where its output and its errors go, as ``subprocess`` takes it.
    """
    ours, theirs = socket.socketpair()
    with contextlib.suppress(OSError, ValueError, struct.error):
        limit = struct.pack("ll", _SILENCE, 0)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    process = subprocess.Popen(
        [sys.executable, "-m", "modelwright.execute.child", str(theirs.fileno())],
        pass_fds=(theirs.fileno(),),
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=printed[0],
        stderr=printed[1],
        env={**os.environ, **environment, **_path(), **given},
    )
    theirs.close()
    worker = Worker(process, Connection(ours.detach()), environment)
    setting: dict[str, Any] = {"path": list(sys.path), "folder": os.getcwd(), "share": share}
    worker.send(setting)
    with contextlib.suppress(OSError):
        worker.connection.send_bytes(code)
    return worker


def _path() -> dict[str, str]:
    import modelwright

    root = str(Path(modelwright.__file__).resolve().parent.parent)
    return {"PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))}
