"""Why single rows get their answers: parts that add up, that are Shapley's, and that give nothing of the table away."""

import itertools
import json
import math
import zipfile
from pathlib import Path

import numpy as np
import pandas
import pytest

import modelwright as mw
from modelwright.core.errors import ArgumentError
from modelwright.tasks import stored
from modelwright.tasks.result.explanation import OTHERS
from modelwright.tasks.stored import Damaged

pytest.importorskip("lightgbm")
GOLDEN = Path(__file__).parents[1] / "golden"
QUICK = {"verbose": 0, "store": ":memory:"}


def table(rows=240, seed=0):
    """Columns of each kind, and a number that four of them tell."""
    rng = np.random.default_rng(seed)
    found = {
        "size": rng.normal(size=rows).round(4),
        "plan": rng.choice(["basic", "pro", "team"], rows).astype(object),
        "paid": rng.random(rows) < 0.4,
        "since": np.datetime64("2020-01-01") + rng.integers(0, 900, rows).astype("timedelta64[D]"),
        "note": np.array([f"said {a} of house {n}" for n, a in enumerate(rng.integers(0, 50, rows))], object),
    }
    found["size"][::17] = np.nan
    size = np.nan_to_num(found["size"])
    found["y"] = (3 * size + 2.0 * (found["plan"] == "pro") * found["paid"] + 0.1 * rng.normal(size=rows)).round(4)
    return found


def classes(names, **more):
    found = table(**more)
    cuts = np.quantile(found["y"], np.arange(1, len(names)) / len(names))
    return {**found, "y": np.array(names, object)[np.digitize(found["y"], cuts)]}


def rows_of(columns, places):
    return {name: cells[places] for name, cells in columns.items() if name != "y"}


def parts(entry):
    return {one["column"]: one["adds"] for one in entry["because"]}


@pytest.fixture(scope="module")
def numbers():
    return mw.fit(table(), "y", models=["lightgbm", "linear"], trials=3, **QUICK)


@pytest.fixture(scope="module")
def binary():
    return mw.fit(classes(["no", "yes"]), "y", models=["lightgbm", "linear"], trials=3, positive="yes", **QUICK)


def test_parts_add_up_to_the_answer_that_is_given(numbers, binary):
    rows = rows_of(table(seed=1), slice(0, 6))
    for one, wanted in zip(numbers.explain(rows), numbers.predict(rows), strict=True):
        assert "of" not in one and one["answer"] == wanted
        assert one["base"] + sum(parts(one).values()) == pytest.approx(wanted)
    for one, wanted in zip(binary.explain(rows), binary.predict_proba(rows), strict=True):
        assert one["of"] == "yes" and one["answer"] == pytest.approx(wanted[1])
        assert one["base"] + sum(parts(one).values()) == pytest.approx(wanted[1])


def test_of_several_classes_the_one_that_is_named_is_explained_or_the_one_that_is_asked_for():
    names = ["high", "low", "mid"]
    model = mw.fit(classes(names), "y", models=["lightgbm"], trials=1, **QUICK)
    rows = rows_of(table(seed=1), slice(0, 8))
    found = model.explain(rows)
    assert [one["of"] for one in found] == model.predict(rows).tolist()
    assert len({one["of"] for one in found}) > 1
    asked = model.explain(rows, of="mid")
    assert [one["answer"] for one in asked] == pytest.approx(model.predict_proba(rows)[:, names.index("mid")])
    assert {one["of"] for one in asked} == {"mid"}
    together = [sum(one["answer"] for one in model.explain(rows, of=name)[:1]) for name in names]
    assert sum(together) == pytest.approx(1)


def test_parts_are_those_of_all_orders_of_the_columns():
    """Against Shapley's sum over all sets of columns, written out, with another table's rows as ordinary ones."""
    columns = {name: cells for name, cells in table().items() if name in ("size", "plan", "paid", "y")}
    model = mw.fit(columns, "y", models=["extra_trees"], trials=1, **QUICK)
    row, ordinary = rows_of(columns, [5]), rows_of(columns, [8, 21, 33])
    names = [name for name in columns if name != "y"]

    def worth(own):
        mixed = {name: np.repeat(row[name], 3) if name in own else ordinary[name] for name in names}
        return float(model.predict(mixed).mean())

    wanted = dict.fromkeys(names, 0.0)
    for name in names:
        others = [one for one in names if one != name]
        for count in range(len(others) + 1):
            share = math.factorial(count) * math.factorial(len(others) - count) / math.factorial(len(names))
            for own in itertools.combinations(others, count):
                wanted[name] += share * (worth({*own, name}) - worth(own))
    found = model.explain(row, background=ordinary, draws=900)[0]
    assert found["base"] == pytest.approx(worth(()))
    for one in found["because"]:
        assert abs(one["adds"] - wanted[one["column"]]) <= 4 * one["error"] + 1e-6
        assert one["error"] < 0.05
    assert max(map(abs, wanted.values())) > 0.2


