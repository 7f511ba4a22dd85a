"""Many threads that predict with one model, as those of a server do: the same numbers as in one thread."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import modelwright as mw
from modelwright.core.blas import blas_threads
from modelwright.tasks import learners
from modelwright.tasks.features.matrix import Matrix
from modelwright.tasks.learners.blocks import in_blocks
from modelwright.tasks.learners.lightgbm import FittedLightGBM

pytest.importorskip("lightgbm")
pytest.importorskip("xgboost")


def table(rows, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4))
    return {**{f"x{i}": x[:, i] for i in range(4)}, "y": x[:, 0] * x[:, 1] + x[:, 2]}


def matrix(x):
    names = tuple(f"x{i}" for i in range(x.shape[1]))
    return Matrix(values=x, names=names, sources=tuple((name,) for name in names), categorical=())


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    model = mw.fit(
        table(200),
        "y",
        models=["lightgbm", "xgboost"],
        preset="best",
        trials=2,
        folds=2,
        store=":memory:",
        verbose=0,
        min_gain=None,
    )
    assert {one.name.split()[0] for one in model._members} == {"lightgbm", "xgboost"}
    return model.save(tmp_path_factory.mktemp("model") / "m.mw")


def test_eight_threads_are_answered_as_one_is(saved):
    sizes, alone = (1, 2000, 10_000), mw.load(saved)
    tables = {size: table(size, seed=size) for size in sizes}
    expected = {size: alone.predict(tables[size]) for size in sizes}
    model = mw.load(saved)
    together = threading.Barrier(8)

    def asked(number):
        together.wait(60)
        for turn in range(3):
            size = sizes[(number + turn) % 3]
            np.testing.assert_array_equal(model.predict(tables[size]), expected[size])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(asked, range(8)))


@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
def test_threads_that_ask_for_other_numbers_of_threads_do_not_disturb_each_other(name):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(12_000, 4)).astype(np.float32)
    y = (x[:, 0] * x[:, 1]).astype(float)
    whole = matrix(x)
    fitted = learners.learner(name).fit(whole.take(slice(0, 500)), y[:500], "regression", config={}, rounds=20)
    expected = fitted.predict(whole)
    fitted = type(fitted).restore(*fitted.state())

    def asked(number):
        for turn in range(12):
            np.testing.assert_array_equal(fitted.predict(whole, threads=1 + (number + turn) % 3), expected)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(asked, range(6)))


class Broken(ModuleType):
    def __getattr__(self, name):
        raise OSError("libgomp.so.1: cannot open shared object file")


@pytest.mark.parametrize(
    "broken",
    [
        lambda patch: patch.setitem(sys.modules, "xgboost", None),
        lambda patch: patch.setitem(sys.modules, "xgboost", Broken("xgboost")),
        lambda patch: patch.setattr("modelwright.tasks.learners.traversal._VERSION", [99, 0, "x"]),
        lambda patch: patch.setattr("modelwright.tasks.learners.traversal._numbers", lambda *_: {}["leaf_value"]),
    ],
    ids=["not there", "does not load", "another schema", "other lines"],
)
def test_where_xgboost_cannot_walk_the_trees_lightgbm_does(monkeypatch, broken):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(10_000, 3)).astype(np.float32)
    whole = matrix(x)
    fitted = learners.learner("lightgbm").fit(
        whole.take(slice(0, 300)), x[:300, 0].astype(float), "regression", config={}, rounds=10
    )
    broken(monkeypatch)
    found = fitted.predict(whole)
    assert isinstance(fitted, FittedLightGBM) and fitted._traversal is None
    np.testing.assert_allclose(found[:500], fitted.predict(whole.take(slice(0, 500))), rtol=1e-12)


def test_a_model_without_a_tree_predicts_many_rows():
    lgb = pytest.importorskip("lightgbm")
    x = np.random.default_rng(0).normal(size=(400, 3)).astype(np.float32)
    asked = {"objective": "regression", "verbosity": -1, "num_threads": 1}
    booster = lgb.Booster(asked, lgb.Dataset(x, np.array(x[:, 0])))
    fitted = learners.restore("lightgbm", {"classes": 0, "facts": {}}, {"model": booster.model_to_string().encode()})
    for rows in (3, 2_500, 10_000):
        assert fitted.predict(matrix(np.zeros((rows, 3), np.float32))).tolist() == [0.0] * rows


# --- threads of linear algebra -----------------------------------------------------------------------


def blas():
    return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]


def test_predictions_side_by_side_leave_linear_algebra_its_threads():
    np.ones((4, 4)) @ np.ones((4, 4))
    before, seen = blas(), []
    first_in, second_in, first_out = (threading.Event() for _ in range(3))

    def first(some):
        first_in.set()
        second_in.wait(20)
        return some

    def second(some):
        second_in.set()
        first_out.wait(20)
        seen.append(blas())
        return some

    def run_first():
        in_blocks(first, np.ones((4, 1)), 8, 1)
        first_out.set()

    def run_second():
        first_in.wait(20)
        in_blocks(second, np.ones((4, 1)), 8, 1)

    threads = [threading.Thread(target=one) for one in (run_first, run_second)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert seen == [[1] * len(before)], "the second one still is at work"
    assert blas() == before


def test_the_fewest_threads_count_among_those_that_are_asked_for_at_once():
    before = blas()
    with blas_threads(2):
        assert set(blas()) <= {2}
        with blas_threads(1):
            assert set(blas()) <= {1}
        assert set(blas()) <= {2}
        with blas_threads(3):
            assert set(blas()) <= {2}
    assert blas() == before
