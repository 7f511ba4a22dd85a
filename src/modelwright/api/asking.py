"""The next trial of a study that is driven by hand: one that nobody runs any more, or a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelwright.core import records as r
from modelwright.core.errors import StudyError
from modelwright.core.presence import this_process
from modelwright.core.rng import Seed
from modelwright.study.crew import Crew
from modelwright.study.loop import refusal

if TYPE_CHECKING:
    from modelwright.api.study import Study
    from modelwright.api.trial import Trial


def ask(study: Study) -> Trial:
    """See ``Study.ask``."""
    study._check_there()
    study._journal.begin()
    study._journal.sync()
    _settle(study)
    number = _abandoned(study)
    if number is None:
        number = _propose(study)
    row = study._machine.history.rows[number]
    if study._machine.space.parameters and not row.ran:
        draws = Seed(study._machine.setup.seed).trial(number).draws
        full = study._machine.space.complete(row.config, draws)
        if full != row.config:
            study._write([r.Configured(number=number, config=full)])
    return study._trial(row)


def _propose(study: Study) -> int:
    """A new trial, or a paused one that goes on; decided anew when another process asked meanwhile."""
    if why := study._enough.why(study._write):
        raise StudyError(
            f"nothing to ask for: {why}",
            where=f"study {study.name!r}",
            hint="The search is over: look at study.best. Without min_gain= it would go on.",
        )
    refused: list[r.Wait | r.Exhausted] = []

    def decide() -> list[r.Event] | None:
        answer = study._machine.propose()
        if not isinstance(answer, list):
            refused.append(answer)
            return None
        return [*answer, *study._machine.start(answer[-1].number, this_process())]

    events = study._commit(decide)
    if refused:
        waits = isinstance(refused[0], r.Wait)
        raise StudyError(
            f"nothing to ask for: {refused[0].why}",
            where=f"study {study.name!r}",
            hint="Tell the trials that are running first." if waits else "The search is over: look at study.best.",
        )
    started = events[-1]
    assert isinstance(started, r.Started)
    return started.number


def _settle(study: Study) -> None:
    """What was given ahead meets the space that the trials have shown."""
    events, problems = study._machine.settle()
    study._write(events)
    if problems:
        raise refusal(problems)


def _abandoned(study: Study) -> int | None:
    """A trial that nobody runs any more, though it was asked for; it is this process' from here on."""
    rows = study._machine.history.rows
    if study._again is None:
        with Crew(study._store, study._record.id) as crew:
            study._again = [row.number for row in rows if row.pending and not crew.alive(row.worker)]
    while study._again:
        number = study._again.pop(0)
        before = rows[number].worker, rows[number].attempt

        def take(number: int = number, before: tuple[str, int] = before) -> list[r.Event] | None:
            row = rows[number]
            mine = row.pending and (row.worker, row.attempt) == before
            return study._machine.start(number, this_process()) if mine else None

        if study._commit(take):
            return number
    return None
