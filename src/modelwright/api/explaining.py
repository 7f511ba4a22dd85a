"""Study.explain: reasons in words. For architecture searches also what each phase did, and the screen's worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from modelwright.api import finishing
from modelwright.api.next_steps import CUT_SHORT
from modelwright.core.errors import StudyError
from modelwright.core.history import History, Row
from modelwright.core.records import Continued, Noted
from modelwright.core.wording import counted
from modelwright.report.fidelity import FULL, level_text
from modelwright.report.stages import stage_at
from modelwright.study.budget import Budget
from modelwright.study.crew import led

if TYPE_CHECKING:
    from modelwright.api.study import Study
    from modelwright.report.view import StudyView


#: How a plan says why its race ended where it says in the same breath why nothing was confirmed.
_RACE_ENDED = "the race ended, for "
_NO_PLAN = object()


def explain(study: Study, *, beyond: bool = False) -> str:
    """What mattered, where good values lie and what more trials may bring, in plain words.

    Args:
        beyond: of a search for a network, whose data have to be at hand: train up to two networks beside the winner's
            that are larger in one respect, all as long as a network of the race. The study keeps what came of it.

    Raises:
        StudyError: ``beyond``, and the study is no such search, has no best trial, or its data are not at hand.
    """
    from modelwright.report.explain import explained

    searched = study._record.definition.get("kind") == "nas"
    if beyond:
        _train_beyond(study, searched)
    plain = explained(study._view())
    if not searched:
        return plain
    from modelwright.nas.explain import explained as reasons

    found = reasons(study._machine.space, study._view())
    parts = [_phases(study), _times(study), plain if found is None else found.text, _beyond(study), _screen(study)]
    return "\n".join(part for part in parts if part)


def _train_beyond(study: Study, searched: bool) -> None:
    """Keep with the study how wider networks do beside the winner's."""
    study._check_there()
    estimation: Any = study._settings.estimation if study._settings is not None else None
    hint = "Hand them over with study = study.resume(space, x, y), which runs nothing where the budget is used up."
    if not searched or estimation is None:
        raise StudyError(
            "networks beyond the space are trained for a search for a network, with its data",
            where=f"study {study.name!r}",
            hint=hint if searched else "",
        )
    from modelwright.nas.wider import BEYOND, trained_beyond

    row = study._machine.history.rows[study.best.number]
    found = trained_beyond(estimation.job, dict(row.config), seed=study._machine.setup.seed)
    study._journal.begin()
    study._journal.write([Noted(kind=BEYOND, data={"trial": row.number, **found})])


def _beyond(study: Study) -> str:
    """How wider networks did beside the winner's, where that was asked for."""
    from modelwright.nas.wider import BEYOND, told

    history = study._machine.history
    best = history.best()
    notes = (note.data for note in reversed(history.notes) if note.kind == BEYOND)
    if best is None:
        return ""
    found = next((data for data in notes if data["trial"] == best.number), None)
    if found is not None:
        return told(found)
    return (
        "What the space left out is not known: study.explain(beyond=True) trains larger networks beside the winner's, "
        "one with more channels and one with more blocks."
    )


def write(study: Study, path: str | Path) -> Path:
    """The report of a study as one HTML file, for architecture searches with the reasons."""
    from modelwright.report import html

    view = study._view()
    if study._record.definition.get("kind") == "nas":
        view = replace(view, reasons=explain(study))
    return Path(html.write(view, path))


