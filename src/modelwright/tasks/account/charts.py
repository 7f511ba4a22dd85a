"""Charts of a fit, from the plain values that a model keeps. Owns what is drawn, not how the page is laid out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelwright.report import text
from modelwright.report.plots import Chart
from modelwright.report.scale import Scale, full
from modelwright.report.svg import Canvas, esc, num

#: Classes up to which the whole table of true and predicted ones is drawn; pairs of classes that are listed.
_DRAWN, _PAIRS = 12, 30
#: Bars that are drawn; the table has them all.
_BARS = 20


def confusion_chart(judged: Mapping[str, Any], classes: Sequence[Any]) -> Chart | None:
    """True by predicted classes; of many classes the pairs that are mixed up most, as a table."""
    counts: Sequence[Sequence[int]] = judged.get("confusion") or ()
    names = [text.clean(one, 60) for one in classes]
    pairs = [(i, j, n) for i, row in enumerate(counts) for j, n in enumerate(row) if i != j and n]
    pairs = sorted(pairs or [tuple(one) for one in judged.get("mixed_up", ())], key=lambda one: -one[2])
    if not counts and not pairs:
        return None
    summary = f"{judged['right']:.1%} of {judged['rows']:,} rows are named rightly."
    if pairs:
        i, j, n = pairs[0]
        summary += f" What is mixed up most: {n:,} rows that are {names[i]} are called {names[j]}."
    if not 0 < len(counts) <= _DRAWN:
        rows = tuple((names[i], names[j], f"{n:,}") for i, j, n in pairs[:_PAIRS])
        return Chart("confusion", "What is mixed up", summary, "", ("is", "is called", "rows"), rows)
    rows = tuple((names[i], *(f"{n:,}" for n in row)) for i, row in enumerate(counts))
    return Chart(
        "confusion", "What is called what", summary, _cells(counts, names, summary),
        ("is \\ is called", *names), rows, "The darker, the larger the share of its line.",
    )  # fmt: skip


def _cells(counts: Sequence[Sequence[int]], names: Sequence[str], summary: str) -> str:
    size = len(names)
    canvas = Canvas(height=84 + 34 * size, left=130, right=16, top=14, bottom=70)
    wide, high = (canvas.x(1) - canvas.left) / size, (canvas.y(0) - canvas.top) / size
    short = max(4, int(wide / 8.5))
    for i, row in enumerate(counts):
        total, top = max(sum(row), 1), canvas.top + i * high
        canvas.text(canvas.left - 8, top + high / 2 + 4, names[i], "t e", 15)
        for j, n in enumerate(row):
            left = canvas.left + j * wide
            said = f"{n:,} rows that are {names[i]} are called {names[j]}: {n / total:.1%} of them"
            canvas.add(
                f'<g><title>{esc(said)}</title><rect class="cell" x="{num(left)}" y="{num(top)}" '
                f'width="{num(wide - 2)}" height="{num(high - 2)}" rx="3" fill-opacity="{0.04 + 0.5 * n / total:.3f}"/>'
                f'<text class="t m" x="{num(left + wide / 2)}" y="{num(top + high / 2 + 4)}">{n:,}</text></g>'
            )
    for j, name in enumerate(names):
        canvas.text(canvas.left + (j + 0.5) * wide, canvas.y(0) + 18, name, "t m", short)
    canvas.text((canvas.left + canvas.x(1)) / 2, canvas.height - 26, "is called", "t m lab")
    return canvas.svg(f"What is called what. {summary}")


def calibration_chart(judged: Mapping[str, Any], named: str) -> Chart | None:
    """What probabilities said, and how often it was so."""
    parts: Sequence[Sequence[float]] = judged.get("calibration") or ()
    if len(parts) < 2:
        return None
    canvas = Canvas()
    unit = Scale(0.0, 1.0)
    canvas.axes(unit, unit, f"probability of {named}", "how often it was so")
    canvas.line([(0, 0), (1, 1)], "even")
    canvas.line([(said, true) for said, true, _ in parts], "sofar")
    for said, true, rows in parts:
        error = 1.96 * (max(true * (1 - true), 1e-9) / max(rows, 1)) ** 0.5
        _mark(canvas, said, true, (true - error, true + error), f"said {said:.1%}, was {true:.1%} of {rows:,} rows")
    total = sum(rows for _, _, rows in parts)
    gap = sum(abs(said - true) * rows for said, true, rows in parts) / max(total, 1)
    summary = f"Probabilities are off by {gap:.1%} on average, over {len(parts)} parts of the rows of equal size."
    twin = tuple((f"{said:.1%}", f"{true:.1%}", f"{rows:,}") for said, true, rows in parts)
    note = "On the dashed line probabilities are as good as their word. Whiskers: 95 % of what chance alone does."
    drawn = canvas.svg(f"Calibration. {summary}")
    return Chart("calibration", "Calibration", summary, drawn, ("said", "was so", "rows"), twin, note)


def residual_chart(judged: Mapping[str, Any], target: str) -> Chart | None:
    """How far true values lie from predicted ones, by the predicted value."""
    parts: Sequence[Sequence[float]] = judged.get("residuals") or ()
    if not parts:
        return None
    x = full([part[0] for part in parts], 0.05)
    x = Scale(x.low, x.high)
    y = Scale(*_room([value for part in parts for value in part[1:4]]))
    canvas = Canvas(left=84)
    canvas.axes(x, y, f"predicted {target}", "true - predicted")
    canvas.line([(0, y.at(0.0)), (1, y.at(0.0))], "even")
    for mean, low, median, high, rows in parts:
        said = f"about {text.number(mean)}: {text.number(low)} to {text.number(high)} in 80 % of {rows:,.0f} rows"
        _mark(canvas, x.at(mean), y.at(median), (y.at(low), y.at(high)), said)
    half, most = judged["within"]
    summary = f"Half of the predictions are off by less than {text.number(half)}, nine of ten by {text.number(most)}."
    if judged.get("r2") is not None:
        summary += f" They explain {judged['r2']:.1%} of the variance."
    twin = tuple((*(text.number(value, 5) for value in part[:4]), f"{part[4]:,.0f}") for part in parts)
    return Chart(
        "residuals", "How far it is off", summary, canvas.svg(f"Residuals. {summary}"),
        ("predicted", "10 % below", "middle", "10 % above", "rows"), twin,
        "Dots: the middle of each part of the rows; lines: from the lowest to the highest tenth.",
    )  # fmt: skip


def _room(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(*values, 0.0), max(*values, 0.0)
    pad = 0.06 * (high - low) or 1.0
    return low - pad, high + pad


def _mark(canvas: Canvas, x: float, y: float, ends: tuple[float, float], said: str) -> None:
    low, high = (min(max(end, 0.0), 1.0) for end in ends)
    canvas.add(
        f'<g><title>{esc(said)}</title><path class="whisker" d="M{num(canvas.x(x))} {num(canvas.y(low))}'
        f'V{num(canvas.y(high))}"/><circle class="at" cx="{num(canvas.x(x))}" cy="{num(canvas.y(y))}" r="5"/></g>'
    )


def bars_chart(
    key: str, title: str, given: Sequence[tuple[str, float, str]], summary: str, heads: tuple[str, str], note: str = ""
) -> Chart | None:
    """Amounts, each with what is said of it; ``given`` are (name, amount, in words), the largest first."""
    shown = [one for one in given if one[1] > 0][:_BARS]
    if not shown:
        return None
    canvas = Canvas(height=24 + 30 * len(shown), left=170, right=200, bottom=4)
    most = max(amount for _, amount, _ in shown)
    for i, (name, amount, said) in enumerate(shown):
        mid = canvas.top + 30 * i + 11
        right = canvas.x(amount / most)
        canvas.add(
            f'<g><title>{esc(f"{name}: {said}")}</title><rect class="bar" x="{canvas.left}" y="{num(mid - 8)}" rx="2" '
            f'width="{max(right - canvas.left, 0.5):.1f}" height="16"/></g>'
        )
        canvas.text(canvas.left - 8, mid + 4, name, "t e", 20)
        canvas.text(right + 6, mid + 4, said, "t", 40)
    twin = tuple((name, said) for name, _, said in given)
    return Chart(key, title, summary, canvas.svg(f"{title}. {summary}"), heads, twin, note)
