"""What a process that is killed leaves: no folder for good, and no words of its workers."""

import signal
import socket
import struct
import subprocess
import sys
import tempfile

import pytest

from modelwright.core.passing import PassingFolder

USES = """
import sys
from modelwright.core.passing import PassingFolder

folder = PassingFolder("modelwright-share-")
(folder.path / "array-0.npy").write_bytes(b"0" * 1000)
print(folder.path, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_the_folder_of_a_killed_process_goes_with_the_next_one_and_no_other_does(temporary):
    (temporary / "modelwright-share-of-another-kind").mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", USES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        path = other.stdout.readline().strip()
        mine = PassingFolder("modelwright-share-")
        there = {str(one) for one in temporary.iterdir()}
        assert there == {path, str(mine.path), str(temporary / "modelwright-share-of-another-kind")}
        other.send_signal(signal.SIGKILL)
    PassingFolder("modelwright-share-").close()
    assert {str(one) for one in temporary.iterdir()} == there - {path}
    mine.close()
    mine.close()
    assert [one.name for one in temporary.iterdir()] == ["modelwright-share-of-another-kind"]


def test_a_worker_whose_parent_dies_in_the_middle_of_a_message_says_nothing():
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "modelwright.execute.child", str(theirs.fileno())]
    worker = subprocess.Popen(
        command, pass_fds=[theirs.fileno()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    theirs.close()
    ours.sendall(struct.pack("!i", 1000) + b"cut short")
    ours.close()
    out, complained = worker.communicate(timeout=60)
    assert (worker.returncode, out, complained) == (0, b"", b"")
