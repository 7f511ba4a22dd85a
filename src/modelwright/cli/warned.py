"""Warnings as sentences of a command. Does not know what they are about."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modelwright.cli.output import Output
from modelwright.report import text


@contextmanager
def warned(out: Output, *, code: bool = False) -> Iterator[None]:
    """Each warning once, as a sentence: where in Modelwright it comes from is nothing to the user of a command.

    Args:
        code: the command runs code of the user's own, of which it is told where it warns.
    """
    told: set[str] = set()

    def say(message: Warning | str, category: type[Warning], file: str, line: int, *rest: Any) -> None:
        # What Modelwright warns of itself is at the line that called it: the script that is the command.
        at = f"{file}:{line}: " if code and file != sys.argv[0] and Path(file).is_file() else ""
        said = text.clean(f"{at}{message}" if at else out.spoken(str(message)))
        if said not in told:
            told.add(said)
            out.say(f"Warning: {said}")

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = say
        yield
