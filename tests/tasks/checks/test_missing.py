"""Missing values with their pattern, and cells that were read as missing."""

import numpy as np
from examined import examined, noise, of, passed

rng = np.random.default_rng(1)


def test_missing_cells_are_counted_for_each_column():
    table = noise()
    table["a"] = np.where(np.arange(400) < 37, np.nan, table["a"])
    found = of(examined(table), "missing values")
    assert list(found) == ["a"] and found["a"].count == 37 and found["a"].status == "fixed"


def test_columns_that_are_missing_in_the_same_rows_are_named():
    table, gone = noise(c=rng.normal(size=400)), rng.random(400) < 0.2
    for name in ("a", "b"):
        table[name] = np.where(gone, np.nan, table[name])
    table["c"] = np.where(rng.random(400) < 0.2, np.nan, table["c"])
    found = of(examined(table), "missing values")
    assert "in the same rows as 'b'" in found["a"].message and "same rows" not in found["c"].message


def test_absence_that_tells_of_the_target_is_an_alert_and_absence_by_chance_is_not():
    table = noise(1000)
    table["a"] = np.where((table["y"] == 1) & (rng.random(1000) < 0.7), np.nan, table["a"])
    table["b"] = np.where(rng.random(1000) < 0.35, np.nan, table["b"])
    found = of(examined(table), "missing values")
    assert found["a"].status == "alert" and "explains" in found["a"].message
    assert found["b"].status == "fixed"


def test_rows_that_hold_next_to_nothing_are_counted():
    table = {f"c{i}": rng.normal(size=200) for i in range(8)} | {"y": np.arange(200) % 2}
    for name in list(table)[:7]:
        table[name][:9] = np.nan
    found = of(examined(table), "missing values", "alert")
    assert found[None].count == 9


def test_blanks_and_words_in_a_column_of_numbers_are_read_as_missing():
    cells = [f"{i}.5" for i in range(300)]
    cells[7] = cells[11] = " "
    cells[13] = "oops"
    found = examined({"charges": cells, "y": [0, 1] * 150})
    blank, odd = of(found, "unreadable cells")["charges"], of(found, "mixed types")["charges"]
    assert (blank.count, blank.status, "read as missing numbers" in blank.done) == (2, "fixed", True)
    assert (odd.count, odd.status) == (1, "alert") and "oops" in odd.message


def test_infinite_numbers_are_counted():
    table = noise()
    table["a"][:3] = np.inf
    assert of(examined(table), "unreadable cells")["a"].count == 3


def test_a_table_without_gaps_passes():
    found = examined(noise())
    assert passed(found, "missing values") and passed(found, "unreadable cells")
