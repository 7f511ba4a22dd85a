"""Kinds: what columns are taken for, by their cells alone."""

import numpy as np
import pytest

from modelwright.core.errors import ArgumentError
from modelwright.tasks.data.dates import day_first, micros
from modelwright.tasks.data.numerals import Notation, notation
from modelwright.tasks.data.ordered_levels import ordered
from modelwright.tasks.data.reading import read
from modelwright.tasks.data.schema import Schema
from modelwright.tasks.data.uniform_dates import uniform

rng = np.random.default_rng(0)


def kind(cells, **more):
    return column(cells, **more).kind


def column(cells, **more):
    return Schema.of(read({"x": cells, **more}))["x"]


def repeated(*levels):
    return [levels[i % len(levels)] for i in range(60)]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([1.5, 2.5, 3.5], "number"),
        (list(rng.normal(size=200)), "number"),
        ([5, 7, 5, 9], "number"),
        (["5", "7", "5", "9"], "number"),
        ([" 5", "7 ", "?"], "number"),
        (["1,250.50", "900", "NA"], "number"),
        (["1.250,50", "900"], "number"),
        (["$5", "$7.50"], "number"),
        (["5 €", "7,50 €"], "number"),
        (["5%", "7.5%"], "number"),
        (["80 kg", "75.5 kg"], "number"),
        (["1.5k", "2M", "300"], "number"),
        (["(5)", "7", "-3"], "number"),
        (["1e3", "2E-5", "inf"], "number"),
        ([2010, 2011, 2012, 2010], "number"),
        (repeated(*[str(i) for i in range(30)], "<30"), "number"),
        ([*map(str, range(99)), "oops"], "number"),
        ([0, 1, 1, 0], "boolean"),
        ([0.0, 1.0, None], "boolean"),
        ([True, False], "boolean"),
        (["yes", "no", "YES", None], "boolean"),
        (["Y", "N", "?"], "boolean"),
        (["true", "FALSE"], "boolean"),
        (["yes", "no", "unknown"], "boolean"),
        (["t", "F", "true"], "boolean"),
        (["Y", "yes", "No", "n"], "boolean"),
        (["Y", "no", "true", "0"], "boolean"),
        (repeated("F", "N", "T"), "category"),
        (repeated("F", "N", "Y"), "category"),
        (repeated("T", "N"), "category"),
        (repeated("F", "yes", "no"), "category"),
        (["yes", "yes", None], "category"),
        (repeated("red", "green", "blue"), "category"),
        (repeated("male", "female"), "category"),
        (repeated("020", "060", "120"), "category"),
        (repeated("1", "2", "3+"), "number"),
        (repeated("1", "2", "x"), "category"),
        (repeated("A/5 2117", "PC 17599", "113803"), "category"),
        (repeated("low", "high", "medium"), "ordinal"),
        (repeated("< 0 DM", "1 - 200 DM", "> 200 DM", "unknown"), "ordinal"),
        (repeated("18-29", "30-44", "45-60", "> 60"), "ordinal"),
        (repeated("Jan", "Mar", "Dec"), "ordinal"),
        (repeated("Less than $40K", "$40K - $60K", "$60K - $80K", "$120K +"), "ordinal"),
        (repeated("[0, 5)", "[5, 10)"), "ordinal"),
        (repeated("1-2", "2-5", "1-9"), "category"),
        (["2020-01-02", "2020-12-31"], "datetime"),
        (["2020-01-02 10:00:00", None, "2021-02-03T04:05:06Z"], "datetime"),
        (["31/12/20", "01/02/21"], "datetime"),
        (["4 Apr 2016", "April 5, 2016", "2016-04-06", "07/04/2016", "08.04.2016"], "datetime"),
        (["20160404", "20161231", "20170101"], "datetime"),
        ([20160404, 20161231, 20170101], "datetime"),
        (["10:30", "23:59", "00:00"], "datetime"),
        (["2000-W01", "2000-W52", "2001-W01"], "datetime"),
        (["2000W01", "2000-W52-7"], "datetime"),
        (["2000-Q1", "2000Q4", "2001 Q2"], "datetime"),
        (repeated("2000-W54", "2000-W55", "2000-W56"), "category"),
        ([f"comment number {i} about the house" for i in range(100)], "text"),
        ([f"{i} {w} St" for i, w in zip(range(60), repeated("High", "Low", "Park"))], "text"),
        ([f"https://example.org/{'a' * (i % 7)}/{i}{'x' * (i % 5)}" for i in range(100)], "text"),
        (["".join(rng.choice(list("ACGT"), 60)) for _ in range(100)], "text"),
        ([f"{i:04d}-{chr(65 + i % 26)}{chr(65 + i % 7)}XYZ" for i in range(100)], "id"),
        ([f"{i * 2654435761 % 2**32:08x}" for i in range(100)], "id"),
        ([f"+1 555-{i:03d}-4567" for i in range(100)], "id"),
        (list(range(100)), "id"),
        (list(rng.permutation(400)[:300] + 1000), "id"),
        ([str(10**19 + i) for i in range(100)], "id"),
        ([3_000_000_000 + 7919 * i for i in range(200)], "id"),
        ([1_500_000_000 + 7919 * i for i in range(200)], "number"),
        ([7919_000 + 1000 * i for i in range(200)], "number"),
        (list(range(30)), "number"),
        (list(rng.choice(10_000, 600, replace=False)), "id"),
        (list(rng.integers(0, 10_000, 600)), "number"),
        (list(rng.choice(10**7, 600, replace=False)), "number"),
        ([f"PROMO-{i:03d}" if i % 5 == 0 else None for i in range(300)], "category"),
        ([f"{i // 3 * 2654435761 % 2**64:032x}" for i in range(300)], "category"),
        (["x" * 100_000, "9" * 100_000, "- " * 50_000, "1 - " * 9_000], "text"),
        ([5, 5, 5], "constant"),
        (["a", "a", "a"], "constant"),
        ([None, None], "constant"),
        (["", "NA", "?"], "constant"),
        ([float("nan")] * 3, "constant"),
        ([None, "a", "a"], "category"),
        ([None, 5.0, 5.0], "number"),
        ([np.inf, -np.inf, 1.0, 2.0], "number"),
    ],
)
def test_what_a_column_is(cells, expected):
    assert kind(cells) == expected, column(cells)


