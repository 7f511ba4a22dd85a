"""Schemas and frames: columns are read at prediction as they were read at first, or refused by name."""

import datetime
import json
import pickle
import warnings

import numpy as np
import pytest

from modelwright.core.errors import ArgumentError
from modelwright.tasks.data.frame import told
from modelwright.tasks.data.reading import read
from modelwright.tasks.data.schema import Schema

pandas = pytest.importorskip("pandas")

ROWS = 120
COLUMNS = {
    "age": [20 + i % 37 for i in range(ROWS)],
    "price": [f"{i % 13},{i % 10}5 €" for i in range(ROWS)],
    "job": [("cook", "nurse", "pilot", None, "clerk")[i % 5] for i in range(ROWS)],
    "size": [("low", "medium", "high", "unknown")[i % 4] for i in range(ROWS)],
    "member": [("yes", "no", "?")[i % 3] for i in range(ROWS)],
    "since": [f"{1 + i % 28:02d}/{1 + i % 12:02d}/2019" for i in range(ROWS)],
    "note": [f"words about thing {i} here" for i in range(ROWS)],
    "key": [f"{i:04d}-AB" for i in range(ROWS)],
    "same": ["x"] * ROWS,
    "y": [i % 2 for i in range(ROWS)],
}


@pytest.fixture
def schema():
    return Schema.of(read(COLUMNS), target="y")


def row(i, **changed):
    return {name: cells[i] for name, cells in COLUMNS.items()} | changed


def frames_equal(one, other):
    for part in ("numbers", "codes", "texts"):
        left, right = getattr(one, part), getattr(other, part)
        assert list(left) == list(right)
        for name in left:
            assert left[name].dtype == right[name].dtype
            np.testing.assert_array_equal(left[name], right[name], err_msg=name)


def test_the_kinds_of_all_columns(schema):
    kinds = "number number category ordinal boolean datetime text id constant"
    assert " ".join(column.kind for column in schema.columns) == kinds


def test_a_frame_has_numbers_codes_and_texts(schema):
    frame = schema.frame(read(COLUMNS))
    assert list(frame.numbers) == ["age", "price", "member", "since"]
    assert frame.numbers["price"][:3].tolist() == [0.05, 1.15, 2.25]
    assert frame.numbers["member"][:3].tolist()[:2] == [1.0, 0.0] and np.isnan(frame.numbers["member"][2])
    assert frame.numbers["since"][1] == datetime.datetime(2019, 2, 2, tzinfo=datetime.UTC).timestamp()
    assert [schema["job"].levels[code] for code in frame.codes["job"][[0, 1, 2]]] == ["cook", "nurse", "pilot"]
    assert frame.codes["job"][3] == -1 and frame.codes["job"].dtype == np.int32
    assert schema["size"].levels == ("low", "medium", "high") and frame.codes["size"][:4].tolist() == [0, 1, 2, -1]
    assert frame.texts["note"][0] == "words about thing 0 here"


def test_one_row_is_read_as_many_are(schema):
    whole = schema.frame(pandas.DataFrame(COLUMNS))
    for i in range(8):
        expected = whole.take([i])
        frames_equal(schema.frame(row(i)), expected)
        frames_equal(schema.frame([row(i)]), expected)
        frames_equal(schema.frame(pandas.DataFrame([row(i)])), expected)
        frames_equal(schema.frame(pandas.DataFrame([row(i), row(i)])).take([0]), expected)


def test_one_row_of_polars(schema):
    polars = pytest.importorskip("polars")
    frames_equal(schema.frame(polars.DataFrame([row(5)])), schema.frame(row(5)))


def test_a_frame_of_polars_that_is_lazy_is_read_without_a_warning(schema):
    polars = pytest.importorskip("polars")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frames_equal(schema.frame(polars.DataFrame([row(5)]).lazy()), schema.frame(row(5)))


