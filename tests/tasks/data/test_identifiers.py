"""Naming: columns that name each row are ids only where they say nothing of the target."""

import numpy as np
import pytest

from modelwright.tasks.checks import check
from modelwright.tasks.data.reading import read
from modelwright.tasks.data.schema import Schema
from modelwright.tasks.scoring.target import Target


def schema(source, **said):
    return Schema.of(read(source), target="y", **said)


def noise(rows, seed=0):
    return np.random.default_rng(seed).normal(size=rows)


def trends():
    order = np.random.default_rng(1).permutation(1000)
    return {
        "the only column": {"x": np.arange(50.0), "y": np.arange(50.0) ** 2},
        "years": {"x": np.arange(1900, 2021), "a": noise(121), "y": 2 * np.arange(1900, 2021) + noise(121)},
        "steps": {"x": order, "a": noise(1000), "y": 0.5 * order + 20 * noise(1000)},
        "grid": {"x": 13 * order + 5, "a": noise(1000), "y": 0.5 * order + 20 * noise(1000)},
        "long": {"x": 10**6 + 7 * order, "a": noise(1000), "y": 0.5 * order + 20 * noise(1000)},
        "waves": {"x": np.arange(400), "a": noise(400), "y": np.sin(np.arange(400) / 9)},
        "classes": {"x": order, "a": noise(1000), "y": np.where(order + 200 * noise(1000) > 500, "late", "early")},
        "texts": {"x": [f"{one:,}" for one in order], "a": noise(1000), "y": 0.5 * order},
        "gaps": {"x": [*map(float, order[:995]), *[None] * 5], "a": noise(1000), "y": 0.5 * order},
    }


@pytest.mark.parametrize("case", trends())
def test_whole_numbers_that_count_the_rows_are_numbers_where_they_go_with_the_target(case):
    found = schema(trends()[case])["x"]
    assert found.kind == "number", found


@pytest.mark.parametrize("case", ["years", "steps", "grid", "long", "texts"])
@pytest.mark.parametrize("goal", ["numbers", "classes"])
def test_they_are_ids_where_they_say_nothing_of_it(case, goal):
    table = trends()[case]
    table["y"] = noise(len(table["y"]), seed=7)
    if goal == "classes":
        table["y"] = np.where(table["y"] > 1, "rare", "usual")
    found = schema(table)["x"]
    assert found.kind == "id" and "say nothing of 'y'" in found.details["why"]


def test_chance_seldom_makes_a_number_of_an_id():
    kinds = [
        schema({"x": np.arange(300), "a": noise(300, seed), "y": noise(300, seed + 500)})["x"].kind
        for seed in range(100)
    ]
    assert kinds.count("id") >= 95


@pytest.mark.parametrize("part", [1.0, 0.6])
@pytest.mark.parametrize("goal", ["classes", "numbers"])
def test_a_table_that_was_sorted_before_it_was_counted_does_not_leak(part, goal):
    draw = np.random.default_rng(3)
    y = np.repeat(["a", "b", "c"], 100) if goal == "classes" else np.sort(draw.lognormal(size=300))
    rows = draw.permutation(300)[: int(part * 300)]
    table = read({"x": np.arange(1, 301)[rows], "a": noise(len(rows)), "y": y[rows]})
    found = Schema.of(table, target="y")
    assert found["x"].kind == "id"
    alert = next(
        one for one in check(table, found, Target.of(table.columns["y"], name="y")) if one.name == "row numbers"
    )
    assert alert.status == "alert" and "kinds={'x': 'number'}" in alert.undo
    assert Schema.of(table, target="y", kinds={"x": "number"})["x"].kind == "number"


def test_a_number_that_counts_rows_and_is_used_is_an_alert():
    table = read(trends()["steps"])
    found = check(table, Schema.of(table, target="y"), Target.of(table.columns["y"], name="y"))
    alert = next(one for one in found if one.name == "row numbers")
    assert (alert.status, alert.column, alert.done) == ("alert", "x", "used as a number")
    assert "kinds={'x': 'id'}" in alert.undo


def test_addresses_are_text_where_their_domain_tells_something():
    draw = np.random.default_rng(0)
    domain = draw.choice(["gmail.com", "corp.de", "uni.edu"], 500)
    table = {"mail": [f"user{i}@{one}" for i, one in enumerate(domain)], "a": noise(500)}
    told = np.where((domain == "uni.edu") ^ (draw.random(500) < 0.2), "yes", "no")
    assert schema({**table, "y": told})["mail"].kind == "text"
    assert schema({**table, "y": draw.permutation(told)})["mail"].kind == "id"


def test_a_file_and_a_frame_agree(tmp_path):
    pandas = pytest.importorskip("pandas")
    for place, table in enumerate(trends().values()):
        path = tmp_path / f"{place}.csv"
        frame = pandas.DataFrame(table)
        frame.to_csv(path, index=False)
        assert schema(path)["x"].kind == schema(frame)["x"].kind == "number"


def test_ids_that_are_too_long_for_a_number_stay_ids():
    table = {"x": [str(10**19 + i) for i in range(100)], "a": noise(100), "y": np.arange(100.0) ** 2}
    assert schema(table)["x"].kind == "id"


def test_a_column_that_alone_is_there_is_used_whatever_it_says():
    assert schema({"x": np.arange(100), "y": noise(100)})["x"].kind == "number"
