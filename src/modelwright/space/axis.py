"""Axis: what one dimension of a space's vectors means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Axis:
    """One dimension of a space's vectors.

    Attributes:
        name: the parameter.
        kind: "numeric" (distance means something) or "categorical" (only equality does).
        levels: number of different values, or None for a continuum. Level ``i`` of ``n`` lies at (i + 0.5) / n
            for categories, and where the sampling scale puts it for numbers.
    """

    name: str
    kind: str
    levels: int | None = None
