"""What users of other products for tables complain about once there is a model, and how it is here: 16 to 29 of 29.

The numbers in docstrings count the complaints; 1 to 15 are in ``test_complaints_fit``. Nothing is there to be tested
yet for 22, whole models as ONNX, and 26, models as code: docs/tables.md says so.
"""

import json
import random
import re
import shutil
import socket
import subprocess
import sys
import textwrap
import weakref
import zipfile
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from test_install_size import packages

import modelwright as mw

pytest.importorskip("lightgbm")
GOLDEN = Path(__file__).parent / "golden"
QUICK = {"folds": 2, "verbose": 0, "store": ":memory:"}
LEARNERS = ["lightgbm", "xgboost", "extra_trees", "linear", "neighbours", "naive_bayes", "mlp"]


def table(rows=200, seed=0, classes=("no", "yes")):
    """A number with gaps, a category, noise, and a target that the first two tell."""
    rng = np.random.default_rng(seed)
    a, c = rng.normal(size=rows), rng.choice(["x", "y", "z"], rows).astype(object)
    value = a + (c == "x") + 0.5 * rng.normal(size=rows)
    a[rng.random(rows) < 0.05] = np.nan
    places = np.searchsorted(np.quantile(value, np.arange(1, len(classes)) / len(classes)), value)
    return {"a": a, "b": rng.normal(size=rows), "c": c, "y": [classes[place] for place in places]}


@pytest.fixture(scope="module")
def model():
    return mw.fit(table(), "y", models=["lightgbm", "linear", "extra_trees"], trials=5, **QUICK)


# --- rows that come later --------------------------------------------------------------------------


@pytest.mark.parametrize("learner", LEARNERS)
def test_categories_that_were_never_seen_are_predicted_and_told(learner):
    """16: an unseen category ends a prediction."""
    found = mw.fit(table(), "y", models=[learner], trials=1, **QUICK)
    with pytest.warns(UserWarning, match="not fitted on: 'c'"):
        shares = found.predict_proba({"a": [0.0, 2.0], "b": [0.0, 0.0], "c": ["new", "x"]})
    assert np.isfinite(shares).all() and shares.sum(axis=1) == pytest.approx(1)
    assert shares[1] == pytest.approx(found.predict_proba({"a": 2.0, "b": 0.0, "c": "x"})[0], abs=1e-6)


@pytest.mark.parametrize("learner", ["lightgbm", "linear"])
def test_a_rare_level_is_told_from_a_missing_cell(learner, recwarn):
    """17: rare levels silently become missing."""
    rng = np.random.default_rng(0)
    c = rng.choice(["usual", "other"], 600).astype(object)
    c[:20], c[20:80] = "rare", None
    y = np.where(rng.random(600) < np.r_[np.ones(20), np.full(60, 0.1), np.full(520, 0.5)], "yes", "no")
    found = mw.fit({"c": c, "b": rng.normal(size=600), "y": y}, "y", models=[learner], trials=1, **QUICK)
    rare, usual, missing = found.predict_proba({"c": ["rare", "usual", None], "b": [0.0] * 3})[:, 1]
    assert rare > usual + 0.03 and usual > missing + 0.03
    assert not [one for one in recwarn if "not fitted on" in str(one.message)]


