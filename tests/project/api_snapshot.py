"""The public signatures, as text. ``python tests/project/api_snapshot.py --write`` (or ``make api``) writes them down.

A change of the text is a change of what users rely on: it needs a line in CHANGELOG.md.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

SNAPSHOT = Path(__file__).with_name("api.txt")
ROOTS = ("modelwright", "modelwright.datasets", "modelwright.keras_tuner")


def names(module: ModuleType) -> list[str]:
    """What a module offers: ``__all__``, else everything without an underscore that is no foreign module."""
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return sorted(listed)
    return sorted(
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not (isinstance(value, ModuleType) and not value.__name__.startswith("modelwright"))
    )


def signature(value: Any) -> str:
    """A call's signature without what differs between versions of Python and addresses in memory."""
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return "(...)"
    plain = [p.replace(annotation=p.empty, default=_shown(p.default)) for p in found.parameters.values()]
    return str(found.replace(parameters=plain, return_annotation=found.empty))


class _Shown:
    """A default value that is shown by its kind, since its own text says where it lies in memory."""

    def __init__(self, text: str):
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _shown(default: Any) -> Any:
    if default is inspect.Parameter.empty or " at 0x" not in repr(default):
        return default
    return _Shown(f"<{type(default).__name__}>")


def members(kind: type) -> Iterator[tuple[str, str]]:
    """Public members of a class that our own code defines, with their signatures."""
    for name in sorted(dir(kind)):
        if name.startswith("_"):
            continue
        homes = [base for base in kind.__mro__ if name in vars(base)]
        if not homes or not homes[0].__module__.startswith("modelwright"):
            continue
        value = inspect.getattr_static(kind, name)
        if isinstance(value, (property, functools.cached_property)):
            yield name, ": property"
        elif isinstance(value, (staticmethod, classmethod)):
            yield name, signature(getattr(kind, name)) + f" [{type(value).__name__}]"
        elif callable(value):
            yield name, signature(value)
        elif inspect.ismemberdescriptor(value):
            yield name, ": field"


def describe() -> str:
    """The whole snapshot."""
    lines: list[str] = []
    for root in ROOTS:
        module = importlib.import_module(root)
        lines += ["", f"[{root}]"]
        for name in names(module):
            if name == "__version__":
                continue
            value = getattr(module, name)
            if isinstance(value, ModuleType):
                lines.append(f"{name}: module")
                if root.endswith("keras_tuner"):
                    lines += [f"  {name}.{n}{_kind(getattr(value, n))}" for n in names(value)]
            elif inspect.isclass(value):
                lines.append(f"{name}{signature(value)}")
                if not issubclass(value, BaseException):
                    lines += [f"  .{n}{text}" for n, text in members(value)]
            else:
                lines.append(f"{name}{_kind(value)}")
    return "\n".join(lines[1:]) + "\n"


def _kind(value: Any) -> str:
    if isinstance(value, ModuleType):
        return ": module"
    return signature(value) if callable(value) else f": {type(value).__name__}"


def main(arguments: list[str]) -> int:
    """Print the snapshot, or write it to its file."""
    if arguments == ["--write"]:
        SNAPSHOT.write_text(describe(), encoding="utf-8")
        print(f"wrote {SNAPSHOT}")
    elif arguments:
        print(__doc__)
        return 2
    else:
        print(describe(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
