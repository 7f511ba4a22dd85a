"""Which features suit which learners: recipes for trees and for smooth learners, by decisions of a configuration.

Decisions that every recipe knows: ``smoothing`` and ``target_from`` (levels from which categories are encoded by the
target), ``pairs`` (arithmetic of numbers kept), ``groups`` (numbers next to their means in categories), ``crosses``
(categories two by two), ``text`` (components of each text), ``components`` (principal components added), ``select``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from modelwright.space.hyperparameters import HyperParameters
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.features.categories import Codes, Counts, Hashed, OneHot
from modelwright.tasks.features.columns import columns_of
from modelwright.tasks.features.dates import Dates
from modelwright.tasks.features.groups import CrossedMeans, GroupMeans
from modelwright.tasks.features.interactions import Pairs
from modelwright.tasks.features.numbers import Nothing, Numbers, Ordinals
from modelwright.tasks.features.recipe import Recipe
from modelwright.tasks.features.reduction import Components
from modelwright.tasks.features.scaling import Scaled
from modelwright.tasks.features.selection import Selected
from modelwright.tasks.features.step import Step
from modelwright.tasks.features.target_means import TargetMeans
from modelwright.tasks.features.text import Texts

#: Levels from which a category is encoded by its target in place of codes, and those from which codes are hashed.
_MANY, _VERY_MANY = 40, 2000
#: Features that smooth learners take: what they do grows with the square.
_WIDE = 800
#: Mean words of a level from which its n-grams say more than which level it is.
_WORDY = 1.5
#: Mean letters of a text from which its words are enough.
_LONG = 150
#: Interactions, for learners that find none by themselves.
RICH: Mapping[str, Any] = {"pairs": 12, "groups": True, "crosses": True}


def feature_space(hp: HyperParameters, *, pairs: bool = True, rich: bool = False) -> None:
    """Declare the decisions on features that are worth to be searched.

    Args:
        pairs: whether interactions, components and selection are among them.
        rich: whether interactions are there by default, as in ``RICH``.
    """
    hp.Float("smoothing", 1.0, 100.0, sampling="log", default=10.0)
    if pairs:
        hp.Choice("pairs", [0, 12, 40], ordered=True, default=RICH["pairs"] if rich else 0)
        hp.Boolean("groups", default=rich)
        hp.Boolean("crosses", default=rich)
        hp.Choice("components", [0, 5, 15], ordered=True, default=0)
        hp.Choice("select", ["plain", "probes"], default="plain")


def for_trees(frame: Frame, config: Mapping[str, Any], *, native: bool) -> Recipe:
    """Numbers as they are, missing ones too.

    Args:
        native: whether the learner splits codes of levels by itself; else few levels get a column each.
    """
    steps: list[Step] = []
    _numbers(steps, frame, config, cyclic=False)
    categories = columns_of(frame, "category")
    many = _many(frame, categories, config)
    if native:
        most = int(config.get("codes_below", _MANY))
        if own := tuple(c for c in categories if len(frame.levels[c]) < min(most, _VERY_MANY)):
            steps.append(Codes(own))
        if very := tuple(c for c in categories if _VERY_MANY <= len(frame.levels[c]) < most):
            steps.append(Hashed(very))
    elif few := tuple(c for c in categories if c not in many):
        steps.append(OneHot(few))
    _the_rest(steps, frame, config, many)
    steps = steps or [Nothing()]
    steps.append(Selected(str(config.get("select", "plain"))))
    if config.get("components") and not config.get("monotone"):  # they are made of all features
        steps.append(Components(int(config["components"])))
    return Recipe(tuple(steps))


def for_smooth(frame: Frame, config: Mapping[str, Any], *, how: str = "robust", ordinal_levels: bool = True) -> Recipe:
    """Numbers filled and scaled, a column for each frequent level, the target's means where there are many."""
    steps: list[Step] = []
    _numbers(steps, frame, config, cyclic=True)
    categories = columns_of(frame, "category", *(("ordinal",) if ordinal_levels else ()))
    if categories:
        steps.append(OneHot(categories, most=int(config.get("one_hot", 30)), least=5 if frame.rows > 500 else 2))
    _the_rest(steps, frame, config, _many(frame, categories, config))
    steps = steps or [Nothing()]
    steps.append(Selected(str(config.get("select", "plain")), most=int(config.get("most", _WIDE))))
    steps.append(Scaled(str(config.get("scale", how))))
    if config.get("components"):
        steps.append(Components(int(config["components"]), keep=bool(config.get("keep", True))))
    return Recipe(tuple(steps))


def _many(frame: Frame, categories: tuple[str, ...], config: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(c for c in categories if len(frame.levels[c]) >= config.get("target_from", _MANY))


def _numbers(steps: list[Step], frame: Frame, config: Mapping[str, Any], *, cyclic: bool) -> None:
    if numbers := columns_of(frame, "number", "boolean", "datetime"):
        steps.append(Numbers(numbers))
    if ordinals := columns_of(frame, "ordinal"):
        steps.append(Ordinals(ordinals))
    if moments := _free(columns_of(frame, "datetime"), config):
        steps.append(Dates(moments, cyclic=cyclic))


def _free(columns: tuple[str, ...], config: Mapping[str, Any]) -> tuple[str, ...]:
    """Columns without a monotone constraint: it would not hold for what is derived from them."""
    return tuple(column for column in columns if column not in (config.get("monotone") or {}))


def _the_rest(steps: list[Step], frame: Frame, config: Mapping[str, Any], many: tuple[str, ...]) -> None:
    if many:
        steps += [TargetMeans(many, float(config.get("smoothing", 10.0))), Counts(many)]
    components = int(config.get("text", 30))
    texts = columns_of(frame, "text")
    if not components and (frame.numbers or frame.codes):  # else there is nothing besides them
        _made(steps, frame, config)
        return
    long = tuple(name for name in texts if _letters(frame.texts[name]) > _LONG)
    if short := tuple(name for name in texts if name not in long):
        steps.append(Texts(short, components))
    if long:
        steps.append(Texts(long, components, letters=(0, 0), buckets=16384))
    wordy = tuple(name for name in frame.spellings if _words(frame.levels[name]) >= _WORDY)
    if wordy:
        steps.append(Texts(wordy, max(1, components // 2), words=1, counts=False))
    _made(steps, frame, config)


def _made(steps: list[Step], frame: Frame, config: Mapping[str, Any]) -> None:
    """What is made of several columns."""
    numbers = _free(columns_of(frame, "number", "boolean"), config)
    categories = _free(columns_of(frame, "category", "ordinal"), config)
    if config.get("pairs") and len(numbers) > 1:
        steps.append(Pairs(numbers, among=8 if config["pairs"] <= 12 else 12, most=int(config["pairs"])))
    if config.get("groups") and numbers and categories:
        steps.append(GroupMeans(categories, numbers))
    if config.get("crosses") and len(categories) > 1:
        steps.append(CrossedMeans(categories, smoothing=float(config.get("smoothing", 10.0))))


def _letters(texts: np.ndarray) -> float:
    some = texts[:1000].tolist()
    return sum(map(len, some)) / max(1, len(some))


def _words(levels: tuple[str, ...]) -> float:
    return sum(len(level.split()) for level in levels) / max(1, len(levels))
