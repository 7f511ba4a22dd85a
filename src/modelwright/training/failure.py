"""What an exception in a user's code means for its trial: failed, or infeasible, with the user's own line."""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Sequence
from pathlib import Path

from modelwright.core.constraint import Limit, judged
from modelwright.core.errors import InfeasibleError, MediumError, ModelwrightError
from modelwright.core.records import Failure, Outcome
from modelwright.training.peak import peaks

_MEMORY_MARKS = (
    "resource_exhausted",
    "resourceexhausted",
    "out of memory",
    "outofmemory",
    "cannot allocate memory",
    "oom when allocating",
)
_LONGEST = 100_000
_PACKAGE = str(Path(__file__).resolve().parent.parent)
_LIBRARIES = tuple({sysconfig.get_paths()[k] for k in ("purelib", "platlib", "stdlib")})


def outcome_of(error: BaseException, duration: float = 0.0) -> Outcome:
    """The outcome of a trial that raised ``error``.

    Out of memory and ``InfeasibleError`` make it infeasible, everything else failed. With the first, the most memory
    that was held is told: the failure's ``peak_bytes``, and ``device_peak_bytes`` among the facts.

    Raises:
        MediumError: ``error`` is one: what we write is not the trial's doing, so it has no outcome.

    >>> outcome_of(MemoryError()).state, outcome_of(ValueError("x")).state
    ('infeasible', 'failed')
    """
    if isinstance(error, MediumError):
        raise error
    kind = "exception"
    if isinstance(error, InfeasibleError):
        kind = "infeasible"
    elif is_out_of_memory(error):
        kind = "memory"
    host, device = peaks() if kind == "memory" else (0, 0)
    failure = Failure(
        kind=kind,
        type=type(error).__name__,
        message=_one_line(error),
        traceback=_shortened("".join(traceback.format_exception(error))),
        where=user_line(error),
        peak_bytes=host,
    )
    if isinstance(error, ModelwrightError):  # it says what was wrong; what a library said is in the stored traceback
        error.__cause__, error.__suppress_context__ = None, True
    return Outcome(
        state="failed" if kind == "exception" else "infeasible",
        duration=duration,
        error=failure,
        note={"device_peak_bytes": device} if device else {},
        exception=error,
    )


def too_large(params: int, size: int, most: int | None, limits: Sequence[Limit] = ()) -> Outcome | None:
    """The outcome of a model that is not worth training; None when it is, or has no weights yet.

    Args:
        params: its parameters.
        size: its bytes.
        most: parameters that it may have.
        limits: constraints on ``params`` and ``size_mb``; others count when the trial has ended.

    >>> from modelwright.core.constraint import parse
    >>> too_large(30, 120, None, parse("params <= 20")).error.message
    'params is 30, too large by 10 (50 %) for params <= 20'
    """
    facts = {"params": params, "size_mb": size / 1e6}
    if most is not None and params > most:
        text = f"the model has {params:,} parameters, more than the {most:,} allowed"
        return Outcome(state="infeasible", error=Failure(kind="size", message=text), note=facts)
    broken = judged(limits, {}, facts, full=False).broken if params else None
    return None if broken is None else Outcome(state="infeasible", error=broken, note=facts)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, on the host or on an accelerator."""
    if isinstance(error, MemoryError):
        return True
    name = type(error).__name__
    text = f"{name}: {_said(error)}".lower()
    # TensorFlow's is derived from none of the usual ones.
    usual = isinstance(error, (RuntimeError, OSError, ValueError)) or name == "ResourceExhaustedError"
    return usual and any(mark in text for mark in _MEMORY_MARKS)


def user_line(error: BaseException) -> str:
    """``file:line`` of the innermost frame that belongs to neither a library nor Modelwright; "" without one."""
    found = ""
    for frame in traceback.extract_tb(error.__traceback__):
        if not frame.filename.startswith((_PACKAGE, *_LIBRARIES, "<frozen")):
            found = f"{frame.filename}:{frame.lineno}"
    return found


def _one_line(error: BaseException) -> str:
    text = " ".join(_said(error).split())
    return text[:2000] or type(error).__name__


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as problem:  # an error that cannot be printed must not take the place of the one that happened
        return f"its text cannot be had: {type(problem).__name__} in its __str__"


def _shortened(text: str) -> str:
    """``text`` without its middle where it is longer than anybody reads: each failed trial stores one."""
    if len(text) <= _LONGEST:
        return text
    half = _LONGEST // 2
    return f"{text[:half]}\n... ({len(text) - _LONGEST:,} characters left out) ...\n{text[-half:]}"
