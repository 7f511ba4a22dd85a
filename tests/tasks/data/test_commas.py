"""Tables with decimal commas: cells that leave their signs open are written as the other columns are."""

import numpy as np
import pytest

from modelwright.tasks.data.reading import read
from modelwright.tasks.data.schema import Schema
from modelwright.tasks.search.gathered import Said, gather

AMOUNTS = [850, 1250, 2300, 12400, 25563, 900, 31000, 7125, 650, 0, 18040, 3999]


def pointed(number):
    return f"{number:,}".replace(",", ".")


def columns(rows=60):
    return {
        "size": [f"{row},{row % 10}5" for row in range(rows)],
        "amount": [pointed(AMOUNTS[row % 12] + 7 * (row // 12)) for row in range(rows)],
        "y": ["ab"[row % 2] for row in range(rows)],
    }


def amounts(rows=60):
    return [AMOUNTS[row % 12] + 7 * (row // 12) for row in range(rows)]


def written(path, table, sep):
    quote = '"' if sep == "," else ""
    lines = [sep.join(table), *(sep.join(f"{quote}{cell}{quote}" for cell in row) for row in zip(*table.values()))]
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("nothing", ["NA", "-", "?", "", None])
@pytest.mark.parametrize("sep", [";", "\t", ","])
def test_points_between_thousands_are_seen_in_every_file(tmp_path, sep, nothing):
    whole = columns()
    gaps = {**whole, "amount": [nothing or "", *whole["amount"][1:]] if nothing is not None else whole["amount"]}
    path, clean = written(tmp_path / "gaps.csv", gaps, sep), written(tmp_path / "clean.csv", whole, sep)
    for learned in (path, clean):
        schema = Schema.of(read(learned), target="y")
        for source in (path, read(path), gaps):
            assert schema.frame(source).numbers["amount"][1:].tolist() == amounts()[1:]


def test_three_digits_behind_a_point_are_decimals_where_other_columns_have_points(tmp_path):
    table = {"a": [f"{row}.{row % 9}25" for row in range(1, 61)], "b": [f"{row}.5" for row in range(60)]}
    table |= {"y": [f"{row},5" for row in range(60)]}
    path = written(tmp_path / "points.csv", table, ",")
    assert read(path).columns["a"].dtype == np.float64
    assert Schema.of(read(path), target="y").frame(path).numbers["a"].tolist() == list(map(float, table["a"]))


@pytest.mark.parametrize("sign", ["", " €", "NA"])
@pytest.mark.parametrize("file", [True, False])
def test_a_target_is_written_as_the_other_columns_are(tmp_path, sign, file):
    table = columns()
    cells = [cell if sign == "NA" else cell + sign for cell in table["amount"]]
    cells[3] = "NA" if sign == "NA" else cells[3]
    table = {"size": table["size"], "rooms": [row % 5 for row in range(60)], "y": cells}
    data = gather(written(tmp_path / "t.csv", table, ";") if file else table, Said(target="y", folds=3))
    left = 1 if sign == "NA" else 0
    expected = [amount for row, amount in enumerate(amounts()) if row != 3 or not left]
    assert data.target.task == "regression" and data.y.tolist() == expected
    assert data.target.encode(["1.250"]).tolist() == [1250.0]


def test_a_target_that_leaves_its_sign_open_has_points_where_nothing_tells():
    data = gather({"size": range(60), "y": columns()["amount"]}, Said(target="y", folds=3))
    assert data.y.max() < 1000


def test_moments_are_written_as_the_other_columns_are():
    days = [np.datetime64("2020-01-01") + day for day in range(0, 360, 3)]
    open_ = [day for day in days if day.item().day <= 12]
    table = {
        "sure": [f"{day % 15 + 13}/05/2019" for day in range(len(open_))],
        "at": [day.item().strftime("%d/%m/%Y") for day in open_],
        "x": np.arange(float(len(open_))),
        "y": np.arange(len(open_)) % 2,
    }
    for more in ({}, {"without": ["at"]}, {"kinds": {"at": "datetime"}}):
        data = gather(table, Said(target="y", time="at", folds=3, **more))
        places = data.split.place[0]
        assert (np.diff(places) >= 0).all() and len(set(places.tolist())) > 1
