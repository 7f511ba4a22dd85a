"""The report: one HTML file that needs nothing else, and the small card that a notebook shows.

Owns the page's order and its safety: every text is escaped, a content security policy allows this page's one script
by its hash and no request at all. Charts come from ``plots`` and ``parallel``, look and behaviour from the package's
``report.css`` and ``report.js``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from modelwright.core.errors import ArgumentError
from modelwright.core.files import behind, drafted, put_in_place
from modelwright.core.history import Row, usable
from modelwright.core.wording import counted
from modelwright.report import fidelity, page
from modelwright.report.apart import configured
from modelwright.report.chosen import LIMIT, chosen
from modelwright.report.dependence import dependence, surface
from modelwright.report.diversity import diversity
from modelwright.report.drawings import drawings, reasons
from modelwright.report.effects import dependence_chart, diversity_chart, surface_chart
from modelwright.report.explain import Findings, closing, findings
from modelwright.report.export import finite
from modelwright.report.parallel import parallel_chart, varied
from modelwright.report.plots import Chart, curves_chart, history_chart, importance_chart, slice_chart, tradeoff_charts
from modelwright.report.svg import esc
from modelwright.report.text import budget_text, clean, duration, goal, metric
from modelwright.report.view import StudyView, counts, front, parameter_names, ranked, reason

#: Version of the data block in the page.
SCHEMA_VERSION = 1
#: Endings of a file that may hold a report; one without any is taken as meant.
ENDINGS = (".html", ".htm")
#: Slices that a page shows, the most important first.
SLICES = 16
#: Objectives whose importance is drawn, and parameters whose effects are.
OBJECTIVES, EFFECTS = 3, 6


def write(view: StudyView, path: str | os.PathLike[str], *, limit: int = LIMIT) -> Path:
    """Write the report to ``path``, all at once: a reader never sees half of it.

    Args:
        view: the study.
        path: the file; what was there is replaced.
        limit: trials that the page shows at most; the best are always among them.

    Returns:
        The path.

    Raises:
        ArgumentError: ``path`` is no path, the file's name ends in something else than ``.html`` or ``.htm``, or it
            cannot be written.
    """
    return keep(path, lambda: render(view, limit=limit), also=" For tables: study.frame(), or modelwright export.")


def keep(path: str | os.PathLike[str], made: Callable[[], str], *, also: str = "") -> Path:
    """Write what ``made`` gives to ``path``, all at once; raises as ``write`` does, before it is made where it can.

    Args:
        also: see ``check_ending``.
    """
    if not path or not isinstance(path, (str, os.PathLike)):
        raise ArgumentError(
            f"{path!r:.60} is no path",
            where="report",
            allowed="the path of a file that ends in .html, such as 'study.html'",
        )
    target = Path(path)
    check_ending(target, "report", also=also)
    text = made()
    try:
        if target.is_dir():
            raise IsADirectoryError("it is a folder")
        place = behind(target)
        with drafted(place) as draft:
            draft.write_text(text, encoding="utf-8")
            put_in_place(draft, place)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise ArgumentError(
            f"cannot write the report: {said}",
            where=repr(str(path)),
            hint="Give the path of a file in a folder that exists.",
        ) from error
    return target


def check_ending(path: Path, where: str, *, also: str = "") -> None:
    """Refuse a name that promises another kind of file, ``study.pdf``; a folder is left to whoever writes.

    Args:
        also: what is said at the end: what writes such files, where something does.
    """
    ending = path.suffix.lower()
    if ending and ending not in ENDINGS and not path.is_dir():
        raise ArgumentError(
            f"{path.name!r} ends in {ending!r}, and a report is an HTML page",
            where=where,
            allowed=f"a name that ends in {' or '.join(ENDINGS)}",
            hint=f"A browser prints the page as PDF.{also}",
        )


def render(view: StudyView, *, limit: int = LIMIT) -> str:
    """The report as text: a whole HTML page in UTF-8 without any reference to something outside it."""
    rows = chosen(view, limit)
    page_of = Document(
        title=view.name, header=page.header(view, rows), footer=page.footer(view), data=_data(view, rows)
    )
    return page_of.html(_sections(view, rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A page: ``header`` and ``footer`` are safe markup, ``title`` is any text, ``data`` is for the page's script."""

    title: str
    header: str
    footer: str
    data: object

    def html(self, sections: Sequence[tuple[str, str, str]]) -> str:
        """The whole page with (anchor, title, safe markup) of each section; empty ones are left out."""
        style, script = _asset("report.css"), _asset("report.js")
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'"
        links = "".join(f'<a href="#{key}">{esc(title)}</a>' for key, title, body in sections if body)
        main = "".join(page.section(key, title, body) for key, title, body in sections if body)
        return (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="color-scheme" content="light dark">\n<meta name="generator" content="Modelwright">\n'
            f"<title>{esc(self.title, 120)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
            '<a class="skip" href="#main">Skip to the content</a>\n'
            f'{self.header}\n<nav aria-label="Sections">{links}</nav>\n<main id="main">{main}</main>\n'
            f"<footer>{self.footer}</footer>\n"
            f'<script type="application/json" id="data">{embedded(self.data)}</script>\n'
            f"<script>{script}</script>\n</body>\n</html>\n"
        )


