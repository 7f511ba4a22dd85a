"""Reading: every source of a table gives the same raw cells."""

import datetime
import decimal

import numpy as np
import pytest

from modelwright.core.errors import ArgumentError
from modelwright.tasks.checks import check
from modelwright.tasks.data.cells import cell as one_cell
from modelwright.tasks.data.reading import read
from modelwright.tasks.data.schema import Schema
from modelwright.tasks.scoring.target import Target

pandas = pytest.importorskip("pandas")


def cells(table, name):
    found = table.columns[name]
    return [None if cell is None or cell != cell else cell for cell in found.tolist()]


def test_a_frame_of_pandas_keeps_its_types():
    frame = pandas.DataFrame(
        {
            "whole": [1, 2],
            "real": [0.5, None],
            "flag": [True, False],
            "text": ["a", None],
            "when": pandas.to_datetime(["2020-01-02", None]),
            "zone": pandas.to_datetime(["2020-01-02 01:00+01:00", None], utc=True),
            "span": pandas.to_timedelta(["1h", None]),
            "nullable": pandas.array([1, None], dtype="Int64"),
            "maybe": pandas.array([True, None], dtype="boolean"),
            "mixed": [1, "x"],
        }
    )
    table = read(frame)
    types = {name: column.dtype.kind for name, column in table.columns.items()}
    assert "".join(types.values()) == "ifbOMMffOO"
    assert cells(table, "zone")[0] == datetime.datetime(2020, 1, 2)
    assert cells(table, "span") == [3600.0, None] and cells(table, "maybe") == ["True", None]
    assert cells(table, "mixed") == ["1", "x"]
    assert [note.kind for note in table.notes] == ["mixed types"]


@pytest.mark.parametrize("ordered", [True, False])
def test_a_categorical_says_its_levels(ordered):
    column = pandas.Categorical(["b", "a", None], categories=["b", "a", "c"], ordered=ordered)
    table = read(pandas.DataFrame({"x": column}))
    assert cells(table, "x") == ["b", "a", None]
    assert table.declared["x"].kind == ("ordinal" if ordered else "category")
    assert table.declared["x"].levels == ("b", "a", "c")


@pytest.mark.parametrize(
    "levels",
    [
        pandas.to_datetime(["2020-01-01 00:00", "2020-02-01 10:30"]),
        pandas.to_datetime(["2020-01-01", "2020-02-01"]).tz_localize("Europe/Berlin"),
        [datetime.date(2020, 1, 1), datetime.date(2020, 2, 1)],
        pandas.to_timedelta([1.5, 36], unit="h"),
        [1.5, 2.0],
        [True, False],
        pandas.period_range("2020-01", periods=2, freq="M"),
    ],
)
def test_a_row_of_a_categorical_is_read_as_many_are(levels):
    frame = pandas.DataFrame(
        {"x": pandas.Categorical([levels[0], levels[1]] * 10, categories=levels), "y": [0, 1] * 10}
    )
    schema = Schema.of(read(frame), target="y")
    many = schema.frame(frame)
    for one in (frame.iloc[1:2], {"x": frame["x"][1]}, frame.iloc[[1, 1]].astype({"x": object})):
        found = schema.frame(one)
        assert found.notes == () and found.codes["x"][0] == many.codes["x"][1] >= 0


def test_a_number_that_python_has_no_type_for():
    assert one_cell(np.longdouble(0.5)) == 0.5 and one_cell(np.longdouble("nan")) is None
    assert one_cell(np.clongdouble(1j)) == one_cell(1j)


@pytest.mark.parametrize("kind", ["date32", "date64"])
def test_days_of_arrow_in_a_frame_of_pandas(kind):
    arrow = pytest.importorskip("pyarrow")
    days = [datetime.date(2020, 1, 1), None, datetime.date(2020, 1, 3)]
    made = read(pandas.DataFrame({"d": pandas.Series(days, dtype=pandas.ArrowDtype(getattr(arrow, kind)()))}))
    assert cells(made, "d") == [datetime.datetime(2020, 1, 1), None, datetime.datetime(2020, 1, 3)]


