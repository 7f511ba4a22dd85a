"""Files of models that are damaged, or made to do harm: a process that opens one goes on, and says what is wrong."""

import copy
import io
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hostile import HOSTILE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stored_files import Opened, Reading, predictor, table

from modelwright.core.errors import ArgumentError
from modelwright.tasks import learners
from modelwright.tasks.features.registered import REGISTER
from modelwright.tasks.result import archive
from modelwright.tasks.result.loading import load
from modelwright.tasks.stored import models, steps

pytest.importorskip("lightgbm")
xgboost = pytest.importorskip("xgboost")
pytest.importorskip("resource")

#: CatBoost's models are not read without the user's word.
NAMES = [name for name in learners.names() if name != "catboost"]
TASKS = ("binary", "multiclass", "regression")


def names_for(task):
    return [name for name in NAMES if task in learners.learner(name).tasks]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def saved(folder):
    """Task -> the predictor, and its file."""
    found = {}
    for task in TASKS:
        model = predictor(task, names_for(task))
        found[task] = model, model.save(folder / f"{task}.mw")
    return found


@pytest.fixture(scope="module")
def reading():
    made = Reading()
    yield made
    made.close()


@pytest.mark.parametrize("task", TASKS)
def test_what_was_saved_is_read_and_predicts_the_same(saved, folder, task):
    model, path = saved[task]
    rows, _ = table(60, seed=9)
    again = load(path)
    twice = load(again.save(folder / "twice.mw"))
    for one in (again, twice):
        found, wanted = (m.predict(rows) if task == "regression" else m.predict_proba(rows) for m in (one, model))
        assert np.array_equal(found, wanted)
        assert [entry["share"] for entry in one.features()] == [entry["share"] for entry in model.features()]


def test_a_file_of_the_first_format_is_read_by_every_later_version():
    golden = Path(__file__).parents[1] / "golden"
    wanted = json.loads((golden / "format_1.json").read_text())
    rows = {name: np.array(cells, object) for name, cells in wanted["rows"].items()}
    found = load(golden / "format_1.mw").predict_proba(rows)
    assert np.allclose(found, wanted["probabilities"], atol=1e-5)


def test_a_model_that_no_fit_has_made_is_told_of(tmp_path):
    model = load(Path(__file__).parents[1] / "golden" / "format_1.mw")
    assert "Model for" in model.summary() and repr(model).startswith("Predictor(")
    assert "Members" in model.report(tmp_path / "m.html").read_text()
    with pytest.raises(ArgumentError, match="it is no plan"):
        model.refit(table(60)[0])


def test_more_parts_than_a_model_has_are_not_listed(folder, monkeypatch):
    path = folder / "parts.mw"
    with zipfile.ZipFile(path, "w") as packed:
        for number in range(60):
            packed.writestr(f"0/model/{number}.npy", b"")
    monkeypatch.setattr(archive, "MOST_PARTS", 50)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(ArgumentError, match="more than 50 parts"):
        load(path)


def test_every_kind_of_model_and_of_step_is_looked_at():
    assert set(models.KINDS) == set(learners._KINDS)
    assert set(steps._CHECKS) == set(REGISTER.applied)


def test_models_with_many_levels_and_infinite_cuts_are_read():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2000, 3)).astype(np.float32)
    values[:, 2] = rng.integers(0, 60, 2000)
    values[rng.random((2000, 3)) < 0.1] = np.nan
    y = np.isnan(values[:, 0]) + 0.5 * (np.nan_to_num(values[:, 2]) % 7 > 3)
    import lightgbm

    from modelwright.tasks.stored import lightgbm_text, xgboost_model

    data = lightgbm.Dataset(values, y, categorical_feature=[2])
    booster = lightgbm.train({"objective": "regression", "verbosity": -1, "num_threads": 1}, data, 20)
    said = booster.model_to_string()
    assert "inf" in "".join(re.findall("threshold=.*", said))
    assert max(int(n) for n in re.findall(r"num_cat=(\d+)", said)) > 0
    again = lightgbm.Booster(model_str=lightgbm_text.rewritten(said, features=3, classes=0))
    assert np.array_equal(again.predict(values), booster.predict(values))
    data = xgboost.DMatrix(values, y, feature_types=["q", "q", "c"], enable_categorical=True)
    raw = xgboost.train({"nthread": 1, "max_depth": 5}, data, 20).save_raw("ubj")
    xgboost_model.check(bytes(raw), features=3, classes=0)


# --- a corpus ------------------------------------------------------------------------------------


def refused(said, path):
    return said.startswith(f"refused: {path}")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_was_changed_is_refused_by_its_name(saved, folder, reading, name):
    sound = Opened.of(saved["binary"][1])
    file = copy.deepcopy(sound)
    HOSTILE[name](file)
    assert file != sound
    path = folder / "hostile.mw"
    file.write(path)
    said, _ = reading(path)
    assert refused(said, path), said


def _header(shape):
    held = io.BytesIO()
    np.lib.format.write_array_header_1_0(held, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return held.getvalue()


def _bomb(path, sound, name, first):
    """A part that is next to nothing in the file, and 300 MB out of it."""
    sound.write(path)
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as packed,
        packed.open(name, "w", force_zip64=True) as part,
    ):
        part.write(first)
        for _ in range(18):
            part.write(bytes(1 << 24))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["0/model/more.npy", "model.json"])
def test_what_would_fill_the_memory_is_not_read(saved, folder, reading, name):
    path, sound = folder / "bomb.mw", Opened.of(saved["binary"][1])
    reading(saved["binary"][1])
    _, before = reading(saved["binary"][1])
    _bomb(path, sound, name, _header((37_748_736,)))
    assert path.stat().st_size < 2_000_000
    said, after = reading(path)
    assert refused(said, path) and "bytes" in said, said
    assert after < before + 100


