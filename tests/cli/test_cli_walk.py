"""One walk through the commands, and what each promises about its output."""

import csv
import importlib.util
import io
import json
import os
import shlex
import signal
import subprocess
import sys
import time

import pytest
from cli_process import command, environment, run

TUNE = "tune job.py:parabola --objective minimize --trials 4 --strategy random".split()


def test_a_walk_from_tune_to_delete(folder):
    tuned = run(*TUNE, "--name", "my lab", "--report", "end.html", folder=folder)
    assert tuned.code == 0 and tuned.out.startswith("study: my lab\ntrials: 4 (4 complete)\n")
    assert "report: end.html" in tuned.out and (folder / "end.html").read_text(encoding="utf-8").startswith("<!")

    listed = run("studies", folder=folder)
    assert listed.code == 0 and "my lab" in listed.out and "min:value" in listed.out and listed.err == ""

    shown = run("show", "my lab", "--trials", "1", folder=folder)
    assert "3 parameters" in shown.out and "1. trial" in shown.out and "2. trial" not in shown.out

    table = list(csv.DictReader(io.StringIO(run("export", "my lab", folder=folder).out)))
    assert [row["number"] for row in table] == ["0", "1", "2", "3"]

    copied = run("copy", "my lab", "--to", "other/b.db", "--as", "second", folder=folder)
    assert copied.code == 0 and copied.out == "second\n"
    there = run("export", "second", "--store", "other/b.db", folder=folder)
    assert list(csv.DictReader(io.StringIO(there.out))) == table

    assert run("report", "my lab", folder=folder).out == "my_lab.html\n" and (folder / "my_lab.html").exists()

    refused = run("delete", "my lab", folder=folder)
    assert refused.code == 2 and "--yes" in refused.err
    assert run("delete", "my lab", "--yes", folder=folder).code == 0
    assert run("show", "my lab", folder=folder).code == 3
    assert run("show", "second", "--store", "other/b.db", folder=folder).code == 0


def test_a_name_that_exists_goes_on(folder):
    run(*TUNE, "--name", "a", folder=folder)
    again = run(*TUNE[:-3], "6", "--strategy", "random", "--name", "a", "--json", folder=folder)
    assert again.json["trials"] == 6


def test_stdout_of_tune_is_one_document_whatever_the_tuned_code_prints(folder):
    for more in ([], ["--workers", "2"]):
        done = run(*TUNE, *more, "--json", folder=folder)
        body = done.json
        assert body["schema_version"] == 1 and body["trials"] == 4
        assert set(body["best"]["config"]) <= {"x", "kind", "n"} and isinstance(body["best"]["value"], float)
        assert "noise from the tuned code" in done.err


def test_what_to_do_next_is_said_in_words_of_a_shell(folder):
    done = run(*TUNE, "--name", "my lab", "--store", "s.db", folder=folder)
    told = done.err.partition("Next:\n")[2].strip().splitlines()
    assert [line.split()[1] for line in told] == ["show", "report", "export"] and "study." not in done.err
    for line in told:
        after = subprocess.run(command(*shlex.split(line)[1:]), cwd=folder, env=environment(), capture_output=True)
        assert after.returncode == 0, after.stderr
    assert (folder / "my_lab.html").exists() and (folder / "my_lab.csv").exists()


def test_quiet_says_nothing(folder):
    done = run(*TUNE, "--quiet", folder=folder)
    assert done.code == 0 and done.err.replace("noise from the tuned code\n", "") == "" and done.out


def test_several_objectives_with_directions(folder):
    done = run(
        *"tune job:two --objective min:cost --objective max:gain --trials 3 --json --strategy random".split(),
        folder=folder,
    )
    assert done.code == 0 and len(done.json["best"]["values"]) == 2


def test_an_estimator_on_a_table(folder):
    pytest.importorskip("sklearn")
    lines = [f"{a},{a % 3},{2 * a - a % 3}" for a in range(30)]
    (folder / "table.csv").write_text("\n".join(["a,b,y", *lines]))
    words = "tune job:Line --data table.csv --target y --cv 3 --trials 3 --strategy random --json".split()
    done = run(*words, folder=folder)
    assert done.code == 0, done.err
    assert done.json["best"]["value"] > 0.9 and 0.001 <= done.json["best"]["config"]["alpha"] <= 1.0


def test_every_looking_command_prints_a_versioned_document(lab):
    listed = run("studies", "--json", folder=lab).json
    shown = run("show", "lab", "--json", "--trials", "2", folder=lab).json
    exported = run("export", "lab", "--json", folder=lab).json
    assert listed["schema_version"] == shown["schema_version"] == exported["schema_version"] == 1
    assert listed["studies"][0]["states"] == {"complete": 8}
    assert len(shown["trials"]) == 2 and shown["best"] == shown["trials"][0]
    assert shown["best"]["value"] == min(trial["value"] for trial in exported["trials"])
    assert [row["name"] for row in shown["space"]] == ["x", "kind", "n"]


def test_export_to_files(lab, tmp_path):
    assert run("export", "lab", "-o", tmp_path / "a.json", folder=lab).out == ""
    assert len(json.loads((tmp_path / "a.json").read_text())["trials"]) == 8
    done = run("export", "lab", "-o", tmp_path / "a.csv", "--json", folder=lab)
    assert done.json["format"] == "csv" and len((tmp_path / "a.csv").read_text().splitlines()) == 9
    assert run("export", "lab", "-o", tmp_path / "plain", folder=lab).code == 0
    assert (tmp_path / "plain").read_bytes() == (tmp_path / "a.csv").read_bytes()
    (tmp_path / "plain").unlink()
    assert run("export", "lab", "-o", tmp_path / "no" / "a.csv", folder=lab).code == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "a.json"]


