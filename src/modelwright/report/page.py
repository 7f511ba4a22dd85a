"""The pieces of the report's page as safe markup: header, figures, tables, facts. Draws no charts.

Everything that comes from a user passes ``esc`` (or ``block``) exactly once, here.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from modelwright.core.history import Row
from modelwright.report import fidelity, text
from modelwright.report.edges import edges_text
from modelwright.report.plots import Chart, legend_states
from modelwright.report.summary import confirmation, space_rows
from modelwright.report.svg import esc, glyph_icon
from modelwright.report.view import (
    StudyView,
    causes,
    constrained,
    counts,
    front,
    metric_names,
    parameter_names,
    ranked,
    reason,
    without_value,
)

#: Cells of the table of trials; a study with many parameters shows fewer lines.
CELLS = 40_000
#: Characters of a traceback or a model summary that are shown.
LONG = 20_000


def block(given: object, limit: int = LONG) -> str:
    """Text of several lines, escaped; of a long one the end, where errors say what happened."""
    said = text.clean_block(given)
    if len(said) > limit:
        said = "…\n" + said[-limit:]
    return f'<pre tabindex="0">{html.escape(said)}</pre>'


def section(key: str, title: str, body: str) -> str:
    """A part of the page with its heading."""
    return f'<section id="{key}" aria-labelledby="h-{key}"><h2 id="h-{key}">{esc(title)}</h2>{body}</section>\n'


def header(view: StudyView, rows: Sequence[Row]) -> str:
    """Name, aim and the four numbers that matter."""
    total = view.history.rows
    best = view.history.best()
    states = ", ".join(f"{n} {state}" for state, n in counts(view).items())
    made = view.objectives[0]
    value = text.number((best.values or (None,))[0], 5) if best else "-"
    tiles = [
        (f"best {made.name}", value, _winner(view, best)),
        ("trials", str(len(total)) + (f" of {view.trials}" if view.trials is not None else ""), states),
        ("time", text.duration(view.time), f"of {text.duration(view.seconds)}" if view.seconds is not None else ""),
        ("strategy", view.strategy or "-", f"seed {view.seed}" if view.seed is not None else ""),
    ]
    note = ""
    if len(rows) < len(total):
        note = (
            f'<p class="notice">Showing {len(rows):,} of {len(total):,} trials in charts and tables: the best, each '
            "new best and an even choice of the others. Counts, importance and the best are those of all trials.</p>"
        )
    subject = f"{view.subject}: " if view.subject else ""
    return banner(view.name, f"{text.clean(subject, 122)}{text.goal(view.objectives)}", tiles, note)


def banner(name: str, lead: str, tiles: Sequence[tuple[str, str, str]], note: str = "") -> str:
    """The head of a page: its name, what it is about, and numbers as (what, value, more); ``note`` is safe markup."""
    cards = "".join(
        f'<div class="tile"><dt>{esc(what, 40)}</dt><dd>{esc(said, 40)}<small>{esc(more, 120)}</small></dd></div>'
        for what, said, more in tiles
    )
    return (
        f'<header><div class="row"><h1>{esc(name, 120)}</h1>'
        '<button type="button" id="theme" hidden>Dark or light</button></div>'
        f'<p class="lead">{esc(lead)}</p><dl class="tiles">{cards}</dl>{note}</header>'
    )


def _winner(view: StudyView, best: Row | None) -> str:
    if best is None:
        return without_value(view).split(";")[0]
    if len(view.objectives) == 1:
        return f"trial {best.number}"
    return f"trial {best.number}, one of {len(front(view))} that no other beats in everything"


def footer(view: StudyView) -> str:
    """Who made the page, and what may be done next."""
    lines = "".join(f"<li><code>{esc(command, 300)}</code></li>" for command in view.commands)
    more = f"<p>Next:</p><ul>{lines}</ul>" if lines else ""
    return f"{more}<p>Made by Modelwright. This file is complete in itself and makes no request.</p>"


#: Where a figure's table leads to.
MORE = '<p class="quiet"><a href="#trials">All trials</a></p>'


def grid(charts: Sequence[Chart | None], small: bool = False, more: str = MORE) -> str:
    """Figures side by side where there is room; ``more`` is safe markup below their tables."""
    found = [figure(chart, more=more) for chart in charts if chart is not None]
    return f'<div class="grid{" small" if small else ""}">{"".join(found)}</div>' if found else ""


def figure(chart: Chart, wide: bool = False, more: str = MORE) -> str:
    """A chart with its title, what is to be seen, and the table twin."""
    note = f'<p class="quiet">{esc(chart.note)}</p>' if chart.note else ""
    note += f'<p class="quiet js" hidden>{esc(chart.hint)}</p>' if chart.hint else ""
    twin = (
        f'<details><summary>Data as a table<span class="sr"> for {esc(chart.title)}</span></summary>'
        f"{table(chart.heads, chart.rows, chart.title)}{more}</details>"
        if chart.rows
        else ""
    )
    twin = twin if chart.svg else table(chart.heads, chart.rows, chart.title)
    drawn = f'<div class="scroll" tabindex="0" role="group" aria-label="{esc(chart.title)}">{chart.svg}</div>'
    return (
        f'<figure id="{chart.key}"><figcaption><h3>{esc(chart.title)}</h3><p>{esc(chart.summary)}</p></figcaption>'
        f"{drawn if wide else chart.svg}{note}{twin}</figure>"
    )


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], caption: str, wrap: bool = False) -> str:
    """A plain table; with ``wrap`` its cells are sentences, which take as many lines as they need."""
    limit, kind = (800, ' class="said"') if wrap else (200, "")
    head = "".join(f'<th scope="col">{esc(name, 80)}</th>' for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{esc(cell, limit)}</td>" for cell in line) + "</tr>" for line in rows)
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="Table: {esc(caption)}"><table{kind}>'
        f'<caption class="sr">{esc(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def pairs(given: Sequence[tuple[str, str]]) -> str:
    """Names and values."""
    lines = "".join(f"<div><dt>{esc(name, 80)}</dt><dd>{esc(said, 300)}</dd></div>" for name, said in given)
    return f'<dl class="pairs">{lines}</dl>'


def best(view: StudyView) -> str:
    """The best trial: its settings, its metrics, its model."""
    row = view.history.best()
    if row is None:
        return f'<p class="quiet">{esc(without_value(view), 400)}.</p>'
    step = f", best at {view.unit} {row.step} of {row.steps}" if row.step is not None and not view.stages else ""
    part = fidelity.after(row, view)
    lead = f"Trial {row.number}: {text.values_text(row, view.objectives)}{step}, {text.duration(row.duration)}."
    how = "to the end of" if view.stages else "for"
    lead += f" It was trained {how} {part}; no trial went further." if part else ""
    settings = [(name, text.setting(value, 200)) for name, value in row.config.items()]
    metrics = [(name, text.grouped(text.metric(row, name, value, 6))) for name, value in row.metrics.items()]
    measured = {name: value for name, value in row.facts.items() if _plain(value) and name not in row.metrics}
    facts = [(name, text.grouped(text.setting(value, 80))) for name, value in measured.items()]
    body = f"<p>{esc(lead)}</p>"
    if len(view.objectives) > 1:
        body += '<p class="quiet">Best by the first objective; the trade-off below shows the whole front.</p>'
    body += _confirmed(view)
    at_end = edges_text(view)
    body += f"<p>{esc(at_end, 600)}</p>" if at_end else ""
    parts = []
    for title, given in (("Settings", settings), ("Metrics", metrics), ("Measured", facts)):
        parts.append(f"<div><h3>{title}</h3>{pairs(given)}</div>" if given else "")
    body += f'<div class="columns">{"".join(parts)}</div>' if any(parts) else ""
    model = view.model or str(row.facts.get("summary") or "")
    if model:
        body += f"<details open><summary>The best model, layer by layer</summary>{block(model)}</details>"
    return body


def _confirmed(view: StudyView) -> str:
    """What fresh seeds said of the best few."""
    _, head, *lines = confirmation(view) or ["", ""]
    listed = "".join(f"<li>{esc(line.strip())}</li>" for line in lines)
    return f"<p>{esc(head)}</p><ul>{listed}</ul>" if listed else ""


def _plain(value: object) -> bool:
    return isinstance(value, (str, int, float, bool)) and len(str(value)) < 80


def trials(view: StudyView, rows: Sequence[Row]) -> str:
    """The table of trials; states have a shape and a word. The page's script makes its heads and numbers buttons."""
    if not rows:
        return '<p class="quiet">No trial has been started.</p>'
    has = _Columns(
        uneven=fidelity.uneven(rows),
        stepped=not view.stages and any(row.step is not None for row in rows),
        sized=any("params" in row.facts for row in rows),
        names=tuple(parameter_names(view)),
        failed=any(row.error is not None for row in rows),
    )
    heads = ["trial", "state", *(o.name for o in view.objectives)] + [fidelity.heading(rows, view)] * has.uneven
    heads += [f"best {view.unit}"] * has.stepped + ["time"] + ["size"] * has.sized
    heads += [*has.names] + ["error"] * has.failed
    shown = _fitting(view, rows, max(CELLS // len(heads), 50))
    head = "".join(f'<th scope="col">{esc(name, 60)}</th>' for name in heads)
    winner = view.history.best()
    first = winner.number if winner else -1
    body = "".join(_trial(row, view, has, row.number == first) for row in shown)
    total = len(view.history.rows)
    count = text.of_total(total, None) if len(shown) == total else f"Showing {len(shown):,} of {total:,} trials"
    return (
        f'{legend(view)}<p class="row"><span>{count}</span>'
        '<label id="filter" hidden>Filter <input type="search"></label></p>'
        '<div class="scroll tall" tabindex="0" role="group" aria-label="Table of trials"><table id="table">'
        f'<caption class="sr">Trials</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def reading(view: StudyView) -> str:
    """Why trials stand in this order, and what their states mean; "" where there is nothing to explain."""
    said = "".join(f"<p>{esc(line)}</p>" for line in fidelity.explanation(view))
    return f'<div class="notice">{said}</div>' if said else ""


def legend(view: StudyView) -> str:
    """The marks of the states that occur, with counts."""
    items = (f"<li>{glyph_icon(state)}{esc(state)} ({n})</li>" for state, n in legend_states(view.history.rows))
    return f'<ul class="legend" aria-label="States">{"".join(items)}</ul>'


def _fitting(view: StudyView, rows: Sequence[Row], limit: int) -> list[Row]:
    if len(rows) <= limit:
        return list(rows)
    kept = {row.number for row in ranked(view)[: limit // 2]}
    others = [row for row in rows if row.number not in kept]
    room = limit - len([row for row in rows if row.number in kept])
    kept |= {others[int(i * len(others) / room)].number for i in range(min(room, len(others)))}
    return [row for row in rows if row.number in kept]


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which columns the table of trials has: those in which anything stands."""

    uneven: bool
    stepped: bool
    sized: bool
    names: tuple[str, ...]
    failed: bool


def _trial(row: Row, view: StudyView, has: _Columns, winner: bool) -> str:
    cells = [
        f'<td data-t="{row.number}">{row.number}</td>',
        f'<td><span class="badge">{glyph_icon(row.state)}{esc(row.state)}{" (best)" if winner else ""}</span></td>',
    ]
    values = row.values or (None,) * len(view.objectives)
    cells += [_number(value, row.priced.count(o.name)) for o, value in zip(view.objectives, values)]
    far = fidelity.trained(row, view.stages)
    cells += [f'<td data-v="{row.steps or row.fidelity:g}">{esc(far)}</td>' if far else "<td></td>"] * has.uneven
    cells += [_number(row.step)] * has.stepped
    cells.append(f'<td data-v="{row.duration:.4g}">{esc(text.duration(row.duration)) if row.duration else ""}</td>')
    cells += [_number(row.facts.get("params"))] * has.sized
    cells += [f"<td>{esc(text.setting(row.config[n], 60))}</td>" if n in row.config else "<td></td>" for n in has.names]
    cells += [f"<td>{esc(reason(row), 160)}</td>"] * has.failed
    return f"<tr{' class=win' if winner else ''}>{''.join(cells)}</tr>"


def _number(value: object, priced: int = 0) -> str:
    said = text.number(value, 5)
    shown = "~" * priced + text.grouped(said)
    plain = f' data-v="{said}"' if shown != said else ""
    return "<td></td>" if value is None else f"<td{plain}>{esc(shown, 40)}</td>"


def failures(view: StudyView, limit: int = 20) -> str:
    """Reasons of failed, infeasible and lost trials, with a traceback of each."""
    found = causes(view)
    limits = constrained(view)
    parts = []
    if limits:
        parts.append(f"<li><p>{esc(limits, 500)}</p></li>")
    for cause in found[:limit]:
        said = cause.text or "Nothing is known of why."
        head = f"{glyph_icon(cause.state)}<b>{len(cause.trials)} {esc(cause.state)}</b>"
        parts.append(f"<li><p>{head}: {esc(said, 500)} ")
        parts.append(f'<span class="quiet">({esc(text.numbers_text(cause.trials, 12))})</span></p>')
        error = view.history.rows[cause.trials[0]].error
        if error is not None and error.traceback:
            parts.append(f"<details><summary>Traceback of trial {cause.trials[0]}</summary>")
            parts.append(f"{block(error.traceback, 6000)}</details>")
        parts.append("</li>")
    more = f'<p class="quiet">and {len(found) - limit} other reasons</p>' if len(found) > limit else ""
    return f'<ul class="causes">{"".join(parts)}</ul>{more}' if parts else ""


def space(view: StudyView) -> str:
    """What was searched: each parameter with its range, default and condition."""
    rows = space_rows(view.space) if view.space is not None else []
    if rows:
        heads = [head for head in rows[0] if head in ("name", "kind", "values") or any(row[head] for row in rows)]
        size = getattr(view.space, "size", None)
        note = f"<p>{size:,} different configurations.</p>" if isinstance(size, int) else ""
        return note + table(heads, [[row[head] for head in heads] for row in rows], "Search space")
    used: list[list[str]] = []
    for name in parameter_names(view):
        values = list(dict.fromkeys(text.setting(r.config[name]) for r in view.history.rows if name in r.config))
        used.append([name, ", ".join(values[:8]) + (f" and {len(values) - 8} more" if len(values) > 8 else "")])
    note = '<p class="quiet">The space was not declared; these are the values that trials used.</p>'
    return note + table(["name", "values"], used, "Search space") if used else ""


def facts(view: StudyView) -> str:
    """Strategy, seed, budget and the like."""
    levels = sorted({round(row.fidelity, 4) for row in view.history.rows if row.values is not None})
    shown = ", ".join(text.number(v) for v in levels[:12]) + (" ..." if len(levels) > 12 else "")
    given = [
        ("objective", text.goal(view.objectives)),
        ("strategy", view.strategy),
        ("short trials", view.plan),
        ("seed", "" if view.seed is None else str(view.seed)),
        ("budget", text.budget_text(view.trials, view.seconds)),
        ("time used", text.duration(view.time)),
        ("why it ended", view.stopped),
        ("fidelities reached", shown),
        ("metrics", ", ".join(metric_names(view)[:40])),
        ("kept in", view.store),
        *((str(name), text.setting(value, 200)) for name, value in view.facts.items()),
    ]
    return pairs([(name, said) for name, said in given if said])
