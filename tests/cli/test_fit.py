"""``modelwright fit``, ``predict`` and ``leaderboard``, in processes of their own."""

import csv
import errno
import io
import json
import os
import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from cli_process import run

import modelwright as mw
from modelwright.cli import pairs
from modelwright.cli.main import main
from modelwright.cli.output import write_whole
from modelwright.core.errors import StoreError
from modelwright.tasks.result import archive

pytest.importorskip("lightgbm")


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    for name, rows, seed in (("train", 200, 0), ("test", 60, 1)):
        rng = np.random.default_rng(seed)
        age = rng.integers(18, 80, rows)
        left = np.where(rng.random(rows) < 1 / (1 + np.exp(-0.15 * (age - 50))), "yes", "no")
        lines = ["age;left", *(f"{a};{b}" for a, b in zip(age, left, strict=True))]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def fitted(tables):
    done = run("fit", "train.csv", "--target", "left", "--trials", "2", "--save", "m.mw", "--json", folder=tables)
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_a_fit_writes_a_model_and_says_what_it_tried(tables, fitted):
    assert (tables / "m.mw").exists()
    assert fitted["task"] == "binary"
    assert fitted["leaderboard"][0]["model"] == "ensemble"
    assert 0.7 < fitted["score"] <= 1


def test_predictions_are_a_table_with_a_row_for_each(tables, fitted):
    done = run("predict", "m.mw", "test.csv", "--proba", folder=tables)
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert len(rows) == 60
    assert list(rows[0]) == ["left", "left=no", "left=yes"]
    assert all(abs(float(row["left=no"]) + float(row["left=yes"]) - 1) < 1e-6 for row in rows)
    assert run("predict", "m.mw", "test.csv", "-o", "out.csv", folder=tables).code == 0
    assert len((tables / "out.csv").read_text().splitlines()) == 61


def test_a_table_may_come_through_a_pipe_and_is_read_and_predicted_once(tables, fitted):
    wanted = run("predict", "m.mw", "test.csv", "--proba", folder=tables).out
    for name in ("-", "/dev/stdin"):
        with subprocess.Popen(["cat", "test.csv"], cwd=tables, stdout=subprocess.PIPE) as piped:
            done = run("predict", "m.mw", name, "--proba", folder=tables, stdin=piped.stdout)
        assert done.code == 0 and done.out == wanted, done.err


def test_a_table_without_rows_has_a_head_alone(tables, fitted):
    (tables / "none.csv").write_text("age\n")
    done = run("predict", "m.mw", "none.csv", "--proba", folder=tables)
    assert done.code == 0 and done.out == "left,left=no,left=yes\n"


def test_a_full_disk_loses_neither_the_search_nor_what_was_there(tables, fitted, monkeypatch, capsys):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.chdir(tables)
    words = ["fit", "train.csv", "--target", "left", "--trials", "2", "--model", "linear", "--save", "f.mw"]
    with monkeypatch.context() as patch:
        patch.setattr(archive, "put_in_place", full)
        assert main(words) == 5
    said = capsys.readouterr().err
    name = re.search(r"the disk is full. Run the same command again with --name (\S+), once there is room", said)
    assert name is not None and "Free some space and run again" not in said and not list(tables.glob(".f.mw*"))
    assert main([*words, "--name", name[1]]) == 0
    assert "best so far" not in capsys.readouterr().err  # nothing was tried again
    with monkeypatch.context() as patch:
        patch.setattr(archive, "put_in_place", full)
        assert main([*words, "--store", ":memory:"]) == 5
    assert "The model is lost" in capsys.readouterr().err
    (tables / "kept.csv").write_text("kept")
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        assert main(["predict", "f.mw", "test.csv", "-o", "kept.csv"]) == 3
    assert "kept.csv: cannot be written" in capsys.readouterr().err
    assert (tables / "kept.csv").read_text() == "kept" and not list(tables.glob(".kept.csv*"))


def test_a_stop_while_something_is_written_leaves_nothing_of_it(tables, fitted, tmp_path, monkeypatch):
    def arrays():
        yield "0/model/first", np.zeros(1000)
        raise KeyboardInterrupt

    class Stopped(dict):
        def items(self):
            return arrays()

    def stop(*_):
        raise KeyboardInterrupt

    (tmp_path / "kept.csv").write_text("kept")
    with pytest.raises(KeyboardInterrupt):
        archive.write(tmp_path / "m.mw", {}, Stopped())
    model = mw.load(tables / "m.mw")
    monkeypatch.setattr(os, "replace", stop)
    for write in (lambda: write_whole(tmp_path / "kept.csv", "new"), lambda: model.report(tmp_path / "m.html")):
        with pytest.raises(KeyboardInterrupt):
            write()
    assert [path.name for path in tmp_path.iterdir()] == ["kept.csv"]
    assert (tmp_path / "kept.csv").read_text() == "kept"


