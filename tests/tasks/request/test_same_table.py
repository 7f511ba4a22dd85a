"""A fit goes on with the table that it began with, and with no other one."""

import numpy as np
import pytest

import modelwright as mw
from modelwright.tasks.request.same_table import differences, digest
from modelwright.tasks.search.gathered import Said, gather


def table(rows=160, seed=0):
    rng = np.random.default_rng(seed)
    data = {"a": rng.normal(size=rows), "c": rng.choice(["x", "y", "z"], rows), "g": np.arange(rows) // 4}
    data["text"] = np.array(
        [f"the {one} word number {i} of many others" for i, one in enumerate(data["c"])], dtype=object
    )
    return {**data, "w": rng.uniform(size=rows), "y": np.where(data["a"] > 0, "yes", "no")}


def told(data, **said):
    kinds = {"text": "text"} if "text" in data else None
    return digest(gather(data, Said(**{"target": "y", "kinds": kinds, **said})))


def test_the_same_table_has_the_same_digest_and_no_order_of_reading_matters():
    assert differences(told(table()), told(table())) == []
    assert differences(told(table()), told(table(), seed=0, metric="log_loss")) == []


@pytest.mark.parametrize(
    ("change", "said", "match"),
    [
        (lambda t: {name: cells[:120] for name, cells in t.items()}, {}, ["it had 160 rows, now 120"]),
        (lambda t: {**t, "d": np.arange(160) % 7.0}, {}, ["the column 'd' is new"]),
        (lambda t: {n: c for n, c in t.items() if n != "c"}, {}, ["the column 'c' is gone"]),
        (lambda t: {**t, "a": -t["a"]}, {}, ["the cells of 'a' are others"]),
        (lambda t: {**t, "c": t["c"][::-1]}, {}, ["the cells of 'c' are others"]),
        (lambda t: {**t, "text": t["text"][::-1]}, {}, ["the cells of 'text' are others"]),
        (lambda t: {**t, "y": t["y"][::-1]}, {}, ["the cells of the target 'y' are others"]),
        (
            lambda t: t,
            {"target": "c"},
            ["the column 'y' is new", "the column 'c' is gone", "the target was 'y', now 'c'"],
        ),
        (lambda t: t, {"kinds": {"text": "text", "g": "category"}}, ["'g' was number, now category"]),
        (lambda t: t, {"class_weight": "balanced"}, ["there are weights now"]),
        (lambda t: t, {"sample_weight": np.arange(160.0)}, ["there are weights now"]),
        (lambda t: t, {"without": ["a"]}, ["the column 'a' is gone"]),
        (lambda t: t, {"folds": 3}, ["its rows are divided otherwise (groups=, time=, folds=, max_rows=)"]),
    ],
)
def test_what_differs_is_named(change, said, match):
    assert differences(told(table()), told(change(table()), **said)) == match


def test_one_cell_and_the_signs_of_two_are_noticed():
    long = {"a": np.random.default_rng(0).normal(size=40_000), "y": np.tile([0.5, 1.5], 20_000)}
    before = told(long)
    for places in ([7], [39_999], [3, 5], list(range(40_000))):
        turned = long["a"].copy()
        turned[places] *= -1
        assert differences(before, told({**long, "a": turned})) == ["the cells of 'a' are others"]


def test_many_columns_share_a_digest():
    rng = np.random.default_rng(0)
    wide = {f"c{i}": rng.normal(size=20) for i in range(600)} | {"y": np.tile([0.5, 1.5], 10)}
    before = told(wide)
    assert len(before["columns"]) == 1
    assert differences(before, told({**wide, "c7": -wide["c7"]})) == ["the cells are others"]


def test_a_fit_with_a_name_is_refused_for_another_table(tmp_path):
    asked = {"trials": 1, "models": ["linear"], "name": "s", "store": tmp_path / "s.db", "verbose": 0}
    first = mw.fit(table(), "y", **asked)
    with pytest.raises(mw.StudyError, match="another table: the cells of 'a', .* and 'w' are others; .*'y' are others"):
        mw.fit(table(seed=1), "y", **asked)
    with pytest.raises(mw.StudyError, match="it had 160 rows, now 120"):
        mw.fit(table(rows=120), "y", **{**asked, "trials": 2})
    with pytest.raises(mw.StudyError, match="there are weights now"):
        mw.fit(table(), "y", class_weight="balanced", **asked)
    with pytest.raises(mw.StudyError, match="it had 160 rows"):
        first.fit(table(rows=100), trials=1, verbose=0)
    with pytest.raises(mw.StudyError, match="it is judged by 8 folds, now 3"):
        mw.fit(table(), "y", folds=3, **asked)
    again = mw.fit(table(), "y", **{**asked, "trials": 2, "folds": 8})
    assert len(again.leaderboard()) == 3
