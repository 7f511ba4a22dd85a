"""Progress: what a running study looks like at one moment, folded from its events at no cost that grows.

Owns counts, the best so far, the estimate of the time left and the lines that say so. Writes nothing.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from modelwright.core import records as r
from modelwright.core.history import Row
from modelwright.core.wording import counted
from modelwright.report import text
from modelwright.report.apart import configured
from modelwright.report.fidelity import after, at_step
from modelwright.report.view import STATES, StudyView

_USABLE = ("complete", "paused", "pruned")
#: Characters of the bar, where there is room.
BAR = 40


@dataclass(frozen=True, slots=True)
class Best:
    """The best trial so far, as it was when it became the best."""

    number: int
    fidelity: float
    values: tuple[float, ...]
    config: dict[str, r.Value]
    trained: str = ""


class Progress:
    """Counts and the best so far.

    Args:
        view: the study as it is at the start; a resumed one already has trials.
    """

    def __init__(self, view: StudyView):
        self.view = view
        self.best: Best | None = None
        #: What the last new best is to those before it.
        self.rise = ""
        #: Number of a trial -> the study's time at its start, as far as it was seen.
        self.running: dict[int, float] = {}
        self.settled: dict[int, str] = {}
        self.states: Counter[str] = Counter()
        self._front: list[tuple[float, tuple[float, ...]]] = []
        self._since, self._ended = view.time, 0
        for row in view.history.rows:
            if row.state == "running":
                self.running[row.number] = view.time
            elif row.state != "proposed" and not row.given:
                self._settle(row.number, row.state)
            if row.values is not None and row.state in _USABLE:
                self._consider(row.number, row.fidelity, row.values)

    def fold(self, event: r.Event, view: StudyView) -> bool:
        """Take in one event that the history already holds; whether it made a new best (or joined the front)."""
        self.view = view
        if isinstance(event, r.Started):
            self._unsettle(event.number)
            self.running[event.number] = view.time
        elif isinstance(event, r.Continued):
            self._unsettle(event.number)
        elif isinstance(event, r.Finished):
            self.running.pop(event.number, None)
            self._unsettle(event.number)
            if not view.history.rows[event.number].given:
                self._settle(event.number, event.state)
                self._ended += 1
            if event.values is not None and event.state in _USABLE:
                return self._consider(event.number, event.fidelity, event.values)
        return False

    def _settle(self, number: int, state: str) -> None:
        self.settled[number] = state
        self.states[state] += 1

    def _unsettle(self, number: int) -> None:
        state = self.settled.pop(number, None)
        if state is not None:
            self.states[state] -= 1

    def _consider(self, number: int, fidelity: float, values: tuple[float, ...]) -> bool:
        scores = tuple(o.score(v) for o, v in zip(self.view.objectives, values))
        if values[0] != values[0]:
            return False
        level, mine = round(fidelity, 9), (scores[0],)
        old = self.best
        first = old is None or (level, mine) > (
            round(old.fidelity, 9),
            (self.view.objectives[0].score(old.values[0]),),
        )
        if first:
            row = self.view.history.rows[number]
            # A value after longer training may be worse than the one that it replaces.
            further = old is not None and level > round(old.fidelity, 9)
            self.rise = "the first trained this far" if further else "new best"
            self.best = Best(number, fidelity, values, dict(row.config), after(row, self.view))
            # A network that is trained on in vain is the best as it was.
            first = old is None or (old.number, old.values) != (number, values)
        if len(scores) == 1:
            return first
        top = max([level, *(lev for lev, _ in self._front)])
        self._front = [item for item in self._front if item[0] >= top]
        if level < top or any(all(a >= b for a, b in zip(other, scores)) for _, other in self._front):
            return False
        self._front = [item for item in self._front if not all(a >= b for a, b in zip(scores, item[1]))]
        self._front.append((level, scores))
        return True

    # --- what is said about it -------------------------------------------------------------------

    def fraction(self, elapsed: float) -> float | None:
        """Part of the budget used, in [0, 1]; None without a budget."""
        view, parts = self.view, []
        if view.trials:
            parts.append(len(self.settled) / view.trials)
        if view.seconds:
            parts.append(elapsed / view.seconds)
        return min(max(parts), 1.0) if parts else None

    def left(self, elapsed: float) -> float | None:
        """Seconds until the budget is used up, as far as one can tell; None when one cannot."""
        view, guesses = self.view, []
        if view.seconds is not None:
            guesses.append(max(view.seconds - elapsed, 0.0))
        if view.trials is not None and self._ended and elapsed > self._since:
            pace = (elapsed - self._since) / self._ended
            guesses.append(max(view.trials - len(self.settled), 0) * pace)
        return min(guesses) if guesses else None

    def used(self, elapsed: float) -> list[str]:
        """The budget and how much of it is used, in words: trials, time, time left."""
        view, started = self.view, self.view.history.started
        trials = text.of_total(started, view.trials)
        spent = text.duration(elapsed)
        time = spent if view.seconds is None else f"{spent} of {text.duration(view.seconds)}"
        left = None if view.stopping else self.left(elapsed)
        return [trials, time, *([f"about {text.duration(left)} left"] if left else [])]

    def stopping(self, elapsed: float, about: str = "about") -> str:
        """What the first Ctrl-C does, and what a second one would do.

        Args:
            about: what is said of the seconds: "at least" where something comes after the trials.
        """
        if yields := [n for n in self.running if self.view.history.rows[n].note.get(r.YIELDS)]:
            best = self.best
            named = self.view.objectives[0].name
            what = f"; the best network so far ({named}={text.number(best.values[0])}) is kept" if best else ""
            which = f"the training of trial {yields[0]} ends early, within seconds"
            return f"Stopping: {which}{what}. Ctrl-C again stops now."
        count, rest = len(self.running), self._rest(elapsed)
        which = f"the {count} running trials" if count > 1 else "the running trial"
        when = f" after {which}" + (f" ({about} {text.duration(rest)})" if rest else "") if count else ""
        return f"Stopping{when}; Ctrl-C again stops now. Nothing finished is lost."

    def front(self) -> str:
        """How many trials are on the front, in words."""
        return counted(len(self._front), "trial")

    def _rest(self, elapsed: float) -> float | None:
        """Seconds until the running trials have ended, by their reports or by how long others took; None if unknown."""
        rows, guesses = self.view.history.rows, []
        full = [row.duration for row in rows if row.state == "complete"]
        for number, since in self.running.items():
            row, spent = rows[number], max(elapsed - since, 0.0)
            if row.reports and row.segment <= 0 and 0 < row.fidelity <= row.target:
                guesses.append(spent * (row.target / row.fidelity - 1))
            elif full:
                guesses.append(max(sum(full) / len(full) - spent, 0.0))
        return max(guesses, default=None)

    def ended(self) -> str:
        """How many trials ended in which state, in words."""
        return ", ".join(self._ended_in())

    def _ended_in(self) -> list[str]:
        return [f"{self.states[s]} {s}" for s in STATES if self.states[s] > 0]

    def lines(self, elapsed: float, columns: int) -> list[str]:
        """The budget and the states, on as many lines as ``columns`` ask for; no phrase is broken."""
        return [*_flowed(self.used(elapsed), columns), *_flowed(self._ended_in(), columns)]

    def mark(self, elapsed: float) -> str:
        """The prefix of a plain line: trials ended, and the time: "[7/30, 23 s]", or "[7 done, 23 s]"."""
        total = " done" if self.view.trials is None else f"/{self.view.trials}"
        return f"[{len(self.settled)}{total}, {text.duration(elapsed)}]"


def header(view: StudyView) -> str:
    """What is searched, how and for how long, on one line."""
    parts = [text.goal(view.objectives)]
    if view.subject:
        parts.append(text.clean(view.subject, 60))
    if view.strategy:
        plan = f" ({text.clean(view.plan, 160)})" if view.plan else ""
        parts.append(f"strategy {text.clean(view.strategy, 40)}{plan}")
    parts.append(f"budget {text.budget_text(view.trials, view.seconds)}")
    if view.seed is not None:
        parts.append(f"seed {view.seed}")
    if view.store:
        parts.append(f"kept in {text.clean(view.store, 120)}")
    if view.history.rows:
        parts.append(f"goes on after {text.of_total(view.history.started, None)}")
    return f"Study {text.clean(view.name, 60)}: " + ", ".join(parts)


def latest(row: Row, view: StudyView) -> str:
    """The last report of a running trial, its objective first."""
    if not row.reports:
        return ""
    step, metrics = row.reports[-1]
    named = [o.name for o in view.objectives if o.name in metrics] or list(metrics)[:1]
    return " ".join([at_step(step, row, view), *(f"{text.clean(n, 30)}={text.number(metrics[n])}" for n in named)])


def picture(progress: Progress, elapsed: float, columns: int, bar: str = "━╌") -> list[tuple[str, str]]:
    """The panel as (style, line) pairs; each line fits ``columns``."""
    view, lines = progress.view, []
    title = f"{text.clean(view.name, 40)}  {text.goal(view.objectives)}  {text.clean(view.strategy, 30)}"
    lines.append(("bold", title))
    part = progress.fraction(elapsed)
    if part is not None:
        room = min(max(columns - 6, 1), BAR)
        full = round(part * room)
        lines.append(("cyan", f"{bar[0] * full}{bar[1] * (room - full)} {part:4.0%}"))
    lines += [("", line) for line in progress.lines(elapsed, columns)]
    if view.stopping:
        lines += [("yellow", line) for line in textwrap.wrap(progress.stopping(elapsed), columns)]
    best = progress.best
    if best is not None and len(view.objectives) > 1:
        lines.append(("green", f"front: {progress.front()} that no other beats in everything"))
    elif best is not None:
        named = " ".join(f"{text.clean(o.name, 40)}={text.number(v)}" for o, v in zip(view.objectives, best.values))
        far = f"  after {best.trained}" if best.trained else ""
        lines.append(("green", f"best: trial {best.number}  {named}{far}"))
        lines.append(("green", f"      {configured(view.history.rows[best.number], view)}"))
    lines += [("", line) for line in _running(progress)]
    return [(style, _fit(line, columns)) for style, line in lines]


def _running(progress: Progress, limit: int = 8) -> Sequence[str]:
    view, numbers = progress.view, list(progress.running)
    lines = []
    for number in numbers[:limit]:
        row = view.history.rows[number]
        lines.append(f"trial {number}: {latest(row, view) or 'running'}  {configured(row, view)}")
    return lines + ([f"and {len(numbers) - limit} more running"] if len(numbers) > limit else [])


def _flowed(phrases: Sequence[str], columns: int) -> list[str]:
    lines: list[str] = []
    for phrase in phrases:
        if lines and text.width(lines[-1]) + len(phrase) + 2 <= columns:
            lines[-1] += f", {phrase}"
        else:
            lines.append(phrase)
    return lines


def _fit(line: str, columns: int) -> str:
    if text.width(line) <= columns:
        return line
    taken, room = "", columns - 1
    for char in line:
        room -= text.width(char)
        if room < 0:
            break
        taken += char
    return taken + "…"
