"""Errors that a library raised for what a user gave it, in our words. Knows no particular library."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from modelwright.core.errors import ArgumentError, ModelwrightError, SubjectError
from modelwright.training.failure import is_out_of_memory, user_line

_LONGEST = 800
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
#: Values of an array that a message lists.
_NUMBERS = re.compile(r":? array=\[[^A-Za-z]*\]")
_WHOLE = "The trial's error has the whole traceback."


@contextmanager
def in_our_words(doing: str, facts: Callable[[], str], hint: str) -> Iterator[None]:
    """Within, what a library raises where no line of the user's code ran is raised again with what it was given.

    The new error is a ``ValueError`` where the old one was, a ``TypeError`` otherwise; the old one is its cause.

    Args:
        doing: what is done: "model.fit".
        facts: says what it was given.
        hint: what to do next.

    >>> with in_our_words("model.fit", lambda: "x (9, 2)", "Mend x."):
    ...     x = 3
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, ModelwrightError) or is_out_of_memory(error) or _is_the_users(error):
            raise
        said = _NUMBERS.sub("", " ".join(_COLOUR.sub("", str(error)).split())) or type(error).__name__
        said = said if len(said) <= _LONGEST else said[: _LONGEST - 3] + "..."
        kind = ArgumentError if isinstance(error, ValueError) else SubjectError
        raise kind(f"it refused what it was given, {facts()}: {said}", where=doing, hint=f"{hint} {_WHOLE}") from error


def _is_the_users(error: BaseException) -> bool:
    """Whether a line of the user's code ran in it, or in an error that a library wrapped."""
    at: BaseException | None = error
    while at is not None:
        if user_line(at):
            return True
        at = at.__cause__ or at.__context__
    return False


def library_line(error: BaseException) -> str:
    """``file:line`` of the innermost line of the library's that raised; it tells one kind of refusal from another."""
    frames = traceback.extract_tb((error.__cause__ or error).__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
