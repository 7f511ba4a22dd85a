"""Hypermodels: what builds a model for given hyperparameters, and trains it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from modelwright.keras_tuner.errors import FatalValueError


class HyperModel:
    """A search space of models: subclass it and override ``build``, and ``fit`` where training is special.

    Args:
        name: for people.
        tunable: whether hyperparameters that ``build`` asks for join the search space. If not, they keep the values
            they have there, or their defaults.
    """

    def __init__(self, name: str | None = None, tunable: bool = True):
        self.name, self.tunable = name, tunable
        self._build = self.build
        self.build = self._build_wrapper

    def build(self, hp: Any) -> Any:
        """Return a compiled model for the values of ``hp``."""
        raise NotImplementedError(f"{type(self).__name__} must override build(hp)")

    def _build_wrapper(self, hp: Any, *args: Any, **kwargs: Any) -> Any:
        return self._build(hp if self.tunable else hp.copy(), *args, **kwargs)

    def declare_hyperparameters(self, hp: Any) -> None:
        """Ask for hyperparameters ahead of the first ``build``."""

    def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        """Train ``model``; everything given to ``search`` arrives here, with callbacks that must be passed on.

        Returns:
            What ``model.fit`` returns, a dict of metrics that holds the objective, or the objective as a number.
        """
        return model.fit(*args, **kwargs)


class DefaultHyperModel(HyperModel):
    """A hypermodel made from a function ``build(hp)``."""

    def __init__(self, build: Callable[..., Any], name: str | None = None, tunable: bool = True):
        super().__init__(name=name, tunable=tunable)
        self.build = self._build = build


def get_hypermodel(hypermodel: Any) -> HyperModel | None:
    """A ``HyperModel`` from a hypermodel, a function ``build(hp)``, or None.

    Raises:
        FatalValueError: it is none of these.
    """
    if hypermodel is None or isinstance(hypermodel, HyperModel):
        return hypermodel
    if not callable(hypermodel):
        raise FatalValueError(
            f"the `hypermodel` argument should be either a HyperModel or a function build(hp), got {hypermodel!r}"
        )
    return DefaultHyperModel(hypermodel)
