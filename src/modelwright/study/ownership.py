"""Whose a trial is: this session's, another one's, or nobody's any more. Writes no event."""

from __future__ import annotations

from modelwright.core import records as r
from modelwright.study.crew import Crew
from modelwright.study.journal import Journal


class Ownership:
    """The trials of a study, as one session of it sees them.

    Args:
        journal: what happened so far.
        crew: the other sessions; None where this is the only one that ever runs trials.

    Attributes:
        me: the mark of this session.
        running: trial -> (segment, attempt) in which this session runs it.
        late: trials that went to others while this session slept: what they still say does not count.
    """

    def __init__(self, journal: Journal, crew: Crew | None):
        self._machine, self._crew = journal.machine, crew
        self.me = crew.me if crew is not None else ""
        self.running: dict[int, tuple[int, int]] = {}
        self.late: set[int] = set()

    def take(self, number: int) -> None:
        """This session runs a trial that was started."""
        row = self._machine.history.rows[number]
        self.running[number] = (row.segment, row.attempt)
        self.late.discard(number)

    def mine(self, number: int) -> bool:
        """Whether this session still has a trial; a trial that went to another one does not come back."""
        row = self._machine.history.rows[number]
        had = (
            row.state == "running" and row.worker == self.me and (row.segment, row.attempt) == self.running.get(number)
        )
        if not had:
            self.late.add(number)
        return number not in self.late

    def elsewhere(self, number: int) -> bool:
        """Whether somebody else runs a trial."""
        row = self._machine.history.rows[number]
        if self._crew is None or row.state != "running" or number in self.running:
            return False
        return row.worker != self.me and self._crew.alive(row.worker)

    def others_run(self) -> bool:
        """Whether another session runs a trial, after which there may be more to do."""
        return any(
            row.state == "running" and row.worker.startswith("runs") and self.elsewhere(row.number)
            for row in self._machine.history.rows
        )

    def abandoned(self) -> list[int]:
        """Running trials whose sessions are gone."""
        rows = self._machine.history.rows
        gone = [t for t in rows if t.state == "running" and t.number not in self.running]
        return [row.number for row in gone if not self.elsewhere(row.number)]

    def audit(self, number: int, outcome: r.Outcome) -> r.Noted:
        """A result that came too late, kept for whoever wants to know; the trial is another session's."""
        segment, attempt = self.running[number]
        data = {"number": number, "segment": segment, "attempt": attempt, "worker": self.me, "state": outcome.state}
        return r.Noted(kind="late", data={**data, "metrics": dict(outcome.metrics)})
