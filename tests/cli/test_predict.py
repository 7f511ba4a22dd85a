"""``modelwright predict``: what it writes, and what it says of words that it cannot go by."""

import csv
import gzip
import io
import json
import os

import numpy as np
import pytest

import modelwright as mw
from modelwright.cli.columns import as_file
from modelwright.cli.main import main

pytest.importorskip("lightgbm")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a model of a small table, ``m.mw``, and the table, ``new.csv``."""
    made = tmp_path_factory.mktemp("predict")
    rng = np.random.default_rng(0)
    age = rng.integers(18, 80, 80).tolist()
    lines = [f"{a},{'yes' if a > 50 else 'no'}" for a in age]
    (made / "new.csv").write_text("\n".join(["age,left", *lines]) + "\n")
    asked = {"trials": 1, "folds": 1, "models": ["linear"], "store": ":memory:", "verbose": 0}
    mw.fit(made / "new.csv", "left", **asked).save(made / "m.mw")
    return made


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


def printed(capsys):
    assert main(["predict", "m.mw", "new.csv", "--proba"]) == 0
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def test_a_file_is_what_its_ending_says(here, capsys):
    wanted = printed(capsys)
    for name in ("p.csv", "p.txt", "p.tsv", "p.CSV.gz", "p.tsv.gz", "plain"):
        assert main(["predict", "m.mw", "new.csv", "--proba", "-o", name]) == 0
        raw = (here / name).read_bytes()
        text = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode()
        assert list(csv.DictReader(io.StringIO(text), delimiter="\t" if ".tsv" in name else ",")) == wanted
    parquet = pytest.importorskip("pyarrow.parquet")
    assert main(["predict", "m.mw", "new.csv", "--proba", "-o", "p.parquet"]) == 0
    told = parquet.read_table("p.parquet")
    assert [{name: str(cell) for name, cell in row.items()} for row in told.to_pylist()] == wanted
    assert [str(column.type) for column in told.columns] == ["string", "double", "double"]


@pytest.mark.parametrize("name", ["p.xlsx", "p.json", "p.parquet.gz", "p.pkl"])
def test_another_ending_is_refused_before_anything_is_predicted(here, capsys, name):
    assert main(["predict", "gone.mw", "new.csv", "-o", name]) == 2
    said = capsys.readouterr().err
    assert f"'{name}' ends in" in said and ".csv, .txt, .tsv" in said and ".parquet" in said
    assert not (here / name).exists()


def test_a_document_says_which_file_was_written(here, capsys):
    assert main(["predict", "m.mw", "new.csv", "-o", "told.csv", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["file"], said["rows"]) == ("told.csv", 80)
    assert len((here / "told.csv").read_text().splitlines()) == 81


def test_a_device_may_have_any_name(here, capsys):
    os.mkfifo("p.pipe")
    reader = os.open("p.pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert main(["predict", "m.mw", "new.csv", "-o", "p.pipe"]) == 0
    assert os.read(reader, 5) == b"left\n"
    os.close(reader)


def test_labels_of_several_types_and_long_numbers_fit_into_parquet(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    made = as_file({"a": [1, "x"], "b": [2**70, 1], "c": [1, 2]}, tmp_path / "p.parquet")
    assert parquet.read_table(io.BytesIO(made)).to_pydict() == {"a": ["1", "x"], "b": [str(2**70), "1"], "c": [1, 2]}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["predict", "new.csv", "m.mw"], 2, "it is no model. The model comes first: modelwright predict m.mw new.csv"),
        (["leaderboard", "new.csv", "--test", "m.mw"], 2, "modelwright leaderboard m.mw --test new.csv"),
        (["predict", "new.csv", "new.csv"], 3, "new.csv: it is no model. model.save(path) and modelwright fit write"),
        (["predict", ".", "new.csv"], 3, ".: it is a folder. Name the file of a model in it."),
        (["predict", "half.mw", "new.csv"], 3, "half.mw: it cannot be read: File is not a zip file. model.save(path)"),
        (["predict", "empty.mw", "new.csv"], 3, "empty.mw: it cannot be read"),
    ],
)
def test_what_is_no_model_is_said_to_be_none(here, capsys, words, code, said):
    (here / "half.mw").write_bytes((here / "m.mw").read_bytes()[:200])
    (here / "empty.mw").write_bytes(b"")
    assert main(words) == code
    told = capsys.readouterr().err
    assert said in told and "Errno" not in told


def test_reasons_are_columns_of_their_own(here, capsys):
    assert main(["predict", "m.mw", "new.csv", "--proba", "--explain", "3"]) == 0
    told = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert list(told[0]) == ["left", "left=no", "left=yes", "because 1"]  # there is one column to give a reason
    ages = [line.split(",")[0] for line in (here / "new.csv").read_text().splitlines()[1:]]
    for row, age in zip(told, ages, strict=True):
        cell, adds = row["because 1"].split(" ")
        assert cell == f"age={age}" and -1 <= float(adds) <= 1
    assert main(["predict", "m.mw", "new.csv", "--explain", "0"]) == 2
    assert "--explain" in capsys.readouterr().err
