"""Errors of the drop-in: which of them end a search and which only end a trial."""

from __future__ import annotations


class FailedTrialError(Exception):
    """Raise it in ``build``, ``fit`` or ``run_trial`` to give the trial up as ``FAILED``, without a retry.

    >>> issubclass(FailedTrialError, Exception)
    True
    """


class InfeasibleTrialError(FailedTrialError):
    """The configuration cannot be run (too many parameters, out of memory).

    Ends the trial like ``FailedTrialError`` and never counts towards ``max_consecutive_failed_trials``.
    """


class FatalError(Exception):
    """Raise it anywhere in a trial to end the whole search at once."""


class FatalValueError(FatalError, ValueError):
    """A ``FatalError`` that is a ``ValueError``."""


class FatalTypeError(FatalError, TypeError):
    """A ``FatalError`` that is a ``TypeError``."""


class FatalRuntimeError(FatalError, RuntimeError):
    """A ``FatalError`` that is a ``RuntimeError``."""


def no_protobuf(what: str) -> NotImplementedError:
    """The error of every ``to_proto`` and ``from_proto``: there are no protobufs here."""
    return NotImplementedError(
        f"{what} has no protobuf form in modelwright.keras_tuner. Use get_config() and from_config(), "
        "or get_state() and set_state(); to run trials in parallel, write search(..., workers=2)."
    )
