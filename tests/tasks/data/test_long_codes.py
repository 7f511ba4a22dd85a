"""Whole numbers that no float holds: codes stay what they are, each of them by itself."""

import numpy as np
import pytest

from modelwright.tasks.data.reading import read
from modelwright.tasks.data.schema import Schema

pandas = pytest.importorskip("pandas")

EVEN = [2**53, 2**53 + 2, 2**53 + 4]


@pytest.mark.parametrize("make", [int, str])
def test_a_large_code_is_not_taken_for_one_that_a_float_cannot_tell_from_it(make):
    table = {"code": [make(one) for one in EVEN] * 20, "y": [0, 1] * 30}
    schema = Schema.of(read(table), target="y", kinds={"code": "category"})
    new = [make(2**53 + 1), make(EVEN[1])]
    frame = schema.frame(pandas.DataFrame({"code": new}))
    assert frame.codes["code"].tolist() == [3, schema["code"].levels.index(str(EVEN[1]))]
    assert [note.kind for note in frame.notes] == ["unseen levels"]
    assert [schema.frame({"code": one}).codes["code"][0] for one in new] == frame.codes["code"].tolist()


def test_levels_that_are_the_same_number_are_the_same_level_however_they_are_written():
    schema = Schema.of(read({"code": [1.0, 2.5, 3.0] * 20}), kinds={"code": "category"})
    assert schema.frame({"code": ["1", "2.50", "3.0", "+3", "4"]}).codes["code"].tolist() == [0, 1, 2, 2, 3]
    assert np.array_equal(schema.frame({"code": [1, 3]}).codes["code"], [0, 2])


STORES = [12345678901234567890 + 10 * place for place in range(4)]
CARDS = [1234567890123456780 + place for place in range(4)]


def gaps(cells, make):
    return [make(cell) if place % 9 else None for place, cell in enumerate(cells)]


@pytest.mark.parametrize("codes", [STORES, CARDS, [-one for one in CARDS], [*CARDS, 7]])
@pytest.mark.parametrize("make", [int, str])
def test_codes_that_floats_cannot_tell_apart_are_categories_where_they_repeat(tmp_path, codes, make):
    cells = [codes[place % len(codes)] for place in range(100)]
    path = tmp_path / "codes.csv"
    path.write_text("code,x\n" + "\n".join(f"{cell},{place}.5" for place, cell in enumerate(cells)))
    for source in ({"code": list(map(make, cells))}, {"code": gaps(cells, make)}, path):
        table = read(source)
        column = Schema.of(table)["code"]
        assert column.kind == "category" and "floats cannot tell the whole numbers apart" in column.details["why"]
        assert sorted(column.levels) == sorted(map(str, codes))
        assert len(set(Schema.of(table).frame(table).codes["code"].tolist()) - {-1}) == len(codes)


@pytest.mark.parametrize("y", [[0, 1] * 50, [0] * 50 + [1] * 50])
@pytest.mark.parametrize("make", [int, str])
def test_codes_that_floats_cannot_tell_apart_are_ids_where_they_do_not_repeat(make, y):
    column = Schema.of(read({"code": [make(2**60 + place) for place in range(100)], "y": y, "x": y}), target="y")[
        "code"
    ]
    assert column.kind == "id", column


def test_long_numbers_that_floats_tell_apart_are_numbers():
    moments = [1_600_000_000_000_000_000 + 7_919_000_000 * place for place in range(200)]
    amounts = [10**18 * (place % 30 + 1) for place in range(200)]
    for cells in (moments, amounts, [str(one) for one in amounts], [*moments, moments[0] + 1]):
        assert Schema.of(read({"x": cells}))["x"].kind == "number"
