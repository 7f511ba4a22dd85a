"""Budgets for the code itself. What exceeds one is listed, with its reason, in docs/decisions/size-exceptions.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from source_tree import ROOT, modules, parsed, short

import modelwright

FILE_LINES, FUNCTION_LINES, PARAMETERS, ROOT_NAMES = 400, 60, 8, 40
#: Packages whose public functions are doors: they take what their users know from Keras, KerasTuner and scikit-learn,
#: or, in ``nas.spaces``, everything that may be searched.
DOORS = ("api", "keras_tuner", "nas/spaces")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def exceptions() -> set[str]:
    """What may exceed a budget: the first column of the table in the list, as ``path`` or ``path::function``."""
    text = (ROOT / "docs" / "decisions" / "size-exceptions.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE))


def functions(path: Path) -> Iterator[tuple[str, Function]]:
    """Every function and method of a file, by its dotted name."""

    def inside(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield prefix + child.name, child
                yield from inside(child, f"{prefix}{child.name}.")
            elif isinstance(child, ast.ClassDef):
                yield from inside(child, f"{prefix}{child.name}.")
            else:
                yield from inside(child, prefix)

    yield from inside(parsed(path), "")


def length(function: Function) -> int:
    """Lines of the body without its docstring: promises may be as long as they need to be."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def parameters(function: Function) -> int:
    """Named parameters, ``self`` and ``cls`` aside."""
    given = function.args
    names = [a.arg for a in [*given.posonlyargs, *given.args, *given.kwonlyargs]]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def is_door(path: Path, name: str) -> bool:
    """Whether users call it: named without an underscore, in a package of doors."""
    public = not any(part.startswith("_") and part != "__init__" for part in name.split("."))
    package = path.relative_to(ROOT / "src" / "modelwright").parent.as_posix()
    return public and any(f"{package}/".startswith(f"{door}/") for door in DOORS)


def over_budget() -> dict[str, str]:
    """Everything that exceeds a budget -> what it exceeds."""
    found: dict[str, str] = {}
    for path in modules():
        count = len(path.read_text(encoding="utf-8").splitlines())
        if count > FILE_LINES:
            found[short(path)] = f"{count} lines, {FILE_LINES} are allowed"
        for name, function in functions(path):
            where = f"{short(path)}::{name}"
            if length(function) > FUNCTION_LINES:
                found[where] = f"{length(function)} lines, {FUNCTION_LINES} are allowed"
            elif parameters(function) > PARAMETERS and not is_door(path, name):
                found[where] = f"{parameters(function)} parameters, {PARAMETERS} are allowed"
    return found


def test_nothing_grows_beyond_its_budget():
    found, allowed = over_budget(), exceptions()
    wrong = [f"{where}: {what}" for where, what in found.items() if where not in allowed]
    assert not wrong, "\n".join(["too large (divide it, or list it in docs/decisions/size-exceptions.md):", *wrong])


def test_the_list_of_exceptions_names_only_what_still_needs_one():
    assert not exceptions() - set(over_budget())


def test_few_names_at_the_root():
    assert len(modelwright.__all__) <= ROOT_NAMES


def test_no_name_says_nothing():
    empty = re.compile(r"(^|_)(utils?|helpers?|managers?|misc|common)(_|$)")
    assert not [short(p) for p in modules() if any(empty.search(part) for part in p.with_suffix("").parts[-3:])]


def test_every_module_says_what_it_owns():
    silent = [short(p) for p in modules() if p.read_text(encoding="utf-8").strip() and not ast.get_docstring(parsed(p))]
    assert not silent
