"""A worker joins a study from another terminal: what it imports, compares, refuses, and runs only on trust."""

import json
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from cli_process import command, environment, run

import modelwright as mw
from modelwright.cli.main import main
from modelwright.store.sqlite import SqliteStore

SCRIPT = """
    import os, time
    import modelwright as mw
    import side

    def score(hp, trial):
        x = hp.Float("x", -1.0, 1.0)
        with open("ran", "a") as file:
            file.write(f"{trial.number} {os.getpid()}\\n")
        while not os.path.exists("go"):
            time.sleep(0.02)
        for step in range(1, 4):
            time.sleep(0.02)
            trial.report(step, loss=x * x + side.SHIFT + 1 / step)

    if __name__ == "__main__":
        mw.tune(score, objective=mw.Minimize("loss"), strategy="random", trials=12, store="s.db", name="joint",
                verbose=0)
"""

FLAT = """
    import numpy as np
    import modelwright as mw

    x = np.arange(40.0).reshape(20, 2)
    y = np.arange(20) % 2

    def build(hp):
        from sklearn.linear_model import LogisticRegression
        return LogisticRegression(C=hp.Float("C", 0.01, 1.0))

    mw.tune(build, x, y, objective="accuracy", cv=2, strategy="random", trials={trials}, store="s.db", name="flat",
            verbose=0{more})
"""


def write(folder, name, source, **values):
    text = textwrap.dedent(source)
    for key, value in values.items():
        text = text.replace("{" + key + "}", str(value))
    (folder / name).write_text(text, encoding="utf-8")


