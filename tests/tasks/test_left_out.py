"""Columns that no table should have do no harm where nobody uses them."""

import numpy as np
import pytest

import modelwright as mw
from modelwright.core.errors import ArgumentError

pandas = pytest.importorskip("pandas")

QUICK = {"models": ["linear"], "trials": 1, "folds": 2, "verbose": 0, "store": ":memory:"}
ROWS = pandas.DataFrame({"age": np.arange(80) % 37 - 18.0, "b": np.arange(80) % 7, "z": np.arange(80) * 1j})
TABLE = ROWS.assign(y=(ROWS["age"] > 0).map({True: "u", False: "v"}))


def test_a_column_that_cannot_be_read_is_refused_with_what_leaves_it_out():
    with pytest.raises(ArgumentError, match=r"column 'z' holds complex128.*without=\['z'\]"):
        mw.fit(TABLE, "y", **QUICK)


def test_a_column_that_is_left_out_need_not_be_readable_then_or_later():
    model = mw.fit(TABLE, "y", without=["z"], **QUICK)
    assert model.predict(ROWS).tolist() == model.predict(ROWS[["age", "b"]]).tolist()
    assert model.predict(ROWS[:1]) == model.predict(ROWS)[:1]
    assert model.predict({"age": [1.0], "b": [1], "pictures": np.zeros((1, 2, 2))}).size == 1
    assert model.evaluate(TABLE, "accuracy")["accuracy"] > 0.9
    assert model.refit(TABLE).predict(ROWS).size == 80
    with pytest.raises(ArgumentError, match="column 'b' holds complex128"):
        model.predict(ROWS.assign(b=1j))


@pytest.mark.parametrize("said", [{"target": "z"}, {"groups": "z"}, {"time": "z"}, {"sample_weight": "z"}])
def test_a_column_that_has_another_part_has_to_be_readable(said):
    with pytest.raises(ArgumentError, match="column 'z' holds complex128"):
        mw.fit(TABLE, **{"target": "y", **said}, **QUICK)


@pytest.mark.parametrize("name", ["groups", "time", "sample_weight", "without", "kinds", "monotone"])
def test_a_column_that_is_not_there_is_answered_with_those_that_are(name):
    table = {f"c{i}": np.arange(40) % (i + 2) for i in range(20)} | {"y": [0, 1] * 20}
    given = {"kinds": {"nobody": "number"}, "monotone": {"nobody": 1}}.get(name, "nobody")
    with pytest.raises(ArgumentError, match=r"no column 'nobody'. Allowed: 'c0'.* and \d more"):
        mw.fit(table, "y", **{name: given}, **QUICK)
