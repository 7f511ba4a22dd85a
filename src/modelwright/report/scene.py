"""Scenes: what a panel shows of one kind of search, folded from its events. Knows no terminal and no notebook."""

from __future__ import annotations

from typing import Protocol

from modelwright.core import records as r
from modelwright.report import text
from modelwright.report.apart import configured
from modelwright.report.fidelity import at_step
from modelwright.report.progress import Progress, header, picture
from modelwright.report.summary import final_block, trial_line
from modelwright.report.view import StudyView


class Scene(Protocol):
    """What a panel shows; it is made of the view at the start."""

    @property
    def view(self) -> StudyView:
        """The study as it is now."""
        ...

    @view.setter
    def view(self, view: StudyView) -> None: ...

    def fold(self, event: r.Event, view: StudyView) -> bool:
        """Take in one event that the history already holds; whether it made a new best."""
        ...

    def header(self) -> str:
        """The first line."""
        ...

    def news(self) -> str:
        """What is to be said at once, on a plain line of its own; "" for nothing. It is said once."""
        ...

    def line(self, event: r.Event, new: bool, verbose: int) -> str:
        """A plain line about an event that was folded; "" for none."""
        ...

    def mark(self, elapsed: float) -> str:
        """The prefix of plain lines."""
        ...

    def picture(self, elapsed: float, columns: int, bar: str = "━╌") -> list[tuple[str, str]]:
        """The panel as (style, line) pairs; each line fits ``columns``."""
        ...

    def stopping(self, elapsed: float) -> str:
        """What the first Ctrl-C does, and what a second one would do."""
        ...

    def final(self, view: StudyView) -> str:
        """What stays when it is over."""
        ...


class StudyScene:
    """Trials of any study."""

    def __init__(self, view: StudyView):
        self._progress = Progress(view)

    @property
    def view(self) -> StudyView:
        return self._progress.view

    @view.setter
    def view(self, view: StudyView) -> None:
        self._progress.view = view

    def fold(self, event: r.Event, view: StudyView) -> bool:
        return self._progress.fold(event, view)

    def header(self) -> str:
        return header(self.view)

    def news(self) -> str:
        return ""

    def line(self, event: r.Event, new: bool, verbose: int) -> str:
        view = self.view
        if isinstance(event, r.Finished):
            note = "" if not new else self._progress.rise if len(view.objectives) == 1 else "on the front"
            return trial_line(view.history.rows[event.number], view, note)
        return detail(event, view) if verbose > 1 else ""

    def mark(self, elapsed: float) -> str:
        return self._progress.mark(elapsed)

    def picture(self, elapsed: float, columns: int, bar: str = "━╌") -> list[tuple[str, str]]:
        return picture(self._progress, elapsed, columns, bar)

    def stopping(self, elapsed: float) -> str:
        return self._progress.stopping(elapsed)

    def final(self, view: StudyView) -> str:
        return final_block(view)


def detail(event: r.Event, view: StudyView) -> str:
    """A plain line about a start, a report, a decision or a space that grew."""
    if isinstance(event, r.Started):
        again = f", attempt {event.attempt + 1}" if event.attempt else ""
        on = " goes on" if event.segment else " started"
        config = configured(view.history.rows[event.number], view, 160)
        return f"trial {event.number}{on}{again}: {config}"
    if isinstance(event, r.Reported):
        said = " ".join(f"{text.clean(k, 40)}={text.number(v)}" for k, v in event.metrics.items())
        at = at_step(event.step, view.history.rows[event.number], view)
        return f"trial {event.number} {at}: {text.clean(said, 240)}"
    if isinstance(event, r.Judged):
        why = f" ({text.clean(event.why, 120)})" if event.why else ""
        at = at_step(event.step, view.history.rows[event.number], view)
        return f"trial {event.number} {at}: {event.decision}{why}"
    if isinstance(event, r.Grew):
        names = ", ".join(text.clean(spec.get("name", "?"), 40) for spec in event.parameters)
        return f"the space grew: {text.clean(names, 200)}"
    return ""
