"""What users of other products for tables complain about until there is a model, and how it is here: 1 to 15 of 29.

The numbers in docstrings count the complaints; 16 to 29 are about models in use, in ``test_complaints_model``. 4 is
left out: it is about installing what detects objects in images, and tables need none of it.
"""

import json
import subprocess
import sys
import textwrap
import time
import tomllib
import types
import warnings
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from test_install_size import packages

import modelwright as mw
from modelwright.core.clock import SystemClock
from modelwright.execute.serial import SerialExecutor
from modelwright.tasks.features.recipe import Recipe
from modelwright.tasks.learners.base import Learner
from modelwright.tasks.search import estimation, session

pytest.importorskip("lightgbm")
ROOT = Path(__file__).parents[2]
QUIET = {"verbose": 0, "store": ":memory:"}


def table(rows=300, seed=0, signal=1.0, noise=1.0):
    """Two classes, told by a number and by a category, as far as there is a signal."""
    rng = np.random.default_rng(seed)
    a, c = rng.normal(size=rows), rng.choice(["x", "y", "z"], rows).astype(object)
    value = signal * (a + (c == "x")) + noise * rng.normal(size=rows)
    return {"a": a, "b": rng.normal(size=rows), "c": c, "y": np.where(value > np.median(value), "yes", "no")}


def decided(model, what):
    return [one for one in model.decisions if one["what"] == what]


# --- installing ------------------------------------------------------------------------------------


def test_a_fit_needs_no_package_but_the_few_that_were_installed_for_it(tmp_path):
    """1: too many dependencies."""
    allowed = packages("tables")
    found = metadata.packages_distributions()
    barred = [name for name, owners in found.items() if not {one.lower().replace("_", "-") for one in owners} & allowed]
    assert "pytest" in barred and not {"lightgbm", "numpy", "sklearn"} & set(barred)
    code = """
        import json, sys

        class Bar:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in barred:
                    raise ModuleNotFoundError(f"No module named {name!r}", name=name)

        barred = set(json.loads(sys.argv[1]))
        sys.meta_path.insert(0, Bar())
        import modelwright as mw
        rows = [f"{i % 7},{'xy'[i % 2]},{'no' if i % 7 < 3 else 'yes'}" for i in range(120)]
        open("t.csv", "w").write("a,c,y\\n" + "\\n".join(rows))
        model = mw.fit("t.csv", "y", trials=2, folds=2, models=["lightgbm", "linear"], store=":memory:", verbose=0)
        again = mw.load(model.save("m.mw"))
        print(again.predict("t.csv").tolist() == model.predict("t.csv").tolist(), again.evaluate("t.csv")["roc_auc"])
    """
    command = [sys.executable, "-c", textwrap.dedent(code), json.dumps(barred)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert done.stdout.split() == ["True", "1.0"], done.stderr


def test_no_version_of_anything_is_held_back():
    """2: pins that break environments."""
    wanted = {extra: packages(extra) for extra in ("tables", "sklearn")}
    for name in set.union(*wanted.values()):
        for line in metadata.requires(name) or []:
            one = Requirement(line)
            if one.marker is None or one.marker.evaluate({"extra": ""}):
                assert one.specifier.contains(metadata.version(one.name), prereleases=True), f"{name} needs {one}"
    for line in metadata.requires("modelwright") or []:
        one = Requirement(line)
        if one.marker is None or not {"dev", "bench"} & set(str(one.marker).split('"')):
            assert {limit.operator for limit in one.specifier} <= {">=", ">"}, line


def test_nothing_is_used_that_a_later_python_or_library_takes_away():
    """3: a new Python is unsupported for years."""
    limits = Requirement(f"x{tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']['requires-python']}")
    assert limits.specifier.contains("3.99")
    leaving = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)
    with warnings.catch_warnings():
        for category in (*leaving, SyntaxWarning):
            warnings.filterwarnings("error", category=category, module=r"modelwright|.*src.modelwright")
        for path in (ROOT / "src" / "modelwright" / "tasks").rglob("*.py"):
            compile(path.read_text(encoding="utf-8"), str(path), "exec")
        data = {**table(120), "day": np.datetime64("2024-01-01") + np.arange(120)}
        for models in (["lightgbm"], ["linear", "mlp", "xgboost", "extra_trees", "neighbours", "naive_bayes"]):
            model = mw.fit(data, "y", trials=1 + len(models), folds=2, models=models, **QUIET)
            model.predict_proba(data), model.evaluate(data), model.features()
            assert {row["model"].split()[0] for row in model.leaderboard()[1:]} == set(models)


# --- time ------------------------------------------------------------------------------------------


class Deaf(ClassifierMixin, BaseEstimator):
    """Takes longer than anybody waits, and does not listen."""

    def fit(self, x, y):
        until = time.monotonic() + 300
        while time.monotonic() < until:
            try:
                time.sleep(300)
            except BaseException:  # what a loop in C does with it
                continue

    def predict(self, x):
        return np.zeros(len(x))