def test_a_column_that_became_the_index_is_said_to_be_there(schema):
    for frame in (pandas.DataFrame([row(5)]), pandas.DataFrame([row(5), row(6)])):
        gone = schema.used[0].name
        with pytest.raises(ArgumentError, match=rf"not there: '{gone}'.*reset_index\(\)"):
            schema.frame(frame.set_index(gone))


def test_a_schema_is_plain_json(schema):
    again = Schema.from_json(json.loads(json.dumps(schema.to_json())))
    assert again == schema
    frames_equal(again.frame(read(COLUMNS)), schema.frame(read(COLUMNS)))


def test_order_and_other_columns_do_not_matter(schema):
    expected = schema.frame(read(COLUMNS))
    shuffled = {"extra": [1] * ROWS, **{name: COLUMNS[name] for name in reversed(COLUMNS)}}
    frames_equal(schema.frame(shuffled), expected)
    without = {name: cells for name, cells in COLUMNS.items() if name not in ("key", "same", "y")}
    frames_equal(schema.frame(without), expected)


def test_no_rows_are_no_error_at_prediction(schema):
    for source in (read(COLUMNS).take([]), pandas.DataFrame(COLUMNS).iloc[:0]):
        frame = schema.frame(source)
        assert frame.rows == 0 and {len(column) for column in frame.numbers.values()} == {0}
    with pytest.raises(ArgumentError, match="no columns"):
        schema.frame(pandas.DataFrame())


def test_columns_may_be_numbered():
    array = np.column_stack([np.arange(9) % 2, np.arange(9) / 3])
    schema = Schema.of(read(array), target=0, kinds={1: "number"})
    assert schema.target == "0" and [column.name for column in schema.columns] == ["1"]
    for source in (array, array[:1], pandas.DataFrame(array), pandas.DataFrame(array[:1]), {1: 0.5}, {" 1": [0.5]}):
        assert schema.frame(source).numbers["1"][0] in (0.0, 0.5)


def test_columns_that_are_not_there_are_named(schema):
    table = read(COLUMNS).without("age", "note")
    with pytest.raises(ArgumentError, match=r"2 columns .* not there: 'age', 'note'"):
        schema.frame(table)
    with pytest.raises(ArgumentError, match=r"1 column .* not there: 'age'.*Did you mean 'Age'"):
        schema.frame({**{k: v for k, v in row(0).items() if k != "age"}, "Age": 3})
    frame = schema.frame(table, absent="missing")
    assert np.isnan(frame.numbers["age"]).all() and set(frame.texts["note"]) == {""}
    assert frame.notes[0].data == {"names": ["age", "note"]}
    with pytest.raises(ArgumentError, match="absent"):
        schema.frame(table, absent="perhaps")


@pytest.mark.parametrize("made", [np.zeros((3, 10)), [[0] * 10] * 3, [(0, "x")], np.zeros((1, 10))])
def test_columns_without_names_are_not_said_to_be_missing(schema, made):
    with pytest.raises(ArgumentError, match=r"columns have no names, .* 'age', 'price', .*Allowed: a data frame"):
        schema.frame(made)
    numbered = Schema.of(read(np.arange(30.0).reshape(10, 3) / 7), target="2")
    with pytest.raises(ArgumentError, match="1 column .* not there: '1'"):
        numbered.frame(np.zeros((3, 1)))


def test_a_series_is_a_row_where_its_labels_are_columns(schema):
    frame = pandas.DataFrame(COLUMNS)
    one = frame.iloc[5]
    frames_equal(schema.frame(one), schema.frame(row(5)))
    frames_equal(schema.frame(one.to_dict()), schema.frame(row(5)))
    with pytest.raises(ArgumentError, match="not there: 'age'"):
        schema.frame(one.drop("age"))
    with pytest.raises(ArgumentError, match=r"it is a Series.*series\.to_dict\(\) where it is one row"):
        schema.frame(frame["age"])
    assert schema.frame([]).rows == 0


