"""Shares that sum to one, drawn uniformly on the simplex from independent uniform numbers by breaking a stick.

With ``k`` parts, the first share of a uniform point has the distribution function 1 - (1 - x)^(k-1); the rest is a
smaller simplex (Devroye, Non-Uniform Random Variate Generation, 1986, chapter XI.4).
"""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.core.errors import SpaceError


def check_parts(parts: Sequence[str] | int, low: float) -> list[str]:
    """The names of the parts; SpaceError when they or the minimum make no sense."""
    names = [str(i) for i in range(parts)] if isinstance(parts, int) else list(parts)
    if isinstance(parts, str) or not all(isinstance(p, str) for p in names):
        raise SpaceError(f"parts={parts!r}", allowed="a list of names, or a number of parts")
    if len(names) < 2 or len(set(names)) < len(names):
        raise SpaceError(f"parts={names!r}", allowed="at least two different names")
    if not 0 <= low * len(names) <= 1:
        raise SpaceError(f"min={low} for {len(names)} parts", allowed=f"0 to 1/{len(names)}")
    return names


def even(count: int) -> list[float]:
    """The uniform numbers that give equal shares.

    >>> shares(even(3))
    [0.33..., 0.33..., 0.33...]
    """
    return [1 - (1 - 1 / (count - i)) ** (count - 1 - i) for i in range(count - 1)]


def shares(uniform: Sequence[float], low: float = 0.0) -> list[float]:
    """One more share than there are numbers; each at least ``low``, together one (to 1e-12).

    >>> shares([0.75, 0.5])
    [0.5, 0.25, 0.25]
    """
    count = len(uniform) + 1
    found, rest = [], 1.0
    for i, u in enumerate(uniform):
        part = rest * (1 - (1 - u) ** (1 / (count - 1 - i)))
        found.append(part)
        rest -= part
    found.append(max(rest, 0.0))
    return [low + (1 - count * low) * part for part in found]
