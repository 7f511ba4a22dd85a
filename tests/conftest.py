"""How tests are found: files may share a name, and import the small modules that lie beside them."""

from __future__ import annotations

import sys
from pathlib import Path

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
