"""The actor's side of Ray: one slot on some node, which runs its tasks in a process of its own.

The process is a local worker of ``execute.processes``, so a trial on a cluster has the cores, the recycling, the
signals and the end that it has at home. Runs in the actor's process; knows nothing of the cluster.
"""

from __future__ import annotations

import fcntl
import os
import queue
import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelwright.core.errors import MediumError, ModelwrightError
from modelwright.core.files import replace_file
from modelwright.core.records import Decision, Failure, Outcome, Task
from modelwright.execute.base import Usage
from modelwright.execute.processes import ProcessExecutor
from modelwright.execute.ray_files import Mark, Mirror, mark_of
from modelwright.execute.threads import available_cores, worker_environment

#: Messages after which the actor waits for the driver's word.
_LAST = ("report", "files", "ended", "lost", "refused", "broken")


class RayWorker:
    """One slot: ``exchange`` takes the driver's word and answers with what the task says next.

    Args:
        code: the packed runnable.
        arrays: name -> reference of each large array's file.
        key: names the run, for what the workers of a node share.
        cores: how many a trial has; from one on they are its own, as far as free ones are left on the node.
        setting: ``folder`` to work in, ``environment`` of the trials, ``shared`` whether the study's folder is seen
            from here (None: look), ``quiet``.
    """

    def __init__(self, code: bytes, arrays: Mapping[str, Any], key: str, cores: float, setting: Mapping[str, Any]):
        self._code, self._arrays, self._setting = code, arrays, setting
        self._share = _Share(Path(tempfile.gettempdir()) / f"modelwright-share-{key}")
        self._mirror = Mirror(Path(tempfile.mkdtemp(prefix="modelwright-trials-")))
        self._said: queue.SimpleQueue[tuple] = queue.SimpleQueue()
        self._told: queue.SimpleQueue[tuple] = queue.SimpleQueue()
        self._cores = _OwnCores(cores)
        self._number = -1
        self._executor = ProcessExecutor(
            1,
            environment={
                **setting["environment"],
                **self._cores.environment(),
                "MODELWRIGHT_NODE": self.hello()[0],
            },
            quiet=setting["quiet"],
        )
        threading.Thread(target=self._serve, daemon=True).start()

    def hello(self) -> tuple[str, int]:
        """The node's name in the cluster, and this process."""
        import ray

        return ray.get_runtime_context().get_node_id(), os.getpid()

    def exchange(self, word: tuple) -> list[tuple]:
        """Take the driver's word; all that was said until the next one is waited for."""
        self._told.put(word)
        said = [self._said.get()]
        while said[-1][0] not in _LAST:
            said.append(self._said.get())
        return said

    def usage(self, number: int) -> Usage | None:
        """See ``Executor.usage``."""
        return self._executor.usage(number)

    def cancel(self, number: int, failure: Failure, grace: float) -> None:
        """See ``Executor.cancel``."""
        self._executor.cancel(number, failure, grace)

    def stop(self) -> None:
        """End the worker process and forget its files."""
        self._executor.close(now=True)
        self._mirror.clear()
        self._share.close()
        self._cores.close()

    # --- the thread that has the process ---------------------------------------------------------------

    def _serve(self) -> None:
        try:
            self._executor.start(self._code, self._share.fill(self._arrays))
            folder = self._setting["folder"]
            if os.path.isdir(folder):
                os.chdir(folder)
        except Exception as error:
            self._said.put(("broken", _told_as(error)))
            return
        while True:
            _, task, mark = self._told.get()
            try:
                self._run(task, mark)
            except MediumError as error:
                self._said.put(("refused", error))
            except Exception as error:
                self._said.put(("broken", _told_as(error)))

    def _run(self, task: Task, mark: Mark | None) -> None:
        shared = self._setting["shared"]
        mirrored = bool(task.folder) and not (mark_of(task.folder) == mark if shared is None else shared)
        if mirrored:
            import ray

            self._said.put(("files",))
            _, files = self._told.get()
            task = self._mirror.begin(task, {name: ray.get(made) for name, made in files.items()})
        listener = _Listener(self._said, self._told, self._mirror if mirrored else None)
        self._number = task.number
        self._executor.submit(task)
        while not listener.done:
            self._executor.poll(listener, 0.5)


class _Listener:
    """Passes on what the local worker says."""

    def __init__(self, said: queue.SimpleQueue[tuple], told: queue.SimpleQueue[tuple], mirror: Mirror | None):
        self._said, self._told, self._mirror, self.done = said, told, mirror, False

    def traced(self, number: int, config: Mapping[str, Any], parameters: Sequence[Mapping[str, Any]]) -> None:
        self._said.put(("traced", config, parameters))

    def reported(self, number: int, step: int, metrics: Mapping[str, float], fidelity: float | None) -> Decision:
        self._said.put(("report", step, metrics, fidelity))
        return self._told.get()[1]

    def ended(self, number: int, outcome: Outcome) -> None:
        self.done = True
        files = {}
        if self._mirror is not None:
            import numpy as np
            import ray

            files = {name: ray.put(np.fromfile(path, np.uint8)) for name, path in self._mirror.left().items()}
        self._said.put(("ended", outcome, files))

    def lost(self, number: int, failure: Failure) -> None:
        self.done = True
        self._said.put(("lost", failure))


def _told_as(error: Exception) -> tuple[str, str]:
    hint = error.hint if isinstance(error, ModelwrightError) else ""
    return (error.what if isinstance(error, ModelwrightError) else f"{type(error).__name__}: {error}"), hint


class _Share:
    """The arrays of a run as files, once for all workers of a node; the last one removes them."""

    def __init__(self, folder: Path):
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid != os.getuid():
            raise PermissionError(f"{folder} belongs to somebody else")
        self._folder = folder
        self._use = os.open(folder / "in-use", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._use, fcntl.LOCK_SH)

    def fill(self, arrays: Mapping[str, Any]) -> Path:
        """The folder with all files in it."""
        import ray

        for name, reference in arrays.items():
            path = self._folder / name
            if not path.exists():
                replace_file(path, memoryview(ray.get(reference)))
        return self._folder

    def close(self) -> None:
        try:
            fcntl.flock(self._use, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        finally:
            os.close(self._use)
        shutil.rmtree(self._folder, ignore_errors=True)


class _OwnCores:
    """Cores of this host that no other worker of this user has; none where too few are left."""

    def __init__(self, wanted: float):
        self._count = max(1, int(wanted))
        self._locks: list[int] = []
        folder = Path(tempfile.gettempdir()) / f"modelwright-cores-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        self.mine: list[int] = []
        if wanted < 1:
            return
        for core in available_cores():
            if len(self.mine) < self._count and (lock := _taken(folder / str(core))) is not None:
                self._locks.append(lock)
                self.mine.append(core)
        if len(self.mine) < self._count:
            self.close()

    def environment(self) -> dict[str, str]:
        """Variables that keep a process on these cores, or on as many threads."""
        named = worker_environment(1, self.mine or list(range(self._count)))[0]
        return named if self.mine else {k: v for k, v in named.items() if k != "MODELWRIGHT_CORES"}

    def close(self) -> None:
        for lock in self._locks:
            os.close(lock)
        self._locks, self.mine = [], []


def _taken(path: Path) -> int | None:
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock
