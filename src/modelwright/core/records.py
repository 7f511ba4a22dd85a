"""Records: the facts a study is made of. Frozen, plain data; no record knows a study.

A study is an append-only sequence of events. Everything else (trials, the best one, a strategy's
memory, what is left of the budget) is a fold over them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

#: What a hyperparameter may be worth: scalars, None, or a tuple of scalars.
Value = int | float | str | bool | None | tuple[Any, ...]
Config = Mapping[str, Value]

#: proposed -> running -> (paused -> running)* -> one of the terminal states.
State = Literal["proposed", "running", "paused", "complete", "pruned", "infeasible", "failed", "lost"]
TERMINAL: frozenset[str] = frozenset({"complete", "pruned", "infeasible", "failed", "lost"})

#: Who a trial's note names when its result was handed over with the study.
GIVEN = "given"

#: The fact that lists metrics whose numbers are prices: a table said them, and nobody measured them. A limit is held
#: against such a number only where it stands among the facts too, for then there is nothing better to come.
PRICED = "priced"
#: In the note of a proposal: that its training ends early, and well, when the user interrupts the search.
YIELDS = "yields"

#: What a strategy says of a running trial: train on, put aside with a checkpoint, or give up.
Decision = Literal["go", "pause", "stop"]

_EMPTY: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a trial did not end well.

    Attributes:
        kind: ``"exception"``, ``"memory"`` (there was none left), ``"memory_limit"`` (more than the trial may hold),
            ``"timeout"``, ``"size"``, ``"nan"``, ``"signal"``, ``"killed"`` (from outside), ``"cancelled"``, ``"cut"``
            (at the end of the search), ``"lost"``, ``"infeasible"``, ``"constraint"``.
        message: one line for people.
        traceback: the whole traceback as text, or "".
        where: ``file:line`` of the innermost line of the user's own code, or "".
        type: name of the exception's class, or of the signal, or "".
        peak_bytes: the most memory that the trial's processes were seen to hold, where memory has to do with it and
            the system tells; else 0.
    """

    kind: str
    message: str
    traceback: str = ""
    where: str = ""
    type: str = ""
    peak_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file or folder that a trial left: a path relative to the study's folder, and its hash."""

    path: str
    sha256: str = ""
    size: int = 0


