"""What a command writes and where: data to standard output, messages to standard error. Knows no study.

Whatever a user named something, a terminal shows it and does not obey it.
"""

from __future__ import annotations

import enum
import io
import json
import math
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from modelwright.core.errors import ArgumentError, ModelwrightError, StoreError
from modelwright.core.files import behind, drafted
from modelwright.report.text import clean, clean_block

#: Version of every JSON document that a command prints.
SCHEMA_VERSION = 1


class Exit(enum.IntEnum):
    """Exit codes of every command; ``docs/cli.md`` explains them."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    INPUT = 3
    NO_MODEL = 4
    STORE = 5
    AUTH = 6
    INTERRUPTED = 130


class UsageError(ModelwrightError):
    """The command line itself cannot be understood, or asks for something that needs a further option."""


class Declined(ModelwrightError):
    """A question was answered with no."""


def exit_of(error: ModelwrightError) -> Exit:
    """The exit code that says what kind of error it is."""
    if isinstance(error, UsageError):
        return Exit.USAGE
    if isinstance(error, Declined):
        return Exit.INTERRUPTED
    return Exit.STORE if isinstance(error, StoreError) else Exit.INPUT


class Output:
    """Where one command writes.

    Args:
        as_json: data and errors are JSON documents with a ``schema_version``.
        quiet: no messages but errors.

    Attributes:
        spoken: what messages that were made for callers from Python are in the words of the command.
    """

    def __init__(self, *, as_json: bool = False, quiet: bool = False):
        self.as_json, self.quiet = as_json, quiet
        self.spoken: Callable[[str], str] = str

    def data(self, text: str) -> None:
        """Print data as they are; the caller made them harmless."""
        if sys.stdout is not None and text:
            sys.stdout.write(text if text.endswith("\n") else text + "\n")

    def table(self, text: str) -> None:
        """Print lines of a table, to a program as they are; a terminal shows what is in them and does not obey it."""
        if sys.stdout is not None and sys.stdout.isatty():
            text = clean_block(text)
        self.data(text)

    def document(self, body: Mapping[str, Any]) -> None:
        """Print one JSON document."""
        self.data(json.dumps({"schema_version": SCHEMA_VERSION, **finite(body)}, indent=2, allow_nan=False))

    def say(self, message: str) -> None:
        """A message for people, unless ``--quiet``."""
        if not self.quiet:
            self.complain(message)

    def complain(self, message: str) -> None:
        """A message for people that even ``--quiet`` does not silence."""
        if sys.stderr is not None:
            sys.stderr.write(clean_block(message) + "\n")
            sys.stderr.flush()

    def error(self, code: Exit, error: BaseException, message: str = "") -> Exit:
        """Say what went wrong, on standard error and with ``--json`` as a document too; returns ``code``."""
        made_here = isinstance(error, UsageError) or not isinstance(error, ModelwrightError)
        spoken = str if made_here else self.spoken
        told = spoken(message or str(error) or type(error).__name__)
        self.complain(f"modelwright: {told}")
        if self.as_json:
            body: dict[str, Any] = {"code": int(code), "type": type(error).__name__, "message": told}
            if isinstance(error, ModelwrightError):
                body.update((name, spoken(getattr(error, name))) for name in ("what", "where", "allowed", "hint"))
            self.document({"error": body})
        return code


def finite(value: Any) -> Any:
    """``value`` as strict JSON knows it: NaN and infinities become the strings "nan", "inf" and "-inf".

    >>> finite({"a": (1.5, float("inf")), "b": {3}})
    {'a': [1.5, 'inf'], 'b': '{3}'}
    """
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else repr(float(value))
    return value if value is None or isinstance(value, (str, bool, int)) else clean(value)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a whole file or none; into a pipe or a device, where that is what is there.

    Raises:
        ArgumentError: it cannot be written; what was there is unchanged.
    """
    raw = content.encode("utf-8") if isinstance(content, str) else content
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(raw)
            return
        place = behind(path)
        with drafted(place) as draft:
            draft.write_bytes(raw)
            os.replace(draft, place)
    except OSError as error:
        raise ArgumentError(f"cannot be written: {error.strerror or error}", where=str(path)) from error


def prepare_streams() -> None:
    """Make both streams print any text: what their encoding lacks is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def discard_output() -> None:
    """Nobody reads any more: let the interpreter's last flush go nowhere."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (AttributeError, OSError, ValueError):
        pass
