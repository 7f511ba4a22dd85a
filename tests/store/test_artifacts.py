"""Artifacts are whole, are what was written, or are refused; wherever they lie."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from modelwright.core.errors import ArgumentError, StoreError
from modelwright.core.files import draft_of
from modelwright.store.artifacts import Artifacts, checked_place, sha256_of

CONTENT = bytes(range(256)) * 40


def kept(artifacts, content=CONTENT):
    return artifacts.keep("trial-00000", "state.ckpt", lambda sink: sink.write(content))


@pytest.fixture(params=["", "file", "memory"])
def place(request, tmp_path):
    if request.param:
        pytest.importorskip("fsspec")
    return {"": "", "file": (tmp_path / "there").as_uri(), "memory": f"memory://{tmp_path.name}"}[request.param]


def test_a_file_is_named_by_its_content_and_comes_back(tmp_path, place):
    artifacts = Artifacts(tmp_path / "here", place)
    made = kept(artifacts)
    assert Path(made.path).stem == made.sha256 == sha256_of(artifacts.fetch(made)) and made.size == len(CONTENT)
    assert kept(artifacts) == made and list(artifacts.stored()) == [made.path] and artifacts.holds(made)
    artifacts.remove(made.path)
    assert not artifacts.holds(made) and not artifacts.stored()
    artifacts.remove(made.path)
    with pytest.raises(StoreError, match="is missing"):
        artifacts.fetch(made)


def test_another_host_fetches_what_lies_at_the_place(tmp_path, place):
    made = kept(Artifacts(tmp_path / "one", place))
    other = Artifacts(tmp_path / "two", place)
    if not place:
        with pytest.raises(StoreError, match="is missing"):
            other.fetch(made)
        return
    assert other.fetch(made).read_bytes() == CONTENT and other.fetch(made).is_relative_to(tmp_path / "two")


@pytest.mark.parametrize("spoil", [lambda c: c[:-1], lambda c: b"", lambda c: c[:7] + b"x" + c[8:]])
def test_what_was_altered_on_this_host_is_fetched_anew_and_what_was_altered_there_is_refused(tmp_path, spoil):
    place = (tmp_path / "there").as_uri()
    pytest.importorskip("fsspec")
    artifacts = Artifacts(tmp_path / "here", place)
    made = kept(artifacts)
    (tmp_path / "here" / made.path).write_bytes(spoil(CONTENT))
    assert artifacts.fetch(made).read_bytes() == CONTENT
    for folder in ("here", "there"):
        (tmp_path / folder / made.path).write_bytes(spoil(CONTENT))
    with pytest.raises(StoreError, match="changed or cut short"):
        artifacts.fetch(made)
    assert not [path for path in (tmp_path / "here").rglob("*") if path.name.endswith(".tmp")]


def test_a_finished_file_is_moved(tmp_path):
    (tmp_path / "trial-00000").mkdir()
    path = tmp_path / "trial-00000" / "own.keras"
    path.write_bytes(CONTENT)
    made = Artifacts(tmp_path).adopt("trial-00000", path)
    assert not path.exists() and (tmp_path / made.path).read_bytes() == CONTENT and made.path.endswith(".keras")


def test_what_is_not_written_to_its_end_leaves_nothing(tmp_path):
    def save(sink):
        sink.write(CONTENT)
        raise KeyError("no such thing")

    with pytest.raises(KeyError):
        Artifacts(tmp_path).keep("trial-00000", "state.ckpt", save)
    assert not list((tmp_path / "trial-00000").iterdir())


def test_files_of_the_user_are_none_of_ours(tmp_path):
    folder = tmp_path / "trial-00000"
    folder.mkdir()
    for name in ("notes.txt", "model.keras", "a" * 64, ".hidden"):
        (folder / name).write_text("mine")
    draft_of(folder / "state.ckpt").write_text("half")
    assert [one.draft for one in Artifacts(tmp_path).stored().values()] == [True]


@pytest.mark.parametrize("given", ["", 3, "nowhere://x", "s3://key:secret@bucket/folder"])
def test_places_that_cannot_be_are_refused(given):
    pytest.importorskip("fsspec")
    with pytest.raises(ArgumentError, match="artifacts=") as raised:
        checked_place(given)
    assert "secret" not in str(raised.value)


#: Kills itself at the call of the operating system that it is told to: one run for each step of writing.
KILLED = """
    import os, pathlib, signal, sys
    from modelwright.store.artifacts import Artifacts

    left = int(sys.argv[2])

    def counted(function):
        def call(*args, **kwargs):
            global left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            return function(*args, **kwargs)
        return call

    os.fsync, os.replace, os.open = counted(os.fsync), counted(os.replace), counted(os.open)

    def save(sink):
        for part in range(3):
            counted(sink.write)(bytes([part]) * 1000)
        sink.flush()

    Artifacts(pathlib.Path(sys.argv[1])).keep("trial-00000", "state.ckpt", save)
    print("done", left)
"""


def test_a_kill_at_each_step_of_writing_leaves_it_whole_or_absent(tmp_path):
    whole = b"".join(bytes([part]) * 1000 for part in range(3))
    ended = set()
    for step in range(20):
        folder = tmp_path / str(step)
        command = [sys.executable, "-c", textwrap.dedent(KILLED), str(folder), str(step)]
        done = subprocess.run(command, capture_output=True, text=True)
        ended.add(done.returncode)
        stored = Artifacts(folder).stored().values()
        for one in stored:
            assert one.draft or (folder / one.path).read_bytes() == whole
        assert sum(not one.draft for one in stored) <= 1
        if done.returncode == 0:
            break
    assert ended == {0, -signal.SIGKILL} and step == 7 and os.path.isdir(folder)
