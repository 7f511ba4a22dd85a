"""The base of all kinds of hyperparameters, and how a probability and an index of equal slices correspond."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

from modelwright.keras_tuner.engine import conditions as conditions_module
from modelwright.keras_tuner.errors import no_protobuf


class HyperParameter:
    """One dimension of a search space, known by its name and its conditions.

    Args:
        name: unique among hyperparameters with the same conditions.
        default: value before anything was tuned.
        conditions: a ``Condition`` or a list of them, all of which must hold for it to be active.
    """

    def __init__(self, name: str, default: Any = None, conditions: Any = None):
        self.name = name
        self._default = default
        if not conditions:
            conditions = []
        self.conditions: list[Any] = list(conditions) if isinstance(conditions, (list, tuple)) else [conditions]

    @property
    def default(self) -> Any:
        """Value before anything was tuned."""
        return self._default

    @property
    def values(self) -> Iterable[Any]:
        """All values, or ten spread evenly where there is no end of them."""
        raise NotImplementedError

    def random_sample(self, seed: Any = None) -> Any:
        """A value drawn with the given seed: the same seed draws the same value."""
        return self.prob_to_value(random.Random(seed).random())

    def prob_to_value(self, prob: float) -> Any:
        """The value at cumulative probability ``prob`` in [0, 1]."""
        raise NotImplementedError

    def value_to_prob(self, value: Any) -> float:
        """The cumulative probability in [0, 1) at (the middle of) ``value``."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Plain values from which ``from_config`` makes an equal hyperparameter."""
        return {
            "name": self.name,
            "default": self.default,
            "conditions": [conditions_module.serialize(c) for c in self.conditions],
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> HyperParameter:
        """The inverse of ``get_config``; ``config`` stays as it is."""
        conditions = [conditions_module.deserialize(c) for c in config.get("conditions") or []]
        return cls(**{**config, "conditions": conditions})

    def to_proto(self) -> Any:
        raise no_protobuf(type(self).__name__)

    @classmethod
    def from_proto(cls, proto: Any) -> HyperParameter:
        raise no_protobuf(cls.__name__)


def prob_to_index(prob: float, count: int) -> int:
    """Which of ``count`` equal slices of [0, 1] holds ``prob``."""
    return max(0, min(int(prob / (1 / count)), count - 1))


def index_to_prob(index: float, count: int) -> float:
    """The middle of slice ``index`` of ``count``."""
    return (index + 0.5) / count
