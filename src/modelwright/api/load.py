"""Opening what a store holds."""

from __future__ import annotations

from typing import Any

from modelwright.api.naming import found_study
from modelwright.api.study import Study
from modelwright.core.errors import ModelwrightError, StrategyError
from modelwright.core.objective import Objective
from modelwright.space import Tree
from modelwright.store.base import Store, StudyRecord, open_store
from modelwright.strategy import Strategy, resolve
from modelwright.strategy.random import Random
from modelwright.study.machine import Setup


def load_study(name: str, store: Any = None) -> Study:
    """Open a stored study, to look at it or to go on with ``study.resume(build, x, y, ...)``.

    Args:
        name: the study's name.
        store: None (``./.modelwright/studies.db``), a path, or a store.

    Raises:
        StudyError: there is no study of that name; the message has names that are near, and the latest ones.
        StoreError: there is no such store.
    """
    opened = open_store(store, create=False)
    return study_of(opened, found_study(opened, name))


def study_of(store: Store, record: StudyRecord) -> Study:
    """The study that ``record`` stands for."""
    definition = record.definition
    objectives = tuple(Objective(name, direction) for name, direction in definition.get("objectives", ()))
    setup = Setup(
        space=Tree(),
        strategy=_strategy(definition),
        objectives=objectives or (Objective("value", "min"),),
        seed=int(definition.get("seed", 0)),
    )
    return Study._of(store, record, setup)


def _strategy(definition: Any) -> Strategy:
    """The strategy that proposed the trials; one that is not known here can still be looked at."""
    try:
        return resolve(definition.get("strategy", "random"), steps=definition.get("steps"), resumable=True)
    except (StrategyError, ModelwrightError):
        return Random()
