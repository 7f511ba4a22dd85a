"""What a function computes, as a digest: its instructions and the plain values and functions that it uses.

Spaces, comments, names of locals and the place in a file are no part of it. Runs nothing.
"""

from __future__ import annotations

import contextlib
import dis
import functools
import hashlib
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

#: Instructions of which digests can be compared: others mean the same by other instructions.
PYTHON = str(sys.implementation.cache_tag)
_NAMED = frozenset((*dis.hasconst, *dis.hasname))
#: How a function names what it keeps from call to call, and changes what it was given: none of it says what it is.
_STORES = ("STORE_GLOBAL", "STORE_DEREF", "STORE_ATTR", "DELETE_GLOBAL", "DELETE_DEREF", "DELETE_ATTR")
_ITEMS = frozenset({"STORE_SUBSCR", "DELETE_SUBSCR"})
_CHANGES = frozenset("add append clear discard extend insert pop popitem remove setdefault sort update".split())
_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...))


def fingerprint(value: Any) -> str:
    """A digest of a function, of an object that is called like one, or of a plain value.

    >>> fingerprint(lambda y, p: (y == p).mean()) == fingerprint(lambda y, q: (y==q).mean())
    True
    >>> fingerprint(lambda y, p: (y == p).mean()) == fingerprint(lambda y, p: 2 * (y == p).mean())
    False
    """
    told = "\x00".join(_Reader().told(value))
    return hashlib.sha256(told.encode(errors="surrogatepass")).hexdigest()[:12]


def is_installed(function: Any) -> bool:
    """Whether a function or a class is of Python or of an installed package, so that its name says what it is."""
    code, home = getattr(function, "__code__", None), getattr(function, "__module__", None)
    file = getattr(sys.modules.get(home or ""), "__file__", None) if code is None else code.co_filename
    if file is None:
        return home != "__main__"
    within = {"site-packages", "dist-packages"} & set(Path(file).parts)
    return bool(within) or file.startswith((sysconfig.get_path("stdlib"), "<frozen"))


class _Reader:
    """Tells values as texts; each function once, since they may call each other."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def told(self, value: Any, *, changes: bool = False) -> Iterator[str]:
        """Texts that are the same for the same value.

        Args:
            changes: whether who uses it may change it: then it counts only if nobody can.
        """
        if isinstance(value, np.generic):
            value = value.item()
        wrapped = None if isinstance(value, type) else getattr(value, "__wrapped__", None)
        if isinstance(value, _PLAIN):
            yield f"{type(value).__name__} {value!r}"
        elif isinstance(value, list | tuple | set | frozenset | Mapping | np.ndarray):
            yield type(value).__name__
            if isinstance(value, tuple | frozenset) or not changes:
                yield from self._several(value)
        elif isinstance(value, functools.partial):
            yield from self.told((value.func, value.args, value.keywords))
        elif isinstance(value, MethodType):
            yield from self.told((value.__func__, value.__self__))
        elif callable(wrapped) and is_installed(value):
            yield from self.told(wrapped)
        elif isinstance(value, FunctionType):
            yield from self._once(value, self._function)
        elif isinstance(value, type | ModuleType) or is_installed(type(value)):
            yield _name(value if hasattr(value, "__name__") else type(value))
        else:
            yield from self._once(value, self._object)

    def _once(self, value: Any, tell: Callable[[Any], Iterator[str]]) -> Iterator[str]:
        if id(value) not in self._seen:
            self._seen.add(id(value))
            yield from tell(value)

    def _several(self, values: Any) -> Iterator[str]:
        if id(values) in self._seen:  # it holds itself
            return
        self._seen.add(id(values))
        if isinstance(values, np.ndarray) and values.dtype.kind != "O":
            yield f"{values.dtype} {values.shape} {hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()}"
        else:
            listed = values.items() if isinstance(values, Mapping) else values
            parts = ["\x01".join(self.told(one)) for one in listed]
            yield from sorted(parts) if isinstance(values, set | frozenset) else parts
        self._seen.discard(id(values))

    def _function(self, function: FunctionType) -> Iterator[str]:
        codes, theirs = list(_codes(function.__code__)), is_installed(function)
        stored, changes = _changed(codes)
        used = _cells(function)
        if theirs:
            yield _name(function)
            if not used:  # what makes functions gives them all one name
                return
        else:
            yield from self._instructions(codes)
            names = {str(one.argval) for code in codes for one in dis.get_instructions(code) if "_GLOBAL" in one.opname}
            used = {name: function.__globals__[name] for name in names if name in function.__globals__} | used
        yield from self.told((function.__defaults__, function.__kwdefaults__))
        yield from self._used(used, stored, changes)

    def _object(self, value: Any) -> Iterator[str]:
        """An object of a user's class: its methods, and what it was made with."""
        methods = {
            name: one
            for base in reversed(type(value).__mro__)
            for name, one in vars(base).items()
            if isinstance(one, FunctionType) and name != "__init__" and not is_installed(one)
        }
        stored, changes = _changed(code for one in methods.values() for code in _codes(one.__code__))
        yield type(value).__qualname__
        yield from self._used(methods, set(), False)
        yield from self._used(getattr(value, "__dict__", {}), stored, changes)

    def _used(self, values: Mapping[str, Any], stored: set[str], changes: bool) -> Iterator[str]:
        for name, value in sorted(values.items()):
            if name not in stored:
                yield name
                yield from self.told(value, changes=changes)

    def _instructions(self, codes: Iterable[CodeType]) -> Iterator[str]:
        for code in codes:
            yield f"{code.co_argcount} {code.co_posonlyargcount} {code.co_kwonlyargcount}"
            for one in dis.get_instructions(code):
                if one.opname == "EXTENDED_ARG" or isinstance(one.argval, CodeType):
                    continue
                yield one.opname
                yield from self.told(one.argval) if one.opcode in _NAMED else [str(one.arg)]


def _name(value: Any) -> str:
    return f"{str(getattr(value, '__module__', '')).partition('.')[0]} {value.__name__}"


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code, and that of the functions within it."""
    yield code
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from _codes(one)


def _cells(function: FunctionType) -> dict[str, Any]:
    """What a function has from where it was made."""
    found = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):  # it is empty yet
            found[name] = cell.cell_contents
    return found


def _changed(codes: Iterable[CodeType]) -> tuple[set[str], bool]:
    """Names that functions store under, and whether they may change what they were given."""
    stored, changes = set[str](), False
    for one in (one for code in codes for one in dis.get_instructions(code)):
        changes |= one.opname in _ITEMS or (one.opcode in dis.hasname and one.argval in _CHANGES)
        if one.opname in _STORES:
            stored.add(str(one.argval))
    return stored, changes