def test_names_in_a_file_do_nothing_to_a_terminal(tables, fitted, tmp_path, monkeypatch, capsys):
    evil, path = "\x1b]0;pwned\x07", tmp_path / "e.mw"
    with zipfile.ZipFile(tables / "m.mw") as sound, zipfile.ZipFile(path, "w") as packed:
        for name in sound.namelist():
            content = sound.read(name)
            if name == "model.json":
                body = json.loads(content)
                told = body["predictor"]
                told["target"]["classes"] = ["no", f"=1+1{evil}"]
                told["leaderboard"][0] |= {"model": evil, "why": evil}
                told["decisions"][0]["decided"] = told["checks"][0]["message"] = body["members"][0]["name"] = evil
                content = json.dumps(body)
            packed.writestr(name, content)
    assert main(["leaderboard", str(path)]) == 0
    model = mw.load(path)
    for said in (capsys.readouterr().out, str(model.decisions), str(model.checks), repr(model), model.summary()):
        assert "\x1b" not in said and "\x07" not in said
    assert main(["predict", str(path), str(tables / "test.csv")]) == 0
    assert f"=1+1{evil}" in capsys.readouterr().out  # to a program labels are what they are
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["predict", str(path), str(tables / "test.csv")]) == 0
    said = capsys.readouterr().out
    assert "=1+1\ufffd]0;pwned\ufffd" in said and "\x1b" not in said


def test_members_are_scored_on_a_test_table(tables, fitted):
    done = run("leaderboard", "m.mw", "--test", "test.csv", "--json", folder=tables)
    board = json.loads(done.out)["leaderboard"]
    assert 0.6 < board[0]["test"] <= 1


def off(y, predicted):
    """Share of the labels that differ."""
    return float(np.mean(np.asarray(y) != np.asarray(predicted)))


def test_a_metric_that_no_file_keeps_is_an_option(tables, capsys):
    asked = {"trials": 1, "models": ["linear"], "store": ":memory:", "verbose": 0}
    path = str(mw.fit(tables / "train.csv", "left", metric=off, **asked).save(tables / "own.mw"))
    test = str(tables / "test.csv")
    assert main(["leaderboard", path, "--test", test]) == 3
    assert "Pass --metric again, or the name of another one" in capsys.readouterr().err
    assert main(["leaderboard", path, "--test", test, "--metric", "accuracy"]) == 0
    assert "test accuracy" in capsys.readouterr().out
    assert main(["leaderboard", path, "--metric", "accuracy"]) == 2
    assert "--test FILE" in capsys.readouterr().err


def test_a_page_is_written_at_the_end_of_a_fit_and_of_a_model_in_a_file(tables, fitted):
    asked = ("--target", "left", "--trials", "1", "--model", "linear", "--save", "n.mw", "--report", "n.html")
    done = run("fit", "train.csv", *asked, folder=tables)
    assert done.code == 0, done.err
    page = (tables / "n.html").read_text()
    repeated = re.search(r"modelwright fit train.csv --target left [^<]*--trials 1[^<]*", page)
    assert "Model for left" in page and repeated is not None
    assert "n.html" in done.err
    again = run("report", "n.mw", "-o", "again.html", folder=tables)
    assert again.out.strip() == "again.html"
    assert (tables / "again.html").read_text() == page
    trusted = run("report", "n.mw", "-o", "trusted.html", "--trust", folder=tables)
    assert trusted.code == 0 and (tables / "trusted.html").read_text() == page
    absent = run("report", "no.mw", folder=tables)
    assert absent.code == 3 and "no.mw: there is no such file" in absent.err
    refused = run("fit", "train.csv", "--target", "left", "--report", "n.pdf", folder=tables)
    assert refused.code == 3 and "n.pdf" in refused.err


def test_what_is_new_to_a_model_is_told_with_its_column(tables, fitted):
    (tables / "odd.csv").write_text("age\n30\nold\n40\n50\n")
    done = run("predict", "m.mw", "odd.csv", folder=tables)
    assert done.code == 0 and len(done.out.splitlines()) == 5
    assert done.err.count("Warning: ") == 1 and "'age'" in done.err


def test_rows_that_a_fit_could_not_read_are_told(tables, monkeypatch, capsys):
    monkeypatch.chdir(tables)
    (tables / "uneven.csv").write_text((tables / "train.csv").read_text() + "30;yes;more\n")
    asked = ["--target", "left", "--trials", "1", "--model", "linear", "--save", "u.mw"]
    assert main(["fit", "uneven.csv", *asked]) == 0
    said = "1 row of 201 has not 2 fields as the header (line 202): all cells of 1 long row taken as missing"
    assert f"Alert, reading: {said}" in capsys.readouterr().err
    assert "1 alert in the data, see model.checks: reading" in mw.load("u.mw").summary()


