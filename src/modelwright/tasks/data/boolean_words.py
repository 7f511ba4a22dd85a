"""Truth: words for yes and no, and whether the words of a column are such. Reads no cell."""

from __future__ import annotations

from collections.abc import Set

TRUE = frozenset({"yes", "y", "true", "t", "on", "1", "1.0"})
FALSE = frozenset({"no", "n", "false", "f", "off", "0", "0.0"})
#: Words of which the first letter says the same.
_PAIRS = ("yes", "no"), ("true", "false")


def are_yes_and_no(words: Set[str]) -> bool:
    """Whether words in small letters are yes and no: a letter only where its opposite is there, as word or letter.

    >>> are_yes_and_no({"y", "no"}), are_yes_and_no({"t", "f", "n"}), are_yes_and_no({"y", "f"})
    (True, False, False)
    """
    if not (words <= TRUE | FALSE and words & TRUE and words & FALSE):
        return False
    letters = [pair for pair in _PAIRS if any(word[0] in words for word in pair)]
    return not letters or (len(letters) == 1 and all(words & {word, word[0]} for word in letters[0]))
