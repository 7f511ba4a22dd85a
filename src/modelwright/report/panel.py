"""The live panel: what a person sees while a study runs. An observer that the engine's loop calls.

Owns where and how often something is written. Never harms the study: whatever goes wrong here ends the display.
"""

from __future__ import annotations

import contextlib
import html
import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TextIO

from modelwright.core import records as r
from modelwright.core.clock import Clock, SystemClock
from modelwright.report import text
from modelwright.report.outlet import Outlet, handlers_of
from modelwright.report.scene import Scene, StudyScene
from modelwright.report.view import StudyView

_log = logging.getLogger("modelwright.report")

#: Makes a scene of the view at the start.
Staged = Callable[[StudyView], Scene]
#: Seconds between two updates of a panel.
INTERVAL = 0.5
#: Plain lines that may come at once, before they are held to one in each interval.
BURST = 30


class Shown(Protocol):
    """A way to show a search."""

    def start(self, view: StudyView) -> None:
        """The search begins, or goes on."""
        ...

    def events(self, events: Sequence[r.Event], view: StudyView) -> None:
        """These events were stored; ``view.history`` holds them. None came where only ``view.stopping`` is news."""
        ...

    def finish(self, view: StudyView) -> None:
        """The search ended, however it did; the terminal is as it was before."""
        ...


class Panel(Shown, Protocol):
    """What the engine's loop calls. Every method returns soon and raises nothing."""

    def outlet(self) -> int | None:
        """Where worker processes may print, a file descriptor; None where they may print to the terminal."""
        ...

    def close(self) -> None:
        """Give back what was opened; nothing where ``finish`` did so."""
        ...


def panel(
    verbose: int = 1,
    *,
    stream: TextIO | None = None,
    clock: Clock | None = None,
    columns: int | None = None,
    scene: Staged = StudyScene,
) -> Panel:
    """The panel that suits where we run.

    Args:
        verbose: 0 prints nothing, 1 the panel or one line for each trial that ends, 2 also starts, reports and
            decisions.
        stream: where to write; standard error by default.
        clock: where the time comes from.
        columns: width of the panel; that of the terminal by default.
        scene: what is shown: the trials of a study by default.

    A terminal gets a live panel when rich is installed, a notebook one output that is updated; everything else,
    and a terminal under ``NO_COLOR``, ``CI`` or ``TERM=dumb``, gets plain lines.

    >>> panel(0).events([], None)
    """
    target = sys.stderr if stream is None else stream
    if verbose <= 0 or target is None:
        return Silent()
    made = clock or SystemClock()
    if stream is None and _in_notebook():
        return Guarded(Display(_Output(), made, scene))
    if verbose == 1 and _live_terminal(target):
        return Guarded(Live(target, made, columns, scene))
    return Guarded(Lines(target, made, verbose, scene))


def _live_terminal(stream: TextIO) -> bool:
    plain = os.environ.get("NO_COLOR") or os.environ.get("CI") or os.environ.get("TERM") == "dumb"
    if plain or Live.active or not getattr(stream, "isatty", lambda: False)():
        return False
    try:
        import rich.live  # noqa: F401
    except ImportError:
        return False
    return True


def _in_notebook() -> bool:
    module = sys.modules.get("IPython")
    shell = getattr(module, "get_ipython", lambda: None)() if module else None
    return type(shell).__name__ == "ZMQInteractiveShell"


def write(stream: TextIO, line: str) -> None:
    """Write one line; characters that the stream's encoding lacks are written as escapes."""
    try:
        stream.write(line + "\n")
    except UnicodeEncodeError:
        stream.write(line.encode("ascii", "backslashreplace").decode("ascii") + "\n")
    stream.flush()


class Silent:
    """Says nothing."""

    def start(self, view: StudyView) -> None:
        pass

    def events(self, events: Sequence[r.Event], view: StudyView) -> None:
        pass

    def finish(self, view: StudyView) -> None:
        pass

    def outlet(self) -> int | None:
        return None

    def close(self) -> None:
        pass


