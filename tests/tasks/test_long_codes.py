"""Whole numbers that no float holds: codes stay what they are, each of them by itself."""

import numpy as np
import pytest

from modelwright.tasks.reading import read
from modelwright.tasks.schema import Schema

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