def _phases(study: Study) -> str:
    """What each phase of a plan had, what it took of the time, and why the search ended."""
    from modelwright.nas.finished import EARLY, told
    from modelwright.nas.inherited import giver
    from modelwright.nas.phases import BETWEEN, PREPARE, SCREEN, clocked, shares
    from modelwright.nas.proposer import SCREENED

    history, view = study._machine.history, study._view()
    found = shares(history)
    screened = next((note.data for note in history.notes if note.kind == SCREENED), None)
    if screened is None and set(found) <= {"race"}:
        return ""
    counts = {name: int(entry["trials"]) for name, entry in found.items()}
    if screened is not None:
        counts[SCREEN] = len(screened["scores"])
    clock, whole = clocked(history), history.elapsed or 1.0
    lines = []
    for name in (PREPARE, SCREEN, "anchor", "race", "confirm", "finish", BETWEEN):
        if name in counts or name in (PREPARE, BETWEEN):
            what = f"{counted(counts[name], 'network')} {_DID[name]}" if name in counts else _DID[name]
            took = clock.get(name, 0.0)
            lines.append(f"  {name}: {what}{_priced(history, name)}, {took:,.0f} s ({100 * took / whole:.0f} %)")
    if screened is not None:
        lines += _unscored(screened)
    children = sum(giver(row) is not None for row in history.rows)
    if children:
        lines.append(
            f"  {counted(children, 'network')} began with another one's weights; that one's epochs are charged."
        )
    anchor = next((row for row in history.rows if row.note.get("by") == "default"), None)
    best, cut = history.best(), _cut_off(study, view)
    if anchor is not None and best is not None and anchor.number == best.number:
        so_far = " so far" if cut else ""
        lines.append(f"  The best network is the anchor, the space's default: nothing better was found{so_far}.")
    lines += _lineage(history, best, view)
    lines += _reasons(study)
    brought = best.facts.get("finish") if best is not None else None
    if brought:
        lines.append(f"  {told(brought, learned_from=_learned_from(view, best))}")
        if best is not None and EARLY in best.facts:
            lines.append(f"  It was ended early, after {100 * best.facts[EARLY]:.0f} % of its time.")
    if cut:
        lines.append(f"  {cut}")
    elif study._stopped:
        lines.append(f"  It ended: {study._stopped}.")
    return "\n".join(["What the search did:", *lines])


def _unscored(screened: Mapping[str, Any]) -> list[str]:
    """Which networks the screen says nothing of."""
    count, why = screened.get("unscored", 0), screened.get("why", "")
    if not count:
        return []
    verb, them = ("has", "it") if count == 1 else ("have", "them")
    return [f"  {counted(count, 'network')} {verb} no score, and the screen says nothing of {them}: {why}."]


def _learned_from(view: StudyView, best: Row | None) -> str:
    """What the weights with which the finish began had seen, where that was not images as they are."""
    if best is None:
        return ""
    before = max((fidelity for fidelity in best.segments if fidelity < FULL), default=0.0)
    stage = stage_at(view.stages, before)
    return "" if stage is None or best.facts.get("full_size") else stage.beside


def _priced(history: History, phase: str) -> str:
    """For how many networks latencies were measured before the first one was trained."""
    from modelwright.nas.metered import SAMPLED
    from modelwright.nas.phases import PREPARE

    count = sum(note.kind == SAMPLED for note in history.notes)
    return f", with latencies of {counted(count, 'network')} measured" if count and phase == PREPARE else ""


def _lineage(history: History, best: Row | None, view: StudyView | None = None) -> list[str]:
    """Where the best network inherited its weights: what the best one was worth beside it that began at chance."""
    from modelwright.nas.inherited import giver

    parent = None if best is None else giver(best)
    if best is None or parent is None:
        return []
    better = history.objectives[0].better
    for fidelity, values in sorted(best.segments.items(), reverse=True):
        held = {row.number: row.segments.get(fidelity) for row in history.rows if giver(row) is None}
        fresh = {number: there[0] for number, there in held.items() if there is not None}
        if values is None or not fresh:
            continue
        other = next(n for n in fresh if not any(better(value, fresh[n]) for value in fresh.values()))
        at = "" if view is None else level_text(view, fidelity)
        at = at[:1].upper() + at[1:] or f"At fidelity {fidelity:.3g}"
        said = (
            f"  The best network began with the weights of trial {parent}, whose training is behind its value. "
            f"{at} it was worth {values[0]:.4g}, and trial {other}, the best there of those that "
            f"began at chance, {fresh[other]:.4g}."
        )
        return [said]
    return []


def _reasons(study: Study) -> list[str]:
    """Why the phases before the finish ended, and what followed from how alike they rank networks."""
    from modelwright.nas.phases import ENDED, FINISH, MORE
    from modelwright.report.audit import told

    history = study._machine.history
    lines = [f"  {line}" for line in told(study._view())]
    notes = [event.note for event in history if isinstance(event, Continued)]
    ended = next((note[ENDED] for note in notes if ENDED in note), None)
    if ended is not None:
        lines.append(f"  The race ended: {ended}.")
    more = [note[MORE] for note in notes if MORE in note]
    if more:
        lines.append(
            f"  The confirmation ranked {more[0]['pairs']} networks otherwise than the race (Kendall's tau "
            f"{more[0]['tau']:.2f}), so {len(more)} more {'was' if len(more) == 1 else 'were'} confirmed."
        )
    why = next((note.data.get("why") for note in reversed(history.notes) if note.kind == FINISH), "")
    confirmed = any(note.get("phase") == "confirm" for note in notes)
    return lines + _before_finish(why or "", confirmed=confirmed, raced=ended is not None)


