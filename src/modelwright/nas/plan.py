"""Plans: a search for an architecture as a sequence of phases over one study.

*Anchor*: the space's default, which everything is compared with. *Race*: many networks on few rows of small images,
the better third goes on (asynchronous successive halving), new ones from a model of what is known. *Confirm*: the best
few and the anchor on all rows at full size, one at least that began at chance; more of them, where it ranks them
otherwise than the race. *Finish*: the best of them is trained on with all the time that is left. A race that brings
nothing more than noise ends early. Decides by stored facts alone: the running time of the study is one of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from modelwright.core.errors import StrategyError
from modelwright.core.history import History, Row
from modelwright.core.records import Answer, Config, Event, Exhausted, Proposal, Wait
from modelwright.nas.ladder import STEPS, Ladder, Rung
from modelwright.nas.phases import ENDED, FINISH, MORE, anchor_ended
from modelwright.nas.spent import PARTS
from modelwright.nas.stale import agreement, stale
from modelwright.strategy import Strategy, audit
from modelwright.strategy.asha import asynchronous
from modelwright.strategy.base import SearchSpace
from modelwright.strategy.halving import Rungs
from modelwright.strategy.shown import SAME, merits_at

#: Share of the time until the race ends, for a search of a quarter of an hour; by how much it grows when there is four
#: times as much, and within which bounds. What the confirmation takes after it.
_RACE, _MORE, _RACES, _CONFIRM = 0.1, 0.12, (0.1, 0.45), 0.07
#: Share of the time after which the anchor's first training is cut short, and that after which others' are, in that of
#: the race: a network slower than was foreseen must not take the time of the finish.
_ANCHOR, _SLOW = 0.5, 1.5
#: Networks that are confirmed, the anchor aside, and those in less than so many seconds; one of ``ETA`` passes a rung.
CONFIRMED, _FEWER, _LONG, ETA = 3, 1, 1800.0, 3.0
#: Whether the lowest rung is still worth its price is asked at every so many proposals.
_LOOK = 4
#: Networks that are confirmed besides where the race's ranking does not hold, and the share of the time that it takes.
AGAIN, _AGAIN = 2, 0.05
#: Searches of fewer seconds count the shares of race and confirmation from the end of the anchor's training, for
#: imports and its compilation take as long as a race does; the share of the race in these.
_SHORT, _BRIEF = 120.0, 0.25
#: Share of the proposals that begin with the weights of a good network.
_CHILDREN = 0.5


class State(Rungs):
    """A state with that of the strategy that leads the race, if another one does."""

    __slots__ = ("inner",)

    def __init__(self, seed: Any, history: History, inner: Any = None):
        super().__init__(seed, history)
        self.inner = inner


class Plan(Strategy):
    """See the module.

    Args:
        ladder: what the fidelities are; its rungs are named after the phases.
        race: where new networks come from; None for the plan's own (see ``proposer``).
        seconds: running time of the whole search; None where it is bounded by trials alone.
        shares: of the seconds, until the race ends and until the confirmation ends; see ``shares_in``.
        workers: trials that run at the same time, among whom the time of a phase is divided.
        inherit: whether some networks begin with the weights of one that is nearly the same.
        kept: rows by which networks are judged, where the noise of an accuracy is to be told.

    Raises:
        StrategyError: the shares do not rise, or the ladder lacks a phase.
    """

    name: ClassVar[str] = "plan"
    multi_fidelity: ClassVar[bool] = True

    def __init__(
        self,
        ladder: Ladder,
        *,
        race: Strategy | None = None,
        seconds: float | None = None,
        shares: tuple[float, float] | None = None,
        workers: int = 1,
        inherit: bool = True,
        kept: int | None = None,
    ):
        shares = shares_in(seconds) if shares is None else shares
        missing = [name for name in ("race", "confirm", "finish") if not ladder.of(name)]
        if missing or not 0 < shares[0] < shares[1] < 1:
            raise StrategyError(f"shares={shares}, without rungs for {missing}", where="plan")
        self.ladder, self.inner, self.seconds, self.shares = ladder, race, seconds, shares
        self.workers, self.inherit, self.kept = workers, inherit, kept
        self.levels = [rung.step for rung in ladder.of("race")]
        self.confirm = ladder.of("confirm")[-1].fidelity
        self.confirmed = _FEWER if seconds is not None and seconds < _LONG else CONFIRMED

    def init(self, seed: Any, history: History) -> State:
        return State(seed, history, self.inner.init(seed.child("race"), history) if self.inner is not None else None)

    def observe(self, state: State, events: Sequence[Event]) -> State:
        if self.inner is not None:
            state.inner = self.inner.observe(state.inner, events)
        return state

    def plan(self, unit: str = "epoch") -> str:
        race = self.ladder.of("race")
        ends = ", ".join(f"{sum(r.epochs for r in race[: i + 1]):.3g}" for i in range(len(race)))
        rows = f" of {race[0].rows:,} rows" if race[0].rows else ""
        size = f", images at 1/{race[0].factor} of their size" if race[0].factor > 1 else ""
        return (
            f"race: after {ends} epochs{rows}{size}, the better 1 of {ETA:g} go on; confirm: the best {self.confirmed} "
            "and the default on all rows; finish: the best of them with all that is left"
        )

    # --- what comes next -----------------------------------------------------------------------------

    def ask(self, state: State, space: SearchSpace, number: int | None) -> Answer:
        opened = next((note.data for note in reversed(state.history.notes) if note.kind == FINISH), None)
        if opened is not None:
            return self._finish(state.history, opened)
        if not state.history.rows and number is not None:
            return self.place(state, space, 0, space.default(), {"by": "default", "phase": "anchor"})
        going = self._race(state, space, number)
        if isinstance(going, Proposal) and self.seconds is not None:
            left = _SLOW * self.ends(state.history)[0] - state.history.elapsed
            return replace(going, note={**going.note, "seconds": round(max(1.0, left), 3)})
        return self._confirm(state, going) if isinstance(going, str) else going

    def place(self, state: State, space: SearchSpace, number: int, config: Config, note: Mapping[str, Any]) -> Proposal:
        rung, decided = self._lowest(state, number)
        phase = note.get("phase") or ("anchor" if note.get("by") == "default" else "race")
        note = {**note, **decided, "phase": phase, "rung": self.levels.index(rung.step)}
        if phase == "anchor" and self.seconds is not None:
            note["seconds"] = round(max(1.0, _ANCHOR * self.seconds - state.history.elapsed), 3)
        return Proposal(config=config, fidelity=rung.fidelity, note=note)

    def _lowest(self, state: State, number: int) -> tuple[Rung, dict[str, Any]]:
        """The rung where a new network begins, and what to note where the lowest one was given up just now.

        A rung that ranks networks otherwise than longer training does is given up (see ``strategy.audit``).
        """
        race = self.ladder.of("race")
        levels = [rung.fidelity for rung in race]
        decided = audit.guard(state.history, levels, steps=STEPS, known=state.known) if number % _LOOK == 0 else None
        least = decided["raised"]["to"] if decided else audit.lowest(state.history)
        return next(rung for rung in race if rung.fidelity >= least - SAME), decided or {}

    def _race(self, state: State, space: SearchSpace, number: int | None) -> Answer | str:
        """A network that goes on, or a new one; why, when the race is over."""
        history = state.history
        if self._over(history):
            return "its share of the time was used up"
        # With a budget in trials there is no time that a finish could have instead.
        ended = stale(history, self.levels[-1], self.kept) if self.seconds is not None else ""
        if ended:
            return ended
        onward = asynchronous(state, STEPS, self.levels, ETA, number)
        if onward is not None and self._fits(history, onward.fidelity):
            return _in_phase(onward, "race")
        if number is None:
            return (
                Wait(why="trials of the race are running") if _running(history, "race") else "its networks are used up"
            )
        if not self._fits(history, self._lowest(state, number)[0].fidelity):
            return "no further training would have ended in its share of the time"
        if self.inner is not None:
            answer = self.inner.ask(state.inner, space, number)
            if isinstance(answer, Proposal) and answer.trial is None:
                return self.place(state, space, number, answer.config, {**answer.note, "phase": "race"})
            return answer if isinstance(answer, Wait) else f"{self.inner.name} proposed no more"
        return self._new(state, space, number)

    def _new(self, state: State, space: SearchSpace, number: int) -> Answer | str:
        from modelwright.nas.proposer import child, fresh

        rng = state.seed.child("ask", number).generator()
        if self.inherit and rng.random() < _CHILDREN:
            top = self.ladder.of("race")[-1]
            found = child(state, space, rng, top.step)
            if found is not None and self._fits(state.history, top.fidelity):
                config, parent, note = found
                note = {**note, "phase": "race", "rung": len(self.levels) - 1}
                return Proposal(config=config, fidelity=top.fidelity, parent=parent, note=note)
        config, note = fresh(state, space, rng, number, self.levels)
        if config is None:
            return "no network was left that was not tried"
        return self.place(state, space, number, config, {**note, "phase": "race"})

    def _confirm(self, state: State, ended: str) -> Answer:
        history = state.history
        if self.seconds is not None and history.elapsed >= self.ends(history)[1]:
            return self._until_idle(history, f"the race ended, for {ended}; the time for confirming is used up")
        if _running(history, "race", "anchor"):
            return Wait(why="the race is ending")
        chosen = self.finalists(history)
        if self.seconds is not None and [history.rows[number].note.get("by") for number in chosen] == ["default"]:
            return self._until_idle(history, f"the race ended, for {ended}; the default is best: nothing to confirm")
        for place, number in enumerate(chosen):
            if self._unconfirmed(history.rows[number]):
                return self._confirming(history, number, len(chosen) - place, {ENDED: ended})
        if _running(history, "confirm"):
            return Wait(why="a phase is ending")
        return self._once_more(state, len(chosen)) or self._until_idle(history, "the best are confirmed")

    def _unconfirmed(self, row: Row) -> bool:
        return row.state == "paused" and row.fidelity < self.confirm - 1e-9 and row.target < self.confirm - 1e-9

    def _confirming(self, history: History, number: int, waiting: int, note: Mapping[str, Any]) -> Proposal:
        note = {"phase": "confirm", **note}
        if self.seconds is not None:
            note["seconds"] = self._turn(history, waiting)
        return Proposal(trial=number, fidelity=self.confirm, note=note)

    def _once_more(self, state: State, before: int) -> Proposal | None:
        """Another network to confirm where the race ranked those that were confirmed no better than chance would.

        The next one by the race's ranking, and then one by lot from all others, so that it is not only the best that
        are compared; None where the ranking holds, says nothing, or there is no time.
        """
        history, top = state.history, self.levels[-1]
        added = sum(MORE in row.note for row in history.rows)
        found = agreement(history, top, self.confirm) if self.confirmed > _FEWER else None
        if found is None or added >= AGAIN or (added == 0 and found[0] > 0):
            return None
        if self.seconds is not None:
            turns = [row.note["seconds"] for row in history.rows if row.note.get("phase") == "confirm"]
            late = self.ends(history)[1] + _AGAIN * self.seconds
            if not turns or history.elapsed + turns[0] > late:
                return None
        left = [n for n in self._ranked(history) if self._unconfirmed(history.rows[n])]
        left = [n for n in left if any(abs(f * STEPS - top) < 1e-6 for f in history.rows[n].segments)]
        if not left:
            return None
        tau, pairs = found
        note: dict[str, Any] = {MORE: {"tau": round(tau, 3), "pairs": pairs}}
        chosen = left[0]
        if added:
            chosen = left[int(state.seed.child("confirm", added).generator().integers(len(left)))]
            note |= audit.marked(history.rows[chosen].note, top / STEPS)
        return self._confirming(history, chosen, 1, note)

    def _finish(self, history: History, opened: Mapping[str, Any]) -> Answer:
        row = history.rows[opened["trial"]]
        if row.terminal or row.note.get("finish") == opened["number"]:
            return self._until_idle(history, "the plan is carried out")
        note = {"phase": "finish", "finish": opened["number"]}
        note |= {name: opened.get(name) for name in ("seconds", "until")}
        return Proposal(trial=row.number, fidelity=1.0, note=note)

    @staticmethod
    def _until_idle(history: History, why: str) -> Answer:
        return Wait(why="a phase is ending") if any(row.pending for row in history.rows) else Exhausted(why=why)

    # --- who is best -----------------------------------------------------------------------------------

    def finalists(self, history: History) -> list[int]:
        """The trials that are confirmed: the best of the race, by the highest rung that has any, and the anchor.

        Where all of these have inherited weights, whose training is behind their values, the best of those that began
        at chance is one of them: in place of the last, or beside it where it is the only one.
        """
        ranked, rows = self._ranked(history), history.rows
        chosen = ranked[: self.confirmed]
        anchor = next((row.number for row in rows if row.note.get("by") == "default"), None)
        fresh = next((number for number in ranked if rows[number].parent is None), anchor)
        if fresh != anchor and fresh is not None and all(rows[number].parent is not None for number in chosen):
            chosen = [*chosen[: max(1, self.confirmed - 1)], fresh]
        if anchor is not None and anchor not in chosen and history.rows[anchor].state == "paused":
            chosen.append(anchor)
        return chosen

    def _ranked(self, history: History) -> list[int]:
        """All trials of the race that have a value, by the highest rung that they came to."""
        ranked: list[int] = []
        for level in reversed(self.levels):
            merit = merits_at(history, level / STEPS, STEPS)
            alive = [n for n in merit if merit[n] > -math.inf and n not in ranked]
            ranked += sorted(alive, key=lambda n: (-merit[n], n))
        return ranked

    def winner(self, history: History) -> Row | None:
        """Who goes on to the finish: the best of the highest fidelity that was reached."""
        for level in (round(self.confirm * STEPS), *reversed(self.levels)):
            merit = merits_at(history, level / STEPS, STEPS)
            alive = [n for n in merit if merit[n] > -math.inf and history.rows[n].state == "paused"]
            if alive:
                return history.rows[max(alive, key=lambda n: (merit[n], -n))]
        return None

    # --- time ------------------------------------------------------------------------------------------

    def ends(self, history: History) -> tuple[float, float]:
        """Seconds of the study at which the race ends, and those at which the confirmation does."""
        assert self.seconds is not None
        began = (anchor_ended(history) or 0.0) if self.seconds < _SHORT else 0.0
        left = max(0.0, self.seconds - began)
        return began + self.shares[0] * left, began + self.shares[1] * left

    @property
    def latest(self) -> float:
        """The share of the time at which the confirmation ends at the latest, if it was begun in time."""
        return self.shares[1] + (_AGAIN if self.confirmed > 1 else 0.0)

    def _turn(self, history: History, waiting: int) -> float:
        """Seconds for each of those that wait to be confirmed; all train equally long, for it is time that is short."""
        given = [row.note["seconds"] for row in history.rows if row.note.get("phase") == "confirm"]
        if given:
            return given[0]
        assert self.seconds is not None
        rounds = -(-waiting // self.workers)
        return round(max(1.0, (self.ends(history)[1] - history.elapsed) / rounds), 3)

    def _over(self, history: History) -> bool:
        return self.seconds is not None and history.elapsed >= self.ends(history)[0]

    def _fits(self, history: History, fidelity: float) -> bool:
        """Whether a trial that goes to ``fidelity`` is likely to end while the race lasts."""
        if self.seconds is None:
            return True
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

    def _work(self, fidelity: float) -> float:
        """What a rung costs, in passes through all rows at full size."""
        rung = self.ladder.at(fidelity)
        return rung.epochs * (1.0 if rung.rows is None else rung.rows / self.ladder.rows) / rung.factor**2


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

    Of a short search the shares are of what the anchor leaves; there a race is two or three networks, which mostly
    compile.

    >>> shares_in(900.0), tuple(round(share, 2) for share in shares_in(3600.0))
    ((0.1, 0.17), (0.22, 0.29))
    """
    if seconds is None:
        return _RACE, _RACE + _CONFIRM
    if seconds < _SHORT:
        return _BRIEF, _BRIEF + _CONFIRM
    race = min(max(_RACE + _MORE * math.log(max(seconds, 1.0) / 900.0, 4.0), _RACES[0]), _RACES[1])
    return race, race + _CONFIRM


def _running(history: History, *phases: str) -> bool:
    return any(row.pending and row.note.get("phase") in phases for row in history.rows)


def _in_phase(proposal: Proposal, phase: str) -> Proposal:
    return Proposal(trial=proposal.trial, fidelity=proposal.fidelity, note={**proposal.note, "phase": phase})
