"""The layers: what the linter holds, the linter's contract is complete, and the architecture page shows the same."""

from __future__ import annotations

import ast
import re

import pytest
from source_tree import PACKAGE, ROOT, layers, modules, parsed, pyproject, short


def heights() -> dict[str, int]:
    """Package -> line of the contract, counted from the bottom."""
    return {name: height for height, names in enumerate(reversed(layers())) for name in names}


def test_the_contract_is_exhaustive_and_ignores_nothing():
    contracts = {each["id"]: each for each in pyproject()["tool"]["importlinter"]["contracts"]}
    assert contracts["layers"]["exhaustive"] is True
    for contract in contracts.values():
        assert "ignore_imports" not in contract and "exhaustive_ignores" not in contract
        assert not [line for line in contract["layers"] if "(" in line], "optional layers may be forgotten"


def test_every_package_has_its_layer_and_every_layer_exists():
    there = {p.stem for p in PACKAGE.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()} - {"__init__"}
    assert set(heights()) == there


@pytest.mark.parametrize("path", modules(), ids=short)
def test_no_module_names_a_package_above_it_not_even_for_types(path):
    """The linter leaves out imports for type checkers, since the package's root has them for all of its names."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    mine = parts[0]
    if mine == "__init__":
        pytest.skip("the root names everything, and loads it when it is asked for")
    height, wrong = heights(), []
    for node in ast.walk(parsed(path)):
        names = []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{short(path)}:{node.lineno} imports relatively"
            if node.module == "modelwright":
                names = [f"modelwright.{alias.name}" for alias in node.names]
            else:
                names = [node.module or ""]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            root, _, rest = name.partition(".")
            other = rest.split(".")[0] if root == "modelwright" else ""
            if other in height and other != mine and height[other] >= height[mine]:
                wrong.append(f"line {node.lineno}: {name}")
    assert not wrong, f"{short(path)} reaches up or sideways: {wrong}"


@pytest.mark.parametrize("path", modules(), ids=short)
def test_nobody_takes_what_another_package_keeps_to_itself(path):
    """Names with an underscore are their package's own; a study's are those of ``api``, whose doors are ``Engine``,
    ``open_study`` and ``view_of``."""
    mine, wrong = path.relative_to(PACKAGE).with_suffix("").parts[0], []
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("modelwright."):
            other = (node.module or "").split(".")[1]
            private = [alias.name for alias in node.names if re.match(r"_[^_]", alias.name)]
            wrong += [f"line {node.lineno}: {node.module}.{name}" for name in private if other != mine]
        elif isinstance(node, ast.Attribute) and re.match(r"_[^_]", node.attr) and mine != "api":
            held = node.value
            name = held.id if isinstance(held, ast.Name) else held.attr if isinstance(held, ast.Attribute) else ""
            if name in ("study", "_study"):
                wrong.append(f"line {node.lineno}: {name}.{node.attr}")
    assert not wrong, f"{short(path)}: {wrong}"


def test_the_architecture_page_shows_the_linters_layers():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- layers -->\n```text\n(.*?)```", page, re.DOTALL)
    assert found, "docs/architecture.md needs a ```text block behind the line <!-- layers -->"
    drawn = [[n.strip() for n in line.split("  ")[0].split("|")] for line in found[1].splitlines() if line.strip()]
    assert drawn == [names for names in layers() if names != ["__main__"]]
