"""Names of a user's own estimators: their class, and what tells several of one class apart. Fits nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

#: Characters up to which a name is read.
_LONGEST = 80
_WORD = re.compile(r"[\w.+-]{1,30}")


def called(estimators: Sequence[Any], taken: Collection[str] = ()) -> list[str]:
    """A name for each estimator: its class in small letters, with the parameters in which it differs from others of it.

    A name depends on no order, so that a plan finds its estimator again. Those that no parameter tells apart are
    numbered.

    Args:
        taken: names that others have.

    >>> class Tree:
    ...     def __init__(self, depth):
    ...         self.depth = depth
    ...     def get_params(self, deep=True):
    ...         return {"depth": self.depth}
    >>> called([Tree(3)]), called([Tree(3), Tree(8)]), called([Tree(3), Tree(3)]), called([Tree(3)], ["tree"])
    (['tree'], ['tree(depth=3)', 'tree(depth=8)'], ['tree_1', 'tree_2'], ['own_tree'])
    """
    bare = [type(one).__name__.lower() for one in estimators]
    bare = [f"own_{name}" if name in taken else name for name in bare]
    found = list(bare)
    for name, count in Counter(bare).items():
        places = [place for place, one in enumerate(bare) if one == name]
        if count > 1:
            for place, more in zip(places, _apart([_told(estimators[place]) for place in places]), strict=True):
                found[place] = f"{name}({more})" if 0 < len(more) <= _LONGEST else name
    counts, seen = Counter(found), Counter[str]()
    for place, name in enumerate(found):
        if counts[name] > 1:
            seen[name] += 1
            found[place] = f"{name}_{seen[name]}"
    return found


def _told(estimator: Any) -> dict[str, str]:
    """Parameters that can be written in a word, those of estimators within it too."""
    given = estimator.get_params() if hasattr(estimator, "get_params") else {}
    found = {}
    for name, value in given.items():
        value = value.item() if isinstance(value, np.generic) else value
        text = type(value).__name__.lower() if hasattr(value, "get_params") else value
        if isinstance(text, str | int | float | None) and _WORD.fullmatch(str(text)):
            found[name] = str(text)
    return found


def _apart(told: Sequence[Mapping[str, str]]) -> list[str]:
    """As few parameters as tell these apart, in words: the outermost first."""
    names = sorted({name for one in told for name in one}, key=lambda name: (name.count("__"), name))
    kept: list[str] = []
    for name in names:
        before = _words(told, kept)
        if len(set(before)) == len(told) and all(before):
            break
        after = _words(told, [*kept, name])
        differs = len({one.get(name) for one in told}) > 1
        if differs and (len(set(after)) > len(set(before)) or sum(map(bool, after)) > sum(map(bool, before))):
            kept.append(name)
    return _words(told, kept)


def _words(told: Sequence[Mapping[str, str]], names: Sequence[str]) -> list[str]:
    return [",".join(f"{name}={one[name]}" for name in names if name in one) for one in told]
