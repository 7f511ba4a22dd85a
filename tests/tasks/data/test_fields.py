"""Regular files are read at once, to the same cells as row by row."""

import csv
import io
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import modelwright as mw
from modelwright.core.errors import ArgumentError
from modelwright.tasks.data import delimited
from modelwright.tasks.data.digits import decimals
from modelwright.tasks.data.fields import regular
from modelwright.tasks.data.plain_numbers import plain
from modelwright.tasks.data.reading import Time, read
from modelwright.tasks.request import call

NUMBERS = ["0", "7", "-3", "12", "1.5", "-0.25", ".5", "5.", "-0", "00", "020", "031", "1e5", "+4", " 8", "9 ", "1_0",
           "123456789012345", "12345678901234567", "0.1234567890123456789", "9007199254740993", "--1", "-", ".",
           "1.2.3", "1.250", "12.500", "inf", "1,5"]  # fmt: skip
NOTHING = ["", "", " ", "?", "NA", "nan", "null", "-", "Unknown"]
WORDS = ["a", "basic", "zwölf", "two words", 'a "quoted" word', "x,y", "x;y", "a\nb", "日本", "", "é"]


def kept(table):
    columns = {name: (str(cells.dtype), list(map(repr, cells.tolist()))) for name, cells in table.columns.items()}
    notes = [(note.kind, note.message, note.data) for note in table.notes]
    return columns, table.rows, notes, {name: dict(said) for name, said in table.tokens.items()}


def outcome(path):
    try:
        return kept(read(path))
    except ArgumentError as error:
        return str(error)


def same_both_ways(data, folder):
    path = folder / "table.csv"
    path.write_bytes(data)
    at_once = outcome(path)
    with mock.patch.object(delimited, "regular", lambda *_: None):
        assert at_once == outcome(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tables")


@st.composite
def tables(draw):
    """Files as programs write them: each column of one kind, with what stands for nothing among it."""
    kinds = draw(
        st.lists(st.sampled_from([NUMBERS, NUMBERS[:5], ["020", "031", "100"], WORDS]), min_size=1, max_size=4)
    )
    rows = draw(st.integers(1, 12))
    cells = [draw(st.lists(st.sampled_from(kind + draw(st.sampled_from([[], NOTHING]))), min_size=rows, max_size=rows))
             for kind in kinds]  # fmt: skip
    held = io.StringIO()
    writer = csv.writer(
        held,
        delimiter=draw(st.sampled_from([",", ";", "\t", "|"])),
        lineterminator=draw(st.sampled_from(["\n", "\r\n"])),
        quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
    )
    writer.writerow([f"c{place}" for place in range(len(kinds))])
    writer.writerows(zip(*cells, strict=True))
    text = held.getvalue()
    text = text.rstrip("\r\n") if draw(st.booleans()) else text + draw(st.sampled_from(["", "\n", "\r\n"]))
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])))


@settings(max_examples=150)
@given(tables())
@example(b"a,b\n1,\n2,\n")
@example(b'a,b\n"1","x\ny"\n"2","z"\n')
@example(b'a,b\n1,5" disk\n2,6" disk\n')
@example(b"a;b\n1.250;1\n2.500;2\n")
@example(b"1.5,2\n3.5,4\n")
@example(b"A title\n,\n")
def test_files_are_read_to_the_same_cells(folder, data):
    same_both_ways(data, folder)


@settings(max_examples=300)
@given(st.lists(st.sampled_from([*',,,\n\n\n"";\r\t 10.-ax\\é', "\r\n", '""', "\ufeff"]), max_size=60).map("".join))
@example('a,b\n1,"x""y"\n')
@example('a,b\n1,"x"y"\n')
@example('a\n"\n"\n')
@example('"","",\n\n')
def test_whatever_a_file_holds_it_is_read_to_the_same_cells(folder, text):
    same_both_ways(text.encode("utf-8"), folder)


@settings(max_examples=200)
@given(st.lists(st.sampled_from(NUMBERS + NOTHING), min_size=1, max_size=30))
def test_a_column_of_numbers_is_what_plain_makes_of_it(cells):
    fields = regular("x,y\n" + "".join(f"{cell},1\n" for cell in cells if "," not in cell), ",", lambda: None)
    assert fields is not None
    fields.below(1)
    texts = [cell or None for cell in cells if "," not in cell]
    found, wanted = (fields.numbers(0), plain(texts)) if texts else (None, None)
    assert (found is None) == (wanted is None)
    if found is not None and wanted is not None:
        assert found.values.dtype == wanted.values.dtype and found.tokens == wanted.tokens
        assert np.array_equal(found.values, wanted.values, equal_nan=found.values.dtype.kind == "f")
        assert np.array_equal(np.signbit(found.values), np.signbit(wanted.values))


@settings(max_examples=200)
@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=4).map(str), min_size=1, max_size=20))
def test_numbers_are_the_floats_that_python_makes_of_them(texts):
    raw = np.frombuffer(",".join(texts).encode() + b",", np.uint8)
    ends = np.flatnonzero(raw == ord(","))
    found = decimals(raw, np.concatenate([[0], ends[:-1] + 1]), ends)
    wanted = np.array(list(map(float, texts)))
    assert np.array_equal(found.values[found.read], wanted[found.read])


def test_long_columns_are_read_part_by_part():
    rows = 70_000
    text = "n,w\n" + "".join(f"{row},w{row % 7}\n" for row in range(rows))
    told = []
    fields = regular(text, ",", lambda: told.append(1))
    assert fields is not None and told
    fields.below(1)
    numbers, words = fields.numbers(0), fields.texts(1)
    assert numbers is not None and np.array_equal(numbers.values, np.arange(rows))
    assert words.tolist() == [f"w{row % 7}" for row in range(rows)]
    assert len(set(map(id, words.tolist()))) == 7


# --- in time ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["a,b\n" + "1,2\n" * 50_000, "a,b\n" + "1,2\n" * 49_000 + "3\n" * 5])
def test_reading_ends_when_its_time_is_up(tmp_path, text):
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(ArgumentError, match="longer than 0.5 s.*seconds=.*Parquet"):
        read(path, where="fit", time=Time(until=0.0, seconds=0.5))
    assert read(path, time=Time(until=float("inf"), seconds=0.5)).rows == text.count("\n") - 1


def test_a_fit_says_that_its_time_is_too_short_for_the_file(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    path.write_text("a,y\n" + "".join(f"{row},{row % 2}\n" for row in range(1000)))
    monkeypatch.setattr(call, "_READING", -1.0)
    monkeypatch.setattr(call, "_LEAST", -1.0)
    with pytest.raises(ArgumentError, match="time for it"):
        mw.fit(path, "y", seconds=5, store=":memory:", verbose=0)
    assert mw.fit(path, "y", trials=1, store=":memory:", verbose=0, models=["linear"]).task == "binary"
