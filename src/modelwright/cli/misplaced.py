"""Options that stand in front of their command, where they mean nothing. Does not know what they mean behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modelwright.cli.output import UsageError


def refuse_before(words: Sequence[str], options: Mapping[str, Sequence[str]]) -> None:
    """Refuse an option of a command that stands before the command, where it means nothing.

    Args:
        options: of each command.

    Raises:
        UsageError: it says where the option goes.
    """
    first = words[0].partition("=")[0] if words else ""
    takers = [name for name, known in options.items() if first in known and first not in ("-h", "--help")]
    meant = next((word for word in words if word in takers), None) or next((w for w in words if w in options), None)
    if not takers or meant is None:
        return
    hint = f"Write it behind the command: modelwright {meant} {first}"
    if meant not in takers:
        hint = f"{meant} does not take it. See: modelwright {meant} --help"
    raise UsageError(f"{first} stands before the command", allowed="modelwright COMMAND [options]", hint=hint)
