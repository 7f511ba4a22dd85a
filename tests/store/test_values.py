"""Whatever a number may be is stored as it is, ranked as what it is, and never takes a study down."""

import itertools
import math
import tempfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import modelwright as mw
from modelwright.core import records as r
from modelwright.core.errors import ModelwrightError
from modelwright.store.memory import MemoryStore
from modelwright.store.postgres import PostgresStore
from modelwright.store.sqlite import SqliteStore

_names = (f"values{i}" for i in itertools.count())
_floats = st.one_of(st.floats(), st.sampled_from([math.nan, math.inf, -math.inf, 1e308, -1e308, 5e-324, -0.0]))
_scalars = st.one_of(_floats, st.integers(), st.booleans(), st.none(), st.text(st.characters()), st.just("\ud800\0🌋"))
_values = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.text(max_size=5) | st.sampled_from(["$tuple", "$float", "$$"]), inner, max_size=3),
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module", params=["memory", "sqlite", "postgresql"])
def store(request):
    with tempfile.TemporaryDirectory() as folder:
        if request.param == "postgresql":
            url = request.getfixturevalue("postgres").make(next(_names))
            made = PostgresStore(f"{url}?files={folder}")
        else:
            made = MemoryStore() if request.param == "memory" else SqliteStore(f"{folder}/s.db")
        made.create("a", {}, 0.0)
        yield made
        made.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=_values, metric=_floats)
def test_every_plain_value_comes_back_as_it_went_in(store, value, metric):
    events = [
        r.Noted(kind="x", data={"v": value}),
        r.Proposed(number=0, config={"v": value}),
        r.Finished(number=0, state="complete", values=(metric,), metrics={"m": metric}),
    ]
    after = sum(1 for _ in store.load(1))
    store.append(1, events, after=after)
    assert repr([event for event, _ in store.load(1, after=after)]) == repr(events)


@pytest.mark.parametrize("given", [np.float32(0.5), np.float64("nan"), np.int64(3), np.bool_(True), np.array(1.5)])
def test_scalars_of_numpy_are_stored_as_numbers(store, given):
    after = sum(1 for _ in store.load(1))
    store.append(1, [r.Noted(kind="x", data={"v": given})], after=after)
    ((back, _),) = store.load(1, after=after)
    assert repr(float(back.data["v"])) == repr(float(given))


@pytest.mark.parametrize("wrong", [1j, object(), b"bytes"])
def test_what_is_no_value_is_refused_and_nothing_is_added(store, wrong):
    if isinstance(store, MemoryStore):
        pytest.skip("what lives in memory is not written down")
    after = sum(1 for _ in store.load(1))
    with pytest.raises(ModelwrightError, match="cannot be stored"):
        store.append(1, [r.Started(number=0), r.Noted(kind="x", data={"v": wrong})], after=after)
    assert sum(1 for _ in store.load(1)) == after


def test_no_strange_number_is_ever_the_best_and_all_are_kept(tmp_path):
    odd = [math.nan, math.inf, -math.inf, 1e308, 5e-324, -1.0]

    def function(hp, trial):
        hp.Float("x", 0.0, 1.0)
        return odd[trial.number % len(odd)]

    path = tmp_path / "s.db"
    mw.tune(function, objective="minimize", strategy="random", trials=12, store=path, name="s", verbose=0)
    study = mw.load_study("s", path)
    assert study.best.value == -1.0
    states = [t.state for t in study.trials]
    assert states == ["infeasible" if not math.isfinite(odd[i % len(odd)]) else "complete" for i in range(12)]
    assert [repr(t._row.metrics["value"]) for t in study.trials] == [repr(odd[i % len(odd)]) for i in range(12)]