def test_sets_of_categories_that_would_fill_the_memory_are_not_made():
    from modelwright.tasks.stored import xgboost_model
    from modelwright.tasks.stored.held import Damaged

    def tree(sets, code):
        made = {
            "categories_nodes": np.arange(sets),
            "categories_segments": np.arange(sets),
            "categories_sizes": np.ones(sets),
        }
        made["categories"] = np.full(sets, code)
        kinds = {**xgboost_model._OF_SETS, "categories": "i4"}
        return {name: cells.astype(np.dtype(kinds[name]).newbyteorder(">")) for name, cells in made.items()}

    few, many = 20, 200
    xgboost_model._check_sets([tree(few, 2**24 - 1)], np.ones(few, "u1"), np.array([few]))
    with pytest.raises(Damaged, match="too much room"):
        xgboost_model._check_sets([tree(many, 2**24 - 1)], np.ones(many, "u1"), np.array([many]))


@pytest.mark.parametrize("shape", [(5_000_000_000,), (2**62, 2**62), (0, 2**62), (1, 1, 1, 1, 1, 1)])
def test_an_array_is_as_long_as_its_header_says(saved, folder, reading, shape):
    file, path = Opened.of(saved["binary"][1]), folder / "header.mw"
    file.parts[f"{file.place('linear')}/model/bias.npy"] = _header(shape) + bytes(80)
    file.write(path)
    said, _ = reading(path)
    assert refused(said, path), said


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", "[" * 200_000, '{"format": 1e999}', "\ufeff{}", '{"a": NaN}'])
def test_other_json_is_refused(saved, folder, reading, text):
    path = folder / "json.mw"
    Opened.of(saved["binary"][1]).write(path, text)
    said, _ = reading(path)
    assert refused(said, path), said


def test_zeros_that_were_saved_are_no_bomb(folder):
    path = archive.write(folder / "zeros.mw", {"a": 1}, {"0/model/zeros": np.zeros((2000, 2000))})
    assert path.stat().st_size * archive.MOST_RATIO < 2000 * 2000 * 8
    assert archive.read(path)[1]["0/model/zeros"].shape == (2000, 2000)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04" + bytes(100)])
def test_what_is_no_file_of_a_model_is_refused(folder, content):
    path = folder / "odd.mw"
    path.write_bytes(content)
    with pytest.raises(ArgumentError, match=re.escape(str(path))):
        load(path)


def test_an_estimator_of_somebody_is_read_when_trusted(saved, folder):
    from sklearn.linear_model import LogisticRegression

    columns, _ = table()
    model, _ = saved["binary"]
    frame = model._schema.frame(columns)
    learner = learners.own(LogisticRegression())
    y = np.arange(frame.rows) % 2
    features, matrix = learner.features(frame, {}).fit(frame, y, "binary", seed=0)
    fitted = learner.fit(matrix, y, "binary", config={}, seed=0)
    from modelwright.tasks.ensemble.members import Member
    from modelwright.tasks.result.predictor import Predictor

    made = Predictor(model._body, [(Member("mine", {}, features, fitted), 1.0, "mine")])
    path = made.save(folder / "own.mw")
    with pytest.raises(ArgumentError, match="trust=True"):
        load(path)
    assert np.array_equal(load(path, trust=True).predict_proba(columns), made.predict_proba(columns))


# --- by chance -----------------------------------------------------------------------------------


@st.composite
def edits(draw):
    """Bytes that are turned, left out, or replaced: where, as a share of all bytes."""
    kind = draw(st.sampled_from(["flip", "delete", "replace", "copy"]))
    return (
        kind,
        draw(st.floats(0, 1, exclude_max=True)),
        draw(st.integers(0, 7)),
        draw(st.binary(min_size=1, max_size=8)),
    )


def edited(content, changes):
    made = bytearray(content)
    for kind, share, bit, put in changes:
        if not made:
            break
        at = int(share * len(made))
        if kind == "flip":
            made[at] ^= 1 << bit
        elif kind == "delete":
            del made[at : at + len(put)]
        elif kind == "replace":
            made[at : at + len(put)] = put
        else:
            made[at:at] = made[at : at + 8 * len(put)]
    return bytes(made)


def tried(saved, folder, reading, task, share, changes):
    """Change the whole file, or a part of it with the sums around it set right."""
    path, sound = folder / "chance.mw", saved[task][1]
    file = Opened.of(sound)
    parts = [None, "model.json", "model.json", *file.parts]
    parts += [name for name in file.parts if "bytes:" in name] * 8
    name = parts[int(share * len(parts))]
    if name is None:
        path.write_bytes(edited(sound.read_bytes(), changes))
    elif name == "model.json":
        file.write(path, edited(json.dumps(file.body).encode(), changes))
    else:
        head = 128 if len(file.parts[name]) > 128 and changes[0][2] else 0
        file.parts[name] = file.parts[name][:head] + edited(file.parts[name][head:], changes)
        file.write(path)
    said, size = reading(path)
    assert said == "predicts" or refused(said, path) or said.startswith("refused: table"), (name, said)
    assert size < 800


some = given(
    task=st.sampled_from(TASKS),
    share=st.floats(0, 1, exclude_max=True),
    changes=st.lists(edits(), min_size=1, max_size=4),
)
shared = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=shared)
@some
def test_bytes_changed_by_chance_end_no_process(saved, folder, reading, task, share, changes):
    tried(saved, folder, reading, task, share, changes)


@pytest.mark.slow
@settings(max_examples=1000, suppress_health_check=shared)
@some
def test_many_bytes_changed_by_chance_end_no_process(saved, folder, reading, task, share, changes):
    tried(saved, folder, reading, task, share, changes)
