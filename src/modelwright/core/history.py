"""History: the one shared, append-only view of what a study knows.

Rows are folded from events as they are stored. Strategies read rows; only the engine appends.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, islice
from sys import intern
from typing import Any, overload

import numpy as np

from modelwright.core import records as r
from modelwright.core.constraint import LIMITS, MEASURED, Limit, Verdict, held, judged, parse, violations
from modelwright.core.objective import Objective

#: Trials, or notes, that are kept together (see ``core.snapshot``).
PAGE = 100


@dataclass(slots=True)
class Row:
    """One trial, as folded so far. Read-only for everyone but ``History``.

    Attributes:
        config: what ran, or what was proposed while nothing has run.
        target: fidelity it is, or was last, asked to reach.
        fidelity: fidelity reached; 0 before the first report.
        values: one value for each objective at ``step``; None when there is none.
        segments: fidelity at the end of each segment -> values there.
        reports: (step, metrics) of every report, in order.
        excess: by how much each of the study's limits is exceeded; NaN where that is not decided yet.
    """

    number: int
    config: dict[str, Any]
    state: r.State = "proposed"
    target: float = 1.0
    fidelity: float = 0.0
    parent: int | None = None
    note: dict[str, Any] = field(default_factory=dict)
    values: tuple[float, ...] | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    step: int | None = None
    steps: int = 0
    segment: int = -1
    attempt: int = 0
    duration: float = 0.0
    worker: str = ""
    error: r.Failure | None = None
    artifacts: dict[str, r.Artifact] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    reports: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    segments: dict[float, tuple[float, ...] | None] = field(default_factory=dict)
    ran: bool = False
    judged: str = ""
    excess: tuple[float, ...] = ()

    @property
    def terminal(self) -> bool:
        """Whether nothing more will happen to the trial."""
        return self.state in r.TERMINAL

    @property
    def pending(self) -> bool:
        """Whether the trial is on its way to a value."""
        return self.state in ("proposed", "running")

    @property
    def valued(self) -> float:
        """Fidelity at which ``values`` were measured; while the trial runs on, reports are of a later one."""
        return next(reversed(self.segments), self.fidelity) if self.pending else self.fidelity

    @property
    def priced(self) -> tuple[str, ...]:
        """Metrics whose numbers are prices, and were not measured."""
        return tuple(self.facts.get(r.PRICED, ()))

    @property
    def given(self) -> bool:
        """Whether nobody ran it here: the user handed over its result."""
        return self.note.get("by") == r.GIVEN


class History(Sequence[r.Event]):
    """Events in order, and the rows folded from them.

    Args:
        objectives: what the study optimises; they decide which report of a trial is its best.

    >>> history = History((Objective("loss", "min"),))
    >>> history.extend([r.Proposed(number=0, config={"x": 1}), r.Started(number=0),
    ...                 r.Reported(number=0, step=1, metrics={"loss": 3.0})])
    >>> history.rows[0].state, history.rows[0].reports
    ('running', [(1, {'loss': 3.0})])
    """

    def __init__(self, objectives: Sequence[Objective]):
        self.objectives = tuple(objectives)
        self.rows: list[Row] = []
        self.elapsed = 0.0
        self.notes: list[r.Noted] = []
        #: What no trial may exceed; told by notes of the kind ``constraint.LIMITS``, so that they may change.
        self.limits: tuple[Limit, ...] = ()
        #: Trial -> values of its confirming runs with fresh seeds.
        self.confirmed: dict[int, list[float]] = {}
        #: Trials that count against a budget: results that were handed over do not.
        self.started = 0
        #: ("rows" or "notes", page) -> how many events there were when it changed last.
        self.touched: dict[tuple[str, int], int] = {}
        #: What each ``Grew`` named, in order; the engine folds the space itself.
        self.grown: list[tuple[Any, ...]] = []
        #: So many events were folded before, by whoever made the snapshot that this history began with.
        self.base = 0
        self._events: list[r.Event] = []
        self._times: list[float] = []
        self._latest: r.Event | None = None
        #: Events before those in ``_events``, which nobody has asked for yet, and how to get them.
        self._away = 0
        self._fetch: Callable[[], Iterable[tuple[r.Event, float]]] | None = None
        self._wanted = False

    @overload
    def __getitem__(self, index: int) -> r.Event: ...
    @overload
    def __getitem__(self, index: slice) -> list[r.Event]: ...
    def __getitem__(self, index):
        return self._whole()[index]

    def __len__(self) -> int:
        return self._away + len(self._events)

    def __iter__(self) -> Iterator[r.Event]:
        return iter(self._whole())

    def time_of(self, index: int) -> float:
        """Seconds of running study time at which event ``index`` was stored."""
        self._whole()
        return self._times[index]

    @property
    def latest(self) -> r.Event:
        """The last event."""
        assert self._latest is not None, "there is none"
        return self._latest

    def fetch_from(self, fetch: Callable[[], Iterable[tuple[r.Event, float]]]) -> None:
        """Say how the events are got that were put away."""
        self._fetch = fetch

    def begin_behind(self, count: int, last: r.Event | None) -> None:
        """The first ``count`` events are folded already, the last of them ``last``; they are fetched when wanted."""
        self.base, self._latest = count, last
        self._away = count

    def put_away(self, count: int) -> None:
        """Let go of the first ``count`` events, whose fold stays, until somebody asks for events.

        Who asked once gets to keep them.
        """
        if not self._wanted and count > self._away:
            gone = count - self._away
            self._away = count
            self._events, self._times = self._events[gone:], self._times[gone:]

    def _whole(self) -> list[r.Event]:
        self._wanted = True
        if self._away:
            assert self._fetch is not None, "fetch_from() says how"
            found = list(islice(self._fetch(), self._away))
            self._events[:0] = [event for event, _ in found]
            self._times[:0] = accumulate((at for _, at in found), max)
            self._away = 0
        return self._events

    def extend(self, events: Iterable[r.Event], at: float | None = None) -> None:
        """Fold ``events``; ``at`` is the study's running time in seconds (never goes back)."""
        self.elapsed = max(self.elapsed, at or 0.0)
        for event in events:
            self._events.append(event)
            self._times.append(self.elapsed)
            number = getattr(event, "number", None)
            if number is not None:
                self.touched["rows", number // PAGE] = len(self)
            _FOLDS[type(event)](self, event)
            self._latest = event

    # --- what strategies read -------------------------------------------------------------------

    def scores(self, objective: int = 0) -> np.ndarray:
        """One score for each trial, larger is better; NaN where there is no value yet."""
        made = self.objectives[objective]
        out = np.full(len(self.rows), np.nan)
        for i, row in enumerate(self.rows):
            if row.values is not None:
                out[i] = made.score(row.values[objective])
        return out

    def best_step(self, row: Row) -> tuple[int, dict[str, float]] | None:
        """The report with the best first objective, the earliest of equals; None without a usable one."""
        made, found = self.objectives[0], None
        for step, metrics in row.reports:
            value = metrics.get(made.name)
            if value is None or math.isnan(value):
                continue
            if found is None or made.better(value, found[1][made.name]):
                found = (step, metrics)
        return found

    def best(self, *, ended: bool = False) -> Row | None:
        """The best trial by the first objective among those that reached the highest fidelity of any.

        Trials that were confirmed with fresh seeds come first, by their fresh values; trials that were pruned last. One
        that runs on counts with what it was worth when it last rested: its values, and the model of then. What breaks
        a limit by what was measured is never the best, at whatever fidelity that was.

        Args:
            ended: leave out those that run on, as strategies do.
        """
        if self.confirmed:
            made = self.objectives[0]
            means = {n: made.score(sum(v) / len(v)) for n, v in self.confirmed.items()}
            return self.rows[max(means, key=lambda n: (means[n], -n))]
        rows = [row for row in self.rows if (usable(row) if ended else has_value(row))]
        found = self._foremost(rows)
        if found is not None and self.limits and self.measured(found).broken is not None:
            found = self._foremost([row for row in rows if self.measured(row).broken is None])
        return found

    def _foremost(self, rows: Sequence[Row]) -> Row | None:
        ended = [row for row in rows if row.state != "pruned"] or rows
        if not ended:
            return None
        top = max(row.valued for row in ended)
        made = self.objectives[0]
        peers = [row for row in ended if row.valued >= top - 1e-9]
        return max(peers, key=lambda row: (made.score(row.values[0]) if row.values else -math.inf, -row.number))

    def measured(self, row: Row) -> Verdict:
        """How a trial's last values stand against the limits, though more training may change them."""
        return judged(self.limits, row.metrics, row.facts, duration=row.duration)

    def violations(self) -> np.ndarray:
        """How far each trial is from what is allowed (``constraint.violations``); 0 where nothing is known of it."""
        none = (np.nan,) * len(self.limits)
        excess = np.array([row.excess if row.excess else none for row in self.rows])
        return violations(excess.reshape(len(self.rows), -1))

    # --- folds -----------------------------------------------------------------------------------

    def _proposed(self, e: r.Proposed) -> None:
        assert e.number == len(self.rows), f"trial {e.number} after {len(self.rows)} trials"
        self.rows.append(
            Row(number=e.number, config=_own(e.config), target=e.fidelity, parent=e.parent, note=_own(e.note))
        )
        self.started += e.note.get("by") != r.GIVEN

    def _continued(self, e: r.Continued) -> None:
        row = self.rows[e.number]
        row.target, row.state = e.fidelity, "proposed"
        row.note.update(e.note)

    def _started(self, e: r.Started) -> None:
        row = self.rows[e.number]
        row.state, row.segment, row.attempt, row.worker = "running", e.segment, e.attempt, intern(e.worker)
        row.judged = ""

    def _configured(self, e: r.Configured) -> None:
        self.rows[e.number].config = _own(e.config)
        self.rows[e.number].ran = True

    def _reported(self, e: r.Reported) -> None:
        row = self.rows[e.number]
        while row.reports and row.reports[-1][0] >= e.step:
            row.reports.pop()
        row.reports.append((e.step, _own(e.metrics)))
        row.steps = max(row.steps, e.step) if e.step > row.steps else e.step
        if e.fidelity is not None:
            row.fidelity = e.fidelity

    def _judged(self, e: r.Judged) -> None:
        self.rows[e.number].judged = e.decision

    def _finished(self, e: r.Finished) -> None:
        row = self.rows[e.number]
        row.state, row.values, row.metrics, row.step = e.state, e.values, _own(e.metrics), e.step
        row.fidelity, row.steps, row.error = e.fidelity, e.steps, e.error
        row.duration += e.duration
        if "checkpoint" in e.artifacts and "checkpoint" in row.artifacts:
            row.artifacts[r.EARLIER] = row.artifacts["checkpoint"]
        row.artifacts = {**row.artifacts, **e.artifacts}
        before = {n: row.facts[n] for n in e.note.get(r.PRICED, ()) if n in row.facts and n not in e.note}
        row.facts = {**row.facts, **e.note}
        row.ran = True
        row.segments[round(e.fidelity, 9)] = e.values
        if row.reports and row.reports[-1][1] == row.metrics:
            row.metrics = row.reports[-1][1]
        if before:  # measured after an earlier segment, in another process
            self._measured(row, before)
        self._hold(row)

    def _noted(self, e: r.Noted) -> None:
        self.touched["notes", len(self.notes) // PAGE] = len(self)
        self.notes.append(e)
        if e.kind == "confirm" and math.isfinite(e.data["value"]):
            self.confirmed.setdefault(int(e.data["number"]), []).append(float(e.data["value"]))
        if e.kind == MEASURED:
            self._measured(self.rows[e.data["number"]], _own(e.data["metrics"]))
            self.touched["rows", e.data["number"] // PAGE] = len(self)
        if e.kind == LIMITS:
            self.limits = parse(e.data["texts"])
            for row in self.rows:
                self._hold(row)
            self.touched.update((("rows", page), len(self)) for page in range(-(-len(self.rows) // PAGE)))

    def _measured(self, row: Row, metrics: dict[str, float]) -> None:
        """Numbers take the place of prices; they do not change with training, so they are facts too."""
        row.metrics = {**row.metrics, **metrics}
        row.facts = {**row.facts, **metrics, r.PRICED: [name for name in row.priced if name not in metrics]}
        if row.values is not None:
            values = zip(self.objectives, row.values, strict=True)
            row.values = tuple(metrics.get(made.name, value) for made, value in values)
            if row.segments:
                row.segments[next(reversed(row.segments))] = row.values
        self._hold(row)

    def _hold(self, row: Row) -> None:
        """Hold a trial whose segment ended against the limits."""
        if not row.pending:
            row.state, row.error, row.excess = held(self.limits, row, row.facts, row.duration)

    def _grew(self, e: r.Grew) -> None:
        self.grown.append(tuple(e.parameters))


def _own(values: Mapping[str, Any]) -> dict[str, Any]:
    """A copy whose names are those of all trials: each stored event brings names of its own, which add up."""
    return {intern(name): value for name, value in values.items()}


def usable(row: Row) -> bool:
    """Whether a trial has a value that may be compared: complete, paused or pruned, and finite or infinite."""
    return row.values is not None and row.state in ("complete", "paused", "pruned") and not math.isnan(row.values[0])


def has_value(row: Row) -> bool:
    """Whether a trial is worth something that may be shown: as ``usable``, or from before it went on."""
    if row.pending:
        return row.values is not None and bool(row.segments) and not math.isnan(row.values[0])
    return usable(row)


_FOLDS: dict[type, Any] = {
    r.Proposed: History._proposed,
    r.Continued: History._continued,
    r.Started: History._started,
    r.Configured: History._configured,
    r.Reported: History._reported,
    r.Judged: History._judged,
    r.Finished: History._finished,
    r.Noted: History._noted,
    r.Grew: History._grew,
}
