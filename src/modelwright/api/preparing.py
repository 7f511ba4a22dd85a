"""What a search for a network needs, of the arguments of ``nas.search``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from modelwright.core.constraint import Limit
from modelwright.core.errors import ArgumentError
from modelwright.core.objective import parse_objective
from modelwright.core.wording import kind_of, warn_caller
from modelwright.frontends.subject import Prepared
from modelwright.space import HyperParameters

if TYPE_CHECKING:
    from modelwright.nas.architecture import Architecture
    from modelwright.nas.dataset import Dataset
    from modelwright.nas.hardware import Meter
    from modelwright.nas.recipe import Recipe

#: Epochs of the training in full, unless the user says otherwise.
_EPOCHS = 10


def prepare(asked: Mapping[str, Any], limits: Sequence[Limit]) -> Prepared:
    """What the engine needs, of the arguments of ``search``."""
    from modelwright.nas.asked import check_names, class_weights
    from modelwright.nas.dataset import dataset
    from modelwright.nas.estimate import ArchitectureEstimation
    from modelwright.nas.job import Job
    from modelwright.nas.latency_table import checked_devices
    from modelwright.nas.limited import split
    from modelwright.nas.metered import meter_for

    epochs, devices = _epochs(asked), checked_devices(asked["devices"], "nas.search")
    stem, x, validation = _stem(asked)
    data = dataset(
        x,
        asked["y"],
        validation=validation,
        seed=asked["seed"] % (1 << 63),
        task=asked["task"],
        shapes=_shapes_of(asked["space"]),
        outputs=_outputs_of(asked["space"]),
    )
    _tell_policy()
    space = bound(asked["space"], data)
    objectives = parse_objective(data.task.objective if asked["objective"] is None else asked["objective"])
    check_names(data.task, objectives, limits, planned=asked["plan"] is not None)
    recipe, early = _recipe(asked["recipe"], data), split(limits)[0]
    meter = meter_for(limits, objectives, devices)
    tree = _tree(space, asked, recipe, limits, meter)
    weights, rungs = class_weights(asked["class_weight"], data), _ladder(asked, data, epochs, recipe)
    job = Job(
        space=space,
        data=data,
        ladder=rungs,
        objectives=objectives,
        recipe=recipe,
        limits=early,
        meter=meter,
        training=asked["training"],
        class_weight=weights,
        stem=stem,
    )
    return Prepared(
        estimation=ArchitectureEstimation(job),
        tree=tree,
        objectives=objectives,
        kind="nas",
        unit="epoch" if asked["plan"] is None and rungs.steps == epochs else "step",
        described=f"nas.{space.name}",
        closed=True,
        facts={
            "task": data.task.kind,
            "classes": list(data.task.classes),
            "data": f"{len(data.y):,} rows of {_shapes(data.shapes)}, {data.digest}",
            "shapes": [list(shape) for shape in data.shapes],
            "validation": _judged_by(asked["validation"], data),
            "stem": None if stem is None else f"{stem.count_params():,} weights in {len(stem.layers)} layers",
            **({} if asked["plan"] is None else {"race": _named(asked["strategy"]), "stages": rungs.stages()}),
            "recipe": recipe.plain(),
            "class_weight": _kept_weights(asked["class_weight"], weights, data),
            "epochs": float(epochs) if asked["plan"] is None or _bounded(asked) else None,
        },
    )


def _tell_policy() -> None:
    from modelwright.nas.keras_settings import policy_without_effect

    if policy := policy_without_effect():
        warn_caller(f"Keras' policy {policy!r} has no effect: networks are trained, and handed out, in 32 bits")


def _kept_weights(given: Any, weights: Mapping[int, float] | None, data: Dataset) -> Any:
    """Weights of classes as a study keeps them: None, "balanced", or pairs of a label and its weight."""
    if weights is None or isinstance(given, str):
        return given
    return [[data.task.classes[place], weight] for place, weight in sorted(weights.items())]


def _judged_by(validation: Any, data: Dataset) -> float | str:
    """The share of the rows that is kept back, or how many there are beside them, in words."""
    own = isinstance(validation, (tuple, list))
    return f"{len(data.kept):,} rows" if own else float(validation)


def _named(strategy: Any) -> str | None:
    """Who leads the race; None where that is the plan's own model."""
    return strategy if strategy is None or isinstance(strategy, str) else strategy.name or type(strategy).__name__


