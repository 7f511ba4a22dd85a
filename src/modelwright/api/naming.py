"""Names and seeds of studies: what is allowed, what is near, what is fresh."""

from __future__ import annotations

import operator
import random as _random
from collections.abc import Callable, Sequence
from typing import Any

from modelwright.core.errors import ArgumentError, StudyError
from modelwright.core.objective import Objective
from modelwright.core.wording import counted, did_you_mean, kind_of
from modelwright.store.base import Store, StudyRecord

_LONGEST = 200
#: Names that a message lists at most.
_LISTED = 5


def checked_seed(seed: Any) -> int:
    """A seed as an integer.

    Raises:
        ArgumentError: it is none.
    """
    try:
        found = None if isinstance(seed, bool) else operator.index(seed)
    except TypeError:  # arrays have the method, and most of them no index
        found = None
    if found is None:
        raise ArgumentError(f"seed={seed!r:.60}", allowed="a whole number", hint="The default is 0.")
    if abs(found) >= 1 << 63:
        raise ArgumentError("the seed is too large", where="seed", allowed="a whole number below 2**63")
    return found


def checked_name(name: Any) -> str | None:
    """A study's name, or None for a generated one.

    Raises:
        ArgumentError: it is no text, blank, too long, or holds characters that nobody can see or type.

    >>> checked_name("lab 3"), checked_name(None)
    ('lab 3', None)
    """
    if name is None:
        return None
    allowed = f"text of 1 to {_LONGEST} printable characters without blanks at its ends"
    if not isinstance(name, str):
        raise ArgumentError(f"name={name!r:.60} is {kind_of(name)}", where="name", allowed=allowed)
    shown = repr(name) if len(name) <= 60 else f"{name[:57]!r}... ({counted(len(name), 'character')})"
    if not name.strip():
        raise ArgumentError(f"name={shown} is blank", where="name", allowed=allowed, hint="None gives a fresh name.")
    if not name.isprintable() or name != name.strip() or len(name) > _LONGEST:
        raise ArgumentError(f"name={shown} cannot be the name of a study", where="name", allowed=allowed)
    return name


def found_study(store: Store, name: Any) -> StudyRecord:
    """The study of that name.

    Raises:
        StudyError: there is none; the message has the names that are near, or the latest ones.
    """
    record = store.find(name) if isinstance(name, str) and "\0" not in name else None
    if record is not None:
        return record
    known = [other.name for other in store.studies()]
    listed = ", ".join(map(repr, known[-_LISTED:]))
    if len(known) > _LISTED:
        listed = f"{listed} (the latest of {counted(len(known), 'study', 'studies')})"
    raise StudyError(
        f"there is no study {name!r:.80}",
        where=store.location,
        allowed=listed,
        hint=did_you_mean(name, known) if isinstance(name, str) and known else "" if known else "The store is empty.",
    )


def fresh_name(store: Store) -> str:
    """A name nobody has used in ``store``: two plain words and a number."""
    adjectives: Sequence[str] = ("amber", "brisk", "calm", "deft", "early", "fair", "keen", "lucid", "quiet", "swift")
    nouns: Sequence[str] = ("anvil", "bench", "chisel", "forge", "gauge", "lathe", "plane", "rasp", "rule", "vise")
    chance = _random.SystemRandom()
    pick: Callable[[Sequence[str]], str] = chance.choice
    while True:
        name = f"{pick(adjectives)}-{pick(nouns)}-{chance.randrange(1000, 10000)}"
        if store.find(name) is None:
            return name


def place_of(objectives: Sequence[Objective], name: str | None) -> int:
    """Which objective is meant; the first when none is named.

    Raises:
        ArgumentError: there is none of that name.
    """
    names = [made.name for made in objectives]
    if name is None or name in names:
        return 0 if name is None else names.index(name)
    raise ArgumentError(f"there is no objective {name!r:.60}", where="objective", allowed=", ".join(map(repr, names)))
