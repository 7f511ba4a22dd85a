"""Bad input: each case is handled and stated, or refused with its place; no dependency's traceback is seen."""

import json
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odd_files import HANDLED, REFUSED

from modelwright.core.errors import ModelwrightError
from modelwright.tasks.data.reading import read
from modelwright.tasks.data.schema import Schema
from modelwright.tasks.data.table import is_missing
from modelwright.tasks.scoring.metrics import Metric
from modelwright.tasks.scoring.target import Target


def study(path, target="y"):
    """All that is done with a table before anything is learned; what came of it."""
    table = read(path)
    schema = Schema.of(table, target=target)
    found = Target.of(table.column(target), name=target)
    there = found.present(table.column(target))
    kept = table.take(there)
    frame, y = schema.frame(kept), found.encode(kept.column(target))
    assert frame.rows == len(y) == kept.rows > 0
    for column in (*frame.numbers.values(), *frame.codes.values(), *frame.texts.values()):
        assert len(column) == frame.rows
    for column in frame.numbers.values():
        assert column.dtype == np.float64 and not np.isinf(column).any()
    for name, codes in frame.codes.items():
        assert codes.dtype == np.int32 and codes.min() >= -1 and codes.max() <= len(schema[name].levels)
    for texts in frame.texts.values():
        assert all(type(text) is str for text in texts)
    guess = (
        np.full((len(y), len(found.classes)), 1 / max(1, len(found.classes))) if found.is_classes else np.zeros(len(y))
    )
    assert type(Metric.of(None, found).score(y, guess)) is float
    again = Schema.from_json(json.loads(json.dumps(schema.to_json())))
    assert again == schema and Target.from_json(json.loads(json.dumps(found.to_json()))) == found
    return table, schema, found


@pytest.mark.parametrize("case", HANDLED)
def test_a_file_that_is_odd_is_read_and_what_was_odd_is_stated(case, tmp_path):
    data, notes = HANDLED[case]
    path = tmp_path / "rows.csv"
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table, _, _ = study(path)
    assert {note.kind for note in table.notes} == set(notes)


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_is_of_no_use_is_refused_with_what_is_wrong(case, tmp_path):
    data, said = REFUSED[case]
    path = tmp_path / "rows.csv"
    path.write_bytes(data)
    with pytest.raises(ModelwrightError, match=said):
        study(path)


def test_ten_thousand_columns(tmp_path):
    path = tmp_path / "wide.csv"
    names = ",".join([*(f"c{i}" for i in range(10_000)), "y"])
    path.write_text("\n".join([names, *(",".join([str(i % 3)] * 10_000 + [str(i % 2)]) for i in range(6))]))
    _, schema, _ = study(path)
    assert len(schema.columns) == 10_000


# --- whatever anybody writes ---------------------------------------------------------------------

CELLS = st.one_of(
    st.sampled_from(
        ["", " ", "NA", "?", "nan", "inf", "-", "1", "0", "1.5", "1,5", "$5", "12%", "yes", "no", "2020-01-02",
         "31/12/20", "Jan", "low", "high", "< 5", "5 - 7", "007", "1e999", str(2**64), "x", "é", "🙂",
         '"', '""', "a\nb", "'1'", "\x00"]
    ),
    st.text(max_size=8),
    st.integers().map(str),
    st.floats().map(repr),
)  # fmt: skip
OBJECTS = st.one_of(
    CELLS,
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, -(10**400), 2**63]),
    st.floats(),
    st.dates(),
    st.datetimes(),
    st.timedeltas(),
    st.decimals(),
    st.binary(max_size=3),
    st.lists(st.integers(), max_size=2),
)
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def attempt(source):
    """Either everything goes, or it is refused in our words."""
    try:
        table = read(source)
        target = table.names[-1]
        study(table, target)
    except ModelwrightError as error:
        assert str(error)


@FUZZ
@given(data=st.binary(max_size=300))
def test_any_bytes_at_all(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("fuzz") / "rows.csv"
    path.write_bytes(data)
    attempt(path)


@FUZZ
@given(
    lines=st.lists(st.lists(CELLS, min_size=1, max_size=4), min_size=1, max_size=12),
    delimiter=st.sampled_from([",", ";", "\t", "|", " "]),
    quote=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]),
)
def test_any_lines_of_cells(lines, delimiter, quote, encoding, tmp_path_factory):
    path = tmp_path_factory.mktemp("fuzz") / "rows.csv"
    text = "\n".join(delimiter.join(f'"{cell}"' if quote else cell for cell in line) for line in lines)
    path.write_bytes(text.encode(encoding, errors="replace"))
    attempt(path)


@FUZZ
@given(columns=st.lists(st.lists(OBJECTS, min_size=6, max_size=6), min_size=1, max_size=4))
def test_any_columns_of_objects(columns):
    attempt({f"c{i}": cells * 2 for i, cells in enumerate(columns)})


@FUZZ
@given(
    columns=st.lists(st.lists(OBJECTS, min_size=6, max_size=6), min_size=1, max_size=3),
    other=st.lists(OBJECTS, min_size=3, max_size=3),
)
def test_one_row_is_what_the_same_row_is_among_others(columns, other):
    try:
        schema = Schema.of(read({f"c{i}": cells for i, cells in enumerate(columns)}))
    except ModelwrightError:
        return
    row = {f"c{i}": other[i] for i in range(len(columns))}
    if any(isinstance(cell, list) for cell in other):
        return
    found = []
    for source in (row, [row, row]):
        try:
            frame = schema.frame(source).take([0])
        except ModelwrightError as error:
            found.append(str(error)[:20])
        else:
            found.append({**frame.numbers, **frame.codes, **frame.texts})
    alone, among = found
    if isinstance(alone, str) or isinstance(among, str):
        assert isinstance(alone, str) and isinstance(among, str), (row, found)
        return
    for name, cells in alone.items():
        same = cells[0] == among[name][0] or (is_missing(cells)[0] and is_missing(among[name])[0])
        assert same, (row, name, cells, among[name])
