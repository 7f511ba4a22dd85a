"""Runs tasks on a Ray cluster: one actor for each slot, kept alive between tasks.

Owns the actors' life and where each task goes. What runs there is in ``ray_worker``, the cluster in ``ray_cluster``.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelwright.core.errors import ArgumentError, StudyError
from modelwright.core.records import Failure, Task
from modelwright.execute.base import Executor, Handler, Runnable, Usage
from modelwright.execute.ray_cluster import connect, ray_module
from modelwright.execute.ray_files import mark_of, needed, put_back

_WHERE = "executor='ray'"
#: Variables of this program that trials see on every host.
_PASSED_ON = ("KERAS_", "JAX_", "XLA_", "TF_", "TORCH_", "MODELWRIGHT_")
#: Seconds without any worker after which that is said, and after which it is an error where no node is large enough.
_PATIENCE, _GIVE_UP = 30.0, 120.0
#: Workers that may end at their start, one after the other, before that is an error.
_STARTS = 3


@dataclass
class _Slot:
    """One actor, and what is waited for from it."""

    actor: Any
    node: str = ""
    task: Task | None = None
    waits: Any = None
    usage: tuple[int, Usage | None] = (-1, None)
    asked: Any = None
    ended: Failure | None = field(default=None)


class RayExecutor(Executor):
    """Runs up to ``slots`` tasks at a time on a Ray cluster.

    Each slot is an actor that runs its trials in a process of its own, as ``workers=`` does on one host. A trial that
    goes on runs on the node it ran on before when a slot there is free. A worker or a node that dies loses its trial,
    which runs again from its last checkpoint. Files go to the workers and come back by themselves where they do not see
    the study's folder.

    Args:
        address: ``host:port`` of the cluster's head, or "auto" for the cluster that RAY_ADDRESS names or that runs on
            this host; None for the one this process is connected to, else a new one on this host alone.
        cpus_per_trial: cores for each trial; whole numbers get cores of their own.
        gpus_per_trial: GPUs for each trial; 0.5 lets two share one.
        memory: bytes for each trial, by which Ray places them; None lets it place by cores alone.
        slots: trials at a time; None is as many as the cluster has room for now.
        runtime_env: what workers need that is not installed there, as Ray takes it.
        shared_folder: whether workers see the study's folder under the same path; None lets each of them look.
        quiet: whether what trials print is thrown away.

    Raises:
        ArgumentError: a number makes no sense.

    >>> RayExecutor(cpus_per_trial=2, slots=4).slots
    4
    >>> RayExecutor(cpus_per_trial=-1)
    Traceback (most recent call last):
        ...
    modelwright.core.errors.ArgumentError: RayExecutor: cpus_per_trial=-1. Allowed: a positive number.
    """

    separate = True

    def __init__(
        self,
        address: str | None = None,
        *,
        cpus_per_trial: float = 1,
        gpus_per_trial: float = 0,
        memory: int | None = None,
        slots: int | None = None,
        runtime_env: Mapping[str, Any] | None = None,
        shared_folder: bool | None = None,
        quiet: bool = False,
    ):
        _check("cpus_per_trial", cpus_per_trial, cpus_per_trial > 0)
        _check("gpus_per_trial", gpus_per_trial, gpus_per_trial >= 0, "a number from 0")
        _check("memory", memory, memory is None or memory > 0)
        _check("slots", slots, slots is None or (isinstance(slots, int) and slots > 0), "1, 2, 3, ...")
        self.slots = slots or 1
        self._address, self._wanted, self._runtime_env = address, slots, runtime_env
        self._cpus, self._gpus, self._memory = float(cpus_per_trial), float(gpus_per_trial), memory
        self._setting = {"shared": shared_folder, "quiet": quiet}
        self._slots: list[_Slot] = []
        self._queue: list[Task] = []
        self._places: dict[int, str] = {}
        self._ray: Any = None
        self._owned, self._begun, self._failed_starts, self._warned = False, 0.0, 0, False
        self._sent: tuple[Any, ...] = ()

    def open(self, runnable: Runnable) -> None:
        packed, arrays = _packed(runnable)
        self._ray = ray_module()
        self._owned = connect(self._address, quiet=bool(self._setting["quiet"]), runtime_env=self._runtime_env)
        try:
            self.slots = self._wanted or self._room()
            setting = {**self._setting, "folder": os.getcwd(), "environment": self._environment()}
            references = {name: self._ray.put(content) for name, content in arrays.items()}
            self._sent = (self._ray.put(packed), references, secrets.token_hex(8), self._cpus, setting)
            self._here = self._ray.get_runtime_context().get_node_id()
            self._slots = [self._spawn() for _ in range(self.slots)]
            self._begun = time.monotonic()
        except BaseException:
            self.close(now=True)
            raise

    @property
    def free(self) -> int:
        return len(self._slots) - len(self._queue) - sum(slot.task is not None for slot in self._slots)

    def submit(self, task: Task) -> None:
        self._queue.append(task)
        self._deal()

    def poll(self, handler: Handler, timeout: float | None = None) -> None:
        if self.free == len(self._slots):
            return
        waiting = {slot.waits: slot for slot in self._slots if slot.waits is not None}
        done, _ = self._ray.wait(list(waiting), num_returns=1, timeout=timeout)
        for reference in done:
            slot = waiting[reference]
            slot.waits = None
            try:
                said = self._ray.get(reference)
            except self._ray.exceptions.RayError as error:
                self._died(slot, error, handler)
                continue
            if isinstance(said, tuple):  # the answer to hello
                slot.node, self._failed_starts = said[0], 0
            else:
                self._hear(slot, said, handler)
        self._deal()
        self._consider_room()

    def usage(self, number: int) -> Usage | None:
        slot = self._with(number)
        if slot is None:
            return None
        if slot.asked is not None and self._ray.wait([slot.asked], timeout=0)[0]:
            with contextlib.suppress(self._ray.exceptions.RayError):  # its end shows in the next poll
                slot.usage = number, self._ray.get(slot.asked)
            slot.asked = None
        if slot.asked is None:
            slot.asked = slot.actor.usage.remote(number)
        return slot.usage[1] if slot.usage[0] == number else None

    def cancel(self, number: int, failure: Failure, grace: float = 5.0) -> None:
        slot = self._with(number)
        if slot is not None:
            slot.ended = failure
            slot.actor.cancel.remote(number, failure, grace)

    def close(self, *, now: bool = False) -> None:
        ray = self._ray
        if ray is None:
            return
        self._queue = []
        if self._slots and ray.is_initialized():
            ending = [slot.actor.stop.remote() for slot in self._slots if slot.node]
            with contextlib.suppress(ray.exceptions.RayError):
                ray.wait(ending, num_returns=len(ending), timeout=5.0 if not now else 2.0) if ending else None
            for slot in self._slots:
                with contextlib.suppress(Exception):
                    ray.kill(slot.actor)
        self._slots = []
        if self._owned and ray.is_initialized():
            ray.shutdown()
        self._owned, self._ray = False, None

    # --- workers -----------------------------------------------------------------------------------

    def _spawn(self) -> _Slot:
        from modelwright.execute.ray_worker import RayWorker

        demand: dict[str, Any] = {"num_cpus": self._cpus, "num_gpus": self._gpus, "max_concurrency": 4}
        if self._memory is not None:
            demand["memory"] = self._memory
        actor = self._ray.remote(RayWorker).options(**demand).remote(*self._sent)
        return _Slot(actor, waits=actor.hello.remote())

    def _with(self, number: int) -> _Slot | None:
        return next((slot for slot in self._slots if slot.task is not None and slot.task.number == number), None)

    def _deal(self) -> None:
        """Hand waiting tasks to workers that are ready, first to those on the node where a trial ran before."""
        for near in (True, False):
            for task in list(self._queue):
                idle = [slot for slot in self._slots if slot.task is None and slot.node]
                if near:
                    idle = [slot for slot in idle if slot.node == self._places.get(task.number)]
                if idle:
                    self._queue.remove(task)
                    self._begin(idle[0], task)

    def _begin(self, slot: _Slot, task: Task) -> None:
        slot.task, slot.ended, slot.usage = task, None, (-1, None)
        self._places[task.number] = slot.node
        self._tell(slot, ("task", task, mark_of(task.folder) if task.folder else None))

    def _tell(self, slot: _Slot, word: tuple) -> None:
        slot.waits = slot.actor.exchange.remote(word)

    def _hear(self, slot: _Slot, said: list[tuple], handler: Handler) -> None:
        task = slot.task
        assert task is not None
        for kind, *rest in said:
            if kind == "traced":
                handler.traced(task.number, *rest)
            elif kind == "report":
                self._tell(slot, ("decision", handler.reported(task.number, *rest)))
            elif kind == "files":
                sent = {name: self._ray.put(_content(path)) for name, path in needed(task).items()}
                self._tell(slot, ("files", sent))
            elif kind == "ended":
                outcome, files = rest
                slot.task = None
                if files:
                    put_back(Path(task.folder).parent, {n: self._ray.get(made) for n, made in files.items()})
                handler.ended(task.number, outcome)
            elif kind == "lost":
                slot.task = None
                handler.lost(task.number, *rest)
            elif kind == "refused":
                slot.task = None
                raise rest[0]
            elif kind == "broken":
                what, hint = rest[0]
                raise StudyError(what, where=_WHERE, hint=hint)

    def _died(self, slot: _Slot, error: Exception, handler: Handler) -> None:
        task, failure = slot.task, slot.ended or _failure(error)
        if not slot.node:
            self._failed_starts += 1
            if self._failed_starts >= _STARTS:
                said = " ".join(str(error).split())[-600:]
                raise StudyError(
                    f"workers of the Ray cluster end at their start: {said}",
                    where=_WHERE,
                    hint="Modelwright has to be installed on its nodes, in the version that runs here.",
                )
        self._slots[self._slots.index(slot)] = self._spawn()
        self._begun = time.monotonic()
        if task is not None:
            handler.lost(task.number, failure)

    # --- the cluster -------------------------------------------------------------------------------

    def _environment(self) -> dict[str, str]:
        passed = {name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)}
        passed = {
            name: value for name, value in passed.items() if name not in ("MODELWRIGHT_CORES", "MODELWRIGHT_NODE")
        }
        if 0 < self._gpus < 1:
            passed.setdefault("XLA_PYTHON_CLIENT_MEM_FRACTION", f"{0.9 * self._gpus:.2f}")
            passed.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
        return passed

    def _demand(self) -> dict[str, float]:
        demand = {"CPU": self._cpus, "GPU": self._gpus, "memory": float(self._memory or 0)}
        return {name: amount for name, amount in demand.items() if amount > 0}

    def _room(self) -> int:
        """How many trials the cluster's nodes have room for together; at least one."""
        demand, found = self._demand(), 0
        for node in self._ray.nodes():
            if node["Alive"]:
                found += int(min(node["Resources"].get(name, 0.0) / amount for name, amount in demand.items()))
        if found == 0:
            raise self._too_small()
        return found

    def _too_small(self) -> StudyError:
        wanted = ", ".join(f"{amount:g} {name}" for name, amount in self._demand().items())
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        has = "; ".join(", ".join(f"{n[k]:g} {k}" for k in ("CPU", "GPU", "memory") if k in n) for n in nodes)
        return StudyError(
            f"no node of the Ray cluster has room for a trial ({wanted})",
            where=_WHERE,
            allowed=f"what its nodes have: {has}",
        )

    def _consider_room(self) -> None:
        """Say, or raise, that there has been no worker for long."""
        waited = time.monotonic() - self._begun
        if waited < _PATIENCE or any(slot.node for slot in self._slots):
            return
        if waited > _GIVE_UP:
            self._room()
        if not self._warned:
            self._warned = True
            warnings.warn("still waiting for room on the Ray cluster for a trial", stacklevel=2)


