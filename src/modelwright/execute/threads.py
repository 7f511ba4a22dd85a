"""Threads and memory: what there is for workers, and which environment keeps each on its own cores. Starts nothing.

Two processes of one thread each train small models faster than one process of two threads, but only when neither
the linear algebra libraries nor XLA start a thread per core in each of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from modelwright.core.backend import AS_NEEDED
from modelwright.execute import cgroup

_POOLS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
)
_EIGEN = "--xla_cpu_multi_thread_eigen=false"


def available_cores(root: Path = Path("/")) -> tuple[int, ...]:
    """The cores this process may run on, in order, no more than its control groups pay for.

    That is its affinity mask, cut to the smallest quota of its own control group and the groups around that one.

    Args:
        root: a folder that stands for ``/``.

    >>> len(available_cores()) >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        mask = sorted(os.sched_getaffinity(0))
    else:
        mask = list(range(os.cpu_count() or 1))
    paid = cgroup.cores_allowed(root)
    return tuple(mask if paid is None else mask[: max(1, int(paid))])


def available_memory(root: Path = Path("/")) -> int | None:
    """Bytes of memory that this process and all others of its control group may hold together.

    That is the machine's memory, or the smallest limit of the control groups if that is less; None where neither is
    told.

    Args:
        root: a folder that stands for ``/``.

    >>> available_memory() is None or available_memory() > 0
    True
    """
    known = [n for n in (cgroup.memory_there(root), cgroup.memory_allowed(root)) if n is not None]
    return min(known, default=None)


def free_memory(root: Path = Path("/")) -> int | None:
    """Bytes of memory that nobody holds: of the machine, or what its control groups leave this process if that is less.

    None where neither is told.

    Args:
        root: a folder that stands for ``/``.

    >>> free_memory() is None or free_memory() > 0
    True
    """
    known = [n for n in (cgroup.memory_free(root), cgroup.memory_left(root)) if n is not None]
    return min(known, default=None)


def share_cores(slots: int, cores: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Deal ``cores`` to ``slots`` workers: disjoint and as equal as can be; shared when there are too few.

    >>> share_cores(2, [0, 1, 2, 3, 4])
    ((0, 1, 2), (3, 4))
    >>> share_cores(3, [0, 1])
    ((0,), (1,), (0,))
    """
    slots, cores = max(1, slots), tuple(cores) or (0,)
    if slots >= len(cores):
        return tuple((cores[i % len(cores)],) for i in range(slots))
    size, rest = divmod(len(cores), slots)
    ends = [(i + 1) * size + min(i + 1, rest) for i in range(slots)]
    return tuple(cores[a:b] for a, b in zip([0, *ends[:-1]], ends))


def worker_environment(
    slots: int, cores: Sequence[int] | None = None, *, given: Mapping[str, str] | None = None
) -> tuple[dict[str, str], ...]:
    """Environment variables for each of ``slots`` worker processes.

    ``MODELWRIGHT_CORES`` names the cores that the worker should bind itself to with ``bind_to_cores`` before it
    imports anything heavy. Of a GPU each takes what it needs: other workers are there, or the process that started it.
    What the user has set already is left as it is.

    Args:
        slots: number of worker processes that run side by side.
        cores: cores to share between them; all that this process may use by default.
        given: the environment the workers inherit; ``os.environ`` by default.

    >>> first, second = worker_environment(2, [0, 1], given={})
    >>> first["OMP_NUM_THREADS"], first["MODELWRIGHT_CORES"], second["MODELWRIGHT_CORES"]
    ('1', '0', '1')
    >>> first["XLA_FLAGS"]
    '--xla_cpu_multi_thread_eigen=false'
    """
    given = os.environ if given is None else given
    made = []
    for share in share_cores(slots, available_cores() if cores is None else cores):
        own = {"MODELWRIGHT_CORES": ",".join(map(str, share))}
        own.update({name: str(len(share)) for name in _POOLS if name not in given})
        own.update({name: value for name, value in AS_NEEDED.items() if name not in given})
        flags = given.get("XLA_FLAGS", "")
        if len(share) == 1 and "xla_cpu_multi_thread_eigen" not in flags:
            own["XLA_FLAGS"] = f"{flags} {_EIGEN}".strip()
        made.append(own)
    return tuple(made)


def bind_to_cores(given: Mapping[str, str] | None = None) -> tuple[int, ...]:
    """Bind this process to the cores in ``MODELWRIGHT_CORES``; returns them, or () when there is nothing to do.

    XLA, torch and BLAS size their pools by the cores a process may use when they start: call this first.
    """
    named = (os.environ if given is None else given).get("MODELWRIGHT_CORES", "")
    wanted = {int(part) for part in named.split(",") if part.strip().isdigit()} & set(available_cores())
    if not wanted or not sys.platform.startswith("linux"):
        return ()
    os.sched_setaffinity(0, wanted)
    return tuple(sorted(wanted))
