"""How another process can make the same call of ``tune``: what was given, by name, with the hashes of the sources.

Owns the form in which a study's definition keeps the call. Imports and runs nothing; ``cli.worker`` does.
"""

from __future__ import annotations

import base64
import hashlib
import inspect
import json
import os
import sys
import zlib
from collections.abc import Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from modelwright.core.codec import dumps
from modelwright.core.errors import ModelwrightError
from modelwright.core.objective import Objective
from modelwright.core.wording import kind_of
from modelwright.execute.transfer import is_local

#: Arguments that are no part of what is searched: the budget stands in the definition, the rest is each session's own.
OWN = frozenset(
    "subject data trials seconds workers executor store name verbose pickled min_gain first results prior "
    "transfer confirm".split()
)
#: Characters of source text that are kept for a comparison, and modules that are hashed, at most.
_TEXT, _MODULES = 1 << 16, 50

#: The data were read by a command: how it can be read again.
READ: ContextVar[Mapping[str, Any] | None] = ContextVar("modelwright_read", default=None)
_CATCHING: ContextVar[bool] = ContextVar("modelwright_catching", default=False)


class Caught(BaseException):
    """A script that is being imported called ``tune``; it ends there.

    Attributes:
        asked: the arguments.
    """

    def __init__(self, asked: dict[str, Any]):
        super().__init__("modelwright.tune was called while a worker imported this file")
        self.asked = asked


@contextmanager
def catching():
    """Within, a call of ``tune`` raises ``Caught`` instead of searching."""
    token = _CATCHING.set(True)
    try:
        yield
    finally:
        _CATCHING.reset(token)


def catch(asked: dict[str, Any]) -> None:
    """Raise ``Caught`` where that is wanted."""
    if _CATCHING.get():
        raise Caught(asked)


# --- keeping a call -----------------------------------------------------------------------------------


