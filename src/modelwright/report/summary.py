"""Summaries as plain text: results, leaderboard, search space, and the block that ends a search.

Owns what is said and in which order; ``text`` owns how a single thing looks, ``export`` owns data for machines.
"""

from __future__ import annotations

import contextlib
import shutil
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any

from modelwright.core.history import Row
from modelwright.core.wording import counted
from modelwright.report import fidelity, text
from modelwright.report.apart import configured
from modelwright.report.edges import edges_text
from modelwright.report.encoding import plain_spec
from modelwright.report.export import frame, records
from modelwright.report.view import StudyView, causes, constrained, counts, front, ranked, reason, without_value

_steps: ContextVar[Callable[[StudyView], Sequence[str]] | None] = ContextVar("steps", default=None)

__all__ = ["final_block", "frame", "leaderboard", "leaderboard_rows", "records", "results", "search_space_summary"]


def leaderboard_rows(view: StudyView, count: int | None = 10) -> list[dict[str, Any]]:
    """The best trials as plain dicts: rank, trial, one entry for each objective, fidelity, seconds, config.

    With several objectives these are the trials of the Pareto front.
    """
    rows = (front(view) if len(view.objectives) > 1 and ranked(view) else ranked(view))[:count]
    return [
        {
            "rank": rank,
            "trial": row.number,
            **{o.name: v for o, v in zip(view.objectives, row.values or ())},
            "state": "given" if row.given else row.state,
            "fidelity": row.fidelity,
            "best_step": row.step,
            "seconds": row.duration,
            "config": dict(row.config),
        }
        for rank, row in enumerate(rows, 1)
    ]


def leaderboard(view: StudyView, count: int | None = 10, limit: int | None = None) -> str:
    """The best trials as a text table.

    Args:
        limit: the most characters a configuration may take; by default up to 60, as the terminal has room.
    """
    rows = leaderboard_rows(view, count)
    everyone = ranked(view)
    uneven = fidelity.uneven(everyone)
    by_number = {row.number: row for row in everyone}
    heads = ["rank", "trial", *(o.name for o in view.objectives)]
    right = [True] * len(heads)
    heads += [fidelity.heading(everyone, view), "state"] * uneven + ["time"]
    right += [True, False] * uneven + [True]
    lines = []
    for row in rows:
        trial = by_number[row["trial"]]
        line = [str(row["rank"]), str(trial.number)]
        line += [text.metric(trial, o.name, row[o.name]) for o in view.objectives]
        line += [fidelity.trained(trial, view.stages), row["state"]] * uneven
        lines.append([*line, text.duration(row["seconds"])])
    taken = text.width(text.table(heads, lines, right).split("\n")[1]) + 2
    room = min(max(_columns(60 + taken) - taken, 20), 60) if limit is None else limit
    lines = [[*line, configured(by_number[row["trial"]], view, room)] for line, row in zip(lines, rows)]
    return text.table([*heads, "configuration"], lines, [*right, False])


def explained(view: StudyView, count: int | None = None) -> str:
    """What the order of the best ``count`` trials and their states mean, wrapped; "" where nothing has to be said."""
    columns, by_number = min(_columns(100), 100), {row.number: row for row in view.history.rows}
    shown = [by_number[entry["trial"]] for entry in leaderboard_rows(view, count)]
    said = fidelity.explanation(view, shown)
    return "\n".join(textwrap.fill(line, columns, subsequent_indent="  ") for line in said)


def _columns(otherwise: int) -> int:
    """Characters of a line of the terminal; ``otherwise`` where there is none."""
    return max(shutil.get_terminal_size((otherwise + 1, 24)).columns - 1, 20)


def results(view: StudyView, count: int = 10) -> str:
    """What a study found: how far it went, its best trials with all settings, what failed and why.

    The counterpart of ``results_summary`` in other tuners.
    """
    parts = [_heading(view)]
    shown = leaderboard_rows(view, count)
    if view.history.best() is None:
        nothing = without_value(view)
        parts.append(f"{nothing[:1].upper()}{nothing[1:].split(';')[0]}.")
    parts.append("\n".join(confirmation(view)).strip())
    by_number = {row.number: row for row in view.history.rows}
    for entry in shown:
        parts.append(_one(by_number[entry["trial"]], entry["rank"], view))
    parts.append(explained(view, count))
    parts.append(edges_text(view))
    parts.append(text.clean(constrained(view), 400))
    parts += _failures(view)
    return "\n\n".join(part for part in parts if part)


def _one(row: Row, rank: int, view: StudyView) -> str:
    lines = [f"{rank}. trial {row.number} ({_course(row, view)}, {text.duration(row.duration)})"]
    values = zip(view.objectives, row.values or ())
    lines += [f"   {text.clean(o.name, 60)}: {text.metric(row, o.name, v, 6)}" for o, v in values]
    lines += [f"   {text.clean(name, 60)} = {text.setting(value, 80)}" for name, value in row.config.items()]
    return "\n".join(lines)


