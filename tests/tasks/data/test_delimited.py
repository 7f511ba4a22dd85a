"""Delimited text: what is found in the bytes of a file, what is repaired, and what is refused with its place."""

import bz2
import gzip
import lzma

import pytest

from modelwright.core.errors import ArgumentError
from modelwright.tasks.data.delimited import records


def read(data):
    return records(data if isinstance(data, bytes) else data.encode(), where="file")


def kinds(found):
    return [note.kind for note in found.notes]


@pytest.mark.parametrize(
    ("text", "names", "columns"),
    [
        ("a,b\n1,2\n3,4\n", ["a", "b"], [["1", "3"], ["2", "4"]]),
        ("a;b\n1,5;2\n3,25;4\n", ["a", "b"], [["1,5", "3,25"], ["2", "4"]]),
        ("a\tb\n1,5\t2\n", ["a", "b"], [["1,5"], ["2"]]),
        ("a|b\nx y|2\n", ["a", "b"], [["x y"], ["2"]]),
        ("a b c\n1 2 3\n4 5 6\n", ["a", "b", "c"], [["1", "4"], ["2", "5"], ["3", "6"]]),
        ("text\nhello world\nwell, hello\nfine\n", ["text"], [["hello world", "well, hello", "fine"]]),
        ("only\n1\n2\n", ["only"], [["1", "2"]]),
        ("sep=;\na;b\n1;2\n", ["a", "b"], [["1"], ["2"]]),
        ('a,b\n"x, y",2\n"two\nlines",3\n', ["a", "b"], [["x, y", "two\nlines"], ["2", "3"]]),
        ('a,b\n"say ""hi""",2\n', ["a", "b"], [['say "hi"'], ["2"]]),
        ('a,b\n"say \\"hi\\", please",2\n', ["a", "b"], [['say "hi", please'], ["2"]]),
        ('a, b\n1, "x, y"\n', ["a", "b"], [["1"], ["x, y"]]),
        ("a,b\r\n1,2\r\n", ["a", "b"], [["1"], ["2"]]),
        ("a,b\r1,2\r", ["a", "b"], [["1"], ["2"]]),
        ("a,b\n\n1,2\n\n\n", ["a", "b"], [["1"], ["2"]]),
        ("a,b\n1,\n,2", ["a", "b"], [["1", None], [None, "2"]]),
        ("a,b,\n1,2,\n3,4,\n", ["a", "b", ""], [["1", "3"], ["2", "4"], [None, None]]),
        ("a,b\n1,2,\n3,4,\n", ["a", "b"], [["1", "3"], ["2", "4"]]),
        ("ä,🙂\nö,🦊\n", ["ä", "🙂"], [["ö"], ["🦊"]]),
        ("a,b\n", ["a", "b"], [[], []]),
    ],
)
def test_cells_stay_the_text_that_they_are(text, names, columns):
    found = read(text)
    assert (found.names, found.columns) == (names, columns)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_the_encoding_is_found(encoding):
    found = read("naïve,b\ncafé,2\nthé,3\n".encode(encoding))
    assert found.names == ["naïve", "b"] and found.columns == [["café", "thé"], ["2", "3"]]
    assert ("encoding" in kinds(found)) == (not encoding.startswith("utf-8"))


def test_lines_in_different_encodings_are_each_read_in_their_own_and_counted():
    found = read("a,b\nü,1\n".encode() + "ö,2\n".encode("cp1252") + b"\x81,3\n")
    assert found.columns[0] == ["ü", "ö", "\x81"]
    (note,) = found.notes
    assert note.kind == "mixed encodings" and note.data["lines"] == 2 and note.data["first"] == 3


def test_a_byte_that_is_no_utf8_leaves_the_rest_of_its_line_as_it_is():
    found = read("a,b\nMüller,Łódź\nMüller,".encode() + b"Caf\xe9\x81\n" + "Łódź,ö\n".encode())
    assert found.columns == [["Müller", "Müller", "Łódź"], ["Łódź", "Café\x81", "ö"]]
    assert [note.message for note in found.notes] == [
        "letters of 1 line (first: line 3) are in cp1252 among others in UTF-8"
    ]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_files_are_unpacked(pack):
    assert read(pack(b"a,b\n1,2\n")).columns == [["1"], ["2"]]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "nothing in it"),
        (b"\n \n\t\n", "nothing in it"),
        (b"\xef\xbb\xbf", "nothing in it"),
        (b"\x1f\x8b\x08broken", "unpacked"),
        (gzip.compress(b"a,b\n1,2\n" * 1000)[:40], "unpacked"),
        (bz2.compress(b"a,b\n1,2\n")[:20], "unpacked"),
        (lzma.compress(b"a,b\n1,2\n")[:20], "unpacked"),
        (b"PK\x03\x04....", "spreadsheet"),
        (b"\xd0\xcf\x11\xe0....", "spreadsheet"),
        (bytes(2000), "binary"),
    ],
)
def test_what_holds_no_rows_of_text_is_refused(data, said):
    with pytest.raises(ArgumentError, match=said):
        read(data)


