"""Arguments of a fit: what is of the wrong type, out of range or does not go together is refused by its name."""

import subprocess
import sys
import time

import numpy as np
import pytest

import modelwright as mw
from modelwright.core.clock import counting_from
from modelwright.core.errors import ArgumentError
from modelwright.tasks.request.arguments import checked_arguments, checked_plan
from modelwright.tasks.search.gathered import Said, gather

QUIET = {"verbose": 0, "store": ":memory:"}
HUGE = 10**400


def table(rows=120):
    rng = np.random.default_rng(0)
    data = {"a": rng.normal(size=rows), "ab": rng.normal(size=rows), "b": rng.normal(size=rows)}
    data |= {"g": np.arange(rows) // 4, "t": np.arange(rows) * 1.5}
    return {**data, "y": np.where(data["a"] > 0, "yes", "no")}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("seconds", [0, -1, float("inf"), float("nan"), "5", True, HUGE, [5]]),
        ("trials", [0, -1, 1.5, "3", True, HUGE]),
        ("folds", [0, -1, 1.5, "3", True, 2**70]),
        ("max_rows", [0, 1, 2.5, "9", True]),
        ("workers", [0, -1, 1.5, "2", True, 10**9]),
        ("seed", [None, "a", 1.5, True, HUGE]),
        ("verbose", [None, "loud", -1, 3, 1.5]),
        ("target_score", [float("nan"), float("inf"), "good", True, HUGE]),
        ("min_gain", [0, -1, float("nan"), "little"]),
        ("memory", [0, -1, "much"]),
        ("drop_suspected", ["no", 1, None]),
        ("target", [None, ["y"], 1.5, True]),
        ("groups", [["g"], np.arange(120), 1.5]),
        ("time", [["t"], np.arange(120.0), 1.5]),
        ("without", [1.5, {"a": 1}, [None], [["a"]]]),
        ("models", [5.5, [], {"linear": 1}, [None]]),
        ("block", [5.5, {"mlp": 1}]),
        ("kinds", ["number", ["a"]]),
        ("monotone", ["a", ["a"]]),
        ("class_weight", ["even", 3, {"yes": "a"}, {"yes": -1}, {"yes": float("nan")}, np.ones(2)]),
        ("preset", [None, 5, ["good"]]),
        ("name", [5, "", " "]),
        ("plan", [5, "x", [], {}, {"members": [{}], "task": "binary"}]),
    ],
)
def test_each_argument_is_refused_by_its_name(name, values):
    for value in values:
        asked = {"target": "y", "trials": 1, **QUIET, name: value}
        with pytest.raises(mw.ArgumentError, match=name):
            mw.fit(table(), asked.pop("target"), **asked)


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        ({"groups": "y"}, "groups='y' is the target"),
        ({"time": "y"}, "time='y' is the target"),
        ({"sample_weight": "y"}, "sample_weight='y' is the target"),
        ({"without": ["g", "y"]}, "without='y' is the target"),
        ({"groups": "g", "time": "t"}, "groups='g' and time='t'"),
        ({"groups": "nobody"}, "no column 'nobody'"),
        ({"time": "nobody"}, "no column 'nobody'"),
        ({"without": ["nobody"]}, "no column 'nobody'"),
        ({"kinds": {"nobody": "number"}}, "nobody"),
        ({"kinds": {"a": "numbers"}}, "numbers"),
        ({"kinds": {"y": "number"}}, "kinds names 'y', which is the target.*task='regression'"),
        ({"target_score": 2.0}, "target_score=2 is never reached.*at most 1: what roc_auc is where all is right"),
        ({"target_score": -0.1, "metric": "log_loss"}, "never reached.*at least 0"),
        ({"target_score": 0.1, "metric": "neg_log_loss"}, "never reached.*at most 0"),
        ({"folds": 100}, "folds=100 for 120 rows"),
        ({"sample_weight": np.zeros(120)}, "every weight is 0"),
        ({"sample_weight": -np.ones(120)}, "negative"),
        ({"metric": 5}, "metric"),
    ],
)
def test_what_does_not_go_together_is_refused(asked, match):
    with pytest.raises(mw.ArgumentError, match=match):
        mw.fit(table(), "y", **{"trials": 1, **QUIET, **asked})


def test_rows_without_a_moment_are_refused_with_what_can_be_done():
    moments = np.arange(120.0)
    moments[:7] = np.nan
    with pytest.raises(mw.ArgumentError, match="7 rows without a moment.*Fill these cells, or take the rows out"):
        mw.fit({**table(), "t": moments}, "y", time="t", trials=1, **QUIET)


def test_rows_without_a_moment_are_refused_where_the_column_counts_the_rows(tmp_path):
    steps = [str(1000 + i) if i not in (5, 200) else "" for i in range(400)]
    lines = [f"{step},{i * 7 % 11},{'ab'[i % 2]}" for i, step in enumerate(steps)]
    (path := tmp_path / "steps.csv").write_text("\n".join(["step,x,y", *lines]))
    with pytest.raises(mw.ArgumentError, match="2 rows without a moment.*Fill these cells"):
        gather(path, Said(target="y", time="step"))


