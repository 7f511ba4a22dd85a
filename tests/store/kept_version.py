"""What lies in ``version-N``: two small searches as a store of schema N had them, the first one killed in a trial.

``python tests/store/kept_version.py N`` makes the folder of a new version; those that are there are never made again.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import modelwright as mw
from modelwright.study import folded

HERE = Path(__file__).parent
#: The trial in which the process that made the store died.
DIED_IN = 7


def search(store, trials, *, die=False):
    """A search with a parameter that only one branch has, reports, and one result that is no number."""

    def function(hp, trial):
        scaled = hp.Choice("kind", ["plain", "scaled"]) == "scaled"
        scale = hp.Float("scale", 0.1, 10.0, sampling="log") if scaled else 1.0
        loss = abs(hp.Float("x", -1.0, 1.0)) * scale + hp.Int("n", 1, 5) / 10 + hp.Boolean("flag")
        if trial.number == 3:
            return float("nan")
        for step in (1, 2, 3):
            trial.report(step, loss=loss + 1 / step)
            if die and trial.number == DIED_IN:
                os._exit(0)
        return None

    options = {"strategy": "random", "seed": 5, "steps": 3, "name": "killed", "verbose": 0}
    return mw.tune(function, objective=mw.Minimize("loss"), trials=trials, store=store, **options)


def rungs(store, trials):
    """A search whose trials are put aside and go on."""

    def function(hp, trial):
        height = hp.Float("height", 0.0, 1.0)
        for step in range(1, 10):
            trial.report(step, height * step)
            if trial.should_stop():
                return

    options = {"strategy": "hyperband", "steps": 9, "name": "rungs", "verbose": 0}
    return mw.tune(function, objective="maximize", trials=trials, store=store, **options)


def lay_out(version, folder):
    """Put the store of a version into ``folder``; returns its path."""
    kept, path = HERE / f"version-{version}", folder / "s.db"
    connection = sqlite3.connect(path)
    connection.executescript((kept / "studies.sql").read_text())
    connection.close()
    (folder / "s.db.files" / "1").mkdir(parents=True)
    shutil.copy(kept / "events.log", folder / "s.db.files" / "1")
    return path


def main(version, store=None):
    if store is not None:
        folded.EVERY = 32  # so that small studies have their state kept too
        search(store, 4)
        rungs(store, 6)
        search(store, 12, die=True)
    kept = HERE / f"version-{version}"
    kept.mkdir()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.db"
        subprocess.run([sys.executable, __file__, version, str(path)], check=True)
        connection = sqlite3.connect(path)
        (kept / "studies.sql").write_text("\n".join(connection.iterdump()) + "\n")
        shutil.copy(path.with_name("s.db.files") / "1" / "events.log", kept)


if __name__ == "__main__":
    main(*sys.argv[1:])
