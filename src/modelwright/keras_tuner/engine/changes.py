"""What changed between two states made of plain values: small enough to be stored with every trial. Knows no oracle.

A change is None (nothing), ``{"is": value}`` (another value), ``{"in": {key: change}, "gone": [key]}`` (of a mapping),
or ``{"at": {index: change}, "keep": count, "more": [value]}`` (of a list: which elements changed, how many are left of
it, what follows them).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Change = Mapping[str, Any] | None


def difference(before: Any, after: Any) -> Change:
    """What to do to ``before`` to have ``after``; equal values of different types count as the same.

    >>> difference({"order": ["a"], "seed": 1}, {"order": ["a", "b"], "seed": 1})
    {'in': {'order': {'keep': 1, 'more': ['b']}}}
    """
    if before == after:
        return None
    if isinstance(before, dict) and isinstance(after, dict):
        inside = {
            key: difference(before[key], value) if key in before else {"is": value}
            for key, value in after.items()
            if key not in before or before[key] != value
        }
        gone = [key for key in before if key not in after]
        return {**({"in": inside} if inside else {}), **({"gone": gone} if gone else {})}
    if isinstance(before, list) and isinstance(after, (list, tuple)) and before and after:
        both = min(len(before), len(after))
        at = {str(i): difference(before[i], after[i]) for i in range(both) if before[i] != after[i]}
        if len(at) <= both // 2:
            return {**({"at": at} if at else {}), "keep": both, "more": list(after[both:])}
    return {"is": after}


def applied(before: Any, change: Change) -> Any:
    """The state after a change; mappings and lists in ``before`` are changed in place.

    >>> applied({"order": ["a"], "old": 0}, {"in": {"order": {"keep": 1, "more": ["b"]}}, "gone": ["old"]})
    {'order': ['a', 'b']}
    """
    if change is None:
        return before
    if "is" in change:
        return change["is"]
    if "keep" in change:
        for index, inner in change.get("at", {}).items():
            before[int(index)] = applied(before[int(index)], inner)
        before[change["keep"] :] = change["more"]
        return before
    for key in change.get("gone", ()):
        del before[key]
    for key, inner in change.get("in", {}).items():
        before[key] = applied(before.get(key), inner)
    return before
