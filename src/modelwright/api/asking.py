"""The next trial of a study that is driven by hand: one that nobody runs any more, or a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelwright.api.asker import is_gone, this_process
from modelwright.core import records as r
from modelwright.core.errors import StudyError
from modelwright.core.rng import Seed
from modelwright.study.loop import refusal

if TYPE_CHECKING:
    from modelwright.api.study import Study
    from modelwright.api.trial import Trial


def ask(study: Study) -> Trial:
    """See ``Study.ask``."""
    study._check_there()
    study._journal.begin()
    number = _abandoned(study)
    if number is None:
        number = _propose(study)
    study._write(study._machine.start(number, this_process()))
    row = study._machine.history.rows[number]
    if study._machine.space.parameters and not row.ran:
        missing = Seed(study._machine.setup.seed).child("trial", number).child("draw")
        full = study._machine.space.complete(row.config, missing.generator())
        if full != row.config:
            study._write([r.Configured(number=number, config=full)])
    return study._trial(row)


def _propose(study: Study) -> int:
    _settle(study)
    if why := study._enough.why(study._write):
        raise StudyError(
            f"nothing to ask for: {why}",
            where=f"study {study.name!r}",
            hint="The search is over: look at study.best. Without min_gain= it would go on.",
        )
    answer = study._machine.propose()
    if not isinstance(answer, list):
        waits = isinstance(answer, r.Wait)
        raise StudyError(
            f"nothing to ask for: {answer.why}",
            where=f"study {study.name!r}",
            hint="Tell the trials that are running first." if waits else "The search is over: look at study.best.",
        )
    study._write(answer)
    return answer[-1].number


def _settle(study: Study) -> None:
    """What was given ahead meets the space that the trials have shown."""
    events, problems = study._machine.settle()
    study._write(events)
    if problems:
        raise refusal(problems)


def _abandoned(study: Study) -> int | None:
    """A trial that nobody runs any more, though it was asked for."""
    rows = study._machine.history.rows
    if study._again is None:
        with study._store.writer(study._record.id):  # refused while another process runs the study
            study._again = [row.number for row in rows if row.pending and is_gone(row.worker)]
    while study._again:
        number = study._again.pop(0)
        if rows[number].pending:
            return number
    return None