@pytest.fixture
def clock(monkeypatch):
    """Time that goes on by what features and fits are said to take, in this process."""
    said = types.SimpleNamespace(now=time.monotonic(), features=0.0, fit=0.0)

    def taking(part, cost):
        real = part.fit

        def fit(self, *args, **more):
            said.now += getattr(said, cost)
            return real(self, *args, **more)

        monkeypatch.setattr(part, "fit", fit)

    taking(Recipe, "features")
    taking(Learner, "fit")
    monkeypatch.setattr(SystemClock, "monotonic", lambda self: said.now)
    monkeypatch.setattr(SystemClock, "wall", lambda self: said.now)
    simulated = types.SimpleNamespace(monotonic=lambda: said.now, perf_counter=lambda: said.now)
    monkeypatch.setattr(estimation, "time", simulated)
    monkeypatch.setattr(session, "ProcessExecutor", lambda workers, output: SerialExecutor())
    said.began = said.now
    return said


@pytest.mark.parametrize("takes", [50.0, 200.0, 1000.0])
def test_an_hour_is_no_more_than_an_hour_whatever_a_fit_takes(clock, takes):
    """5: a limit of an hour took 18."""
    clock.fit = takes
    model = mw.fit(table(), "y", seconds=3600, models=["linear", "naive_bayes"], workers=1, min_gain=None, **QUIET)
    assert clock.now - clock.began <= 3600
    assert model.predict(table(5)).shape == (5,)


@pytest.mark.parametrize("features", [1.0, 100.0])
def test_features_and_the_end_of_a_fit_are_within_its_time_and_little_of_it_is_left_over(clock, features):
    """6: selection of features or stacking go beyond the limit, or half of the time is not used."""
    clock.fit, clock.features = 40.0, features
    model = mw.fit(table(), "y", seconds=3600, models=["linear", "naive_bayes"], workers=1, min_gain=None, **QUIET)
    assert 0.6 * 3600 <= clock.now - clock.began <= 3600
    spent = dict(model._body["time"]["phases"])
    assert spent["fitting the members on all rows"] >= 40.0 + features
    assert all(one["whole"] for one in model.plan["members"])


def test_time_that_is_over_during_the_first_fit_leaves_a_model(clock):
    """7: a small budget gives no model."""
    clock.fit = 30.0
    model = mw.fit(table(), "y", seconds=1, models=["linear"], workers=1, **QUIET)
    assert len(set(model.predict(table(50)))) == 2 or decided(model, "fallback")
    with pytest.warns(UserWarning, match="the model is a constant"):
        assert mw.fit(table(), "y", seconds=1e-4, **QUIET).predict({"a": 0.5, "b": 0.1, "c": "x"}).shape == (1,)


def test_a_candidate_that_does_not_end_costs_its_own_time_and_not_the_model():
    """7: the limit of a single model is ignored."""
    began = time.monotonic()
    model = mw.fit(table(), "y", models=[Deaf(), "naive_bayes"], seconds=6, workers=1, **QUIET)
    assert time.monotonic() - began < 100
    assert {one["learner"] for one in model.plan["members"]} == {"naive_bayes"}


def test_more_candidates_give_no_worse_model():
    """8: more time gives a worse model."""
    models, gains = ["linear", "naive_bayes", "neighbours"], []
    for seed in range(3):
        rows, new = table(200, seed, noise=2.0), table(4000, seed=100 + seed, noise=2.0)
        found = [mw.fit(rows, "y", trials=n, folds=3, models=models, seed=seed, **QUIET) for n in (2, 8)]
        few, many = (model.evaluate(new, "roc_auc")["roc_auc"] for model in found)
        assert many > few - found[0].leaderboard()[0]["spread"]
        gains.append(many - few)
    assert np.mean(gains) > -0.01


# --- memory ----------------------------------------------------------------------------------------


class Greedy(ClassifierMixin, BaseEstimator):
    """Takes all the memory that it gets."""

    def fit(self, x, y):
        taken = []
        for _ in range(200):
            taken.append(np.ones(4 << 20))
            time.sleep(0.02)
        self.taken = taken

    def predict(self, x):
        return np.zeros(len(x))


def test_a_candidate_that_takes_more_memory_than_there_may_be_is_ended_alone():
    """9: memory was estimated wrongly, and everything ended."""
    model = mw.fit(table(), "y", models=["linear", Greedy()], trials=4, folds=2, workers=2, memory="4GB", **QUIET)
    (said,) = decided(model, "learner")
    assert "greedy" in said["decided"] and "memory" in said["why"]
    assert {one["learner"] for one in model.plan["members"]} == {"linear"}


@pytest.mark.parametrize("learner", ["lightgbm", "linear"])
def test_categories_with_many_levels_become_few_features(learner):
    """10: eleven columns became sixty thousand."""
    rng = np.random.default_rng(0)
    data = {f"c{k}": np.char.add("L", rng.integers(0, 500, 1000).astype(str)) for k in range(11)}
    kinds = dict.fromkeys(data, "category")
    data["y"] = rng.normal(size=1000)
    model = mw.fit(data, "y", models=[learner], trials=1, folds=1, kinds=kinds, without=["c10"], **QUIET)
    used = [names for one in model.features() for names in one["used"].values()]
    assert 10 <= sum(map(len, used)) <= 10 * 50


