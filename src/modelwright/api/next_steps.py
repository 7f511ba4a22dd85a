"""What to do next, as lines of code: after a search that found something, that found nothing, that was interrupted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.core.errors import StudyError
from modelwright.core.wording import counted
from modelwright.store.memory import MemoryStore

if TYPE_CHECKING:
    from modelwright.api.study import Study

#: Why a session ended although the same call, made again, would have gone on.
CUT_SHORT = ("interrupted", "stopped at once", "stopped by study.stop()")
#: The door that a kind of study came through, where it is not ``mw.tune``.
_DOORS = {"table": "mw.fit", "nas": "mw.nas.search"}
#: What a kind of study is handed to go on in another process, where it is not what ``mw.tune`` takes; "" for nothing.
_HANDED = {"table": "", "nas": "space, x, y, ...", "function": "function, ..."}
_DEFAULT = str(Path(".modelwright") / "studies.db")


def next_steps(study: Study) -> tuple[str, ...]:
    """One line each; nothing that would only raise."""
    steps = [how_to_resume(study)] if study._stopped in CUT_SHORT else []
    if study._raised:  # then nobody was handed the study
        if isinstance(study._store, MemoryStore):
            return ("mw.tune(...)  # again: this study was kept in memory only",)
        steps.append(f"study = mw.load_study({_named(study)})")
    if study._machine.history.best() is None:
        return (*steps, *_after_nothing(study))
    steps.append("study.front" if len(study.objectives) > 1 else "study.best")
    kind, fits = study._record.definition.get("kind"), study._settings is not None and not study._raised
    if kind == "keras" or (kind == "sklearn" and fits):
        steps += ["study.best_model()", *["study.refit()"] * fits]
    else:
        steps.append("study.best_model()" if kind == "nas" else "study.frame()")
    return (*steps, "study.report('study.html')")


def _after_nothing(study: Study) -> tuple[str, ...]:
    bad = next((row for row in study._machine.history.rows if row.error is not None), None)
    if bad is None or bad.error is None:
        return ("study.trials",)
    error = f"study.trials[{bad.number}].error"
    return (f"print({error}.traceback)" if bad.error.traceback else error, "study.frame()")


def nothing_found(study: Study) -> StudyError:
    """The error of a study that has no best trial: how its trials ended, and why."""
    from modelwright.report.view import without_value

    return StudyError(
        without_value(study._view()),
        where=f"study {study.name!r}",
        hint="study.trials has every state and error." if study._machine.history.rows else "Run it first.",
    )


def how_to_resume(study: Study) -> str:
    """The call that goes on with a study, in this process or in another one."""
    if isinstance(study._store, MemoryStore):
        return "study.resume()  # goes on; it is kept in memory only"
    name = f"name={study.name!r}"
    store = "" if study._store.location == _DEFAULT else f", store={study._store.location!r}"
    door = _DOORS.get(str(study._record.definition.get("kind")), "mw.tune")
    return f"{door}(..., {name}{store})  # the same call with this name goes on"


def handing_over(study: Study) -> str:
    """The call that hands a loaded study what this process lacks; "" where there is none beside its door's."""
    handed = _HANDED.get(str(study._record.definition.get("kind")), "build, x, y, ...")
    return f"study.resume({handed})" if handed else ""


def same_door(study: Study) -> str:
    """The door that a study came through, with its name."""
    return f"{_DOORS.get(str(study._record.definition.get('kind')), 'mw.tune')} with the same name="


def farewell(study: Study) -> str:
    """What a search that is stopped at once says last."""
    rows = study._machine.history.rows
    # One that was running had a value where an earlier segment of it had ended.
    done = sum(row.terminal or row.state == "paused" or bool(row.segments) for row in rows)
    kept = f"{counted(done, 'finished trial')} of study {study.name!r} {'is' if done == 1 else 'are'} kept"
    if isinstance(study._store, MemoryStore):
        return f"stopped at once; study {study.name!r} was kept in memory only"
    return f"stopped at once; {kept}. Go on with {how_to_resume(study)}"


def _named(study: Study) -> str:
    location = study._store.location
    return repr(study.name) if location == _DEFAULT else f"{study.name!r}, {location!r}"