def _asset(name: str) -> str:
    return resources.files("modelwright.report").joinpath(name).read_text(encoding="utf-8")


def embedded(value: object) -> str:
    """JSON that may stand inside a script element whatever strings it holds.

    >>> embedded({"a": "</script><!--"})
    '{"a":"\\\\u003c/script\\\\u003e\\\\u003c!--"}'
    """
    text = json.dumps(finite(value), separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _data(view: StudyView, rows: Sequence[Row]) -> dict[str, object]:
    """What the script shows of a trial, and what other programs may read."""
    names = parameter_names(view)
    return {
        "schema_version": SCHEMA_VERSION,
        "name": clean(view.name),
        "objectives": [[clean(o.name), o.direction] for o in view.objectives],
        "parameters": [clean(name) for name in names],
        "columns": ["number", "state", "values", "config", "seconds", "fidelity", "reason", "trained"],
        "trials": [
            [
                row.number,
                row.state,
                list(row.values) if row.values else None,
                {str(i): _short(row.config[name]) for i, name in enumerate(names) if name in row.config},
                round(row.duration, 3),
                round(row.fidelity, 4),
                clean(reason(row), 160),
                fidelity.after(row, view),
            ]
            for row in rows
        ],
    }


def _short(value: object) -> object:
    return clean(value, 80) if isinstance(value, str) else value


def _sections(view: StudyView, rows: list[Row]) -> list[tuple[str, str, str]]:
    """(anchor, title, safe markup) of each section, in order; empty ones are left out of the page."""
    known_of = [findings(view, place) for place in range(min(len(view.objectives), OBJECTIVES))]
    found = known_of[0].importance
    history, curves = history_chart(view, rows), curves_chart(view, rows)
    known = [chart for one in known_of if (chart := importance_chart(one.importance))]
    if len(known) > 1:  # one for each objective
        names = [one.objective.name for one in known_of if one.importance.effects]
        known = [replace(c, key=f"{c.key}{i}", title=f"{c.title}: {names[i]}") for i, c in enumerate(known)]
    apart = diversity(view)
    differ = None if apart is None else diversity_chart(apart)
    parallel = parallel_chart(view, rows, found)
    trades = tradeoff_charts(view, rows)
    relevant = "" if known else f'<p class="quiet">{esc(found.message)}</p>'
    made = {
        "best": ("Best", page.best(view)),
        "network": ("What was found", drawings(view)),
        "reasons": ("Why it is the best", reasons(view)),
        "search": ("The search", _search(view, [history, curves, differ]) if history else ""),
        "relations": ("All settings together", page.figure(parallel, wide=True) if parallel else ""),
        "matters": ("What matters", _matters(view, known_of[0], known) if known else relevant if history else ""),
        "slices": ("One parameter at a time", _slices(view, rows, [effect.name for effect in found.effects])),
        "tradeoff": ("Size, speed and quality", page.grid(trades)),
        "trials": ("Trials", page.trials(view, rows)),
        "failures": ("Trials without a value", page.failures(view)),
        "space": ("What was searched", page.space(view)),
        "facts": ("About this study", page.facts(view)),
    }
    # What somebody opens the page for stands on top: why nothing worked, or what there is to choose from.
    first = ["best", "failures"] if history is None else ["best", "tradeoff"] if len(view.objectives) > 1 else []
    return [(key, *made[key]) for key in dict.fromkeys([*first, *made])]


def _search(view: StudyView, charts: Sequence[Chart | None]) -> str:
    return page.legend(view) + page.reading(view) + page.grid(charts)


def _matters(view: StudyView, found: Findings, shares: Sequence[Chart]) -> str:
    """In words, then shares, then the effects of the most important parameters and of the strongest pair."""
    made, land = found.objective, found.land
    words = "".join(f"<p>{esc(line)}</p>" for line in closing(view, found))
    charts: list[Chart] = []
    if land is not None and found.importance.reliable:
        for i, effect in enumerate(found.importance.effects[:EFFECTS]):
            curve = dependence(land, effect.name, made) if effect.high >= 0.02 else None
            charts += [dependence_chart(view, curve, made, f"effect{i}")] if curve is not None else []
        pairs = [pair for pair in found.importance.pairs[:1] if pair.share >= 0.02]
        both = surface(land, pairs[0].first, pairs[0].second, made) if pairs else None
        shares = [*shares, *([surface_chart(view, both, made)] if both is not None else [])]
    said = "<p>What a model of the trials predicts, averaged over all other parameters and over the whole space:</p>"
    effects = said + page.grid(charts, small=True) if charts else ""
    return (f'<div class="notice">{words}</div>' if words else "") + page.grid(shares) + effects


def _slices(view: StudyView, rows: list[Row], order: list[str]) -> str:
    names = [name for name in parameter_names(view) if varied(rows, name)]
    listed = [name for name in order if name in names] + [name for name in names if name not in order]
    charts: list[Chart] = []
    for i, name in enumerate(listed[:SLICES]):
        chart = slice_chart(view, rows, name, f"slice{i}")
        charts += [chart] if chart else []
    if not charts:
        return ""
    said = (
        "Each mark is one trial with the value that was measured; no model draws or fills anything here. Nothing is "
        "held fixed either: all other parameters differ from mark to mark, so a difference may be theirs."
    )
    if fidelity.uneven([row for row in rows if usable(row)]):
        less = "less training" if view.stages else f"fewer {view.unit}s"
        said += f" Trials that were paused or pruned stand here with their value after {less}."
    more = f'<p class="quiet">{len(listed) - SLICES} more parameters.</p>' if len(listed) > SLICES else ""
    return f"<p>{esc(said)}</p>" + page.grid(charts, small=True) + more


def repr_html(view: StudyView) -> str:
    """A compact card for notebooks: escaped, no script, no style sheet, readable on light and dark."""
    cell = 'style="text-align:left;padding:.15em .7em .15em 0;border:0;background:none"'
    states = ", ".join(f"{n} {state}" for state, n in counts(view).items()) or "no trials yet"
    budget = budget_text(view.trials, view.seconds)
    parts = [
        f"<b>{esc(view.name, 80)}</b>: {esc(goal(view.objectives))}",
        f"{esc(states)}; {esc(duration(view.time))} used, budget {esc(budget)}",
    ]
    best = view.history.best()
    if best is not None and len(view.objectives) > 1:
        parts.append(f"Front: <b>{counted(len(front(view)), 'trial')}</b> that no other beats in everything")
    elif best is not None:
        values = ", ".join(
            f"{o.name} = {metric(best, o.name, v, 6)}" for o, v in zip(view.objectives, best.values or ())
        )
        parts.append(f"Best: trial {best.number}, <b>{esc(values)}</b>")
    body = "".join(f'<div style="margin:.1em 0">{part}</div>' for part in parts)
    top = ranked(view)[:5]
    if top:
        far = fidelity.uneven(ranked(view))
        heads = ["trial", *(o.name for o in view.objectives)]
        heads += [fidelity.heading(top, view), "state"] * far + ["time", "configuration"]
        lines = [
            [
                *(str(r.number), *(metric(r, o.name, v) for o, v in zip(view.objectives, r.values or ()))),
                *([fidelity.trained(r, view.stages), r.state] * far),
                *(duration(r.duration), configured(r, view, 160)),
            ]
            for r in top
        ]
        head = "".join(f"<th {cell}>{esc(h, 40)}</th>" for h in heads)
        rest = "".join("<tr>" + "".join(f"<td {cell}>{esc(c)}</td>" for c in line) + "</tr>" for line in lines)
        body += f'<table style="border-collapse:collapse;margin-top:.4em"><tr>{head}</tr>{rest}</table>'
    said = fidelity.explanation(view, top)
    body += "".join(f'<div style="margin:.3em 0;opacity:.8">{esc(line)}</div>' for line in said)
    body += drawings(view, first=True)
    frame = "border:1px solid currentColor;border-radius:6px;padding:.6em .9em;font-size:90%;overflow-x:auto"
    return f'<div style="{frame}">{body}</div>'