def test_levels_that_are_new_get_a_code_of_their_own(schema):
    frame = schema.frame(row(0, job="pirate"))
    assert frame.codes["job"][0] == len(schema["job"].levels)
    table = read({**COLUMNS, "job": ["pirate"] * 3 + COLUMNS["job"][3:]})
    (note,) = [note for note in schema.frame(table).notes if note.kind == "unseen levels"]
    assert note.data == {"column": "job", "count": 3} and "'pirate'" in note.message


def test_a_column_of_which_no_level_is_known_is_told_apart_from_a_few_new_levels(schema):
    """Written in capitals the column says nothing to the model, in every row: that is no new level."""
    fewer = schema.frame({**COLUMNS, "job": ["NURSE"] * (ROWS - 1) + ["cook"]})
    assert told(fewer.notes) == "levels that the model was not fitted on: 'job'"
    capitals = [job and job.upper() for job in COLUMNS["job"]]
    said = told(schema.frame({**COLUMNS, "job": capitals}).notes)
    assert said.startswith("not one cell of 'job' is a level that the model knows ('clerk', 'cook', 'nurse', 'pilot')")
    assert said.endswith("levels that the model was not fitted on: 'job'")
    for few in ([row(0, job="NURSE")] * 4, row(0, job="NURSE")):  # chance
        assert told(schema.frame(few).notes) == "levels that the model was not fitted on: 'job'"


def test_many_levels_may_all_be_new():
    keys = [f"{one}-{i % 60}" for i, one in enumerate("ab" * 120)]
    schema = Schema.of(read({"key": keys}), kinds={"key": "category"})
    said = told(schema.frame({"key": ["c", "d"] * 10}).notes)
    assert said == "levels that the model was not fitted on: 'key'"


def test_infinite_numbers_are_told_like_cells_that_cannot_be_read(schema):
    ages = [float("inf"), *COLUMNS["age"][1:]]
    for source in ({**COLUMNS, "age": ages}, {**COLUMNS, "age": [*map(str, ages)]}, row(0, age=float("-inf"))):
        assert told(schema.frame(source).notes) == "infinite numbers, taken as missing: 'age'"
    assert told(schema.frame(row(0, age=float("nan"))).notes) == ""


@pytest.mark.parametrize(
    ("name", "cell", "value"),
    [
        ("age", "31", 31.0),
        ("age", 31.5, 31.5),
        ("age", np.int8(31), 31.0),
        ("age", True, 1.0),
        ("age", None, np.nan),
        ("age", "unknown", np.nan),
        ("age", float("inf"), np.nan),
        ("age", 10**400, np.nan),
        ("age", "1e400", np.nan),
        pytest.param("age", -(10**6000), np.nan, id="too long to print"),
        pytest.param("job", 10**6000, None, id="too long to print"),
        ("age", pandas.NA, np.nan),
        ("price", "1.250,50 €", 1250.5),
        ("price", 7, 7.0),
        ("member", True, 1.0),
        ("member", 0, 0.0),
        ("member", "NO ", 0.0),
        ("since", "2019-02-03", 1549152000.0),
        ("since", datetime.date(2019, 2, 3), 1549152000.0),
        ("since", pandas.Timestamp("2019-02-03"), 1549152000.0),
        ("since", np.datetime64("2019-02-03"), 1549152000.0),
        ("since", pandas.NaT, np.nan),
    ],
)
def test_cells_of_another_type_that_say_the_same(schema, name, cell, value):
    if value is None:
        assert schema.frame([row(0, **{name: cell})] * 2).codes[name].tolist() == [len(schema[name].levels)] * 2
        assert schema.frame(row(0, **{name: cell})).codes[name].tolist() == [len(schema[name].levels)]
        return
    found = schema.frame(row(0, **{name: cell})).numbers[name]
    np.testing.assert_array_equal(found, [value])
    many = schema.frame([row(0, **{name: cell}), row(0)]).numbers[name][:1]
    np.testing.assert_array_equal(many, [value])