def test_a_size_without_its_unit_is_told_to_be_bytes():
    with pytest.raises(mw.ArgumentError, match=r"memory=4 bytes \(a number alone is bytes: memory='4GB' has a unit\)"):
        mw.fit(table(), "y", memory=4, trials=1, **QUIET)


def test_one_name_is_a_list_of_one():
    model = mw.fit(table(), "y", models="linear", without="ab", trials=1, **QUIET)
    assert {entry["learner"] for entry in model.plan["members"]} == {"linear"}
    assert [one["column"] for one in model.features()] == ["a", "b", "g", "t"]
    assert checked_arguments({"target": "y", "block": "mlp"})["block"] == ("mlp",)


def test_columns_may_be_called_by_numbers():
    data = {str(i): cells for i, cells in enumerate(table().values())}
    model = mw.fit(data, 5, without=[0, np.int64(1)], trials=1, models=["linear"], **QUIET)
    assert model.target == "5" and [one["column"] for one in model.features()] == ["2", "3", "4"]


def test_numbers_of_numpy_are_numbers():
    found = checked_arguments({"target": "y", "seconds": np.float32(2), "folds": np.int64(3), "seed": np.int8(1)})
    assert (found["seconds"], found["folds"], found["seed"]) == (2.0, 3, 1)
    assert type(found["folds"]) is int


def test_weeks_and_quarters_order_the_rows():
    weeks = [f"{2000 + week // 52}-W{week % 52 + 1:02d}" for week in range(120)]
    quarters = [f"{1990 + quarter // 4}Q{quarter % 4 + 1}" for quarter in range(120)]
    for moments in (weeks, quarters):
        data = {**table(), "t": moments}
        assert np.array_equal(gather(data, Said(target="y", time="t")).frame.numbers["t"].argsort(), np.arange(120))


def test_numbers_that_count_the_rows_order_them_as_text_too():
    order = np.random.default_rng(0).permutation(120)
    numbers, texts = (
        gather({**table(), "t": list(map(kind, order))}, Said(target="y", time="t")).split for kind in (int, str)
    )
    assert texts.kind == "time" and np.array_equal(numbers.place, texts.place)


def test_what_is_read_as_no_date_is_not_said_to_be_one():
    with pytest.raises(mw.ArgumentError, match="'phase 0' is read as none: write them such as 2016-04-05, or as num"):
        mw.fit({**table(), "t": [f"phase {row}" for row in range(120)]}, "y", time="t", trials=1, **QUIET)
    dates = [f"2016-04-{row % 28 + 1:02d}" for row in range(120)]
    with pytest.raises(mw.ArgumentError, match=r"kinds=\{'t': 'datetime'\} says that it holds dates"):
        mw.fit({**table(), "t": dates}, "y", time="t", kinds={"t": "category"}, trials=1, **QUIET)


def test_a_time_column_that_is_no_feature_still_orders_the_rows():
    model = mw.fit(table(), "y", time="t", without="t", trials=1, models=["linear"], **QUIET)
    assert "t" not in [one["column"] for one in model.features()]
    assert any("period" in one["decided"] for one in model.decisions)


def test_a_plan_that_lacks_something_says_what():
    model = mw.fit(table(), "y", models="linear", trials=1, **QUIET)
    checked_plan(model.plan)
    for name in ("members", "threshold"):
        plan = {key: value for key, value in model.plan.items() if key != name}
        with pytest.raises(mw.ArgumentError, match=f"it has no '{name}'"):
            checked_plan(plan)


def test_the_door_imports_nothing():
    code = "import sys, modelwright as mw; mw.fit; print('numpy' in sys.modules, 'scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_seconds_count_from_the_begin_of_the_call():
    with counting_from(time.monotonic() - 100), pytest.warns(UserWarning, match="the time was up"):
        model = mw.fit(table(), "y", seconds=90, **QUIET)
    assert [one["learner"] for one in model.plan["members"]] == ["constant"]


def test_a_fit_that_goes_on_with_no_seconds_left_gives_what_is_known(tmp_path):
    asked = {"seconds": 4.0, "name": "one", "store": tmp_path / "s.db", "verbose": 0, "models": ["linear", "constant"]}
    first = mw.fit(table(), "y", **asked)
    tried = len(mw.load_study("one", tmp_path / "s.db").trials)
    again = mw.fit(table(), "y", **{**asked, "seconds": 1.0})
    assert len(mw.load_study("one", tmp_path / "s.db").trials) == tried
    assert np.array_equal(again.predict_proba(table()), first.predict_proba(table()))


@pytest.mark.parametrize(
    "given", [{"kinds": {"q": "number"}}, {"without": ["q"]}, {"groups": "q"}, {"sample_weight": "q"}]
)
def test_the_target_is_not_offered_for_a_column_that_is_not_there(given):
    with pytest.raises(ArgumentError, match="no column 'q'") as caught:
        gather({"a": [1.0, 2.5, 3.0, 4.5] * 10, "wanted": [0, 1] * 20}, Said(target="wanted", **given))
    assert "'a'" in str(caught.value) and "wanted" not in str(caught.value)
