"""How a plan divides its time: when the race ends, and how long each network is confirmed.

Reads stored events alone: the running time of the study, and what its segments took.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from modelwright.core.history import History
from modelwright.core.records import Finished
from modelwright.nas.ladder import ENOUGH, STEPS, Ladder
from modelwright.nas.phases import anchor_ended
from modelwright.nas.spent import PARTS
from modelwright.strategy.shown import merits_at

#: Share of the time until the race ends, for a search of a quarter of an hour; by how much it grows when there is four
#: times as much, and within which bounds. What the confirmation takes after it.
_RACE, _MORE, _RACES, _CONFIRM = 0.1, 0.12, (0.1, 0.45), 0.07
#: A race has this share of what the anchor's first training leaves of so many seconds, be the whole search longer:
#: imports and that compilation take as long as a race of two or three networks does.
_BRIEF, _SHORT = 0.25, 120.0
#: Share of the race's time after which its networks are cut short: one slower than was foreseen must not take the time
#: of the finish.
_SLOW = 1.5
#: Networks that lead the race, one of which will be finished.
LEADERS = 3
#: Rows that a network is confirmed on at least, where an epoch has more.
_LEAST_ROWS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """The time of a plan.

    Attributes:
        ladder: what the fidelities are.
        seconds: of the whole search.
        shares: of the seconds, until the race ends and until the confirmation ends.
        workers: trials that run at the same time, among whom the time of a phase is divided.
    """

    ladder: Ladder
    seconds: float
    shares: tuple[float, float]
    workers: int = 1

    def ends(self, history: History) -> tuple[float, float]:
        """Seconds of the study at which the race ends, and those at which the confirmation does.

        What the finish does not need is theirs.
        """
        race, confirm = self.shared_out(history)
        spare = self.spare(history)
        return (race, confirm) if spare is None else (max(race, spare - _CONFIRM * self.seconds), spare)

    def spare(self, history: History) -> float | None:
        """Until when race and confirmation leave ``ENOUGH`` epochs to the finish, if that is longer than their shares.

        As slow ones as the slowest of the race's leaders; None while that is not known.
        """
        epochs = self._epochs(history)
        slowest = [epochs[number] for number in ranked(history, self._levels) if number in epochs][:LEADERS]
        if not slowest:
            return None
        starting = max(one.spent.get("start", 0.0) for one in _ended(history))
        until = self.seconds - ENOUGH * max(slowest) - self.beside(history) - starting
        return until if until > self.shared_out(history)[1] else None

    def late(self, history: History) -> float:
        """Seconds of the study after which a network of the race is cut short, slower than was foreseen."""
        return self.ends(history)[1] if self.spare(history) is not None else _SLOW * self.ends(history)[0]

    def shared_out(self, history: History) -> tuple[float, float]:
        """The same by shares alone."""
        began, brief = anchor_ended(history) or 0.0, _BRIEF * min(1.0, _SHORT / self.seconds)
        left = max(0.0, self.seconds - began)
        race = max(self.shares[0] * self.seconds, began + brief * left)
        return race, max(self.shares[1] * self.seconds, began + (brief + _CONFIRM) * left)

    def fits(self, history: History, fidelity: float) -> bool:
        """Whether a trial that goes to ``fidelity`` is likely to end while the race lasts."""
        return history.elapsed + 0.8 * self.expected(history, fidelity) <= self.ends(history)[0]

    def expected(self, history: History, fidelity: float) -> float:
        """Seconds that a segment up to ``fidelity`` takes: the median of those that did; 0 while there are none."""
        seen = _seconds(history, fidelity)
        if seen:
            return float(np.median(seen))
        known = [(rung.fidelity, _seconds(history, rung.fidelity)) for rung in self.ladder.rungs]
        below = [(at, float(np.median(found))) for at, found in known if found]
        if not below:
            return 0.0
        at, seconds = below[-1]
        return seconds * self._work(fidelity) / self._work(at)

    # --- the confirmation ------------------------------------------------------------------------------

    def turn(self, history: History, waiting: int) -> float:
        """Seconds of training for each of those that wait to be confirmed, beside what it takes to compile them.

        All train equally long, for it is time that is short. The first one's are those of all; beside networks that an
        earlier session confirmed by epochs, without a clock, others train no longer than those did.
        """
        given = agreed(history)
        if given is not None:
            return given
        rounds = -(-waiting // self.workers)
        own = (self.ends(history)[1] - history.elapsed) / rounds - self.beside(history)
        took = [one.spent.get("train", 0.0) + one.spent.get("judge", 0.0) for one in _ended(history) if self._full(one)]
        return round(min(own, float(np.median(took))) if took else own, 3)

    def least(self, history: History) -> float:
        """Seconds of training below which a confirmation tells nothing: those of an epoch, or of many rows."""
        rows = self.ladder.rows
        return max(1.0, min(1.0, _LEAST_ROWS / rows) * (self.epoch(history) or 0.0))

    def beside(self, history: History) -> float:
        """Seconds that a segment takes beside training and judging: the median of those that ended."""
        parts = ("build", "compile", "keep")
        found = [sum(one.spent.get(part, 0.0) for part in parts) for one in _ended(history)]
        return float(np.median(found)) if found else 0.0

    def epoch(self, history: History) -> float | None:
        """Seconds of a pass through all rows at full size, as the race lets expect; None while nothing does."""
        found = list(self._epochs(history).values())
        return float(np.median(found)) if found else None

    def _epochs(self, history: History) -> dict[int, float]:
        """The same for each network of the race."""
        return {
            one.number: one.spent.get("train", 0.0) / (one.share * self._work(one.fidelity, shrunk=one.shrunk))
            for one in _ended(history)
            # Of less there may have been one step, which compiles.
            if round(one.fidelity * STEPS) in self._levels and one.share >= 0.5
        }

    def _full(self, segment: _Segment) -> bool:
        """Whether it is a confirmation, carried out to its end."""
        return segment.share >= 1.0 and abs(segment.fidelity - self.ladder.of("confirm")[-1].fidelity) < 1e-9

    @property
    def _levels(self) -> list[int]:
        return [rung.step for rung in self.ladder.of("race")]

    def _work(self, fidelity: float, *, shrunk: bool = True) -> float:
        """What a rung costs, in passes through all rows at full size; ``shrunk``: where its images can be shrunk."""
        rung = self.ladder.at(fidelity)
        passes = rung.epochs * (1.0 if rung.rows is None else rung.rows / self.ladder.rows)
        return passes / rung.factor**2 if shrunk else passes


def agreed(history: History) -> float | None:
    """Seconds for which networks are confirmed, once one has been given any, whatever the budget is now."""
    given = [row.note.get("seconds") for row in history.rows if row.note.get("phase") == "confirm"]
    return next((seconds for seconds in given if seconds is not None), None)


def ranked(history: History, levels: Sequence[int]) -> list[int]:
    """All trials of the race that have a value, by the highest rung that they came to."""
    found: list[int] = []
    for level in reversed(levels):
        merit = merits_at(history, level / STEPS, STEPS)
        alive = [n for n in merit if merit[n] > -math.inf and n not in found]
        found += sorted(alive, key=lambda n: (-merit[n], n))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Segment:
    """One that got anywhere: what it took, the share of its epochs it had, and whether its images were shrunk."""

    number: int
    fidelity: float
    spent: Mapping[str, float]
    share: float
    shrunk: bool


def _ended(history: History) -> Iterator[_Segment]:
    for event in history:
        if isinstance(event, Finished) and event.fidelity > 0 and (spent := event.note.get("spent")):
            yield _Segment(
                number=event.number,
                fidelity=event.fidelity,
                spent=spent,
                share=float(event.note.get("cut", 1.0)),
                shrunk=not event.note.get("full_size"),
            )


def _seconds(history: History, fidelity: float) -> list[float]:
    """What segments up to ``fidelity`` took, of trials whose last one it was."""
    ended = [row for row in history.rows if not row.pending and abs(row.fidelity - fidelity) < 1e-9]
    found = [row.facts.get("spent", {}) for row in ended]
    # What it took to start is the first trial's alone.
    return [float(sum(spent.get(part, 0.0) for part in PARTS if part != "start")) for spent in found if spent]


def shares_in(seconds: float | None) -> tuple[float, float]:
    """Of so many seconds, the share until the race ends, and that until the confirmation ends.

    A network that trains for little of the time loses more than a search of little time finds: on Fashion-MNIST the
    default, trained for a whole quarter of an hour, was 1.4 points better than what half of it had found and a third
    had trained (see benchmarks/README.md). So the finish has most of the time, and gives some away as there is more.

    >>> shares_in(900.0), tuple(round(share, 2) for share in shares_in(3600.0))
    ((0.1, 0.17), (0.22, 0.29))
    """
    if seconds is None:
        return _RACE, _RACE + _CONFIRM
    race = min(max(_RACE + _MORE * math.log(max(seconds, 1.0) / 900.0, 4.0), _RACES[0]), _RACES[1])
    return race, race + _CONFIRM
