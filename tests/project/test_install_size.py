"""What an extra brings along: packages are counted as they are installed here."""

import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
#: Frameworks and libraries that draw: who has tables needs none of them.
HEAVY = {
    "keras",
    "tensorflow",
    "torch",
    "jax",
    "matplotlib",
    "plotly",
    "seaborn",
    "bokeh",
    "pandas",
    "nvidia-nccl-cu12",
}


def packages(extra):
    """Names of all packages of an extra, with what they need themselves."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    waiting = [Requirement(line) for line in (*project["dependencies"], *project["optional-dependencies"][extra])]
    found = {"modelwright"}
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        if name in found:
            continue
        found.add(name)
        try:
            lines = requires(name) or []
        except PackageNotFoundError:
            pytest.skip(f"{name} is not installed here")
        needed = [Requirement(line) for line in lines]
        extras = one.extras or {""}
        waiting += [n for n in needed if n.marker is None or any(n.marker.evaluate({"extra": e}) for e in extras)]
    return found


def test_tables_need_at_most_twenty_packages_and_no_framework():
    found = packages("tables")
    assert {"lightgbm", "xgboost-cpu", "scikit-learn"} <= found
    assert len(found) <= 20, sorted(found)
    assert not found & HEAVY


def test_nothing_that_users_install_is_held_below_a_version_to_come():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [lines for name, lines in project["optional-dependencies"].items() if name not in ("dev", "bench")]
    lines = [*project["dependencies"], *(one for found in extras for one in found)]
    held = [
        line for line in lines if any(one.operator in ("<", "<=", "==", "~=") for one in Requirement(line).specifier)
    ]
    assert not held