def test_a_unique_real_number_is_no_id():
    assert kind(list(rng.permutation(5000) + 0.5)) == "number"


def test_names_are_not_looked_at():
    for name in ("id", "customer_id", "date", "price", "is_member"):
        assert Schema.of(read({name: [5, 7, 5, 7]})).columns[0].kind == "number"


def test_points_between_thousands_are_told_by_other_columns():
    texts = ["1.250", "900", "12.000"]
    assert Schema.of(read({"x": texts})).frame({"x": "1.250"}).numbers["x"][0] == 1.25
    schema = Schema.of(read({"x": texts, "price": ["1,5", "2,25", "3,99"]}))
    assert schema.frame({"x": "1.250", "price": "1,5"}).numbers["x"][0] == 1250


@pytest.mark.parametrize("beside", ["0", "NA", "-", "?"])
@pytest.mark.parametrize("more", [{}, {"kinds": {"x": "number"}}])
@pytest.mark.parametrize("others", [{"price": ["1,5", "2,25", "3,99", "4,5"]}, {"y": ["1,5", "2,25", "3,99", "4,5"]}])
def test_points_between_thousands_are_seen_beside_nothing_and_by_any_column(beside, more, others):
    table = {"x": ["1.250", "900", "12.000", beside], "a": ["b", "c", "c", "b"], "y": ["u", "v", "u", "v"], **others}
    schema = Schema.of(read(table), target="y", **more)
    assert schema.frame(table).numbers["x"][:3].tolist() == [1250, 900, 12000]


def test_the_order_of_days_and_months_of_a_column_that_is_said_to_hold_dates_is_told_by_other_columns():
    table = {"sure": ["20/05/2017", "13/08/2016"], "open": ["01/02/2017", "03/04/2017"]}
    schema = Schema.of(read(table), kinds={"open": "datetime"})
    assert schema["open"].details["day_first"] is True
    assert Schema.of(read(table), kinds={"open": "datetime"}, without=["sure"])["open"].details["day_first"] is True
    assert Schema.of(read(table), kinds={"sure": "datetime"})["open"].details["day_first"] is True


def test_the_order_of_days_and_months_is_told_by_other_columns():
    sure, open_ = ["20/05/2017", "13/08/2016"], ["01/02/2017", "03/04/2017"]
    assert column(open_).details["day_first"] is False
    assert column(open_, other=sure).details["day_first"] is True
    assert column(["01.02.2017", "03.04.2017"]).details["day_first"] is True


