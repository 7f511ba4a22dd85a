"""What checks say was done, and what they say undoes it, held against what a fit does."""

import ast
import inspect
import re

import numpy as np
import pytest

import modelwright as mw
from modelwright.tasks.checks import check
from modelwright.tasks.data.reading import read
from modelwright.tasks.data.schema import Schema
from modelwright.tasks.scoring.target import Target
from modelwright.tasks.search.acted import acted
from modelwright.tasks.search.gathered import Said, checked, gather


def messy(rows=300, seed=0):
    """A table with something for nearly every check."""
    rng = np.random.default_rng(seed)
    y = np.where(rng.random(rows) < 0.4, "yes", "no").astype(object)
    y[:4] = "maybe"
    level = np.array([f"town {i}" for i in rng.integers(0, 160, rows)], dtype=object)
    size = rng.normal(50, 10, rows).round(2)
    size[:9] = 9999
    spotty = rng.normal(size=rows).round(3).astype(str).astype(object)
    spotty[:12], dashed = "?", spotty.copy()
    dashed[:12] = "-"
    mixed = np.array([str(i) for i in rng.integers(0, 60, rows)], dtype=object)
    mixed[: rows // 3] = "plenty"
    table = {
        "size": size, "again": size, "renamed": np.where(size > 50, "a", "b").astype(object), "high": size > 50,
        "town": level, "spotty": spotty, "dashed": dashed, "mixed": mixed, "unit": np.array(["m"] * rows, dtype=object),
        "told": np.unique(y, return_inverse=True)[1] + rng.normal(scale=0.01, size=rows), "y": y,
    }  # fmt: skip
    copies = np.r_[np.arange(rows), np.arange(20, 40)]
    table = {name: cells[copies] for name, cells in table.items()}
    return table | {"key": np.array([f"K-{i:06d}" for i in range(len(copies))], dtype=object)}


def found_in(said, source=None):
    data = gather(messy() if source is None else source, said)
    return data, checked(data, seed=0, seconds=None)


def of(found, name, column=None):
    return next(one for one in found if one.name == name and (column is None or one.column == column))


@pytest.fixture(scope="module")
def usual():
    data, found = found_in(Said(target="y"))
    return data, acted(found, data, Said(target="y"), [])


def test_every_argument_that_a_check_names_is_one_of_fit(usual):
    arguments = set(inspect.signature(mw.fit).parameters)
    _, found = usual
    named = {one.name for one in found if one.status != "passed"}
    assert {"constants", "ids", "duplicate columns", "duplicate rows", "high cardinality", "near-certain",
            "rare classes", "unreadable cells", "mixed types"} <= named  # fmt: skip
    for one in found:
        for argument in re.findall(r"\b([a-z_]+)=", one.undo):
            assert argument in arguments, one.undo


def test_kinds_that_undo_something_are_accepted_and_bring_the_column_back(usual):
    _, found = usual
    table = read(messy())
    seen = 0
    for one in found:
        said = re.search(r"kinds=(\{.*?\})", one.undo)
        if said is None:
            continue
        kinds = ast.literal_eval(said[1])
        column = Schema.of(table, target="y", kinds=kinds)[one.column]
        assert column.used and column.kind == kinds[one.column], one
        seen += 1
    assert seen >= 4
    cells = {name: of(found, "unreadable cells", name).undo for name in ("spotty", "dashed")}
    assert cells["spotty"].startswith("fill") and "'-'" in cells["dashed"]
    for name, missing in (("spotty", 12), ("dashed", 0)):
        assert Schema.of(table, target="y", kinds={name: "category"})[name].details["seen"]["missing"] == missing


def test_a_column_that_without_leaves_out_is_not_there(usual):
    _, found = usual
    names = {ast.literal_eval(said[1])[0] for one in found if (said := re.search(r"without=(\[.*?\])", one.undo))}
    assert "again" in names
    for name in names:
        assert name not in [column.name for column in gather(messy(), Said(target="y", without=(name,))).schema.columns]


def test_columns_with_the_same_values_are_made_once_as_is_said(usual):
    _, found = usual
    assert "one of them" in of(found, "duplicate columns", "again").done
    made = mw.fit(messy(), "y", trials=1, store=":memory:", verbose=0, models=["lightgbm"])
    entry = next(one for one in made.features() if one["column"] == "again")
    assert not entry["used"] and "the same as size" in entry["became"]


@pytest.mark.parametrize("folds", [None, 1])
def test_where_rows_that_are_alike_went_is_told_as_it_was(folds):
    said = Said(target="y", folds=folds)
    data, found = found_in(said)
    done = of(acted(found, data, said, []), "duplicate rows").done
    assert ("holdout" if folds == 1 else "in one fold") in done and ("fold," not in done)
    for place in data.split.place:
        assert (place[20:40] == place[300:]).all()
    rare = of(acted(found, data, said, []), "rare classes").done
    assert ("holdout" in rare) == (folds == 1)


def test_with_groups_copies_may_be_divided_and_that_is_said():
    table = messy()
    table["who"] = np.arange(len(table["y"])) % 40
    said = Said(target="y", groups="who")
    data, found = found_in(said, table)
    done = of(acted(found, data, said, []), "duplicate rows").done
    assert "groups='who'" in done and "one fold" not in done
    assert "groups='who'" in of(acted(found, data, said, []), "rare classes").done


def test_few_rows_are_judged_by_the_split_there_is():
    table = {name: cells[:120] for name, cells in messy().items()}
    for folds in (None, 1):
        said = Said(target="y", folds=folds)
        data, found = found_in(said, table)
        assert of(acted(found, data, said, []), "too few rows").done == f"judged by {data.split.said}"


def test_order_in_time_that_was_asked_for_is_no_alert_any_more():
    rng = np.random.default_rng(0)
    days = np.sort(rng.choice(2000, 400, replace=False))
    at = (np.datetime64("2020-01-01") + days).astype("datetime64[us]")
    y = np.sin(np.arange(400) / 40) + rng.normal(scale=0.1, size=400)
    table = {"at": at, "x": rng.normal(size=400), "y": y}
    plain, found = found_in(Said(target="y"), table)
    before = of(acted(found, plain, Said(target="y"), []), "time order")
    assert before.status == "alert" and "time='at'" in before.undo and "by chance" in before.done
    said = Said(target="y", time="at")
    data, found = found_in(said, table)
    after = of(acted(found, data, said, []), "time order")
    assert after.status == "fixed" and "time='at'" in after.done and after.undo == "leave time= out"


def test_a_leak_that_was_dropped_is_not_said_to_be_kept():
    made = mw.fit(messy(), "y", drop_suspected=True, trials=1, store=":memory:", verbose=0, models=["linear"])
    said = next(one for one in made.checks if one["name"] == "near-certain" and one["column"] == "told")
    assert said["done"] == "left out" and "drop_suspected=False" in said["undo"]
    kept = mw.fit(messy(), "y", trials=1, store=":memory:", verbose=0, models=["linear"])
    said = next(one for one in kept.checks if one["name"] == "near-certain" and one["column"] == "told")
    assert said["done"] == "kept" and "drop_suspected=True" in said["undo"]


def test_every_column_that_leaks_is_left_out_however_many_they_are():
    rng = np.random.default_rng(0)
    months = {f"m{i:02}": rng.integers(1, 100, 300) for i in range(24)}
    table = {**months, "x": rng.normal(size=300), "y": sum(months.values()) * 1.0}
    made = mw.fit(table, "y", drop_suspected=True, trials=1, store=":memory:", verbose=0, models=["linear"])
    found = [one for one in made.checks if one["name"] == "near-certain"]
    assert {name for one in found for name in one["columns"] or [one["column"]]} == set(months)
    assert all(one["done"] == "left out" for one in found)
    assert made.predict({"x": [0.0, 1.0]}).shape == (2,)


def test_the_checks_alone_name_kinds_that_fit_too():
    raw = read({"id": np.arange(1000, 1200), "x": np.random.default_rng(0).normal(size=200), "y": ["a", "b"] * 100})
    schema = Schema.of(raw, target="y")
    found = check(raw, schema, Target.of(raw.columns["y"], name="y"))
    ids = [one for one in found if one.name == "ids" and one.column == "id"]
    assert all(one.undo == "kinds={'id': 'number'}" for one in ids) and ids


@pytest.mark.parametrize("holes", [None, "", "?", " NA ", float("nan")])
def test_a_row_without_a_group_is_one_of_its_own_and_that_is_told(holes):
    y, rng = np.arange(400) % 2, np.random.default_rng(0)
    names = [i % 40 for i in range(200)] if isinstance(holes, float) else [f"c{i % 40}" for i in range(200)]
    table = {"x": rng.normal(size=400), "who": [*names, *[holes] * 200], "y": y}
    data, said = gather(table, Said(target="y", groups="who")), Said(target="y", groups="who")
    for place in data.split.place:
        assert all(len(set(place[i:200:40])) == 1 for i in range(40))
        assert set(place[200:]) == set(range(data.split.folds))
    (alert,) = acted([], data, said, [])
    assert (alert.name, alert.status, alert.column, alert.count) == ("missing groups", "alert", "who", 200)
    assert "200 rows of 400 have no group" in alert.message
    assert acted([], gather({**table, "who": [*names, *names]}, said), said, []) == []
    with pytest.raises(mw.ArgumentError, match="groups='who': every cell is missing"):
        gather({**table, "who": [holes] * 400}, said)
