"""The stem of a search for a network: kept once with its study, and put in front of what the search found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelwright.api.keeping import artifacts_of
from modelwright.core import records as r
from modelwright.core.errors import ArgumentError, StudyError

if TYPE_CHECKING:
    from modelwright.api.study import Study

#: The kind of the note that says where the stem is, and the folder within the study's.
STEM = "stem"


def keep(study: Study, stem: Any, began: float) -> None:
    """Write the stem of a search to the study's folder, where it is not there yet; nothing without a stem.

    Raises:
        ArgumentError: Keras cannot save it.
    """
    from modelwright.training.checkpoint import write_by

    if stem is None or _note(study) is not None:
        return
    files = artifacts_of(study._store, study._record)
    try:
        kept = files.keep(STEM, "stem.keras", lambda sink: write_by(stem.save, "stem.keras", sink))
    except (NotImplementedError, TypeError, ValueError) as error:
        raise ArgumentError(
            f"Keras cannot save the stem {stem.name!r}: {' '.join(str(error).split())[:300]}",
            where="nas.search",
            hint="A layer class of your own needs a get_config.",
        ) from error
    study._journal.begin(began)
    study._journal.write([r.Noted(kind=STEM, data={"path": kept.path, "sha256": kept.sha256, "size": kept.size})])


def stem_of(study: Study) -> Any:
    """The stem as this process has it, or else as the study keeps it; None where it has none.

    Raises:
        StudyError: it is gone, or has classes that this process does not know.
    """
    from modelwright.training.kept import load_model

    settings, note = study._settings, _note(study)
    job: Any = getattr(settings.estimation, "job", None) if settings is not None else None
    if note is None or (job is not None and job.stem is not None):
        return None if job is None else job.stem
    kept, files = r.Artifact(**note), artifacts_of(study._store, study._record)
    if not files.holds(kept):
        raise StudyError(
            "the file of its stem is gone",
            where=f"study {study.name!r}",
            hint="Go on with it by the same call, which has stem= (it runs nothing where the budget is used up).",
        )
    return load_model(files.fetch(kept), kept)


def whole(study: Study, network: Any) -> Any:
    """What is handed out: a network of ``study`` behind a copy of its stem, where it has one."""
    if study._record.definition.get("kind") != "nas" or (stem := stem_of(study)) is None:
        return network
    from modelwright.nas.stem import behind, frozen, network_of

    if network_of(network) is not network:  # trials of earlier versions left both in one
        return network
    own = frozen(stem, f"study {study.name!r}")  # what a user does with the model is no affair of the next one's
    return behind(own, network, study._record.definition["task"])


def _note(study: Study) -> Any:
    return next((note.data for note in study._machine.history.notes if note.kind == STEM), None)
