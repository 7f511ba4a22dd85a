"""A column that is there twice at prediction: refused where the model uses it, unless the fit had the same ones."""

import json
import subprocess
import sys

import numpy as np
import pytest

import modelwright as mw
from modelwright.core.errors import ArgumentError
from modelwright.tasks.data.reading import read
from modelwright.tasks.data.schema import Schema

pandas = pytest.importorskip("pandas")

QUICK = {"models": ["linear"], "trials": 1, "folds": 2, "verbose": 0, "store": ":memory:"}
ROWS = pandas.DataFrame({"age": np.arange(80) % 37 - 18.0, "b": np.arange(80) % 7, "same": ["k"] * 80})
LABELS = (ROWS["age"] > 0).map({True: "u", False: "v"}).rename("y")
TWICE = pandas.concat([ROWS.assign(age=99)[["age"]], ROWS], axis=1)


@pytest.fixture(scope="module")
def model():
    return mw.fit(ROWS.assign(y=LABELS), "y", **QUICK)


@pytest.mark.parametrize(
    "rows",
    [
        TWICE,
        TWICE[:1],
        {"age": [1, 2], "age ": [3, 4], "b": [1, 2]},
        {"age": 1, "age ": 3, "b": 1},
        [{"age": 1, "age ": 3, "b": 1}],
    ],
)
def test_a_used_column_that_is_there_twice_is_refused(model, rows):
    with pytest.raises(ArgumentError, match="2 columns 'age'"):
        model.predict(rows)


def test_so_it_is_in_tables_that_judge(model):
    test = TWICE.assign(y=LABELS)
    for judge in (model.evaluate, model.leaderboard):
        with pytest.raises(ArgumentError, match="2 columns 'age'"):
            judge(test)
        with pytest.raises(ArgumentError, match="several columns 'y'"):
            judge(pandas.concat([ROWS, LABELS, LABELS], axis=1))


def test_and_in_files(model, tmp_path):
    model.save(tmp_path / "m.mw")
    TWICE.to_csv(tmp_path / "new.csv", index=False)
    command = [sys.executable, "-m", "modelwright", "predict", str(tmp_path / "m.mw"), str(tmp_path / "new.csv")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 3 and "2 columns 'age'" in done.stderr and not done.stdout


@pytest.mark.parametrize("rows", [80, 1])
def test_columns_that_are_not_used_may_be_there_twice(model, rows):
    more = pandas.concat([ROWS, ROWS[["same"]], LABELS, LABELS], axis=1)[:rows]
    assert (model.predict(more) == model.predict(ROWS[:rows])).all()


@pytest.mark.parametrize("without", [(), ("age",)])
def test_the_same_columns_as_in_the_fit_are_read_as_there(without, tmp_path):
    twice = pandas.concat([ROWS, -ROWS[["age"]]], axis=1)
    schema = Schema.of(read(pandas.concat([twice, LABELS], axis=1)), target="y", without=without)
    schema = Schema.from_json(json.loads(json.dumps(schema.to_json())))
    twice.to_csv(tmp_path / "new.csv", index=False)
    for rows in (twice, twice[:1], tmp_path / "new.csv", pandas.read_csv(tmp_path / "new.csv")):
        found = schema.frame(rows).numbers
        assert found["age.1"][0] == -ROWS["age"][0] and ("age" in found) == (not without)
    with pytest.raises(ArgumentError, match=r"3 columns 'age'.*2 columns of that name"):
        schema.frame(pandas.concat([twice, ROWS[["age"]]], axis=1))


def test_a_fit_to_names_as_pandas_reads_them_takes_the_file_itself(tmp_path):
    twice = pandas.concat([ROWS, -ROWS[["age"]]], axis=1)
    twice.to_csv(tmp_path / "new.csv", index=False)
    schema = Schema.of(read(pandas.read_csv(tmp_path / "new.csv")))
    assert schema.frame(tmp_path / "new.csv").numbers["age.1"][0] == -ROWS["age"][0]


def test_a_plan_is_not_carried_out_on_columns_that_nobody_can_tell_apart():
    kept = Schema.of(read(ROWS.assign(y=LABELS)), target="y").kept()
    with pytest.raises(ArgumentError, match="2 columns 'age'"):
        Schema.again(read(TWICE.assign(y=LABELS)), kept, target="y")


def test_it_is_refused_in_a_row_by_itself_too(model):
    with pytest.raises(ArgumentError, match="2 columns 'age'"):
        model.predict(TWICE.iloc[0])
    assert model.predict(ROWS.iloc[3]).tolist() == model.predict(ROWS[3:4]).tolist()