@pytest.mark.parametrize(("values", "expected"), [([3, 5], [3, 5]), ([2**100, 5], [str(2**100), "5"])])
def test_whole_numbers_of_128_bits(values, expected):
    polars = pytest.importorskip("polars")
    assert cells(read(polars.DataFrame({"n": polars.Series(values, dtype=polars.Int128)})), "n") == expected


def test_other_frames_give_what_pandas_gives():
    polars, arrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    columns = {
        "whole": [1, 2, None],
        "real": [0.5, None, 2.0],
        "flag": [True, False, True],
        "text": ["a", None, "b"],
        "when": [datetime.datetime(2020, 1, 2), None, datetime.datetime(2021, 1, 2)],
        "day": [datetime.date(2020, 1, 2), None, datetime.date(2021, 1, 2)],
    }
    expected = read(columns)
    for made in (
        polars.DataFrame(columns),
        polars.DataFrame(columns).lazy(),
        arrow.table(columns),
        pandas.DataFrame(columns),
        list(map(dict, zip(*[[(name, cell) for cell in column] for name, column in columns.items()]))),
    ):
        table = read(made)
        for name, column in expected.columns.items():
            assert table.columns[name].dtype.kind == column.dtype.kind, (type(made), name)
            assert cells(table, name) == cells(expected, name), (type(made), name)


def test_levels_of_polars():
    polars = pytest.importorskip("polars")
    table = read(polars.DataFrame({"x": polars.Series(["b", "a"], dtype=polars.Enum(["b", "a"]))}))
    assert cells(table, "x") == ["b", "a"] and table.declared["x"].levels == ("b", "a")


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    frame = pandas.DataFrame({"a": [1, 2], "b": ["x", None], "c": pandas.to_datetime(["2020-01-01", None])})
    frame.to_parquet(tmp_path / "rows.parquet")
    table = read(tmp_path / "rows.parquet")
    assert [column.dtype.kind for column in table.columns.values()] == ["i", "O", "M"]
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(ArgumentError, match=r"broken\.parquet.*no Parquet file"):
        read(tmp_path / "broken.parquet")


@pytest.mark.parametrize("source", ["path", "arrow", "polars"])
def test_an_index_that_pandas_saved_is_no_column(source, tmp_path):
    parquet, polars = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("polars")
    frame = pandas.DataFrame({"x": np.sqrt(np.arange(60.0)), "y": [0, 1] * 30}).sample(frac=1, random_state=0)
    frame.to_parquet(path := tmp_path / "shuffled.parquet")
    made = read({"path": path, "arrow": parquet.read_table(path), "polars": polars.read_parquet(path)}[source])
    assert made.names == ("x", "y") and [note.kind for note in made.notes] == ["index"]
    assert Schema.of(made, target="y").frame(frame).rows == 60
    found = check(made, Schema.of(made, target="y"), Target.of(made.columns["y"], name="y"), only=["reading"])
    assert [(one.status, "__index_level_0__" in one.message) for one in found] == [("fixed", True)]


def test_plain_numbers_of_a_file_are_numbers_and_codes_are_not(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(
        "whole,real,gap,code,long,word,inf\n1,0.5,?,007,18446744073709551616,1_000,inf\n2,1e3,3,010,2,2,1\n"
    )
    table = read(str(path))
    assert {name: column.dtype.kind for name, column in table.columns.items()} == {
        "whole": "i",
        "real": "f",
        "gap": "f",
        "code": "O",
        "long": "O",
        "word": "O",
        "inf": "f",
    }
    assert table.tokens == {"gap": {"?": 1}} and cells(table, "code") == ["007", "010"]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ({"a": 1, "b": "x"}, ("a", "b")),
        ({"a": [1, 2], "b": np.array([1.5, 2.5])}, ("a", "b")),
        ([{"a": 1}, {"b": 2}], ("a", "b")),
        (np.zeros((3, 2)), ("0", "1")),
        ([[1, "x"], [2, "y"]], ("0", "1")),
        (np.array([(1, 2.0)], dtype=[("a", int), ("b", float)]), ("a", "b")),
        ({1: [1], 2.5: [2]}, ("1", "2.5")),
        ({" a ": [1], "\ufeffb": [1]}, ("a", "b")),
        ({"a": [1], "a ": [2], "a.1": [3]}, ("a", "a.2", "a.1")),
        ({"": [1], None: [2], " ": [3]}, ("Unnamed: 0", "Unnamed: 1", "Unnamed: 2")),
        ({"🙂": [1], "名前": [2]}, ("🙂", "名前")),
        ({("a", "b"): [1]}, ("a.b",)),
    ],
)
def test_columns_have_names_that_are_unique_and_not_blank(source, names):
    assert read(source).names == names


