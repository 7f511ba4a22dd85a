"""What ``study.tell`` was told, as an outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelwright.core.constraint import DURATION
from modelwright.core.errors import ArgumentError, StudyError
from modelwright.core.history import History, Row
from modelwright.core.objective import Objective
from modelwright.core.records import Failure, Outcome
from modelwright.core.wording import counted, kind_of

_STATES = ("complete", "pruned", "failed", "infeasible")


def outcome_of_told(row: Row, value: Any, state: str, history: History) -> Outcome:
    """Check and translate the arguments of ``tell``.

    Raises:
        StudyError: the trial is over already.
        ArgumentError: an unknown state, a constraint's metric that was not told, or a value that is neither number,
            dict nor list.
    """
    if row.terminal:
        raise StudyError(f"trial {row.number} is {row.state} already", hint="A trial is told once.")
    if state not in _STATES:
        raise ArgumentError(f"state={state!r}", where="study.tell", allowed=", ".join(map(repr, _STATES)))
    if state in ("failed", "infeasible"):
        message = str(value) if value is not None else "told so"
        return Outcome(state=state, error=Failure(kind="exception" if state == "failed" else state, message=message))
    objectives, limits = history.objectives, history.limits
    metrics = _metrics(value, objectives)
    known = {DURATION, *row.facts, *metrics, *(name for _, reported in row.reports for name in reported)}
    missing = [name for limit in limits for name in limit.names if name not in known]
    if missing and state == "complete":
        raise ArgumentError(
            f"{missing[0]!r} of the constraint {next(x.text for x in limits if missing[0] in x.names)} was not told",
            where="study.tell",
            allowed=f"a dict with {', '.join(map(repr, [*(o.name for o in objectives), *dict.fromkeys(missing)]))}",
            hint="The trial is still running.",
        )
    return Outcome(state="complete" if state == "complete" else "pruned", metrics=metrics)


def checked_report(step: Any, metrics: Mapping[str, Any]) -> tuple[int, dict[str, float]]:
    """A step and what was measured after it, as plain numbers.

    Raises:
        ArgumentError: no step, nothing measured, or a measurement that is no number.
    """
    if isinstance(step, bool) or not hasattr(step, "__index__") or not 0 <= step < 1 << 53:
        raise ArgumentError(f"step={_short(step)} is no step", where="trial.report", allowed="0, 1, 2, ...")
    if not metrics:
        raise ArgumentError("nothing was measured", where="trial.report", hint="Write trial.report(1, loss=0.5).")
    numbers: dict[str, float] = {}
    for name, value in metrics.items():
        try:
            numbers[name] = float(value)
        except (TypeError, ValueError, OverflowError):
            raise ArgumentError(
                f"{name}={_short(value)} is no number that a float can hold",
                where="trial.report",
                hint="The trial is still running.",
            ) from None
    return int(step), numbers


def _metrics(value: Any, objectives: Sequence[Objective]) -> dict[str, float]:
    try:
        if value is None:
            return {}
        if isinstance(value, Mapping):
            missing = [o.name for o in objectives if o.name not in value]
            if missing:
                raise ArgumentError(
                    f"{', '.join(map(repr, missing))} is not among {', '.join(map(repr, value)) or 'nothing'}",
                    where="study.tell",
                    hint="Tell every objective. The trial is still running.",
                )
            return {str(k): float(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            if len(value) != len(objectives):
                many = f"{counted(len(value), 'value')} for {counted(len(objectives), 'objective')}"
                raise ArgumentError(many, where="study.tell", hint="The trial is still running.")
            return {o.name: float(v) for o, v in zip(objectives, value, strict=True)}
        if len(objectives) > 1:
            raise ArgumentError(
                f"one number for {len(objectives)} objectives",
                where="study.tell",
                hint=f"Tell a list of {len(objectives)}, or a dict. The trial is still running.",
            )
        return {objectives[0].name: float(value)}
    except (TypeError, ValueError, OverflowError) as error:
        if isinstance(error, ArgumentError):
            raise
        raise ArgumentError(
            f"cannot read {_short(value)} as a result",
            where="study.tell",
            allowed="a number that a float can hold, a dict or list of such numbers, None",
            hint="The trial is still running.",
        ) from error


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else kind_of(value)