def test_bounds_of_a_fit_are_options(tables):
    asked = "--model lightgbm --monotone age=+1 --max-rows 100 --memory 16GB --target-score 0.5 --min-gain none"
    words = ["fit", "train.csv", "--target", "left", "--trials", "3", "--save", "b.mw", "--json", *asked.split()]
    done = run(*words, folder=tables)
    assert done.code == 0, done.err
    body = json.loads(done.out)
    assert len(body["leaderboard"]) == 2
    assert {"monotone", "rows", "early end"} <= {one["what"] for one in body["decisions"]}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fit", "train.csv", "--target", "gone"], "gone"),
        (["fit", "nowhere.csv", "--target", "left"], "nowhere.csv"),
        (["fit", "train.csv", "--target", "left", "--trials", "1", "--save", "no/such/folder/m.mw"], "folder"),
        (["fit", "train.csv", "--target", "left", "--trials", "1", "--block", "lightgmb"], "lightgbm"),
        (["fit", "train.csv", "--target", "left", "--trials", "1", "--monotone", "age"], "age=+1"),
        (["fit", "train.csv", "--target", "left", "--trials", "1", "--memory", "much"], "2GB"),
        (["predict", "train.csv", "test.csv"], "train.csv"),
    ],
)
def test_mistakes_are_said_without_a_traceback(tables, words, said):
    done = run(*words, folder=tables)
    assert done.code in (2, 3)
    assert said in done.err
    assert "Traceback" not in done.err


def test_what_is_said_of_the_table_goes_into_the_fit(tables):
    asked = ("--target", "left", "--trials", "1", "--model", "linear", "--save", "w.mw", "--json")
    said = (
        "--positive",
        "no",
        "--kind",
        "age=category",
        "--class-weight",
        "yes=9",
        "--class-weight",
        "no=1",
        "--folds",
        "3",
    )
    done = run("fit", "train.csv", *asked, *said, "--metric", "f1", folder=tables)
    assert done.code == 0, done.err
    plan = mw.load(tables / "w.mw").plan
    assert plan["said"]["positive"] == "no" and plan["split"]["folds"] == 3
    assert plan["said"]["kinds"] == {"pairs": [["age", "category"]]}
    assert plan["said"]["class_weight"] == {"pairs": [["yes", 9.0], ["no", 1.0]]}
    weighed = run("fit", "train.csv", *asked, "--sample-weight", "age", folder=tables)
    assert weighed.code == 3 and "no column but 'left', 'age'" in weighed.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fit", "train.csv", "--save", "train.csv"], "train.csv: it is the table, which would be lost"),
        (["fit", "train.csv", "--save", "link.csv"], "link.csv: it is the table"),
        (["fit", "train.csv", "--save", "test.csv"], "test.csv: there is a file that is no model"),
        (["fit", "train.csv", "--save", "x.html", "--report", "x.html"], "it is the model that is written as well"),
        (["predict", "m.mw", "test.csv", "-o", "test.csv"], "test.csv: it is the table"),
        (["predict", "m.mw", "test.csv", "-o", "m.mw"], "m.mw: it is the model"),
        (["predict", "m.mw", "test.csv", "-o", "other.mw"], "other.mw: there is a model"),
    ],
)
def test_no_command_writes_over_what_it_reads_or_over_something_else(tables, fitted, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tables)
    (tables / "other.mw").write_bytes((tables / "m.mw").read_bytes())
    if not (tables / "link.csv").exists():
        (tables / "link.csv").symlink_to("train.csv")
    before = {path.name: path.read_bytes() for path in tables.iterdir() if path.is_file()}
    assert main([*words, "--target", "left", "--trials", "1"] if words[0] == "fit" else words) == 3
    assert said in capsys.readouterr().err
    assert before == {path.name: path.read_bytes() for path in tables.iterdir() if path.is_file()}


def test_predictions_replace_predictions_and_a_model_a_model(tables, fitted, monkeypatch):
    monkeypatch.chdir(tables)
    for _ in range(2):
        assert main(["predict", "m.mw", "test.csv", "-o", "twice.csv"]) == 0
    model = mw.load("m.mw")
    sound = (tables / "m.mw").read_bytes()
    odd = {"empty": b"", "begun": sound[:35], "damaged": sound[:100], "changed": sound[:200] + bytes(200) + sound[400:]}
    for name, content in odd.items():
        (tables / f"{name}.mw").write_bytes(content)
    for name in ("twice", "twice", *odd):
        assert mw.load(model.save(f"{name}.mw")).target == "left"
    for place, what in ((".", "it is a folder"), ("", "it is a folder"), ("train.csv", "no model")):
        with pytest.raises(StoreError, match=what):
            model.save(place)


