"""The page about a fitted model: its sections, in the order in which somebody asks. Fits and scores nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.wording import counted
from modelwright.report import page, text
from modelwright.report.html import Document, keep
from modelwright.report.plots import Chart
from modelwright.report.svg import esc
from modelwright.tasks.account import charts
from modelwright.tasks.account.again import commands
from modelwright.tasks.account.listing import LEFT
from modelwright.tasks.account.summary import deployed, judged_by, spread, took
from modelwright.tasks.checks.record import alerts_of

if TYPE_CHECKING:
    from modelwright.tasks.result.predictor import Predictor

_SAID = {"alert": "look at it", "skipped": "not looked at", "fixed": "taken care of", "passed": "passed"}
#: Decisions are few; of columns, which may be thousands, the table shows so many.
_COLUMNS = 500
#: Whose score it is, where a plan was carried out.
OF_THE_PLAN = "of the fit that the plan is from"


def write(model: Predictor, path: str | os.PathLike[str]) -> Path:
    """Write the page; see ``Predictor.report``."""
    return keep(path, lambda: render(model))


def render(model: Predictor) -> str:
    """The page as text: whole, and without any reference to something outside it."""
    body = model._body
    known = model.features()
    data = {"schema_version": 1, "name": text.clean(model.target), "kind": "fit", "objectives": [], "parameters": []}
    made = Document(
        title=f"Model for {model.target}",
        header=_header(model, body),
        footer="<p>Made by Modelwright. This file is complete in itself and makes no request.</p>",
        data={**data, "columns": [], "trials": []},
    )
    return made.html(
        [
            ("quality", "How good it is", _quality(model, body)),
            ("models", "What was tried", _models(model, body)),
            ("checks", "The data", _checks(body.get("checks") or [])),
            ("columns", "What became of the columns", _columns(known)),
            ("decisions", "What was decided", _decisions(body.get("decisions") or [])),
            ("time", "How the time was spent", _time(body)),
            ("again", "Using it, and doing it again", _again(model, body)),
        ]
    )


# --- how good ------------------------------------------------------------------------------------


def _header(model: Predictor, body: Mapping[str, Any]) -> str:
    members = deployed(model)
    checks = body.get("checks") or []
    alerts = alerts_of(checks)
    data = counted(alerts, "alert") + " in the data" if alerts else "no alert in the data" if checks else ""
    spent = (body.get("time") or {}).get("seconds") or (body.get("asked") or {}).get("spent", {}).get("seconds")
    again = body.get("carried_out")
    tried = 0 if again else max(len(body.get("leaderboard") or []) - 1, 0)
    known = spread(body)
    score = known and f"{known}, "
    tiles = [
        (model.metric, text.number(model.score, 5), score + (OF_THE_PLAN if again else "expected of new rows")),
        ("models", str(len(members)), f"of {counted(tried, 'candidate')} tried" if tried else "as planned"),
        ("rows", f"{body.get('rows', 0):,}", f"{len(body['schema']['columns'])} columns"),
        ("time", text.duration(spent), data),
    ]
    lead = f"Predicts {model.target!r}: {_task(model)}"
    return page.banner(f"Model for {model.target}", lead, tiles)


def _task(model: Predictor) -> str:
    if model.classes_ is None:
        return "a number"
    names = [text.clean(one, 40) for one in model.classes_.tolist()]
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return f"{counted(len(names), 'class', 'classes')}, {', '.join(names[:6])}{more}"


def _quality(model: Predictor, body: Mapping[str, Any]) -> str:
    judged = body.get("judged") or {}
    score = (
        f"{model.metric} {text.number(model.score, 5)}, with a standard error of {text.number(body.get('spread'), 2)}"
    )
    if body.get("carried_out"):
        said = f"{score}, {OF_THE_PLAN}: its members were fitted again, and no row was kept to judge them by."
        return f"<p>{esc(said, 600)}</p><p>{esc('model.evaluate(table) scores rows that they have not seen.')}</p>"
    lines = [f"{score}: what is expected of new rows that are like these."]
    split = judged_by(body)
    if split:
        lines.append(
            f"Judged by {split.removeprefix('by ')}: every prediction is for a row that its model was not fitted on."
        )
    several = len(deployed(model)) > 1
    if several:
        lines.append("The score is that of weights that were chosen on other rows than those they are judged by.")
    elif len(body.get("leaderboard") or []) > 2:
        lines.append("One candidate was chosen by this score, which is a little too good by that.")
    if "single" in judged and several:
        lines.append(f"The best candidate alone: {text.number(judged['single'], 5)} on the same rows.")
    if "constant" in judged:
        lines.append(f"Always the same prediction: {text.number(judged['constant'], 5)}.")
    said = "".join(f"<p>{esc(line, 600)}</p>" for line in lines)
    classes = [] if model.classes_ is None else model.classes_.tolist()
    named = text.clean(classes[1], 40) if len(classes) == 2 else "the class that is named"
    drawn = [
        charts.confusion_chart(judged, classes),
        charts.calibration_chart(judged, named),
        charts.residual_chart(judged, text.clean(model.target, 40)),
    ]
    if not any(drawn):
        return said
    note = (
        "The charts are of predictions for rows that the models had not seen, blended by the final weights, which were "
        "chosen on these rows."
    )
    return f'{said}<p class="quiet">{esc(note)}</p>{page.grid(drawn, more="")}'


# --- what was tried ------------------------------------------------------------------------------


def _models(model: Predictor, body: Mapping[str, Any]) -> str:
    entries = deployed(model)
    settings = [
        (
            str(one["name"]), f"{one['weight']:.1%}", "all rows" if one["whole"] else f"{one['units']} folds",
            "" if one["rounds"] is None else str(one["rounds"]), text.config_text(_own(one), 400),
        )
        for one in entries
    ]  # fmt: skip
    said = f"{counted(len(entries), 'member')} of the ensemble, each with its weight."
    given = sorted(((str(o["name"]), float(o["weight"]), f"{o['weight']:.1%}") for o in entries), key=lambda o: -o[1])
    weights = charts.bars_chart("weights", "Weights", given if len(given) > 1 else [], said, ("member", "weight"))
    members = page.table(["member", "weight", "fitted on", "rounds", "settings"], settings, "Members", wrap=True)
    board = model.leaderboard()
    if not board or body.get("carried_out"):  # it would say no more than the members
        return f"{page.grid([weights], more='')}<h3>Members</h3>{members}"
    said = (
        "Scores of candidates were selected on, and are a little too good by that; that of the ensemble was not."
        if len(entries) > 1
        else "Scores of candidates were selected on, and are a little too good by that."
    )
    return (
        f"{page.grid([weights], more='')}<h3>Members</h3>{members}<h3>Leaderboard</h3><p>{esc(said)}</p>{_board(board)}"
    )


def _own(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in entry["config"].items()}


def _board(board: Any) -> str:
    heads = ["model", board.metric, "±", "folds", "weight", "fit s", "µs a row", "MB", "why"]
    lines = []
    for row in board:
        cells = [f"<td>{esc(row['model'], 80)}</td>"]
        for key, shown in (
            ("score", "{:.5g}"), ("spread", "{:.2g}"), ("units", "{}"), ("weight", "{:.3f}"), ("fit_seconds", "{:.2f}"),
            ("row_us", "{:g}"), ("mb", "{:.2f}"),
        ):  # fmt: skip
            value = row.get(key)
            cells.append("<td></td>" if value is None else f"<td>{esc(shown.format(value))}</td>")
        lines.append(f"<tr{' class=win' if row['model'] == 'ensemble' else ''}>{''.join(cells)}")
        lines.append(f"<td>{esc(row.get('why', ''), 120)}</td></tr>")
    head = "".join(f'<th scope="col">{esc(name)}</th>' for name in heads)
    return (
        f'<p class="row"><span>{counted(len(board), "line")}</span>'
        '<label id="filter" hidden>Filter <input type="search"></label></p>'
        '<div class="scroll tall" tabindex="0" role="group" aria-label="Leaderboard"><table id="table">'
        f'<caption class="sr">Leaderboard</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


# --- data, columns, decisions ----------------------------------------------------------------------


def _checks(found: Sequence[Mapping[str, Any]]) -> str:
    if not found:
        return '<p class="quiet">The data were not checked.</p>'
    counts = {status: sum(one["status"] == status for one in found) for status in _SAID}
    said = ", ".join(f"{n} {_SAID[status]}" for status, n in counts.items() if n)
    kept = [one for one in found if one["status"] != "passed"]
    rows = [
        (_SAID[one["status"]], one["name"], one["column"] or "", one["message"], one["done"], one["undo"])
        for one in kept
    ]
    heads = ["status", "check", "column", "what was found", "what was done", "to undo it, or next"]
    body = page.table(heads, rows, "Data checks", wrap=True) if rows else ""
    passed = ", ".join(dict.fromkeys(one["name"] for one in found if one["status"] == "passed"))
    return f"<p>{esc(said)}.</p>{body}" + (f'<p class="quiet">Passed: {esc(passed, 600)}.</p>' if passed else "")


def _columns(known: Sequence[Mapping[str, Any]]) -> str:
    ordered = sorted(known, key=lambda one: -one["share"])
    relied = charts.bars_chart(
        "reliance",
        "What the members rely on",
        [(one["column"], one["share"], f"{one['share']:.1%}") for one in ordered],
        "How much of what the members go by comes from each column, by the weights of the members.",
        ("column", "share"),
        "By gain, cuts or weights as each kind of model has it: what was used, not what a column does to the target.",
    )
    rows = [
        (one["column"], one["kind"], one["why"], one["became"], f"{one['share']:.1%}", _features(one))
        for one in ordered[:_COLUMNS]
    ]
    more = f'<p class="quiet">{len(known) - _COLUMNS:,} more columns.</p>' if len(known) > _COLUMNS else ""
    heads = ["column", "kind", "why", "what became of it", "relied on", "features"]
    return page.grid([relied], more="") + page.table(heads, rows, "Columns", wrap=True) + more


def _features(one: Mapping[str, Any]) -> str:
    names = list(dict.fromkeys(name for made in one["used"].values() for name in made))
    gone = {name: why for said in one["dropped"].values() for name, why in said.items() if name not in names}
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    lost = "; ".join(f"{name}: {why}" for name, why in list(gone.items())[:4])
    more = f" and {len(gone) - 4} more" if len(gone) > 4 else ""
    return shown + (f"{'; ' if shown else ''}dropped: {lost}{more}" if lost else "")


def _decisions(found: Sequence[Mapping[str, Any]]) -> str:
    made = [
        (one["what"], one["decided"], one.get("why", ""), one.get("bought", ""), one.get("undo", ""))
        for one in found
        if one["what"] != LEFT
    ]
    heads = ["what", "decided", "why", "what it bought", "decide otherwise"]
    said = page.table(heads, made, "Decisions", wrap=True) if made else ""
    asked = [(one["decided"], one.get("why", ""), one.get("undo", "")) for one in found if one["what"] == LEFT]
    if not asked:
        return said
    return f"{said}<h3>Left to you</h3>{page.table(['what', 'why', 'say it by'], asked, 'Left to you', wrap=True)}"


# --- time and again --------------------------------------------------------------------------------


def _time(body: Mapping[str, Any]) -> str:
    spent = body.get("time") or {}
    phases = [(str(name), float(seconds)) for name, seconds in spent.get("phases", ())]
    said, drawn = "", list[Chart | None]()
    if phases:
        total = sum(seconds for _, seconds in phases)
        said = f"{took({'seconds': total, **spent})}."
        shown = [(name, seconds, f"{text.duration(seconds)}, {seconds / total:.0%}") for name, seconds in phases]
        drawn.append(charts.bars_chart("phases", "From the call to the model", shown, said, ("what", "time")))
    kinds: dict[str, list[float]] = {}
    for row in [] if body.get("carried_out") else (body.get("leaderboard") or [])[1:]:
        work = float(row.get("fit_seconds") or 0.0) * int(row.get("units") or 0)
        one = kinds.setdefault(str(row["model"]).partition(" ")[0], [0, 0, 0.0])
        one[0], one[1], one[2] = one[0] + 1, one[1] + int(row.get("units") or 0), one[2] + work
    rows = sorted(kinds.items(), key=lambda item: -item[1][2])
    shown = [
        (name, work, f"{text.duration(work)}, {counted(int(n), 'candidate')}, {counted(int(fits), 'fit')}")
        for name, (n, fits, work) in rows
    ]
    workers = spent.get("workers")
    beside = f" {workers} of them run at the same time." if workers and workers > 1 else ""
    drawn.append(
        charts.bars_chart(
            "kinds", "Fitting candidates", shown, f"Work by kind of model.{beside}", ("kind of model", "work")
        )
    )
    return page.grid(drawn, more="")


def _again(model: Predictor, body: Mapping[str, Any]) -> str:
    blocks = []
    for said, command in commands(model.target, body):
        blocks.append(f"<p>{esc(said, 400)}</p>{page.block(command)}")
    return "".join(blocks)
