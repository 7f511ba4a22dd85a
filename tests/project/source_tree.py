"""Where this project's files are, and its own source as syntax trees. Judges nothing."""

from __future__ import annotations

import ast
import functools
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "modelwright"


def modules() -> list[Path]:
    """Every module of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def short(path: Path) -> str:
    """A path as people write it: ``src/modelwright/core/rng.py``."""
    return path.relative_to(ROOT).as_posix()


@functools.cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def documents() -> list[Path]:
    """Every Markdown file that people read, the decision records included."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def pyproject() -> dict:
    """The project's configuration."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def layers() -> list[list[str]]:
    """The linter's contract, from the top down: the packages of each line."""
    contract = next(c for c in pyproject()["tool"]["importlinter"]["contracts"] if c["id"] == "layers")
    return [[name.strip() for name in line.split("|")] for line in contract["layers"]]
