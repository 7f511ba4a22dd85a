"""Two tables: what shifted is named, and two random halves of one table pass."""

import numpy as np
import pytest
from examined import of, passed, real

from modelwright.core.rng import Seed
from modelwright.tasks.checks import drift
from modelwright.tasks.checks.together import Features
from modelwright.tasks.checks.two_samples import levels_shift, numbers_shift, stability, told_apart
from modelwright.tasks.data.reading import read
from modelwright.tasks.data.schema import Schema
from modelwright.tasks.scoring.target import Target

rng = np.random.default_rng(8)


def table(rows=600, shift=0.0, seed=0):
    draw = np.random.default_rng(seed)
    x = draw.normal(size=rows)
    return {
        "x": x + shift,
        "z": x + draw.normal(size=rows),
        "kind": np.array(["a", "b", "c"])[draw.integers(0, 3, rows)].tolist(),
        "y": draw.integers(0, 2, rows),
    }


def compared(first, second, **given):
    first, second = read(first), read(second)
    target = Target.of(first.columns["y"], name="y")
    return drift(first, second, Schema.of(first, target="y"), target=target, **given)


def test_two_tables_of_one_source_pass():
    found = compared(table(), table(seed=1))
    assert [one.name for one in found if one.status == "alert"] == [] and passed(found, "drift")


def test_a_shifted_number_is_named_and_a_classifier_sees_it():
    found = of(compared(table(), table(shift=1.0, seed=1)), "drift")
    assert set(found) == {"x", None} and "AUC" in found[None].message


def test_shares_of_levels_and_of_missing_cells_that_changed_are_named():
    second = table(seed=1)
    second["kind"] = ["a"] * 400 + second["kind"][400:]
    second["z"] = np.where(np.arange(600) < 200, np.nan, second["z"])
    assert set(of(compared(table(), second), "drift")) == {"kind", "z", None}


def test_numbers_that_are_written_otherwise_are_named():
    second = table(seed=1)
    second["z"] = [f"{cell:.1f} %" for cell in second["z"]]
    (one,) = [one for one in compared(table(), second) if one.name == "columns" and one.status == "alert"]
    assert one.column == "z" and "those of training had none, so that 12% is read as 0.12" in one.message


def test_only_together_columns_may_tell_the_tables_apart():
    first, second = table(3000), table(3000, seed=1)
    second["z"] = rng.permutation(second["z"])
    assert set(of(compared(first, second), "drift")) == {None}


def test_the_target_is_compared_where_it_is_there():
    second = table(seed=1)
    second["y"] = np.ones(600, dtype=int)
    assert set(of(compared(table(), second), "drift")) == {"y"}
    del second["y"]
    assert passed(compared(table(), second), "drift")


def test_columns_that_are_not_there_and_new_ones_are_told():
    second = {**table(seed=1), "more": [1] * 600}
    del second["z"]
    found = of(compared(table(), second), "columns")
    assert found["z"].status == "alert" and "'more'" in found[None].message


def test_rows_that_both_tables_have_are_counted():
    first, second = table(), table(seed=1)
    for name in second:
        second[name] = [*list(first[name])[:33], *list(second[name])[33:]]
    assert of(compared(first, second), "shared rows")[None].count == 33


@pytest.mark.parametrize("holes", ["neither", "first", "second", "both"])
def test_rows_are_counted_that_both_have_whatever_a_gap_makes_of_the_types_of_a_column(holes):
    first = table()
    first["count"] = np.arange(600) % 50
    second = {name: cells[:200] for name, cells in first.items()}
    if holes in ("first", "both"):
        first["count"] = np.where(np.arange(600) == 599, np.nan, first["count"])
    if holes in ("second", "both"):
        second["count"] = [None, *second["count"][1:].tolist()]
    assert of(compared(first, second), "shared rows")[None].count >= 199