def test_chance_comes_from_the_seed_alone():
    """18: no seed for everything, and results that do not come again."""
    answers = []
    for place in range(3):
        random.seed(place), np.random.seed(place)
        before = np.random.get_state()[1].tolist(), random.getstate()
        found = mw.fit(table(), "y", models=["linear", "lightgbm"], trials=2, seed=place // 2, **QUICK)
        assert before == (np.random.get_state()[1].tolist(), random.getstate())
        answers.append(found.predict_proba(table(seed=1)))
    assert np.array_equal(answers[0], answers[1]) and not np.array_equal(answers[0], answers[2])


def test_a_row_alone_is_predicted_as_among_others_and_without_detours(model):
    """21: a single row takes long."""
    rows = table(20, seed=1)
    one = {name: cells[3] for name, cells in rows.items() if name != "y"}
    assert model.predict_proba(one)[0] == pytest.approx(model.predict_proba(rows)[3], abs=1e-6)
    calls = []
    sys.setprofile(lambda frame, event, _: calls.append(frame.f_globals.get("__name__")) if event == "call" else None)
    try:
        model.predict_proba(one)
    finally:
        sys.setprofile(None)
    assert not [name for name in calls if name and name.partition(".")[0] in ("pandas", "narwhals", "sklearn")]
    assert len(calls) < 600  # calls stand for time, which says more about the machine


# --- files -----------------------------------------------------------------------------------------


def test_a_model_is_one_small_file_that_needs_nothing_beside_it(tmp_path):
    """19: artefacts are huge, and many."""
    asked = {"models": ["lightgbm", "linear", "extra_trees"], "trials": 6, "folds": 2, "verbose": 0}
    found = mw.fit(table(), "y", store=tmp_path / "study" / "s.db", **asked)
    want = found.predict_proba(table(seed=1))
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    path = found.save(tmp_path / "a" / "m.mw")
    assert [one.name for one in path.parent.iterdir()] == ["m.mw"]
    shutil.rmtree(tmp_path / "study")
    moved = shutil.move(path, tmp_path / "b" / "other.mw")
    assert np.array_equal(mw.load(moved).predict_proba(table(seed=1)), want)
    members = {
        one["name"]: row["mb"]
        for one in found.plan["members"]
        for row in found.leaderboard()
        if row["model"] == one["name"]
    }
    assert Path(moved).stat().st_size < 1e6 * sum(members.values()) + 50_000 < 2e6


def test_a_model_of_an_earlier_version_is_read_and_one_of_a_later_says_what_to_do(model, tmp_path):
    """20: a model does not load with another version."""
    kept = json.loads((GOLDEN / "format_1.json").read_text())
    assert np.allclose(mw.load(GOLDEN / "format_1.mw").predict_proba(kept["rows"]), kept["probabilities"], atol=1e-5)
    path = model.save(tmp_path / "m.mw")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "later.mw", "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content.replace(b'"format": 1', b'"format": 2', 1) if name == "model.json" else content)
    with pytest.raises(mw.ArgumentError, match=r"later\.mw.*its format is 2.*Upgrade"):
        mw.load(tmp_path / "later.mw")


def test_each_row_is_explained_by_what_its_cells_add(model, tmp_path):
    """23: nothing explains a single row."""
    loaded = mw.load(model.save(tmp_path / "m.mw"))
    row = {"a": 2.0, "b": 0.0, "c": "x"}
    found = loaded.explain(row)[0]
    parts = {one["column"]: one["adds"] for one in found["because"]}
    assert found["base"] + sum(parts.values()) == pytest.approx(loaded.predict_proba(row)[0][1])
    assert found["because"][0]["column"] == "a" and parts["a"] > 5 * abs(parts["b"])


@pytest.mark.parametrize("classes", [("no", "yes"), (3, 7), (False, True), ("a", "b", "c"), (0.5, 1.5), None], ids=str)
def test_a_saved_model_answers_as_before_with_the_labels_of_the_data(classes, tmp_path):
    """24: exported models predict differently, and labels are lost."""
    data = table(classes=classes or ("no", "yes"))
    if classes is None:
        data["y"] = np.nan_to_num(data["a"]) + 0.1 * data["b"]
    task = {"task": "binary"} if classes == (0.5, 1.5) else {}
    found = mw.fit(data, "y", models=["lightgbm", "linear"], trials=2, **task, **QUICK)
    again = mw.load(found.save(tmp_path / "m.mw"))
    for one in (found, again):
        assert one.predict(data).tolist() == found.predict(data).tolist()
        assert one.predict(data).dtype == found.predict(data).dtype
        if classes is not None:
            assert one.classes_.tolist() == list(classes)
            assert {type(label) for label in one.predict(data).tolist()} == {type(classes[0])}
            assert np.array_equal(one.predict_proba(data), found.predict_proba(data))


def test_models_of_all_kinds_load_without_the_libraries_that_only_fit(tmp_path):
    """27: ensembles do not load, or not with another scikit-learn."""
    new = {name: cells for name, cells in table(30, seed=1).items() if name != "y"}
    kinds = LEARNERS[:1] + LEARNERS[3:6]
    models = {name: mw.fit(table(), "y", models=[name], trials=1, **{**QUICK, "folds": 1}) for name in LEARNERS}
    models["ensemble"] = mw.fit(table(), "y", models=kinds, trials=5, **QUICK)
    assert len({one["learner"] for one in models["ensemble"].plan["members"]}) > 1
    for name, found in models.items():
        found.save(tmp_path / f"{name}.mw")
    want = {name: found.predict_proba(new).tolist() for name, found in models.items()}
    code = """
        import json, sys

        for name in ("sklearn", "pandas", "cloudpickle", "joblib"):
            sys.modules[name] = None
        import modelwright as mw
        rows, want = json.load(open("rows.json"))
        for name in want:
            assert mw.load(f"{name}.mw").predict_proba(rows).tolist() == want[name], name
        print("same")
    """
    rows = {name: [None if cell != cell else cell for cell in list(cells)] for name, cells in new.items()}
    (tmp_path / "rows.json").write_text(json.dumps([rows, want]))
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert done.stdout.strip() == "same", done.stderr


# --- what is kept of a search ----------------------------------------------------------------------


class Counted(LogisticRegression):
    """Is counted where it is fitted, and while it lives."""

    fits, most, alive = 0, 0, weakref.WeakSet()

    def fit(self, x, y):
        Counted.alive.add(self)
        Counted.fits, Counted.most = Counted.fits + 1, max(Counted.most, len(Counted.alive))
        return super().fit(x, y)


class Slight(Counted):
    """Learns next to nothing."""

    def __init__(self):
        super().__init__(C=1e-9)


def test_the_best_candidate_is_the_one_that_is_kept_and_the_others_hold_no_memory():
    """25: the best trial is not the one that is kept; memory runs out after some trials."""
    Counted.most, Counted.alive = 0, weakref.WeakSet()
    found = mw.fit(
        table(),
        "y",
        models=[Slight(), Counted(), "constant"],
        trials=5,
        metric="log_loss",
        folds=3,
        verbose=0,
        store=":memory:",
    )
    rows = [row for row in found.leaderboard()[1:] if row["units"] == 9]
    best = min(rows, key=lambda row: row["score"])
    assert best["model"].startswith("counted") and best["weight"] == max(row["weight"] or 0 for row in rows)
    assert found.evaluate(table(2000, seed=1))["log_loss"] < 0.5
    assert Counted.most <= 4


def test_what_was_fitted_is_not_fitted_again(tmp_path):
    """28: setting up takes long, and everything is fitted again."""
    asked = {"models": [Counted()], "folds": 2, "verbose": 0, "store": tmp_path / "s.db", "name": "s"}
    Counted.fits = 0
    mw.fit(table(), "y", trials=1, **asked)
    first = Counted.fits
    again = mw.fit(table(), "y", trials=1, **asked)
    assert (first, Counted.fits) == (7, 7)
    Counted.fits = 0
    more = again.fit(table(), trials=1, models=[Counted()], verbose=0)
    assert len(more.leaderboard()) == 3 and Counted.fits <= 6 + 2


# --- what comes along ------------------------------------------------------------------------------


def test_nothing_is_fetched_and_nobody_is_asked_who_they_are(monkeypatch):
    """29: weights that are fetched, with licences and tokens that nobody expected."""

    def refuse(*args, **more):
        raise AssertionError("somebody wanted a connection")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)
    monkeypatch.delenv("HOME", raising=False)
    data = {**table(), "text": [f"some words about {one} and {i}" for i, one in enumerate(table()["c"])]}
    found = mw.fit(data, "y", trials=3, kinds={"text": "text"}, block=["mlp"], **QUICK)
    assert found.predict(data).shape == (200,)


def test_whatever_comes_along_may_be_used_for_anything():
    """29: licences that forbid what a model is for."""
    free = re.compile(r"\b(MIT|BSD|Apache|PSF|0BSD|Zlib|CC0)", re.IGNORECASE)
    for name in packages("tables"):
        said = metadata.metadata(name)
        lines = [said.get("License-Expression") or "", *(said.get_all("Classifier") or []), said.get("License") or ""]
        found = [line for line in lines if "License" in line or free.search(line)]
        assert any(map(free.search, found)), name
        assert not re.search(r"\bA?GPL|non.?commercial", " ".join(lines[:-1]), re.IGNORECASE), name
