"""Rows that repeat others or contradict them, too few of them, rare classes."""

import numpy as np
import pytest
from examined import examined, noise, of, passed

from modelwright.tasks.checks import row_groups
from modelwright.tasks.data.reading import read
from modelwright.tasks.data.schema import Schema

rng = np.random.default_rng(3)


def doubled(**more):
    table = noise(300, **more)
    return {name: np.concatenate([cells, cells[:40]]) for name, cells in table.items()}


def grouped(columns):
    table = read(columns)
    return row_groups(Schema.of(table).frame(table)).tolist()


def test_rows_that_repeat_others_are_counted():
    found = of(examined(doubled()), "duplicate rows")
    assert found[None].count == 40 and found[None].status == "fixed"


def test_ids_do_not_hide_that_rows_are_alike():
    table = doubled()
    table["key"] = np.array([f"K{i:05}" for i in rng.permutation(340)])
    assert of(examined(table), "duplicate rows")[None].count == 40


def test_rows_that_are_alike_in_all_but_their_class_contradict_each_other():
    table = doubled()
    table["y"][300:305] = 1 - table["y"][300:305]
    found = examined(table)
    assert of(found, "contradicting rows")[None].count == 10
    assert of(found, "duplicate rows")[None].count == 35


def test_groups_of_rows_that_are_alike_are_numbered_in_order():
    assert grouped({"a": [1.0, 2.0, 1.0, -0.0, 0.0], "b": ["x", "y", "x", None, None]}) == [0, 1, 0, 2, 2]


@pytest.mark.parametrize(
    "cells",
    [
        ["rome", "rome ", "oslo", " oslo"] * 9,
        ["NA", None, "oslo", "rome"] * 9,
        ["1,000.00", "1000.00", "2000.50", "2,000.5"] * 9,
        ["yes", "Yes", "no", "NO"] * 9,
        ["2020-01-02", "2020/01/02", "2020-01-03", "2020-01-03 00:00"] * 9,
        [f"{a} thing{more} that was number {i} of all" for i in range(18) for a, more in (("a", "  "), ("A", ""))],
    ],
)
def test_rows_are_alike_whatever_their_cells_are_spelled_like(cells):
    size = np.repeat(rng.normal(size=18), 2)
    found = grouped({"x": cells, "size": size})
    assert len(set(found)) == (18 if cells[1] is not None else 27)
    assert all(found[i] == found[i + 1] for i in range(0, 36, 4))


def test_copies_that_are_written_otherwise_are_said_to_be():
    table = doubled(city=np.array([f"town{i % 50}" for i in range(300)], dtype=object))
    table["city"][300:330] += " "
    message = of(examined(table), "duplicate rows")[None].message
    assert message == "40 rows (12 %) repeat another one, 30 of them written otherwise"
    assert "otherwise" not in of(examined(doubled()), "duplicate rows")[None].message


def test_rows_of_a_few_levels_are_alike_by_nature():
    columns = {name: rng.integers(0, 2, 500) for name in "abc"}
    assert grouped(columns) == list(range(500))
    found = examined({**columns, "y": rng.integers(0, 2, 500)})
    assert "by nature" in of(found, "duplicate rows")[None].done and passed_contradictions(found)


def passed_contradictions(found):
    return not of(found, "contradicting rows")


def test_rows_without_a_target_do_not_count():
    table = noise(300)
    y = [str(value) for value in table["y"]]
    y[:50] = [None] * 50
    assert "250 rows" in next(one.message for one in examined({**table, "y": y}) if one.name == "too few rows")


def test_few_rows_are_an_alert():
    assert of(examined(noise(30)), "too few rows")[None].count == 30
    assert of(examined(noise(120)), "too few rows")[None].status == "alert"
    assert passed(examined(noise(400)), "too few rows")


def test_more_columns_than_rows_are_an_alert():
    table = {f"c{i}": rng.normal(size=210) for i in range(220)} | {"y": np.arange(210) % 2}
    assert "more columns (220) than rows" in of(examined(table), "too few rows")[None].message


def test_classes_with_hardly_any_rows_are_named():
    table = noise()
    table["y"] = np.array(["rare"] * 7 + ["b", "c", "d"] * 131)
    found = of(examined(table), "rare classes")
    assert found[None].count == 7 and "'rare'" in found[None].message


def test_a_class_of_one_row_is_told_to_be_left_out():
    table = noise(60)
    table["y"] = ["rare", *["a", "b"] * 29, "a"]
    found = of(examined(table), "rare classes")[None]
    assert (found.status, found.count, found.done) == ("alert", 1, "left out")
    assert "'rare'" in found.message and found.undo


def test_rows_without_a_target_are_told_and_are_an_alert_where_something_stands_there():
    table = noise()
    blank = examined({**table, "y": [None if i < 5 else "ab"[i % 2] for i in range(400)]})
    found = of(blank, "rows without a target")[None]
    assert (found.status, found.count, found.done) == ("fixed", 5, "left out")
    named = examined({**table, "y": [("NA", "SA", "EU")[i % 3] for i in range(400)]})
    found = of(named, "rows without a target")[None]
    assert found.status == "alert" and "'NA' in 134 rows" in found.message and found.undo
    assert passed(examined(table), "rows without a target")


def test_two_classes_that_a_metric_takes_for_numbers_are_an_alert():
    found = of(examined(noise(), metric="rmse"), "two values")[None]
    assert found.status == "alert" and "'y' has the values 0 and 1 alone" in found.message
    assert "metric='roc_auc'" in found.undo and "task='regression'" in found.undo
    assert passed(examined(noise(), metric="rmse", task="regression"), "two values")
    assert passed(examined(noise()), "two values")


def file_of(tmp_path, *more, encoding="utf-8"):
    """A file of 300 rows with these lines at its end, as it was read."""
    lines = ["a;b;y", *(f"{i % 7};{i % 5};{'yes' if i % 3 else 'no'}" for i in range(300)), *more]
    path = tmp_path / "rows.csv"
    path.write_bytes("\n".join(lines).encode(encoding))
    return path


def test_rows_whose_cells_are_lost_since_they_have_too_many_are_an_alert(tmp_path):
    found = of(examined(file_of(tmp_path, "1;2;yes;7", "1;yes")), "reading")[None]
    assert (found.status, found.count) == ("alert", 2) and "(lines 302, 303)" in found.message
    done = "1 short row filled up with missing cells, all cells of 1 long row taken as missing"
    assert found.message.partition("): ")[2] == done


def test_what_reading_repaired_is_said_and_needs_nobody(tmp_path):
    found = of(examined(file_of(tmp_path, "1;yes")), "reading")[None]
    assert (found.status, found.count) == ("fixed", 1) and "taken as missing" not in found.message
    found = of(examined(file_of(tmp_path, "1;2;Käse", encoding="cp1252")), "reading")[None]
    assert found.status == "fixed" and found.message == "the encoding is cp1252"
    assert passed(examined(noise()), "reading") and passed(examined(file_of(tmp_path)), "reading")
