"""What a user handed to ``tune``: found out by its first call, and turned into a space and an estimation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from modelwright.core.backend import choose_backend
from modelwright.core.errors import ArgumentError, ObjectiveError, SubjectError
from modelwright.core.objective import Objective
from modelwright.core.wording import kind_of
from modelwright.estimation.base import Estimation
from modelwright.frontends.function import declared_tree, refuse_more_than_hp, takes_trial
from modelwright.frontends.given import warn_negative, warn_not_finite, with_arrays
from modelwright.frontends.hypermodel import HyperModel, has_own_fit
from modelwright.space import HyperParameters, Tree
from modelwright.training.function import FunctionEstimation

#: Arguments that only models take.
_OF_MODELS = tuple(
    "validation_split validation_data epochs batch_size callbacks cv groups sample_weight executions "
    "max_model_size".split()
)


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

    def named_data(self) -> dict[str, Any]:
        """The data and the validation data, each part by its name."""
        names = ("x", "y", "sample_weight")
        named = dict(zip(names, self.data))
        held = self.options.get("validation_data")
        parts = held if isinstance(held, (tuple, list)) else ()
        return {**named, **{f"validation_data's {name}": part for name, part in zip(names, parts)}}

    def refuse(self, kind: str, *names: str) -> None:
        """Raise for options that make no sense for ``kind``."""
        wrong = [name for name in names if self.options.get(name) is not None]
        if wrong:
            raise ArgumentError(
                f"{', '.join(wrong)} given, but what is tuned is {kind}", where="tune", hint="Leave it out."
            )

    def refuse_twice(self) -> None:
        """Raise for what was given both as an argument and in ``fit``."""
        given = self.options.get("fit")
        fit: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
        twice = [name for name in fit if self.options.get(name) is not None]
        if twice:
            first = twice[0]
            raise ArgumentError(
                f"{', '.join(twice)} given twice: {first}={_short(self.options[first])} and "
                f"fit={{{first!r}: {_short(fit[first])}}}",
                where="tune",
                hint="Give it once, as the argument.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What the engine needs.

    Attributes:
        tree: the space as far as it is known ahead.
        unit: what a step is.
        needs_folder: whether trials leave files.
        kind: "function", "keras", "sklearn" or "nas".
        closed: whether ``tree`` is all there is, and knows more than its parameters say.
    """

    estimation: Estimation
    tree: Tree
    objectives: tuple[Objective, ...]
    kind: str
    unit: str = "step"
    needs_folder: bool = True
    described: str = ""
    closed: bool = False
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
    request.refuse_twice()
    refuse_more_than_hp(build, _name_of(subject))
    choose_backend()
    tree = declared_tree(request.space)
    hp = HyperParameters.bind({}, declared=tree, draw=None)
    made = build(hp)
    modules = {base.__module__.split(".")[0] for base in type(made).__mro__}
    if "keras" in modules or "tf_keras" in modules:
        return _keras(request, build, made, hp, tree)
    if callable(getattr(made, "fit", None)) and callable(getattr(made, "get_params", None)):
        from modelwright.frontends import sklearn

        request = with_arrays(request, text=False)
        prepared = sklearn.prepare(request, build, made, hp, tree)
        features = ("x", "validation_data's x") if sklearn.takes_nan(made) else ()
        warn_not_finite(request.named_data(), nan_allowed=features)
        return prepared
    raise SubjectError(
        f"{described(subject)} returned {made!r:.60} ({kind_of(made)})",
        where="the first call",
        allowed="a compiled keras.Model or a scikit-learn estimator when data are given",
        hint="Did you forget 'return model'?" if made is None else "A plain function takes no data: close over it.",
    )


def _keras(request: Request, build: Callable[..., Any], made: Any, hp: HyperParameters, tree: Tree) -> Prepared:
    from modelwright.frontends import keras
    from modelwright.frontends.keras_shapes import check_shapes, check_validation, check_weight

    request = with_arrays(request, text=True)
    own_fit, held = has_own_fit(request.subject), request.given("validation_data")
    if not own_fit:
        _refuse_dataless(request)
        check_validation(held)
        check_weight(request.data, request.given("sample_weight"))
        warn_negative(request.given("sample_weight"))
    prepared = keras.prepare(request, build, made, hp, tree)
    if not own_fit:
        check_shapes(made, request.data, held)
    warn_not_finite(request.named_data())
    return prepared


def _refuse_dataless(request: Request) -> None:
    """A model with Keras' own ``fit`` has nothing to train on unless ``fit`` brings it."""
    fit = request.given("fit", {})
    if not request.data and not callable(fit) and "x" not in fit:
        raise ArgumentError(
            "there is no data to train on",
            where="tune",
            hint="Pass it behind what is tuned: mw.tune(build, x, y, ...). A HyperModel with its own fit needs none.",
        )


def described(subject: Any) -> str:
    """A name for people."""
    name = getattr(subject, "__qualname__", None) or type(subject).__name__
    module = getattr(subject, "__module__", "")
    return f"{module}.{name}" if module and module != "__main__" else str(name)


def _function(request: Request) -> Prepared:
    meant = [name for name in _OF_MODELS if request.options.get(name) is not None]
    if meant:
        raise ArgumentError(
            f"{', '.join(meant)} given, but no data: without data what is tuned is a plain function, which takes none "
            "of these",
            where="tune",
            hint=f"Is the data missing? Write mw.tune({_name_of(request.subject)}, x, y, {meant[0]}=...).",
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


def _name_of(subject: Any) -> str:
    name = getattr(subject, "__name__", "build")
    return name if name.isidentifier() else "build"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"<{type(value).__name__}>"


def _is_model(subject: Any) -> bool:
    modules = {base.__module__.split(".")[0] for base in type(subject).__mro__}
    return bool(modules & {"keras", "sklearn"}) and callable(getattr(subject, "fit", None))


def _refusal(subject: Any) -> str:
    if isinstance(subject, type):
        return f"{subject.__name__} is a class; hand over an instance"
    if _is_model(subject):
        finished = f"{kind_of(subject)} is finished: there is nothing to choose in it, and no preset knows it"
        return f"{finished}. Wrap it in build(hp)"
    return f"{kind_of(subject)} cannot be tuned"
