"""``modelwright fit``, ``predict`` and ``leaderboard``, in processes of their own."""

import csv
import io
import json

import numpy as np
import pytest
from cli_process import run

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


def test_members_are_scored_on_a_test_table(tables, fitted):
    done = run("leaderboard", "m.mw", "--test", "test.csv", "--json", folder=tables)
    board = json.loads(done.out)["leaderboard"]
    assert 0.6 < board[0]["test"] <= 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fit", "train.csv", "--target", "gone"], "gone"),
        (["fit", "nowhere.csv", "--target", "left"], "nowhere.csv"),
        (["fit", "train.csv", "--target", "left", "--trials", "1", "--save", "no/such/folder/m.mw"], "folder"),
        (["fit", "train.csv", "--target", "left", "--trials", "1", "--block", "lightgmb"], "lightgbm"),
        (["predict", "train.csv", "test.csv"], "train.csv"),
    ],
)
def test_mistakes_are_said_without_a_traceback(tables, words, said):
    done = run(*words, folder=tables)
    assert done.code in (2, 3)
    assert said in done.err
    assert "Traceback" not in done.err
