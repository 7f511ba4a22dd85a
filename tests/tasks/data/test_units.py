"""Numbers that are written otherwise than those of the fit, so that they may not mean the same."""

import datetime

import numpy as np
import pandas
import pytest

from modelwright.tasks.data.frame import told
from modelwright.tasks.data.reading import read
from modelwright.tasks.data.schema import Schema


def schema(cells):
    found = Schema.of(read({"x": cells, "y": [0, 1] * (len(cells) // 2)}), target="y")
    return Schema.from_json(found.to_json())


PLAIN = [10.5, 20.0, 31.0, 8.25]
SHARES = ["10.5%", "20 %", "31%", "8.25%"]
LONG = pandas.to_timedelta(["1h", "2h", "3h", "4h30min"])


@pytest.mark.parametrize("fitted", [PLAIN, list(map(str, PLAIN)), LONG.total_seconds().tolist()])
def test_percent_signs_that_are_new_are_told(fitted):
    for asked in ({"x": ["12%", "9%"]}, {"x": "12%"}):
        found = schema(fitted).frame(asked)
        assert found.numbers["x"][0] == 0.12
        assert "'x': its cells have percent signs, and those of the fit had none" in told(found.notes)


def test_percent_signs_that_are_gone_are_told_where_numbers_are_no_shares():
    for asked in ({"x": ["12", "9"]}, {"x": [12.0, 0.5]}, {"x": 12.0}, {"x": "12"}):
        assert "'x': its cells have no percent sign" in told(schema(SHARES).frame(asked).notes)
    for asked in ({"x": ["12%", "9%"]}, {"x": [0.12, 0.5]}, {"x": 0.12}, {"x": [None, "?"]}, {"x": "12%"}):
        assert told(schema(SHARES).frame(asked).notes) == ""


def test_it_goes_by_what_cells_are_read_as():
    commas = schema(["10,5 %", "20 %", "31,0 %", "8,25 %"])
    for asked in ({"x": ["12,5", "9,0"]}, {"x": ["12 EUR", "9 EUR"]}, {"x": "12,5"}, {"x": "12 EUR"}):
        assert "'x': its cells have no percent sign" in told(commas.frame(asked).notes)
    for asked in ({"x": ["0,5", "1,0"]}, {"x": "12,5 %"}, {"x": ["150 %", "0,5"]}, {"x": "150 %"}):
        assert told(commas.frame(asked).notes) == ""


@pytest.mark.parametrize("fitted", [SHARES, PLAIN])
def test_a_table_that_is_told_renews_what_is_remembered(fitted):
    other = {"x": PLAIN if fitted is SHARES else SHARES}
    again = schema(fitted).renewed(read(other))
    assert told(again.frame(other).notes) == ""
    assert "'x': its cells have" in told(again.frame({"x": fitted}).notes)


def test_percentages_beside_numbers_of_their_size_are_one_unit():
    mixed = schema(["10.5%", "20", "31%", "8.25"])
    found = mixed.frame({"x": ["12", "12%"]})
    assert found.numbers["x"].tolist() == [12, 12] and told(found.notes) == ""


def test_durations_that_are_new_are_told():
    plain = schema(PLAIN)
    for asked in ({"x": LONG}, {"x": datetime.timedelta(hours=1)}, {"x": np.timedelta64(1, "h")}):
        found = plain.frame(pandas.DataFrame(asked) if asked["x"] is LONG else asked)
        assert found.numbers["x"][0] == 3600
        assert "'x': its cells are durations, and those of the fit were none" in told(found.notes)
    assert told(schema(LONG).frame({"x": LONG}).notes) == told(schema(LONG).frame({"x": 3600.0}).notes) == ""


def test_models_of_before_remember_nothing_of_it():
    body = schema(PLAIN).to_json()
    for column in body["columns"]:
        for key in ("percent", "durations"):
            column["details"].pop(key, None)
    assert told(Schema.from_json(body).frame({"x": ["12%", "9%"]}).notes) == ""