def _course(row: Row, view: StudyView) -> str:
    """How a trial ended, after how many steps, and at which it was best."""
    if row.given:
        return "given" if row.values else "given, without a value"
    part = fidelity.after(row, view)
    how = f"{row.state} after {part}" if part else row.state
    if view.stages or row.step is None or (row.step == row.steps and (part or row.steps <= 1)):
        return how
    return f"{how}, best at {view.unit} {row.step} of {row.steps}"


def _heading(view: StudyView) -> str:
    states = ", ".join(f"{n} {state}" for state, n in counts(view).items())
    spent = text.duration(view.time) + (f" of {text.duration(view.seconds)}" if view.seconds is not None else "")
    total = text.of_total(view.history.started, view.trials)
    return f"Study {text.clean(view.name, 60)} ({text.goal(view.objectives)}): {total}, {spent}" + (
        f" ({states})" if states else ""
    )


def _failures(view: StudyView, limit: int = 5) -> list[str]:
    found = causes(view)
    if not found:
        return []
    lines = ["Trials without a value:"]
    for cause in found[:limit]:
        said = text.clean(cause.text, 200) or "nothing is known of why"
        lines.append(f"  {len(cause.trials)} {cause.state}: {said} [{text.numbers_text(cause.trials)}]")
    if len(found) > limit:
        lines.append(f"  and {len(found) - limit} other reasons")
    return ["\n".join(lines)]


@contextlib.contextmanager
def next_steps_told(tell: Callable[[StudyView], Sequence[str]]) -> Iterator[None]:
    """Within, what a search says last about the next steps is what ``tell`` makes of it: a shell has other words."""
    token = _steps.set(tell)
    try:
        yield
    finally:
        _steps.reset(token)


def final_block(view: StudyView) -> str:
    """What is printed when a search ends: best, time against the limit, top 5, failures by cause, what to do next."""
    why = text.clean(view.stopped, 200)
    parts = [_heading(view) + (f". {why[:1].upper()}{why[1:]}." if why else "")]
    best = view.history.best()
    if best is None:
        parts.append("No trial has a value.")
    else:
        several = len(view.objectives) > 1
        lines = [f"Front: {counted(len(front(view)), 'trial')} that no other beats in everything"]
        if not several:
            step = f" at {view.unit} {best.step}" if best.step is not None and not view.stages else ""
            lines = [f"Best: trial {best.number}, {text.values_text(best, view.objectives)}{step}"]
            lines += [f"  {text.clean(name, 60)} = {text.setting(value, 80)}" for name, value in best.config.items()]
        top = 10 if several else 5
        lines += confirmation(view)
        lines += [*([] if several else ["", "Top 5:"]), leaderboard(view, top)]
        parts += ["\n".join(lines), explained(view, top), matters(view)]
    parts.append(text.clean(constrained(view), 400))
    parts += _failures(view)
    if view.store:
        parts.append(f"Kept in {text.clean(view.store, 200)}")
    told = _steps.get()
    steps = told(view) if told is not None else view.commands or _COMMANDS
    parts.append("\n".join(["Next:", *(f"  {text.clean(c, 200)}" for c in steps)]))
    return "\n\n".join(part for part in parts if part)


def matters(view: StudyView) -> str:
    """What mattered and what may still come, wrapped; "" where the trials do not tell."""
    from modelwright.report.explain import closing

    said, columns = closing(view), min(_columns(100), 100)
    lines = (textwrap.fill(line, columns, initial_indent="  ", subsequent_indent="    ") for line in said)
    return "\n".join(["What the trials tell:", *lines]) if said else ""


def confirmation(view: StudyView) -> list[str]:
    """What fresh seeds said of the best few, and how much the value that was selected on had flattered them."""
    history, made = view.history, view.objectives[0]
    lines = []
    for number, values in sorted(history.confirmed.items()):
        mean, row = sum(values) / len(values), history.rows[number]
        if row.values is None:
            continue
        lines.append(
            f"  trial {number}: {text.number(mean)} over {len(values)} fresh run{'s' * (len(values) > 1)}, selected on "
            f"{text.number(row.values[0])} (difference {mean - row.values[0]:+.4g})"
        )
    return ["", f"Confirmed with other seeds ({made.name}); the winner is named by these:", *lines] if lines else []


_COMMANDS = ('study.report("report.html")', "study.frame()")


def trial_line(row: Row, view: StudyView, note: str = "") -> str:
    """The end of a trial (or of a segment of it) on one line; ``note`` stands in brackets after the value."""
    how = f"trial {row.number} {row.state}"
    if row.state in ("failed", "infeasible", "lost"):
        how += f": {text.clean(reason(row), 300)}" if row.error else ""
    elif row.values is not None:
        part = fidelity.after(row, view)
        how += f" after {part}" if part else ""
        how += f": {text.values_text(row, view.objectives)}" + (f" ({note})" if note else "")
        if not view.stages and row.step is not None and row.steps > 1 and not (part and row.step == row.steps):
            how += f" at {view.unit} {row.step}" + ("" if part else f" of {row.steps}")
    return f"{how}, {text.duration(row.duration)}, {configured(row, view, 160)}"


