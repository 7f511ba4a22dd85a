"""Whose words a fit uses for what can be done next: calls of Python, or none where a command says it in its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_SHELL: ContextVar[bool] = ContextVar("modelwright_shell", default=False)


@contextmanager
def in_a_shell() -> Iterator[None]:
    """Within, a command is around the call, which says itself what it found and what comes next.

    >>> with in_a_shell():
    ...     told_by_a_command()
    True
    """
    token = _SHELL.set(True)
    try:
        yield
    finally:
        _SHELL.reset(token)


def told_by_a_command() -> bool:
    """Whether that is so."""
    return _SHELL.get()