def test_of_what_adds_up_by_itself_each_column_has_its_own_part():
    rng = np.random.default_rng(0)
    columns = {"a": rng.normal(size=400), "b": rng.normal(size=400), "idle": rng.normal(size=400)}
    columns["y"] = 2 * columns["a"] - columns["b"]
    model = mw.fit(columns, "y", models=["linear"], trials=1, metric="rmse", **QUICK)
    found = parts(model.explain({"a": 1.0, "b": 1.0, "idle": 3.0})[0])
    assert found["a"] == pytest.approx(2 - 2 * columns["a"].mean(), abs=0.15)
    assert found["b"] == pytest.approx(-1 + columns["b"].mean(), abs=0.15)
    assert abs(found["idle"]) < 0.02


def test_what_has_no_part_in_the_answer_adds_nothing():
    """A cell as ordinary ones are, and a column that no member takes."""
    columns = {**table(), "id": [f"row-{n}" for n in range(240)], "same": ["a"] * 240}
    model = mw.fit(columns, "y", models=["lightgbm"], trials=1, **QUICK)
    ordinary = rows_of({name: np.asarray(cells, object) for name, cells in columns.items()}, [3])
    row = {**{name: cells[0] for name, cells in ordinary.items()}, "size": 2.5}
    found = parts(model.explain(row, background=ordinary)[0])
    assert found.keys().isdisjoint({"id", "same"})
    assert {name for name, add in found.items() if add} == {"size"}


def test_a_row_is_explained_alone_as_among_others_and_by_a_model_that_was_read(binary, tmp_path):
    rows = rows_of(table(seed=1), slice(0, 5))
    found, again = binary.explain(rows), mw.load(binary.save(tmp_path / "m.mw")).explain(rows)
    assert found == again
    alone = binary.explain({name: cells[3] for name, cells in rows.items()})[0]
    assert parts(alone) == pytest.approx(parts(found[3]), abs=1e-5)


def test_cells_are_told_as_people_write_them(numbers):
    columns = {"size": [1.5], "plan": ["basic"], "paid": [True], "since": ["2021-03-04"], "note": ["hello"]}
    told = {one["column"]: one["value"] for one in numbers.explain(columns)[0]["because"]}
    assert told == {"size": 1.5, "plan": "basic", "paid": True, "since": "2021-03-04", "note": "hello"}
    with pytest.warns(UserWarning, match="not fitted on: 'plan'"):
        gone = numbers.explain({"size": None, "plan": "gold", "paid": None, "since": None, "note": None})[0]
    told = {one["column"]: one["value"] for one in gone["because"]}
    assert told == {"size": None, "plan": "gold", "paid": None, "since": None, "note": None}
    with pytest.warns(UserWarning, match="not fitted on: 'plan'"):
        many = numbers.explain(
            {"size": ["?"], "plan": [" gold "], "paid": ["Yes"], "since": ["2021/3/4"], "note": [""]}
        )
    told = {one["column"]: one["value"] for one in many[0]["because"]}
    assert told == {"size": None, "plan": "gold", "paid": "Yes", "since": "2021/3/4", "note": None}
    told = {one["column"]: one["value"] for one in numbers.explain({**columns, "paid": [0]})[0]["because"]}
    assert told["paid"] == 0 and told["paid"] is not False


def test_moments_with_a_zone_are_told_as_those_of_utc():
    at = pandas.date_range("2024-03-01 22:30", periods=80, freq="9h", tz="America/New_York")
    model = mw.fit({"at": at, "y": [0.0, 1.0, 2.0, 4.0] * 20}, "y", models=["linear"], trials=1, **QUICK)
    told = model.explain(pandas.DataFrame({"at": at[:1]}))[0]["because"]
    assert [(one["column"], one["value"]) for one in told] == [("at", "2024-03-02T03:30:00Z")]


def test_they_print_as_tables(numbers):
    rows = rows_of(table(seed=1), slice(0, 3))
    one = str(numbers.explain({name: cells[0] for name, cells in rows.items()}))
    assert one.startswith("predicted is ") and "size" in one and "adds" in one
    several = str(numbers.explain(rows))
    assert several.splitlines()[0] == "3 rows: how far each column moves the answer"
    assert several.splitlines()[2].startswith("size ")
    assert str(numbers.explain({name: cells[:0] for name, cells in rows.items()})) == "no rows"


