"""One PostgreSQL server for all tests of stores; they skip where none is installed."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from postgres_server import Server, find_tools


@pytest.fixture(scope="session")
def postgres():
    tools = find_tools()
    if tools is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    pytest.importorskip("pg8000", reason="pip install 'modelwright[postgres]'")
    folder = Path(tempfile.mkdtemp(prefix="modelwright-postgres-"))
    os.chmod(folder, 0o755)
    server = Server(folder / "server", tools)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)
