"""Runs tasks in local worker processes that are kept alive between tasks.

Workers are started as ``python -m modelwright.execute.child``, never forked, and never run the user's script again:
the estimation travels to them by value once. Owns their life, cores and memory.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

from modelwright.core.errors import StudyError
from modelwright.core.records import Failure, Task
from modelwright.execute.base import Executor, Handler, Runnable
from modelwright.execute.threads import worker_environment

_GRACE = 5.0


@dataclass
class _Worker:
    process: subprocess.Popen
    connection: Connection
    environment: Mapping[str, str]
    ready: bool = False
    task: Task | None = None
    tasks_done: int = 0
    first_bytes: int = 0
    last_bytes: int = 0


class ProcessExecutor(Executor):
    """Runs up to ``slots`` tasks at a time in as many processes.

    Args:
        slots: number of workers.
        environment: variables set for the workers, over those of this process and those that bind each worker to its
            share of the cores.
        recycle_after: tasks after which a worker is replaced.
        recycle_growth: bytes a worker may have grown since its first task before it is replaced.
        quiet: whether the workers' own output is thrown away.
        output: a file descriptor that takes what workers would print to a terminal; None lets them print there.
    """

    def __init__(
        self,
        slots: int,
        *,
        environment: Mapping[str, str] | None = None,
        recycle_after: int = 500,
        recycle_growth: int = 2 << 30,
        quiet: bool = False,
        output: int | None = None,
    ):
        self.slots = slots
        self._environment = dict(environment or {})
        self._recycle_after, self._recycle_growth, self._quiet = recycle_after, recycle_growth, quiet
        self._output = output
        self._workers: list[_Worker] = []
        self._folder: Path | None = None
        self._share: Path | None = None
        self._code = b""

    def open(self, runnable: Runnable) -> None:
        from modelwright.execute.transfer import pack

        self._folder = Path(tempfile.mkdtemp(prefix="modelwright-share-"))
        try:
            self._code = pack(runnable, self._folder)
        except Exception as error:
            self.close()
            raise StudyError(
                f"the tuned code or its data cannot be sent to worker processes: {error}",
                where="workers",
                hint="Use workers=1, or make what cannot be copied (open files, locks, sessions) inside the function.",
            ) from error
        self.start(self._code, self._folder)

    def start(self, code: bytes, share: Path) -> None:
        """Like ``open``, for a runnable that is packed already: ``share`` holds its large arrays, and stays."""
        self._code, self._share = code, share
        self._workers = [self._spawn(environment) for environment in worker_environment(self.slots)]

    @property
    def free(self) -> int:
        return sum(worker.task is None for worker in self._workers)

    def submit(self, task: Task) -> None:
        worker = next(w for w in self._workers if w.task is None)
        worker.task = task
        if worker.ready:
            self._send(worker, task)

    def poll(self, handler: Handler, timeout: float | None = None) -> None:
        if all(worker.task is None for worker in self._workers):
            return
        by_connection = {w.connection: w for w in self._workers}
        for connection in wait(list(by_connection), timeout):
            worker = by_connection[connection]  # pyright: ignore[reportArgumentType]
            try:
                message = worker.connection.recv()
            except (EOFError, OSError):
                self._died(worker, handler)
                continue
            self._handle(worker, message, handler)

    def close(self, *, now: bool = False) -> None:
        for worker in self._workers:
            if not now and worker.task is None:
                with contextlib.suppress(OSError):
                    worker.connection.send(None)
            else:
                _signal(worker, signal.SIGKILL if now else signal.SIGTERM)
        for worker in self._workers:
            try:
                worker.process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                _signal(worker, signal.SIGKILL)
                worker.process.wait()
            worker.connection.close()
        self._workers = []
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    # --- one worker --------------------------------------------------------------------------------

    def _spawn(self, environment: Mapping[str, str]) -> _Worker:
        ours, theirs = socket.socketpair()
        process = subprocess.Popen(
            [sys.executable, "-m", "modelwright.execute.child", str(theirs.fileno())],
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=self._printed_to(1),
            stderr=self._printed_to(2),
            env={**os.environ, **environment, **self._path(), **self._environment},
        )
        theirs.close()
        connection = Connection(ours.detach())
        with contextlib.suppress(OSError):
            connection.send({"path": list(sys.path), "folder": os.getcwd(), "share": str(self._share)})
            connection.send_bytes(self._code)
        return _Worker(process, connection, environment)

    def _printed_to(self, descriptor: int) -> int | None:
        if self._quiet:
            return subprocess.DEVNULL
        return self._output if self._output is not None and os.isatty(descriptor) else None

    def _path(self) -> dict[str, str]:
        import modelwright

        root = str(Path(modelwright.__file__).resolve().parent.parent)
        return {"PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))}

    def _send(self, worker: _Worker, message: object) -> None:
        with contextlib.suppress(OSError):  # a dead worker shows in the next poll
            worker.connection.send(message)

    def _handle(self, worker: _Worker, message: tuple, handler: Handler) -> None:
        kind, *rest = message
        number = worker.task.number if worker.task is not None else -1
        if kind == "ready":
            worker.ready = True
            if worker.task is not None:
                self._send(worker, worker.task)
        elif kind == "traced":
            handler.traced(number, *rest)
        elif kind == "report":
            self._send(worker, handler.reported(number, *rest))
        elif kind == "ended":
            outcome, memory = rest
            worker.task = None
            worker.tasks_done += 1
            worker.first_bytes, worker.last_bytes = worker.first_bytes or memory, memory
            self._recycle_if_due(worker)
            handler.ended(number, outcome)
        elif kind == "refused":
            worker.task = None
            raise rest[0]
        elif kind == "broken":
            raise StudyError(
                f"a worker could not load the tuned code: {rest[0]}",
                where="workers",
                hint=f"Use workers=1, or make the code importable there.\n{rest[1]}",
            )

    def _recycle_if_due(self, worker: _Worker) -> None:
        grown = worker.last_bytes - worker.first_bytes
        if worker.tasks_done >= self._recycle_after or grown > self._recycle_growth:
            self._send(worker, None)
            worker.process.wait()
            worker.connection.close()
            self._replace(worker)

    def _replace(self, worker: _Worker) -> None:
        self._workers[self._workers.index(worker)] = self._spawn(worker.environment)

    def _died(self, worker: _Worker, handler: Handler) -> None:
        worker.connection.close()
        code = worker.process.wait()
        self._replace(worker)
        if worker.task is None:
            if not worker.ready:
                raise StudyError(f"a worker process ended at its start with code {code}", where="workers")
            return
        handler.lost(worker.task.number, _failure(code))


def _failure(code: int) -> Failure:
    if code >= 0:
        return Failure(kind="signal", type="exit", message=f"the worker process ended by itself with code {code}")
    name = signal.Signals(-code).name
    if -code == signal.SIGKILL:
        return Failure(kind="memory", type=name, message="the worker was killed (SIGKILL), most likely out of memory")
    return Failure(kind="signal", type=name, message=f"the worker process died of {name}")


def _signal(worker: _Worker, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(worker.process.pid, number)
