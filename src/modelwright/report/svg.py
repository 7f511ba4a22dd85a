"""SVG by hand: safe text, axes, and one path for all marks of a kind. Knows pixels, not studies.

Every piece of text passes ``esc``. Colours are classes, so that the page's light and dark themes apply.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from modelwright.report.scale import Levels, Scale
from modelwright.report.text import clean, middle

#: The shape of a mark, drawn from its middle. A state is told by shape, not by colour alone.
GLYPHS = {
    "complete": "h0",
    "pruned": "m0-5l5 9h-10z",
    "paused": "m-4-4h8v8h-8z",
    "running": "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0",
    "proposed": "m-4 0h8",
    "infeasible": "m0-5.5l5.5 5.5l-5.5 5.5l-5.5-5.5z",
    "failed": "m-4-4l8 8m0-8l-8 8",
    "lost": "m-5 0h10m-5-5v10",
}


def esc(given: object, limit: int | None = None) -> str:
    """Text that is safe inside elements and quoted attributes.

    >>> esc("</script><b a='1'>")
    '&lt;/script&gt;&lt;b a=&#x27;1&#x27;&gt;'
    """
    return html.escape(clean(given, limit), quote=True)


def num(value: float) -> str:
    """A coordinate with one decimal, without a trailing zero."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


@dataclass(slots=True)
class Canvas:
    """A chart area of ``width`` x ``height`` with margins; y grows upwards in [0, 1]."""

    width: int = 560
    height: int = 320
    left: int = 66
    right: int = 16
    top: int = 14
    bottom: int = 50
    parts: list[str] = field(default_factory=list)

    def x(self, at: float) -> float:
        """Pixel of a horizontal position in [0, 1]."""
        return self.left + at * (self.width - self.left - self.right)

    def y(self, at: float) -> float:
        """Pixel of a vertical position in [0, 1]."""
        return self.height - self.bottom - at * (self.height - self.top - self.bottom)

    def add(self, part: str) -> None:
        """Append markup that is already safe."""
        self.parts.append(part)

    def text(self, x: float, y: float, said: str, kind: str = "t", limit: int = 40) -> None:
        """Text at a pixel; its whole length is kept as a title when it was cut."""
        title = f"<title>{esc(said)}</title>" if len(said) > limit else ""
        self.add(f'<text class="{kind}" x="{num(x)}" y="{num(y)}">{esc(middle(said, limit))}{title}</text>')

    def axes(self, x: Scale | Levels, y: Scale | Levels, x_label: str, y_label: str, ticks: int = 5) -> None:
        """Grid, tick labels and the names of both axes."""
        left, right, bottom, top = self.x(0), self.x(1), self.y(0), self.y(1)
        grid = "".join(f"M{num(left)} {num(self.y(at))}H{num(right)}" for at, _ in y.ticks(ticks))
        self.add(f'<path class="grid" d="{grid}"/><path class="axis" d="M{num(left)} {num(bottom)}H{num(right)}"/>')
        for at, label in y.ticks(ticks):
            self.text(left - 7, self.y(at) + 4, label, "t e", 9)
        for at, label in _thinned(x.ticks(ticks), 1 / ticks):
            self.text(self.x(at), bottom + 18, label, "t m", 10)
        self.text((left + right) / 2, self.height - 8, x_label, "t m lab", 44)
        self.add(
            f'<text class="t m lab" transform="translate(13 {num((top + bottom) / 2)}) rotate(-90)">'
            f"{esc(y_label, 30)}</text>"
        )

    def marks(self, kind: str, points: Iterable[tuple[int, float, float]], glyph: str = "") -> None:
        """Marks of one kind as a single path; ``points`` are (trial, x, y) with positions in [0, 1]."""
        listed = list(points)
        if not listed:
            return
        shape = glyph or GLYPHS.get(kind, "h0")
        path = "".join(f"M{num(self.x(x))} {num(self.y(y))}{shape}" for _, x, y in listed)
        numbers = " ".join(str(n) for n, _, _ in listed)
        self.add(f'<path class="p s-{kind}" data-n="{numbers}" d="{path}"/>')

    def ring(self, x: float, y: float) -> None:
        """A ring around the best."""
        self.add(f'<circle class="best" cx="{num(self.x(x))}" cy="{num(self.y(y))}" r="8"/>')

    def line(self, points: Sequence[tuple[float, float]], kind: str, trial: int | None = None) -> None:
        """A line through positions; vertical ones may lie outside [0, 1], the clip of the chart cuts them."""
        path = "".join(f"{'L' if i else 'M'}{num(self.x(x))} {num(self.y(y))}" for i, (x, y) in enumerate(points))
        data = "" if trial is None else f' data-t="{trial}"'
        self.add(f'<path class="{kind}"{data} d="{path}"/>')

    def svg(self, label: str, kind: str = "") -> str:
        """The whole element."""
        return (
            f'<svg class="chart {kind}" viewBox="0 0 {self.width} {self.height}" role="img" '
            f'aria-label="{esc(label)}">{"".join(self.parts)}</svg>'
        )


def _thinned(ticks: list[tuple[float, str]], room: float) -> list[tuple[float, str]]:
    """Ticks that do not run into each other: longer labels need more room."""
    kept: list[tuple[float, str]] = []
    for at, label in ticks:
        need = room * (0.45 + 0.075 * max(len(label[:10]), len(kept[-1][1][:10]) if kept else 0))
        if not kept or at - kept[-1][0] >= need:
            kept.append((at, label))
    return kept


def glyph_icon(state: str) -> str:
    """A small picture of a state's mark, for legends and badges."""
    return (
        f'<svg class="icon" viewBox="0 0 14 14" aria-hidden="true"><path class="p s-{state}" '
        f'd="M7 7{GLYPHS.get(state, "h0")}"/></svg>'
    )
