"""What comes after a search and has to end by the same deadline: how many seconds to keep for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from modelwright.core.history import History
from modelwright.study.confirm import seconds_to_confirm

_MORE: ContextVar[tuple[Callable[[History], float] | None, float]] = ContextVar(
    "modelwright_afterwards", default=(None, 0.5)
)


@contextmanager
def followed_by(seconds: Callable[[History], float] | None, *, most: float = 0.5) -> Iterator[None]:
    """Within, a search ends early enough for what its caller does next, by what the search has found.

    Args:
        most: share of all its seconds that are kept for that at most.
    """
    token = _MORE.set((seconds, most))
    try:
        yield
    finally:
        _MORE.reset(token)


def afterwards(confirm: int, slots: int, seconds: float | None, history: History) -> float:
    """Of so many seconds, those for the runs that confirm so many trials, and for what the caller does next."""
    more, most = _MORE.get()
    own = seconds_to_confirm(history, confirm, slots) if confirm else 0.0
    needed = own + (more(history) if more is not None else 0.0)
    return needed if seconds is None else min(needed, most * seconds)


def seconds_to_fit_again(executions: int) -> Callable[[History], float]:
    """How long the best will take on all rows, by what its folds took."""

    def seconds(history: History) -> float:
        best = history.best()
        if best is None or not best.steps:
            return 0.0
        folds = max(2.0, best.steps / executions)
        return best.duration / best.steps * folds / (folds - 1)

    return seconds
