"""Models out of a study: the kept best one, and one trained anew on all the data."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from modelwright.api.keeping import artifacts_of
from modelwright.api.measuring import settle
from modelwright.api.next_steps import handing_over, same_door
from modelwright.api.stems import whole
from modelwright.core.errors import StudyError
from modelwright.core.history import Row

if TYPE_CHECKING:
    from modelwright.api.study import Study


def best_model(study: Study, row: Row) -> Any:
    """The model of ``row`` as it is handed out."""
    return whole(study, left_by(study, row))


def left_by(study: Study, row: Row) -> Any:
    """The model that ``row`` left, read back and checked against its hash; trained anew where it is gone."""
    study._check_there()
    _refuse_project(study, row)
    settle(study, row)
    if study._record.definition.get("kind") == "function":
        raise StudyError(
            "a plain function leaves no model that could be given back",
            where=f"study {study.name!r}",
            hint="Train one with study.best.config; or save it in trial.folder while function(hp, trial) runs, or tune "
            "build(hp) with data: mw.tune(build, x, y, ...).",
        )
    artifacts = artifacts_of(study._store, study._record)
    kept = row.artifacts.get("model")
    if kept is not None and (artifacts.holds(kept) or row.number == study.best.number):
        from modelwright.training.kept import load_model

        path = artifacts.fetch(kept) if artifacts.holds(kept) else artifacts.folder / kept.path
        make = getattr(study._settings.estimation, "rebuilt", None) if study._settings is not None else None
        with _as_made(study):
            return load_model(path, kept, (lambda: make(dict(row.config))) if make is not None else None)
    if study._settings is not None and hasattr(study._settings.estimation, "refit"):
        return _trained_anew(study, row, None)
    raise StudyError(
        f"trial {row.number} left no model",
        where=f"study {study.name!r}",
        hint=f"Models of the best few trials are kept. {_trained_here(study, row)}",
    )


def _as_made(study: Study) -> AbstractContextManager[None]:
    """Keras' settings under which networks of a search are made; as they are for other models."""
    if study._record.definition.get("kind") != "nas":
        return nullcontext()
    from modelwright.nas.keras_settings import in_32_bits

    return in_32_bits()


def refit(study: Study, row: Row, seed: int | None) -> Any:
    """Train the configuration of ``row`` on all the data the study was given."""
    return whole(study, _trained_anew(study, row, seed))


def _trained_anew(study: Study, row: Row, seed: int | None) -> Any:
    _refuse_project(study, row)
    settle(study, row)
    settings = study._settings
    if study._record.definition.get("kind") == "function":
        raise StudyError(
            "a plain function is not a model, so there is nothing to train on all the data",
            where=f"study {study.name!r}",
            hint="Call it with the best configuration yourself: study.best.config.",
        )
    if settings is None:
        raise StudyError(
            f"this process does not know {_trained_by(study)}",
            where=f"study {study.name!r}",
            hint=_trained_here(study, row),
        )
    if not hasattr(settings.estimation, "refit"):
        raise StudyError(
            "there is nothing to train",
            where=f"study {study.name!r}",
            hint="refit() needs a study of a model. Train study.best.config yourself.",
        )
    task = study._machine.task(row.number, "")
    chosen = task.seed if seed is None else int(seed)
    estimation: Any = settings.estimation
    if study._record.definition.get("kind") == "nas":  # for as long as it was trained, with what it inherited
        return estimation.refit(dict(row.config), seed=chosen, epochs=float(row.facts["epochs"]))
    return estimation.refit(dict(row.config), seed=chosen, steps=row.step)


def _trained_here(study: Study, row: Row) -> str:
    """How a process that lacks the model and its data comes to train a trial's."""
    handed = handing_over(study)
    if not handed:
        return f"Call {same_door(study)}: it goes on, and returns the model."
    best = study._machine.history.best()
    trial = "" if best is None or row.number == best.number else str(row.number)
    return (
        f"Hand over {_trained_by(study)} with study = {handed}, which runs nothing where the budget is used up; then "
        f"study.refit({trial})."
    )


def _trained_by(study: Study) -> str:
    """What it takes to train one of its models."""
    nas = study._record.definition.get("kind") == "nas"
    return f"the {'space' if nas else 'model'} and its data"


def _refuse_project(study: Study, row: Row) -> None:
    """Models of a search by the drop-in for KerasTuner are the tuner's, which has the code that builds them."""
    if "trial_id" in row.note:
        raise StudyError(
            "its models are those of a project of modelwright.keras_tuner",
            where=f"study {study.name!r} in {study._store.location}",
            hint="Make the tuner as the script does, with the same directory= and project_name=; then "
            "tuner.get_best_models()[0] is the model, and tuner.get_best_hyperparameters()[0] what to train anew.",
        )


def classes(study: Study) -> tuple[Any, ...]:
    """What the outputs of a search's networks stand for, in their order: the labels of ``y``, or for rows of 0 and 1
    the places of its columns. A single output for two labels stands for the second. () where numbers are predicted.

    Raises:
        StudyError: the study is no architecture search.
    """
    if study._record.definition.get("kind") != "nas":
        raise StudyError(
            "only a search of nas.search knows the labels of its outputs",
            where=f"study {study.name!r}",
            hint="An estimator's are study.best_model().classes_.",
        )
    return tuple(study._record.definition["classes"])
