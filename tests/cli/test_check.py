"""``modelwright check``: a table of findings, or JSON, and exit code 1 when there is an alert."""

import json

import numpy as np
import pytest

from modelwright.cli.main import main

rng = np.random.default_rng(0)


@pytest.fixture
def sound(tmp_path):
    """A file with nothing to find in it."""
    return written(tmp_path / "sound.csv")


def written(path, shift=0.0, seed=0, **more):
    draw = np.random.default_rng(seed)
    columns = {"a": draw.normal(size=300) + shift, "b": draw.normal(size=300), **more, "y": draw.integers(0, 2, 300)}
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values()))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_sound_table_passes(sound, capsys):
    assert main(["check", str(sound), "--target", "y"]) == 0
    said = capsys.readouterr()
    assert "Alerts (0)" in said.out and "Fixed (0)" in said.out and "near-certain" in said.out
    assert "300 rows, 2 columns; binary" in said.err


def test_an_alert_is_exit_code_1_with_what_where_how_many_and_what_to_do(tmp_path, capsys):
    path = written(tmp_path / "t.csv", days=[999] * 30 + list(range(27)) * 10, unit=["m"] * 300)
    assert main(["check", str(path), "--target", "y"]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "Alerts (1) sentinel values days: 999 in 30 rows" in said and "next: empty those cells" in said
    assert "constants unit: every cell is 'm' done: left out else: nothing: there is nothing to learn" in said


def test_a_second_table_that_has_drifted_is_an_alert(sound, tmp_path, capsys):
    same, other = written(tmp_path / "same.csv", seed=1), written(tmp_path / "other.csv", shift=2.0, seed=1)
    assert main(["check", str(sound), "--target", "y", "--test", str(same)]) == 0
    assert main(["check", str(sound), "--target", "y", "--test", str(other), "-q"]) == 1
    assert "its distribution shifted" in capsys.readouterr().out


def test_findings_as_json(sound, capsys):
    assert main(["check", str(sound), "--target", "y", "--json", "--seconds", "30", "--seed", "4"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert (body["rows"], body["task"], body["alerts"]) == (300, "binary", 0)
    assert {"name", "status", "column", "count", "message", "done", "undo", "columns"} == set(body["checks"][0])


def test_a_table_is_checked_as_a_fit_reads_it(sound, capsys):
    asked = ["check", str(sound), "--target", "y"]
    assert main([*asked, "--task", "regression"]) == 0
    assert "regression: it was said" in capsys.readouterr().err
    assert main([*asked, "--metric", "mae", "--kind", "a=category"]) in (0, 1)
    said = capsys.readouterr()
    assert "regression: " in said.err and "high cardinality" in said.out.partition("Passed")[0]
    for wrong, match in (("--kind=a=1,2", "no place in the order"), ("--metric=acuracy", "no metric")):
        assert main([*asked, wrong]) == 3
        assert match in capsys.readouterr().err


def test_escape_sequences_of_a_file_do_nothing_to_a_terminal(tmp_path, capsys):
    path = written(tmp_path / "t.csv", **{"\x1b[31mred": ["\x1b]0;t\x07"] * 300})
    main(["check", str(path), "--target", "y"])
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--target", "z"], ["--target", "y", "--test", "none.csv"]])
def test_what_is_not_there_is_bad_input(sound, words, capsys):
    assert main(["check", str(sound), *words]) == 3
    assert "modelwright: " in capsys.readouterr().err


def test_a_file_that_is_not_there_is_bad_input(tmp_path):
    assert main(["check", str(tmp_path / "none.csv"), "--target", "y"]) == 3
    assert main(["check", str(tmp_path / "none.csv")]) == 2


def test_columns_that_differ_at_their_ends_are_told_apart(tmp_path, capsys):
    long = "Naive_Bayes_Classifier_Attrition_Flag_Card_Category_Contacts_Count_12_mon_Dependent_count_"
    path = written(tmp_path / "t.csv", **{f"{long}{end}": [end] * 300 for end in "12"})
    assert main(["check", str(path), "--target", "y"]) == 0
    said = capsys.readouterr().out
    assert all(f"Dependent_count_{end}: every cell" in said for end in "12") and long not in said.partition("kind")[0]
