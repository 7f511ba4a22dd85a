"""Room: how many rows candidates see and how many run side by side, so that they end in time and none is killed.

What a candidate takes is foreseen from its rows, its columns and the kind of its learner, before it starts. Reads the
machine's memory; fits nothing.
"""

from __future__ import annotations

import math
import os
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from time import process_time

import numpy as np

from modelwright.core.clock import SystemClock
from modelwright.core.errors import ArgumentError
from modelwright.execute.session import held
from modelwright.execute.threads import available_memory, free_memory
from modelwright.study.limits import bare, in_bytes
from modelwright.tasks.account.decisions import Decision, decision
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.ensemble.selection import looked_at
from modelwright.tasks.learners.constant import CONSTANT
from modelwright.tasks.learners.embedding import INTO, MOST
from modelwright.tasks.scoring.draws import CANDIDATES, ROWS
from modelwright.tasks.scoring.sampling import RARE
from modelwright.tasks.scoring.validation import HELD_BACK, LARGE

#: Share of the free memory that a fit takes unless it is told; of all memory where nothing may depend on the moment.
SHARE = 0.75
#: Bytes of a worker with its libraries; what it keeps of earlier candidates at most, in bytes and of what it has.
BASE, KEPT, KEPT_SHARE = 300 << 20, 400 << 20, 0.2
#: Learners whose features have a column for each level, and how many of a category at most.
_SMOOTH, _LEVELS = ("linear", "mlp", "neighbours", "naive_bayes"), 31
#: Bytes of a candidate for each byte of its features as float32: on their way, as a matrix, as the learner's copies.
_COPIES = {"linear": 6.0, "mlp": 7.5, "neighbours": 6.0, "naive_bayes": 24.0, "xgboost": 11.0, "constant": 1.0}
_USUAL = 9.0
#: Bytes of the trees of a forest for each row.
_TREES = {"random_forest": 3000.0, "extra_trees": 3000.0}
#: Bytes for each number that candidates predict for rows that judge, while the ensemble is chosen: twice in float32.
#: For rows that the choice looks at: once in float64, and its halves. For the mixture: what is made of it.
_BLENDED, _CHOSEN, _MIXED = 8, 16, 80
#: Columns that a text counts for.
TEXT = 20
#: Share of all seconds that a usual candidate may take on one core; rows below which it may take what it takes.
_TIME, _FEW = 0.06, 20_000
#: How much slower a machine is taken to be at most by what else runs on it.
_CROWDED = 5.0
#: Rows below which nothing is cut for want of memory.
_FEWEST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a fit may take.

    Attributes:
        rows: that candidates see.
        workers: that run side by side.
        limit: bytes that all its processes may hold together; None where the system tells nothing.
        own: bytes of it that this process takes: what it held before, and what the ensemble needs. Where nothing may
            depend on the moment it is not what it holds that counts, but what the table takes.
        slow: how many times longer things take than they would alone on this machine; 1 where that is not asked.
        said: what was decided, and why.
    """

    rows: int
    workers: int = 1
    limit: int | None = None
    own: int = 0
    slow: float = 1.0
    said: tuple[Decision, ...] = ()

    @property
    def each(self) -> int | None:
        """Bytes that one of the workers may hold."""
        return None if self.limit is None else max(BASE, (self.limit - self.own) // self.workers)

    @property
    def kept(self) -> int:
        """Bytes of matrices that a worker keeps for candidates to come."""
        return KEPT if self.each is None else min(KEPT, int(KEPT_SHARE * self.each))

    def side_by_side(self, needs: int) -> int:
        """How many workers have room, each for a candidate that takes so many bytes; 0 where not even one has."""
        if self.limit is None:
            return self.workers
        return max(0, min(self.workers, (self.limit - self.own) // max(1, needs)))


def columns_of(frame: Frame) -> int:
    """Columns, a text for as many as it becomes."""
    return max(1, len(frame.numbers) + len(frame.codes) + TEXT * len(frame.texts))


def bytes_of(learner: str, rows: int, frame: Frame) -> int:
    """Bytes that a worker takes for a candidate on so many rows, at most, besides what it keeps of others.

    >>> import numpy as np; frame = Frame(9, numbers=dict.fromkeys("abcde", np.zeros(9)))
    >>> bytes_of("lightgbm", 10_000_000, frame) / 1e9
    2.1145728
    """
    wide, more = columns_of(frame), _TREES.get(learner, 0.0)
    if learner == "mlp":  # numbers are unfolded into several each
        more += 4.0 * INTO * min(MOST, len(frame.numbers) + TEXT * len(frame.texts))
    if learner in _SMOOTH:
        wide += sum(min(len(frame.levels.get(name, ())), _LEVELS) for name in frame.codes)
    return int(BASE + rows * (4.0 * wide * _COPIES.get(learner, _USUAL) + more))


def without_room(learners: Iterable[str], rows: int, frame: Frame, each: int | None) -> dict[str, int]:
    """Learners whose candidates are foreseen to take more than the bytes that a worker has, and how many they take.

    The one that takes least is tried all the same: what is foreseen is on the safe side.
    """
    if each is None:
        return {}
    needs = {name: bytes_of(name, rows, frame) for name in learners}
    least = min(needs, key=lambda name: (name == CONSTANT, needs[name]))
    return {name: one for name, one in needs.items() if one > each and name not in (least, CONSTANT)}


def _predicted_bytes(rows: int, outputs: int) -> int:
    """Bytes that choosing the ensemble takes, where candidates see so many rows and predict so many numbers of each."""
    judges = max(min(rows, LARGE), int(HELD_BACK * rows))  # of more rows only some judge
    numbers = looked_at(judges * outputs)
    return _BLENDED * numbers + _CHOSEN * min(numbers, CANDIDATES * ROWS * outputs) + _MIXED * judges * outputs


def _table_bytes(frame: Frame) -> int:
    """Bytes of a table: as it was read, and as learners see it."""
    plain = sum(column.nbytes for part in (frame.numbers, frame.codes) for column in part.values())
    texts = 0
    for column in frame.texts.values():
        some = column[:: max(1, len(column) // 1000)]
        texts += int(len(column) * (8 + np.mean([sys.getsizeof(cell) for cell in some.tolist()]))) if len(some) else 0
    return 2 * plain + texts


def crowding() -> float:
    """How many times longer this process takes than the processor works for it: 1 where it runs alone.

    Measured for about an eighth of a second.
    """
    clock, some = SystemClock(), np.random.default_rng(0).random(1_000_000)
    began, worked = clock.monotonic(), process_time()
    np.sort(some)
    np.sort(some)
    worked, took = process_time() - worked, clock.monotonic() - began
    return float(np.clip(took / max(worked, 1e-3), 1.0, _CROWDED))


def planned(
    frame: Frame,
    *,
    cost: Callable[[int], float],
    outputs: int = 1,
    seconds: float | None = None,
    workers: int = 1,
    memory: int | None = None,
    max_rows: int | None = None,
) -> Room:
    """Rows and workers that fit.

    Args:
        cost: seconds of a usual candidate on so many rows, on one core.
        outputs: numbers that are predicted for a row.
        seconds: of all cores together; None where the fit is bounded by trials: then nothing depends on the moment.
        workers: that there are to be.
        memory: bytes that all processes of the fit may hold together; None for a share of what is free.
        max_rows: that candidates see; None lets time and memory decide.

    Raises:
        ArgumentError: ``memory`` is not enough for any candidate.
    """
    said: list[Decision] = []
    rows = frame.rows
    if max_rows is not None and max_rows < rows:
        rows = max_rows
        said.append(_sampled(rows, frame.rows, "it was asked for"))
    slow = crowding() if seconds is not None and rows > _FEW and cost(rows) * _CROWDED > _TIME * seconds else 1.0
    if max_rows is None and seconds is not None and rows > _FEW and (takes := slow * cost(rows)) > _TIME * seconds:
        rows = max(_FEW, int(rows * _TIME * seconds / takes))
        why = f"a usual candidate would take about {takes:.2g} s on all rows, of {seconds:.3g} s of all cores"
        said.append(_sampled(rows, frame.rows, why))
    # With a budget in trials the same call gives the same model, whatever this process did before.
    here = held([os.getpid()]) if seconds is not None else BASE + _table_bytes(frame)
    limit, told = _limit(memory, here, timed=seconds is not None)
    if limit is None:
        return Room(rows=rows, workers=workers, slow=slow, said=tuple(said))
    own = here + _predicted_bytes(rows, outputs)
    room = Room(rows=rows, workers=workers, limit=limit, own=own)
    needs = bytes_of("lightgbm", rows, frame)
    fits = room.side_by_side(needs)
    if fits < workers:
        why = (
            f"a candidate takes about {in_bytes(needs)}, and there are {in_bytes(max(0, limit - own))} for them: {told}"
        )
        if fits == 0:
            rows = min(rows, _rows_that_fit(limit, here, frame, outputs, told if memory is not None else ""))
            own = here + _predicted_bytes(rows, outputs)
            said = [one for one in said if one["what"] != "rows"] + [_sampled(rows, frame.rows, why)]
        if workers > 1:
            said.append(
                decision(
                    "memory",
                    f"{max(1, fits)} of {workers} workers",
                    why,
                    "memory= or workers=",
                    "a fit that keeps to it",
                )
            )
    return Room(rows=rows, workers=max(1, min(workers, fits)), limit=limit, own=own, slow=slow, said=tuple(said))


def as_sampled(room: Room, rows: int, total: int) -> Room:
    """The room with what it says of rows put right, where the sample has more of them for the sake of rare classes.

    Args:
        rows: that candidates see.
        total: of the table.
    """
    if rows <= room.rows:
        return room
    why = f"; with {room.rows:,} there are too few of some class, of which a sample has {RARE} or all"
    said = [_sampled(rows, total, one["why"] + why) if one["what"] == "rows" else one for one in room.said]
    return replace(room, said=tuple(said))


def _limit(memory: int | None, here: int, *, timed: bool) -> tuple[int | None, str]:
    """Bytes of all processes, and what they are in words."""
    if memory is not None:
        all_of_it = f"memory={in_bytes(memory)}{bare(memory)}"
        return memory, f"{all_of_it}, {in_bytes(here)} of it for this process with the table"
    if timed:
        free = free_memory()
        return (None if free is None else int(here + SHARE * free)), f"{SHARE:.0%} of the free memory"
    there = available_memory()
    return (None if there is None else int(SHARE * there)), f"{SHARE:.0%} of the memory, less what the table takes"


def _rows_that_fit(limit: int, here: int, frame: Frame, outputs: int, told: str) -> int:
    """Rows for which one candidate, and the choice of the ensemble, take no more than is left.

    Args:
        limit: bytes of all processes; ``here``: those of this one.
        told: who limits it; "" where nobody asked for it.
    """

    def needs(rows: int) -> int:
        return bytes_of("lightgbm", rows, frame) + _predicted_bytes(rows, outputs)

    rows, left = frame.rows, limit - here
    found = bisect_right(range(rows + 1), left, key=needs) - 1
    if told and found < min(rows, _FEWEST):
        enough = math.ceil(1.05 * (here + needs(min(rows, _FEWEST))) / 1e7) * 10
        raise ArgumentError(
            f"{in_bytes(max(0, left))} are left for candidates and the ensemble, which is not enough for any: {told}",
            where="fit", allowed=f"memory='{enough}MB' or more",
            hint="A table that is not held twice leaves more, as where it is read from a file.",
        )  # fmt: skip
    return min(rows, max(found, _FEWEST))  # what nobody asked for refuses nobody: the least of all fits is tried


def _sampled(rows: int, total: int, why: str) -> Decision:
    said = f"candidates see {rows:,} of {total:,} rows; what is deployed is fitted on all where that ends in time"
    bought = (
        f"some {total / rows:.2g} times the candidates in the same time and room; what more rows bring is not measured"
    )
    return decision("rows", said, why, f"max_rows={total}", bought)
