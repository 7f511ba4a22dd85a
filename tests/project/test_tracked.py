"""What is committed: no databases, which are what somebody's run left."""

import re
import subprocess

import pytest
from source_tree import ROOT

DATABASE = re.compile(r"\.(db|sqlite3?)(-(journal|wal|shm))?$")


def test_no_database_is_tracked():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a checkout of git")
    assert [name for name in listed.stdout.splitlines() if DATABASE.search(name)] == []
