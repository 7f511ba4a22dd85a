"""Recipes: what is stored is restored, one row is as in a batch, and every kind of column becomes something."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_frames import mixed, target
from scipy.special import ndtr

from modelwright.core.codec import dumps, loads
from modelwright.core.errors import ArgumentError
from modelwright.tasks import learners
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.features import Fitted, Recipe
from modelwright.tasks.features.categories import Codes, Counts, Hashed, OneHot
from modelwright.tasks.features.dates import Dates
from modelwright.tasks.features.groups import CrossedMeans, GroupMeans
from modelwright.tasks.features.interactions import Pairs
from modelwright.tasks.features.numbers import Numbers, Ordinals
from modelwright.tasks.features.reduction import Components
from modelwright.tasks.features.scaling import Scaled
from modelwright.tasks.features.selection import Selected
from modelwright.tasks.features.target_means import TargetMeans
from modelwright.tasks.features.text import Texts

NUMBERS = ("number", "skewed", "flag", "empty", "same")
RECIPES = {
    "numbers": (Numbers((*NUMBERS, "when")), Ordinals(("grade",))),
    "codes": (Codes(("few", "many"), most=20), Hashed(("many",), buckets=16)),
    "levels": (OneHot(("few", "many", "grade"), most=10), Counts(("many",))),
    "target": (TargetMeans(("few", "many")),),
    "dates": (Dates(("when", "until"), cyclic=True),),
    "texts": (Texts(("title", "many"), components=8),),
    "pairs": (Pairs(NUMBERS),),
    "groups": (GroupMeans(("few", "many"), NUMBERS), CrossedMeans(("few", "many", "grade"))),
    "robust": (Numbers(NUMBERS), OneHot(("few",)), Selected(), Scaled()),
    "quantile": (Numbers(NUMBERS), OneHot(("few",)), Scaled("quantile")),
    "reduced": (Numbers(NUMBERS), Codes(("few",)), Components(2)),
}
TASKS = ("binary", "multiclass", "regression")


def restored(fitted):
    body, arrays = fitted.state()
    text = dumps(body)
    json.loads(text)
    return Fitted.restore(loads(text), {name: array.copy() for name, array in arrays.items()})


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("task", TASKS)
def test_what_is_restored_makes_the_same_matrix(name, task):
    frame, other = mixed(300), mixed(100, seed=4)
    fitted, matrix = Recipe(RECIPES[name]).fit(frame, target(frame, task), task, seed=0)
    again = restored(fitted)
    for rows in (frame, other, other.take([3]), other.take([])):
        one, two = fitted.transform(rows), again.transform(rows)
        assert np.array_equal(one.values, two.values, equal_nan=True)
        assert (one.names, one.sources, one.categorical) == (two.names, two.sources, two.categorical)
        assert one.values.dtype == np.float32 and one.values.shape == (rows.rows, len(one.names))
    assert matrix.names == fitted.transform(other).names
    assert matrix.values.flags.c_contiguous and matrix.values.dtype == np.float32


@pytest.mark.parametrize("name", RECIPES)
def test_one_row_is_as_in_a_batch(name):
    frame = mixed(300)
    fitted, _ = Recipe(RECIPES[name]).fit(frame, target(frame, "binary"), "binary", seed=0)
    batch = fitted.transform(frame).values
    for row in range(0, 300, 37):
        assert np.allclose(fitted.transform(frame.take([row])).values, batch[[row]], atol=1e-5, equal_nan=True)


@pytest.mark.parametrize("name", [n for n in RECIPES if n not in ("target", "groups")])
def test_steps_that_do_not_see_the_target_make_of_the_rows_they_were_fitted_on_what_they_make_later(name):
    frame = mixed(300)
    fitted, matrix = Recipe(RECIPES[name]).fit(frame, target(frame, "binary"), "binary", seed=0)
    assert np.allclose(fitted.transform(frame).values, matrix.values, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_plain_json(name):
    recipe = Recipe(RECIPES[name])
    again = Recipe.from_json(json.loads(json.dumps(recipe.to_json())))
    assert again == recipe and again.key == recipe.key


@pytest.mark.parametrize("name", RECIPES)
def test_levels_that_are_new_and_columns_without_a_value_work(name):
    frame, other = mixed(200), mixed(50, seed=3)
    fitted, _ = Recipe(RECIPES[name]).fit(frame, target(frame, "regression"), "regression", seed=0)
    for column, codes in other.codes.items():
        codes[::2] = len(other.levels[column])
        codes[1::2] = -1
    for numbers in other.numbers.values():
        numbers[:] = np.nan
    other.texts["title"][:] = ""
    found = fitted.transform(other)
    assert found.values.shape == (50, len(found.names)) and not np.isinf(found.values).any()


@settings(max_examples=40, deadline=None)
@given(
    cells=st.lists(st.one_of(st.floats(width=64), st.just(np.nan)), min_size=2, max_size=40),
    codes=st.lists(st.integers(-1, 3), min_size=2, max_size=40),
)
def test_any_numbers_and_levels_become_finite_features_for_smooth_learners(cells, codes):
    rows = min(len(cells), len(codes))
    frame = Frame(
        rows,
        {"a": np.array(cells[:rows]), "b": np.array(cells[:rows][::-1])},
        {"c": np.array(codes[:rows], np.int32)},
        kinds={"a": "number", "b": "number", "c": "category"},
        levels={"c": ("x", "y", "z")},
    )
    y = np.arange(rows) % 2
    for how in ("robust", "quantile"):
        recipe = Recipe((Numbers(("a", "b")), OneHot(("c",)), TargetMeans(("c",)), Scaled(how)))
        fitted, matrix = recipe.fit(frame, y, "binary", seed=0)
        assert np.isfinite(matrix.values).all()
        assert np.isfinite(fitted.transform(frame).values).all()


def test_large_numbers_that_lie_close_together_stay_apart():
    column = 1.6e9 + np.arange(50.0)
    frame = Frame(50, {"when": column}, kinds={"when": "datetime"})
    _, matrix = Recipe((Numbers(("when",)),)).fit(frame, np.arange(50.0), "regression", seed=0)
    assert len(np.unique(matrix.values)) == 50


def test_parts_of_dates_are_chosen_by_the_whole_of_a_table_in_the_order_of_time():
    years = 366 * 86400.0 * (np.arange(150_000) // 120_000)
    frame = Frame(len(years), {"d": years}, kinds={"d": "datetime"})
    _, matrix = Recipe((Dates(("d",)),)).fit(frame, np.zeros(len(years)), "regression", seed=0)
    assert "d: year" in matrix.names


def test_parts_of_dates_are_those_of_the_calendar():
    moments = np.array(["2024-02-29T13:45", "2023-12-31T00:00", "1969-07-20T20:17", "NaT"], "datetime64[s]")
    seconds = np.where(np.isnat(moments), np.nan, moments.astype(np.int64).astype(float))
    frame = Frame(4, {"d": seconds}, kinds={"d": "datetime"})
    _, matrix = Recipe((Dates(("d",)),)).fit(frame, np.zeros(4), "regression", seed=0)
    found = dict(zip(matrix.names, matrix.values.T, strict=True))
    assert found["d: year"][:3].tolist() == [2024, 2023, 1969]
    assert found["d: month"][:3].tolist() == [1, 11, 6]
    assert found["d: day"][:3].tolist() == [28, 30, 19]
    assert found["d: weekday"][:3].tolist() == [3, 6, 6]
    assert found["d: hour"][:3].tolist() == [13, 0, 20]
    assert np.isnan(found["d: year"][3])


def test_texts_that_share_words_lie_near_each_other_even_when_they_are_new():
    words = ["senior police officer", "police officer", "bus driver", "driver of a bus", "school nurse"] * 20
    texts = np.empty(100, object)
    texts[:] = words
    frame = Frame(100, texts={"job": texts}, kinds={"job": "text"})
    fitted, _ = Recipe((Texts(("job",), components=5, counts=False),)).fit(frame, np.zeros(100), "regression", seed=0)
    new = np.empty(3, object)
    new[:] = ["Police Officers", "bus drivers", "police officer"]
    near = fitted.transform(Frame(3, texts={"job": new}, kinds={"job": "text"})).values
    near /= np.linalg.norm(near, axis=1, keepdims=True)
    assert near[0] @ near[2] > 0.8 > near[1] @ near[2]


def test_a_product_that_explains_the_target_is_found():
    rng = np.random.default_rng(0)
    frame = Frame(800, {name: rng.normal(size=800) for name in "abcd"}, kinds=dict.fromkeys("abcd", "number"))
    y = frame.numbers["b"] * frame.numbers["d"]
    _, matrix = Recipe((Pairs(tuple("abcd")),)).fit(frame, y, "regression", seed=0)
    assert matrix.names[0] == "b times d" and matrix.sources[0] == ("b", "d")


def test_two_categories_that_matter_only_together_are_crossed():
    rng = np.random.default_rng(0)
    codes = {name: rng.integers(0, 4, 1000).astype(np.int32) for name in "abc"}
    levels = dict.fromkeys("abc", ("k", "l", "m", "n"))
    frame = Frame(1000, codes=codes, kinds=dict.fromkeys("abc", "category"), levels=levels)
    y = ((codes["a"] + codes["c"]) % 2).astype(int)
    _, matrix = Recipe((CrossedMeans(tuple("abc")),)).fit(frame, y, "binary", seed=0)
    assert matrix.names[0] == "a and c: mean target"


def test_what_was_dropped_is_listed_with_the_reason():
    frame = mixed(400)
    y = target(frame, "regression")
    recipe = Recipe((Numbers(("number", "same", "empty", "skewed")), Numbers(("number",)), Selected("probes")))
    report = recipe.fit(frame, y, "regression", seed=0)[0].report()
    assert report["number"]["features"] == ["number"]
    assert report["number"]["dropped"]["number"] == "the same as number"
    assert report["same"] == {"features": [], "dropped": {"same": "has one value"}}
    assert report["skewed"]["dropped"]["skewed"] == "helps no more than a column of chance"


def test_every_column_is_in_the_report_of_every_learner():
    frame = mixed(300)
    y = target(frame, "binary")
    for name in learners.names():
        report = learners.learner(name).features(frame, {}).fit(frame, y, "binary", seed=0)[0].report()
        assert set(report) == (set() if name == "constant" else set(frame.kinds))
        assert all(entry["features"] or entry["dropped"] for entry in report.values())


def test_a_column_with_a_monotone_constraint_is_in_no_other_feature():
    frame = mixed(300)
    config = {"monotone": {"number": 1}, "pairs": 12, "groups": True}
    features, matrix = (
        learners.learner("lightgbm").features(frame, config).fit(frame, target(frame, "binary"), "binary", seed=0)
    )
    assert [name for name, source in zip(matrix.names, matrix.sources) if "number" in source] == ["number"]
    assert "number" in features.report()


@pytest.mark.parametrize("name", learners.names())
def test_a_table_without_a_column_to_learn_from_gives_a_constant(name):
    learner = learners.learner(name)
    if "binary" not in learner.tasks:
        pytest.skip("no learner of classes")
    frame, y = Frame(60), np.arange(60) % 3 // 2
    features, matrix = learner.features(frame, {}).fit(frame, y, "binary", seed=0)
    model = learner.fit(matrix, y, "binary", config={"epochs": 2, "trees": 3}, rounds=3)
    found = model.predict(features.transform(frame.take([0, 1])))
    assert found[0] == pytest.approx(found[1]) and 0.1 < found[0, 1] < 0.6


def test_of_very_many_features_smooth_learners_get_those_that_help():
    rng = np.random.default_rng(0)
    names = [f"x{k}" for k in range(1200)]
    frame = Frame(150, {name: rng.normal(size=150) for name in names}, kinds=dict.fromkeys(names, "number"))
    y = (frame.numbers["x700"] > 0).astype(int)
    features, matrix = learners.learner("linear").features(frame, {}).fit(frame, y, "binary", seed=0)
    assert matrix.features == 800 and "x700" in matrix.names
    assert list(features.report()["x3"]["dropped"].values()) in ([], ["800 others help more"])


def test_unknown_steps_and_settings_are_refused():
    with pytest.raises(ArgumentError, match="unknown step 'magic'"):
        Recipe.from_json([{"step": "magic"}])
    with pytest.raises(ArgumentError, match="Allowed: 'robust'"):
        Scaled("log")


def test_quantile_scores_are_those_of_the_ranks():
    rng = np.random.default_rng(0)
    column = np.where(rng.random(2000) < 0.3, 5.0, np.exp(rng.normal(size=2000)))
    frame = Frame(2000, {"x": column}, kinds={"x": "number"})
    fitted, matrix = Recipe((Numbers(("x",)), Scaled("quantile"))).fit(frame, column, "regression", seed=0)
    scores = matrix.values[:, 0]
    order = np.argsort(column, kind="stable")
    assert (np.diff(scores[order]) >= -1e-6).all()
    assert abs(float(np.median(scores))) < 0.05 and np.abs(scores).max() < 3.2
    below = (column < 5).mean()
    tied = scores[column == 5.0]
    assert np.ptp(tied) == 0
    assert float(ndtr(tied[0])) == pytest.approx(below + (column == 5).mean() / 2, abs=0.05)
    few = fitted.transform(frame.take(np.arange(10))).values
    assert np.allclose(few, matrix.values[:10], atol=1e-5)
