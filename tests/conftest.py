"""How tests are found: files may share a name, and import the small modules that lie beside them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes says more about the machine than about the code.
settings.register_profile("modelwright", deadline=None)
settings.load_profile("modelwright")

HERE = Path(__file__).parent

# What lies beside a test (a small space, the source as trees) is imported by its plain name. The folder of all tests
# stays out of the path: its ``keras_tuner`` would be found where a real one is looked for.
sys.path[:0] = sorted({str(path.parent) for path in HERE.glob("*/*.py")} - set(sys.path))


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Examples in docstrings are looked for in the package, not in what lies beside tests."""
    own = collection_path.suffix == ".py" and collection_path.is_relative_to(HERE)
    return True if own and not collection_path.name.startswith("test_") and collection_path != HERE else None


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """What is packed may hold the second it was packed in, which would name a test differently in each process."""
    return argname if isinstance(val, bytes) and val.startswith((b"\x1f\x8b", b"PK")) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where two processes share the tests, those of one file stay together, as do all that start a cluster."""
    if getattr(config.option, "dist", "no") == "no":
        return
    for item in items:
        clusters = item.path.name.startswith("test_ray") and item.path.is_relative_to(HERE)
        item.add_marker(pytest.mark.xdist_group("clusters" if clusters else str(item.path)))