def test_rows_with_the_wrong_number_of_fields_are_kept_in_their_place_and_counted():
    lines = [f"{i},{i},{i}" for i in range(100)]
    lines[10], lines[20], lines[30] = "10", "20,20,20,20", "30,30,30,"
    found = read("a,b,c\n" + "\n".join(lines))
    assert found.rows == 100
    assert [column[10] for column in found.columns] == ["10", None, None]
    assert [column[20] for column in found.columns] == [None, None, None]
    assert [column[30] for column in found.columns] == ["30", "30", "30"]
    (note,) = found.notes
    assert note.data == {"count": 2, "short": 1, "long": 1, "lines": [12, 22]}
    assert "2 rows of 100" in note.message and "lines 12, 22" in note.message


def test_too_many_rows_with_the_wrong_number_of_fields_are_refused_with_their_lines():
    text = "a,b,c\n" + "1,2,3\n" * 90 + "1,2\n" * 10
    with pytest.raises(ArgumentError, match=r"10 rows of 100 .*lines 92, 93.*5%"):
        read(text)


def test_a_quote_that_never_closes_takes_its_own_line_only():
    lines = [f"{i},word {i},{i}" for i in range(50)]
    lines[7] = '7,"word 7,7'
    found = read("a,b,c\n" + "\n".join(lines) + "\n")
    assert found.rows == 50 and found.columns[1][7] == "word 7" and found.columns[2][49] == "49"
    (note,) = found.notes
    assert note.kind == "quotes" and note.data == {"count": 1, "lines": [9]}


def test_a_quote_that_closes_in_a_later_row_does_not_swallow_what_is_between():
    lines = [f'{i},"word, {i}",{i}' for i in range(50)]
    lines[7] = '7,"word 7,7'
    found = read("a,b,c\n" + "\n".join(lines) + "\n")
    assert found.rows == 50
    assert found.columns[1][6:10] == ["word, 6", "word 7", "word, 8", "word, 9"]


def test_quotes_inside_a_cell_are_characters():
    found = read('a,b\n5" disk,1\n"a "quoted" word",2\n3" disk,3\n')
    assert found.columns == [['5" disk', 'a quoted" word"', '3" disk'], ["1", "2", "3"]]


def test_a_cell_may_be_as_long_as_a_book():
    found = read(f'a,b\n"{"long " * 60_000}",1\n')
    assert len(found.columns[0][0]) == 300_000


def test_lines_of_a_title_are_left_out():
    found = read("Sales of 2019\n\nregion,year,sum\nnorth,2019,5\nsouth,2019,7\neast,2019,7\nwest,2019,1\n")
    assert found.names == ["region", "year", "sum"] and kinds(found) == ["title"]


def test_a_file_without_a_header_is_named_by_places():
    found = read("0.5,1.25,3\n0.75,2.5,4\n")
    assert found.names == ["0", "1", "2"] and found.rows == 2 and kinds(found) == ["header"]


def test_years_may_head_columns():
    assert read("2018,2019,2020\n1,2,3\n4,5,6\n").names == ["2018", "2019", "2020"]


def test_names_of_rows_in_front_of_a_shorter_header():
    found = read("x,y\nfirst,1,2\nsecond,3,4\n")
    assert found.names == ["", "x", "y"] and found.columns[0] == ["first", "second"]


def test_a_name_that_begins_like_a_compressed_file():
    assert read("BZh,b\n1,2\n").names == ["BZh", "b"]


def test_nul_characters_are_left_out():
    found = read(b"a,b\n1,2\x00\n")
    assert found.columns == [["1"], ["2"]] and kinds(found) == ["encoding"]


def test_ten_thousand_columns():
    found = read(",".join(f"c{i}" for i in range(10_000)) + "\n" + ",".join(["1"] * 10_000) + "\n")
    assert len(found.names) == 10_000 and found.rows == 1
