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

from modelwright.core.errors import StrategyError
from modelwright.core.history import History, Row
from modelwright.core.records import YIELDS, Answer, Config, Event, Exhausted, Proposal, Wait
from modelwright.nas.division import Division, agreed, ranked, shares_in
from modelwright.nas.inherited import giver
from modelwright.nas.ladder import STEPS, Ladder, Rung
from modelwright.nas.phases import ENDED, FINISH, MORE
from modelwright.nas.stale import agreement, stale
from modelwright.strategy import Strategy, audit
from modelwright.strategy.asha import asynchronous
from modelwright.strategy.base import SearchSpace
from modelwright.strategy.halving import Rungs
from modelwright.strategy.shown import SAME, merits_at

#: Share of the time after which the anchor's first training is cut short.
_ANCHOR = 0.5
#: Networks that are confirmed, the anchor aside, and those in less than so many seconds; one of ``ETA`` passes a rung.
CONFIRMED, _FEWER, _LONG, ETA = 3, 1, 1800.0, 3.0
#: Whether the lowest rung is still worth its price is asked at every so many proposals.
_LOOK = 4
#: Networks that are confirmed besides where the race's ranking does not hold, and the share of the time that it takes.
AGAIN, _AGAIN = 2, 0.05
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
        self.time: Division | None = None
        if seconds is not None:
            self.time = Division(ladder=ladder, seconds=seconds, shares=shares, workers=workers)
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
        if isinstance(going, str):
            return self._confirm(state, going)
        return replace(going, note={**going.note, **self._cut(state.history)}) if isinstance(going, Proposal) else going

    def _cut(self, history: History) -> dict[str, float | None]:
        """In how many seconds a network of the race is cut short; said without a clock too, for what goes on may have
        had seconds in an earlier session."""
        return {"seconds": None if self.time is None else round(max(1.0, self.time.late(history) - history.elapsed), 3)}

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
        # With a budget in trials there is no time that a finish could have instead, nor where it has all that it needs.
        if self.time is not None and self.time.spare(history) is None:
            ended = stale(history, self.levels[-1], self.kept)
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
        if self.time is not None and (turn := self.time.turn(history, len(chosen))) < self.time.least(history):
            why = f"to confirm its best would have left each of them {max(0.0, turn):.1f} s of training"
            return self._until_idle(history, f"the race ended, for {ended}; {why}, too little: its values decide")
        for place, number in enumerate(chosen):
            if self._unconfirmed(history.rows[number]):
                return self._confirming(history, number, len(chosen) - place, {ENDED: ended})
        if _running(history, "confirm"):
            return Wait(why="a phase is ending")
        return self._once_more(state, len(chosen)) or self._until_idle(history, "the best are confirmed")

    def _unconfirmed(self, row: Row) -> bool:
        return row.state == "paused" and row.fidelity < self.confirm - 1e-9

    def _confirming(self, history: History, number: int, waiting: int, note: Mapping[str, Any]) -> Proposal:
        seconds = agreed(history) if self.time is None else self.time.turn(history, waiting)
        return Proposal(trial=number, fidelity=self.confirm, note={"phase": "confirm", **note, "seconds": seconds})

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
        if self.time is not None:
            turn, late = self.time.turn(history, 1), self.time.ends(history)[1] + _AGAIN * self.time.seconds
            if turn <= 0 or history.elapsed + self.time.beside(history) + turn > late:
                return None
        left = [n for n in ranked(history, self.levels) if self._unconfirmed(history.rows[n])]
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
        note = {"phase": "finish", "finish": opened["number"], YIELDS: True}
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
        order, rows = ranked(history, self.levels), history.rows
        chosen = order[: self.confirmed]
        anchor = next((row.number for row in rows if row.note.get("by") == "default"), None)
        fresh = next((number for number in order if giver(rows[number]) is None), anchor)
        if fresh != anchor and fresh is not None and all(giver(rows[number]) is not None for number in chosen):
            chosen = [*chosen[: max(1, self.confirmed - 1)], fresh]
        if anchor is not None and anchor not in chosen and history.rows[anchor].state == "paused":
            chosen.append(anchor)
        return chosen

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
        assert self.time is not None
        return self.time.ends(history)

    def latest(self, history: History) -> float:
        """Seconds of the study at which the confirmation ends at the latest, if it was begun in time."""
        return self.ends(history)[1] + (_AGAIN * (self.seconds or 0.0) if self.confirmed > _FEWER else 0.0)

    def _over(self, history: History) -> bool:
        return self.time is not None and history.elapsed >= self.time.ends(history)[0]

    def _fits(self, history: History, fidelity: float) -> bool:
        return self.time is None or self.time.fits(history, fidelity)


def _running(history: History, *phases: str) -> bool:
    return any(row.pending and row.note.get("phase") in phases for row in history.rows)


def _in_phase(proposal: Proposal, phase: str) -> Proposal:
    return Proposal(trial=proposal.trial, fidelity=proposal.fidelity, note={**proposal.note, "phase": phase})