@pytest.mark.parametrize(
    ("make", "other"),
    [
        (str, "x"),
        (int, "x"),
        (str, "void"),
        *((make, one) for make in (str, int, float) for one in (None, 0, 99991231)),
    ],
)
def test_dates_in_digits_are_dates_with_gaps_and_a_few_cells_that_are_none(make, other):
    days = [make(20160400 + 100 * (place % 9) + place % 28 + 1) for place in range(200)]
    strays = [place for place in range(200) if place % (4 if other is None else 20) == 3]
    for place in strays:
        days[place] = other if other in (None, "x") else make(other)
    table = {"x": days}
    found = Schema.of(read(table))
    assert found["x"].kind == "datetime"
    assert np.flatnonzero(np.isnan(found.frame(table).numbers["x"])).tolist() == strays
    assert kind([*days[:100], *map(make, range(100, 200))]) != "datetime"


def test_dates_that_may_be_either_are_none_where_both_orders_are_common():
    days, either = [f"{day:02}/03/2020" for day in range(13, 31)], "04/05/2020"
    months = [f"03/{day:02}/2020" for day in range(13, 31)]
    for others, read_ in (([], True), (months[:1], True), (months[:3], False), (months, False)):
        table = {"x": [*days, *others, either, "05/05/2020"]}
        found = Schema.of(read(table)).columns[0]
        values = Schema.of(read(table)).frame(table).numbers["x"]
        assert found.kind == "datetime" and found.details["day_first"] is (others != months)
        assert np.isfinite(values).sum() == len(values) - (not read_), others
        assert Schema.of(read(table)).frame({"x": either}).numbers["x"][0] == values[-2] or not read_
        assert np.isnan(Schema.of(read(table)).frame({"x": [either, either]}).numbers["x"]).all() != read_


def test_what_was_found_is_counted():
    seen = column([*map(str, range(97)), "oops", "?", "?"]).details["seen"]
    assert seen == {"rows": 100, "missing": 3, "tokens": {"?": 2}, "unreadable": 1, "examples": ["oops"]}
    assert column([np.inf, 1.0, 2.0]).details["seen"] == {"rows": 3, "missing": 1, "infinite": 1}
    assert column(["2020-02-30", *["2020-01-02"] * 40, "2021-01-01"]).details["seen"]["examples"] == ["2020-02-30"]


def test_levels_are_by_frequency_without_outer_blanks():
    assert column([" b", "b ", "a", "b", "c", "a", "NA"]).levels == ("b", "a", "c")


def test_more_levels_than_anybody_needs_are_left_out():
    many = [f"level {i} of many" for i in range(60_000)] * 2 + ["one", "two"]
    assert len(Schema.of(read({"x": many}), kinds={"x": "category"})["x"].levels) == 50_000


@pytest.mark.parametrize(
    ("levels", "order"),
    [
        (["poor", "good", "very good"], ("poor", "good", "very good")),
        (["Strongly agree", "neutral", "disagree"], ("disagree", "neutral", "Strongly agree")),
        (["S", "XL", "M"], ("S", "M", "XL")),
        (["5 or more", "1", "2", "3", "4"], ("1", "2", "3", "4", "5 or more")),
        (["under 5", "5 to 10", "over 10"], ("under 5", "5 to 10", "over 10")),
        (["$150,000+", "$0 - $24,999", "$25,000 - $149,999"], ("$0 - $24,999", "$25,000 - $149,999", "$150,000+")),
        (["(-inf, 3]", "(3, inf)"], ("(-inf, 3]", "(3, inf)")),
        (["good", "bad", "ugly"], None),
        (["1 - 5", "3 - 9"], None),
        (["a", "b", "c"], None),
        (["single"], None),
        (["high"], None),
    ],
)
def test_an_order_is_seen_only_where_it_is_plain(levels, order):
    found = ordered(levels)
    assert (found[0] if found else None) == order


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12), ("-1.5", -1.5), ("1,234,567.8", 1234567.8), ("1 234", 1234), ("1'234.5", 1234.5), ("−5", -5),
        ("$-5", -5), ("(1,200)", -1200), ("USD 5", 5), ("5 USD", 5), ("50%", 0.5), ("< 5", 5), ("10+", 10), (".5", 0.5),
        ("12,34,567", 1234567), ("1.2.3", None), ("1,23,4", None), ("five", None), ("5 apples", None), ("1_000", None),
        ("", None), ("-", None), ("12-05", None), ("0x10", None), ("nan", None), ("٣", 3), ("5 - 7", None),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(text, value):
    assert Notation().value(text) == (None if value is None else pytest.approx(value))


