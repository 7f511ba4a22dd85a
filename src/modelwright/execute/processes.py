"""Runs tasks in local worker processes that are kept alive between tasks.

Workers are started as ``python -m modelwright.execute.child``, never forked, and never run the user's script again:
the estimation travels to them by value once. Owns their life, cores and memory.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import replace
from multiprocessing.connection import wait
from pathlib import Path

from modelwright.core.errors import StudyError, WorkerError
from modelwright.core.passing import PassingFolder
from modelwright.core.records import Failure, Task
from modelwright.execute import session
from modelwright.execute.base import Executor, Handler, Runnable, Usage
from modelwright.execute.cgroup import out_of_memory_kills
from modelwright.execute.one_process import Worker, spawn
from modelwright.execute.threads import worker_environment

#: Seconds that a worker has to end by itself; seconds between two looks at who is still there.
_GRACE, _LOOK = 5.0, 0.5
#: Seconds between two measurements of memory; they take at most this share of the time.
_MEASURE, _SHARE = 0.25, 0.02


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

    separate = True

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
        self._workers: list[Worker] = []
        self._leaving: list[Worker] = []
        self._folder: PassingFolder | None = None
        self._share: Path | None = None
        self._code = b""
        self._measured, self._pause = float("-inf"), _MEASURE
        self._kills: int | None = None

    def open(self, runnable: Runnable) -> None:
        from modelwright.execute.transfer import pack

        self._folder = PassingFolder("modelwright-share-")
        try:
            self._code = pack(runnable, self._folder.path)
        except Exception as error:
            self.close()
            raise WorkerError(
                f"the tuned code or its data cannot be sent to worker processes: {error}",
                where="workers",
                hint="Make what cannot be copied (open files, locks, sessions) inside the function; or run trials in "
                "this process, with workers=1 and without trial_seconds and trial_memory.",
            ) from error
        self.start(self._code, self._folder.path)

    def start(self, code: bytes, share: Path) -> None:
        """Like ``open``, for a runnable that is packed already: ``share`` holds its large arrays, and stays."""
        self._code, self._share = code, share
        self._kills = out_of_memory_kills()
        self._workers = [self._spawn(environment) for environment in worker_environment(self.slots)]

    @property
    def free(self) -> int:
        return sum(worker.free for worker in self._workers)

    def submit(self, task: Task) -> None:
        next(w for w in self._workers if w.free).take(task)

    def poll(self, handler: Handler, timeout: float | None = None) -> None:
        until = float("inf") if timeout is None else time.monotonic() + timeout
        heard = False
        while not heard:
            self._leaving = [worker for worker in self._leaving if not self._left(worker)]
            if all(worker.free for worker in self._workers):
                return
            now = time.monotonic()
            due = min(worker.kill_at for worker in self._workers)
            by_connection = {w.connection: w for w in self._workers}
            for connection in wait(list(by_connection), max(0.0, min(until - now, due - now, _LOOK))):
                self._hear(by_connection[connection], handler)  # pyright: ignore[reportArgumentType]
                heard = True
            for worker in list(self._workers):  # what one started may keep the connection open after its end
                if worker.gone and not worker.connection.poll():
                    self._died(worker, handler)
                    heard = True
            if time.monotonic() >= until:
                return

    def usage(self, number: int) -> Usage | None:
        worker = self._with(number)
        if worker is None or not worker.ready:
            return None
        now = time.monotonic()
        if now - self._measured > self._pause:
            self._measured = now
            busy = {w.process.pid: w for w in self._workers if w.task is not None}
            for leader, processes in session.members(busy).items():
                busy[leader].measure(processes)
            self._pause = max(_MEASURE, (time.monotonic() - now) / _SHARE)
        return Usage(now - worker.began, worker.held, worker.peak)

    def cancel(self, number: int, failure: Failure, grace: float = _GRACE) -> None:
        worker = self._with(number)
        if worker is not None:
            worker.end(grace, failure)

    def close(self, *, now: bool = False) -> None:
        for worker in self._workers:
            # One that is still starting has nothing to end in order.
            if now or worker.kill_at < float("inf") or not worker.ready:
                worker.kill()
            elif worker.task is None:
                worker.leave(_GRACE)
            else:
                worker.end(_GRACE)
        for worker in self._leaving if now else ():
            worker.kill()
        ending = [*self._workers, *self._leaving]
        while ending:
            ending = [worker for worker in ending if not self._left(worker)]
            time.sleep(0.01 if ending else 0)
        self._workers, self._leaving = [], []
        if self._folder is not None:
            self._folder.close()
            self._folder = None

    # --- one worker --------------------------------------------------------------------------------

    def _with(self, number: int) -> Worker | None:
        return next((w for w in self._workers if w.task is not None and w.task.number == number), None)

    def _spawn(self, environment: Mapping[str, str]) -> Worker:
        printed = self._printed_to(1), self._printed_to(2)
        return spawn(environment, self._code, str(self._share), self._environment, printed)

    def _printed_to(self, descriptor: int) -> int | None:
        if self._quiet:
            return subprocess.DEVNULL
        return self._output if self._output is not None and os.isatty(descriptor) else None

    def _hear(self, worker: Worker, handler: Handler) -> None:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            self._died(worker, handler)
            return
        self._handle(worker, message, handler)

    def _handle(self, worker: Worker, message: tuple, handler: Handler) -> None:
        kind, *rest = message
        number = worker.task.number if worker.task is not None else -1
        if kind == "ready":
            worker.ready = True
            worker.begin()
        elif kind == "traced":
            handler.traced(number, *rest)
        elif kind == "report":
            worker.send(handler.reported(number, *rest))
        elif kind == "ended":
            outcome, memory = rest
            worker.done(memory)
            self._recycle_if_due(worker, bool(outcome.error is not None and outcome.error.kind == "memory"))
            handler.ended(number, outcome)
        elif kind == "refused":
            worker.task = None
            raise rest[0]
        elif kind == "broken":
            raise WorkerError(
                f"a worker could not load the tuned code: {rest[0]}",
                where="workers",
                hint=f"Use workers=1, or make the code importable there.\n{rest[1]}",
            )

    def _recycle_if_due(self, worker: Worker, out_of_memory: bool) -> None:
        grown = worker.last_bytes - worker.first_bytes
        if out_of_memory:
            worker.kill()  # what it still holds is what the next one lacks
        elif worker.kill_at < float("inf"):
            pass  # it was told to end while its result was on the way: it takes no other task
        elif worker.tasks_done < self._recycle_after and grown <= self._recycle_growth:
            return
        if worker.free:
            worker.leave(_GRACE)
        self._replace(worker)
        self._leaving.append(worker)

    def _replace(self, worker: Worker) -> None:
        self._workers[self._workers.index(worker)] = self._spawn(worker.environment)

    def _left(self, worker: Worker) -> bool:
        if worker.gone:
            worker.bury()
            return True
        return False

    def _died(self, worker: Worker, handler: Handler) -> None:
        if worker.kill_at == float("inf"):
            worker.kill_at = time.monotonic() + _GRACE  # the connection may end before the process does
        while not worker.gone:
            time.sleep(0.005)
        code = worker.bury()
        self._replace(worker)
        if worker.task is None:
            if not worker.ready and worker.failure is None:
                raise StudyError(f"a worker process ended at its start with code {code}", where="workers")
            return
        failure = worker.failure or self._what_happened(code)
        handler.lost(worker.task.number, replace(failure, peak_bytes=failure.peak_bytes or worker.peak))

    def _what_happened(self, code: int) -> Failure:
        if code >= 0:
            return Failure(kind="signal", type="exit", message=f"the worker process ended by itself with code {code}")
        name = signal.Signals(-code).name
        if -code != signal.SIGKILL:
            return Failure(kind="signal", type=name, message=f"the worker process died of {name}")
        before, self._kills = self._kills, out_of_memory_kills()
        if before is None or self._kills is None:
            return Failure(
                kind="memory", type=name, message="the worker was killed (SIGKILL), most likely out of memory"
            )
        if self._kills > before:
            return Failure(kind="memory", type=name, message="out of memory: the system killed the worker (SIGKILL)")
        return Failure(kind="killed", type=name, message="the worker was killed from outside (SIGKILL)")
