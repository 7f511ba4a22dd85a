"""The door to a study's engine, for what runs one study in several parts: facts, notes, observers, runs.

``Study`` is what users hold; this is what packages above hold of it, so that they need none of its private members.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelwright.api.next_steps import farewell
from modelwright.api.running import RunSettings, view_of
from modelwright.core import records as r
from modelwright.core.history import History
from modelwright.store.artifacts import Artifacts
from modelwright.study.journal import Observer
from modelwright.study.policy import Proposer

if TYPE_CHECKING:
    from modelwright.api.study import Study


class Engine:
    """See the module.

    Args:
        study: that ``open_study`` opened.
        settings: of the whole; each part may have others.
        proposer: what runs next, in place of the engine's own order.
    """

    def __init__(self, study: Study, settings: RunSettings, *, proposer: Proposer | None = None):
        self._study, self._whole = study, settings
        study._settings = settings
        if proposer is not None:
            study._machine.proposer = proposer

    @property
    def settings(self) -> RunSettings:
        """Those of the whole."""
        return self._whole

    # --- what is known ---------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self._study.name

    @property
    def history(self) -> History:
        """Rows and notes so far; read only."""
        return self._study._machine.history

    @property
    def space(self) -> Any:
        return self._study.space

    @property
    def elapsed(self) -> float:
        """Seconds that the study has been running, over all sessions."""
        return self._study.elapsed

    @property
    def stopped(self) -> str:
        """Why the last run ended; "" before."""
        return self._study.stopped

    @property
    def location(self) -> str:
        """Where the store is."""
        return self._study._store.location

    def view(self) -> Any:
        """The frozen picture that reports read."""
        return view_of(self._study)

    def farewell(self) -> str:
        """What is said last where all is stopped at once: what is kept, and how to go on."""
        return farewell(self._study)

    def files(self) -> Artifacts:
        """Where the files of the trials are."""
        return Artifacts(self._study._store.folder(self._study._record.id))

    # --- what is done ----------------------------------------------------------------------------------

    def write(self, events: Sequence[r.Event]) -> None:
        """Store events; the time since the call began, or since the last run ended, counts as that of a run."""
        journal = self._study._journal
        if self._study._loop is None:
            journal.begin(self._whole.began)
        journal.write(events)

    def observe(self, observer: Observer) -> None:
        """Hand all further events to somebody, once they are stored."""
        self._study._journal.observers.append(observer)

    def run(self, **other: Any) -> str:
        """Run one part of the study; returns why it ended.

        What comes between two parts is counted with the later one.

        Args:
            other: settings of this part where they differ from those of the whole.
        """
        study, whole = self._study, self._whole
        study._settings = replace(whole, **{"whole": whole.budget, **other})
        try:
            study._run()
        finally:
            study._settings = self._whole = replace(whole, began=study._journal.clock.monotonic())
        return study.stopped
