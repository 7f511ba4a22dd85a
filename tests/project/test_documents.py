"""What people read: links lead somewhere, code runs or at least parses, nothing public is left out."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from source_tree import ROOT, documents, pyproject, short

import modelwright
from modelwright.strategy import NAMES

FENCE = re.compile(r"(<!-- run -->\n)?^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)")


def prose(path: Path) -> str:
    """A document without its code blocks."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """The headings of a document, as links name them."""
    found = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("path", documents(), ids=short)
def test_links_inside_the_project_lead_somewhere(path):
    broken = []
    for target in LINK.findall(prose(path)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        to = (path.parent / file).resolve() if file else path
        if not to.exists() or (anchor and to.suffix == ".md" and anchor not in anchors(to)):
            broken.append(target)
    assert not broken


def blocks(language: str, marked: bool) -> list:
    """The code blocks of a language in all documents, by where they begin; ``marked`` are those that are to be run."""
    found = []
    for path in documents():
        text = path.read_text(encoding="utf-8")
        for match in FENCE.finditer(text):
            if match[2] == language and bool(match[1]) == marked:
                line = text.count("\n", 0, match.start()) + 1
                found.append(pytest.param(match[3], id=f"{short(path)}:{line}"))
    return found


@pytest.mark.parametrize("code", blocks("python", marked=False))
def test_python_in_the_documents_parses(code):
    if ">>> " not in code:  # those are run as doctests
        ast.parse(code)


@pytest.mark.parametrize("code", blocks("python", marked=True))
def test_python_that_is_marked_to_run_runs(code, tmp_path):
    pytest.importorskip("keras", reason="the examples of the documents train models")
    script = tmp_path / "example.py"
    script.write_text(code, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_the_readme_has_an_example_that_runs():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert any(match[1] for match in FENCE.finditer(text) if match[2] == "python")


def test_every_strategy_is_described():
    page = (ROOT / "docs" / "strategies.md").read_text(encoding="utf-8")
    described = set(re.findall(r'^\| `"([\w-]+)"` \|', page, re.MULTILINE))
    assert described == set(NAMES)


def test_every_root_name_is_explained():
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert not [n for n in modelwright.__all__ if n != "__version__" and f"`mw.{n}" not in page]


def test_every_extra_is_named_where_people_install():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert not [x for x in pyproject()["project"]["optional-dependencies"] if f"`{x}`" not in text]


def test_every_requirement_of_the_core_has_its_reason():
    record = (ROOT / "docs" / "decisions" / "0006-core-dependencies-and-tools.md").read_text(encoding="utf-8").lower()
    names = [re.split(r"[<>=\[ ]", text)[0] for text in pyproject()["project"]["dependencies"]]
    assert not [name for name in names if f"**{name}" not in record]


def test_every_make_target_of_the_documents_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    known = set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
    named = {t for path in documents() for t in re.findall(r"`make ([\w-]+)", path.read_text(encoding="utf-8"))}
    assert named and named <= known


def test_the_changelog_has_an_unreleased_part_on_top():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[?([^\]\n]+)\]?", text, re.MULTILINE)
    assert versions[0] == "Unreleased"
    entries = text.split("## [Unreleased]")[1].split("\n## ")[0]
    assert re.search(r"^### (Added|Changed|Deprecated|Removed|Fixed|Security)$", entries, re.MULTILINE)
    assert re.search(r"^- ", entries, re.MULTILINE)


def test_decisions_are_numbered_without_gaps_and_say_what_they_cost():
    records = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [int(p.name[:4]) for p in records] == list(range(1, len(records) + 1))
    for path in records:
        parts = re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert parts == ["Context", "Choice", "Price", "When to revisit"], short(path)
    index = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    assert not [p.name for p in records if p.name not in index]
