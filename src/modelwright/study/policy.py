"""Who decides in a study: which trial runs next, and when failures end it.

The machine is handed a ``Proposer``, the loop a ``FailurePolicy``. Here are the engine's own, which every study has
unless told otherwise, and the pair for a strategy that leads: one that has rules of its own for budgets, retries and
failures, as KerasTuner's oracles do. All of them are pure: they look, and decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

from modelwright.core import records as r
from modelwright.core.constraint import KIND
from modelwright.core.errors import ArgumentError, ObjectiveError, StudyError
from modelwright.core.history import History, Row

#: Failures of trials that did not end by themselves.
_ENDED_FROM_OUTSIDE = ("timeout", "memory_limit", "signal", "killed", "cancelled", "lost")
#: So many trials that were too long, and no other: then no trial is short enough.
_TIMEOUTS = 10
#: Why a study ends that has no seconds left.
USED_UP = "the seconds are used up"

#: The events that propose a trial or let one go on; or why there is none. The last event names the trial.
Turn = list[r.Proposed | r.Continued] | r.Wait | r.Exhausted


class View(Protocol):
    """What a policy may know of a machine."""

    @property
    def history(self) -> History: ...

    @property
    def multi_fidelity(self) -> bool:
        """Whether the strategy proposes below fidelity 1."""
        ...

    @property
    def unexplored(self) -> bool:
        """Whether no trial has shown yet which parameters there are."""
        ...

    def ask(self, number: int | None) -> r.Answer:
        """What the strategy would try as trial ``number``, or let go on when that is None."""
        ...

    def wanted(self, number: int) -> r.Proposal | None:
        """What the user wants tried before the strategy is asked, as trial ``number``."""
        ...

    def known(self) -> list[int]:
        """Entries among the configurations to try first that turned out to be tried already, where no note has it."""
        ...

    def repeated_failure(self, number: int, limit: int) -> int:
        """How many configurations failed as this one did, when that is ``limit`` or more; else 0."""
        ...


class Proposer(Protocol):
    """Which trial runs next, and which run again when a study is opened."""

    def propose(self, view: View, new_allowed: bool) -> Turn:
        """The next trial; ``new_allowed`` is whether the budget has room for a new configuration."""
        ...

    def unfinished(self, history: History) -> list[int]:
        """Trials that run (again) before the strategy is asked for any."""
        ...

    def put_aside(self, history: History) -> list[int]:
        """Trials that the end of an earlier budget paused and that go on now that there is more of it."""
        ...

    def takes_over(self, history: History) -> bool:
        """Whether trials run again whose sessions are gone, when nothing else is to be done."""
        ...

    def settled(self, history: History, ended: r.Finished) -> r.Finished:
        """What the end of a segment is taken for, before it is stored."""
        ...


class EngineLeads:
    """The engine's own: budget first, then what the user wants tried, then the strategy.

    What a killed session left unfinished runs again.
    """

    def propose(self, view: View, new_allowed: bool) -> Turn:
        number = len(view.history.rows)
        if not new_allowed and not view.multi_fidelity:
            return r.Exhausted(why="the budget of trials is used up")
        wanted = view.wanted(number) if new_allowed else None
        if wanted is not None:
            return turn(wanted, number)
        if number and view.unexplored and any(map(_showed_nothing, view.history.rows)):
            # Trial 0 has the defaults and has not shown the space yet: others are drawn where they ask for values.
            return [r.Proposed(number=number, config={}, note={"by": "random", "why": "the space is not known yet"})]
        answer = view.ask(number if new_allowed else None)
        if isinstance(answer, r.Proposal) and answer.trial is None and (known := view.known()):
            answer = replace(answer, note={**answer.note, "known": known})
        return turn(answer, number)

    def unfinished(self, history: History) -> list[int]:
        rows = [row for row in history.rows if not row.given]
        # While none has ever succeeded, what failed was the user's code, which may be mended now.
        hopeless = all(row.state in ("proposed", "running", "failed") for row in rows)
        again = ("proposed", "running", "failed") if hopeless else ("proposed", "running")
        return [row.number for row in rows if row.state in again]

    def put_aside(self, history: History) -> list[int]:
        return [row.number for row in history.rows if put_aside(row)]

    def takes_over(self, history: History) -> bool:
        return True

    def settled(self, history: History, ended: r.Finished) -> r.Finished:
        return ended


def put_aside(row: Row, why: Sequence[str] = ("budget", "cancelled")) -> bool:
    """Whether a trial was paused on its way, and not by its strategy."""
    return row.state == "paused" and row.facts.get("why") in why and row.fidelity < row.target - 1e-9


def _showed_nothing(row: Row) -> bool:
    """Whether a trial has not said yet what it asks for, or was ended from outside before it could."""
    if row.pending:
        return not row.ran
    error = row.error
    return error is not None and (error.kind in _ENDED_FROM_OUTSIDE or (error.kind == "memory" and not error.where))


class StrategyLeads:
    """The strategy alone says what runs next and what runs again; no budget of trials is looked at."""

    def propose(self, view: View, new_allowed: bool) -> Turn:
        number = len(view.history.rows)
        return turn(view.ask(number), number)

    def unfinished(self, history: History) -> list[int]:
        return []

    def put_aside(self, history: History) -> list[int]:
        return []

    def takes_over(self, history: History) -> bool:
        return True

    def settled(self, history: History, ended: r.Finished) -> r.Finished:
        return ended


def turn(answer: r.Answer, number: int) -> Turn:
    """A strategy's answer as events; a new trial gets ``number``."""
    if not isinstance(answer, r.Proposal):
        return answer
    if answer.trial is not None:
        return [r.Continued(number=answer.trial, fidelity=answer.fidelity, note=answer.note)]
    return [
        r.Proposed(
            number=number, config=dict(answer.config), fidelity=answer.fidelity, parent=answer.parent, note=answer.note
        )
    ]


