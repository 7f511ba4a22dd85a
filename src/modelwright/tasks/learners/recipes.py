"""Which features suit which learners: recipes for trees and for smooth learners, by decisions of a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwright.tasks.features.categories import Codes, Counts, OneHot
from modelwright.tasks.features.columns import columns_of
from modelwright.tasks.features.numbers import Numbers, Ordinals
from modelwright.tasks.features.recipe import Recipe
from modelwright.tasks.features.scaling import Scaled
from modelwright.tasks.features.step import Step
from modelwright.tasks.features.target_means import TargetMeans
from modelwright.tasks.frame import Frame

#: Levels from which a category is also (trees) or only (others) encoded by its target.
_MANY = 40


def for_trees(frame: Frame, config: Mapping[str, Any], *, native: bool) -> Recipe:
    """Numbers as they are, missing ones too.

    Args:
        native: whether the learner splits codes of levels by itself; else few levels get a column each.
    """
    steps: list[Step] = []
    _numbers(steps, frame)
    categories = columns_of(frame, "category")
    many = tuple(c for c in categories if len(frame.levels[c]) >= config.get("target_from", _MANY))
    if native:
        own = tuple(c for c in categories if c not in many or config.get("codes_too", True))
        if own:
            steps.append(Codes(own))
    else:
        few = tuple(c for c in categories if c not in many)
        if few:
            steps.append(OneHot(few))
    _by_target(steps, many, config)
    return Recipe(tuple(steps))


def for_smooth(frame: Frame, config: Mapping[str, Any], *, how: str = "robust") -> Recipe:
    """Numbers filled and scaled, a column for each frequent level, the target's means where there are many."""
    steps: list[Step] = []
    _numbers(steps, frame)
    categories = columns_of(frame, "category", "ordinal")
    many = tuple(c for c in categories if len(frame.levels[c]) >= config.get("target_from", _MANY))
    if categories:
        steps.append(OneHot(categories, most=int(config.get("one_hot", 30)), least=5 if frame.rows > 500 else 2))
    _by_target(steps, many, config)
    steps.append(Scaled(str(config.get("scale", how))))
    return Recipe(tuple(steps))


def _numbers(steps: list[Step], frame: Frame) -> None:
    numbers = columns_of(frame, "number", "boolean", "datetime")
    if numbers:
        steps.append(Numbers(numbers))
    ordinals = columns_of(frame, "ordinal")
    if ordinals:
        steps.append(Ordinals(ordinals))


def _by_target(steps: list[Step], many: tuple[str, ...], config: Mapping[str, Any]) -> None:
    if many:
        steps.append(TargetMeans(many, float(config.get("smoothing", 10.0))))
        steps.append(Counts(many))
