"""Plain functions, and spaces declared by hand."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from modelwright.core.errors import SpaceError, SubjectError
from modelwright.core.wording import kind_of
from modelwright.space import HyperParameters, Tree


def declared_tree(given: Any) -> Tree:
    """The space that a user declared: None, a ``Tree``, ``HyperParameters``, or a function that declares on one."""
    if given is None:
        return Tree()
    if isinstance(given, Tree):
        return given
    if isinstance(given, HyperParameters):
        return given.tree
    if callable(given):
        hp = HyperParameters()
        given(hp)
        return hp.tree
    raise SpaceError(
        f"cannot read {kind_of(given)} as a space",
        where="space",
        allowed="mw.HyperParameters with declared parameters, or a function(hp) that declares them",
    )


def refuse_more_than_hp(build: Callable[..., Any], name: str) -> None:
    """Refuse a ``build`` that cannot be called with hyperparameters alone.

    Raises:
        SubjectError: with what to write instead.
    """
    try:
        signature = inspect.signature(build)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(None)
    except TypeError:
        more = [p.name for p in signature.parameters.values() if p.default is p.empty][1:]
        raise SubjectError(
            f"{name}{signature} cannot be called with hp alone",
            where="tune",
            allowed="build(hp) that returns a compiled Keras model or an estimator, which is then fitted on the data",
            hint=f"A function that trains by itself closes over its data, with none given to tune: "
            f"mw.tune(lambda hp: {name}({', '.join(['hp', *more])}), objective='minimize', trials=30)."
            if more
            else "It needs one argument, hp.",
        ) from None


def takes_trial(function: Callable[..., Any]) -> bool:
    """Whether a function wants ``(hp, trial)`` rather than ``(hp)``.

    Raises:
        SubjectError: it takes neither one nor two arguments.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = [p for p in places if p.default is p.empty]
    anything = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    demanded = [p for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    if len(required) > 2 or demanded or (not places and not anything):
        raise SubjectError(
            f"{getattr(function, '__name__', function)!s}{inspect.signature(function)} cannot be called",
            where="the tuned function",
            allowed="function(hp), or function(hp, trial)",
            hint="Bind further arguments with functools.partial or a lambda.",
        )
    return len(required) == 2 or (len(places) >= 2 and places[1].name == "trial")
