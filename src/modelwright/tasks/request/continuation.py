"""Going on with the search that a model is from: in which store, on whose word, with which arguments. Fits nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.api.door import CONTINUED, refuse_unknown
from modelwright.api.load import load_study
from modelwright.core.errors import ArgumentError, StoreError, StudyError
from modelwright.store.base import Store, open_store
from modelwright.tasks.request.arguments import checked_budget
from modelwright.tasks.request.recalled import arguments

if TYPE_CHECKING:
    from modelwright.tasks.result.predictor import Predictor

#: Arguments of the first call that hold for the next one too; a file may name others, which nobody goes by.
KEPT = (
    "metric", "task", "positive", "kinds", "without", "sample_weight", "class_weight", "groups", "time", "seed",
    "folds", "models", "block", "monotone", "preset", "target_score", "min_gain", "memory", "max_rows",
    "drop_suspected", "workers", "name",
)  # fmt: skip
#: Arguments of ``mw.fit`` that no call can give: what the search is about.
_SETTLED = ("target", "plan")
#: What a call may say.
SAID = ("seconds", "trials", *KEPT, "store", "verbose")
_WHERE = "Predictor.fit"
_ANEW = "mw.fit(...) begins a new search."


def further(
    body: Mapping[str, Any], *, trusted: bool, seconds: float | None, trials: int | None, more: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments of ``mw.fit`` that go on with a search; its store is open, and its study there.

    Args:
        body: what the model knows of itself.
        trusted: whether the store may be the one that the model names.
        seconds, trials: on top of what was spent.
        more: arguments of this call.

    Raises:
        ArgumentError: there is no such argument, nothing says how long, or what does is no number above 0; the target
            is given again, there is no store to go by, or something is not kept and was not passed.
        StudyError: the study is not there.
    """
    for name in _SETTLED:
        if name in more:
            raise ArgumentError(f"{name}={more[name]!r:.60}: it is that of the search", where=_WHERE, hint=_ANEW)
    refuse_unknown(more, SAID, _WHERE, CONTINUED)
    asked = body.get("asked")
    if asked is None or (asked["arguments"].get("store") == ":memory:" and "store" not in more):
        hint = "mw.fit(..., store=None) keeps it on disk."
        raise ArgumentError("there is no study to go on with", where=_WHERE, hint=hint)
    if seconds is None and trials is None:
        raise ArgumentError("neither seconds nor trials was given", where=_WHERE)
    seconds, trials = checked_budget(seconds, trials, _WHERE)
    for name in asked.get("again", ()):
        if name not in more:
            what = f"{name}= was given as an object, which a model does not keep"
            raise ArgumentError(what, where=_WHERE, hint=f"Pass {name}= again.")
    kept = {name: one for name, one in asked["arguments"].items() if name in KEPT}
    # Keys of a mapping that were numbers are texts in the arguments, once these were saved.
    weights = arguments(body["plan"].get("said", {})).get("class_weight")
    given = {**kept, **({} if weights is None else {"class_weight": weights}), **more}
    place = more["store"] if "store" in more else _named(asked["arguments"].get("store"), trusted)
    store = _opened(place, given.get("name"))
    # Other calls may have gone on with the study since this model was made.
    study = load_study(given["name"], store)
    budget = {
        "seconds": None if seconds is None else study.elapsed + seconds,
        "trials": None if trials is None else len(study.trials) + trials,
    }
    return {**budget, **given, "store": store}


def study_of(model: Predictor) -> str | None:
    """The name of the study that a model is from; None where it was kept in memory only."""
    said = (model._body.get("asked") or {}).get("arguments", {})
    return None if said.get("store") == ":memory:" else said.get("name")


def place_of(location: str) -> str:
    """Where a store is, so that it is found from any other folder: ``location`` as the store tells it.

    >>> place_of(":memory:")
    ':memory:'
    """
    return os.path.abspath(os.path.expanduser(location)) if os.path.isfile(os.path.expanduser(location)) else location


def _named(place: Any, trusted: bool) -> Any:
    """The store that the model names.

    Raises:
        ArgumentError: it is not to be gone by, or lacks its password.
    """
    if not trusted:
        raise ArgumentError(
            f"a model that was loaded does not choose the store: its file names {place!r:.200}", where=_WHERE,
            allowed="store=",
            hint=f"Pass store={place!r:.200} if that is yours: what a study keeps is run as your own. "
            "mw.load(path, trust=True) takes its word.",
        )  # fmt: skip
    if isinstance(place, str) and ":***@" in place:
        raise ArgumentError(
            f"the password of {place!r:.200} is not kept", where=_WHERE, hint="Pass store= again, with it."
        )
    return place


def _opened(place: Any, name: Any) -> Store:
    """The store, which has the study: a search that would begin anew is not what was asked for.

    Raises:
        StudyError: it is not there.
    """
    if isinstance(place, Path | str):
        shown = str(place)
    else:
        shown = getattr(place, "location", "the store of this folder")
    try:
        store = open_store(place, create=False)
        found = isinstance(name, str) and store.find(name) is not None
    except StoreError as error:
        hint = f"Pass store= if it was moved. {_ANEW}"
        raise StudyError(
            f"the store that the search is in cannot be opened: {error.what}", where=shown, hint=hint
        ) from None
    if not found:
        hint = f"Pass store= or name= if it was moved. {_ANEW}"
        raise StudyError(f"there is no study {name!r:.80} to go on with", where=shown, hint=hint)
    return store
