"""What a fit looks like while it goes on: phase, best candidate so far, what runs, time left. Writes nothing."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from modelwright.core import records as r
from modelwright.core.history import Row
from modelwright.core.wording import counted
from modelwright.report import text
from modelwright.report.progress import BAR, Progress
from modelwright.report.view import StudyView
from modelwright.tasks.account.phases import FIRST, REFIT, SEARCH

#: Seconds after which a plain line says that it goes on, where there was no news.
QUIET = 15.0
#: What the note of a fit on all rows says.
_REFIT = "refit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a scene asks of the fit that it shows.

    Attributes:
        header: what the first line begins with.
        metric: its name.
        higher: whether a higher one is better.
        units: models that a candidate is judged by in full.
        phase: what is being done now.
        elapsed: seconds since the call began.
        final: what is said at the end; "" while there is no model.
    """

    header: str
    metric: str
    higher: bool
    units: int
    phase: Callable[[], str]
    elapsed: Callable[[], float]
    final: Callable[[], str]


class FitScene:
    """See the module. Implements ``report.scene.Scene``.

    A candidate takes the place of the best one where it is better on the units that judged both; what is shown is its
    mean over all its units, with how many they were. Fits on all rows have no value of their own.
    """

    def __init__(self, told: Told, view: StudyView):
        self.told = told
        self._progress = Progress(view)
        self._best: Row | None = None
        #: Folds by which the best one is better than the one before, whose mean over its own was better.
        self._by = 0
        self._phase, self._spoke = "", told.elapsed()
        self._again: dict[str, int] = {_REFIT: 0}
        for row in view.history.rows:
            self._consider(row)

    @property
    def view(self) -> StudyView:
        return self._progress.view

    @view.setter
    def view(self, view: StudyView) -> None:
        self._progress.view = view

    def fold(self, event: r.Event, view: StudyView) -> bool:
        self._progress.fold(event, view)
        if not isinstance(event, r.Finished):
            return False
        row = view.history.rows[event.number]
        if _refits(row):
            self._again[_REFIT] += row.error is None
            return False
        return self._consider(row)

    def _consider(self, row: Row) -> bool:
        """Compare a candidate with the best one; whether there is news of the best one."""
        if self._best is None or self._best.number != row.number:
            return self._takes_its_place(row)
        self._by = 0
        for other in self.view.history.rows:  # its further units may be worse ones
            if other.number != self._best.number:
                self._takes_its_place(other)
        return True

    def _takes_its_place(self, row: Row) -> bool:
        scores = _scores(row)
        if not scores:
            return False
        best, by = self._best, 0
        if best is not None:
            both = min(len(scores), len(_scores(best)))
            gain = float(np.mean(scores[:both]) - np.mean(_scores(best)[:both]))
            if not (gain > 0 if self.told.higher else gain < 0):
                return False
            lower = float(np.mean(scores) - np.mean(_scores(best)))
            by = both if (lower < 0 if self.told.higher else lower > 0) else 0
        self._best, self._by = row, by
        return True

    # --- in words ------------------------------------------------------------------------------------

    def header(self) -> str:
        view = self.view
        parts = [self.told.header, text.budget_text(view.trials, view.seconds)]
        parts += [f"seed {view.seed}"] if view.seed is not None else []
        parts += [f"kept in {text.clean(view.store, 120)} as {text.clean(view.name, 60)}"] if view.store else []
        judged = sum(bool(_scores(row)) for row in view.history.rows)
        parts += [f"goes on after {counted(judged, 'candidate')}"] if judged else []
        return ", ".join(parts)

    def news(self) -> str:
        phase, elapsed = self.told.phase(), self.told.elapsed()
        if phase != self._phase:
            self._phase, self._spoke = phase, elapsed
            return phase
        if elapsed - self._spoke >= QUIET:
            self._spoke = elapsed
            return ", ".join([self._count(), *([self.best()] if self._best is not None else []), *self._left()])
        return ""

    def line(self, event: r.Event, new: bool, verbose: int) -> str:
        if not isinstance(event, r.Finished):
            return ""
        row = self.view.history.rows[event.number]
        took = text.duration(row.duration)
        if row.error is not None:
            return f"{self._name(row)} failed after {took}: {text.clean(row.error.message, 160)}"
        if _refits(row) and "model" not in event.artifacts:
            return f"{self._name(row)} was not fitted on all rows: the time was up"
        if _refits(row):
            took = row.facts.get("refit_seconds")
            return f"{self._name(row)} is fitted on all rows" + (f", {text.duration(took)}" if took else "")
        if new and self._best is not None:
            self._spoke = self.told.elapsed()
            return f"best so far: {self._value(self._best)}{self._shared()}, {text.duration(self._best.duration)}"
        config = f": {text.config_text(row.config, 160)}" if verbose > 1 else ""
        return f"{self._value(row)}, {took}{config}" if verbose > 1 and _scores(row) else ""

    def mark(self, elapsed: float) -> str:
        seconds = self.view.seconds
        of = f" of {text.duration(seconds)}" if seconds else ""
        return f"[{text.duration(self.told.elapsed())}{of}]"

    def stopping(self, elapsed: float) -> str:
        said = self._progress.stopping(elapsed, "at least")
        return f"{said} A model is made of what there is, which takes its time after them."

    def final(self, view: StudyView) -> str:
        return self.told.final() or f"The fit ended without a model: {text.clean(view.stopped or 'an error', 200)}."

    def best(self) -> str:
        """The best candidate, in words; "" while there is none."""
        return f"best so far {self._value(self._best)}{self._shared()}" if self._best is not None else ""

    def _shared(self) -> str:
        """By which folds the best one is better, where its mean is not."""
        return f", better on the first{f' {self._by}' if self._by > 1 else ''}" if self._by else ""

    def _value(self, row: Row) -> str:
        scores = _scores(row)
        value = f"{self.told.metric} {text.number(float(np.mean(scores)), 5)}"
        if len(scores) > 1:
            value += f" ± {text.number(float(np.std(scores, ddof=1) / np.sqrt(len(scores))), 2)}"
        judged = "" if self.told.units == 1 else f", {len(scores)} of {counted(self.told.units, 'fold')}"
        return f"{value} by {self._name(row)}{judged}"

    @staticmethod
    def _name(row: Row) -> str:
        return f"{text.clean(row.config.get('model', 'candidate'), 40)} {row.number}"

    def _count(self) -> str:
        rows = self.view.history.rows
        judged = sum(bool(_scores(row)) for row in rows)
        said = counted(judged, "candidate")
        if self.view.trials is not None:
            said = f"{judged} of {counted(self.view.trials, 'candidate')}"
        lost = sum(row.error is not None for row in rows)
        return said + (f", {lost} failed" if lost else "")

    def _left(self) -> list[str]:
        """The time left, for everything; where candidates are counted, that of the candidates."""
        view, elapsed = self.view, self.told.elapsed()
        if view.seconds is not None:
            return [f"{text.duration(max(view.seconds - elapsed, 0.0))} left, the last fits among them"]
        left = self._progress.left(view.time)
        return [f"about {text.duration(left)} left for candidates, then the last fits"] if left else []

    def picture(self, elapsed: float, columns: int, bar: str = "━╌") -> list[tuple[str, str]]:
        view, now = self.view, self.told.elapsed()
        lines: list[tuple[str, str]] = [("bold", self.told.phase() or self.told.header)]
        part = now / view.seconds if view.seconds else self._progress.fraction(elapsed)
        if part is not None:
            room, part = min(max(columns - 6, 1), BAR), min(part, 1.0)
            full = round(part * room)
            lines.append(("cyan", f"{bar[0] * full}{bar[1] * (room - full)} {part:4.0%}"))
        spent = text.duration(now) + (f" of {text.duration(view.seconds)}" if view.seconds else "")
        said = [self._count(), spent, *([] if view.stopping else self._left())]
        if self._again[_REFIT]:
            said.insert(1, f"{self._again[_REFIT]} fitted on all rows")
        lines += [("", line) for line in textwrap.wrap(", ".join(said), columns)]
        if view.stopping:
            lines += [("yellow", line) for line in textwrap.wrap(self.stopping(elapsed), columns)]
        if self._best is not None:
            lines.append(("green", self.best()))
        lines += [("", f"running: {self._run(row)}") for row in self._running()[:8]]
        return [(style, text.clean(line, columns)) for style, line in lines]

    def _running(self) -> list[Row]:
        """What runs in this phase: a candidate that was cut short at the end of another one has no end of its own."""
        phase, rows = self.told.phase(), [self.view.history.rows[number] for number in list(self._progress.running)]
        if phase == REFIT:
            return [row for row in rows if _refits(row)]
        return rows if phase in (FIRST, SEARCH) else []

    def _run(self, row: Row) -> str:
        if _refits(row):
            return f"{self._name(row)} on all rows"
        step = row.reports[-1][0] if row.reports else 0
        return self._name(row) + (f", {step} of {self.told.units} folds" if step and self.told.units > 1 else "")


def _refits(row: Row) -> bool:
    """Whether a trial is, or was last, a fit on all rows."""
    return _REFIT in row.note or row.note.get("phase") == _REFIT


def _scores(row: Row) -> list[float]:
    scores = row.facts.get("scores")
    return [float(one) for one in scores] if isinstance(scores, list | tuple) else []