def _before_finish(why: str, *, confirmed: bool, raced: bool) -> list[str]:
    """Why the confirmation ended, or that there was none; and why the race did, where no confirmation told it.

    Args:
        why: what ended that part of the search.
        raced: whether it is told already why the race ended.
    """
    race, _, rest = why.removeprefix(_RACE_ENDED).rpartition("; ") if why.startswith(_RACE_ENDED) else ("", "", why)
    lines = [f"  The race ended: {race}."] if race and not raced else []
    if rest:
        lines.append(f"  The confirmation ended: {rest}." if confirmed else f"  There was no confirmation: {rest}.")
    return lines


def _cut_off(study: Study, view: StudyView) -> str:
    """That a plan did not come to its end although it could have; "" where it did, or runs still."""
    history, plain = study._machine.history, study._record.definition.get("race", _NO_PLAN) is _NO_PLAN
    ended = bool(study._stopped) and study._stopped not in CUT_SHORT
    if plain or ended or study._loop is not None or led(study._store, study._record.id):
        return ""
    notes = finishing.opened(history)
    if notes:
        row = history.rows[notes[-1].data["trial"]]
        begun = row.note.get("finish") == notes[-1].data["number"]
        over, where = row.terminal or (begun and not row.pending), "in its finish"
    else:
        left = finishing.left(study, Budget(seconds=view.seconds))
        idle = not any(row.pending or row.state == "paused" for row in history.rows)
        over, where = idle or (left is not None and left <= finishing.LEAST), "before its finish"
    return "" if over else f"The search was cut off {where}; the same call with name={study.name!r} goes on with it."


def _times(study: Study) -> str:
    """Where the time went, and how much of it was no training and no judging."""
    from modelwright.nas.spent import times

    found = times(study._machine.history)
    if found is None:
        return ""
    work = sum(found.parts.values()) or 1.0
    named = [f"{_PARTS[part]} {100 * took / work:.0f} %" for part, took in found.parts.items()]
    lowest = "" if found.lowest is None else f"; of the work at the lowest fidelity {100 * found.lowest:.0f} %"
    return (
        f"Where the work of the trials went: {', '.join(named)}.\nNothing was trained or judged in "
        f"{100 * found.overhead:.0f} % of the {found.seconds:,.0f} s{lowest}."
    )


_PARTS = {
    "start": "starting",
    "build": "building",
    "compile": "compiling",
    "train": "training",
    "judge": "judging",
    "keep": "saving",
    "other": "other bookkeeping",
}
_DID = {
    "prepare": "everything before the first network",
    "screen": "scored without training",
    "anchor": "as the space has it by default",
    "race": "in the race",
    "confirm": "at full size on all rows",
    "finish": "trained on to the end",
    "between": "what lies between these",
}


def _screen(study: Study) -> str:
    """How the scores of the screen went along with what networks achieved, and how far beyond their size."""
    from modelwright.nas.proposer import SCREENED, key_in
    from modelwright.nas.screening import partial_correlation

    history, space = study._machine.history, study._machine.space
    note = next((note.data for note in history.notes if note.kind == SCREENED), None)
    if note is None:
        return ""
    lowest: Any = min((min(row.segments) for row in history.rows if row.segments), default=None)
    rows = [row for row in history.rows if lowest in row.segments and row.segments[lowest] is not None]
    known = [(row, key) for row in rows if (key := key_in(note["scores"], space, row.config)) is not None]
    if len(known) < 8:
        return ""
    better = history.objectives[0].score
    values = [better((row.segments[lowest] or (np.nan,))[0]) for row, _ in known]
    scores = [note["scores"][key] for _, key in known]
    sizes = [[note["macs"][key] for _, key in known], [row.facts["params"] for row, _ in known]]
    plain, beyond = partial_correlation(scores, values, []), partial_correlation(scores, values, sizes)
    refused = set(note.get("rejected", ()))
    trained = sum(key in refused for _, key in known)
    which = f"networks, {trained} of which it had rejected," if trained else "networks of those that it kept"
    rest = "" if trained else " What it rejected was not trained, so of all networks that may be another number."
    return (
        f"Screen: {note['score']} ranks {len(known)} {which} as their first training does with {plain:.2f}, and with "
        f"{beyond:.2f} once size is accounted for.{rest} It rejects, and never picks."
    )
