"""The plan of a fit: a portfolio of good starts, then tuning, then the members of the ensemble on all rows.

Decides by stored facts alone; with a budget in seconds the running time of the study and what candidates took are among
them. What a candidate will take is foreseen before it starts, and one that cannot end in time is passed over.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from modelwright.core.history import History, Row
from modelwright.core.records import Answer, Config, Exhausted, Proposal, Wait
from modelwright.strategy import Strategy
from modelwright.strategy.base import Fold, SearchSpace
from modelwright.tasks.learners.constant import CONSTANT
from modelwright.tasks.scoring.validation import over_units
from modelwright.tasks.search.milestones import ENOUGH, REOPENED, chosen
from modelwright.tasks.search.timing import LastFits, Timing
from modelwright.tasks.search.too_dear import gap, standing, too_dear
from modelwright.tasks.search.tuner import proposed

#: Candidates of which the better ones go on from the first rung: of one family the best, of all so many.
_BEST, _SHARE = 4, 0.4
#: Between the first rung and all units there is one at such a share of these, where so many more are left.
_MIDDLE, _MORE = 0.4, 3
#: Only the best goes on where that takes more than such a share of what all have left.
_DEAR = 0.3
#: What a candidate may take of the time that is left; what one of the portfolio may, which is cut short then.
_MOST, _CUT = 0.7, 1.2
#: What candidates of the portfolio, and the first model, are proposed by.
_FIRST = ("first model", "default", "portfolio")
#: Share of the time that is left after which a new candidate is cut short.
_MOST_NEW = 0.5
#: Members that are reckoned with, and those of other kinds of model besides.
_REFITTED, _OTHER_KINDS = 4, 2
#: Share of the time for the ensemble, and the largest where the metric is slow.
_BLENDING, _SLOW = 0.04, 0.1
#: Seconds until workers are there, at least.
STARTING = 1.5
#: Share of the time that is kept for fits on all rows at most.
_RESERVED = 0.4
#: Candidates that all failed, after which no more are tried; those of a kind of model that cannot end in time, after
#: which that kind is passed over.
_HOPELESS, _DRAWS = 20, 2
#: Units that must be likely to end in time for a candidate to go on from the first rung, as a share of what is left.
_ENOUGH = 0.4

#: Work of a candidate on one unit, in units of its own; their ratio to seconds is learned.
Cost = Callable[[Config], float]


class TablePlan(Strategy):
    """See the module.

    Args:
        portfolio: configurations in the order in which they are tried.
        tunes: whether the search goes on after them.
        units: models that a candidate is judged by; the first rung has ``first`` of them.
        cost: work of a configuration on one unit.
        timing: what there is time for.
        family: the decision that names the kind of model.
        only: the kinds of which anything is tried; None for all.

    Attributes:
        first_model: while it is set nothing else is tried: a configuration, with the seconds that it may take, and
            those that it may take where it is none by then.
        starts: seconds until workers are there; ``standing`` are so many already.
        aside: seconds of the whole that are no running time of the study, and not for candidates.
        reserved: seconds at the end that are not for candidates, once they are known; else they are foreseen.
        choosing: seconds that choosing the ensemble takes, as far as it is known.
        ends: what the search may end by before its budget; a note that ended it by anything else does not count.
        tells: whether one unit has enough rows to tell how far a kind of model is behind.
        earlier: numbers of the candidates of earlier calls. What their clock left between two rungs goes on here.
        bare: numbers of those whose models are gone: as members they are fitted on all rows, whatever others are.
    """

    name: ClassVar[str] = "table plan"
    multi_fidelity: ClassVar[bool] = True

    def __init__(
        self,
        portfolio: Sequence[Config],
        *,
        tunes: bool = True,
        units: int,
        first: int,
        cost: Cost,
        timing: Timing,
        family: str = "model",
        only: Collection[str] | None = None,
    ):
        self.portfolio, self.tunes, self.units, self.first = list(portfolio), tunes, units, min(first, units)
        self.cost, self.timing, self.seconds, self.family = cost, timing, timing.seconds, family
        self.only, self.steps = only, units + 1
        middle = {round(_MIDDLE * units)} if self.first < round(_MIDDLE * units) <= units - _MORE else set()
        #: Units after which candidates wait until it is known whether they deserve more of them.
        self.rungs = sorted({self.first, units} | middle)
        self.first_model: tuple[Config, float, float] | None = None
        self.starts, self.standing, self.aside = STARTING, 0, 0.0
        self.reserved: float | None = None
        self.choosing = 0.0
        self.ends: Mapping[str, Any] = {}
        self.earlier: Collection[int] = ()
        self.bare: Collection[int] = ()
        self.tells = True

    def init(self, seed: Any, history: History) -> Fold:
        return Fold(seed, history)

    def plan(self, unit: str = "step") -> str:
        race = "" if self.first == self.units else f", the better ones of {self.first} on all {self.units}"
        return f"{len(self.portfolio)} candidates known to be good{race}; then tuning; then the ensemble on all rows"

    # --- what comes next -----------------------------------------------------------------------------

    def ask(self, state: Fold, space: SearchSpace, number: int | None) -> Answer:
        history = state.history
        opened = chosen(history)
        if opened is not None:
            return self._refit(history, opened)
        if self.first_model is not None:
            if history.rows:
                return self._until_idle(history, "the first model is there")
            config, seconds, left = self.first_model
            note = {"by": "first model", "phase": "first", "seconds": seconds, "left": left}
            return Proposal(config=config, fidelity=1 / self.steps, note=note)
        if (why := self.ended(history)) is not None:
            return self._until_idle(history, why)
        if len(history.rows) >= _HOPELESS and all(row.error is not None for row in history.rows):
            return self._until_idle(history, "no candidate can be fitted")
        if self.seconds is not None and history.elapsed >= self.until(history):
            return self._until_idle(history, "the time for candidates is used up")
        anew = {row.number for row in history.rows if self._left_off(row) and not self._may_go_on(row)}
        tried = {space.key(row.config) for row in history.rows if row.number not in anew}
        untried = [(place, one) for place, one in enumerate(self.portfolio) if space.key(one) not in tried]
        onward = self._onward(history, not untried or self.tuning(history))
        if onward is not None:
            return onward
        if number is None:
            return self._until_idle(history, "all candidates are judged")
        return self._new(state, space, number, untried)

    def _onward(self, history: History, tried: bool) -> Proposal | None:
        """A candidate that deserves the units up to the next rung; all of them only once the portfolio was ``tried``.

        Many that are judged by some units make a better ensemble than one that is judged by all. From the second rung
        on a quick one does not go where better ones have no time to: they would be left out for it, or it for nothing.
        """
        early = self.seconds is not None and not tried and len(self.rungs) > 2
        rungs = self.rungs[:-1] if early else self.rungs
        for row in filter(self._left_off, history.rows):
            missing = self.first - len(row.facts["scores"])
            if self._may_go_on(row) and self._in_time(history, row.config, missing):
                return Proposal(trial=row.number, fidelity=self.first / self.steps, note=self._note(history, "race"))
        for at, to in pairwise(rungs):
            waiting = [row for row in history.rows if self._waits(row) == at and row.state == "paused"]
            waiting = [row for row in waiting if self.only is None or row.config.get(self.family) in self.only]
            judged, held = self.merits(history, at), False
            for row in sorted(waiting, key=lambda row: -judged.get(row.number, -math.inf)):
                if row.number not in judged or not self._deserves(history, judged, row, to - at):
                    continue
                if held and not self._follows(history, judged, row, at):
                    continue
                if self._in_time(history, row.config, max(1, round(_ENOUGH * (to - at)))):
                    return Proposal(trial=row.number, fidelity=to / self.steps, note=self._note(history, "race"))
                held = at > self.first
        return None

    def _left_off(self, row: Row) -> bool:
        """Whether the clock of an earlier call left a candidate before the first rung, where no other one waits."""
        known = row.number in self.earlier and not row.pending and row.error is None
        return known and 0 < len(row.facts.get("scores") or ()) < self.first

    def _may_go_on(self, row: Row) -> bool:
        """Whether it goes on from there; one that was cut short, or fitted on all rows by then, is tried anew."""
        known = self.only is None or row.config.get(self.family) in self.only
        return (
            known
            and row.state == "paused"
            and self._at(row) <= self.units
            and "deadline" not in (row.facts.get("ended") or ())
        )

    def _waits(self, row: Row) -> int:
        """Units after which a candidate waits; one that an earlier call left between two rungs does so at the lower."""
        at = self._at(row)
        between = row.number in self.earlier and at < self.units
        return max((rung for rung in self.rungs if rung <= at), default=0) if between else at

    @staticmethod
    def _follows(history: History, judged: Mapping[int, float], row: Row, at: int) -> bool:
        """Whether a better candidate is beyond these units, or on its way there."""
        better = (history.rows[n] for n, merit in judged.items() if n != row.number and merit >= judged[row.number])
        return any(one.pending or len(one.facts["scores"]) > at for one in better)

    def merits(self, history: History, units: int | None = None) -> dict[int, float]:
        """Mean merit on the first ``units`` units (default: those of the first rung) of every candidate with them."""
        sign, units = 1.0 if history.objectives[0].direction == "max" else -1.0, units or self.first
        found = {}
        for row in history.rows:
            scores = row.facts.get("scores") or ()
            if len(scores) >= units and math.isfinite(value := over_units(scores[:units])):
                found[row.number] = sign * value
        return found

    def tuning(self, history: History) -> bool:
        """Whether the portfolio is behind."""
        return any(row.note.get("by") not in _FIRST for row in history.rows)

    def ended(self, history: History) -> str | None:
        """Why no further candidate is tried, though there is a budget for some."""
        for note in reversed(history.notes):
            if note.kind == REOPENED:
                return None
            if note.kind == ENOUGH:
                return str(note.data["why"]) if note.data.get("asked") == dict(self.ends) else None
        return None

    def _deserves(self, history: History, judged: Mapping[int, float], row: Row, units: int) -> bool:
        if row.note.get("by") == "first model" and len(judged) <= _BEST:
            return False  # it was made to be there soon, and nothing is known yet that it could be better than
        ranked = sorted(judged, key=lambda n: -judged[n])
        same = [n for n in ranked if history.rows[n].config.get(self.family) == row.config.get(self.family)]
        rank = ranked.index(row.number)
        if not rank:
            return True
        if row.config.get(self.family) == CONSTANT:
            return False  # where it is not the best it is no member
        good = _BEST <= _SHARE * len(ranked) > rank
        if not good and (same[0] == row.number or rank < _BEST):
            good = not self._put_off(history, row.config, units)
        return good and not self._dear(history, row, units)

    def _put_off(self, history: History, config: Config, units: int) -> bool:
        """Whether so many more units are too dear for how far the best of the same kind of model is behind."""
        merits, kind = self.merits(history), str(config.get(self.family))
        constant = [merit for n, merit in merits.items() if history.rows[n].config.get(self.family) == CONSTANT]
        if self.seconds is None or not constant:
            return False
        for rung in reversed(self.rungs):
            judged = self.merits(history, rung)
            behind = gap(history, judged, constant[0], family=self.family, kind=kind)
            if behind is None or (rung == 1 and not self.tells):
                continue
            leads = history.rows[max(judged, key=lambda number: judged[number])]
            takes, allowed = (self.expected(history, one, units) for one in (config, leads.config))
            return too_dear(behind, takes, left=self._left(history), leads=allowed)
        return False

    def _dear(self, history: History, row: Row, units: int) -> bool:
        """Whether so many more units would take so much of all that is left that several others could have had it."""
        if self.seconds is None:
            return False
        return self.expected(history, row.config, units) > _DEAR * self._left(history)

    def _new(self, state: Fold, space: SearchSpace, number: int, untried: Sequence[tuple[int, Config]]) -> Answer:
        history = state.history
        waits = {place for place, config in untried if self._put_off(history, config, self.first)}
        # Where nothing is tuned there is time for what waits in the end.
        for place, config in sorted(untried, key=lambda one: one[0] in waits):
            if self.tunes and place in waits:
                break
            # While hardly anything is tried even one that will be cut short is better than none.
            few = len(history.rows) <= self.timing.workers
            if few or self._in_time(history, config, self.first, _CUT):
                note = {"by": "default" if not number else "portfolio", "place": place}
                return Proposal(
                    config=config, fidelity=self.first / self.steps, note=self._note(history, "portfolio") | note
                )
        if not self.tunes:
            return self._until_idle(history, "the portfolio is tried")
        found = self._tuned(state, space, number)
        if isinstance(found, str):
            return self._until_idle(history, found)
        config, note = found
        return Proposal(config=config, fidelity=self.first / self.steps, note={**note, **self._note(history, "tune")})

    def _tuned(self, state: Fold, space: SearchSpace, number: int) -> tuple[dict[str, Any], dict[str, Any]] | str:
        """A candidate of tuning that can end in time, and how it was found; why, where there is none.

        A kind of model of which none of a few can is passed over: a quicker kind may still have the time.
        """
        history, merits, dear = state.history, self.merits(state.history), dict[str, int]()
        rng = state.seed.child("ask", number).generator()
        stand = standing([self.merits(history, rung) for rung in self.rungs])
        found = proposed(history, space, merits, rng, self.family, self.only, stand)
        kinds = list(self.only or {str(config.get(self.family)) for config in self.portfolio})
        while found is not None and not self._worth(history, found[0]):
            kind = str(found[0].get(self.family))
            dear[kind] = dear.get(kind, 0) + 1
            kinds = [one for one in kinds if dear.get(one, 0) < _DRAWS]
            found = proposed(history, space, merits, rng, self.family, kinds, stand) if kinds else None
        return found or ("the next candidate cannot end in time" if dear else "every configuration has been tried")

    def _worth(self, history: History, config: Config) -> bool:
        """Whether a candidate of tuning can end in time, and is not of a kind that waits."""
        return self._in_time(history, config, self.first) and not self._put_off(history, config, self.first)

    def _note(self, history: History, phase: str) -> dict[str, Any]:
        if self.seconds is None:
            return {"phase": phase}
        left = self.until(history) - history.elapsed
        own = left if phase == "race" else _MOST_NEW * left
        return {"phase": phase, "seconds": round(own, 3), "left": round(left, 3)}

    def _refit(self, history: History, opened: Mapping[str, Any]) -> Answer:
        for one in opened["members"]:
            row = history.rows[one["trial"]]
            if row.state == "paused" and row.note.get("refit") != opened["number"] and _lacks(row, one["rounds"]):
                note = {"phase": "refit", "refit": opened["number"], "value": one["value"], "rounds": one["rounds"]}
                note["most"] = one.get("most")
                note |= {name: opened[name] for name in ("until", "threads") if opened.get(name) is not None}
                return Proposal(trial=row.number, fidelity=1.0, note=note)
        return self._until_idle(history, "the plan is carried out")

    @staticmethod
    def _until_idle(history: History, why: str) -> Answer:
        return Wait(why="candidates are running") if any(row.pending for row in history.rows) else Exhausted(why=why)

    # --- time ------------------------------------------------------------------------------------------

    def _at(self, row: Row) -> int:
        return round(row.fidelity * self.steps)

    def until(self, history: History) -> float:
        """Running time of the study at which candidates end: the rest is for the ensemble and fits on all rows."""
        assert self.seconds is not None
        if self.reserved is not None:
            return self.seconds - self.reserved
        blending = 0.5 + self.aside + self.blending()
        best = [row for row in self._likely(history) if self.timing.refits or row.number in self.bare]
        if not best and not self.timing.refits:
            return self.seconds - blending
        # What no reserve is large enough for is none to wait for.
        last = self.last
        wanted = last.possible(best, _RESERVED * self.seconds)
        fits = last.one_by_one(wanted) if last.soon(wanted) else last.together(wanted)
        return self.seconds - min(blending + 1.1 * fits + last.begins(wanted), _RESERVED * self.seconds)

    def _likely(self, history: History) -> list[Row]:
        """Candidates that are likely to be members: the best ones, and the best of some other kinds of model."""
        merits = self.merits(history)
        ranked = [history.rows[number] for number in sorted(merits, key=lambda number: -merits[number])]
        found, kinds = ranked[:_REFITTED], {CONSTANT}
        kinds |= {str(row.config.get(self.family)) for row in found}
        for row in ranked[_REFITTED:]:
            if len(found) < _REFITTED + _OTHER_KINDS and (kind := str(row.config.get(self.family))) not in kinds:
                found.append(row)
                kinds.add(kind)
        return found

    def blending(self, least: float = _BLENDING) -> float:
        """Seconds for choosing the ensemble: a share of all at least, and more for a metric that is slow."""
        return max(least * (self.seconds or 0.0), min(self.choosing, _SLOW * (self.seconds or 0.0)))

    @property
    def last(self) -> LastFits:
        """What is foreseen of the fits on all rows."""
        return LastFits(self.timing, self.starts, self.standing)

    def expected(self, history: History, config: Config, units: int) -> float:
        """Seconds that ``units`` fits of a configuration take; 0 while nothing is known."""
        rates: dict[str, list[float]] = {}
        for row in history.rows:
            seconds = row.facts.get("fit_seconds")
            if seconds is not None:
                rate = seconds / max(self.cost(row.config), 1e-12)
                rates.setdefault(str(row.config.get(self.family)), []).append(rate)
        if not rates:
            return 0.0
        own = rates.get(str(config.get(self.family)))
        # Of a family that has not run the machine's speed is known alone: what others take longer for is their affair.
        rate = float(np.median(own)) if own else float(min(np.median(found) for found in rates.values()))
        return rate * self.cost(config) * units

    def _left(self, history: History) -> float:
        """Seconds for candidates that are left, of all workers."""
        return self.timing.workers * (self.until(history) - history.elapsed)

    def _in_time(self, history: History, config: Config, units: int, share: float = _MOST) -> bool:
        if self.seconds is None:
            return True
        return self.expected(history, config, units) <= share * (self.until(history) - history.elapsed)


def _lacks(row: Row, rounds: int | None) -> bool:
    """Whether the fit of a candidate on all rows, if there is one, has fewer rounds than are wanted of it now."""
    reaches = row.facts.get("reaches")
    return reaches is None or reaches < (rounds or 0)
