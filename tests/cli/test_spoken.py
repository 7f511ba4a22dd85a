"""What the command line says in its own words: options where messages name arguments of Python."""

import json
import re

import numpy as np
import pytest

from modelwright.cli.main import main
from modelwright.cli.spoken import Spoken, spoken_in

said = spoken_in("fit", ["seed=3.csv"])


@pytest.mark.parametrize(
    ("message", "spoken"),
    [
        ("drop_suspected=True leaves it out", "--drop-suspected leaves it out"),
        ("Allowed: drop_suspected=False", "Allowed: without --drop-suspected"),
        ("groups='Ticket' and time='Age'", "--groups Ticket and --time Age"),
        ("kinds={'Sex': [...]} lists its levels", "--kind Sex=LOW,...,HIGH lists its levels"),
        ("kinds={\"it's\": ['low', 'very high']}", """--kind 'it'"'"'s=low,very high'"""),
        ("without=['a', 'b c'] leaves them out", "--without a --without 'b c' leaves them out"),
        (
            "time='...'; if rows belong together, groups='...'",
            "--time COLUMN; if rows belong together, --groups COLUMN",
        ),
        ("models=, block= and preset= say", "--model, --block and --preset say"),
        ("min_gain=None uses all", "--min-gain none uses all"),
        ("folds=3 for 2 rows. Give seconds=5.", "--folds 3 for 2 rows. Give --seconds 5."),
        ("kinds={'very lo: 'id'} of a name that was cut", "--kind {'very lo: 'id'} of a name that was cut"),
        ("trials=N", "--trials N"),
    ],
)
def test_arguments_are_options(message, spoken):
    assert said(message) == spoken


@pytest.mark.parametrize(
    "message",
    [
        "search anew without plan=",
        "mw.fit(..., seconds=5) goes on",
        "column 'seed=3' has a gap",
        "/data/seed=3/x.csv: there is no such file",
        "seed=3.csv: there is no such file",
        "val_seed=3",
        "seed == 3",
    ],
)
def test_what_is_no_argument_of_the_command_stays(message):
    assert said(message) == message


def test_what_only_a_fit_can_be_given_is_said_of_a_fit():
    others = {"without": ("--without", "COLUMN")}
    assert Spoken({}, others)("without=['a'] leaves it out") == "fit --without a leaves it out"
    assert spoken_in("predict", [])("trust=False. Pass trust=True.") == "without --trust. Pass --trust."


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("fit t.csv --target y --min-gain foo", "'foo' is no number; allowed: one, or noise or none"),
        ("tune job:f --min-gain none", "'none' is no number; allowed: one, or noise."),
        ("fit t.csv --target y --seed abc", "'abc' is not a whole number"),
        ("fit t.csv --target y --target-score much", "'much' is not a number"),
    ],
)
def test_what_an_option_takes_is_said_alike(words, told, capsys):
    assert main(words.split()) == 2
    assert told in capsys.readouterr().err


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A table with a column that tells the target, one that names the rows, and levels without an order."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    y, job = rng.integers(0, 2, 200), rng.choice(["cook", "nurse", "clerk"], 200)
    lines = [f"{one},{rng.normal():.3f},{job[row]},u{row:03},{one}" for row, one in enumerate(y.tolist())]
    (tmp_path / "t.csv").write_text("\n".join(["told,a,job,unit,y", *lines]) + "\n")
    return "t.csv"


def test_findings_and_errors_name_options(table, capsys):
    assert main(["check", table, "--target", "y"]) == 1
    found = " ".join(capsys.readouterr().out.split())
    assert "next: fit --drop-suspected leaves it out" in found and "else: --kind unit=category" in found
    assert not re.search(r"\b[a-z_]+=[^a-z]", found)
    fit = ["fit", table, "--target", "y", "--trials", "1", "--model", "linear", "--save", "m.mw"]
    assert main([*fit, "--monotone", "job=1"]) == 3
    assert "--kind job=LOW,...,HIGH lists its levels" in capsys.readouterr().err
    assert main([*fit, "--groups", "job", "--time", "a", "--json"]) == 3
    told = capsys.readouterr()
    assert "--groups job and --time a" in told.err and "groups=" not in told.err
    assert "--groups job and --time a" in json.loads(told.out)["error"]["message"]
    assert main([*fit, "--memory", "2"]) == 3
    assert "2 bytes by --memory (a number alone is bytes: --memory 2GB has a unit)" in capsys.readouterr().err
    assert main([*fit, "--report", "m.txt"]) == 3
    assert "prints the page as PDF" in (err := capsys.readouterr().err) and "study." not in err


def test_the_end_of_a_fit_says_what_to_do_in_a_shell(table, capsys):
    fit = ["fit", table, "--target", "y", "--trials", "1", "--model", "linear", "--folds", "1"]
    assert main([*fit, "--save", "my model.mw"]) == 0
    err = capsys.readouterr().err
    assert "in the data, see below: near-certain of 'told'" in err and "Alert, near-certain: told:" in err
    assert "next: --drop-suspected leaves it out" in err
    assert "model.predict" not in err and "model.checks" not in err
    told = err.partition("Next:\n")[2].split("\n")
    assert told[0] == "  modelwright predict 'my model.mw' NEW.csv"
    assert told[2] == "  modelwright report 'my model.mw'"
