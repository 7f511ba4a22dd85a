"""``modelwright COMMAND ...``: the way in. Imports nothing that takes time before Ctrl-C is looked after."""

from __future__ import annotations

import signal
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code, see ``docs/cli.md``.

    Args:
        arguments: the words after ``modelwright``; those of this process when None.
    """
    came: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    # What is imported by half complains of it in many lines: Ctrl-C waits for the whole, which takes part of a second.
    if waits := before is signal.default_int_handler:
        try:
            signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
        except ValueError:  # another thread than the main one, which Ctrl-C does not reach
            waits = False
    try:
        from modelwright.cli.command import carried_out
    finally:
        if waits:
            signal.signal(signal.SIGINT, before)
    return carried_out(arguments, stopped=bool(came))


if __name__ == "__main__":
    raise SystemExit(main())
