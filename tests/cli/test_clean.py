"""``modelwright clean`` removes what no trial needs, and nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import modelwright as mw
from modelwright.api.keeping import artifacts_of
from modelwright.core.errors import ArgumentError


def clean(*arguments, cwd):
    command = [sys.executable, "-m", "modelwright", "clean", "s", "--store", "s.db", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


def test_orphans_go_and_the_users_files_stay(tmp_path):
    def function(hp, trial):
        (Path(trial.folder) / "mine.txt").write_text("mine")
        return hp.Float("x", 0, 1)

    study = mw.tune(function, objective="minimize", trials=2, name="s", store=tmp_path / "s.db", verbose=0)
    artifacts = artifacts_of(study._store, study._record)
    orphan = artifacts.keep("trial-00000", "lost.ckpt", lambda sink: sink.write(os.urandom(100)))
    said = clean("--dry-run", cwd=tmp_path)
    assert said.returncode == 0 and orphan.path in said.stdout and "1 file would go" in said.stderr
    assert artifacts.holds(orphan)
    told = json.loads(clean("--json", cwd=tmp_path).stdout)
    assert told["files"] == [{"path": orphan.path, "bytes": 100, "why": "no trial names it"}] and told["removed"]
    assert not artifacts.holds(orphan) and len(list(tmp_path.rglob("mine.txt"))) == 2
    assert "0 files removed" in clean(cwd=tmp_path).stderr


@pytest.mark.parametrize("given", [0, "much", True, "-3GB"])
def test_a_limit_that_is_none_is_refused(given, tmp_path):
    with pytest.raises(ArgumentError, match="keep_bytes="):
        mw.tune(lambda hp: 1.0, objective="minimize", trials=1, keep_bytes=given, store=tmp_path / "s.db")


def test_a_place_stays_with_the_study_that_was_begun_with_it(tmp_path):
    pytest.importorskip("fsspec")

    def search(trials, **more):
        return mw.tune(
            lambda hp: hp.Float("x", 0, 1), objective="minimize", trials=trials, name="a b", verbose=0,
            store=tmp_path / "s.db", **more,
        )  # fmt: skip

    search(1, artifacts=tmp_path / "there", keep_bytes="1GB")
    again = search(2)
    assert again._machine.place == (tmp_path / "there").as_uri() + "/a%20b"
    assert again._record.definition["keep_bytes"] == 10**9
