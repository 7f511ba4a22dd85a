"""Objectives as KerasTuner has them: one metric, the sum of several, or a bare number that is returned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwright.keras_tuner.engine.metrics_tracking import infer_metric_direction


class Objective:
    """A metric and the direction in which it is better.

    Args:
        name: the metric as it stands in the logs.
        direction: "min" or "max".

    >>> Objective("val_loss", "min").better_than(0.1, 0.2)
    True
    """

    def __init__(self, name: str, direction: str):
        if direction not in ("min", "max"):
            raise ValueError(f'objective {name!r}: direction must be "min" or "max", got {direction!r}')
        self.name, self.direction = name, direction

    def has_value(self, logs: Mapping[str, Any]) -> bool:
        """Whether the objective can be computed from ``logs``."""
        return self.name in logs

    def get_value(self, logs: Mapping[str, Any]) -> Any:
        """The objective's value in ``logs``."""
        return logs[self.name]

    def better_than(self, a: Any, b: Any) -> bool:
        """Whether value ``a`` beats value ``b``."""
        return bool(a > b if self.direction == "max" else a < b)

    def __eq__(self, obj: object) -> bool:
        if not isinstance(obj, Objective):
            return NotImplemented
        return (self.name, self.direction) == (obj.name, obj.direction)

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return f'Objective(name="{self.name}", direction="{self.direction}")'


class DefaultObjective(Objective):
    """The number that ``run_trial`` or ``HyperModel.fit`` returns, to be made small."""

    def __init__(self) -> None:
        super().__init__("default_objective", "min")


class MultiObjective(Objective):
    """The sum of several objectives, with a minus sign before those that are to be made large."""

    def __init__(self, objectives: list[Objective]):
        super().__init__("multi_objective", "min")
        self.objectives = objectives
        self.name_to_direction = {o.name: o.direction for o in objectives}

    def has_value(self, logs: Mapping[str, Any]) -> bool:
        return all(name in logs for name in self.name_to_direction)

    def get_value(self, logs: Mapping[str, Any]) -> Any:
        return sum(
            value if self.name_to_direction[name] == "min" else -value
            for name, value in logs.items()
            if name in self.name_to_direction
        )

    def __eq__(self, obj: object) -> bool:
        if not isinstance(obj, MultiObjective):
            return NotImplemented
        return self.name_to_direction == obj.name_to_direction

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"Multi{super().__str__()}: [{', '.join(str(o) for o in self.objectives)}]"


def create_objective(objective: Any) -> Objective:
    """An ``Objective`` from what a user gave: None, a name, an objective, or a list of these.

    Raises:
        ValueError: the direction of a name cannot be told.
        TypeError: it is none of these.

    >>> print(create_objective("val_accuracy"))
    Objective(name="val_accuracy", direction="max")
    """
    if objective is None:
        return DefaultObjective()
    if isinstance(objective, Objective):
        return objective
    if isinstance(objective, list):
        return MultiObjective([create_objective(o) for o in objective])
    if not isinstance(objective, str):
        raise TypeError(f"objective not understood, expected str, an Objective or a list of these, got {objective!r}")
    direction = infer_metric_direction(objective)
    if direction is None:
        raise ValueError(
            f"Could not infer optimization direction of the objective {objective!r}. "
            f'Write keras_tuner.Objective("{objective}", direction="min") or direction="max".'
        )
    return Objective(objective, direction)


def direction_of(objective: Objective, metric: str) -> str | None:
    """The direction that ``objective`` gives to a metric, or None when it does not concern it."""
    if isinstance(objective, MultiObjective) and metric in objective.name_to_direction:
        return objective.name_to_direction[metric]
    return objective.direction if objective.name == metric else None
