"""``modelwright worker`` against a PostgreSQL server: two terminals share a search, and one of them is killed."""

import subprocess
import sys
import textwrap
import time

import pytest
from cli_process import command, environment

import modelwright as mw
from modelwright.store.postgres import PostgresStore
from modelwright.study.invariants import check_store

SCRIPT = """
    import os, sys, time
    import modelwright as mw

    def score(hp, trial):
        x = hp.Float("x", -1.0, 1.0)
        with open("ran", "a") as file:
            file.write(f"{trial.number} {os.getpid()}\\n")
        while not os.path.exists("go"):
            time.sleep(0.02)
        for step in range(1, 4):
            time.sleep(0.02)
            trial.report(step, loss=x * x + 1 / step)

    if __name__ == "__main__":
        mw.tune(score, objective=mw.Minimize("loss"), strategy="random", trials=1, store=sys.argv[1], name="joint",
                seed=4, verbose=0)
"""


def ran(folder):
    """Number and process of each trial that began."""
    path = folder / "ran"
    return [tuple(map(int, line.split())) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def joint(postgres, tmp_path):
    """A search of twelve trials on the server, the first of which has ended."""
    (tmp_path / "lab.py").write_text(textwrap.dedent(SCRIPT))
    url = f"{postgres.make('workers')}?files={tmp_path / 'files'}"
    (tmp_path / "go").touch()
    subprocess.run([sys.executable, "lab.py", url], cwd=tmp_path, env=environment(), check=True, timeout=120)
    (tmp_path / "go").unlink()
    store = PostgresStore(url)
    record = store.find("joint")
    store.redefine(record.id, {**record.definition, "budget": {"trials": 12, "most": 12}})
    yield url, store
    store.close()


def test_two_workers_share_a_search_and_one_goes_on_when_the_other_is_killed(joint, tmp_path):
    url, store = joint
    quiet = {"cwd": tmp_path, "env": environment(), "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    workers = [subprocess.Popen(command("worker", url, "joint"), **quiet) for _ in range(2)]
    try:
        until = time.monotonic() + 60
        while {process for _, process in ran(tmp_path)[1:]} != {worker.pid for worker in workers}:
            assert time.monotonic() < until and all(worker.poll() is None for worker in workers)
            time.sleep(0.02)
        workers[0].kill()
        workers[0].wait()
        (left,) = {number for number, process in ran(tmp_path) if process == workers[0].pid}
        (tmp_path / "go").touch()
        assert workers[1].wait(60) == 0, workers[1].stderr.read()
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    assert (left, workers[1].pid) in ran(tmp_path)
    assert sorted(number for number, _ in ran(tmp_path)) == sorted([*range(12), left])
    assert [trial.state for trial in mw.load_study("joint", store).trials] == ["complete"] * 12
    assert not [finding for finding in check_store(store) if finding.check != "leases"]
