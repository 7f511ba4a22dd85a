"""``--data``: what is read, and what is said about what cannot be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.cli.data import load_data, read_csv
from modelwright.cli.output import UsageError
from modelwright.core.errors import ArgumentError


def test_npz_under_the_usual_names(tmp_path):
    x, y = np.arange(6.0).reshape(3, 2), np.array([0, 1, 0])
    for names in (("x", "y"), ("x_train", "y_train")):
        np.savez(tmp_path / "a.npz", **dict(zip(names, (x, y))), x_val=x[:1], y_val=y[:1])
        (got_x, got_y), (val_x, val_y) = load_data(str(tmp_path / "a.npz"))
        np.testing.assert_array_equal(got_x, x)
        np.testing.assert_array_equal(got_y, y)
        assert len(val_x) == len(val_y) == 1


@pytest.mark.parametrize(
    "arrays, said",
    [
        ({"a": np.ones(3)}, "'a'"),
        ({"x": np.ones(3), "y": np.ones(2)}, "3 rows"),
        ({"x": np.ones((0, 2)), "y": np.ones(0)}, "no rows"),
        ({"x": np.ones(2), "y": np.ones(2), "x_val": np.ones(2)}, "only one of"),
        ({"x": np.array([{}, {}], dtype=object), "y": np.ones(2)}, "plain arrays"),
    ],
)
def test_npz_that_cannot_be_used(arrays, said, tmp_path):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ArgumentError, match=said):
        load_data(str(tmp_path / "a.npz"))


def test_a_file_that_only_claims_to_be_npz(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(ArgumentError, match="cannot be read"):
        load_data(str(tmp_path / "a.npz"))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv(separator, tmp_path):
    lines = ["\ufeffa,label,b", "1,0,2.5", '"3",1,-4e2', "", "5,2,0"]
    (tmp_path / "a.csv").write_text("\r\n".join(lines).replace(",", separator), encoding="utf-8")
    (x, y), validation = load_data(str(tmp_path / "a.csv"), "label")
    np.testing.assert_array_equal(x, [[1, 2.5], [3, -400], [5, 0]])
    assert y.tolist() == [0, 1, 2] and y.dtype == np.int64 and validation is None


def test_a_target_that_is_not_whole_stays_a_float(tmp_path):
    (tmp_path / "a.csv").write_text("a,y\n1,0.5\n2,1\n")
    assert read_csv(tmp_path / "a.csv", "y")[1].tolist() == [0.5, 1.0]


def test_a_target_of_texts_where_labels_may_be_texts(tmp_path):
    (tmp_path / "a.csv").write_text("a,y\n1, P\n2,'-1'\n3,7\n")
    x, y = read_csv(tmp_path / "a.csv", "y", texts=True)
    assert x.tolist() == [[1], [2], [3]] and y.tolist() == ["P", "'-1'", "7"]
    (tmp_path / "a.csv").write_text("a,y\n1,1\n2,0\n")
    assert read_csv(tmp_path / "a.csv", "y", texts=True)[1].dtype == np.int64
    for text, said in (("a,y\nred,P\n", "'red'"), ("a,y\n1,\n", "column 'y' has a gap")):
        (tmp_path / "a.csv").write_text(text)
        with pytest.raises(ArgumentError, match=said):
            read_csv(tmp_path / "a.csv", "y", texts=True)
    (tmp_path / "a.csv").write_text("a,y\n" + "".join(f"1,{i}\n" for i in range(30)) + "1,?\n")
    with pytest.raises(ArgumentError, match="row 31 below the header: column 'y' holds '.'"):
        read_csv(tmp_path / "a.csv", "y", texts=True)


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "empty"),
        ("a,y\n", "no rows"),
        ("a,b\n1,2\n", "no column 'y'.*'a', 'b'"),
        ("y\n1\n", "only column"),
        ("a,a,y\n1,2,3\n", "two columns"),
        ("a,y\n1,2\nred,3\n", "line 3: column 'a' holds 'red'.*Encode categories"),
        ("a,y\n1,yes\n", "column 'y' holds 'yes'"),
        ("a,y\n,2\n", "column 'a' has a gap"),
        ("a,y\nnan,2\n", "column 'a' holds 'nan'"),
        ("a,y\n1_000,2\n", "1_000"),
        ("a,y\n1,2,3\n", "line 2 has 3 cells"),
        ('a,y\n"1,2\n', "cannot be read"),
    ],
)
def test_csv_that_cannot_be_used(text, said, tmp_path):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ArgumentError, match=said):
        read_csv(tmp_path / "a.csv", "y")


def test_csv_in_another_encoding(tmp_path):
    (tmp_path / "a.csv").write_bytes("größe,y\n1,2\n".encode("latin-1"))
    with pytest.raises(ArgumentError, match="UTF-8"):
        read_csv(tmp_path / "a.csv", "y")


numbers = st.floats(allow_nan=False, allow_infinity=False)


@given(rows=st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
def test_numbers_come_through_exactly(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_text("a,y,b\n" + "".join(",".join(map(repr, row)) + "\n" for row in rows))
    x, y = read_csv(path, "y")
    assert x.tolist() == [[a, b] for a, _, b in rows] and y.tolist() == [v for _, v, _ in rows]


MODULE = """
import numpy as np
pair = lambda: (np.ones((3, 2)), np.zeros(3))
named = lambda: {"x": np.ones((3, 2)), "y": np.zeros(3), "x_val": np.ones((1, 2)), "y_val": np.zeros(1)}
single = lambda: [1, 2, 3]
pairs = lambda: ((np.ones(3), np.ones(3)), (np.ones(3), np.ones(3)))
nothing = lambda: None
def raises(): raise OSError("no network")
"""


def test_functions(tmp_path):
    path = tmp_path / "data_source.py"
    path.write_text(MODULE)
    data, validation = load_data(f"{path}:pair")
    assert [part.shape for part in data] == [(3, 2), (3,)] and validation is None
    assert load_data(f"{path}:named")[1][0].shape == (1, 2)
    assert load_data(f"{path}:single") == (([1, 2, 3],), None)
    for name, said in (("pairs", "pair of pairs"), ("nothing", "returned None")):
        with pytest.raises(ArgumentError, match=said):
            load_data(f"{path}:{name}")
    with pytest.raises(TypeError, match="raised OSError: no network"):
        load_data(f"{path}:raises")


def test_what_is_no_data_at_all(tmp_path):
    for given_, target in (("table.parquet", None), ("a.npz", "y"), ("module:f", "y")):
        with pytest.raises(UsageError):
            load_data(given_, target)
    (tmp_path / "a.csv").write_text("a,y\n1,2\n")
    with pytest.raises(UsageError, match="--target"):
        load_data(str(tmp_path / "a.csv"))
