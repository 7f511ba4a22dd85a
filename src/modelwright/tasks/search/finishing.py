"""The end of a fit: members on all rows, as far as there is time, and the predictor they make. Searches nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from modelwright.core import records as r
from modelwright.core.history import History, Row
from modelwright.execute.serial import SerialExecutor
from modelwright.store.artifacts import Artifacts
from modelwright.study.limits import in_bytes
from modelwright.tasks.account.course import REFIT, SAVING
from modelwright.tasks.account.decisions import (
    Decision,
    chosen_again,
    cut_short,
    decided,
    not_on_all,
    on_all_rows,
    untried,
)
from modelwright.tasks.account.gains import Account
from modelwright.tasks.account.left_to_people import left
from modelwright.tasks.ensemble.assembly import WHOLE, Made, assembled, board, described, name_of
from modelwright.tasks.ensemble.blend import Blend, reached, rounds_of, sufficient
from modelwright.tasks.learners.base import Fitted
from modelwright.tasks.request.beside_plan import how
from modelwright.tasks.request.continuation import place_of
from modelwright.tasks.request.recalled import arguments, recorded
from modelwright.tasks.result.baseline import Baseline
from modelwright.tasks.search.acted import acted
from modelwright.tasks.search.deployed import as_deployed, keep
from modelwright.tasks.search.estimation import MODEL, Job
from modelwright.tasks.search.gathered import Said
from modelwright.tasks.search.milestones import MEMBERS
from modelwright.tasks.search.plan import TablePlan
from modelwright.tasks.search.replay import recalled_rows
from modelwright.tasks.search.room import bytes_of
from modelwright.tasks.speed import row_us

if TYPE_CHECKING:
    from modelwright.api.engine import Engine
    from modelwright.tasks.result.predictor import Predictor
    from modelwright.tasks.search.session import Session

#: How much longer than foreseen the fits on all rows may take, before candidates give way to them.
_SAFELY = 1.2


def finished(session: Session, engine: Engine, plan: TablePlan, blend: Blend) -> tuple[Blend, list[Made]]:
    """Fit the members on all rows, the ones with most weight first, as far as the time reaches; what they are now.

    They are chosen again where some cannot be had: weights, score and threshold are of what is deployed.
    """
    before = as_deployed(engine.history, session.job, engine.files(), blend)
    if before is not None:
        return blend, _as_weighed(session, blend, before)
    rows = engine.history.rows
    blend, wanted = _to_fit(session, engine, plan, blend)
    if wanted:
        _fit_all(session, engine, plan, blend, wanted)
    files = engine.files()
    made = {n: assembled(rows[n], files, session.job) for n in blend.trials}
    lost = [n for n, one in made.items() if one is None]
    if lost:  # a fit that was foreseen to end did not
        blend = _without(session, engine, plan, blend, lost)
        made = {n: made[n] if n in made else assembled(rows[n], files, session.job) for n in blend.trials}
    found = [one for one in made.values() if one is not None]
    _tidy(rows, {one.trial for one in found}, files)
    return blend, _as_weighed(session, blend, found)


def _to_fit(session: Session, engine: Engine, plan: TablePlan, blend: Blend) -> tuple[Blend, list[Row]]:
    """The members, chosen again where some can neither be fitted on all rows nor be had without; and who is fitted."""
    rows, files = engine.history.rows, engine.files()
    wanted = _in_time(session, engine, plan, blend)
    numbers = {row.number for row in wanted}
    lost = [n for n in blend.trials if n not in numbers and not _there(rows[n], files)]
    if not lost:
        return blend, wanted
    # Choosing takes a part of the time that was left for fits.
    wanted = _in_time(session, engine, plan, blend, besides=session.choosing(plan) or 0.0)
    numbers = {row.number for row in wanted}
    lost = [n for n in blend.trials if n not in numbers and not _there(rows[n], files)]
    blend = _without(session, engine, plan, blend, lost, numbers)
    return blend, _in_time(session, engine, plan, blend)


def _in_time(session: Session, engine: Engine, plan: TablePlan, blend: Blend, besides: float = 0.0) -> list[Row]:
    """Members that are fitted on all rows: first those that cannot be had otherwise.

    Args:
        besides: seconds that something else takes before.
    """
    files = engine.files()
    if session.ends(engine):  # who interrupts does not want to wait
        return []
    wanted = _lacking(session, engine, blend)
    wanted = _with_room(session, sorted(wanted, key=lambda row: _there(row, files))) if wanted else []
    if wanted and session.asked.seconds is not None:
        return plan.last.possible(wanted, session.left() - besides - plan.last.begins(wanted))
    return wanted


def _without(
    session: Session, engine: Engine, plan: TablePlan, blend: Blend, lost: Sequence[int], able: Collection[int] = ()
) -> Blend:
    """Members that are chosen again, among candidates whose models are there and those that can be fitted; says so."""
    rows, files = engine.history.rows, engine.files()
    among = [row for row in rows if row.number not in lost and (row.number in able or _there(row, files))]
    found = session.blend(engine, plan, among)
    if found is None:
        return blend
    names = [name_of(rows[n]) for n in lost]
    session.says(chosen_again(names, session.data.metric.name, blend.score, found.score))
    return found


def lacks(row: Row, files: Artifacts, job: Job) -> bool:
    """Whether a candidate is to be fitted on all rows if it becomes a member.

    Models of units of what was no member in an earlier call are not there any more, all of them or some.
    """
    there = all(_holds(row, files, f"member{unit}") for unit in range(reached(row)))
    return not job.bags or not (there or _holds(row, files, WHOLE))


def _lacking(session: Session, engine: Engine, blend: Blend) -> list[Row]:
    rows, files = engine.history.rows, engine.files()
    return [rows[number] for number in blend.trials if lacks(rows[number], files, session.job)]


def _holds(row: Row, files: Artifacts, name: str) -> bool:
    return name in row.artifacts and files.holds(row.artifacts[name])


def _there(row: Row, files: Artifacts) -> bool:
    """Whether any model of a candidate is there, of all rows or of a unit."""
    return any(_holds(row, files, name) for name in row.artifacts if name == WHOLE or name.startswith("member"))


def reserve(session: Session, engine: Engine, plan: TablePlan, blend: Blend) -> float:
    """Seconds until the members are fitted on all rows, with what it takes to begin."""
    members = _lacking(session, engine, blend)
    if not members:
        return 0.0
    begins = plan.last.begins(members)
    return 0.5 + begins + _SAFELY * plan.last.together(plan.last.possible(members, session.left() - begins))


def _not_tried(session: Session, history: History) -> list[Decision]:
    """What is said of learners that the user named, and that no candidate is of."""
    if session.asked.models is None:
        return []
    begun = [row.config for row in history.rows if row.config]
    names = [name for name in session.proposed if all(config.get(MODEL) != name for config in begun)]
    return [untried(names, len(begun))] if names else []


def _as_weighed(session: Session, blend: Blend, members: Sequence[Made]) -> list[Made]:
    weights = dict(zip(blend.trials, blend.weights, strict=True))
    return [one if one.whole else _as_needed(one, weights[one.trial], session) for one in members]


def _as_needed(made: Made, weight: float, session: Session) -> Made:
    """Models of units, as much of each as its part of the weight needs."""
    if not session.learners[made.parts[0].learner].averages:
        return made
    each = weight / len(made.parts)
    parts = [
        replace(part, model=part.model.first(sufficient(int(part.model.facts["rounds"]), each))) for part in made.parts
    ]
    fewer = sum(_bytes(old.model) - _bytes(new.model) for old, new in zip(made.parts, parts, strict=True))
    return replace(made, parts=tuple(parts), bytes=made.bytes - fewer)


def _bytes(model: Fitted) -> int:
    """Bytes of a model's arrays, which are stored as they are."""
    return sum(np.asarray(array).nbytes for array in model.state()[1].values())