def test_the_decimal_sign_is_the_one_that_the_cells_give_away():
    assert notation(["1.234,5", "1.000"])[0].decimal == ","
    assert notation(["1,234.5", "1,000"])[0].decimal == "."
    assert notation(["1,234"], comma=True)[0].decimal == ","
    assert notation(["0,125", "0,5"])[0].decimal == ","


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["12 m", "15 m", "13"], [12, 15, 13]),
        (["12m", "15m"], [12, 15]),
        (["£1.5m", "£900,000", "£2m"], [1.5e6, 9e5, 2e6]),
        (["1.5m", "900,000", "2m"], [1.5e6, 9e5, 2e6]),
        (["1.5m", "90k", "13"], [1.5e6, 9e4, 13]),
        (["12%", "9", "15 %", "8,5"], [12, 9, 15, 8.5]),
        (["12%", "15%"], [0.12, 0.15]),
        (["50%", "0.25", "1"], [0.5, 0.25, 1]),
    ],
)
def test_a_sign_behind_some_numbers_scales_all_of_them_or_none(texts, values):
    frame = Schema.of(read({"x": texts * 9})).frame({"x": texts})
    assert frame.numbers["x"] == pytest.approx(values)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2016/4/5", "2016-04-05"), ("05.04.2016", "2016-04-05"), ("5-Apr-16", "2016-04-05"),
        ("Apr 5, 2016", "2016-04-05"), ("Tuesday, April 5, 2016", "2016-04-05"), ("5th April 2016", "2016-04-05"),
        ("20160405", "2016-04-05"), ("2016-04", "2016-04-01"), ("Apr 2016", "2016-04-01"),
        ("2016-04-05T10:30:15.25Z", "2016-04-05T10:30:15.250"), ("2016-04-05 10:30 PM", "2016-04-05T22:30"),
        ("2016-04-05 10:30+02:00", "2016-04-05T08:30"), ("25/12/2016", "2016-12-25"), ("12/25/2016", "2016-12-25"),
        ("01/01/70", "1970-01-01"), ("01/01/68", "2068-01-01"), ("31.04.2016", None), ("2016-13-01", None),
        ("2016-W01", "2016-01-04"), ("2020W537", "2021-01-03"), ("2016-W53", None), ("2016 Q2", "2016-04-01"),
        ("00/00/0000", None), ("today", None), ("5 apples 2016", None), ("2016-04-05 25:00", None), ("", None),
    ],
)  # fmt: skip
def test_dates_as_people_write_them(text, iso):
    expected = None if iso is None else np.datetime64(iso, "us").astype(np.int64)
    assert micros(text, day_first=True) == expected


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d/%m/%Y", "%Y-%m-%d %H:%M:%S", "%Y/%m/%dT%H:%M", "%d.%m.%Y %H:%M"])
def test_many_dates_at_once_are_what_each_is_alone(form, first):
    days = [np.datetime64(int(n), "s").item().strftime(form) for n in rng.integers(-(10**9), 2 * 10**9, 300)]
    together = uniform(days).seconds(day_first=first)
    alone = [micros(day, day_first=first) for day in days]
    if together is None:
        assert form[1] == "d" and not first and day_first(days)[0]
    else:
        assert together.tolist() == [one / 1e6 for one in alone]


@pytest.mark.parametrize(
    ("cells", "order"),
    [
        (["10", "9", "100", "unknown"], ("9", "10", "100")),
        ([3, 1, 2, 1], ("1", "2", "3")),
        (["10 kg", "9 kg"], ("9 kg", "10 kg")),
        (["grade 10", "grade 9", "Grade 1"], ("Grade 1", "grade 9", "grade 10")),
        (["high", "low", "medium"], ("low", "medium", "high")),
        (["yes", "no"], ("no", "yes")),
        ([True, False], ("False", "True")),
    ],
)
def test_an_ordinal_column_has_a_plain_order(cells, order):
    found = Schema.of(read({"x": cells * 9}), kinds={"x": "ordinal"})
    assert found["x"].levels == order
    assert found.frame({"x": order[1]}).codes["x"].tolist() == [1]


@pytest.mark.parametrize(
    "cells", [["gold", "silver"], ["north", "south", "east"], ["a 1", "b 2"], ["at -5", "at -3"], ["1 of 2", "2 of 3"]]
)
def test_no_order_is_made_up(cells):
    with pytest.raises(ArgumentError, match=r"column 'x'.*nothing tells the order.*kinds=\{'x': \[...\]\}"):
        Schema.of(read({"x": cells * 9}), kinds={"x": "ordinal"})