def test_a_model_replaces_no_other_file_that_begins_as_one(tables, fitted, tmp_path):
    model = mw.load(tables / "m.mw")
    np.savez(tmp_path / "mine.npz", x=np.arange(5))
    with zipfile.ZipFile(tmp_path / "book.xlsx", "w") as book:
        book.writestr("xl/workbook.xml", "my numbers")
    (tmp_path / "torn.xlsx").write_bytes((tmp_path / "book.xlsx").read_bytes()[:50])
    (tmp_path / "prices.txt").write_text("PKW prices\n1\n")
    (tmp_path / "letters").write_text("PK")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for path in before:
        with pytest.raises(StoreError, match="no model"):
            model.save(path)
    assert before == {path: path.read_bytes() for path in tmp_path.iterdir()}


def test_a_link_stays_one_and_the_file_it_leads_to_is_written(tables, fitted, tmp_path, monkeypatch):
    monkeypatch.chdir(tables)
    model, there = mw.load("m.mw"), tmp_path / "there"
    there.mkdir()
    for name in ("m.mw", "m.html", "m.csv", "new.mw"):
        (tmp_path / name).symlink_to(there / name)
    (there / "m.csv").write_text("old")
    (there / "m.mw").write_bytes((tables / "m.mw").read_bytes()[:100])
    model.save(tmp_path / "m.mw")
    model.save(tmp_path / "new.mw")
    model.report(tmp_path / "m.html")
    assert main(["predict", "m.mw", "test.csv", "-o", str(tmp_path / "m.csv")]) == 0
    assert all(path.is_symlink() for path in tmp_path.iterdir() if path != there)
    assert mw.load(there / "m.mw").target == mw.load(there / "new.mw").target == "left"
    assert "Model for left" in (there / "m.html").read_text()
    assert len((there / "m.csv").read_text().splitlines()) == 61
    assert len(list(there.iterdir())) == 4


FIT = ["fit", "train.csv", "--target", "left", "--trials", "1", "--model", "naive_bayes"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([*FIT, "--store", "lab", "--report", "lab"], "lab: it is the store, which would be lost"),
        ([*FIT, "--store", "sqlite:///lab", "--report", "lab"], "lab: it is the store"),
        ([*FIT, "--store", "new", "--save", "new"], "new: it is the store"),
        ([*FIT, "--store", ":memory:", "--report", "lab"], "lab: there is a database"),
        (["predict", "m.mw", "test.csv", "-o", "lab"], "lab: there is a database"),
        (["report", "one", "--store", "lab", "-o", "lab"], "lab: it is the store"),
        (["export", "one", "--store", "lab", "--format", "csv", "-o", "lab"], "lab: it is the store"),
        (["tune", "a.py:b", "--trials", "1", "--store", "lab", "--report", "lab"], "lab: it is the store"),
    ],
)
def test_nothing_is_written_over_a_store(tables, fitted, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tables)
    mw.Study(mw.HyperParameters(), objective="minimize", store="lab", name="one")
    assert main(words) == 3
    assert said in capsys.readouterr().err
    assert main(["show", "one", "--store", "lab"]) == 0 and not (tables / "new").exists()
    (tables / "lab").unlink()


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (("--class-weight", "yes"), "neither a class and a weight"),
        (("--class-weight", "balanced", "--class-weight", "yes=2"), "balanced beside weights"),
        (("--kind", "age"), "not a column and a kind"),
        (("--kind", "age=colour"), "colour"),
        (("--kind", "age=young,old"), "no place in the order"),
        (("--folds", "0"), "whole number"),
        (("--class-weight", "maybe=2"), "maybe"),
    ],
)
def test_what_makes_no_sense_of_the_table_is_refused(tables, wrong, match):
    done = run("fit", "train.csv", "--target", "left", "--trials", "1", "--save", "x.mw", *wrong, folder=tables)
    assert done.code in (2, 3) and match in done.err
    assert not (tables / "x.mw").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("zip=category", ("zip", "category")),
        ("a=b=number", ("a=b", "number")),
        ("a=b,c=number", ("a=b,c", "number")),
        ("medal=bronze, silver,gold", ("medal", ["bronze", "silver", "gold"])),
        ('size="1,000",>= 2', ("size", ["1,000", ">= 2"])),
    ],
)
def test_a_kind_may_be_levels_from_low_to_high(text, said):
    assert pairs.kind(text) == said


@pytest.mark.parametrize("content", [b"", b"no model", b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_no_model_has_no_leaderboard(tables, content):
    (tables / "no.mw").write_bytes(content)
    done = run("leaderboard", "no.mw", folder=tables)
    assert done.code == 3 and "no.mw" in done.err
    assert "Traceback" not in done.err and "internal error" not in done.err