def beside(session: Session, rows: Sequence[Row]) -> int:
    """How many fits of these candidates on all rows run side by side."""
    most = max(_needs(session, row) for row in rows)
    return max(1, min(session.workers, session.room.side_by_side(most), len(rows)))


def _needs(session: Session, row: Row) -> int:
    """Bytes of a fit on all rows."""
    return bytes_of(str(row.config[MODEL]), session.data.frame.rows, session.data.frame)


def _with_room(session: Session, rows: Sequence[Row]) -> list[Row]:
    """Members whose fits on all rows are foreseen to have room, if nothing runs beside them."""
    large = _too_large(session, rows)
    if large:
        most = in_bytes(max(_needs(session, row) for row in large))
        session.says(not_on_all([name_of(row) for row in large], most))
    return [row for row in rows if row not in large]


def _too_large(session: Session, rows: Sequence[Row]) -> list[Row]:
    if session.data.split.used == session.data.frame.rows:  # about as much as their candidates took
        return [row for row in rows if row.config[MODEL] in session.large]
    return [row for row in rows if not session.room.side_by_side(_needs(session, row))]


def _fit_all(session: Session, engine: Engine, plan: TablePlan, blend: Blend, rows: Sequence[Row]) -> None:
    session.course.enter(REFIT)
    wanted = {row.number for row in rows}
    number = 1 + sum(note.kind == MEMBERS for note in engine.history.notes)
    known = {
        trial: {"trial": trial, "value": value, "rounds": rounds}
        for trial, value, rounds in zip(blend.trials, blend.values, blend.rounds, strict=True)
    }
    members = [known[row.number] | {"most": rounds_of(row, session.job)} for row in rows]
    seconds = session.asked.seconds
    workers, small = beside(session, rows), plan.last.soon(rows)
    data: dict[str, Any] = {"number": number, "members": members}
    if seconds is not None:
        data["until"] = session.clock.wall() + session.left()
        # Fewer fits than cores leave cores to each of them. Without a clock this would be another model.
        data["threads"] = session.job.threads if small else session.threads(session.data.frame.rows, workers)
    notes = [r.Noted(kind=r.PIN, data={"number": trial, "pinned": True}) for trial in sorted(wanted)]
    engine.write([*notes, r.Noted(kind=MEMBERS, data=data)])
    # What has no clock may take its time in this process; what has one is ended from outside where it does not hear.
    here = small or (workers == 1 and seconds is None)
    budget = engine.settings.budget
    if seconds is not None and not here:
        budget = replace(budget, seconds=max(0.5 * seconds, seconds - session.saving))
    session.run(engine, budget, SerialExecutor() if here else None, 1 if here else workers)


