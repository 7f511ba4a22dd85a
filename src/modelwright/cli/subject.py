"""``module:name`` and ``path/to/file.py:name``: the user's own code, found and loaded."""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from modelwright.cli.output import UsageError
from modelwright.core.errors import SubjectError

_ALLOWED = "module:name or path/to/file.py:name"


class CodeError(SubjectError):
    """The user's own code, or what it calls, raised; the original is the ``__cause__``."""


def load(reference: str, option: str) -> Any:
    """What ``reference`` names.

    Args:
        reference: ``package.module:name`` or ``path/to/file.py:name``; a dotted name goes on into attributes.
        option: which argument it was, for messages.

    Raises:
        UsageError: it is no such reference.
        SubjectError: no such file, module or name.
        CodeError: the module could not be run.
    """
    place, colon, name = reference.rpartition(":")
    if not colon or not place or not name:
        what, known = reference.strip(":"), Path(reference.rstrip(":")).suffix == ".py"
        hint = f"Which function of it? Write {what}:NAME." if what and not (colon and name) and known else ""
        raise UsageError(f"{reference!r} names no function", where=option, allowed=_ALLOWED, hint=hint)
    is_file = place.endswith(".py") or os.sep in place
    if is_file:
        _check_defined(name, place, option)
    module = load_file(Path(place).expanduser(), option) if is_file else _from_name(place, option)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise SubjectError(f"there is no {name!r} in {place}", where=option, hint=_similar(part, found))
        found = getattr(found, part)
    return found


def _check_defined(name: str, place: str, option: str) -> None:
    """Refuse a name that a file does not define, before the file is run: what it does at its top may take long."""
    first, path = name.partition(".")[0], Path(place).expanduser()
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return  # loading it says why
    if first in _bound(tree) or _open_ended(tree):
        return
    own = [node.name for node in tree.body if isinstance(node, _DEFINITIONS) and not node.name.startswith("_")]
    near = difflib.get_close_matches(first, own, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"It defines {', '.join(own[:10])}." if own else ""
    raise SubjectError(f"there is no {name!r} in {place}, which was not run", where=option, hint=hint)


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _bound(tree: ast.Module) -> set[str]:
    """Names that a module's own statements bind, in whatever branch; what functions declare global counts too."""
    found = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
    left: list[ast.AST] = [*tree.body]
    while left:
        node = left.pop()
        if isinstance(node, _DEFINITIONS):
            found.add(node.name)
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update(alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, (ast.MatchAs, ast.MatchStar, ast.MatchMapping)):
            found.add(str(node.rest if isinstance(node, ast.MatchMapping) else node.name))
        left += ast.iter_child_nodes(node)
    return found


def _open_ended(tree: ast.Module) -> bool:
    """Whether a module may hold names that its statements do not show."""
    if {"*", "__getattr__"} & _bound(tree):
        return True
    words = {getattr(node, "id", getattr(node, "attr", None)) for node in ast.walk(tree)}
    return bool(words & {"globals", "locals", "vars", "exec", "setattr", "modules", "__dict__"})


def load_file(path: Path, option: str) -> ModuleType:
    """The module that a file is, run under a name of its own that is not ``__main__``."""
    if not path.is_file():
        raise SubjectError(f"there is no file {str(path)!r}", where=option, hint=f"Here is {os.getcwd()}")
    path = path.absolute()
    known = next((m for m in list(sys.modules.values()) if getattr(m, "__file__", None) == str(path)), None)
    if known is not None and known.__name__ != "__main__":
        return known
    taken = path.stem in sys.modules or path.stem in sys.stdlib_module_names or not path.stem.isidentifier()
    name = f"modelwright_subject_{''.join(c if c.isalnum() else '_' for c in path.stem)}" if taken else path.stem
    _first_on_path(str(path.parent))
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SubjectError(f"{str(path)!r} is not a Python file", where=option, allowed=_ALLOWED)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise CodeError(f"loading it raised {type(error).__name__}: {error}", where=str(path)) from error
    return module


def _from_name(name: str, option: str) -> ModuleType:
    _first_on_path(os.getcwd())
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            hint = f"Looked in {os.getcwd()} and where Python looks. For a file write its path: {name}.py:name"
            raise SubjectError(f"there is no module {error.name!r}", where=option, hint=hint) from None
        raise CodeError(f"importing it raised {type(error).__name__}: {error}", where=name) from error
    except (Exception, SystemExit) as error:
        raise CodeError(f"importing it raised {type(error).__name__}: {error}", where=name) from error


def _first_on_path(folder: str) -> None:
    if folder not in sys.path:
        sys.path.insert(0, folder)


def _similar(name: str, module: Any) -> str:
    known = [n for n in vars(module) if not n.startswith("_")] if hasattr(module, "__dict__") else []
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"Did you mean {near[0]!r}?"
    own = [n for n in known if getattr(getattr(module, n), "__module__", None) == getattr(module, "__name__", "")]
    return f"It defines {', '.join(own[:10])}." if own else ""
