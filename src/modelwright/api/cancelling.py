"""Cancelling from elsewhere: a trial, or a search that another process runs. Leaves a wish, which that one sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelwright.core import records as r
from modelwright.core.errors import ArgumentError, StudyError
from modelwright.core.history import Row
from modelwright.core.wording import counted
from modelwright.study.crew import Crew
from modelwright.study.supervision import wish

if TYPE_CHECKING:
    from modelwright.api.study import Study
    from modelwright.api.trial import Trial


def cancel(self: Study, trial: Trial | int | None = None) -> str:
    """Stop a search that runs in another process or on another host, or one trial of it; from anywhere.

    Who runs the search sees it within two seconds. A trial hears of it at its next report; one that has not ended ten
    seconds later is ended with its process, or interrupted where it runs in the search's own. A search returns with
    ``stopped == "cancelled"`` and can be resumed: what was on its way runs on then, or again. A trial that is cancelled
    is over: ``lost`` when it ran, since nobody knows what it would have been worth, ``pruned`` with the values it has
    when it was paused; the strategy learns nothing wrong from either.

    Args:
        trial: the trial, or its number; None cancels the whole search.

    Returns:
        What happens now, in words.

    Raises:
        StudyError: nobody runs the search.
        ArgumentError: there is no such trial, or it is over already.

    >>> import modelwright as mw
    >>> study = mw.Study(lambda hp: hp.Float("x", 0.0, 1.0), store=":memory:")
    >>> study.cancel(study.ask())
    'trial 0 is cancelled'
    >>> study.trials[0].state
    'lost'
    """
    number = None if trial is None else trial if isinstance(trial, int) else trial.number
    if self._loop is not None:
        if number is not None:
            _row(self, number)
        self._loop.cancel(number)
        return "the search stops" if number is None else f"trial {number} is told to stop"
    self._check_there()
    with self._store.member(self._record.id):
        self._journal.sync()
        crew = Crew(self._store, self._record.id)
        others = crew.look()
        if number is None:
            return _search(self, len(others))
        row = _row(self, number)

        def decide() -> list[r.Event]:
            """A running trial is its session's to end; what nobody runs is ended here."""
            elsewhere = row.state == "running" and row.worker in others
            return [wish(number)] if elsewhere else self._machine.cancel(number)

        written = self._commit(decide, durable=True)
    if not written:
        raise ArgumentError(f"trial {number} is over: {row.state}", where=f"study {self.name!r}")
    return f"trial {number} is told to stop" if isinstance(written[0], r.Noted) else f"trial {number} is cancelled"


def _search(study: Study, sessions: int) -> str:
    if not sessions:
        open_ = [row.number for row in study._machine.history.rows if row.state not in r.TERMINAL]
        raise StudyError(
            "nobody runs it, so there is nothing to cancel",
            where=f"study {study.name!r}",
            hint=f"To cancel one trial for good, name it, such as {open_[0]}." if open_ else "",
        )
    study._write([wish(None)], durable=True)
    return f"the search stops: {counted(sessions, 'session')} will see it within two seconds"


def _row(study: Study, number: int) -> Row:
    rows = study._machine.history.rows
    if isinstance(number, bool) or not 0 <= number < len(rows):
        there = f"0 to {len(rows) - 1}" if rows else "none, for there are no trials yet"
        raise ArgumentError(f"there is no trial {number!r:.60}", where=f"study {study.name!r}", allowed=there)
    row: Row = rows[number]
    if row.state in r.TERMINAL:
        raise ArgumentError(f"trial {number} is over: {row.state}", where=f"study {study.name!r}")
    return row
