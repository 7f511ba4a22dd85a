"""Operations of a user's own, which no other process has of itself: a space takes them along."""

from __future__ import annotations

from modelwright.nas import stock, weightless  # noqa: F401  # with theirs all of ours are registered
from modelwright.nas.operations import Operation, names, operation

_OURS = frozenset(names())


def own() -> tuple[Operation, ...]:
    """Those that are registered and no part of this package."""
    return tuple(operation(name) for name in names() if name not in _OURS)
