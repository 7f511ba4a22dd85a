"""Time zones of dates: those of later rows have one where those of the fit had one."""

import datetime

import numpy as np
import pandas
import polars
import pytest
from examined import examined, noise, of

from modelwright.core.errors import ArgumentError
from modelwright.tasks.data.reading import read
from modelwright.tasks.data.schema import Schema

AT = pandas.date_range("2024-03-01 00:30", periods=40, freq="1h")
AWARE = AT.tz_localize("America/New_York")
WRITTEN = {
    "pandas": lambda at: pandas.DataFrame({"t": at, "y": [0, 1] * 20}),
    "texts": lambda at: {"t": [moment.isoformat() for moment in at], "y": [0, 1] * 20},
    "objects": lambda at: [{"t": moment.to_pydatetime(), "y": i % 2} for i, moment in enumerate(at)],
    "polars": lambda at: polars.DataFrame({"t": at.to_pydatetime(), "y": [0, 1] * 20}),
}


@pytest.mark.parametrize("fitted", WRITTEN)
@pytest.mark.parametrize("asked", WRITTEN)
@pytest.mark.parametrize(("before", "now"), [(AWARE, AT), (AT, AWARE)])
def test_dates_that_differ_in_having_a_zone_are_refused(fitted, asked, before, now):
    schema = Schema.of(read(WRITTEN[fitted](before)), target="y")
    schema = Schema.from_json(schema.to_json())
    np.testing.assert_array_equal(
        schema.frame(WRITTEN[asked](before)).numbers["t"], schema.frame(WRITTEN[fitted](before)).numbers["t"]
    )
    with pytest.raises(ArgumentError, match=r"column 't'.*time zone"):
        schema.frame(WRITTEN[asked](now))


@pytest.mark.parametrize("fitted", WRITTEN)
def test_a_row_is_judged_as_many_are(fitted):
    for before, now in ((AWARE, AT), (AT, AWARE)):
        schema = Schema.of(read(WRITTEN[fitted](before)), target="y")
        for write in (lambda one: one, str, lambda one: one.to_pydatetime()):
            assert schema.frame({"t": write(before[3])}).numbers["t"][0] == schema.frame({"t": before}).numbers["t"][3]
            with pytest.raises(ArgumentError, match=r"column 't'.*time zone"):
                schema.frame({"t": write(now[3])})


def test_a_few_dates_without_a_zone_are_missing_and_told():
    schema = Schema.of(read(WRITTEN["pandas"](AWARE)), target="y")
    found = schema.frame({"t": [AT[0], *AWARE[1:]]})
    assert np.isnan(found.numbers["t"]).tolist() == [True, *[False] * 39]
    assert [note.kind for note in found.notes] == ["unreadable"]


def test_days_need_no_zone():
    aware, days = Schema.of(read(WRITTEN["pandas"](AWARE)), target="y"), AT.normalize()
    assert not np.isnan(aware.frame({"t": ["2024-03-01", "2024-03-02 00:00"]}).numbers["t"]).any()
    assert not np.isnan(aware.frame({"t": [datetime.date(2024, 3, 1)]}).numbers["t"]).any()
    plain = Schema.of(read(WRITTEN["pandas"](days)), target="y")
    assert not np.isnan(plain.frame({"t": ["2024-03-01T00:00:00Z"] * 2}).numbers["t"]).any()


def test_schemas_of_earlier_files_know_nothing_of_zones():
    body = Schema.of(read(WRITTEN["texts"](AWARE)), target="y").to_json()
    (column,) = body["columns"]
    del column["details"]["zoned"]
    assert not np.isnan(Schema.from_json(body).frame(WRITTEN["pandas"](AT)).numbers["t"]).any()


@pytest.mark.parametrize("write", [str, lambda one: one])
def test_a_fit_tells_that_some_dates_have_a_zone_and_others_none(write):
    at = pandas.date_range("2024-04-01 00:30", periods=400, freq="1h")
    zoned = at.tz_localize("America/New_York")
    cells = [write(zoned[i] if i % 4 else at[i]) for i in range(230)] + [None] * 170
    found = of(examined(noise(at=cells)), "mixed types")
    assert found["at"].status == "alert" and found["at"].count == 58
    assert "have a time zone, 58 have none" in found["at"].message