def predictor_of(session: Session, engine: Engine, blend: Blend, members: Sequence[Made]) -> Predictor:
    """The predictor, with all that is said of it."""
    from modelwright.tasks.result.predictor import Predictor

    session.course.enter(SAVING)
    total = sum(blend.weights[blend.trials.index(made.trial)] for made in members)
    weights = [blend.weights[blend.trials.index(made.trial)] / total for made in members]
    history = engine.history
    body = described(session.data, session.job, session.said, blend, members, weights)
    found = acted(session.found, session.data, session.said, session.dropped)
    body["checks"] = [one.to_json() for one in found]
    body["leaderboard"] = board(history.rows, session.job, blend, members, weights)
    cut = {made.name: made.rounds for made in members if made.cut}
    usual = {name: engine.space.complete({MODEL: name}) for name in session.learners}
    body["decisions"] = [
        *decided(
            session.data,
            session.said,
            blend,
            len(members),
            Account(history.rows, session.job, blend, usual),
            session.asked.preset,
        ),
        *([cut_short(cut)] if cut else []),
        *_not_tried(session, history),
        _last_fits(session, engine, members),
        *session.decisions(),
        *left(session.data, session.said, found, session.dropped),
    ]
    body["plan"] |= {
        "said": recorded(_settled(session), session.dropped),
        "how": how(session.asked, session.said.folds),
    }
    if not session.ends(engine):  # what was broken off is to become better
        keep(engine, session.job, blend, members)
    body["asked"] = _again(session, engine)
    body["stopped"] = "interrupted" if session.interrupts.heard else session.stopped
    body["time"] = session.course.to_json(budget=session.asked.seconds, workers=session.workers)
    parts = [
        (part, weight / len(made.parts), made.name)
        for made, weight in zip(members, weights, strict=True)
        for part in made.parts
    ]
    frame = session.data.frame
    model = Predictor(
        body,
        parts,
        session.data.metric,
        known=recalled_rows(session.job, blend.known_rows),
        baseline=Baseline.of(frame, session.data.schema),
    )
    # Cells are typed: reading is not in it.
    each = row_us(lambda rows: model._predicted(frame.take(np.arange(rows))), frame.rows)
    body["leaderboard"][0]["row_us"] = each
    return model


