"""Folders with something to tune, and with something tuned."""

import pytest
from cli_process import JOB, run


@pytest.fixture
def folder(tmp_path):
    """An empty folder with ``job.py``."""
    (tmp_path / "job.py").write_text(JOB, encoding="utf-8")
    return tmp_path


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A folder whose default store holds the study "lab": eight trials. Tests only look at it."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "job.py").write_text(JOB, encoding="utf-8")
    done = run(
        *"tune job.py:parabola --objective minimize --trials 8 --strategy random --name lab".split(), folder=folder
    )
    assert done.code == 0, done.err
    return folder