MOMENTS = np.datetime64("2020-01-01", "us") + np.arange(600) * np.timedelta64(1, "D")


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ([f"{i % 50}" if i != 7 else "n/k" for i in range(600)], np.arange(600) % 50),
        (MOMENTS.astype("datetime64[D]").astype(str).tolist(), MOMENTS),
        (["yes", "no"] * 300, np.array([True, False] * 300)),
        ([f"${1000 + i:,.2f}" for i in range(600)], np.arange(1000.0, 1600.0)),
        ([f"{i % 9:03}" for i in range(600)], np.arange(600) % 9),
    ],
)
def test_columns_may_be_text_in_one_table_and_typed_in_the_other(written, typed):
    for first, second in ((written, typed), (typed, written)):
        assert passed(compared({**table(), "more": first}, {**table(seed=1), "more": second}), "drift")
        found = compared({**table(), "more": first}, {**table(), "more": second})
        assert of(found, "shared rows")[None].count >= 599


def test_levels_that_only_the_second_table_has_are_told_apart():
    first, second = table(), table(seed=1)
    second["kind"] = ["new", "newer"] * 300
    found = of(compared(first, second), "drift")
    assert "difference of shares 1.00" in found["kind"].message
    same = {**first, "x": first["x"] + 1, "kind": second["kind"]}
    assert of(compared({**first, "kind": ["old"] * 600}, same), "shared rows") == {}


def test_classes_that_the_first_table_lacks_are_named():
    first, second = table(), table(seed=1)
    first["y"] = np.array(["no", "yes"])[first["y"]].tolist()
    second["y"] = ["perhaps"] * 300 + [""] * 20 + np.array(["no", "yes"])[second["y"]].tolist()[320:]
    found = [one for one in compared(first, second) if one.name == "drift" and one.column == "y"]
    assert found[0].status == "alert" and found[0].count == 300 and "'perhaps'" in found[0].message


def test_few_rows_are_not_compared():
    assert "too few rows" in next(one.message for one in compared(table(10), table(10)) if one.name == "drift")


def test_the_index_of_stability_is_its_formula():
    expected, found = np.array([99.5, 199.5, 299.5]), np.array([199.5, 199.5, 199.5])
    a, b = np.array([1, 2, 3]) / 6, np.array([2, 2, 2]) / 6
    assert stability(expected, found) == pytest.approx(float(((b - a) * np.log(b / a)).sum()))


def test_p_values_of_equal_samples_are_spread_evenly():
    chances = [
        (numbers_shift(*draw.normal(size=(2, 150))).p, levels_shift(*draw.integers(0, 4, (2, 150))).p)
        for draw in map(np.random.default_rng, range(200))
    ]
    low = (np.array(chances) < 0.05).mean(axis=0)
    assert (low < 0.1).all() and (low[1] > 0.005)


def test_the_classifier_sees_nothing_where_there_is_nothing():
    low = 0
    for seed in range(30):
        values = np.random.default_rng(seed).normal(size=(300, 4)).astype(np.float32)
        told = told_apart(Features(values, tuple("abcd")), np.arange(300) % 2 == 0, Seed(seed), np.arange(300))
        low += told.p < 0.1
    assert low <= 6


@pytest.mark.parametrize("name", ["bike_sharing_hour", "mammography", "titanic_raw", "employee_salaries", "insurance"])
def test_random_parts_of_real_tables_pass(name):
    first, second = real(name), real(name, "test")
    assert passed(drift(first, second, Schema.of(first)), "drift")


def test_later_hours_of_bike_sharing_have_drifted():
    hours = real("bike_sharing_hour")
    order = np.argsort(hours.columns["date"].astype(str))
    first, second = hours.take(order[: 3 * len(order) // 4]), hours.take(order[3 * len(order) // 4 :])
    found = of(drift(first, second, Schema.of(first, target="cnt")), "drift", "alert")
    assert None in found and {"temp", "atemp"} <= set(found)


def test_test_rows_of_mammography_are_in_training():
    first, second = real("mammography"), real("mammography", "test")
    found = of(drift(first, second, Schema.of(first, target="class")), "shared rows", "passed")
    assert found[None].count == pytest.approx(0.299 * second.rows, rel=0.02)