def described_call(asked: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """A call of ``tune`` as plain values.

    Args:
        asked: its arguments by name.
        defaults: those that need not be kept.

    Returns:
        ``subject``, ``data`` and ``options``, each value as ``{"plain": ...}``, ``{"function": ...}`` or ``{"read":
        ...}``; ``lacks``, what could not be named -> why; ``sources``, the files with their hashes; ``texts``, their
        text, packed.
    """
    lacks: dict[str, str] = {}
    functions: list[Any] = []

    def keep(value: Any, what: str) -> dict[str, Any] | None:
        try:
            if isinstance(value, Path):
                return {"plain": str(value.absolute())}
            if callable(value):
                found = {"function": reference(value)}
                functions.append(value)
                return found
            dumps(_checked(value))
            return {"plain": value}
        except ModelwrightError as error:
            lacks[what] = error.what
            return None

    read = READ.get()
    options: dict[str, Any] = {}
    for name, value in asked.items():
        if name in OWN or _same(value, defaults.get(name)) or (name == "objective" and not callable(value)):
            continue  # the objectives are in the definition
        if name == "space" and not callable(value):
            options[name] = {"declared": True}
        elif name == "trackers":  # those with names; an object is told of its own session alone
            several = value if isinstance(value, (list, tuple)) else (value,)
            options[name] = {"plain": [one for one in several if isinstance(one, str)]}
        elif not (name == "validation_data" and read) and (kept := keep(value, name)) is not None:
            options[name] = kept
    data = [] if read else [keep(part, f"data[{i}]") for i, part in enumerate(asked.get("data", ()))]
    subject = keep(asked["subject"], "subject") if callable(asked["subject"]) else None
    if subject is None:
        lacks.setdefault("subject", f"{kind_of(asked['subject'])} is an object of the process that made it")
    sources, texts = _sources(functions)
    return {
        "subject": subject,
        "data": data,
        "read": dict(read) if read else None,
        "options": options,
        "lacks": lacks,
        "sources": sources,
        "texts": texts,
        "folder": os.getcwd(),
    }


def _same(value: Any, default: Any) -> bool:
    if value is default:
        return True
    try:
        return type(value) is type(default) and bool(value == default)
    except (ValueError, TypeError):
        return False


def _checked(value: Any) -> Any:
    """``value`` when it is made of plain ones; unlike the codec, which writes arrays as lists, arrays are refused."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, (tuple, list)):
        for part in value:
            _checked(part)
        return value
    if isinstance(value, Mapping):
        for part in value.values():
            _checked(part)
        return value
    shape = getattr(value, "shape", None)
    shown = f" of {' x '.join(map(str, shape))}" if isinstance(shape, tuple) and shape else ""
    raise ModelwrightError(f"{kind_of(value)}{shown} is in the memory of the process that made it")


def reference(function: Any) -> dict[str, Any]:
    """Where another process finds a function or class: module, file and name.

    Raises:
        ModelwrightError: nowhere, and why.
    """
    name = getattr(function, "__qualname__", "")
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    if getattr(function, "__self__", None) is not None and not inspect.isbuiltin(function):
        raise ModelwrightError(f"{name} is a method of an object of the process that made it")
    if not name:
        raise ModelwrightError(f"{kind_of(function)} is an object of the process that made it")
    if "<" in name:
        raise ModelwrightError(f"{name} is defined inside of a function" if "<locals>" in name else "it is a lambda")
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if module is None or found is not function:
        raise ModelwrightError(f"{name} is not found under that name in {getattr(function, '__module__', '?')}")
    file, known = getattr(module, "__file__", None), getattr(module, "__spec__", None)
    called = module.__name__
    if called == "__main__":
        if not isinstance(file, str) or not Path(file).is_file():
            raise ModelwrightError(f"{name} is defined in a notebook or a shell")
        called = known.name if known is not None else ""
    return {"module": called, "file": str(Path(file).absolute()) if isinstance(file, str) else "", "name": name}


def _sources(functions: list[Any]) -> tuple[list[dict[str, str]], str]:
    """The files that ``functions`` and the user's own modules they use come from; and their text, packed."""
    seen: dict[str, dict[str, str]] = {}
    left = [sys.modules[function.__module__] for function in functions]
    texts: dict[str, str] = {}
    while left and len(seen) < _MODULES:
        module = left.pop(0)
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or not file.endswith(".py") or file in seen:
            continue
        if module.__name__ != "__main__" and not is_local(module):
            continue
        try:
            content = Path(file).read_bytes()
        except OSError:
            continue
        name = "" if module.__name__ == "__main__" else module.__name__
        seen[file] = {"module": name, "file": str(Path(file).absolute()), "sha256": hashlib.sha256(content).hexdigest()}
        texts[seen[file]["sha256"]] = content.decode("utf-8", errors="replace")
        left += _used(module)
    packed = json.dumps(texts)
    small = base64.b85encode(zlib.compress(packed.encode())).decode() if len(packed) <= _TEXT else ""
    return list(seen.values()), small


def _used(module: ModuleType) -> list[ModuleType]:
    """Modules that a module's globals are, or come from."""
    found = []
    for value in list(vars(module).values()):
        if isinstance(value, ModuleType):
            found.append(value)
        elif type(value) in (FunctionType, type):
            found.append(sys.modules.get(value.__module__))
    return [other for other in found if other is not None and other is not module]


def texts_of(call: Mapping[str, Any]) -> dict[str, str]:
    """Hash -> source text, as far as a definition holds it."""
    packed = call.get("texts")
    return json.loads(zlib.decompress(base64.b85decode(packed))) if packed else {}


# --- pickled, when that is asked for ------------------------------------------------------------------


def keep_pickled(asked: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Write a call, with all that it was given, as pickled code to ``folder``; what a definition says of it.

    Raises:
        StudyError: something of it cannot be pickled.
        MediumError: the file cannot be written.
    """
    from modelwright.core.errors import StudyError
    from modelwright.core.medium import cannot_write
    from modelwright.execute.transfer import pack

    kept = {k: v for k, v in asked.items() if k in ("subject", "data") or k not in OWN}
    place = folder / "call"
    try:
        place.mkdir(exist_ok=True, mode=0o700)
        content = pack(kept, place)
        (place / "call.new").write_bytes(content)
        os.replace(place / "call.new", place / "call.pickle")
    except OSError as error:
        raise cannot_write(place, error) from error
    except Exception as error:
        raise StudyError(
            f"the call cannot be pickled: {error}",
            where="pickled=True",
            hint="Make what cannot be copied (open files, locks, sessions) inside of a function.",
        ) from error
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}


def objectives_of(definition: Mapping[str, Any]) -> list[Objective]:
    """What a study optimises."""
    return [Objective(str(name), direction) for name, direction in definition.get("objectives") or ()]
