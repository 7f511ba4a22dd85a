"""The course of a fit: its phases, how long each took, and whom they are shown to. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelwright.core.clock import Clock
from modelwright.report.lasting import Lasting
from modelwright.report.panel import panel
from modelwright.tasks.account.live import FitScene, Told
from modelwright.tasks.account.phases import ENSEMBLE, FIRST, LOOKING, READING, REFIT, SAVING, SEARCH, STARTING

if TYPE_CHECKING:
    from modelwright.report.view import StudyView

__all__ = ["ENSEMBLE", "FIRST", "LOOKING", "READING", "REFIT", "SAVING", "SEARCH", "STARTING", "Course"]
#: Seconds from which a start is told apart from what comes after it.
_TOLD = 0.05


class Course:
    """See the module.

    Args:
        clock: where the time comes from.
        began: when the call began, in monotonic seconds.
        verbose: see ``report.panel.panel``.
        opened: when that had imported what it needs, by the same clock.

    Attributes:
        shown: the panel, for the sessions of the study.
        source: the name of the file that is learned from; None where it was no file.
        before: seconds of earlier calls that this one goes on from.
    """

    def __init__(self, clock: Clock, began: float, verbose: int = 0, phase: str = READING, opened: float = 0.0):
        told = opened - began > _TOLD
        self._clock, self._began, self._since = clock, began, opened if told else began
        self._phase = phase
        self._spent: dict[str, float] = {STARTING: opened - began} if told else {}
        self._look: Callable[[], StudyView] | None = None
        self._final = ""
        self.before = 0.0
        self._stopping = False
        self.source: str | None = None
        self._told: Told | None = None
        self.shown = Lasting(panel(verbose, scene=self._staged))

    def tells(self, *, header: str, metric: str, higher: bool, units: int, look: Callable[[], StudyView]) -> None:
        """What is known once the study is open; ``look`` gives its view."""
        self._told = Told(
            header=header, metric=metric, higher=higher, units=units,
            phase=lambda: self._phase, elapsed=self.elapsed, final=lambda: self._final,
        )  # fmt: skip
        self._look = look

    def _staged(self, view: StudyView) -> FitScene:
        assert self._told is not None
        return FitScene(self._told, view)

    def elapsed(self) -> float:
        """Seconds since the call began, and those of earlier calls that this one goes on from."""
        return self.before + self._clock.monotonic() - self._began

    def enter(self, phase: str) -> None:
        """A phase begins, and so the one before it ends."""
        if phase == self._phase:
            return
        now = self._clock.monotonic()
        self._spent[self._phase] = self._spent.get(self._phase, 0.0) + now - self._since
        self._phase, self._since = phase, now
        self._show()

    def stopping(self) -> None:
        """Ctrl-C was heard, in whatever phase; from its handler."""
        self._stopping = True
        self._show()

    def _show(self) -> None:
        if self._look is not None:
            view = self._look()
            self.shown.events((), replace(view, stopping=True) if self._stopping else view)

    def end(self, final: str = "") -> None:
        """It is over, once; ``final`` is what is said of the model, or of there being none."""
        self._final = final
        self.shown.end(None if self._look is None else self._look())

    def to_json(self, **more: Any) -> dict[str, Any]:
        """Phases in order with their seconds until now, all of them, and those of earlier calls ``before``."""
        spent = dict(self._spent)
        spent[self._phase] = spent.get(self._phase, 0.0) + self._clock.monotonic() - self._since
        phases = [[name, round(seconds, 3)] for name, seconds in spent.items()]
        before = {"before": round(self.before, 3)} if self.before else {}
        return {"seconds": round(sum(spent.values()), 3), "phases": phases, **before, **more}
