"""When a fit has gained enough: what the ensemble is worth now and then, what more candidates may bring, when to end.

What is estimated is the gain of as many candidates again as there were: the larger of what the ensemble gained over the
last doubling (a curve that grows with the logarithm of the candidates gains that again, one that flattens gains less)
and of what the best candidate may gain (an exponential tail of the candidates' merits, whose maximum grows with the
logarithm too). Both are above what comes rather than below. Reads no clock in a fit that is bounded by trials.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelwright.core import records as r
from modelwright.core.history import History
from modelwright.tasks.account.decisions import Decision, ends_early, goes_on
from modelwright.tasks.ensemble.blend import Blend, blended, reached
from modelwright.tasks.search.estimation import Job
from modelwright.tasks.search.milestones import ENOUGH, REOPENED, chosen
from modelwright.tasks.search.plan import TablePlan

if TYPE_CHECKING:
    from modelwright.api.engine import Engine

#: Kind of the note that holds what the ensemble came to.
LOOKED = "looked"
#: Candidates before which nothing ends for want of gain, at least and for each of the portfolio; looks in a row that
#: have to say so, and the share of the candidates that they have to reach over.
_LEAST, _TIMES, _LOOKS, _OVER = 40, 3, 3, 0.2
#: Share of the score's standard error below which a gain is none.
_SHARE = 0.05
#: Candidates between two looks: so many, or a share of all; share of the running time that looks may take, and seconds
#: that one may take before that is anything.
_EVERY, _EVERY_SHARE, _COST, _FIRST = 5, 0.1, 0.04, 0.5


@dataclass(frozen=True, slots=True)
class Look:
    """What one look saw.

    Attributes:
        counted: candidates that were judged.
        merit: of the ensemble by weights chosen on other rows; higher is better.
        spread: standard error of it.
        gain: what as many candidates again are expected to bring; NaN while the portfolio is being tried.
    """

    counted: int
    merit: float
    spread: float
    gain: float = math.nan

    def small(self, min_gain: float | str) -> bool:
        """Whether the gain is not worth the while."""
        bound = _SHARE * self.spread if isinstance(min_gain, str) else min_gain
        return bool(self.gain <= bound)


def looks_of(history: History) -> list[Look]:
    """All looks that were stored."""
    found = [note.data for note in history.notes if note.kind == LOOKED]
    return [Look(int(d["counted"]), *(_number(d.get(name)) for name in ("merit", "spread", "gain"))) for d in found]


def gain_of(looks: Sequence[Look], merits: Sequence[float]) -> float:
    """What as many candidates again are expected to bring; NaN while too little is known.

    Args:
        looks: so far, the last one now.
        merits: of the candidates, all by the same units.

    >>> gain_of([Look(20, 0.80, 0.01), Look(40, 0.81, 0.01)], [0.8] * 40)
    0.01
    >>> gain_of([Look(20, 0.80, 0.01), Look(40, 0.79, 0.01)], [0.8] * 40)
    0.0
    """
    now = looks[-1].counted
    before = [look.merit for look in looks if look.counted <= now / 2]
    values = np.sort([merit for merit in merits if math.isfinite(merit)])[::-1]
    if not before or len(values) < 4:
        return math.nan
    curve = max(look.merit for look in looks) - max(before)
    top = max(3, math.isqrt(len(values)))
    tail = float(values[:top].mean() - values[min(top, len(values) - 1)]) * math.log(2)
    return round(max(curve, tail), 12)


def enough(looks: Sequence[Look], portfolio: int, min_gain: float | str | None) -> bool:
    """Whether the gain has been too small for long enough.

    Args:
        portfolio: how many candidates it has.

    >>> small = [Look(n, 0.8, 0.01, 0.0) for n in range(30, 61, 6)]
    >>> enough(small, 10, "noise"), enough(small[:2], 10, "noise"), enough(small, 10, None)
    (True, False, False)
    """
    if min_gain is None or not looks or looks[-1].counted < max(_LEAST, _TIMES * portfolio):
        return False
    now = looks[-1].counted
    run: list[Look] = []
    for look in reversed(looks):
        if not look.small(min_gain):
            break
        run.append(look)
    return len(run) >= _LOOKS and now - run[-1].counted >= _OVER * now


class Watch:
    """Looks at the ensemble now and then while candidates are tried, and stores what there is to say.

    An observer of a study's journal. What it stores is what the plan decides by.

    Args:
        asked: ``target_score`` and ``min_gain``.
        timed: whether time is what the fit is bounded by.
    """

    def __init__(self, engine: Engine, job: Job, plan: TablePlan, asked: Mapping[str, Any], *, timed: bool):
        self.engine, self.job, self.plan, self.asked, self.timed = engine, job, plan, dict(asked), timed
        self._sign = 1.0 if job.metric.higher else -1.0
        self._spent = self._last = 0.0
        judged = [job.split.rows(unit)[1] for unit in range(job.split.units)]
        self._rows = len(np.unique(np.concatenate(judged)))

    def events(self, events: Sequence[r.Event]) -> None:
        """Candidates may have been judged."""
        history = self.engine.history
        if any(isinstance(event, r.Finished) for event in events) and self.plan.ended(history) is None:
            counted = sum(reached(row) > 0 for row in history.rows)
            if self._due(history, counted):
                self._look(history, counted)

    def _due(self, history: History, counted: int) -> bool:
        if chosen(history) is not None or not counted:
            return False
        last = next((look.counted for look in reversed(looks_of(history)) if look.counted <= counted), 0)
        fresh = counted - last
        if self.asked["target_score"] is not None:
            due = fresh >= 1
        else:
            due = self.asked["min_gain"] is not None and self.plan.tuning(history)
            due = due and fresh >= max(_EVERY, _EVERY_SHARE * counted)
        if due and self.timed and self._spent:
            return self._spent + self._last <= _COST * self.engine.elapsed
        return due

    def _look(self, history: History, counted: int) -> None:
        began = self.engine.elapsed if self.timed else 0.0
        seconds = max(_FIRST, _COST * began - self._spent) if self.timed else None
        blend = blended(history.rows, self.job, self.engine.files(), seconds)
        if self.timed:
            self._last = self.engine.elapsed - began
            self._spent += self._last
            self.plan.choosing = max(self.plan.choosing, self._last)
        if blend is None or not math.isfinite(blend.score):
            return
        looks = [*looks_of(history), Look(counted, self._sign * blend.score, blend.spread)]
        if self.plan.tuning(history):
            merits = list(self.plan.merits(history).values())
            looks[-1] = Look(counted, looks[-1].merit, looks[-1].spread, gain_of(looks, merits))
        last = looks[-1]
        data = {"counted": counted, "merit": last.merit, "spread": last.spread, "gain": last.gain}
        notes = [r.Noted(kind=LOOKED, data={k: v for k, v in data.items() if math.isfinite(v)})]
        why = self._why(blend, looks)
        if why:
            notes.append(r.Noted(kind=ENOUGH, data={"asked": self.asked, "counted": counted, **why}))
        self.engine.write(notes)

    def _why(self, blend: Blend, looks: Sequence[Look]) -> dict[str, str]:
        name, wanted, least = self.job.metric.name, self.asked["target_score"], self.asked["min_gain"]
        # A score by some of the folds alone is another one tomorrow.
        if wanted is not None and blend.rows >= self._rows and self._sign * (blend.score - wanted) >= 0:
            return {"by": "target_score", "why": f"{name} {blend.score:.5g} reaches the target score {wanted:g}"}
        if not enough(looks, len(self.plan.portfolio), least):
            return {}
        last = looks[-1]
        if isinstance(least, str):
            than = f"{_SHARE:.0%} of the score's standard error {last.spread:.2g}"
        else:
            than = f"min_gain={least:g}"
        why = f"as many candidates again would gain about {last.gain:.2g} in {name}, no more than {than}"
        return {"by": "min_gain", "why": why}


def outlook(history: History, metric: str, spared: float | None = None) -> list[Decision]:
    """What is said of the end of a search: why it came early, or what more candidates would bring.

    Args:
        spared: seconds that were left when candidates had ended; None where the budget is in trials.
    """
    looks = looks_of(history)
    for note in reversed(history.notes):
        if note.kind == ENOUGH:
            return [ends_early(str(note.data["by"]), int(note.data["counted"]), str(note.data["why"]), spared)]
        if note.kind == REOPENED:
            break
    if looks and math.isfinite(looks[-1].gain):
        return [goes_on(metric, looks[-1].gain, looks[-1].spread)]
    return []


def _number(given: Any) -> float:
    return float(given) if isinstance(given, int | float) else math.nan