class Ending(NamedTuple):
    """Why a study ends early, and the exception that its ``run`` raises once running trials have ended."""

    why: str
    error: BaseException


class FailurePolicy(Protocol):
    """When a trial that ended, in whatever state, ends the whole study."""

    def after(self, view: View, number: int, outcome: r.Outcome) -> Ending | None:
        """Called when trial ``number`` has ended and is stored; None lets the study go on."""
        ...


class FirstAndRepeated:
    """The engine's own: failures end a study while no trial ever succeeded, or when the same one keeps coming.

    Args:
        limit: so many different configurations that fail with the same error at the same line are enough. A trial that
            was longer than its seconds says nothing of the next one; only when the first ten were, the limit is wrong.
    """

    def __init__(self, limit: int = 3):
        self.limit = limit

    def after(self, view: View, number: int, outcome: r.Outcome) -> Ending | None:
        rows = view.history.rows
        row = rows[number]
        if row.state != "failed" or row.error is None:
            return None
        if row.error.kind == "timeout":
            return _too_short(rows)
        if not any(other.state in ("complete", "paused", "pruned", "infeasible") and not other.given for other in rows):
            return Ending("the first trial failed", _with_traceback(outcome.exception, row.error))
        if row.error.kind == KIND and not any(other.state in ("complete", "infeasible") for other in rows):
            # Trials that were paused before had no need of what is missing; this one shows that it never comes.
            return Ending("a constraint names what no trial measures", _with_traceback(None, row.error))
        count = view.repeated_failure(number, self.limit)
        if not count:
            return None
        where = f" at {row.error.where}" if row.error.where else ""
        problem = StudyError(
            f"the same {row.error.type or row.error.kind}{where} ended {count} different configurations: "
            f"{row.error.message}",
            hint="Mend it and run again: what was finished is kept. Raise mw.InfeasibleError in your code to say "
            "that a configuration cannot be run.",
        )
        return Ending("the same error keeps coming", problem)


def _too_short(rows: Sequence[Row]) -> Ending | None:
    ended = [row for row in rows if not row.pending]
    late = [row.error.message for row in ended if row.error is not None and row.error.kind == "timeout"]
    if len(late) < max(_TIMEOUTS, len(ended)):
        return None
    problem = StudyError(
        f"each of the first {len(late)} trials was ended, the last one since {late[-1]}",
        hint="Give trials more time, or make them shorter; then run again: what was finished is kept.",
    )
    return Ending("no trial ends in time", problem)


def _with_traceback(error: BaseException | None, failure: r.Failure) -> BaseException:
    """What to raise for ``failure``; an exception from another process lost its traceback and gets it as a note."""
    if error is None and failure.kind == "objective":
        return ObjectiveError(failure.message)
    if error is None and failure.kind == KIND:
        return ArgumentError(failure.message)
    if error is None:
        return StudyError(f"the first trial failed: {failure.message}", hint=failure.traceback)
    if error.__traceback__ is None and failure.traceback:
        error.add_note(f"In the worker process:\n{failure.traceback}")
    return error
