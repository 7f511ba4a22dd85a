"""The protocol of a tracker, what it is told, and how one is found by its name."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from modelwright.core.errors import ArgumentError
from modelwright.core.records import Config
from modelwright.core.wording import kind_of

#: Entry points of this group are trackers that can be named: a class, or a function that returns a tracker.
GROUP = "modelwright.trackers"
#: Those that come with Modelwright; named here too, for a source tree that was never installed.
_OWN = {"mlflow": "modelwright.trackers.mlflow:MLflow", "tensorboard": "modelwright.trackers.tensorboard:TensorBoard"}
_METHODS = ("start", "started", "reported", "finished", "close")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedStudy:
    """What a tracker is told of a study.

    Attributes:
        objectives: (metric, "min" or "max") of each.
        unit: what a step is called: "epoch", "fold", "step".
        folder: the study's own folder, where a tracker may keep files.
    """

    name: str
    objectives: tuple[tuple[str, str], ...]
    strategy: str
    seed: int
    subject: str
    unit: str
    store: str
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedTrial:
    """A trial at the moment of a call.

    Attributes:
        config: what runs, as far as it is known: a trial may ask for more parameters as it goes.
        state: "running", "paused", or how it ended.
        values: one for each objective, at its best step; None when there are none.
        metrics: all metrics at its best step.
        priced: those whose numbers are prices: a table of latencies said them, and nobody measured them.
        seconds: time it took so far, over all its segments.
        error: why it did not end well; "".
        again: whether an earlier session may have told of it already.
        at: seconds since 1970 UTC.
    """

    number: int
    config: Config
    state: str = "running"
    values: tuple[float, ...] | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    priced: tuple[str, ...] = ()
    fidelity: float = 0.0
    seconds: float = 0.0
    error: str = ""
    again: bool = False
    at: float = 0.0

    def named(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """What was best under ``best/``, prices under ``priced/``."""
        return {f"{'priced' if name in self.priced else 'best'}/{name}": value for name, value in metrics.items()}


class Tracker(Protocol):
    """Someone who is told what a session does; no base class is needed, only these methods.

    All calls come from one thread, which is not the one that runs trials, in the order in which things happened. What
    a tracker raises is told to the user once; a tracker that raises three times in a row is told nothing more. One
    that is slow hears of fewer reports. None of it delays or changes a trial.
    """

    def start(self, study: TrackedStudy) -> None:
        """A session begins. Connect here, not in the constructor."""
        ...

    def started(self, trial: TrackedTrial) -> None:
        """A trial's configuration is known for the first time in this session."""
        ...

    def reported(self, trial: TrackedTrial, step: int, metrics: Mapping[str, float]) -> None:
        """A trial measured something after ``step``."""
        ...

    def finished(self, trial: TrackedTrial) -> None:
        """A trial ended, or was put aside: then its state is "paused", and it may go on."""
        ...

    def close(self) -> None:
        """The session is over; a few seconds are left."""
        ...


def resolve_trackers(given: Any) -> tuple[tuple[str, Tracker], ...]:
    """Trackers with their names.

    Args:
        given: None, a name or a tracker, or a list of these.

    Raises:
        ArgumentError: no such name, or an object without the methods of ``Tracker``.
        MissingPackageError: the tracker needs a package that is not installed.

    >>> resolve_trackers(None), resolve_trackers("tensorboard")[0][0]
    ((), 'tensorboard')
    """
    several: Sequence[Any] = () if given is None else given if isinstance(given, (list, tuple)) else (given,)
    return tuple(_resolved(one) for one in several)


def _resolved(one: Any) -> tuple[str, Tracker]:
    if isinstance(one, str):
        return one, _by_name(one)
    missing = [name for name in _METHODS if not callable(getattr(one, name, None))]
    if missing or isinstance(one, type):
        said = f"{one.__name__} is a class" if isinstance(one, type) else f"{kind_of(one)} has no {', '.join(missing)}"
        raise ArgumentError(
            said,
            where="trackers",
            allowed=f"names ({', '.join(sorted(known()))}), or objects with {', '.join(_METHODS)}",
            hint=f"Hand over an instance: {one.__name__}()" if isinstance(one, type) else "See docs/trackers.md.",
        )
    return type(one).__name__, one


def known() -> dict[str, str]:
    """Name -> where it is, of all trackers that are installed."""
    return {**_OWN, **{entry.name: entry.value for entry in importlib.metadata.entry_points(group=GROUP)}}


def _by_name(name: str) -> Tracker:
    places = known()
    if name not in places:
        raise ArgumentError(f"there is no tracker {name!r:.60}", where="trackers", allowed=", ".join(sorted(places)))
    module, _, attribute = places[name].partition(":")
    try:
        made = getattr(importlib.import_module(module), attribute)()
    except ArgumentError:
        raise
    except Exception as error:
        from modelwright.core.errors import MissingPackageError

        if isinstance(error, MissingPackageError):
            raise
        raise ArgumentError(
            f"the tracker {name!r} cannot be made: {type(error).__name__}: {error}",
            where=f"trackers, entry point {places[name]}",
        ) from error
    return _resolved(made)[1]