@pytest.mark.parametrize(
    ("name", "cell", "said"),
    [
        ("age", "old", "'old' cannot be read as a number"),
        ("age", datetime.date(2020, 1, 1), "number"),
        ("age", [1, 2], "number"),
        ("member", "perhaps", "yes or no"),
        ("member", 7, "yes or no"),
        ("since", "some day", "date"),
        ("since", 3.5, "date"),
        pytest.param("since", 10**6000, "date", id="too long to print"),
        ("since", "2019-02-30", "date"),
    ],
)
def test_cells_that_cannot_be_read_are_refused_by_column_and_row(schema, name, cell, said):
    with pytest.raises(ArgumentError, match=rf"column '{name}'.*{said}"):
        schema.frame([row(0, **{name: cell})] if isinstance(cell, list) else row(0, **{name: cell}))
    with pytest.raises(ArgumentError, match=rf"column '{name}'.*{said[-6:]}"):
        schema.frame([row(0, **{name: cell})] * 2)


def test_single_cells_that_cannot_be_read_become_missing_and_are_counted(schema):
    table = read({**COLUMNS, "age": ["old", "very old", *COLUMNS["age"][2:]]})
    frame = schema.frame(table)
    assert np.isnan(frame.numbers["age"][:2]).all() and not np.isnan(frame.numbers["age"][2:]).any()
    (note,) = [note for note in frame.notes if note.kind == "unreadable"]
    assert note.data == {"column": "age", "count": 2, "examples": ["old", "very old"]}


def test_what_was_unreadable_from_the_beginning_is_missing_in_one_row_too():
    schema = Schema.of(read({"x": [*map(str, range(10, 30)), "many"] * 2}))
    frame = schema.frame({"x": "a lot"})
    assert np.isnan(frame.numbers["x"][0]) and frame.notes[0].kind == "unreadable"


def test_one_cell_that_could_not_be_read_does_not_let_others_pass():
    schema = Schema.of(read({"age": [*map(str, range(20, 70)), "?x", *["41"] * 149]}))
    for wrong in ({"age": "Anna"}, {"age": ["Anna", "Bert", "Carl"]}):
        with pytest.raises(ArgumentError, match="column 'age'.*cannot be read as a number"):
            schema.frame(wrong)
    for same in ({"age": "?x"}, {"age": ["?x", "?x", "31"]}, {"age": ["Anna", "30", "31"]}):
        frame = schema.frame(same)
        assert np.isnan(frame.numbers["age"][0]) and frame.notes[0].kind == "unreadable"


def test_a_category_of_numbers_is_the_same_whatever_wrote_it():
    schema = Schema.of(read({"code": ["020", "060", "020"] * 9}))
    for cells in (["020", "060"], [20, 60], [20.0, 60.0], ["20", "60.0"], [" 020", "060 "]):
        assert schema.frame({"code": cells}).codes["code"].tolist() == [0, 1], cells
        assert schema.frame({"code": cells[1]}).codes["code"].tolist() == [1]
    chosen = Schema.of(read({"code": [3, 3, 5, None]}), kinds={"code": "category"})
    assert chosen["code"].levels == ("3", "5")
    assert chosen.frame({"code": [5, 3, 4, None]}).codes["code"].tolist() == [1, 0, 2, -1]
    assert chosen.frame({"code": "5"}).codes["code"].tolist() == [1]


@pytest.mark.parametrize("kind", ["number", "category", "ordinal", "text", "id", "boolean"])
def test_a_kind_may_be_said(kind):
    schema = Schema.of(read({"x": [1, 0, 1, 1], "z": [1, 2, 3, 2]}), kinds={"x": kind})
    assert schema["x"].kind == kind and schema["x"].details["why"] == "as was said"
    frame = schema.frame({"x": [1, 0], "z": [1, 2]})
    assert ("x" in {**frame.numbers, **frame.codes, **frame.texts}) == (kind != "id")