def test_the_order_of_levels_may_be_said():
    cells = ["gold", " silver", "bronze", None, "?", "unknown"] * 9
    for medals in (["bronze", "silver", "gold"], ("bronze", "silver ", "gold"), np.array(["bronze", "silver", "gold"])):
        schema = Schema.of(read({"x": cells}), kinds={"x": medals})
        assert schema["x"].kind == "ordinal" and schema["x"].levels == ("bronze", "silver", "gold")
        assert schema.frame({"x": cells}).codes["x"][:6].tolist() == [2, 1, 0, -1, -1, -1]
    backwards = Schema.of(read({"x": [1, 2, 3.0] * 9}), kinds={"x": [3, 2, 1]})
    assert backwards.frame({"x": [3, 1]}).codes["x"].tolist() == [0, 2]
    more = Schema.of(read({"x": cells}), kinds={"x": ["none", "bronze", "silver", "gold", "platinum"]})
    assert len(more["x"].levels) == 5


@pytest.mark.parametrize(
    ("said", "match"),
    [
        (["bronze", "gold"], "9 cells with levels that have no place in the order, such as 'silver'"),
        (["Bronze", "silver", "gold"], "Did you mean 'Bronze'"),
        (["gold", "silver", "gold"], "each once"),
        (["gold"], "two levels or more"),
        ([], "two levels or more"),
        (["bronze", "", "gold"], "each once"),
        ({"gold": 1}, "a list of levels from low to high"),
    ],
)
def test_an_order_that_leaves_something_open_is_refused(said, match):
    with pytest.raises(ArgumentError, match=match):
        Schema.of(read({"x": ["bronze", "silver", "gold"] * 9}), kinds={"x": said})


def test_the_source_may_say_the_order(tmp_path):
    pandas = pytest.importorskip("pandas")
    medals = ["bronze", "silver", "gold"]
    frame = pandas.DataFrame({"x": pandas.Categorical(["gold", "silver", None] * 9, medals, ordered=True), "z": 1.5})
    loose = frame.assign(x=frame["x"].cat.as_unordered())
    for kinds in (None, {"x": "ordinal"}):
        assert Schema.of(read(frame), kinds=kinds)["x"].levels == tuple(medals)
    assert Schema.of(read(loose))["x"].kind == "category"
    with pytest.raises(ArgumentError, match="nothing tells the order"):
        Schema.of(read(loose), kinds={"x": "ordinal"})
    pytest.importorskip("pyarrow")
    for made, expected in ((frame, "ordinal"), (loose, "category")):
        made.to_parquet(tmp_path / "t.parquet", row_group_size=5)
        found = Schema.of(read(tmp_path / "t.parquet"))
        assert found["x"].kind == expected
        assert expected == "category" or found["x"].levels == tuple(medals)
    polars = pytest.importorskip("polars")
    other = polars.DataFrame({"x": polars.Series(["gold", "silver"] * 9, dtype=polars.Enum(medals)), "z": 1.5})
    assert Schema.of(read(other))["x"].kind == "category"
    assert Schema.of(read(other), kinds={"x": "ordinal"})["x"].levels == tuple(medals)


def test_dates_in_digits_are_dates_where_pandas_has_made_them_numbers_with_fractions():
    days = (np.datetime64("2015-01-01") + rng.integers(0, 2000, 200)).astype(str)
    texts = [None if n % 11 == 0 else f"{day.replace('-', '')}.0" for n, day in enumerate(days)]
    schema = Schema.of(read({"x": texts}))
    assert schema["x"].kind == "datetime"
    wanted = [np.nan if text is None else micros(text[:8], day_first=False) / 1e6 for text in texts]
    assert np.array_equal(schema.frame({"x": texts}).numbers["x"], wanted, equal_nan=True)
    assert schema.frame({"x": "20180304.0"}).numbers["x"][0] == micros("2018-03-04", day_first=False) / 1e6
    assert kind([text and f"{float(text):.8e}" for text in texts]) == "number"


def test_levels_that_are_one_moment_are_one_level_however_they_are_written():
    pandas = pytest.importorskip("pandas")
    days = pandas.to_datetime(["2020-01-05", "2020-01-06", "2020-01-05", "2020-01-07"])
    schema = Schema.of(read(pandas.DataFrame({"x": pandas.Series(days).astype("category"), "b": range(4)})))
    wanted = schema.frame({"x": days, "b": range(4)}).codes["x"].tolist()
    assert len({*wanted}) == 3 and max(wanted) == 2
    for written in ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M"):
        texts = days.strftime(written).tolist()
        assert schema.frame({"x": texts, "b": range(4)}).codes["x"].tolist() == wanted
        assert [schema.frame({"x": text, "b": 0}).codes["x"][0] for text in texts] == wanted
    assert schema.frame({"x": "2020-01-08", "b": 0}).codes["x"][0] == 3