def test_a_constant_goes_by_no_column():
    with pytest.warns(UserWarning, match="the model is a constant"):
        model = mw.fit(table(), "y", seconds=0.001, **QUICK)
    found = model.explain(rows_of(table(), [0]))
    assert found[0]["because"] == [] and found[0]["answer"] == pytest.approx(found[0]["base"])
    assert str(found).endswith("no column has a part in it")


def test_no_row_and_no_text_of_the_table_is_in_the_file(tmp_path):
    columns = table()
    model = mw.fit(columns, "y", models=["linear"], trials=1, **QUICK)
    ordinary = model._baseline.frame(model._schema)
    assert set(ordinary.texts["note"].tolist()) == {""}
    known = {
        tuple(row) for row in zip(columns["size"], columns["since"].astype("datetime64[s]").astype(float), strict=True)
    }
    held = set(zip(ordinary.numbers["size"], ordinary.numbers["since"], strict=True))
    assert len(held) >= 60 and len(known & held) <= 1
    packed = zipfile.ZipFile(model.save(tmp_path / "m.mw"))
    assert not any(b"of house 7" in packed.read(name) for name in packed.namelist())


def test_of_very_many_columns_those_that_matter_least_are_told_together():
    rng = np.random.default_rng(0)
    columns = {f"c{n}": rng.normal(size=300) for n in range(130)}
    columns["y"] = columns["c7"] + 0.5 * columns["c120"]
    model = mw.fit(columns, "y", models=["lightgbm"], trials=1, **QUICK)
    found = model.explain({name: 1.0 for name in columns if name != "y"}, draws=4)[0]
    assert len(found["because"]) == 101 and OTHERS in parts(found)
    assert {one["column"] for one in found["because"][:2]} == {"c7", "c120"}
    assert found["base"] + sum(parts(found).values()) == pytest.approx(found["answer"])


def test_known_rows_have_their_part_too():
    rng = np.random.default_rng(0)
    rows = {"a": rng.integers(0, 6, 900), "b": rng.integers(0, 6, 900)}
    answers = rng.normal(size=(6, 6))
    rows["y"] = answers[rows["a"], rows["b"]] + 0.01 * rng.normal(size=900)
    model = mw.fit(rows, "y", models=["linear", "known_rows"], trials=1, **QUICK)
    assert model._known is not None
    one = model.explain({"a": 2, "b": 3})[0]
    assert one["answer"] == pytest.approx(model.predict({"a": 2, "b": 3})[0])
    assert one["base"] + sum(parts(one).values()) == pytest.approx(one["answer"])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"draws": 0}, "draws=0"),
        ({"draws": 2.5}, "draws=2.5"),
        ({"of": "maybe"}, "of='maybe'.*'no', 'yes'"),
        ({"of": 1}, "of=1"),
        ({"background": {"size": [1.0]}}, "background.*not there"),
        ({"background": {"size": [], "plan": [], "paid": [], "since": [], "note": []}}, "background.*no rows"),
    ],
)
def test_what_cannot_be_explained_is_refused(binary, more, message):
    with pytest.raises(ArgumentError, match=message):
        binary.explain(rows_of(table(), [0]), **more)


def test_numbers_have_no_class_to_be_explained(numbers):
    with pytest.raises(ArgumentError, match="has no classes"):
        numbers.explain(rows_of(table(), [0]), of="yes")


def test_a_model_of_an_earlier_version_takes_a_background():
    model, rows = mw.load(GOLDEN / "format_1.mw"), json.loads((GOLDEN / "format_1.json").read_text())["rows"]
    with pytest.raises(ArgumentError, match="background="):
        model.explain(rows)
    found = model.explain(rows, background=rows)
    assert found[0]["base"] + sum(parts(found[0]).values()) == pytest.approx(found[0]["answer"])


HARM = {
    "numbers": [
        lambda cells: cells[:, :-1],
        lambda cells: cells[:-1],
        lambda cells: cells.astype(np.float32),
        lambda cells: np.full_like(cells, np.inf),
    ],
    "codes": [
        lambda cells: cells + 1000,
        lambda cells: cells - 5,
        lambda cells: cells.astype(np.int64),
        lambda cells: np.tile(cells, (9, 1)),
        lambda cells: cells[0],
    ],
}


def test_a_baseline_that_was_changed_is_refused(binary):
    body, arrays = binary._content()
    for name, harms in HARM.items():
        for harm in harms:
            with pytest.raises(Damaged):
                stored.baseline(body, arrays | {f"baseline/{name}": harm(arrays[f"baseline/{name}"])})
    with pytest.raises(Damaged):
        stored.baseline(body, {name: array for name, array in arrays.items() if name != "baseline/numbers"})