class Guarded:
    """Lets a panel fail without anyone else noticing: the first error ends the display, not the study."""

    def __init__(self, inner: Shown):
        self.inner: Shown = inner
        self._outlet: Outlet | None = None

    def start(self, view: StudyView) -> None:
        self._try(lambda: self.inner.start(view))

    def events(self, events: Sequence[r.Event], view: StudyView) -> None:
        self._try(lambda: self.inner.events(events, view))

    def finish(self, view: StudyView) -> None:
        self._drain()
        self._try(lambda: self.inner.finish(view))

    def outlet(self) -> int | None:
        if self._outlet is None and isinstance(self.inner, Live):
            self._outlet = Outlet(self._say)
        return None if self._outlet is None else self._outlet.descriptor

    def close(self) -> None:
        self._drain()
        self._try(getattr(self.inner, "close", lambda: None))

    def _drain(self) -> None:
        if self._outlet is not None:
            self._outlet.close()

    def _say(self, line: str) -> None:
        shown = self.inner
        if isinstance(shown, Live):
            shown.say(line)
        else:  # the panel failed, what is printed stays
            write(sys.stderr, text.clean(line))

    def _try(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:
            _log.warning("the progress display stopped; the study goes on", exc_info=True)
            broken, self.inner = self.inner, Silent()
            try:
                getattr(broken, "close", lambda: None)()
            except Exception:
                _log.debug("closing the progress display failed too", exc_info=True)


class Lines:
    """One plain line for each event of interest, without colour or movement.

    A burst of lines passes; then new bests and new kinds of failure are still said at once, and the rest at most
    twice a second, with the number of those left out.
    """

    def __init__(self, stream: TextIO, clock: Clock, verbose: int = 1, scene: Staged = StudyScene):
        self.stream, self.clock, self.verbose, self._staged = stream, clock, verbose, scene
        self._tokens, self._filled, self._held = float(BURST), clock.monotonic(), 0
        self._reasons: set[tuple[str, str]] = set()
        self._scene: Scene | None = None
        self._stopping = False

    def start(self, view: StudyView) -> None:
        self._scene = self._staged(view)
        write(self.stream, self._scene.header())

    def events(self, events: Sequence[r.Event], view: StudyView) -> None:
        progress = self._scene = self._scene or self._staged(view)
        said = progress.news()
        if said:
            write(self.stream, f"{progress.mark(view.time)} {said}")
        for event in events:
            new = progress.fold(event, view)
            line = progress.line(event, new, self.verbose)
            if line and self._may_pass(event, new):
                more = f" (and {self._held} lines before)" if self._held else ""
                self._held = 0
                write(self.stream, f"{progress.mark(view.time)} {line}{more}")
        if view.stopping and not self._stopping:
            with contextlib.suppress(RuntimeError):  # Ctrl-C came within another write: the next events say it
                progress.view = view
                write(self.stream, progress.stopping(view.time))
                self._stopping = True

    def finish(self, view: StudyView) -> None:
        if self._held:
            write(self.stream, f"({self._held} more lines left out)")
        write(self.stream, "\n" + (self._scene or self._staged(view)).final(view))

    def _may_pass(self, event: r.Event, new: bool) -> bool:
        now = self.clock.monotonic()
        self._tokens = min(self._tokens + (now - self._filled) / INTERVAL, float(BURST))
        self._filled = now
        unheard = False
        if isinstance(event, r.Finished) and event.error is not None:
            reason = (event.error.kind, event.error.where or event.error.message)
            unheard = len(self._reasons) < 100 and reason not in self._reasons
            self._reasons.add(reason) if unheard else None
        if self._tokens >= 1 or new or unheard:
            self._tokens = max(self._tokens - 1, 0.0)
            return True
        self._held += 1
        return False


class Live:
    """A panel in a terminal, drawn by rich at most twice a second; afterwards only the final block stays."""

    #: Terminal panels that are open now; a study inside a trial of another one gets plain lines.
    active = 0

    def __init__(self, stream: TextIO, clock: Clock, columns: int | None = None, scene: Staged = StudyScene):
        self.stream, self.clock, self.columns, self._staged = stream, clock, columns, scene
        self._lock = threading.RLock()  # the handler of Ctrl-C may find its own thread in it
        self._scene: Scene | None = None
        self._live: Any = None
        self._moved: list[tuple[logging.StreamHandler, TextIO]] = []
        self._time, self._at = 0.0, 0.0
        self._drawn: list[tuple[str, str]] = []
        encoding = (getattr(stream, "encoding", None) or "").lower().replace("-", "")
        self._bar = "━╌" if encoding.startswith("utf") else "#-"

    def start(self, view: StudyView) -> None:
        from rich.console import Console
        from rich.live import Live as RichLive

        console = Console(
            file=self.stream, markup=False, highlight=False, emoji=False, width=self.columns, soft_wrap=False
        )
        self._scene = self._staged(view)
        write(self.stream, self._scene.header())
        self._time, self._at = view.time, self.clock.monotonic()
        self._live = RichLive(
            console=console,
            get_renderable=self._render,
            refresh_per_second=1 / INTERVAL,
            transient=True,
            redirect_stdout=getattr(sys.stdout, "isatty", lambda: False)(),
            redirect_stderr=True,
        )
        Live.active += 1
        before = sys.stdout, sys.stderr
        self._live.start()
        for old, new in zip(before, (sys.stdout, sys.stderr)):
            self._moved += [(handler, handler.setStream(new) or old) for handler in handlers_of(old) if new is not old]

    def say(self, line: str) -> None:
        """Show a line that somebody else printed, above the panel; callable from any thread."""
        from rich.text import Text

        live = self._live
        if live is None:
            write(self.stream, text.clean(line))
        else:
            live.console.print(Text.from_ansi(line), soft_wrap=True)

    def events(self, events: Sequence[r.Event], view: StudyView) -> None:
        with self._lock:
            progress = self._scene = self._scene or self._staged(view)
            for event in events:
                progress.fold(event, view)
            progress.view = view
            self._time, self._at = view.time, self.clock.monotonic()

    def finish(self, view: StudyView) -> None:
        self.close()
        write(self.stream, (self._scene or self._staged(view)).final(view))

    def close(self) -> None:
        """Give the terminal back."""
        live, self._live = self._live, None
        if live is not None:
            Live.active -= 1
            live.stop()
        for handler, stream in self._moved:
            handler.setStream(stream)
        self._moved = []

    def _render(self) -> Any:
        from rich.text import Text

        try:
            with self._lock:
                if self._scene is not None:
                    elapsed = self._time + self.clock.monotonic() - self._at
                    width = self._live.console.width if self._live is not None else 80
                    self._drawn = self._scene.picture(elapsed, max(width - 1, 20), self._bar)
        except Exception:  # drawn in another thread while the study goes on: the last picture stays
            _log.debug("the panel could not be drawn", exc_info=True)
        return Text("\n").join(Text(line, style=style, no_wrap=True, end="") for style, line in self._drawn)


class Display:
    """One output of a notebook, replaced at most twice a second.

    Args:
        show: called with plain text; shows it in place of what it showed before.
        clock: where the time comes from.
        scene: what is shown.
    """

    def __init__(self, show: Callable[[str], None], clock: Clock, scene: Staged = StudyScene):
        self.show, self.clock, self._staged = show, clock, scene
        self._scene: Scene | None = None
        self._shown = -INTERVAL

    def start(self, view: StudyView) -> None:
        self._scene = self._staged(view)
        self._draw(view)

    def events(self, events: Sequence[r.Event], view: StudyView) -> None:
        progress = self._scene = self._scene or self._staged(view)
        for event in events:
            progress.fold(event, view)
        stopping, progress.view = view.stopping and not progress.view.stopping, view
        if stopping or self.clock.monotonic() - self._shown >= INTERVAL:
            self._draw(view)

    def finish(self, view: StudyView) -> None:
        self.show((self._scene or self._staged(view)).final(view))

    def _draw(self, view: StudyView) -> None:
        assert self._scene is not None
        self.show("\n".join(line for _, line in self._scene.picture(view.time, 100)))
        self._shown = self.clock.monotonic()


class _Output:
    """The output below the cell that runs."""

    def __init__(self) -> None:
        self._handle: Any = None

    def __call__(self, shown: str) -> None:
        from IPython.display import display  # pyright: ignore

        body = f'<pre style="margin:0;white-space:pre-wrap">{html.escape(shown)}</pre>'
        bundle = {"text/plain": shown, "text/html": body}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)