def _settled(session: Session) -> Said:
    """What was said, with the class that other rows might make another one: the positive one."""
    said, target = session.said, session.data.target
    return said if said.positive is not None else replace(said, positive=target.positive)


def _last_fits(session: Session, engine: Engine, members: Sequence[Made]) -> Decision:
    whole = sum(made.whole for made in members)
    spent = dict(session.course.to_json()["phases"]).get(REFIT, 0.0)
    rows = session.data.frame.rows
    of_a_fold = round(rows / session.job.split.growth()[-1])
    return on_all_rows(whole, len(members), rows, of_a_fold, spent, *_not_fitted(session, engine, members))


def _not_fitted(session: Session, engine: Engine, members: Sequence[Made]) -> tuple[str, str]:
    """Why none of the members is a fit on all rows, and what decides otherwise; of no meaning where one is."""
    rows = [row for row in engine.history.rows if row.number in {made.trial for made in members}]
    if session.job.bags:
        return f"preset={session.asked.preset!r} uses them together", "preset="
    if session.ends(engine):
        return f"the fit was {'interrupted' if session.interrupts.heard else engine.stopped} before", ""
    if len(_too_large(session, rows)) == len(rows):
        return "there was no room for more", "memory="
    if session.asked.seconds is not None:
        return "there was no time for more", "seconds="
    return "fits on all rows came to nothing", "models="


def _again(session: Session, engine: Engine) -> dict[str, Any]:
    """The arguments of a call that goes on with this fit, as far as they are plain values."""
    said, asked = session.said, session.asked
    own = [one for one in asked.models or () if not isinstance(one, str)]
    plain: Mapping[str, Any] = {
        **arguments(recorded(said, ())),
        "models": None if own or asked.models is None else list(asked.models),
        "drop_suspected": asked.drop_suspected or None,
        "workers": asked.workers,
        "folds": session.data.split.folds if session.data.split.kind != "time" else None,
        "preset": asked.preset,
        "block": list(asked.block),
        "monotone": dict(asked.monotone or {}) or None,
        "target_score": asked.target_score,
        "memory": asked.memory,
        "max_rows": asked.max_rows,
        "name": engine.name,
        "store": place_of(engine.location),
    }
    source, budget = session.course.source, {"seconds": asked.seconds, "trials": asked.trials, "folds": said.folds}
    spent = {"seconds": engine.elapsed, "trials": len(engine.history.rows)}
    kept = {k: v for k, v in plain.items() if v not in (None, [])}
    again = [*recorded(said, ())["again"], *(["models"] if own else [])]
    return {
        "arguments": {**kept, "min_gain": asked.min_gain},
        "again": again,
        "spent": spent,
        "table": source,
        "budget": budget,
    }


def _tidy(rows: Sequence[Row], members: set[int], files: Artifacts) -> None:
    """Remove the models of candidates that are no members: their predictions are what a fit that goes on needs."""
    for row in rows:
        if row.number not in members:
            for name, kept in row.artifacts.items():
                if name.startswith("member") and kept.path:
                    files.remove(kept.path)
