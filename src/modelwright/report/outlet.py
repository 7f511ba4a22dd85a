"""What other code prints while a panel is drawn: gathered line by line, so that it stands above and tears nothing.

Owns the pipe of worker processes and the handlers of ``logging`` that hold a stream of their own. Draws nothing.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from typing import TextIO

_log = logging.getLogger("modelwright.report")

#: Seconds to wait for the last lines of processes that should have ended.
PATIENCE = 1.0


class Outlet:
    """A pipe into which other processes print.

    Args:
        show: called with each line, without its end, in the outlet's own thread.

    Attributes:
        descriptor: the end to write to; not inherited unless it is handed on.
    """

    def __init__(self, show: Callable[[str], None]):
        self._show = show
        self._reading, self.descriptor = os.pipe()
        self._thread = threading.Thread(target=self._read, name="modelwright-outlet", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it, when those who wrote have ended: returns once their last line was shown."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
            self._thread.join(PATIENCE)

    def _read(self) -> None:
        with open(self._reading, encoding="utf-8", errors="replace", newline="\n") as lines:
            for line in lines:
                try:
                    self._show(line.rstrip("\r\n").rpartition("\r")[2])
                except Exception:  # whoever writes must never find the pipe full
                    _log.debug("a line of a worker could not be shown", exc_info=True)


def handlers_of(stream: TextIO) -> Iterator[logging.StreamHandler]:
    """Handlers of ``logging`` that write to ``stream`` itself, whatever ``sys.stderr`` is by now."""
    for logger in [logging.getLogger(), *logging.Logger.manager.loggerDict.values()]:
        for handler in getattr(logger, "handlers", ()):
            if isinstance(handler, logging.StreamHandler) and handler.stream is stream:
                yield handler
