"""HyperModel: a model with holes, as a class, for those who want their own ``fit``."""

from __future__ import annotations

from typing import Any

from modelwright.core.errors import SubjectError
from modelwright.space import HyperParameters


class HyperModel:
    """Subclass it with ``build``; override ``fit`` to tune how a model is trained, batch size included.

    Args:
        name: for people.
        tunable: kept for KerasTuner's sake.

    >>> class Line(HyperModel):
    ...     def build(self, hp):
    ...         return hp.Int("units", 1, 8)
    >>> Line().build(HyperParameters())
    1
    """

    def __init__(self, name: str | None = None, tunable: bool = True):
        self.name, self.tunable = name, tunable

    def build(self, hp: HyperParameters) -> Any:
        """Return a compiled model for ``hp``."""
        raise SubjectError(f"{type(self).__name__} has no build(hp)", hint="Define build(self, hp) in the subclass.")

    def fit(self, hp: HyperParameters, model: Any, *args: Any, **kwargs: Any) -> Any:
        """Train ``model``; pass ``callbacks`` on, for they carry epochs back to the study."""
        return model.fit(*args, **kwargs)

    def declare_hyperparameters(self, hp: HyperParameters) -> None:
        """Declare parameters ahead of ``build``; optional."""


def has_own_fit(subject: Any) -> bool:
    """Whether ``subject`` trains its models in a way of its own."""
    own = getattr(type(subject), "fit", None)
    return own is not None and own is not HyperModel.fit and callable(getattr(subject, "build", None))