def test_repeated_and_blank_names_are_stated():
    frame = pandas.DataFrame(np.zeros((2, 4)), columns=["x", "x", "", "y"])
    table = read(frame)
    assert table.names == ("x", "x.1", "Unnamed: 2", "y")
    assert [note.kind for note in table.notes] == ["blank names", "duplicate names"]
    assert "'x'" in table.notes[1].message


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (2**63, str(2**63)),
        (-(2**70), str(-(2**70))),
        (decimal.Decimal("1.5"), 1.5),
        (np.float32(0.5), 0.5),
        (datetime.date(1970, 1, 2), datetime.datetime(1970, 1, 2)),
        (b"abc", "abc"),
        (["a", 1], "['a', 1]"),
        ({"a": 1}, "{'a': 1}"),
        (float("inf"), float("inf")),
        (pandas.NA, None),
        (pandas.NaT, None),
        (np.datetime64("NaT"), None),
        (pandas.Timestamp("2020-01-01"), datetime.datetime(2020, 1, 1)),
        (datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC), datetime.datetime(2020, 1, 1)),
        ("", ""),
        ("🙂", "🙂"),
    ],
)  # fmt: skip
def test_single_cells_of_every_type(cell, expected):
    assert cells(read([{"x": cell}, {"x": None}]), "x") == [expected, None]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("no_such_file.csv", "no such file"),
        ("https://example.org/x.csv", "address"),
        ("", "cannot be read"),
        (3, "int"),
        (None, "it is None\\."),
        ([], "empty"),
        ({}, "empty"),
        ([1, 2], "row 0 is an int"),
        (["a"], "row 0 is a str"),
        ([{"a": 1}, 2], "row 1 is an int"),
        ([[1, 2], [3]], "differ in length"),
        (np.zeros(3), r"shape \(3,\)"),
        (np.zeros((2, 2, 2)), "shape"),
        (np.zeros((3, 0)), "no columns"),
        ({"a": [1, 2], "b": [1]}, "'b' has 1 cell"),
        ({"a": [1, 2], "b": 1}, "'b' is one cell"),
        (pandas.Series([1, 2]), "Series"),
        (pandas.DataFrame(index=[1, 2]), "no columns"),
    ],
)
def test_what_is_no_table_is_refused(source, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArgumentError, match=said):
        read(source)


@pytest.mark.parametrize(("cells", "said"), [(np.array([1j, 2]), "complex"), (np.zeros((2, 2)), "shape")])
def test_cells_that_no_table_has_are_refused_where_they_are_used(cells, said):
    table = read({"a": cells, "b": [1, 2]})
    assert table.names == ("a", "b") and table.column("b").tolist() == [1, 2] and table.without("a").names == ("b",)
    with pytest.raises(ArgumentError, match=f"column 'a'.*{said}"):
        table.column("a")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(ArgumentError, match="cannot be read"):
        read(tmp_path)


def test_sparse_matrices_are_refused_and_not_made_dense():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(ArgumentError, match="csr"):
        read(sparse.csr_matrix((3, 2)))


def test_rows_are_taken_by_places_and_masks():
    table = read({"a": [1, 2, 3], "b": ["x", "y", "z"]})
    assert table.take([2, 0]).columns["b"].tolist() == ["z", "x"]
    assert table.take(np.array([True, False, True])).rows == 2
    assert table.without("a").names == ("b",)
    with pytest.raises(ArgumentError, match=r"no column 'A'.*Did you mean 'a'"):
        table.without("A")


def test_a_named_index_of_pandas_is_no_column_and_that_is_told():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1, 2, 3], "city": ["x", "y", "z"]})
    table = read(frame.set_index("city"))
    assert table.names == ("a",) and [note.kind for note in table.notes] == ["index"]
    with pytest.raises(ArgumentError, match=r"no column 'city'.*reset_index\(\)"):
        table.column("city")
    assert not read(frame).notes and not read(frame.iloc[[2, 0]]).notes
