"""Columns that say nothing, say it twice, name rows, have many levels, or mix two kinds of cells."""

import numpy as np
from examined import examined, noise, of, passed

from modelwright.tasks.checks.columns import MANY
from modelwright.tasks.checks.record import SHOWN

rng = np.random.default_rng(2)
COLOURS = np.array(["red", "green", "blue"])


def test_constants_are_left_out_and_told():
    found = of(examined(noise(unit=["m"] * 400, empty=[None] * 400)), "constants")
    assert set(found) == {"unit", "empty"} and {one.status for one in found.values()} == {"fixed"}
    assert all("kinds" not in one.undo and "nothing to learn" in one.undo for one in found.values())


def test_a_constant_that_was_said_to_be_one_is_not_said_to_be_empty():
    kinds = {"size": "constant", "empty": "constant"}
    found = of(examined(noise(size=[1.0, 2.0] * 200, empty=[None, "?"] * 200), kinds=kinds), "constants")
    assert found["size"].message == "it was said to be constant"
    assert found["size"].undo == "leave it out of kinds={'size': 'constant'}"
    assert found["empty"].message == "every cell is missing"


def test_dates_in_several_formats_are_told():
    days = [np.datetime64("2016-01-13").astype("datetime64[D]").item().replace(day=13 + i % 15) for i in range(400)]
    written = ["%Y-%m-%d", "%d.%m.%Y", "%d %b %Y"]
    table = noise(day=[day.strftime(written[i % 3]) for i, day in enumerate(days)], other=[str(day) for day in days])
    found = of(examined(table), "mixed types")
    assert set(found) == {"day"} and found["day"].status == "fixed" and found["day"].count == 3
    assert "3 formats: " in found["day"].message


def test_a_column_that_names_the_rows_is_an_id():
    found = of(examined(noise(key=[f"K{i:05}" for i in rng.permutation(400)])), "ids")
    assert list(found) == ["key"]


def test_dates_of_both_orders_are_an_alert_unless_it_is_a_slip():
    at = np.datetime64("2020-01-01") + rng.permutation(400).astype("timedelta64[D]")
    year, month, day = (np.array([str(one).split("-")[part] for one in at]) for part in range(3))
    first, second = (
        np.char.add(np.char.add(np.char.add(a, "/"), b), np.char.add("/", year))
        for a, b in ((day, month), (month, day))
    )
    slips = np.flatnonzero(day.astype(int) > 12)[:1]
    for share, became in ((0.5, "taken as missing"), (0.05, "read with days first, as most of them"), (0.0, "")):
        other = rng.random(400) < share
        other[slips] = True
        found = of(examined(noise(at=np.where(other, second, first).tolist())), "mixed types")
        assert set(found) == ({"at"} if became else set())
        if became:
            assert found["at"].status == "alert" and found["at"].done.endswith(became) and found["at"].count > 100
            assert "only have days first" in found["at"].message


def test_equal_columns_are_found_and_so_are_those_with_other_names_for_the_levels():
    colour = rng.integers(0, 3, 400)
    table = noise(colour=COLOURS[colour].tolist(), code=np.array([7, 3, 5])[colour])
    table["copy"] = table["a"].copy()
    found = of(examined(table), "duplicate columns")
    assert set(found) == {"code", "copy"} and "'a'" in found["copy"].message


def test_numbers_in_the_same_order_are_no_duplicates():
    table = noise()
    table["b"] = np.exp(table["a"])
    assert passed(examined(table), "duplicate columns")


def test_categories_of_very_many_levels_are_told():
    words = [f"w{i % 150} street" for i in range(600)]
    found = of(examined(noise(600, street=words, colour=COLOURS[rng.integers(0, 3, 600)])), "high cardinality")
    assert list(found) == ["street"] and found["street"].count == 150 > MANY


def test_numbers_and_words_in_one_column_are_an_alert():
    cells = [str(i % 40) if i % 4 else ["low", "high"][i % 8 // 4] for i in range(400)]
    found = of(examined(noise(mixed=cells, colour=COLOURS[rng.integers(0, 3, 400)])), "mixed types")
    assert list(found) == ["mixed"] and found["mixed"].count == 100


def test_many_findings_of_one_kind_do_not_drown_the_rest():
    table = noise(60, **{f"k{i}": ["same"] * 60 for i in range(50)})
    found = [one for one in examined(table) if one.name == "constants"]
    assert len(found) == SHOWN + 1 and "30 more columns" in found[-1].message
