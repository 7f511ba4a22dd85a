"""An estimator and a function that gives its parameters, as a ``build(hp)``. Does not search, nor fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from modelwright.core.errors import SubjectError
from modelwright.core.wording import kind_of
from modelwright.space import HyperParameters


class Changed:
    """``build(hp)`` of an estimator and a function that gives its parameters.

    Raises:
        SubjectError: the space is no function; when called, what it returned are no parameters of the estimator.
    """

    def __init__(self, estimator: Any, space: Callable[[HyperParameters], Mapping[str, Any]]):
        _check_space(space)
        self.estimator, self.space = estimator, space
        self.__qualname__ = type(estimator).__name__

    def __call__(self, hp: HyperParameters) -> Any:
        params = self.space(hp)
        if not isinstance(params, Mapping):
            raise SubjectError(
                f"space(hp) returned {params!r:.60} ({kind_of(params)})",
                where="TunedCV",
                allowed="a dict for estimator.set_params, such as {'C': hp.Float('C', 0.1, 10)}",
            )
        from sklearn.base import clone

        made: Any = clone(self.estimator)
        try:
            return made.set_params(**params)
        except ValueError as error:
            raise SubjectError(
                f"space(hp) returned a parameter that the estimator has not: {error}",
                where="TunedCV",
                hint="In a pipeline write 'step__parameter'.",
            ) from error


def _check_space(space: Any) -> None:
    """Refuse what is no function of hp, with the function that a dict or a list of values stands for."""
    if callable(space) and not isinstance(space, type):
        return
    hint = "Such as lambda hp: {'alpha': hp.Float('alpha', 0.01, 100, sampling='log')}."
    if isinstance(space, Mapping) and space:
        name, values = next(iter(space.items()))
        listed = list(values) if isinstance(values, (list, tuple, set, range)) else ["...", "..."]
        shown = repr(listed) if len(repr(listed)) <= 60 else "[...]"
        hint = f"For a grid write lambda hp: {{{name!r}: hp.Choice({name!r}, {shown}), ...}}, with strategy='grid'."
    raise SubjectError(
        f"space is {kind_of(space)}",
        where="TunedCV",
        allowed="a function of hp that returns a dict for estimator.set_params",
        hint=hint,
    )