# --- the space ----------------------------------------------------------------------------------


def search_space_summary(space: Any) -> str:
    """What is searched: one line for each parameter with its kind, range or choices, default and condition."""
    rows = space_rows(space)
    size = getattr(space, "size", None)
    many = "" if size is None else f", {size:,} different configurations" if size != 1 else ", one configuration"
    head = f"Search space: {len(rows)} parameter{'' if len(rows) == 1 else 's'}{many}"
    if not rows:
        return head
    heads = ["name", "kind", "values", "default", "active when"]
    used = [i for i in range(len(heads)) if i < 3 or any(row[heads[i]] for row in rows)]
    lines = [[row[heads[i]] for i in used] for row in rows]
    return head + "\n\n" + text.table([heads[i] for i in used], lines)


def space_rows(space: Any) -> list[dict[str, str]]:
    """Each parameter of ``space`` in words: name, kind, values, default, active when."""
    return [
        {
            "name": text.clean(spec.name, 80),
            "kind": _kind(spec),
            "values": _range(spec),
            "default": text.setting(getattr(spec, "default", None), 40),
            "active when": _conditions(spec) or _learned(spec, space),
        }
        for spec in _children_below_parents(list(getattr(space, "parameters", None) or ()))
    ]


def _children_below_parents(specs: list[Any]) -> list[Any]:
    """Parameters in their order, each followed by those that depend on it most closely."""
    parent = {id(spec): _names(spec)[-1] if _names(spec) else None for spec in specs}
    names = {spec.name for spec in specs}
    made: dict[int, Any] = {}

    def take(spec: Any) -> None:
        if id(spec) not in made:
            made[id(spec)] = spec
            for other in specs:
                if parent[id(other)] == spec.name:
                    take(other)

    for spec in specs:
        if parent[id(spec)] not in names:
            take(spec)
    return [*made.values(), *(spec for spec in specs if id(spec) not in made)]


def _names(spec: Any) -> list[str]:
    """The parents that a parameter's conditions name."""
    found = getattr(spec, "conditions", None) or ()
    return [str(item[0] if isinstance(item, (tuple, list)) else getattr(item, "name", "")) for item in found]


def _learned(spec: Any, space: Any) -> str:
    """What trials showed about when a parameter is asked for, where its ``if`` was plain Python."""
    hint = (getattr(space, "hints", None) or {}).get(spec.name)
    if hint is None:
        return ""
    name = text.clean(hint.parent, 40)
    if hint.values is None:
        bound = f"at least {text.number(hint.least)}" if hint.least is not None else f"at most {text.number(hint.most)}"
        return f"{name} is {bound} (as seen)"
    known = next((plain_spec(p) for p in space.parameters if p.name == hint.parent), {})
    listed = known.get("values") or ((False, True) if known.get("kind") == "boolean" else ())
    shown = [text.setting(value) for value in listed if hint.holds(value)]
    return text.clean(f"{name} is {' or '.join(shown)}" if shown else f"{name} has some values", 120) + " (as seen)"


def _kind(spec: Any) -> str:
    return text.clean(str(plain_spec(spec).get("kind", "")).lower(), 20)


def _range(spec: Any) -> str:
    found = plain_spec(spec)
    if found.get("kind") == "boolean":
        return "False, True"
    if isinstance(found.get("values"), (tuple, list)):
        return text.clean(", ".join(text.setting(v) for v in found["values"]), 120)
    low, high = found.get("low"), found.get("high")
    if low is None or high is None:
        return text.setting(found.get("value"), 80)
    out = f"{text.number(low)} to {text.number(high)}"
    step, sampling = found.get("step"), found.get("sampling")
    log = sampling not in (None, "linear", "")
    out += f" {'times' if log else 'by'} {text.number(step)}" if step not in (None, 0) else ""
    return out + (f", {text.clean(str(sampling).replace('_', ' '), 20)}" if log else "")


def _conditions(spec: Any) -> str:
    found = getattr(spec, "conditions", None) or ()
    words = []
    for item in found:
        name, values = getattr(item, "name", None), getattr(item, "values", None)
        if name is None and isinstance(item, (tuple, list)) and len(item) == 2:
            name, values = item
        if name is None or values is None:
            words.append(text.clean(item, 60))
            continue
        many = values if isinstance(values, (tuple, list, set, frozenset)) else (values,)
        words.append(f"{text.clean(name, 40)} is {' or '.join(text.setting(v) for v in many)}")
    return text.clean(" and ".join(words), 120)
