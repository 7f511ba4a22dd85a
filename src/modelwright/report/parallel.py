"""Parallel coordinates: one line for each trial through its settings to its value.

Hover, focus and ranges chosen on an axis are the page's script; the picture stands without it.
"""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.core.history import Row, usable
from modelwright.core.wording import counted
from modelwright.report import text
from modelwright.report.encoding import specification
from modelwright.report.importance import Importance
from modelwright.report.plots import TWIN, Chart
from modelwright.report.scale import Levels, Scale, parameter_scale, robust
from modelwright.report.svg import Canvas, num
from modelwright.report.view import StudyView, parameter_names, ranked

#: Axes that are readable side by side.
MOST = 12
#: Where a line passes an axis whose parameter was inactive: below it.
OFF = -0.09


def parallel_chart(view: StudyView, rows: Sequence[Row], found: Importance) -> Chart | None:
    """Lines through the most important parameters that were varied, the best last."""
    valued = [row for row in rows if usable(row)]
    names = axes_shown(view, valued, found)
    if len(valued) < 2 or not names:
        return None
    made = view.objectives[0]
    scales: list[Scale | Levels] = [
        parameter_scale(specification(view, name), [row.config[name] for row in valued if name in row.config])
        for name in names
    ]
    y = robust([row.values[0] for row in valued if row.values], made)
    canvas = Canvas(width=max(120 * (len(names) + 1), 1100), height=400, left=90, right=80, top=44, bottom=46)
    places = [i / len(names) for i in range(len(names) + 1)]
    order = {row.number: place for place, row in enumerate(ranked(view))}
    for row in sorted(valued, key=lambda r: -order[r.number]):
        points = [
            (at, scale.at(row.config[name]) if name in row.config else OFF)
            for at, scale, name in zip(places, scales, names)
        ]
        fifth = min(5 * order[row.number] // max(len(order), 1), 4)
        kind = f"c q{fifth}" + (" first" if order[row.number] == 0 else "")
        canvas.line([*points, (1.0, y.at((row.values or (0.0,))[0]))], kind, row.number)
    room = int((canvas.x(1) - canvas.x(0)) / len(names) / 9)
    for at, name, scale in zip(places, [*names, made.name], [*scales, y]):
        _axis(canvas, at, name, scale, room, at < 1 and any(name not in row.config for row in valued))
    leading = sorted(valued, key=lambda r: order[r.number])
    shown = {name: value for name, value in leading[0].config.items() if name in names}
    summary = f"{counted(len(valued), 'trial')} through {counted(len(names), 'parameter')} to {made.name}. "
    summary += f"The best, trial {leading[0].number}, has {text.config_text(shown, 300)}."
    left_out = len(parameter_names(view)) - len(names)
    off = any(name not in row.config for row in valued for name in names)
    note = "Darker lines are better trials" + ("; a line below an axis: the parameter was inactive. " if off else ". ")
    note += f"{counted(left_out, 'parameter')} left out: fixed, or of less weight." if left_out else ""
    hint = "Drag along an axis to keep a range, click it to let go."
    twin = tuple(
        (str(row.number), text.number((row.values or (None,))[0], 6), *(_cell(row, name) for name in names))
        for row in leading[:TWIN]
    )
    svg = canvas.svg(f"Parallel coordinates. {summary}", "wide dense" if len(valued) > 300 else "wide")
    heads = ("trial", made.name, *names)
    return Chart("parallel", "Parallel coordinates", summary, svg, heads, twin, note.strip(), hint)


def axes_shown(view: StudyView, rows: Sequence[Row], found: Importance) -> list[str]:
    """Up to ``MOST`` varied parameters, in the order of the space."""
    names = [name for name in parameter_names(view) if varied(rows, name)]
    first = [effect.name for effect in found.effects if effect.name in names]
    kept = set([*first, *(name for name in names if name not in first)][:MOST])
    return [name for name in names if name in kept]


def varied(rows: Sequence[Row], name: str) -> bool:
    """Whether a parameter had more than one value (being inactive does not count as one)."""
    return len({text.setting(row.config[name], 200) for row in rows if name in row.config}) > 1


def _cell(row: Row, name: str) -> str:
    return text.setting(row.config[name], 60) if name in row.config else ""


def _axis(canvas: Canvas, at: float, name: str, scale: Scale | Levels, room: int, pauses: bool) -> None:
    x, top, bottom = canvas.x(at), canvas.y(1), canvas.y(0)
    canvas.add(f'<g class="ax" data-x="{num(x)}"><path class="axis" d="M{num(x)} {num(top)}V{num(bottom)}"/>')
    canvas.text(x, top - 22, name, "t m lab", room)
    for place, label in scale.ticks(5):
        canvas.add(f'<path class="axis" d="M{num(x - 4)} {num(canvas.y(place))}h4"/>')
        canvas.text(x - 7, canvas.y(place) + 4, label, "t e halo", 9)
    if pauses:
        canvas.text(x, canvas.y(OFF) + 18, "inactive", "t m dim")
    canvas.add(
        f'<rect class="grab" x="{num(x - 18)}" y="{num(top - 6)}" width="36" height="{num(bottom - top + 12)}"/></g>'
    )
