"""The machine and the store in step: an event is stored and applied together, in the order that all members see."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Protocol

from modelwright.core import records as r
from modelwright.core.clock import Clock, SystemClock
from modelwright.core.errors import ConflictError, MediumError
from modelwright.core.medium import cannot_write
from modelwright.store.base import Store, StudyRecord
from modelwright.study.folded import Folded
from modelwright.study.machine import Machine


class Observer(Protocol):
    """Someone who watches a study; what it raises is shown once and never harms the study."""

    def events(self, events: Sequence[r.Event]) -> None:
        """These events were stored."""
        ...


@dataclass
class Journal:
    """Where a session's facts go, and where those of other members come from.

    A decision is a function of what is folded so far. When another member wrote meanwhile, what it wrote is folded
    first and the decision is made again: so there is one order of events, and every member decides by it.
    """

    machine: Machine
    store: Store
    record: StudyRecord
    clock: Clock = field(default_factory=SystemClock)
    observers: list[Observer] = field(default_factory=list)
    _began: float | None = None
    _before: float = 0.0

    def __post_init__(self) -> None:
        self._folded = Folded(self.machine, self.store, self.record.id)

    def begin(self, since: float | None = None) -> None:
        """The study's clock starts to run (again).

        Args:
            since: when it really began, by ``clock.monotonic``; now by default. Where it runs since then already, it
                goes on: what came before the first trial counts once.
        """
        if since is not None and since == self._began:
            return
        before = self.elapsed if self._began is None else self.machine.history.elapsed
        self._before, self._began = before, self.clock.monotonic() if since is None else since

    def end(self) -> None:
        """The study's clock stands still."""
        self._before, self._began = self.elapsed, None
        self._folded.keep(ending=True)

    @property
    def elapsed(self) -> float:
        """Seconds this study has been running, over all sessions."""
        if self._began is None:
            return max(self._before, self.machine.history.elapsed)
        return self._before + self.clock.monotonic() - self._began

    def write(self, events: Sequence[r.Event], *, durable: bool = False) -> None:
        """Store events that hold whatever others wrote meanwhile, apply them, tell observers."""
        self.commit(lambda: events, durable=durable)

    def commit(self, decide: Callable[[], Sequence[r.Event] | None], *, durable: bool = False) -> Sequence[r.Event]:
        """Store and apply what ``decide`` says; it is asked again whenever another member was faster.

        Returns:
            The events; none when ``decide`` had none.
        """
        while True:
            events = decide()
            if not events:
                return ()
            at = self.elapsed
            try:
                self.store.append(self.record.id, events, after=len(self.machine.history), at=at, durable=durable)
            except ConflictError:
                if not self.sync():
                    raise
                continue
            self._take(events, at)
            self._folded.keep()
            return events

    def sync(self) -> int:
        """Fold what other members wrote; how many events that was."""
        if not len(self.machine.history):
            self._folded.recall()
        new = list(self.store.load(self.record.id, after=len(self.machine.history)))
        for at, batch in groupby(new, key=lambda pair: pair[1]):
            self._take([event for event, _ in batch], at)
        return len(new)

    def _take(self, events: Sequence[r.Event], at: float) -> None:
        self.machine.apply(events, at)
        for observer in list(self.observers):
            try:
                observer.events(events)
            except MediumError:  # one that stores facts of its own
                raise
            except Exception as error:
                self.observers.remove(observer)
                warnings.warn(f"{type(observer).__name__} failed and was switched off: {error!r}", stacklevel=2)

    def folder(self, number: int) -> Path:
        """The private folder of a trial."""
        path = self.store.folder(self.record.id) / f"trial-{number:05d}"
        try:
            path.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise cannot_write(path, error) from error
        return path
