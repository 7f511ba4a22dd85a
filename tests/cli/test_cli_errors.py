"""What goes wrong: one clear message, the right exit code, nothing made or lost."""

import json
import sqlite3
import subprocess
import sys

import pytest
from cli_process import command, environment, run

from modelwright.cli.main import main

STORE = ".modelwright"


@pytest.mark.parametrize(
    "words, code, said",
    [
        ("", 2, "no COMMAND is given. Allowed: tune, nas, fit, predict, leaderboard, check, studies, show"),
        ("nonsense", 2, "invalid choice"),
        ("studys", 2, "Did you mean studies?"),
        ("-q studies", 2, "-q stands before the command. Allowed: modelwright COMMAND [options]. Write it behind"),
        ("--store x.db nas --data x.npz", 2, "Write it behind the command: modelwright nas --store"),
        ("--store=x.db studies", 2, "modelwright studies --store"),
        ("--quiet", 2, "no COMMAND is given"),
        ("--trials 3 doctor", 2, "doctor does not take it. See: modelwright doctor --help"),
        ("export lab --format jsn", 2, "Did you mean json?"),
        ("show", 2, "NAME"),
        ("tune job:parabola --objective minimize", 2, "--trials N, --seconds S"),
        ("tune job:parabola --trials 0", 2, "whole number from 1"),
        ("tune job:parabola --trials 3 --seconds nan", 2, "positive number"),
        ("tune job:parabola --trials 3 --validation-split 1.5", 2, "between 0 and 1"),
        ("tune job:parabola --tri 3", 2, "unrecognized"),
        ("tune job:parabola --trails 3", 2, "Did you mean --trials? See: modelwright tune --help"),
        ("tune job:parabola --objective minimize --trials 3 -v -q", 2, "Say one of them"),
        ("tune job --trials 3", 2, "module:name"),
        ("tune job.py --trials 3", 2, "Write job.py:NAME."),
        ("export lab -o a.xlsx", 2, ".csv, .json, .parquet"),
        ("export lab -o a.csv --format json", 2, "Say one of them"),
        ("export lab --format parquet", 2, "-o FILE.parquet"),
        ("tune job:parabola --trials 3 --name= --objective minimize", 2, "empty"),
        ("tune job:parabola --trials 3 --target a", 2, "--data"),
        ("tune job:parabola --trials 3 --data x.parquet", 2, "FILE.npz"),
        ("tune job:parabola --trials 3 --data x.csv", 3, "no file"),
        ("tune job:parabla --trials 3 --objective minimize", 3, "Did you mean 'parabola'?"),
        ("tune jobs:parabola --trials 3 --objective minimize", 3, "no module 'jobs'"),
        ("tune ./jobs.py:parabola --trials 3 --objective minimize", 3, "no file"),
        ("tune job:not_a_function --trials 3 --objective minimize", 3, "cannot be tuned"),
        ("tune job:parabola --trials 3", 3, "Write --objective val_accuracy, or minimize or maximize"),
        ("tune job.py:parabola --trials 3", 3, "A build(hp) that returns a model needs --data"),
        ("tune job.py:Line --trials 3", 3, "Add --data FILE.npz"),
        ("tune job:parabola --trials 3 --objective val_acuracy", 3, "--objective max:val_acuracy"),
        ("tune job:parabola --trials 3 --objective minimize --strategy rondom", 3, "Did you mean 'random'?"),
        ("tune job:parabola --trials 3 --objective minimize --report no/such/a.html", 3, "no folder"),
        ("tune job:parabola --trials 3 --objective minimize --report a.pdf", 3, "ends in .html or .htm"),
        ("report lab -o a.pdf", 3, "ends in .html or .htm"),
        ("studies", 5, "no store"),
        ("show lab --store :memory:", 5, "memory"),
        ("show lab --store postgresql://host/db", 5, "postgresql"),
        ("show lab --store .", 5, "not a file"),
        ("show lab --store job.py", 5, "job.py"),
        ("copy lab --to there.db", 5, "no store"),
        ("import-optuna missing.db", 5, "no such file"),
        ("import-optuna job.py", 5, "job.py"),
        ("import-optuna mysql://host/db", 5, "mysql"),
    ],
)
def test_a_mistake_is_told_and_leaves_nothing(words, code, said, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    before = sorted(p.name for p in folder.iterdir())
    assert main([*words.split(), "--json"]) == code
    out, err = capsys.readouterr()
    error = json.loads(out)["error"]
    assert error["code"] == code and said in error["message"] and said in err and "Traceback" not in err
    assert sorted(p.name for p in folder.iterdir() if p.name not in ("__pycache__", STORE)) == before
    if not words.startswith("tune"):
        assert not (folder / STORE).exists()


def test_a_message_names_the_command_once(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert main(["show"]) == 2
    assert capsys.readouterr().err == (
        "modelwright: show: the following arguments are required: NAME. See: modelwright show --help\n"
    )


def test_help_and_version(capsys):
    assert main(["--version"]) == 0 and main(["--help"]) == 0 and main(["tune", "--help"]) == 0
    assert "modelwright 0." in capsys.readouterr().out


def test_code_that_raises_shows_its_own_lines_and_no_others(folder):
    done = run("tune", "job.py:broken", "--objective", "minimize", "--trials", 3, "--json", folder=folder)
    assert done.code == 3 and "division by zero" in done.json["error"]["message"]
    told = done.err.partition("Traceback")[2]
    assert "job.py" in told and "return 1 / 0" in told and "src/modelwright" not in told.replace("\\", "/")


def test_warnings_are_sentences_and_say_where_in_tuned_code(folder):
    code = "import warnings\ndef f(hp):\n    warnings.warn('careful')\n    return hp.Float('x', 0.0, 1.0)\n"
    (folder / "warns.py").write_text(code)
    done = run("tune", "warns.py:f", "--objective", "minimize", "--trials", 2, folder=folder)
    assert done.code == 0 and done.err.count("Warning: ") == 1 and "UserWarning" not in done.err
    assert "warns.py:3: careful" in done.err


def test_code_that_raises_in_a_worker(folder):
    words = "tune job.py:broken --objective minimize --trials 3 --workers 2 --quiet".split()
    done = run(*words, folder=folder)
    assert done.code == 3 and "division by zero" in done.err and done.out == ""


def test_a_module_that_cannot_be_loaded(folder):
    (folder / "bad.py").write_text("import sys\nsys.exit(7)\ndef f(hp): ...\n")
    (folder / "typo.py").write_text("def f(hp:\n")
    for name in ("bad", "bad.py", "typo", "typo.py"):
        place = f"./{name}:f" if name.endswith(".py") else f"{name}:f"
        done = run("tune", place, "--objective", "minimize", "--trials", 1, folder=folder)
        assert done.code == 3 and "raised" in done.err


LATE = """
open("it-ran", "w").close()
def tune_me(hp): ...
"""


def test_a_name_that_a_file_does_not_define_is_refused_before_the_file_is_run(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    (folder / "late.py").write_text(LATE)
    for name, said in [("nope", "It defines tune_me."), ("tuneme", "Did you mean 'tune_me'?"), ("nope.a", "nope.a")]:
        assert main(["tune", f"late.py:{name}", "--objective", "minimize", "--trials", "1"]) == 3
        told = capsys.readouterr().err
        assert said in told and "in late.py, which was not run" in told
    assert not (folder / "it-ran").exists()


@pytest.mark.parametrize(
    "line",
    [
        "from helper_of_late import *",
        "globals()['given'] = lambda hp: hp.Float('x', 0, 1)",
        "for given in [lambda hp: hp.Float('x', 0, 1)]: pass",
        "def __getattr__(name): return lambda hp: hp.Float('x', 0, 1)",
        "def begin():\n    global given\n    given = lambda hp: hp.Float('x', 0, 1)\nbegin()",
        "import os.path as system\nif system: from helper_of_late import given",
    ],
)
def test_a_name_that_comes_about_in_another_way_is_found(line, folder):
    (folder / "helper_of_late.py").write_text("def given(hp): return hp.Float('x', 0, 1)\n")
    (folder / "late.py").write_text(f"{line}\n")
    found = subprocess.run(
        [sys.executable, "-c", "from modelwright.cli.subject import load; print(callable(load('late.py:given', 'S')))"],
        cwd=folder, env=environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert found.stdout == "True\n"


def test_a_copy_under_a_name_that_is_taken_is_told_the_option(lab, tmp_path):
    words = ["copy", "lab", "--to", tmp_path / "other.db"]
    assert run(*words, folder=lab).code == 0
    again = run(*words, folder=lab)
    assert again.code == 3 and "there is a study 'lab' already" in again.err and "--as NEW" in again.err
    assert run(*words, "--as", "lab2", folder=lab).code == 0


def test_no_trial_with_a_value(folder):
    done = run("tune", "job.py:never", "--objective", "minimize", "--trials", 3, "--json", folder=folder)
    assert done.code == 4 and done.json["best"] is None and done.json["states"] == {"infeasible": 3}


def test_a_missing_study(lab):
    done = run("show", "LAP", folder=lab)
    assert done.code == 3 and done.out == "" and "Did you mean 'lab'?" in done.err
    assert run("delete", "zzz", "--yes", folder=lab).code == 3


def test_another_search_under_the_same_name(folder):
    words = "tune job.py:parabola --objective minimize --trials 2 --strategy random --name a".split()
    assert run(*words, folder=folder).code == 0
    done = run(*words, "--seed", "1", folder=folder)
    assert done.code == 3 and "seed was 0, now 1" in done.err


@pytest.fixture
def stored(lab, tmp_path):
    """A copy of the lab's database, to be spoilt."""
    with sqlite3.connect(lab / STORE / "studies.db") as source, sqlite3.connect(tmp_path / "s.db") as target:
        source.backup(target)
    return tmp_path / "s.db"


def test_a_newer_store(stored):
    with sqlite3.connect(stored) as connection:
        connection.execute("UPDATE modelwright_schema SET version = 99")
    for words in (["studies"], ["show", "lab"], ["export", "lab"], ["delete", "lab", "--yes"]):
        done = run(*words, "--store", stored, folder=stored.parent)
        assert done.code == 5 and "newer version" in done.err and "Traceback" not in done.err


def test_a_study_with_events_from_elsewhere_does_not_hide_the_others(stored):
    main(["copy", "lab", "--store", str(stored), "--to", str(stored), "--as", "second", "--quiet"])
    with sqlite3.connect(stored) as connection:
        connection.execute("UPDATE events SET kind = 'Dreamed' WHERE study = 1 AND seq = 5")
    done = run("studies", "--store", stored, folder=stored.parent)
    assert done.code == 5 and "second" in done.out and "'lab'" in done.err and "Dreamed" in done.err
    shown = run("show", "lab", "--store", stored, folder=stored.parent)
    assert shown.code == 5 and "upgrade" in shown.err


def test_a_damaged_file(stored):
    content = bytearray(stored.read_bytes())
    content[4096:20000] = b"\xff" * (20000 - 4096)
    stored.write_bytes(content)
    done = run("studies", "--store", stored, folder=stored.parent)
    assert done.code == 5 and "Traceback" not in done.err


@pytest.mark.parametrize(
    "words",
    [
        "studies --store other.db",
        "delete lab --yes --store other.db",
        "copy lab --store s.db --to other.db",
        "tune job:parabola --objective minimize --trials 2 --store other.db",
    ],
)
def test_other_databases_are_left_alone(words, stored):
    other = stored.parent / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE studies (a)")
    before = other.read_bytes()
    done = run(*words.split(), folder=stored.parent)
    assert done.code == 5 and "no studies of Modelwright" in done.err
    assert other.read_bytes() == before


def test_a_full_standard_output(lab):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command("export", "lab"), cwd=lab, env=environment(), stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 3 and "Traceback" not in done.stderr and "No space left" in done.stderr