def test_export_to_parquet_writes_parquet_or_says_what_is_missing(lab, tmp_path):
    done = run("export", "lab", "-o", tmp_path / "a.parquet", folder=lab)
    if importlib.util.find_spec("pyarrow") and importlib.util.find_spec("pandas"):
        assert done.code == 0 and (tmp_path / "a.parquet").read_bytes().startswith(b"PAR1")
    else:
        assert done.code == 3 and "pip install" in done.err and list(tmp_path.iterdir()) == []


def test_looking_needs_no_keras_and_no_code(lab, tmp_path):
    check = (
        "import sys; sys.modules['keras'] = sys.modules['sklearn'] = sys.modules['pandas'] = None\n"
        "from modelwright.cli.main import main\n"
        f"codes = [main([*w, '--store', {str(lab / '.modelwright' / 'studies.db')!r}]) for w in "
        "(['studies'], ['show', 'lab'], ['export', 'lab'], ['report', 'lab'])]\n"
        "sys.exit(sum(codes))"
    )
    done = subprocess.run([sys.executable, "-c", check], cwd=tmp_path, env=environment(), capture_output=True)
    assert done.returncode == 0, done.stderr


def test_names_and_values_cannot_command_a_terminal_or_a_spreadsheet(folder):
    name = "=evil"
    tuned = run("tune", "job:evil", "--objective", "minimize", "--trials", 2, "--name", name, folder=folder)
    assert tuned.code == 0
    others = (["studies"], ["show", name], ["show", name + "x\x1b[31m\x07"], ["delete", name])
    results = [tuned, *(run(*words, folder=folder) for words in others)]
    for done in results:
        assert not set("\x1b\x07\u202e") & set(done.out + done.err)
    for row in csv.reader(io.StringIO(run("export", name, folder=folder).out)):
        assert not any(cell.startswith(("=", "@")) for cell in row)
    assert run("show", name, "--json", folder=folder).json["study"]["name"] == name
    assert run("delete", "--yes", "--", name, folder=folder).code == 0


def test_a_name_like_an_option(folder):
    assert run(*TUNE, "--name=-odd", folder=folder).code == 0
    assert run("show", "--", "-odd", folder=folder).code == 0


# --- processes ----------------------------------------------------------------------------------------


def _slow(folder, *more):
    words = "tune job.py:slow --objective minimize --trials 30 --strategy random --name slow".split()
    started = subprocess.Popen(
        command(*words, *more), cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not (folder / "started-1").exists():
        assert started.poll() is None, started.communicate()
        time.sleep(0.05)
    return started


def test_ctrl_c_keeps_what_was_finished_and_others_may_look_meanwhile(folder):
    running = _slow(folder, "--json")
    try:
        shown = run("show", "slow", "--json", folder=folder)
        states = shown.json["study"]["states"]
        copied = run("copy", "slow", "--to", "copy.db", folder=folder)
        deleted = run("delete", "slow", "--yes", folder=folder)
    finally:
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert shown.code == 0 and states["complete"] >= 1
    assert copied.code == 0 and deleted.code == 5 and "being run" in deleted.err
    assert running.returncode == 130 and "Traceback" not in err
    body = json.loads(out)
    assert body["stopped"] == "interrupted" and body["states"] == {"complete": body["trials"]}


def test_two_ctrl_c_stop_now(folder):
    running = _slow(folder)
    running.send_signal(signal.SIGINT)
    time.sleep(0.2)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130 and "Traceback" not in err and "interrupted" in err
    assert "study 'slow'" in err and err.endswith("Go on with the same command and that --name\n")
    assert run("show", "slow", folder=folder).code == 0


def test_a_reader_that_had_enough(lab):
    for words in (["export", "lab"], ["studies", "--json"], ["show", "lab"], ["--help"]):
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(
            command(*words), cwd=lab, env=environment(), stdout=writing, stderr=subprocess.PIPE, text=True
        )
        os.close(writing)
        assert done.returncode == 0 and done.stderr == ""


def test_a_question_on_a_terminal(folder):
    import pty

    run(*TUNE, "--name", "a", folder=folder)
    for answer, code in (("n\n", 130), ("y\n", 0)):
        ours, theirs = pty.openpty()
        os.write(ours, answer.encode())
        done = run("delete", "a", folder=folder, stdin=theirs)
        os.close(ours)
        os.close(theirs)
        assert done.code == code and "Delete the study a with its 4 trials" in done.err
    assert json.loads(run("studies", "--json", folder=folder).out)["studies"] == []


def test_show_says_what_mattered(folder):
    words = [word if word != "4" else "30" for word in TUNE]
    assert run(*words, "--name", "a", "--min-gain", "1000", folder=folder).code == 0
    done = run("show", "a", "--importance", folder=folder)
    assert done.code == 0 and "90 % interval" in done.out and "x" in done.out
    document = run("show", "a", "--importance", "--json", folder=folder).json
    assert document["study"] == "a" and document["importance"][0]["shares"] and document["explained"]
    assert run(*words, "--min-gain", "much", folder=folder).code == 2
