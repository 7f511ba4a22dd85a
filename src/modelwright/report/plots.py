"""Charts of a study: each has a title, a sentence that says what is to be seen, an SVG and the same data as a table.

Owns what is drawn; ``scale`` and ``svg`` own where and how.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from modelwright.core.history import Row, usable
from modelwright.core.objective import Objective
from modelwright.core.wording import counted
from modelwright.report import text
from modelwright.report.chosen import improvements, thinned
from modelwright.report.encoding import is_number, specification
from modelwright.report.expected import expected
from modelwright.report.fidelity import uneven
from modelwright.report.importance import Importance
from modelwright.report.scale import Levels, Scale, full, parameter_scale, robust
from modelwright.report.svg import GLYPHS, Canvas, esc
from modelwright.report.view import STATES, StudyView, dominates, ranked

#: Lines of a table twin; the table of trials has the rest.
TWIN = 50
#: States of trials that came to nothing.
_WITHOUT = ("infeasible", "failed", "lost")


@dataclass(frozen=True, slots=True)
class Chart:
    """One figure. ``svg`` is safe markup, everything else is plain text that the page escapes.

    ``hint`` says what can be done with the chart, and is shown only where the page's script runs.
    """

    key: str
    title: str
    summary: str
    svg: str
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    note: str = ""
    hint: str = ""


def history_chart(view: StudyView, rows: Sequence[Row]) -> Chart | None:
    """Values of trials by number, and the best so far."""
    valued = [row for row in rows if usable(row)]
    if not valued:
        return None
    made, steps = view.objectives[0], improvements(view)
    y = robust([_first(row) for row in valued], made)
    last = view.history.rows[-1].number
    x = Scale(-0.5, last + 0.5, whole=True)
    canvas = Canvas()
    canvas.axes(x, y, "trial", made.name)
    line: list[tuple[float, float]] = []
    for number, value in steps:
        line += [(x.at(number), line[-1][1])] if line else []
        line.append((x.at(number), y.at(value)))
    for state in STATES:
        here = [row for row in valued if row.state == state]
        canvas.marks(state, ((row.number, x.at(row.number), y.at(_first(row))) for row in here))
    canvas.line([*line, (x.at(last), line[-1][1])], "sofar")
    for state in _WITHOUT:
        here = [row for row in rows if row.state == state]
        canvas.marks(state, ((row.number, x.at(row.number), -0.0) for row in here))
    best = view.history.best()
    if best is not None:
        canvas.ring(x.at(best.number), y.at(_first(best)))
    first, final = steps[0], steps[-1]
    summary = (
        f"{made.name} went from {text.number(first[1])} in trial {first[0]} to {text.number(final[1])} in trial "
        f"{final[0]}; the best so far changed {_times(len(steps) - 1)} after the first."
        if len(steps) > 1
        else f"{made.name} was best in trial {first[0]}, {text.number(first[1])}; no later trial "
        + ("that was trained as far was better." if uneven(valued) else "was better.")
    )
    fell = any(made.better(old[1], new[1]) for old, new in itertools.pairwise(steps))
    note = "The line is the best so far; a trial that was trained for longer counts more." if fell else ""
    lost = any(row.state in _WITHOUT for row in rows)
    note += " Trials without a value are drawn on the bottom line." if lost else ""
    twin = tuple((str(number), text.number(value, 6)) for number, value in steps[-TWIN:])
    return Chart(
        "history",
        "History",
        summary,
        canvas.svg(f"History. {summary}"),
        ("trial", f"best {made.name} so far"),
        twin,
        _outside(y, note.strip()),
    )


def curves_chart(view: StudyView, rows: Sequence[Row]) -> Chart | None:
    """Learning curves of all trials that reported more than once."""
    made = view.objectives[0]
    name = _curve_metric(rows, made)
    curves = [(row, [(s, m[name]) for s, m in row.reports if is_number(m.get(name))]) for row in rows]
    curves = [(row, points) for row, points in curves if len(points) > 1]
    if not curves:
        return None
    y = robust([value for _, points in curves for _, value in points], made if name == made.name else None)
    x = Scale(min(p[0][0] for _, p in curves), max(p[-1][0] for _, p in curves), whole=True)
    canvas = Canvas()
    canvas.axes(x, y, "thousandths of the plan" if view.stages else view.unit, name)
    canvas.add(_clip("curves", canvas))
    order = {row.number: place for place, row in enumerate(ranked(view))}
    curves.sort(key=lambda item: -order.get(item[0].number, len(order)))
    for row, points in curves:
        place = order.get(row.number, len(order))
        kind = f"c s-{row.state}" + (" top" if place < 5 else "") + (" first" if place == 0 else "")
        canvas.line([(x.at(s), _beyond(y, v)) for s, v in thinned(points)], kind, row.number)
    canvas.add("</g>")
    leading, dashed = curves[::-1][:TWIN], any(row.state == "pruned" for row, _ in curves)
    over = "in the phases of the plan" if view.stages else f"over up to {counted(int(x.high), view.unit)}"
    summary = f"{text.of_total(len(curves), None)} reported {name} {over}. "
    top = leading[0]
    summary += f"Trial {top[0].number} ended at {text.number(top[1][-1][1])}."
    shown = {s for _, points in leading for s, _ in thinned(points, 10)}
    if view.stages:  # between the ends of phases trials are not at the same point
        shown = {s for _, points in leading for s, _ in points} & {stage.step for stage in view.stages}
    shown = sorted(shown)[:12]
    named = {stage.step: stage.of() for stage in view.stages}
    twin = tuple((str(row.number), row.state, *_at_steps(points, shown)) for row, points in leading)
    bold = f"The five best are drawn bold{', pruned trials dashed' * dashed}."
    title = "Running mean over the folds" if view.unit == "fold" else "Learning curves"
    return Chart(
        "curves",
        title,
        summary,
        canvas.svg(f"{title}. {summary}", "dense" if len(curves) > 300 else ""),
        ("trial", "state", *(named.get(s, f"{view.unit} {s}") for s in shown)),
        twin,
        _outside(y, f"{bold} {_phases(view)}{expected(view)}".strip()),
    )


def importance_chart(found: Importance) -> Chart | None:
    """Shares of the variance with their intervals."""
    if not found.effects:
        return None
    shown = found.effects[:20]
    canvas = Canvas(height=64 + 30 * len(shown), left=150, right=24, bottom=50)
    x = Scale(0.0, 1.0)
    bottom = canvas.y(0)
    for at, label in x.ticks(5):
        canvas.add(f'<path class="grid" d="M{canvas.x(at):.1f} {canvas.top}V{bottom}"/>')
        canvas.text(canvas.x(at), bottom + 18, f"{float(label):.0%}", "t m")
    for i, effect in enumerate(shown):
        mid = canvas.top + 30 * i + 15
        left, right = canvas.x(min(effect.low, 1)), canvas.x(min(effect.high, 1))
        said = f"{effect.name}: {effect.share:.0%}, between {effect.low:.0%} and {effect.high:.0%}"
        canvas.add(
            f'<g><title>{esc(said)}</title><rect class="bar" x="{canvas.left}" y="{mid - 8}" rx="2" '
            f'width="{max(canvas.x(min(effect.share, 1)) - canvas.left, 0.5):.1f}" height="16"/>'
            f'<path class="whisker" d="M{left:.1f} {mid}H{right:.1f}'
            f'M{left:.1f} {mid - 5}v10M{right:.1f} {mid - 5}v10"/></g>'
        )
        canvas.text(canvas.left - 8, mid + 4, effect.name, "t e", 15)
    canvas.text((canvas.x(0) + canvas.x(1)) / 2, canvas.height - 8, "share of the variance", "t m lab")
    top = found.effects[0]
    summary = found.message
    if found.reliable:
        summary += f" {top.name} explains most: {top.share:.0%} ({top.low:.0%} to {top.high:.0%})."
    twin = tuple((e.name, f"{e.share:.1%}", f"{e.low:.1%}", f"{e.high:.1%}", f"{e.active:.0%}") for e in found.effects)
    return Chart(
        "importance",
        "Importance",
        summary,
        canvas.svg(f"Importance. {summary}"),
        ("parameter", "share", "from", "to", "active in"),
        twin,
        f"Each parameter's own effect, by {found.method}; whiskers reach from 5 % to 95 %. "
        "What is missing to 100 % is due to combinations.",
    )


def slice_chart(view: StudyView, rows: Sequence[Row], name: str, key: str) -> Chart | None:
    """Value against one hyperparameter."""
    valued = [row for row in rows if usable(row) and name in row.config]
    if not valued:
        return None
    made = view.objectives[0]
    x = parameter_scale(specification(view, name), [row.config[name] for row in valued], pad=0.03)
    y = robust([_first(row) for row in valued], made)
    canvas = Canvas(width=420, height=290)
    canvas.axes(x, y, name, made.name, ticks=4)
    for state in STATES:
        here = [row for row in valued if row.state == state]
        canvas.marks(state, ((row.number, _shifted(x, row, name), y.at(_first(row))) for row in here))
    best = view.history.best()
    if best is not None and name in best.config:
        canvas.ring(_shifted(x, best, name), y.at(_first(best)))
    twin = _binned(x, valued, name, made)
    off = len([row for row in rows if usable(row)]) - len(valued)
    summary = f"{len(valued)} trial{'s' * (len(valued) > 1)}, as measured. {_of_best(best, name)}"
    return Chart(
        key,
        text.clean(name, 80),
        summary,
        canvas.svg(f"{name}. {summary}", "small"),
        (text.clean(name, 80), "trials", f"median {made.name}", f"best {made.name}"),
        twin,
        _outside(y, f"Inactive in {counted(off, 'other trial')}." if off else ""),
    )


#: Measures of cost that a trade-off may be drawn against: (fact, title, axis, log).
_COSTS = (
    ("params", "Size", "parameters of the model"),
    ("latency_ms", "Speed", "latency in ms"),
    ("size_mb", "Size on disk", "MB"),
    ("peak_mb", "Memory", "peak memory in MB"),
    ("", "Time", "seconds to train"),
)


def tradeoff_charts(view: StudyView, rows: Sequence[Row]) -> list[Chart]:
    """The first objective against size, speed and training time, or against the other objectives."""
    made, out = view.objectives[0], []
    for i, other in enumerate(view.objectives[1:], 1):
        chart = _tradeoff(view, rows, f"front{i}", f"{made.name} and {other.name}", other.name, i)
        out += [chart] if chart else []
    for fact, title, label in _COSTS:
        if len(out) < 4 and all(o.name != fact for o in view.objectives[1:]):
            chart = _tradeoff(view, rows, f"cost-{fact or 'time'}", title, label, fact)
            out += [chart] if chart else []
    return out


def _tradeoff(view: StudyView, rows: Sequence[Row], key: str, title: str, label: str, cost: int | str) -> Chart | None:
    made = view.objectives[0]
    other = view.objectives[cost] if isinstance(cost, int) else Objective(label, "min")
    points = [(row, _cost(row, cost), _first(row)) for row in rows if usable(row)]
    points = [(row, c, v) for row, c, v in points if is_number(c) and is_number(v)]
    if len({c for _, c, _ in points}) < 3:
        return None
    x = full([c for _, c, _ in points], 0.03) if isinstance(cost, str) else robust([c for _, c, _ in points], other)
    y = robust([v for _, _, v in points], made)
    canvas = Canvas()
    canvas.axes(x, y, label, made.name)
    pair = (made, other)
    probe = [Row(number=row.number, config={}, values=(v, c)) for row, c, v in points]
    edge = _edge(probe, pair)
    line: list[tuple[float, float]] = []
    for point in edge:
        v, c = point.values or (0.0, 0.0)
        line += [(x.at(c), line[-1][1])] if line else []
        line.append((x.at(c), y.at(v)))
    for state in STATES:
        canvas.marks(state, ((row.number, x.at(c), y.at(v)) for row, c, v in points if row.state == state))
    canvas.line(line, "sofar")
    best = view.history.best()
    if best is not None and is_number(_cost(best, cost)):
        canvas.ring(x.at(_cost(best, cost)), y.at(_first(best)))
    are = "is" if len(edge) == 1 else "are"
    summary = f"{text.of_total(len(edge), len(points))} {are} not beaten in both {made.name} and {label}."
    told = sum(bool({made.name, label} & set(row.priced)) for row, _, _ in points)
    summary += (
        f" {told} of the points {'is' if told == 1 else 'are'} the price of a table, not measured." if told else ""
    )
    twin = tuple((str(p.number), text.number((p.values or (0, 0))[1], 6), text.number((p.values or (0,))[0], 6))
                 for p in edge[:TWIN])  # fmt: skip
    heads = ("trial", label, made.name)
    return Chart(key, title, summary, canvas.svg(f"{title}. {summary}"), heads, twin, _outside(y))


def _edge(probe: list[Row], pair: tuple[Objective, Objective]) -> list[Row]:
    """Rows that no other one beats, by the second objective from good to bad."""
    kept: list[Row] = []
    best = None
    for row in sorted(probe, key=lambda r: tuple(-o.score(v) for o, v in zip(pair, r.values or ()))[::-1]):
        if best is None or (not dominates(best, row, pair) and pair[0].better(_first(row), _first(best))):
            kept.append(row)
            best = row
    return kept


def _of_best(best: Row | None, name: str) -> str:
    if best is None:
        return ""
    if name not in best.config:
        return f"In the best trial, {best.number}, it was not active."
    return f"The best trial, {best.number}, has {text.setting(best.config[name], 60)}."


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _cost(row: Row, cost: int | str) -> Any:
    if isinstance(cost, int):
        return row.values[cost] if row.values else None
    return row.facts.get(cost, row.metrics.get(cost)) if cost else row.duration or None


def _first(row: Row) -> float:
    return float(row.values[0]) if row.values else float("nan")


def _beyond(scale: Scale, value: float) -> float:
    """A position that may lie a little outside, so that a line is seen to leave the chart."""
    if value > scale.high:
        return 1.2
    return -0.2 if value < scale.low else scale.at(value)


def _clip(key: str, canvas: Canvas) -> str:
    x, y, right, bottom = canvas.x(0), canvas.y(1), canvas.x(1), canvas.y(0)
    box = f'<rect x="{x}" y="{y - 4}" width="{right - x}" height="{bottom - y + 4}"/>'
    return f'<clipPath id="clip-{key}">{box}</clipPath><g clip-path="url(#clip-{key})">'


def _curve_metric(rows: Sequence[Row], made: Objective) -> str:
    """The objective, where it is reported step by step; else the metric that most trials reported."""
    seen: dict[str, int] = {}
    for row in rows:
        for name in row.reports[-1][1] if row.reports else ():
            seen[name] = seen.get(name, 0) + 1
    return made.name if made.name in seen or not seen else max(seen, key=lambda name: seen[name])


def _phases(view: StudyView) -> str:
    """Where the phases of a plan end, and what sets values in them apart."""
    ends = ", ".join(f"{stage.of()} ends at {stage.step:,}" for stage in view.stages)
    return f"Values of different phases do not compare: {ends}. " if ends else ""


def _at_steps(points: Sequence[tuple[int, float]], steps: Sequence[int]) -> tuple[str, ...]:
    known = dict(points)
    return tuple(text.number(known.get(step)) if step in known else "" for step in steps)


def _shifted(x: Scale | Levels, row: Row, name: str) -> float:
    """Where a trial lies; trials with the same category are set beside each other."""
    at = x.at(row.config[name])
    if isinstance(x, Levels):
        at += ((row.number * 0.618034) % 1 - 0.5) * 0.5 / len(x.labels)
    return at


def _binned(x: Scale | Levels, rows: Sequence[Row], name: str, made: Objective) -> tuple[tuple[str, ...], ...]:
    """Levels, or up to eight ranges of equal width on the axis: number of trials, median and best value."""
    exact = isinstance(x, Levels) or len({row.config[name] for row in rows}) <= 8
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        value = row.config[name]
        groups.setdefault(text.setting(value, 200) if exact else min(int(x.at(value) * 8), 7), []).append(row)
    ordered = list(groups.values())
    ordered.sort(key=lambda group: x.at(group[0].config[name]))
    return tuple(_group_line(group, name, made, exact) for group in ordered)


def _group_line(group: list[Row], name: str, made: Objective, exact: bool) -> tuple[str, ...]:
    settings = [row.config[name] for row in group]
    values = sorted(_first(row) for row in group)
    best = max(values, key=made.score)
    label = text.setting(settings[0], 60)
    if not exact and min(settings) < max(settings):
        label = f"{text.number(min(settings))} to {text.number(max(settings))}"
    return label, str(len(group)), text.number(values[len(values) // 2], 6), text.number(best, 6)


def _outside(scale: Scale, more: str = "") -> str:
    said = f"Values far from the others lie beyond the axis: {scale.outside}." if scale.outside else ""
    return " ".join(part for part in (said, more) if part)


def legend_states(rows: Sequence[Row]) -> list[tuple[str, int]]:
    """States that occur among ``rows`` and have a mark, with their counts."""
    return [(s, n) for s in STATES if s in GLYPHS and (n := sum(1 for row in rows if row.state == s))]
