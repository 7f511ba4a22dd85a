"""Charts of what a model makes of the trials: effects of one parameter and of two, and diversity over time.

Owns what is drawn; ``dependence`` and ``diversity`` own what is known.
"""

from __future__ import annotations

import itertools

import numpy as np

from modelwright.core.objective import Objective
from modelwright.report import text
from modelwright.report.dependence import Dependence, Surface
from modelwright.report.diversity import Diversity
from modelwright.report.encoding import specification
from modelwright.report.plots import Chart
from modelwright.report.scale import Levels, Scale, full, parameter_scale
from modelwright.report.svg import Canvas, num
from modelwright.report.view import StudyView


def dependence_chart(view: StudyView, found: Dependence, made: Objective, key: str) -> Chart:
    """The mean prediction along one parameter, with its band."""
    x = _axis(view, found.name, found.values, found.listed)
    y = full([*found.low.tolist(), *found.high.tolist()], 0.05)
    y = Scale(y.low, y.high) if y.low <= 0 or not y.log else y
    canvas = Canvas(width=420, height=290)
    canvas.axes(x, y, found.name, made.name, ticks=4)
    places = [x.at(value) for value in found.values]
    lows, highs = [y.at(v) for v in found.low], [y.at(v) for v in found.high]
    if found.listed:
        for at, low, high, mean in zip(places, lows, highs, found.mean):
            canvas.line([(at, low), (at, high)], "whisker")
            canvas.marks("complete", [(0, at, y.at(mean))])
    else:
        around = [*zip(places, highs), *reversed(list(zip(places, lows)))]
        path = "".join(f"{'L' if i else 'M'}{num(canvas.x(a))} {num(canvas.y(b))}" for i, (a, b) in enumerate(around))
        canvas.add(f'<path class="kept" d="{path}Z"/>')
        canvas.line([(at, y.at(mean)) for at, mean in zip(places, found.mean)], "sofar")
    best = int(np.argmax(found.draws.mean(axis=0)))
    summary = (
        f"Predicted {made.name}, averaged over all other parameters, is best at {_said(found.values[best])}: "
        f"{text.number(float(found.mean[best]))}; it reaches from {text.number(float(found.mean.min()))} to "
        f"{text.number(float(found.mean.max()))}."
    )
    name = text.clean(found.name, 80)
    every = max(1, len(found.values) // 16)
    twin = tuple(
        (_said(value), *(text.number(float(v)) for v in line))
        for value, *line in list(zip(found.values, found.mean, found.low, found.high))[::every]
    )
    note = "The band reaches from 5 % to 95 %; it is about the mean, not about single trials."
    return Chart(
        key, name, summary, canvas.svg(f"{name}. {summary}", "small"), (name, made.name, "from", "to"), twin, note
    )


def surface_chart(view: StudyView, found: Surface, made: Objective) -> Chart:
    """The mean prediction over two parameters, the better the darker."""
    axes = [_axis(view, n, v, listed) for n, v, listed in zip(found.names, found.values, found.listed)]
    canvas = Canvas(width=560, height=380)
    scores = found.mean if made.direction == "max" else -found.mean
    spread = float(np.ptp(scores)) or 1.0
    rank = (scores - scores.min()) / spread
    edges = [_edges([axis.at(v) for v in values]) for axis, values in zip(axes, found.values)]
    for i in range(len(found.values[0])):
        for j in range(len(found.values[1])):
            left, right = canvas.x(edges[0][i]), canvas.x(edges[0][i + 1])
            bottom, top = canvas.y(edges[1][j]), canvas.y(edges[1][j + 1])
            shade = f"{0.06 + 0.84 * rank[i, j]:.2f}"
            canvas.add(
                f'<rect x="{num(left)}" y="{num(top)}" width="{num(right - left + 0.4)}" '
                f'height="{num(bottom - top + 0.4)}" fill="var(--accent)" fill-opacity="{shade}"/>'
            )
    canvas.axes(axes[0], axes[1], found.names[0], found.names[1])
    i, j = np.unravel_index(int(np.argmax(scores)), scores.shape)
    first, second = (text.clean(name, 60) for name in found.names)
    best, worst = (text.number(float(v)) for v in (found.mean[i, j], found.mean.flat[int(np.argmin(scores))]))
    summary = (
        f"Predicted {made.name} is best, {best}, at {first} {_said(found.values[0][i])} with {second} "
        f"{_said(found.values[1][j])}; the worst is {worst}."
    )
    step = [max(1, -(-len(values) // 6)) for values in found.values]
    columns = found.values[1][:: step[1]]
    twin = tuple(
        (_said(value), *(text.number(float(v)) for v in row[:: step[1]]))
        for value, row in list(zip(found.values[0], found.mean))[:: step[0]]
    )
    title = f"{first} and {second} together"
    heads = (f"{first}, down; {second}, across", *(_said(value) for value in columns))
    return Chart("surface", title, summary, canvas.svg(f"{title}. {summary}"), heads, twin, "Darker is better.")


def diversity_chart(found: Diversity) -> Chart:
    """How different the trials of each part of the search are."""
    last = found.windows[-1].last
    x, y = Scale(-0.5, last + 0.5, whole=True), Scale(0.0, max(1.3, *(w.distance for w in found.windows)))
    canvas = Canvas()
    canvas.axes(x, y, "trial", "difference")
    points: list[tuple[float, float]] = []
    for window in found.windows:
        points += [(x.at(window.first), y.at(window.distance)), (x.at(window.last), y.at(window.distance))]
    canvas.line(points, "sofar")
    canvas.line([(0.0, y.at(1.0)), (1.0, y.at(1.0))], "axis")
    first, end = found.windows[0], found.windows[-1]
    summary = (
        f"Trials {first.first} to {first.last} were {text.number(first.distance, 2)} times as far apart as random "
        f"configurations, trials {end.first} to {end.last} {text.number(end.distance, 2)} times."
    )
    twin = tuple((f"{w.first} to {w.last}", text.number(w.distance, 3), str(w.different)) for w in found.windows)
    note = (
        "1 is as different as random configurations; a search that homes in falls. All in all it saw "
        f"{found.seen:.0%} of the pairs of settings that as many random ones would have."
    )
    heads = ("trials", "distance", "different configurations")
    return Chart("diversity", "Diversity", summary, canvas.svg(f"Diversity. {summary}"), heads, twin, note)


def _axis(view: StudyView, name: str, values: tuple[object, ...], listed: bool) -> Scale | Levels:
    if listed:
        return Levels(tuple(dict.fromkeys(text.setting(value, 200) for value in values)))
    return parameter_scale(specification(view, name), values)


def _edges(places: list[float]) -> list[float]:
    """Where cells around these places end."""
    middles = [(a + b) / 2 for a, b in itertools.pairwise(places)]
    return [max(2 * places[0] - middles[0], 0.0), *middles, min(2 * places[-1] - middles[-1], 1.0)]


def _said(value: object) -> str:
    return text.setting(value, 40)
