"""Messages in the words of a shell: an argument of Python that one names becomes the option that says the same."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

#: Arguments that are options by another name: there they hold several, and the option is given again.
_SINGULAR = {"kinds": "kind", "models": "model", "constraints": "constraint"}
#: A call of Python, and what stands in quotes, are left as they are.
_ASIDE = r"""[A-Za-z_][\w.]*\((?:[^()]|\([^()]*\))*\)|(?<!\w)'[^']*'(?!\w)|(?<!\w)"[^"]*"(?!\w)"""
_NAMED = r"(?<![\w.'\"/-])(?P<name>[a-z_]+)=(?!=)"
_CLOSING = {"[": "]", "(": ")", "{": "}"}
_NOTHING = object()


def spoken_in(command: str, words: Sequence[str]) -> Callable[[str], str]:
    """How messages are said in a command; the options that it has are looked up at the first message.

    Args:
        words: of the command line, which are repeated as they were given.
    """

    @functools.cache
    def made() -> Spoken:
        from modelwright.cli.parser import options_of

        return Spoken(options_of(command), options_of("fit") if command == "check" else {}, words)

    return lambda message: made()(message) if "=" in message else message


class Spoken:
    """What the messages of one command are translated by.

    Args:
        options: those of the command: name of the argument -> the option, and what its value is called in help.
        others: those of ``fit``, for a command that says what a fit would be given.
        words: see ``spoken_in``.

    >>> options = {"kind": ("--kind", "COLUMN=KIND"), "groups": ("--groups", "COLUMN")}
    >>> said = Spoken(options, {"without": ("--without", "COLUMN")})
    >>> said("kinds={'medal': ['low', 'high']} or groups='...'; without=['a b'] leaves it out")
    "--kind medal=low,high or --groups COLUMN; fit --without 'a b' leaves it out"
    """

    def __init__(
        self,
        options: Mapping[str, tuple[str, str]],
        others: Mapping[str, tuple[str, str]] | None = None,
        words: Sequence[str] = (),
    ):
        self._options = {name: (f"fit {option}", value) for name, (option, value) in (others or {}).items()}
        self._options |= options
        given = [re.escape(word) for word in sorted(words, key=len, reverse=True) if "=" in word]
        self._pattern = re.compile(f"{'|'.join([*given, _ASIDE])}|{_NAMED}")

    def __call__(self, message: str) -> str:
        """``message`` with options where it named arguments that the command line has."""
        parts, at = [], 0
        for found in self._pattern.finditer(message):
            option, called = self._option(found["name"])
            if not option or found.start() < at:
                continue
            value, end = _value(message, found.end())
            said = option if value is _NOTHING else _told(option, called, value)
            apart = " " if value is _NOTHING and message[end : end + 1].strip(" .,;:)") else ""
            parts += [message[at : found.start()], said, apart]
            at = end
        return "".join([*parts, message[at:]])

    def _option(self, name: str | None) -> tuple[str, str]:
        known = self._options
        return known.get(name or "") or known.get(_SINGULAR.get(name or "", "")) or ("", "")


def _value(message: str, at: int) -> tuple[Any, int]:
    """The value that begins at a place, and where it ends; none where nothing is there that Python could read."""
    end = _end(message, at)
    try:
        return ast.literal_eval(message[at:end]), end
    except (ValueError, SyntaxError):
        return _NOTHING, at


def _end(message: str, at: int) -> int:
    """Where what begins at a place is over: at its last bracket, its second quote, or the end of the word."""
    open_, quote = [], ""
    for place in range(at, len(message)):
        one = message[place]
        if quote:
            quote = "" if one == quote else quote
        elif one in "'\"":
            quote = one
        elif one in _CLOSING:
            open_.append(_CLOSING[one])
        elif open_ and one == open_[-1]:
            open_.pop()
        elif not open_:
            word = re.compile(r"[-+]?\w+(?:\.\w+)*").match(message, place)
            return place if word is None else word.end()
        if not (open_ or quote):
            return place + 1
    return len(message)


def _told(option: str, called: str, value: Any) -> str:
    from modelwright.tasks.account.again import options

    if value is False or (value is None and not option.endswith("--min-gain")):
        return f"without {option}"
    return " ".join(options({"": _filled(value, called)}, {"": option})) or option


def _filled(value: Any, called: str) -> Any:
    """A value with what help calls it in place of the dots that stand for any."""
    if isinstance(value, Mapping):
        return {
            name: "KIND" if one is ... else ["LOW", "...", "HIGH"] if one == [...] else one
            for name, one in value.items()
        }
    return called if value in ("...", ..., [...]) else value
