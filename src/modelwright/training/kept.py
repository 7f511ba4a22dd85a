"""What trials left: checkpoints to go on from and models, read back after their hash was checked."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from modelwright.core.errors import StoreError, StudyError
from modelwright.core.records import EARLIER, FELL_BACK, Artifact, Task
from modelwright.store.artifacts import Artifacts, sha256_of

T = TypeVar("T")


@dataclass(frozen=True)
class Regained(Generic[T]):
    """What a trial goes on from.

    Attributes:
        value: what was read; None where the trial begins again.
        artifacts: what the trial's next checkpoint stands behind, for its record.
        note: what could not be read and what was taken instead, for its record.
        passed: how many checkpoints could not be read.
    """

    value: T | None
    artifacts: dict[str, Artifact]
    note: dict[str, Any]
    passed: int = 0


def artifacts_of(task: Task) -> Artifacts:
    """Where a task keeps what it leaves."""
    return Artifacts(Path(task.folder).parent, task.place)


def regained(task: Task, read: Callable[[Path, str], T]) -> Regained[T]:
    """Read the latest checkpoint of a task that is whole: its last one, else the one before, else none.

    Args:
        read: takes the file and the hash that it must have, and raises ``StoreError`` for one that is not usable.
    """
    said: list[dict[str, Any]] = []
    for kept in (task.checkpoint, task.artifacts.get(EARLIER)):
        if kept is None or not kept.path:
            continue
        try:
            value = read(artifacts_of(task).fetch(kept), kept.sha256)
        except StoreError as error:
            said.append({"checkpoint": kept.path, "why": error.what})
            continue
        behind = {EARLIER: kept} if said else {}
        note = {FELL_BACK: {"passed": said, "to": kept.path}} if said else {}
        return Regained(value, behind, note, len(said))
    return Regained(None, {}, {FELL_BACK: {"passed": said, "to": ""}} if said else {}, len(said))


def load_model(path: Path, kept: Artifact, rebuild: Callable[[], Any] | None = None) -> Any:
    """The Keras model in ``path``; needs neither the user's code nor Modelwright's, except for classes of their own.

    Args:
        rebuild: makes a fresh model of the same configuration, for one that Keras cannot save or load by itself.

    Raises:
        StudyError: the file is gone or is not what was written, or the model's class is unknown and there is no
            ``rebuild``.
    """
    if not path.exists():
        raise StudyError("the model's file is gone", where=str(path), hint="study.refit() trains it again.")
    if kept.sha256 and sha256_of(path) != kept.sha256:
        raise StudyError(
            "the model's file was altered since it was written", where=str(path), hint="study.refit() trains it again."
        )
    from modelwright.training.keras_backend import ensure_backend

    keras = ensure_backend()
    try:
        if path.suffix == ".keras":
            return keras.saving.load_model(path)
        why = "its class has no get_config, so its weights alone were kept"
    except (NotImplementedError, TypeError, ValueError) as error:
        why = " ".join(str(error).split())[:300]
    if rebuild is not None:
        return _with_weights(rebuild(), path)
    raise StudyError(
        f"Keras cannot make the model by itself: {why}",
        where=str(path),
        hint="Ask in the process that tuned it, or after mw.tune(..., name=...) went on with the study: the model is "
        "built by your own code there. Classes marked with @keras.saving.register_keras_serializable() and a "
        "get_config load everywhere.",
    )


def _with_weights(model: Any, path: Path) -> Any:
    from modelwright.training import keras_state as st
    from modelwright.training.checkpoint import read_checkpoint

    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
        st.build(model, config.get("build_config"))
        model.load_weights(path)
        return model
    arrays, state = read_checkpoint(path)
    st.build(model, state["build"])
    st.write_state(model, arrays, ("trainable", "non_trainable"))
    return model
