"""Wording: small pieces of English that messages are made of. Does not know what the messages are about."""

from __future__ import annotations

import difflib
import re
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path

_PACKAGE = str(Path(__file__).resolve().parent.parent)


def a(noun: str) -> str:
    """``noun`` with its indefinite article, by its sound.

    >>> a("int"), a("dict"), a("ndarray"), a("uint8"), a("NoneType")
    ('an int', 'a dict', 'an ndarray', 'a uint8', 'a NoneType')
    """
    low = noun.lower()
    vowel = low[:1] in tuple("aeiou") and not low.startswith(("uint", "uni", "use"))
    return f"{'an' if vowel or low.startswith('nd') else 'a'} {noun}"


def kind_of(value: object) -> str:
    """The type of ``value`` with its article.

    >>> kind_of(3), kind_of({})
    ('an int', 'a dict')
    """
    return a(type(value).__name__)


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun, in the singular where it is one.

    >>> counted(1, "trial"), counted(12000, "trial"), counted(2, "study", "studies")
    ('1 trial', '12,000 trials', '2 studies')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def did_you_mean(given: str, known: Iterable[str], count: int = 3) -> str:
    """A question with the names nearest to ``given``, whatever the case of their letters; "" when none is near.

    >>> did_you_mean("Trails", ["trials", "seconds"])
    "Did you mean 'trials'?"
    """
    folded = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(given.casefold(), folded, n=count, cutoff=0.6)
    return f"Did you mean {' or '.join(repr(folded[name]) for name in near)}?" if near else ""


def quoted(name: str) -> str:
    """A name in quotes, a long one without its middle: long names differ at their ends.

    >>> quoted("age"), quoted("a" * 50 + "b" * 50)
    ("'age'", "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ... bbbbbbbbbbbbbbbbbbbbbbbb'")
    """
    return repr(name if len(name) <= 60 else f"{name[:31]} ... {name[-24:]}")


def listed(names: Iterable[object], most: int = 12) -> str:
    """Names in a message, the first ones where they are many.

    >>> listed(["age", "plan"]), listed(range(20), 2)
    ("'age', 'plan'", '0, 1 and 18 more')
    """
    known = list(names)
    return ", ".join(map(repr, known[:most])) + (f" and {len(known) - most} more" if len(known) > most else "")


def each_once(texts: Iterable[str]) -> list[str]:
    """The first of the texts that differ by their numbers alone, in order.

    >>> each_once(["gap: 1.5e-3", "no end after 5 steps", "gap: 0.2"])
    ['gap: 1.5e-3', 'no end after 5 steps']
    """
    found: dict[str, str] = {}
    for text in texts:
        found.setdefault(re.sub(r"\d[\d.e+-]*", "#", text), text)
    return list(found.values())


def without_password(place: str) -> str:
    """The path or address of a store as it may be shown: in a terminal or a log others read along.

    >>> without_password("postgresql://ann:secret@host/db"), without_password("postgresql://ann@host/db")
    ('postgresql://ann:***@host/db', 'postgresql://ann@host/db')
    """
    return re.sub(r"(://[^:/@]*:).*@", r"\1***@", place)


def warn_caller(said: str) -> None:
    """Warn at the line that called Modelwright."""
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(said, stacklevel=level)
