"""Going on with a study that was opened: the same call as ``tune``, or what this process remembers of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelwright.api.door import MODELS, NETWORKS, refuse_unknown
from modelwright.api.next_steps import handing_over, same_door
from modelwright.api.running import check_executor
from modelwright.core.errors import StudyError
from modelwright.study.limits import checked_limits

if TYPE_CHECKING:
    from modelwright.api.study import Study


def go_on(study: Study, subject: Any, data: tuple[Any, ...], options: dict[str, Any]) -> Study:
    """Run ``study`` on; see ``Study.resume``."""
    study._check_there()
    if subject is not None and study._record.definition.get("kind") == "nas":
        return _search_on(study, subject, data, options)
    if subject is not None:
        from modelwright.api.tune import tune

        options.setdefault("objective", list(study.objectives))
        options.setdefault("strategy", study._record.definition.get("strategy", "auto"))
        options.setdefault("seed", study._machine.setup.seed)
        options.setdefault("constraints", study._machine.history.limits)
        budget = study._record.definition.get("budget", {})
        if budget.get("min_gain") is not None:
            options.setdefault("min_gain", budget["min_gain"])
        _same_budget(study, options)
        return tune(subject, *data, store=study._store, name=study.name, **options)
    bounds = ("trial_seconds", "trial_memory")
    known = ("trials", "seconds", "min_gain", "workers", "executor", "verbose", "confirm", *bounds)
    nas, handed = study._record.definition.get("kind") == "nas", handing_over(study)
    where, more = f"study {study.name!r}, resume() without a subject", f"{handed} takes more." if handed else ""
    refuse_unknown(options, known, where, NETWORKS if nas else MODELS, more)
    if study._settings is None:
        what = "the space and its data" if nas else "what is tuned"
        hint = f"Write {handed}, or call {same_door(study)}." if handed else f"Call {same_door(study)}."
        raise StudyError(f"this process does not know {what}", where=f"study {study.name!r}", hint=hint)
    limits = {k: options.pop(k) for k in ("trials", "seconds", "min_gain") if k in options}
    budget = replace(study._settings.budget, **limits)
    given = {k: options.pop(k) for k in bounds if k in options}
    before = study._settings.limits
    changed = checked_limits(*(given.get(k, v) for k, v in zip(bounds, (before.seconds, before.memory), strict=True)))
    settings = replace(study._settings, budget=budget, limits=changed, began=None, **options)
    check_executor(settings.executor, settings.workers, changed, "study.resume")
    study._settings = settings
    if nas:
        from modelwright.api.searching import go_on_searching

        return go_on_searching(study)
    return study._run()


def _same_budget(study: Study, options: dict[str, Any]) -> None:
    budget = study._record.definition.get("budget", {})
    if "trials" not in options and "seconds" not in options:
        options.update({k: budget[k] for k in ("trials", "seconds") if budget.get(k) is not None})


def _search_on(study: Study, space: Any, data: tuple[Any, ...], options: dict[str, Any]) -> Study:
    """Run a search for a network on, with its space and its data."""
    from modelwright.api.searching import search

    if len(data) != 2:
        raise StudyError(
            "a search for a network goes on with its space and its data",
            where=f"study {study.name!r}",
            hint="Write study.resume(space, x, y, ...), as in nas.search.",
        )
    definition = study._record.definition
    _same_rows(study.name, definition, options)
    led = str(definition.get("strategy", "plan"))
    options.setdefault("objective", list(study.objectives))
    options.setdefault("seed", study._machine.setup.seed)
    options.setdefault("constraints", study._machine.history.limits)
    options.setdefault("plan", "auto" if led == "plan" else None)
    leads = definition.get("race") if led == "plan" else led
    if leads is not None:
        options.setdefault("strategy", leads)
    _same_budget(study, options)
    _same_training(definition, options)
    return search(space, *data, store=study._store, name=study.name, **options)


def _same_rows(name: str, definition: Mapping[str, Any], options: dict[str, Any]) -> None:
    """How the rows are taken and divided, as the search began, where the user says nothing else.

    Raises:
        StudyError: rows to judge by, or a stem, were handed over then and are not now: a store has no rows, and the
            stem that it has is for the models that come out.
    """
    judged = definition.get("validation")
    begun = {"validation=(x, y)": judged if isinstance(judged, str) else None, "stem=model": definition.get("stem")}
    lost = {k: of for k, of in begun.items() if of is not None and options.get(k.partition("=")[0]) is None}
    if lost:
        raise StudyError(
            f"the search was begun with {' and '.join(f'{k} of {of}' for k, of in lost.items())}",
            where=f"study {name!r}",
            hint=f"Hand over the same: study.resume(space, x, y, {', '.join(lost)}).",
        )
    if isinstance(judged, float):
        options.setdefault("validation", judged)
    kind = definition.get("task")
    if kind is not None:
        # That one output tells two classes apart is the space's affair: the task is the same.
        options.setdefault("task", "multiclass" if kind == "binary" else kind)


def _same_training(definition: Mapping[str, Any], options: dict[str, Any]) -> None:
    """How networks are trained, as the search began, where the user says nothing else."""
    from modelwright.nas.recipe import Recipe

    if "recipe" in definition:  # studies of earlier versions do not say
        weights = definition["class_weight"]
        options.setdefault("recipe", Recipe.read(definition["recipe"]))
        options.setdefault("class_weight", dict(weights) if isinstance(weights, (list, tuple)) else weights)
    if definition.get("epochs") is not None and (options["plan"] is None or options.get("seconds") is None):
        options.setdefault("epochs", definition["epochs"])
