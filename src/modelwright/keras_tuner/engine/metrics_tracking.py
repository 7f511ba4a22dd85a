"""Metrics of a trial: for each metric the values of all executions at each step, and its direction."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from modelwright.core.objective import infer_direction
from modelwright.keras_tuner.errors import no_protobuf


class MetricObservation:
    """The values of one metric at one step, one for each execution."""

    def __init__(self, value: Any, step: int):
        self.value: list[float] = value if isinstance(value, list) else [value]
        self.step = step

    def append(self, value: Any) -> None:
        """Add the value, or values, of further executions."""
        self.value = self.value + (value if isinstance(value, list) else [value])

    def mean(self) -> Any:
        """The mean over executions."""
        return np.mean(self.value)

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value, "step": self.step}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> MetricObservation:
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MetricObservation) and (other.value, other.step) == (self.value, self.step)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"MetricObservation(value={self.value}, step={self.step})"

    def to_proto(self) -> Any:
        raise no_protobuf("MetricObservation")

    @classmethod
    def from_proto(cls, proto: Any) -> MetricObservation:
        raise no_protobuf("MetricObservation")


class MetricHistory:
    """The observations of one metric, by step.

    >>> history = MetricHistory("max")
    >>> history.update(0.5, step=0); history.update(0.7, step=1); int(history.get_best_step())
    1
    """

    def __init__(self, direction: str = "min"):
        if direction not in ("min", "max"):
            raise ValueError(f'`direction` should be one of "min" and "max", got {direction!r}')
        self.direction = direction
        self._observations: dict[int, MetricObservation] = {}

    def update(self, value: Any, step: int) -> None:
        """Add a value; one at a step that is known is one more execution."""
        if step in self._observations:
            self._observations[step].append(value)
        else:
            self._observations[step] = MetricObservation(value, step)

    def get_best_value(self) -> Any:
        """The best mean over executions, or None."""
        means = [o.mean() for o in self._observations.values()]
        if not means:
            return None
        if np.all(np.isnan(means)):
            return means[0]
        return np.nanmin(means) if self.direction == "min" else np.nanmax(means)

    def get_best_step(self) -> int | None:
        """The first step that has the best value, or None."""
        best = self.get_best_value()
        return next((o.step for o in self._observations.values() if o.mean() == best), None)

    def get_history(self) -> list[MetricObservation]:
        """The observations, by step."""
        return sorted(self._observations.values(), key=lambda o: o.step)

    def set_history(self, observations: Iterable[MetricObservation]) -> None:
        """Add observations."""
        for o in observations:
            self.update(list(o.value), step=o.step)

    def get_statistics(self) -> dict[str, float]:
        """min, max, mean, median, var and std over steps; empty when there are none."""
        means = [o.mean() for o in self.get_history()]
        names = ("min", "max", "mean", "median", "var", "std")
        return {n: float(getattr(np, f"nan{n}")(means)) for n in names} if means else {}

    def get_last_value(self) -> Any:
        """The mean at the last step, or None."""
        history = self.get_history()
        return history[-1].mean() if history else None

    def get_config(self) -> dict[str, Any]:
        return {"direction": self.direction, "observations": [o.get_config() for o in self.get_history()]}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> MetricHistory:
        made = cls(config["direction"])
        made.set_history(MetricObservation.from_config(o) for o in config["observations"])
        return made

    def to_proto(self) -> Any:
        raise no_protobuf("MetricHistory")

    @classmethod
    def from_proto(cls, proto: Any) -> MetricHistory:
        raise no_protobuf("MetricHistory")


class MetricsTracker:
    """All metrics of a trial.

    Args:
        metrics: Keras metrics to be registered under their names.
    """

    def __init__(self, metrics: Iterable[Any] | None = None):
        self.metrics: dict[str, MetricHistory] = {}
        self.register_metrics(metrics)

    def exists(self, name: str) -> bool:
        """Whether the metric is known."""
        return name in self.metrics

    def register_metrics(self, metrics: Iterable[Any] | None = None) -> None:
        """Register each of some Keras metrics."""
        for metric in metrics or ():
            self.register(metric.name)

    def register(self, name: str, direction: str | None = None) -> None:
        """Make a metric known; a direction that cannot be told is "min".

        Raises:
            ValueError: it is known already.
        """
        if self.exists(name):
            raise ValueError(f"Metric already exists: {name}")
        self.metrics[name] = MetricHistory(direction or infer_metric_direction(name) or "min")

    def update(self, name: str, value: Any, step: int = 0) -> bool:
        """Add a value; returns whether it changed the metric's best."""
        if not self.exists(name):
            self.register(name)
        history = self.metrics[name]
        before = history.get_best_value()
        history.update(float(value), step=step)
        return history.get_best_value() != before

    def get_history(self, name: str) -> list[MetricObservation]:
        return self._known(name).get_history()

    def set_history(self, name: str, observations: Iterable[MetricObservation]) -> None:
        if not self.exists(name):
            self.register(name)
        self.metrics[name].set_history(observations)

    def get_best_value(self, name: str) -> Any:
        return self._known(name).get_best_value()

    def get_best_step(self, name: str) -> int | None:
        return self._known(name).get_best_step()

    def get_statistics(self, name: str) -> dict[str, float]:
        return self._known(name).get_statistics()

    def get_last_value(self, name: str) -> Any:
        return self._known(name).get_last_value()

    def get_direction(self, name: str) -> str:
        return self._known(name).direction

    def get_config(self) -> dict[str, Any]:
        return {"metrics": {name: history.get_config() for name, history in self.metrics.items()}}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> MetricsTracker:
        made = cls()
        made.metrics = {name: MetricHistory.from_config(c) for name, c in config["metrics"].items()}
        return made

    def to_proto(self) -> Any:
        raise no_protobuf("MetricsTracker")

    @classmethod
    def from_proto(cls, proto: Any) -> MetricsTracker:
        raise no_protobuf("MetricsTracker")

    def _known(self, name: str) -> MetricHistory:
        if name not in self.metrics:
            raise ValueError(f"Unknown metric: {name}")
        return self.metrics[name]


def infer_metric_direction(metric: Any) -> str | None:
    """ "min" or "max" for a metric given by name, function, class or object; None when it cannot be told.

    ``val_`` and ``weighted_`` before a name do not matter.

    >>> infer_metric_direction("val_weighted_accuracy"), infer_metric_direction("loss"), infer_metric_direction("x")
    ('max', 'min', None)
    """
    if isinstance(metric, str):
        name = metric
    elif isinstance(metric, type) or callable(getattr(metric, "__get__", None)):
        name = metric.__name__
    else:
        inner = getattr(metric, "_fn", None) or getattr(metric, "fn", None)
        wrapped = type(metric).__name__ in ("MeanMetricWrapper", "LossFunctionWrapper")
        name = inner.__name__ if wrapped and inner is not None else type(metric).__name__
    bare = name.removeprefix("val_").removeprefix("weighted_")
    found = infer_direction(bare) or infer_direction(_snake(bare)) if bare else None
    if found is None and bare == "ce":
        found = "min"
    return found or _known_to_keras(bare)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _known_to_keras(name: str) -> str | None:
    """Losses, and what is left of Keras' metrics, are better small."""
    import keras

    wanted = {name, _snake(name)}
    for module in (keras.losses, keras.metrics):
        for attribute in dir(module):
            found = getattr(module, attribute)
            if attribute[:1] != "_" and callable(found) and wanted & {attribute, _snake(attribute)}:
                return None if attribute in ("get", "serialize", "deserialize") else "min"
    return None
