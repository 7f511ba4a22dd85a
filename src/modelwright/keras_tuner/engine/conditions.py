"""Conditions: when a hyperparameter is active. A hyperparameter with no condition always is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from modelwright.keras_tuner.errors import no_protobuf


class Condition(ABC):
    """Base of conditions."""

    @abstractmethod
    def is_active(self, values: dict[str, Any]) -> bool:
        """Whether the condition holds, given the values of all active hyperparameters."""

    @abstractmethod
    def __eq__(self, other: object) -> bool: ...

    __hash__ = None  # type: ignore[assignment]

    @abstractmethod
    def get_config(self) -> dict[str, Any]:
        """Plain values from which ``from_config`` makes an equal condition."""

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Condition:
        return cls(**config)

    def to_proto(self) -> Any:
        raise no_protobuf(type(self).__name__)

    @classmethod
    def from_proto(cls, proto: Any) -> Condition:
        raise no_protobuf(cls.__name__)


class Parent(Condition):
    """Holds while the hyperparameter ``name`` is worth one of ``values``.

    >>> Parent("model", ["cnn", "mlp"]).is_active({"model": "cnn"})
    True
    """

    def __init__(self, name: str, values: Any):
        self.name = name
        listed = list(values) if isinstance(values, (list, tuple)) else [values]
        self.values = _of_one_kind(listed)

    def is_active(self, values: dict[str, Any]) -> bool:
        return self.name in values and values[self.name] in self.values

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Parent) and (other.name, other.values) == (self.name, self.values)

    def __repr__(self) -> str:
        return f"Parent(name: '{self.name}', values: {self.values})"

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "values": self.values}


def _of_one_kind(values: list[Any]) -> list[Any]:
    first = values[0]
    if isinstance(first, str):
        return [str(v) for v in values]
    if isinstance(first, (bool, float)):
        return values
    if isinstance(first, int):
        return [int(v) for v in values]
    raise TypeError(f"Can contain only int, float, str or bool as values of a condition, got {values} ({type(first)})")


_CLASSES: dict[str, type[Condition]] = {"Parent": Parent}


def serialize(obj: Condition) -> dict[str, Any]:
    """A condition as ``{"class_name": ..., "config": ...}``."""
    return {"class_name": type(obj).__name__, "config": obj.get_config()}


def deserialize(config: Any) -> Condition:
    """The inverse of ``serialize``; a condition is passed through."""
    if isinstance(config, Condition):
        return config
    found = _CLASSES.get(config["class_name"]) or _subclass(config["class_name"])
    return found.from_config(dict(config["config"]))


def _subclass(name: str) -> type[Condition]:
    for kind in Condition.__subclasses__():
        if kind.__name__ == name:
            return kind
    raise ValueError(f"unknown condition {name!r}: known are {sorted(_CLASSES)} and subclasses of Condition")
