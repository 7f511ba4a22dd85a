"""What a user handed to ``tune``: found out by its first call, and turned into a space and an estimation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelwright.core.backend import choose_backend
from modelwright.core.errors import ArgumentError, ObjectiveError, SubjectError
from modelwright.core.objective import Objective
from modelwright.estimation.base import Estimation
from modelwright.frontends.function import declared_tree, takes_trial
from modelwright.frontends.hypermodel import HyperModel
from modelwright.space import HyperParameters, Tree
from modelwright.training.function import FunctionEstimation


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The arguments of ``tune`` that say what is tuned and on what.

    Attributes:
        objectives: parsed, or () when none was given.
        options: further arguments by name; those that are None were not given.
    """

    subject: Any
    data: tuple[Any, ...] = ()
    objectives: tuple[Objective, ...] = ()
    space: Any = None
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)

    def given(self, name: str, default: Any = None) -> Any:
        """An option, or ``default`` where it was left out."""
        value = self.options.get(name)
        return default if value is None else value

    def refuse(self, kind: str, *names: str) -> None:
        """Raise for options that make no sense for ``kind``."""
        wrong = [name for name in names if self.options.get(name) is not None]
        if wrong:
            raise ArgumentError(f"{', '.join(wrong)} given, but what is tuned is {kind}", where="tune")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What the engine needs.

    Attributes:
        tree: the space as far as it is known ahead.
        unit: what a step is.
        needs_folder: whether trials leave files.
        kind: "function", "keras" or "sklearn".
    """

    estimation: Estimation
    tree: Tree
    objectives: tuple[Objective, ...]
    kind: str
    unit: str = "step"
    needs_folder: bool = True
    described: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def prepare(request: Request) -> Prepared:
    """Find out what ``request.subject`` is.

    A model is built once with the defaults, in this process, so that mistakes show at once and the space is known.

    Raises:
        SubjectError: it is nothing that can be tuned. What the user's own code raises comes through as it is.
    """
    subject: Any = request.subject
    is_hypermodel = isinstance(subject, HyperModel) or (
        not isinstance(subject, type) and callable(getattr(subject, "build", None)) and not _is_model(subject)
    )
    if isinstance(subject, type) or not (callable(subject) or is_hypermodel) or _is_model(subject):
        raise SubjectError(
            _refusal(subject), where="tune", allowed="a function(hp), function(hp, trial), build(hp) or a HyperModel"
        )
    if not request.data and not is_hypermodel and request.options.get("fit") is None:
        return _function(request)
    build: Any = subject.build if is_hypermodel else subject
    choose_backend()
    tree = declared_tree(request.space)
    hp = HyperParameters.bind({}, declared=tree, draw=None)
    made = build(hp)
    modules = {base.__module__.split(".")[0] for base in type(made).__mro__}
    if "keras" in modules or "tf_keras" in modules:
        from modelwright.frontends import keras

        return keras.prepare(request, build, made, hp, tree)
    if callable(getattr(made, "fit", None)) and callable(getattr(made, "get_params", None)):
        from modelwright.frontends import sklearn

        return sklearn.prepare(request, build, made, hp, tree)
    raise SubjectError(
        f"{described(subject)} returned {made!r:.60} (a {type(made).__name__})",
        where="the first call",
        allowed="a compiled keras.Model or a scikit-learn estimator when data are given",
        hint="Did you forget 'return model'?" if made is None else "A plain function takes no data: close over it.",
    )


def described(subject: Any) -> str:
    """A name for people."""
    name = getattr(subject, "__qualname__", None) or type(subject).__name__
    module = getattr(subject, "__module__", "")
    return f"{module}.{name}" if module and module != "__main__" else str(name)


def _function(request: Request) -> Prepared:
    request.refuse(
        "a plain function", "validation_split", "validation_data", "epochs", "batch_size", "callbacks", "cv", "groups"
    )
    if not request.objectives:
        raise ObjectiveError(
            "a function needs an objective",
            where="tune",
            hint="Write objective='minimize', 'maximize', or mw.Minimize('name') for a metric that it returns.",
        )
    tree = declared_tree(request.space)
    estimation = FunctionEstimation(
        request.subject,
        objectives=request.objectives,
        with_trial=takes_trial(request.subject),
        declared=tree,
        steps=request.given("steps"),
    )
    return Prepared(
        estimation=estimation,
        tree=tree,
        objectives=request.objectives,
        kind="function",
        needs_folder=estimation.with_trial,
        described=described(request.subject),
    )


def _is_model(subject: Any) -> bool:
    modules = {base.__module__.split(".")[0] for base in type(subject).__mro__}
    return bool(modules & {"keras", "sklearn"}) and callable(getattr(subject, "fit", None))


def _refusal(subject: Any) -> str:
    if isinstance(subject, type):
        return f"{subject.__name__} is a class; hand over an instance"
    if _is_model(subject):
        return f"a {type(subject).__name__} is finished: there is nothing to choose in it. Wrap it in build(hp)"
    return f"a {type(subject).__name__} cannot be tuned"
