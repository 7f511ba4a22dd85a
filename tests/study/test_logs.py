"""The log of a trial has what its code printed and logged; what is shown, and how the trial ends, stay as they were."""

import json
import logging
import math
import os
import sys

import pytest

import modelwright as mw
from modelwright.cli.main import main
from modelwright.core.records import Outcome, Task
from modelwright.estimation.base import Estimation
from modelwright.study import logs
from modelwright.study.logs import Log, Logged, read


def talkative(hp, trial):
    x = hp.Float("x", 0.0, 1.0)
    print(f"trial {trial.number} begins")
    print("10%\r50%\r100%", file=sys.stderr)
    logging.getLogger("lab").warning("x is %s", x)
    trial.report(1, loss=x)
    print("no newline", end="")
    if trial.number == 2:
        raise ValueError("broken")


def search(tmp_path, function=talkative, **more):
    options = {"objective": mw.Minimize("loss"), "strategy": "random", "trials": 3, "verbose": 0, "name": "lab"}
    return mw.tune(function, store=tmp_path / "s.db", **options | more)


def kinds(tmp_path, number, *wanted):
    lines = read(tmp_path / "s.db.files" / "1" / f"trial-{number:05d}" / "log.jsonl")
    return [line for line in lines if line["kind"] in wanted] if wanted else lines


@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_trial_prints_is_in_its_own_log(tmp_path, workers, capfd):
    search(tmp_path, workers=workers)
    for number in range(3):
        assert [line["text"] for line in kinds(tmp_path, number, "out")] == [f"trial {number} begins", "no newline"]
        assert kinds(tmp_path, number, "err")[0]["text"] == "100%"
        (said,) = kinds(tmp_path, number, "log")
        assert (said["level"], said["logger"]) == ("WARNING", "lab") and said["text"].startswith("x is ")
    shown = capfd.readouterr()
    assert all(f"trial {number} begins\n" in shown.out for number in range(3)), "and still shown"
    assert "100%" in shown.err


def test_what_happens_to_a_trial_stands_among_it(tmp_path):
    study = search(tmp_path)
    lines = kinds(tmp_path, 2)
    assert [line["kind"] for line in lines if line["kind"] not in ("out", "err", "log")] == [
        "began", "configured", "report", "ended",
    ]  # fmt: skip
    assert next(line for line in lines if line["kind"] == "configured")["config"] == study.trials[2].config
    assert lines[-1]["state"] == "failed" and "ValueError" in lines[-1]["traceback"]
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)


def test_streams_and_logging_are_as_before_afterwards(tmp_path):
    before = sys.stdout, sys.stderr, logging.getLogRecordFactory(), list(logging.getLogger().handlers)
    search(tmp_path)
    assert (sys.stdout, sys.stderr, logging.getLogRecordFactory(), logging.getLogger().handlers) == before


def test_a_function_that_has_no_folder_has_a_log_when_it_is_asked_for(tmp_path):
    def function(hp):
        print("here")
        return hp.Float("x", 0.0, 1.0)

    search(tmp_path, function, objective="minimize")
    assert kinds(tmp_path, 0) == []
    search(tmp_path, function, objective="minimize", trials=4, log=True)
    assert [line["text"] for line in kinds(tmp_path, 3, "out")] == ["here"]


def test_none_is_kept_where_none_is_wanted(tmp_path):
    search(tmp_path, log=False)
    assert not list(tmp_path.rglob("log.jsonl"))


def test_a_log_ends_at_its_cap_and_says_so(tmp_path):
    log = Log(tmp_path / "log.jsonl", cap=2000)
    for i in range(1000):
        log.write("out", text=f"line {i}")
    log.close()
    lines = read(log.path)
    assert lines[-1]["kind"] == "full" and lines[-2]["text"] == f"line {len(lines) - 2}"
    assert log.path.stat().st_size < 2200
    again = Log(tmp_path / "log.jsonl", cap=2000)
    again.write("out", text="more")
    again.close()
    assert read(log.path) == lines or read(log.path)[-1]["kind"] == "full"


@pytest.mark.parametrize("value", [math.nan, math.inf, (1, 2), None, "\ud800", b"raw".decode(), {"a": math.nan}])
def test_any_value_is_a_line_of_strict_json(tmp_path, value):
    log = Log(tmp_path / "log.jsonl")
    log.write("report", metrics={"m": value})
    log.close()
    (line,) = log.path.read_bytes().splitlines()
    json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_a_line_that_was_cut_short_does_not_hide_the_others(tmp_path):
    log = Log(tmp_path / "log.jsonl")
    log.write("out", text="one")
    log.close()
    with log.path.open("ab") as file:
        file.write(b'{"at": 1, "ki')
    assert [line["text"] for line in read(log.path)] == ["one"]
    assert read(tmp_path / "nothing") == []


class Printing(Estimation):
    """Prints, and is complete."""

    def estimate(self, task, reporter):
        print("here")
        return Outcome(metrics={"value": 1.0})


def test_a_log_that_cannot_be_written_harms_no_trial(tmp_path, capsys):
    (tmp_path / "log.jsonl").mkdir()
    outcome = Logged(Printing()).estimate(Task(number=0, folder=str(tmp_path)), None)
    assert outcome.state == "complete" and outcome.note["log"].startswith("no log: ")
    assert capsys.readouterr().out == "here\n"


def test_a_disk_that_is_full_ends_the_log_and_nothing_else(tmp_path, monkeypatch):
    def full(descriptor, data):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(logs.os, "write", full)
    outcome = Logged(Printing()).estimate(Task(number=0, folder=str(tmp_path)), None)
    assert outcome.state == "complete" and "the log ends early: No space left" in outcome.note["log"]


def test_show_has_one_trial_and_its_log(tmp_path, capsys):
    search(tmp_path)
    capsys.readouterr()
    words = ["show", "lab", "--store", str(tmp_path / "s.db"), "--trial", "2"]
    assert main([*words, "--log"]) == 0
    shown = capsys.readouterr().out
    assert "trial 2 of lab: failed" in shown and "ValueError: broken" in shown and "trial 2 begins" in shown
    assert main([*words, "--log", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["trial"]["number"] == 2 and document["trial"]["reports"][0]["step"] == 1
    assert document["log"] == kinds(tmp_path, 2)
    assert main([*words[:-1], "7"]) == 3 and "0 to 2" in capsys.readouterr().err
    assert main([*words[:-2], "--log"]) == 2 and "--trial N" in capsys.readouterr().err
