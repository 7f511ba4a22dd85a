"""Trying candidates: a first model in this process, then the others in workers, or here where workers come too late.

Keeps to the time that there is: chooses no members.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelwright.execute.serial import SerialExecutor
from modelwright.study.budget import Budget
from modelwright.study.interrupts import may_alarm
from modelwright.study.supervision import patience
from modelwright.tasks.account.course import FIRST, SEARCH
from modelwright.tasks.learners.custom import Own
from modelwright.tasks.search.estimation import MODEL
from modelwright.tasks.search.plan import TablePlan
from modelwright.tasks.search.portfolio import quick

if TYPE_CHECKING:
    from modelwright.api.engine import Engine
    from modelwright.tasks.search.session import Session

#: Seconds that the first model may take, in this process, and the share of all.
_QUICK, _QUICK_SHARE = 1.0, 0.25
#: Seconds below which nothing is searched.
SHORT = 4.0
#: Seconds that it takes to end a candidate that does not hear.
_ENDING = 3.0
#: Share of what is left that starting workers may take.
_WORKERS_SHARE = 0.5
#: Share of what is left that importing the library of the first model may take, if another kind needs none.
_IMPORT_SHARE = 0.7
#: Share of the seconds that the first model leaves to choose its threshold and to be written.
_AFTER = 0.05


def try_candidates(session: Session, engine: Engine, plan: TablePlan, tree: Any) -> None:
    """A first model in this process, then candidates in workers."""
    asked = session.asked
    if asked.seconds is None:
        session.course.enter(SEARCH)
        # Memory can be bounded where a candidate has a process of its own.
        here = session.workers == 1 and asked.memory is None
        session.run(engine, ended_by(session), SerialExecutor() if here else None, session.workers)
        return
    if session.left() <= 0:
        return
    slow = [one for one in session.proposed.values() if isinstance(one, Own)]
    if not engine.history.rows:
        _first(session, engine, plan, tree)
    if asked.seconds < SHORT or session.ends(engine):
        return
    budget = ended_by(session)
    if slow:
        budget = replace(budget, seconds=min(budget.seconds or 0.0, max(0.5 * asked.seconds, asked.seconds - _ENDING)))
    plan.starts = max(plan.starts, starts(session, engine))
    session.course.enter(SEARCH)
    late = not session.standby.standing and plan.starts > _WORKERS_SHARE * session.left()
    if engine.history.rows and not slow and late:
        _here(session, engine, plan)
    else:
        plan.standing = session.workers
        session.run(engine, budget, None, session.workers)
        plan.standing = session.standby.standing


def ended_by(session: Session) -> Budget:
    """The budget of workers: one that does not hear is ended when the time of all is up, and not later."""
    trials, seconds = session.asked.trials, session.asked.seconds
    if seconds is not None:
        seconds = max(0.5 * seconds, seconds - session.saving - patience(seconds))
    return Budget(trials=trials, seconds=seconds)


def starts(session: Session, engine: Engine) -> float:
    """Seconds until workers are there, by what this process took to import the same."""
    loaded = [float(row.facts.get("load_seconds") or 0.0) for row in engine.history.rows]
    return session.asked.imported + max(loaded, default=0.0)


def _first(session: Session, engine: Engine, plan: TablePlan, tree: Any) -> None:
    """A model that is soon there, in this process."""
    seconds = session.asked.seconds
    assert seconds is not None
    config = quick(tree, _soon(session))
    # Who may take any time runs where it can be ended, and early enough for that.
    untamed = isinstance(session.learners[config[MODEL]], Own)
    if untamed and seconds >= SHORT:
        return
    session.course.enter(FIRST)
    left = max(0.0, session.left() - _AFTER * seconds)
    plan.first_model = (config, min(_QUICK, _QUICK_SHARE * seconds), left)
    here = None if untamed and not may_alarm() else SerialExecutor()
    session.run(engine, Budget(trials=1, seconds=seconds), here, 1)
    plan.first_model = None


def _soon(session: Session) -> dict[str, Any]:
    """Learners that the first model may be of, if there are any: those that heed the time; where imports take long,
    those that need none."""
    proposed = {name: one for name, one in session.proposed.items() if not isinstance(one, Own)} or session.proposed
    if session.asked.imported <= _IMPORT_SHARE * session.left():
        return proposed
    return {name: one for name, one in proposed.items() if one.loaded} or proposed


def _here(session: Session, engine: Engine, plan: TablePlan) -> None:
    """Candidates in this process, of the kinds whose libraries it has imported."""
    before = plan.only, plan.portfolio, plan.timing
    plan.only = tuple(name for name, one in session.proposed.items() if one.loaded)
    plan.portfolio = [config for config in plan.portfolio if config[MODEL] in plan.only]
    plan.timing = replace(plan.timing, workers=1)
    try:
        session.run(engine, engine.settings.budget, SerialExecutor(), 1)
    finally:
        plan.only, plan.portfolio, plan.timing = before