def test_two_levels_may_be_said_to_be_a_boolean():
    schema = Schema.of(read({"x": ["male", "female", "male"]}), kinds={"x": "boolean"})
    assert schema.frame({"x": ["female", "male", None]}).numbers["x"][:2].tolist() == [0.0, 1.0]


def test_what_the_source_declares_is_kept():
    frame = pandas.DataFrame(
        {
            "grade": pandas.Categorical(["b", "a", "c", "a"], categories=["c", "b", "a"], ordered=True),
            "code": pandas.Categorical([1, 2, 1, 3]),
        }
    )
    schema = Schema.of(read(frame))
    assert schema["grade"].kind == "ordinal" and schema["grade"].levels == ("c", "b", "a")
    assert schema["code"].kind == "category"
    assert schema.frame({"grade": "a", "code": 2}).codes["grade"].tolist() == [2]


@pytest.mark.parametrize(
    ("columns", "arguments", "said"),
    [
        ({"a": [], "y": []}, {"target": "y"}, "no rows"),
        ({"y": [1, 2]}, {"target": "y"}, "no column but 'y'"),
        ({"a": [1], "y": [2]}, {"target": "z"}, "no column 'z'"),
        ({"a": [1]}, {"kinds": {"b": "number"}}, "no column 'b'"),
        ({"a": [1]}, {"kinds": {"a": "numeric"}}, "allowed: number, category"),
        ({"a": ["red", "blue"]}, {"kinds": {"a": "number"}}, "column 'a'.*cannot be read as a number"),
        ({"a": ["red", "blue", "green"]}, {"kinds": {"a": "boolean"}}, "column 'a'.*3 levels"),
    ],
)
def test_what_cannot_be_a_schema(columns, arguments, said):
    with pytest.raises(ArgumentError, match=f"(?i){said}"):
        Schema.of(read(columns), **arguments)


def test_what_a_table_was_read_as_is_not_kept_for_its_parts(schema):
    table = read(COLUMNS)
    made = Schema.of(table, target="y")
    frames_equal(made.frame(table.take([3, 1])), made.frame(table).take([3, 1]))
    other = Schema.of(table, target="y", kinds={"age": "category"})
    assert "age" in other.frame(table).codes and "age" in made.frame(table).numbers


def dated(cells):
    return Schema.of(read({"t": cells, "a": range(len(cells))}))


DAYS = [np.datetime64("2020-01-01") + i for i in range(60)]


def written(form):
    return [day.item().strftime(form) for day in DAYS]


@pytest.mark.parametrize("trained", [DAYS, written("%Y-%m-%d"), written("%d %b %Y")])
@pytest.mark.parametrize("form", ["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y", "%d/%m/%Y %H:%M"])
def test_the_order_of_days_and_months_is_found_where_fitting_needed_none(trained, form):
    schema = dated(trained)
    found = schema.frame({"t": written(form), "a": range(60)}).numbers["t"]
    assert found.tolist() == schema.frame({"t": DAYS, "a": range(60)}).numbers["t"].tolist()
    alone = [schema.frame({"t": text, "a": 0}).numbers["t"][0] for text in written(form)[12:31]]
    assert alone == found[12:31].tolist()


@pytest.mark.parametrize("form", ["%d/%m/%Y", "%m/%d/%Y", "%d-%m-%y"])
def test_dates_of_which_nothing_tells_the_order_are_refused(form):
    schema = dated(DAYS)
    texts = written(form)[1:3]
    said = "column 't'.*(nothing tells whether days or months come first|cannot be read as a date).*2016-04-05"
    for source in ({"t": texts, "a": [0, 1]}, {"t": texts[0], "a": 0}):
        with pytest.raises(ArgumentError, match=said):
            schema.frame(source)


