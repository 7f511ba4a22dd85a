"""A panel that lasts: several sessions of one study are shown as one. Draws nothing itself."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.core import records as r
from modelwright.report.panel import Panel
from modelwright.report.view import StudyView


class Lasting:
    """A panel that stays over several sessions of one study: one first line, one end, which its owner calls.

    Args:
        inner: the panel that is shown.
    """

    def __init__(self, inner: Panel):
        self._inner, self._started, self._ended = inner, False, False

    def start(self, view: StudyView) -> None:
        if self._started:
            self._inner.events((), view)
        else:
            self._started = True
            self._inner.start(view)

    def events(self, events: Sequence[r.Event], view: StudyView) -> None:
        if self._started:
            self._inner.events(events, view)

    def finish(self, view: StudyView) -> None:
        """A session that ended with an error is the last one."""
        self.end(view)

    def outlet(self) -> int | None:
        return self._inner.outlet()

    def close(self) -> None:
        """Nothing: the next session goes on."""

    def end(self, view: StudyView | None = None) -> None:
        """The end, once; without a view nothing more is said. It is told too where nothing was left to run."""
        if self._ended:
            return
        self._ended = True
        if view is not None:
            if not self._started:
                self.start(view)
            self._inner.finish(view)
        self._inner.close()