def script(folder, name):
    done = subprocess.run([sys.executable, name], cwd=folder, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def joint(tmp_path):
    """A folder with a script and a module; the file ``go`` lets its trials end."""
    write(tmp_path, "lab.py", SCRIPT)
    (tmp_path / "side.py").write_text("SHIFT = 0.5\n")
    return tmp_path


def raise_budget(folder, name, trials):
    """Room for more trials, as a later call with another ``trials=`` would make it."""
    store = SqliteStore(folder / "s.db")
    record = store.find(name)
    store.redefine(record.id, {**record.definition, "budget": {"trials": trials, "most": trials}})
    store.close()


def states(folder, name):
    store = SqliteStore(folder / "s.db")
    found = [trial.state for trial in mw.load_study(name, store).trials]
    store.close()
    return found


def notes(folder, name):
    store = SqliteStore(folder / "s.db")
    found = [event.data for event, _ in store.load(store.find(name).id) if getattr(event, "kind", "") == "worker"]
    store.close()
    return found


def said_by(capsys, *words):
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_two_terminals_and_a_third_worker_share_a_search(joint, monkeypatch, capsys):
    def start(*words):
        return subprocess.Popen(
            words, cwd=joint, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    first = start(sys.executable, "lab.py")
    while not (joint / "ran").exists():
        assert first.poll() is None, first.stderr.read()
    others = [start(*command("worker", "s.db", "joint", "--json")), start(*command("worker", "--store=s.db", "joint"))]
    while len((joint / "ran").read_text().splitlines()) < 3:
        assert all(other.poll() is None for other in others)
    monkeypatch.chdir(joint)
    listed = said_by(capsys, "workers", "joint", "--store=s.db")["workers"]
    assert {entry["pid"] for entry in listed} == {process.pid for process in (first, *others)}
    assert sorted(number for entry in listed for number in entry["trials"]) == [0, 1, 2]
    assert all(entry["there"] and 0 < entry["lease_left"] <= 60 and entry["since"] for entry in listed)
    shown = said_by(capsys, "show", "joint", "--store=s.db")["running"]
    assert [entry["trial"] for entry in shown] == [0, 1, 2]
    assert all(entry["there"] and entry["age"] >= 0 for entry in shown)
    (joint / "go").touch()
    said = [process.communicate(timeout=60) for process in (first, *others)]
    assert [process.returncode for process in (first, *others)] == [0, 0, 0], said
    ran = [line.split() for line in (joint / "ran").read_text().splitlines()]
    assert sorted(int(number) for number, _ in ran) == list(range(12))
    assert len({pid for _, pid in ran}) == 3
    document = json.loads(said[1][0])
    assert document["stopped"] == "the budget of trials is used up"
    assert document["ran"] == sorted(int(number) for number, pid in ran if pid == str(others[0].pid))
    assert states(joint, "joint") == ["complete"] * 12


@pytest.fixture
def waiting(joint):
    """The study "joint", which ended, with room for more."""
    (joint / "go").touch()
    script(joint, "lab.py")
    raise_budget(joint, "joint", 20)
    return joint


@pytest.mark.slow
def test_a_worker_goes_on_alone_with_a_study_that_nobody_runs(waiting):
    done = run("worker", "s.db", "joint", folder=waiting)
    assert done.code == 0 and done.out == "ran 8 trials of joint; stopped: the budget of trials is used up\n"
    assert states(waiting, "joint") == ["complete"] * 20


def test_once_runs_one_trial_for_each_slot(waiting):
    done = run("worker", "s.db", "joint", "--once", "--json", folder=waiting)
    assert done.json.get("ran") == [12], done.err
    done = run("worker", "s.db", "joint", "--once", "--slots", "2", "--json", folder=waiting)
    assert done.json.get("ran") == [13, 14], done.err


@pytest.mark.slow
def test_after_its_seconds_a_worker_leaves(waiting):
    raise_budget(waiting, "joint", 100_000)
    done = run("worker", "s.db", "joint", "--seconds", "0.5", "--json", folder=waiting)
    assert done.code == 0 and done.json["stopped"] == "the worker's seconds are used up"
    assert set(states(waiting, "joint")) == {"complete"}


def test_other_code_is_refused_with_the_difference(waiting):
    (waiting / "side.py").write_text("SHIFT = 0.75\n")
    done = run("worker", "s.db", "joint", folder=waiting)
    assert done.code == 3
    assert "-SHIFT = 0.5\n+SHIFT = 0.75\nside.py differs." in done.err and "--allow-change" in done.err
    assert len(states(waiting, "joint")) == 12


def test_other_code_that_is_allowed_is_noted(waiting):
    (waiting / "side.py").write_text("SHIFT = 0.75\n")
    done = run("worker", "s.db", "joint", "--allow-change", "--once", "--json", folder=waiting)
    assert done.code == 0 and done.json["ran"] == [12]
    assert notes(waiting, "joint")[-1]["changed"] == ["side.py"]


@pytest.mark.slow
def test_a_space_that_differs_is_refused_even_then(waiting):
    text = (waiting / "lab.py").read_text().replace("-1.0, 1.0", "-2.0, 1.0")
    (waiting / "lab.py").write_text(text)
    done = run("worker", "s.db", "joint", "--allow-change", folder=waiting)
    assert done.code == 3 and "another space" in done.err


@pytest.mark.slow
def test_code_that_lies_elsewhere_is_named(waiting):
    (waiting / "moved").mkdir()
    for name in ("lab.py", "side.py"):
        (waiting / name).rename(waiting / "moved" / name)
    refused = run("worker", "s.db", "joint", folder=waiting)
    assert refused.code == 3 and "--code" in refused.err
    done = run("worker", "s.db", "joint", "--code", "moved/lab.py", "--once", "--json", folder=waiting)
    assert done.code == 0 and done.json["ran"] == [12], done.err


def test_a_script_without_a_guard_is_run_up_to_its_search(tmp_path):
    write(tmp_path, "flat.py", FLAT, trials=3, more="")
    script(tmp_path, "flat.py")
    raise_budget(tmp_path, "flat", 5)
    done = run("worker", "s.db", "flat", "--json", folder=tmp_path)
    assert done.code == 0 and done.json["ran"] == [3, 4], done.err


def test_arrays_in_memory_are_refused_with_what_to_do(tmp_path):
    write(tmp_path, "flat.py", FLAT, trials=3, more="")
    text = (tmp_path / "flat.py").read_text().replace("mw.tune(", 'if __name__ == "__main__":\n    mw.tune(')
    (tmp_path / "flat.py").write_text(text)
    script(tmp_path, "flat.py")
    done = run("worker", "s.db", "flat", folder=tmp_path)
    assert done.code == 3
    assert "data[0]: an ndarray of 20 x 2 is in the memory" in done.err
    assert "loads the data" in done.err and "pickled=True" in done.err


def test_pickled_code_is_run_on_trust_alone(tmp_path):
    write(tmp_path, "flat.py", FLAT, trials=3, more=", pickled=True")
    text = (tmp_path / "flat.py").read_text().replace("mw.tune(", 'if __name__ == "__main__":\n    mw.tune(')
    (tmp_path / "flat.py").write_text(text)
    script(tmp_path, "flat.py")
    raise_budget(tmp_path, "flat", 5)
    (tmp_path / "flat.py").unlink()
    assert run("worker", "s.db", "flat", folder=tmp_path).code == 3
    done = run("worker", "s.db", "flat", "--trust", "--json", folder=tmp_path)
    assert done.code == 0 and done.json["ran"] == [3, 4], done.err


class Mischief:
    """Leaves a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_pickled_code_that_was_exchanged_is_never_read(tmp_path):
    write(tmp_path, "flat.py", FLAT, trials=3, more=", pickled=True")
    script(tmp_path, "flat.py")
    raise_budget(tmp_path, "flat", 5)
    (kept,) = tmp_path.glob("s.db.files/*/call/call.pickle")
    kept.write_bytes(pickle.dumps(Mischief(tmp_path / "done")))
    done = run("worker", "s.db", "flat", "--trust", folder=tmp_path)
    assert done.code == 3 and "not the file that was written" in done.err
    assert run("worker", "s.db", "flat", "--json", folder=tmp_path).json["ran"] == [3, 4]
    assert not (tmp_path / "done").exists()


@pytest.mark.slow
def test_without_pickled_code_trust_says_how_to_keep_it(waiting):
    done = run("worker", "s.db", "joint", "--trust", folder=waiting)
    assert done.code == 3 and "pickled=True" in done.err


@pytest.mark.slow
def test_a_search_of_the_command_line_is_joined_with_its_data(tmp_path):
    write(
        tmp_path,
        "job.py",
        """
        def build(hp):
            from sklearn.linear_model import LogisticRegression
            return LogisticRegression(C=hp.Float("C", 0.01, 1.0))
        """,
    )
    np.savez(tmp_path / "d.npz", x=np.arange(40.0).reshape(20, 2), y=np.arange(20) % 2)
    words = "tune job.py:build --data d.npz --objective accuracy --cv 2 --strategy random --trials 3 --name n"
    assert run(*words.split(), "--store=s.db", folder=tmp_path).code == 0
    raise_budget(tmp_path, "n", 5)
    done = run("worker", "s.db", "n", "--json", folder=tmp_path)
    assert done.code == 0 and done.json["ran"] == [3, 4], done.err
    np.savez(tmp_path / "d.npz", x=np.ones((20, 2)), y=np.arange(20) % 2)
    done = run("worker", "s.db", "n", folder=tmp_path)
    assert done.code == 3 and "d.npz' is not the file" in done.err


def test_a_study_made_by_hand_cannot_be_joined(tmp_path):
    study = mw.Study(objective="minimize", store=tmp_path / "s.db", name="hand")
    study.tell(study.ask(), 1.0)
    done = run("worker", "s.db", "hand", folder=tmp_path)
    assert done.code == 3 and "does not say what is tuned" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a", "b", "c"], "STORE STUDY"),
        (["s.db", "x", "--store", "t.db"], "two stores"),
        (["x", "--slots", "0"], "--slots"),
    ],
)
def test_words_that_make_no_sense_are_refused(tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    assert main(["worker", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_search_for_a_network_cannot_be_joined_and_says_why(tmp_path, capsys):
    store = SqliteStore(tmp_path / "s.db")
    store.create("found", {"kind": "nas", "objectives": [["val_accuracy", "max"]], "budget": {"trials": 3}}, 0.0)
    store.close()
    assert main(["worker", str(tmp_path / "s.db"), "found"]) != 0
    said = capsys.readouterr().err
    assert "search for a network" in said and "--workers" in said and "Traceback" not in said
