"""Errors: every message says what was wrong, where, what is allowed and what to do next.

Owns the exception types that cross the public doors. Does not decide when they are raised.
"""

from __future__ import annotations


class ModelwrightError(Exception):
    """Base of every error that Modelwright raises on purpose.

    Args:
        what: what was wrong, with the value that was given.
        where: the parameter, trial, file or argument concerned; may be empty.
        allowed: what would have been accepted; may be empty.
        hint: what to do next; may be empty.

    >>> print(ModelwrightError("low=2 exceeds high=1", where="'lr'", allowed="low < high", hint="Swap them."))
    'lr': low=2 exceeds high=1. Allowed: low < high. Swap them.
    """

    def __init__(self, what: str, *, where: str = "", allowed: str = "", hint: str = ""):
        self.what, self.where, self.allowed, self.hint = what, where, allowed, hint
        text = f"{where}: {what}" if where else what
        if allowed:
            text = _joined(text, f"Allowed: {allowed}")
        if hint:
            text = _joined(text, hint)
        super().__init__(text)

    def __reduce__(self):
        return _rebuild, (type(self), self.what, self.where, self.allowed, self.hint)


def _joined(text: str, more: str) -> str:
    """Two sentences, the first of which may have its full stop, or another sign, already."""
    return f"{text} {more}" if text.endswith((".", "?", "!")) else f"{text}. {more}"


def _rebuild(kind, what, where, allowed, hint):
    return kind(what, where=where, allowed=allowed, hint=hint)


class SpaceError(ModelwrightError, ValueError):
    """A hyperparameter, a constraint or a configuration is not valid."""


class ObjectiveError(ModelwrightError, ValueError):
    """The objective is unknown, has no direction, or is not among the reported metrics."""


class StrategyError(ModelwrightError, ValueError):
    """A strategy is unknown or was given arguments it cannot work with."""


class SubjectError(ModelwrightError, TypeError):
    """What was handed to ``tune`` cannot be tuned: wrong type, nothing returned, not compiled."""


class ArgumentError(ModelwrightError, ValueError):
    """An argument of a public function has a value that makes no sense."""


class StudyError(ModelwrightError, RuntimeError):
    """A study cannot go on, be opened or be resumed as asked."""


class WorkerError(StudyError):
    """What a worker process is to run cannot be sent to it, or cannot be loaded there."""


class StoreError(ModelwrightError, RuntimeError):
    """A store cannot be opened, read or written. Nothing that it held has been changed."""


class ConflictError(StoreError):
    """Another process wrote the study meanwhile. Nothing was added: read what is new, and decide again."""


class MediumError(StoreError):
    """What a trial leaves cannot be kept: the disk is full, over a quota, or read-only.

    It ends the search at the first one. No trial failed: one that was running runs again when the study goes on.
    """


class MissingPackageError(ModelwrightError, ImportError):
    """An optional package is needed for what was asked and is not installed."""


class InfeasibleError(ModelwrightError):
    """Raise it in a function or a ``build`` to say: this configuration cannot be run.

    The trial becomes ``infeasible``: the strategy learns from it, and it never counts as a failure.
    """