def _stem(asked: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    """The stem, frozen, and what it makes of x and of the x to judge by; without one these, in the space's order."""
    from modelwright.nas.rows import in_order_of

    x, validation = asked["x"], asked["validation"]
    if asked["stem"] is None:
        origin = getattr(asked["space"], "origin", None)
        return None, *in_order_of(() if origin is None else origin.input_names, x, validation)
    from modelwright.nas.stem import frozen, passed

    stem = frozen(asked["stem"], "nas.search")
    if isinstance(validation, (tuple, list)) and len(validation) == 2:
        validation = passed(stem, validation[0], validation[1], "nas.search", "validation's "), validation[1]
    return stem, passed(stem, x, asked["y"], "nas.search"), validation


def _shapes_of(space: Any) -> tuple[tuple[int, ...], ...] | None:
    """Those that the space was made for; None where it takes any."""
    from modelwright.nas.architecture import Architecture
    from modelwright.nas.spaces.template import Template

    return space.inputs if isinstance(space, Architecture) else space.shapes if isinstance(space, Template) else None


def _outputs_of(space: Any) -> int | None:
    """How many numbers its networks put out, where it was made for so many."""
    from modelwright.nas.architecture import Architecture
    from modelwright.nas.spaces.template import Template

    if isinstance(space, Template):
        return space.outputs
    outs = _puts_out(space) if isinstance(space, Architecture) else []
    return outs[0][0] if len(outs) == 1 and len(outs[0]) == 1 else None


def _puts_out(space: Architecture) -> list[tuple[int, ...]]:
    graph = space.graph(space.tree.default())
    return [graph.nodes[place].shape for place in graph.outputs]


def _epochs(asked: Mapping[str, Any]) -> float:
    epochs = asked["epochs"]
    if epochs is None:
        return _EPOCHS
    number = isinstance(epochs, (int, float)) and not isinstance(epochs, bool) and math.isfinite(epochs)
    if not number or epochs <= 0:
        raise ArgumentError(f"epochs={epochs!r:.60}", where="nas.search", allowed="a number above 0")
    if asked["seconds"] is not None and asked["plan"] is not None:
        warn_caller(f"epochs={epochs:g} has no effect: with seconds= the finish takes all the time that is left")
    return epochs


def _recipe(given: Any, data: Dataset) -> Recipe:
    from modelwright.nas.dataset import mirrors
    from modelwright.nas.recipe import Recipe

    if given is not None and not isinstance(given, Recipe):
        raise ArgumentError(f"recipe is {kind_of(given)}", where="nas.search", allowed="nas.Recipe(...)")
    return (given or Recipe()).settled(data.task.kind, data.rows, lambda: mirrors(data))


def _ladder(asked: Mapping[str, Any], data: Dataset, epochs: float, recipe: Recipe) -> Any:
    from modelwright.nas.ladder import ladder, straight

    if asked["plan"] is None:
        return straight(data.rows, epochs, batch=recipe.examples)
    image = min(n for shape in data.images for n in shape[:2]) if data.task.images else None
    return ladder(data.rows, image, epochs, batch=recipe.examples, bounded=_bounded(asked))


def _bounded(asked: Mapping[str, Any]) -> bool:
    """Whether the phases of a plan have no more epochs than the user named; time bounds them otherwise."""
    return asked["epochs"] is not None and asked["seconds"] is None


def _tree(
    space: Architecture, asked: Mapping[str, Any], recipe: Recipe, limits: Sequence[Limit], meter: Meter | None
) -> Any:
    """The decisions of the network, and those beside it, under the limits that are known before training."""
    from modelwright.nas.hardware import is_latency
    from modelwright.nas.limited import LimitedTree, split

    tree: Any = space.tree
    training = asked["training"]
    if training is not None:
        if not callable(training):
            raise ArgumentError(f"training is {kind_of(training)}", where="nas.search", allowed="a function of hp")
        hp = HyperParameters()
        given = training(hp)
        recipe.changed(given)
        tree = tree.grow(_as_the_recipe(hp.tree.specs(), hp.tree.default(), given, recipe))
    if meter is not None:
        plain, _ = split([limit for limit in limits if not any(map(is_latency, limit.names))])
        asked["measured"](meter, LimitedTree.of(tree, plain))
    return LimitedTree.of(tree, split(limits)[0], meter)


def _as_the_recipe(
    specs: Sequence[Mapping[str, Any]], defaults: Mapping[str, Any], given: Any, recipe: Recipe
) -> list[Mapping[str, Any]]:
    """Fields of the recipe that are searched begin with the recipe's value, unless a default was given with them."""
    from modelwright.core.errors import SpaceError
    from modelwright.space.parameter import Parameter

    found = list(specs)
    for place, spec in enumerate(specs):
        field = str(spec["name"]).rsplit("/", 1)[-1]
        if spec.get("default") is None and field in given and given[field] == defaults.get(spec["name"]):
            changed = {**spec, "default": getattr(recipe, field)}
            with suppress(SpaceError):  # where the recipe's value is none of those that are searched
                found[place] = Parameter.from_spec(changed).spec()
    return found


def bound(space: Any, data: Dataset) -> Architecture:
    """The space for these data.

    Raises:
        ArgumentError: it is none.
        SpaceError: it was made for other inputs, or puts out something else.
    """
    from modelwright.core.errors import SpaceError
    from modelwright.nas.architecture import Architecture

    if not isinstance(space, Architecture) and callable(getattr(space, "bind", None)):
        space = space.bind(*data.shapes, outputs=data.task.outputs)
    if not isinstance(space, Architecture):
        allowed = "nas.chain(), nas.cells(), ..., or an nas.Architecture"
        raise ArgumentError(f"{kind_of(space)} is no space of architectures", where="nas.search", allowed=allowed)
    if space.inputs != data.shapes:
        raise SpaceError(
            f"it takes {_shapes(space.inputs)}, and a row of the data is {_shapes(data.shapes)}",
            where=f"nas.{space.name}",
        )
    outs = _puts_out(space)
    if outs != [(data.task.outputs,)]:
        there = len(np.unique(data.y)) if data.task.kind == "multiclass" else data.task.outputs
        others = [f"dense({there}), an output for each label that y has,"] if there < data.task.outputs else []
        others += ["dense(1)"] if data.task.kind == "multiclass" and there == 2 else []
        raise SpaceError(
            f"it puts out {_shapes(outs)}, and {data.task.kind} targets need {_shapes([(data.task.outputs,)])}",
            where=f"nas.{space.name}",
            hint=f"End with global_avg_pool() or flatten(), and dense({data.task.outputs}) without an activation"
            + (f"; {' or '.join(others)} does too." if others else "."),
        )
    return space if space.origin is None else _in_own_units(space, data)


def _in_own_units(space: Architecture, data: Dataset) -> Architecture:
    """The space around a network that was trained, whose weights hold for rows as the user has them."""
    from modelwright.nas.spaces.around import rescaled

    inputs = [(tuple(math.sqrt(v) for v in front.variance), front.mean) for front in data.fronts]
    if data.task.kind != "regression":
        return rescaled(space, inputs)
    scale = tuple(1.0 / spread for spread in data.task.spread)
    return rescaled(space, inputs, (scale, tuple(-c * s for c, s in zip(data.task.center, scale, strict=True))))


def _shapes(shapes: Sequence[Any]) -> str:
    return " and ".join(map(str, shapes))
