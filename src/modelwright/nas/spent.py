"""Where the time of a search goes: training, judging, and what is neither. Reads stored events alone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from modelwright.core.history import History
from modelwright.core.records import Event, Finished, Started

#: What a segment of a trial spends its seconds on: tracing the graph and reading weights, where the first one imports
#: the backend; building the model; what the first calls of compiled programs take; training; judging by the rows that
#: were kept back; keeping weights and model.
PARTS = ("start", "build", "compile", "train", "judge", "keep")
_USEFUL = ("train", "judge")


class Spent(dict[str, float]):
    """Seconds of one segment, by what they went to.

    >>> spent = Spent()
    >>> with spent.on("train"):
    ...     pass
    >>> spent["train"] = 5.0
    >>> spent.compiled({"train": 2.0})
    >>> spent.rounded()
    {'start': 0.0, 'build': 0.0, 'compile': 2.0, 'train': 3.0, 'judge': 0.0, 'keep': 0.0}
    """

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(PARTS, 0.0))

    @contextmanager
    def on(self, part: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self[part] += time.perf_counter() - began

    def move(self, part: str, to: str, seconds: float) -> None:
        """Some of one part was another's."""
        self[part] -= seconds
        self[to] += seconds

    def compiled(self, within: Mapping[str, float]) -> None:
        """So many seconds of these parts went to compiling."""
        for part, seconds in within.items():
            self.move(part, "compile", seconds)

    def rounded(self) -> dict[str, float]:
        return {part: round(max(0.0, seconds), 3) for part, seconds in self.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Where a search's time went.

    Attributes:
        seconds: of the whole search, by the clock.
        parts: seconds of work, summed over workers: those of ``PARTS``, and "other", which trials did not account for.
        overhead: the share of ``seconds`` in which nothing was trained or judged. While several trials run, each
            counts for its part of them; times between trials are overhead.
        lowest: the share of the work that was no training and no judging, of the segments that end at the lowest
            fidelity; None where there are none.
    """

    seconds: float
    parts: dict[str, float]
    overhead: float
    lowest: float | None

    @property
    def data(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def times(history: History) -> Times | None:
    """Where the time of a search went; None while no trial has said what it spent its own on."""
    segments = list(_segments(history))
    if not any(ended.note.get("spent") for _, _, ended in segments):
        return None
    parts: dict[str, float] = dict.fromkeys((*PARTS, "other"), 0.0)
    least = min((ended.fidelity for _, _, ended in segments if ended.note.get("spent")), default=0.0)
    work = useful = 0.0
    for _, _, ended in segments:
        spent = _told(ended)
        for part in PARTS:
            parts[part] += spent.get(part, 0.0)
        parts["other"] += max(0.0, ended.duration - sum(spent.values()))
        if spent and ended.fidelity <= least + 1e-9:
            work += ended.duration
            useful += _of_use(ended)
    seconds = history.elapsed
    used = _used([(begin, end, _of_use(ended)) for begin, end, ended in segments])
    return Times(
        seconds=seconds,
        parts=parts,
        overhead=max(0.0, 1.0 - used / seconds) if seconds > 0 else 0.0,
        lowest=max(0.0, 1.0 - useful / work) if work > 0 else None,
    )


def _segments(history: History) -> Iterator[tuple[float, float, Finished]]:
    """Each segment of a trial that ended here: when it began and ended on the study's clock, and how."""
    begun: dict[int, float] = {}
    events: list[Event] = list(history)
    for place, event in enumerate(events):
        if isinstance(event, Started):
            begun[event.number] = history.time_of(place)
        elif isinstance(event, Finished) and event.number in begun:
            yield begun.pop(event.number), history.time_of(place), event


def _told(ended: Finished) -> dict[str, float]:
    spent = ended.note.get("spent") or {}
    return {part: float(spent[part]) for part in PARTS if part in spent}


def _of_use(ended: Finished) -> float:
    spent = _told(ended)
    return sum(spent.get(part, 0.0) for part in _USEFUL)


def _used(segments: list[tuple[float, float, float]]) -> float:
    """Seconds of the clock that went to training and judging, where trials that run together share it.

    >>> _used([(0.0, 10.0, 5.0), (0.0, 10.0, 10.0), (20.0, 30.0, 10.0)])
    17.5
    """
    changes = [(begin, 1, of_use / (end - begin)) for begin, end, of_use in segments if begin < end]
    changes += [(end, -1, -of_use / (end - begin)) for begin, end, of_use in segments if begin < end]
    total, running, rate, before = 0.0, 0, 0.0, 0.0
    for at, count, change in sorted(changes):
        if running:
            total += (at - before) * min(1.0, max(0.0, rate / running))
        before, running, rate = at, running + count, rate + change
    return total