def test_sparse_tables_are_not_filled_up_without_being_asked():
    """11: sparse input was made dense, and hung."""
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(mw.ArgumentError, match=r"sparse and would take 8e\+03 TB.*TruncatedSVD"):
        mw.fit(sparse.csr_matrix((10**9, 10**6)), "y", trials=1, **QUIET)
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    dense = {f"x{k}": rng.poisson(0.1, 200).astype(float) for k in range(5)} | {"y": rng.integers(0, 2, 200)}
    frame = pandas.DataFrame(dense).astype({f"x{k}": pandas.SparseDtype(float, 0.0) for k in range(5)})
    how = {"models": ["linear"], "trials": 1, "folds": 2, **QUIET}
    same = mw.fit(dense, "y", **how).predict_proba(dense)
    assert np.array_equal(mw.fit(frame, "y", **how).predict_proba(frame), same)


# --- what is learned -------------------------------------------------------------------------------


@pytest.mark.parametrize("signal", [0.0, 1.0])
def test_the_score_of_an_ensemble_is_that_of_new_rows(signal):
    """12: stacking looks great in validation, and is worse on a test table."""
    models = ["lightgbm", "linear", "naive_bayes", "neighbours"]
    model = mw.fit(table(400, signal=signal), "y", trials=8, folds=3, models=models, **QUIET)
    board = model.leaderboard(table(4000, seed=1, signal=signal))
    assert abs(board[0]["score"] - board[0]["test"]) < 3 * board[0]["spread"]
    assert sum(row.get("test") is not None for row in board) > 2 or not signal


def test_preparation_of_columns_tells_nothing_of_the_rows_that_judge():
    """13: an area under the curve of 1 on noise, since columns were prepared before the folds were made."""
    rng = np.random.default_rng(0)
    noise = {f"x{k}": rng.normal(size=240) for k in range(50)}
    noise |= {"place": rng.integers(0, 120, 240).astype(str), "y": rng.integers(0, 2, 240)}
    kinds = {"place": "category"}
    model = mw.fit(noise, "y", trials=4, folds=4, models=["lightgbm", "linear"], kinds=kinds, **QUIET)
    assert all(abs(row["score"] - 0.5) < 3 * row["spread"] for row in model.leaderboard())


class Counting(LogisticRegression):
    """Writes down what it is given."""

    seen = []

    def fit(self, x, y, sample_weight=None):
        Counting.seen.append((len(y), np.bincount(y, sample_weight) if sample_weight is not None else None))
        return super().fit(x, y, sample_weight)


def test_classes_are_balanced_by_weights_and_no_row_is_made_up():
    """14: the option for rare classes multiplied the rows."""
    rng = np.random.default_rng(0)
    data = {"a": rng.normal(size=600), "b": rng.normal(size=600)}
    data["y"] = np.where(data["a"] + rng.normal(size=600) > 2.3, "rare", "usual")
    Counting.seen = []
    how = {"models": [Counting()], "trials": 1, "folds": 3, **QUIET}
    model = mw.fit(data, "y", class_weight="balanced", **how)
    assert len(Counting.seen) > 3
    for rows, weight in Counting.seen:
        assert rows <= 600 and weight[0] == pytest.approx(weight[1], rel=0.1)
    rare = data["y"] == "rare"
    found, plain = (one.predict_proba(data)[rare, 0].mean() for one in (model, mw.fit(data, "y", **how)))
    assert rare.mean() < 0.1 and found > 0.5 > plain


@pytest.mark.parametrize("metric", ["f1", "balanced_accuracy"])
def test_labels_are_those_by_which_the_metric_is_best(metric):
    """15: F1 and balanced accuracy are poor at a threshold of 0.5."""
    draw, parts = np.random.default_rng(0), {}
    for name, rows in (("old", 1000), ("new", 4000)):
        a = draw.normal(size=rows)
        parts[name] = {"a": a, "y": np.where(a + draw.normal(size=rows) > 2.4, "rare", "usual")}
    model = mw.fit(parts["old"], "y", metric=metric, models=["linear"], trials=1, folds=3, **QUIET)
    scored = getattr(pytest.importorskip("sklearn.metrics"), f"{metric}_score")
    more = {"pos_label": "rare"} if metric == "f1" else {}
    true, middle = parts["new"]["y"], model.predict_proba(parts["new"])[:, 0] >= 0.5
    at_half = scored(true, np.where(middle, "rare", "usual"), **more)
    assert scored(true, model.predict(parts["new"]), **more) > at_half + 0.05


@pytest.mark.parametrize("learner", ["lightgbm", "xgboost"])
def test_classes_that_are_told_without_error_are_named_though_only_ranks_are_judged(learner):
    """15: labels are poor at a threshold of 0.5."""
    a = np.random.default_rng(0).normal(size=300)
    data = {"a": a, "y": np.where(a > 1, "rare", "usual")}
    model = mw.fit(data, "y", models=[learner], trials=1, folds=3, **QUIET)
    assert model.metric == "roc_auc" and model.evaluate(data)["f1"] > 0.95
