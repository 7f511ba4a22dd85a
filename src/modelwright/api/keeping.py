"""What of a study's files stays: where they lie, how much room they may take, what the user pinned."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from modelwright.core import records as r
from modelwright.core.errors import ArgumentError
from modelwright.store.artifacts import Artifacts, checked_place
from modelwright.store.base import Store, StudyRecord
from modelwright.study.crew import Crew
from modelwright.study.keeping import GRACE, Keeping, Waste

if TYPE_CHECKING:
    from modelwright.api.study import Study
    from modelwright.api.trial import Trial

_UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def keeping_asked(artifacts: Any, keep_bytes: Any) -> dict[str, Any]:
    """What ``mw.tune`` was told of artifacts, checked, for the study's definition; what was not said is left out.

    >>> keeping_asked(None, "2 GB")
    {'keep_bytes': 2000000000}
    """
    told: dict[str, Any] = {}
    if artifacts is not None:
        told["artifacts"] = checked_place(artifacts)
    if keep_bytes is not None:
        told["keep_bytes"] = _bytes(keep_bytes)
    return told


def _bytes(given: Any) -> int:
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?B?)\s*", str(given).upper())
    unit = found[2].removesuffix("B") if found else ""
    amount = int(float(found[1]) * _UNITS[f"{unit}B" if unit else ""]) if found else 0
    if isinstance(given, bool) or amount < 1:
        raise ArgumentError(f"keep_bytes={given!r}", where="tune", allowed="bytes, such as 2_000_000_000 or '2GB'")
    return amount


def artifacts_of(store: Store, record: StudyRecord) -> Artifacts:
    """The files of a study, here and at the place that all its workers reach, if it has one."""
    return Artifacts(store.folder(record.id), artifact_place(store, record.definition, record.name))


def artifact_place(store: Store, definition: Mapping[str, Any], name: str) -> str:
    """The URL of a study's own folder for artifacts, or ""."""
    base = str(definition.get("artifacts") or store.place)
    return f"{base}/{quote(name, safe='')}" if base else ""


def keeping_of(study: Study) -> Keeping:
    """Who decides which files of ``study`` stay."""
    definition = study._record.definition
    return Keeping(
        study._machine.history, artifacts_of(study._store, study._record), limit=definition.get("keep_bytes")
    )


def pin(self: Study, trial: Trial | int, pinned: bool = True) -> None:
    """Keep the model and the checkpoints of a trial, whatever becomes of it and however little room there is.

    Args:
        trial: the trial, or its number. What of its files is gone already does not come back.
        pinned: False lets them go again, when nothing else needs them.

    Raises:
        StudyError: there is no such trial.

    >>> import modelwright as mw
    >>> study = mw.tune(lambda hp: hp.Float("x", 0, 1), objective="minimize", trials=2, store=":memory:", verbose=0)
    >>> study.pin(study.best)
    """
    row = self._row(trial)
    self._write([r.Noted(kind=r.PIN, data={"number": row.number, "pinned": bool(pinned)})], durable=True)


def clean(study: Study, *, dry_run: bool = False) -> Sequence[Waste]:
    """Remove the files of a study that nobody will ask for again; which those are.

    Files that no trial names are left alone for an hour while the study runs anywhere: a trial may be about to end.

    Args:
        dry_run: only say which.
    """
    grace = GRACE if Crew(study._store, study._record.id).look() else 0.0
    keeping = keeping_of(study)
    return keeping.unneeded(grace) if dry_run else keeping.sweep(grace)