@pytest.mark.parametrize(("before", "now"), [("%d/%m/%Y", "%m/%d/%Y"), ("%m/%d/%Y", "%d/%m/%Y")])
def test_dates_in_the_other_order_than_those_of_the_fit_are_refused(before, now):
    schema = dated(written(before))
    first = "days" if before[1] == "d" else "months"
    with pytest.raises(ArgumentError, match=f"column 't': .* not as before. Allowed: dates, {first} first"):
        schema.frame({"t": written(now), "a": range(60)})
    with pytest.raises(ArgumentError, match="column 't'.*cannot be read as a date"):
        schema.frame({"t": written(now)[20], "a": 0})
    assert np.isfinite(schema.frame({"t": written(before), "a": range(60)}).numbers["t"]).all()


def test_both_orders_are_read_where_a_fit_saw_both():
    schema = dated([*written("%d/%m/%Y"), "01/13/2020"])
    assert np.isfinite(schema.frame({"t": ["01/14/2020"], "a": [0]}).numbers["t"]).all()
    assert np.isfinite(schema.frame({"t": "01/14/2020", "a": 0}).numbers["t"]).all()


COMMAS, DOTS = ["1,5", "2,25", "1.250,75", "0,5"], ["1.5", "2.25", "1,250.75", "0.5"]


@pytest.mark.parametrize(("before", "now"), [(COMMAS, DOTS), (DOTS, COMMAS), ([1.5, 2.25, 1250.75, 0.5], COMMAS)])
def test_the_decimal_sign_is_found_anew_in_other_rows(before, now):
    schema = Schema.of(read({"x": before, "a": range(4)}))
    assert schema.frame({"x": now, "a": range(4)}).numbers["x"].tolist() == [1.5, 2.25, 1250.75, 0.5]
    assert [schema.frame({"x": text, "a": 0}).numbers["x"][0] for text in now] == [1.5, 2.25, 1250.75, 0.5]
    typed = schema.frame({"x": [1.5, 1250.75], "a": [0, 1]}).numbers["x"]
    assert typed.tolist() == [1.5, 1250.75]


def test_what_the_column_says_of_its_decimal_sign_holds_for_cells_that_leave_it_open():
    schema = Schema.of(read({"x": COMMAS, "a": range(4)}))
    assert schema.frame({"x": ["1.500", "900"], "a": [0, 1]}).numbers["x"].tolist() == [1500.0, 900.0]
    assert schema.frame({"x": ["1.500", "2.25"], "a": [0, 1]}).numbers["x"].tolist() == [1.5, 2.25]


def test_a_few_cells_with_another_decimal_sign_do_not_change_what_all_others_stand_for():
    for before, sign in (("1.125", ","), ("1,125", ".")):
        texts = [before.replace("1", str(digit), 1) for digit in range(1, 10)]
        schema = Schema.of(read({"x": [*texts, before[:3]], "a": range(10)}))
        frame = schema.frame({"x": [*texts, f"1{sign}5"], "a": range(10)})
        assert frame.numbers["x"][:9].tolist() == [digit + 0.125 for digit in range(1, 10)]
        assert [note.data["examples"] for note in frame.notes] == [[f"1{sign}5"]]
        most = schema.frame({"x": [f"{digit}{sign}5" for digit in range(9)] + [before], "a": range(10)})
        assert most.numbers["x"].tolist() == [digit + 0.5 for digit in range(9)] + [1125.0]


def test_a_schema_can_be_pickled_after_it_was_used(schema):
    frame = schema.frame(row(0))
    again = pickle.loads(pickle.dumps(schema))
    assert again == schema and again.frame(row(0)).numbers.keys() == frame.numbers.keys()
    for name, column in again.frame([row(0), row(1)]).numbers.items():
        np.testing.assert_array_equal(column, schema.frame([row(0), row(1)]).numbers[name])