def _check(name: str, value: Any, good: bool, allowed: str = "a positive number") -> None:
    if isinstance(value, bool) or not good:
        raise ArgumentError(f"{name}={value!r}", where="RayExecutor", allowed=allowed)


def _packed(runnable: Runnable) -> tuple[bytes, dict[str, Any]]:
    """A runnable as bytes, and its large arrays' files by name."""
    from modelwright.execute.transfer import pack

    folder = Path(tempfile.mkdtemp(prefix="modelwright-share-"))
    try:
        code = pack(runnable, folder)
        return code, {path.name: _content(path) for path in folder.iterdir()}
    except Exception as error:
        raise StudyError(
            f"the tuned code or its data cannot be sent to worker processes: {error}",
            where=_WHERE,
            hint="Make what cannot be copied (open files, locks, sessions) inside the function.",
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _content(path: Path) -> Any:
    import numpy as np

    return np.fromfile(path, np.uint8)


def _failure(error: Exception) -> Failure:
    said = " ".join(str(error).split())
    if type(error).__name__ == "OutOfMemoryError" or "memory pressure" in said:
        return Failure(
            kind="memory", type=type(error).__name__, message="Ray killed the worker: its node ran out of memory"
        )
    return Failure(kind="killed", type=type(error).__name__, message=f"the Ray worker is gone: {said[:300]}")