# --- events -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Grew:
    """The space grew: parameters (as plain specifications, see ``space.Parameter``) nobody had seen before."""

    parameters: tuple[Mapping[str, Any], ...]
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A strategy proposed a new trial. ``config`` may cover only a part of the space.

    Attributes:
        number: the trial's number, dense from 0.
        config: parameter name -> value.
        fidelity: how far to train in this segment, in (0, 1].
        parent: the trial whose weights are inherited, or None.
        note: facts the strategy wants to read again (bracket, rung, fallback, surrogate's prediction ...).
    """

    number: int
    config: Config
    fidelity: float = 1.0
    parent: int | None = None
    note: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Continued:
    """A paused trial goes on, to a higher fidelity."""

    number: int
    fidelity: float
    note: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A segment of a trial began to run (again, when ``attempt`` is larger than 0)."""

    number: int
    segment: int = 0
    attempt: int = 0
    worker: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """The configuration that really ran, after the draws for what the proposal did not cover."""

    number: int
    config: Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A running trial measured something. ``step`` counts from 1 (epochs finished, for a Keras model)."""

    number: int
    step: int
    metrics: Mapping[str, float]
    fidelity: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The strategy (or the budget, see ``why``) decided on a running trial. Only pause and stop are stored."""

    number: int
    step: int
    decision: Decision
    why: str = ""


#: The artifact that is the checkpoint before a trial's last one.
EARLIER = "checkpoint before"
#: The fact, and the kind of the note, that a checkpoint could not be read: which and why, and what was taken instead.
FELL_BACK = "fell back"
#: The kind of the note that a trial's files stay, or no longer have to: ``number`` and ``pinned``.
PIN = "pin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A segment of a trial ended, in ``state`` "paused" or a terminal one.

    Attributes:
        values: one value for each objective, or None when there is none.
        metrics: all metrics at the trial's best step.
        fidelity: what was really reached.
        step: the best step, or None for trials without steps.
        steps: steps run so far, over all segments.
        duration: seconds this segment took.
        artifacts: name -> file, such as "checkpoint", "model"; the checkpoint before becomes ``EARLIER``.
        note: facts measured on the side, such as "params", "peak_mb", "exact_resume", "executions".
    """

    number: int
    state: State
    values: tuple[float, ...] | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    fidelity: float = 1.0
    step: int | None = None
    steps: int = 0
    duration: float = 0.0
    error: Failure | None = None
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    note: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """Something about the study as a whole: a session began or ended, a budget changed, a snapshot was taken.

    Attributes:
        kind: what it is about: "session", "stop", "snapshot", "confirm", "first", "results", "prior", "transfer",
            "constraints", "unmet", "cancel" (a wish: ``trial``, or the whole search), "cut" (what was ended) ...
        data: plain values.
    """

    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)


Event = Grew | Proposed | Continued | Started | Configured | Reported | Judged | Finished | Noted


# --- between a strategy and the engine ----------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a strategy wants next: a configuration, or (``trial``) a paused trial, up to ``fidelity``.

    A configuration need not cover the whole space: what is missing is drawn where it is needed.
    """

    config: Config = field(default_factory=dict)
    fidelity: float = 1.0
    trial: int | None = None
    parent: int | None = None
    note: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing to propose until a running trial reports or ends."""

    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhausted:
    """Nothing will ever be proposed again: the space is used up, or the plan is carried out."""

    why: str = "the space is exhausted"


Answer = Proposal | Wait | Exhausted


# --- between the engine and whoever runs a trial -------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One segment of one trial, as it is handed to an estimation.

    Attributes:
        number: the trial.
        segment: 0 for the first segment, then 1 for each time the trial went on.
        config: what the proposal covers (first segment), or the configuration that ran (later ones).
        seed: the trial's own seed, the same in all its segments.
        start: fidelity already reached; 0 for a new trial.
        stop: fidelity to reach in this segment, in (0, 1].
        folder: an existing folder that belongs to the trial.
        checkpoint: where the previous segment left its state, or None.
        place: URL of the folder for artifacts that all workers reach; "" where they lie in the study's folder.
        parent: number of the trial whose weights are inherited, or None.
        inherit: that trial's artifacts, when there is a parent.
        note: the proposal's note.
        waited: seconds between its being handed over and its beginning: a worker may have to be started first.
    """

    number: int
    segment: int = 0
    attempt: int = 0
    config: Config = field(default_factory=dict)
    seed: int = 0
    start: float = 0.0
    stop: float = 1.0
    folder: str = ""
    checkpoint: Artifact | None = None
    place: str = ""
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    parent: int | None = None
    inherit: Mapping[str, Artifact] = field(default_factory=dict)
    note: Mapping[str, Any] = field(default_factory=dict)
    waited: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a segment ended, as an estimation tells it. The engine turns it into ``Finished``.

    ``metrics`` holds the trial's final metrics where it has any besides its reports; the value of an objective
    is looked for there first, then in the best report. ``state`` is what the estimation knows: "complete" when
    the target fidelity was reached (the engine makes it "paused" below full fidelity), "paused" or "pruned" when
    it obeyed a decision, "infeasible" or "failed" with an ``error``. ``stepwise`` is False where reports are running
    means: then none of them is the trial's best step, and ``metrics`` alone count. ``exception`` is the very object
    that the user's code raised; it is never stored.
    """

    state: State = "complete"
    metrics: Mapping[str, float] = field(default_factory=dict)
    fidelity: float | None = None
    duration: float = 0.0
    error: Failure | None = None
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    note: Mapping[str, Any] = field(default_factory=dict)
    stepwise: bool = True
    exception: BaseException | None = None
