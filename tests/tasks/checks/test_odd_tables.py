"""No check raises, whatever is in a table; and what a check takes in time is heard."""

import numpy as np
import pytest
from examined import examined, noise
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwright.core.errors import ArgumentError, ModelwrightError
from modelwright.tasks.checks import NAMES, check, drift
from modelwright.tasks.data.reading import read
from modelwright.tasks.data.schema import Schema
from modelwright.tasks.scoring.target import Target

CELLS = {
    "number": st.one_of(st.none(), st.floats(allow_infinity=True), st.sampled_from([0.0, -1.0, 999.0, 1e308, -0.0])),
    "whole": st.one_of(st.integers(-(2**62), 2**62), st.integers(0, 3)),
    "text": st.one_of(
        st.none(), st.text(max_size=8), st.sampled_from(["", " ", "?", "unknown", "1,5", "3", "\U0001f600"])
    ),
    "date": st.sampled_from(["2020-01-01", "1900-01-01", "9999-12-31", "31/12/2019", "", None, "soon"]),
    "few": st.sampled_from(["a", "b", "c"]),
    "yes": st.booleans(),
}


@st.composite
def tables(draw):
    rows = draw(st.integers(2, 70))
    names = draw(st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=5, unique=True))
    columns = {}
    for name in names:
        kind = draw(st.sampled_from(sorted(CELLS)))
        few = draw(st.lists(CELLS[kind], min_size=1, max_size=rows))
        columns[name] = (few * rows)[:rows]
    kind = draw(st.sampled_from(["classes", "numbers", "many"]))
    places = np.arange(rows)
    columns["target"] = {"classes": places % 2, "numbers": places * 1.5, "many": places % 7}[kind].tolist()
    return columns


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(tables(), st.randoms(use_true_random=False))
def test_no_check_raises_on_odd_tables(columns, chance):
    try:
        table = read(columns)
        schema = Schema.of(table, target="target")
        target = Target.of(table.columns["target"], name="target")
        frame = schema.frame(table)
    except ModelwrightError:
        return
    assert frame.rows == table.rows
    found = check(table, schema, target, seed=chance.randrange(9))
    assert {one.name for one in found} >= set(NAMES)
    assert all(one.status in ("passed", "fixed", "alert") and one.message for one in found)
    half = table.take(np.arange(table.rows) % 2 == 0)
    assert drift(table, half, schema, target=target)


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan"), "3"])
def test_seconds_that_are_no_time_are_refused(seconds):
    with pytest.raises(ArgumentError, match="seconds"):
        examined(noise(), seconds=seconds)


def test_without_time_every_check_says_that_it_was_not_reached():
    found = examined(noise(), seconds=1e-9)
    assert {one.name for one in found} == set(NAMES)
    assert all(one.message == "not looked at: the time was up" for one in found)


def test_a_large_table_is_looked_at_in_a_sample_that_has_every_class():
    rng = np.random.default_rng(9)
    rows = 30_000
    table = noise(rows, y=np.where(np.arange(rows) % 3000 == 0, "rare", np.where(rng.random(rows) < 0.5, "b", "c")))
    table["leak"] = np.array([{"rare": "x", "b": "y", "c": "z"}[cell] for cell in table["y"].tolist()])
    found = examined(table)
    leaks = [one.column for one in found if one.name == "near-certain" and one.status == "alert"]
    assert leaks == ["leak"]


def test_the_target_has_to_be_there():
    table = read(noise())
    target = Target.of(table.columns["y"], name="y")
    with pytest.raises(ArgumentError, match="no column 'y'"):
        check(table.without("y"), Schema.of(table, target="y"), target)
