"""The five kinds of hyperparameters, with KerasTuner's arguments, checks, values and configurations."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from modelwright.keras_tuner.engine.hyperparameters.hyperparameter import (
    HyperParameter,
    index_to_prob,
    prob_to_index,
)

SAMPLINGS = ("linear", "log", "reverse_log")
_TINY = 1e-8


class Fixed(HyperParameter):
    """A value that is not tuned: an int, float, str or bool.

    >>> Fixed("units", 3).values
    (3,)
    """

    def __init__(self, name: str, value: Any, **kwargs: Any):
        super().__init__(name=name, default=value, **kwargs)
        if not isinstance(value, (bool, int, float, str)):
            raise ValueError(f"Fixed {name!r}: the value must be an int, float, str or bool, got {value!r}")
        self.value = value

    def __repr__(self) -> str:
        return f"Fixed(name: {self.name}, value: {self.value})"

    @property
    def values(self) -> Iterable[Any]:
        return (self.value,)

    @property
    def default(self) -> Any:
        return self.value

    def prob_to_value(self, prob: float) -> Any:
        return self.value

    def value_to_prob(self, value: Any) -> float:
        return 0.5

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["default"]
        return {**config, "value": self.value}


class Boolean(HyperParameter):
    """True or False."""

    def __init__(self, name: str, default: bool = False, **kwargs: Any):
        super().__init__(name=name, default=default, **kwargs)
        if default not in (True, False):
            raise ValueError(f"Boolean {name!r}: the default must be a Python boolean, got {default!r}")

    def __repr__(self) -> str:
        return f'Boolean(name: "{self.name}", default: {self.default})'

    @property
    def values(self) -> Iterable[Any]:
        return (True, False)

    def prob_to_value(self, prob: float) -> Any:
        return prob >= 0.5

    def value_to_prob(self, value: Any) -> float:
        return 0.75 if value else 0.25


class Choice(HyperParameter):
    """One of several values of one type.

    Args:
        values: all int, all float, all str or all bool.
        ordered: whether their order means something; True for numbers unless said otherwise.
        default: one of ``values``; the first when left out.

    Raises:
        ValueError: no values, a default that is not among them, or ``ordered=True`` for strings.
        TypeError: values of several types, or of a type that cannot be tuned.
    """

    def __init__(self, name: str, values: Any, ordered: bool | None = None, default: Any = None, **kwargs: Any):
        super().__init__(name=name, default=default, **kwargs)
        values = [v.item() if isinstance(v, np.generic) else v for v in (values if values is not None else ())]
        if not values:
            raise ValueError(f"Choice {name!r}: `values` must be provided, at least one")
        kinds = {type(v) for v in values}
        if len(kinds) > 1:
            raise TypeError(f"Choice {name!r} can contain only one type of value, got {values} of types {kinds}")
        if not isinstance(values[0], (str, int, float)):
            raise TypeError(
                f"Choice {name!r} can contain only `int`, `float`, `str` or `bool`, got {values} of type {kinds}"
            )
        if default is not None and isinstance(values[0], (str, int)):
            default = type(values[0])(default)
        if default is not None and default not in values:
            raise ValueError(f"Choice {name!r}: the default value should be one of {values}, got {default!r}")
        numbers = isinstance(values[0], (int, float))
        if ordered and not numbers:
            raise ValueError(f"Choice {name!r}: `ordered` must be `False` for values that are not numbers")
        self._values, self._default = values, default
        self.ordered = numbers if ordered is None else ordered

    def __repr__(self) -> str:
        return f"Choice(name: '{self.name}', values: {self._values}, ordered: {self.ordered}, default: {self.default})"

    @property
    def values(self) -> Any:
        return self._values

    @property
    def default(self) -> Any:
        return self._values[0] if self._default is None else self._default

    def prob_to_value(self, prob: float) -> Any:
        return self._values[prob_to_index(prob, len(self._values))]

    def value_to_prob(self, value: Any) -> float:
        return index_to_prob(self._values.index(value), len(self._values))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "values": self._values, "ordered": self.ordered}


class Numerical(HyperParameter):
    """What ``Int`` and ``Float`` share: a range, a step, and the scale on which it is sampled.

    Raises:
        ValueError: the range is empty, the sampling unknown, a logarithmic range does not start above zero,
            or a logarithmic step is not above one.
    """

    def __init__(
        self, name: str, min_value: Any, max_value: Any, step: Any, sampling: Any, default: Any, **kwargs: Any
    ):
        super().__init__(name=name, default=default, **kwargs)
        where = f"For HyperParameters.{type(self).__name__}(name={name!r})"
        if min_value > max_value:
            raise ValueError(f"{where}, min_value {min_value} is greater than the max_value {max_value}")
        self.min_value, self.max_value, self.step = min_value, max_value, step
        self.sampling = "linear" if sampling is None else str(sampling).lower()
        if self.sampling not in SAMPLINGS:
            raise ValueError(f"{where}, sampling must be one of {SAMPLINGS}, got {sampling!r}")
        if self.sampling != "linear" and min_value <= 0:
            raise ValueError(
                f"{where}, sampling={self.sampling!r} does not support negative values or 0, got min_value={min_value}"
            )
        if step is not None and step <= (0 if self.sampling == "linear" else 1):
            least = 0 if self.sampling == "linear" else 1
            raise ValueError(f"{where}, expected step > {least} with sampling={self.sampling!r}, got step={step}")

    @property
    def default(self) -> Any:
        return self.min_value if self._default is None else self._default

    @property
    def values(self) -> Any:
        if self.step is None:
            return tuple(sorted({self.prob_to_value(0.05 + 0.1 * i) for i in range(10)}))
        return tuple(self._at(i) for i in range(self._count()))

    def prob_to_value(self, prob: float) -> Any:
        if self.step is not None:
            return self._at(prob_to_index(prob, self._count()))
        return self._within(self._project(prob, self._end()))

    def value_to_prob(self, value: Any) -> float:
        if self.step is None:
            return self._unproject(value + self._centre(), self._end())
        if self.sampling == "linear":
            index = math.floor((value - self.min_value) / self.step + _TINY)
        elif self.sampling == "log":
            index = math.log(value / self.min_value, self.step)
        else:
            index = math.log((self.max_value - value + self.min_value) / self.min_value, self.step)
        return index_to_prob(index, self._count())

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "min_value": self.min_value,
            "max_value": self.max_value,
            "step": self.step,
            "sampling": self.sampling,
        }

    def _end(self) -> float:
        """The end of the range in which a value without a step is drawn."""
        return self.max_value

    def _centre(self) -> float:
        """Distance from a value to the middle of the slice that is rounded to it."""
        return 0.0

    def _typed(self, value: float) -> Any:
        return value

    def _within(self, value: float) -> Any:
        return self._typed(max(self.min_value, min(value, self.max_value)))

    def _count(self) -> int:
        if self.sampling == "linear":
            return int((self.max_value - self.min_value) / self.step + _TINY) + 1
        return int(math.log(self.max_value / self.min_value, self.step) + _TINY) + 1

    def _at(self, index: int) -> Any:
        if self.sampling == "linear":
            return self._within(self.min_value + index * self.step)
        grown = self.min_value * math.pow(self.step, index)
        return self._within(grown if self.sampling == "log" else self.max_value + self.min_value - grown)

    def _project(self, prob: float, end: float) -> float:
        low = self.min_value
        if self.sampling == "linear":
            return prob * (end - low) + low
        if self.sampling == "log":
            return low * math.pow(end / low, prob)
        return end + low - low * math.pow(end / low, 1 - prob)

    def _unproject(self, value: float, end: float) -> float:
        low = self.min_value
        if end == low:
            return 0.5
        if self.sampling == "linear":
            return (value - low) / (end - low)
        if self.sampling == "log":
            return math.log(value / low) / math.log(end / low)
        return 1.0 - math.log((end + low - value) / low) / math.log(end / low)


class Int(Numerical):
    """A whole number from ``min_value`` to ``max_value``, both included.

    Args:
        step: distance between values, 1 on the linear scale; on the other two scales a factor above 1.
        sampling: "linear", "log" or "reverse_log" (capital letters do not matter).
        default: ``min_value`` when left out.

    >>> Int("batch", 2, 32, step=2, sampling="log").values
    (2, 4, 8, 16, 32)
    """

    def __init__(
        self,
        name: str,
        min_value: int,
        max_value: int,
        step: int | None = None,
        sampling: str | None = "linear",
        default: int | None = None,
        **kwargs: Any,
    ):
        if step is not None:
            step = _whole(name, "step", step)
        elif sampling is None or str(sampling).lower() == "linear":
            step = 1
        low, high = _whole(name, "min_value", min_value), _whole(name, "max_value", max_value)
        super().__init__(name, low, high, step, sampling, default, **kwargs)

    def __repr__(self) -> str:
        return (
            f"Int(name: '{self.name}', min_value: {self.min_value}, max_value: {self.max_value}, "
            f"step: {self.step}, sampling: {self.sampling}, default: {self.default})"
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "default": self._default}

    def _end(self) -> float:
        return self.max_value + 1

    def _centre(self) -> float:
        return 0.5

    def _typed(self, value: float) -> Any:
        # A power such as 10 ** 3.0 may come out a hair below the whole number that is meant.
        return math.floor(value + _TINY) if self.step is not None else int(value)


class Float(Numerical):
    """A number from ``min_value`` to ``max_value``, both included.

    Args:
        step: distance between values (a factor above 1 on a logarithmic scale); None for any value.
        sampling: "linear", "log" or "reverse_log" (capital letters do not matter).
        default: ``min_value`` when left out.

    >>> Float("rate", 0, 1, step=0.25).values
    (0.0, 0.25, 0.5, 0.75, 1.0)
    """

    def __init__(
        self,
        name: str,
        min_value: float,
        max_value: float,
        step: float | None = None,
        sampling: str | None = "linear",
        default: float | None = None,
        **kwargs: Any,
    ):
        super().__init__(name, float(min_value), float(max_value), step, sampling, default, **kwargs)

    def __repr__(self) -> str:
        return (
            f"Float(name: '{self.name}', min_value: '{self.min_value}', max_value: '{self.max_value}', "
            f"step: '{self.step}', sampling: '{self.sampling}', default: '{self.default}')"
        )


def _whole(name: str, argument: str, value: Any) -> int:
    whole = int(value)
    if whole != value:
        raise ValueError(f"Int {name!r}: {argument} must be an int, got {value!r} of type {type(value)}")
    return whole
