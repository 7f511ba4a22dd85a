"""Targets: the task that a column tells, its classes as they are, and what nothing can be learned from."""

import json

import numpy as np
import pytest

from modelwright.core.errors import ArgumentError
from modelwright.tasks.data.reading import read
from modelwright.tasks.scoring.target import Target
from modelwright.tasks.scoring.weights import with_classes

rng = np.random.default_rng(0)


def of(cells, **more):
    return Target.of(read({"y": cells}).columns["y"], name="y", **more)


@pytest.mark.parametrize(
    ("cells", "task", "classes"),
    [
        ([True, False, True, False], "binary", (False, True)),
        (["yes", "no", "yes", "no"], "binary", ("no", "yes")),
        ([0, 1, 1, 0], "binary", (0, 1)),
        ([1, 2, 2, 1], "binary", (1, 2)),
        ([-1.0, 1.0, 1.0, -1.0], "binary", (-1.0, 1.0)),
        ([1.0, None, 0.0, 1.0, 0.0], "binary", (0.0, 1.0)),
        (["1", "0", "1", "0"], "binary", (0, 1)),
        (["TRUE", "FALSE", "TRUE", "FALSE"], "binary", (False, True)),
        (["'1'", "'-1'", "'1'", "'-1'"], "binary", ("'-1'", "'1'")),
        (["a", "b", "c"] * 4, "multiclass", ("a", "b", "c")),
        (["007", "008", "009"] * 4, "multiclass", ("007", "008", "009")),
        (["3+", "1", "2"] * 4, "multiclass", ("1", "2", "3+")),
        ([3, 4, 5, 6] * 10, "multiclass", (3, 4, 5, 6)),
        (list(range(20)) * 20, "multiclass", tuple(range(20))),
        ([" >50K", " <=50K"] * 4, "binary", (" <=50K", " >50K")),
        (["🙂", "🦊"] * 4, "binary", ("🙂", "🦊")),
        (list(np.arange(40) * 10), "regression", ()),
        (list(rng.poisson(20, 300)), "regression", ()),
        ([0.5, 1.5, 2.5, 0.5], "regression", ()),
        (["1,5", "2,25", "3,5"], "regression", ()),
        ([1, 2, 3, 4, 5], "regression", ()),
        ([2**63, 2**64, 3], "regression", ()),
    ],
)
def test_the_task_is_told_by_the_cells(cells, task, classes):
    target = of(cells)
    assert (target.task, target.classes) == (task, classes), target.why
    assert [type(known) for known in target.classes] == [type(known) for known in classes]
    assert target.metric == {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}[task]


GAPS = {
    "list": lambda pandas, path: {"x": range(6), "y": [1, None, 0, 1, 0, None]},
    "text of a file": lambda pandas, path: _written(path / "t.csv", ["1", "", "0", "1", "0", "?"]),
    "pandas": lambda pandas, path: pandas.DataFrame({"y": pandas.array([1, None, 0, 1, 0, None], dtype="Int64")}),
    "objects": lambda pandas, path: pandas.DataFrame({"y": np.array([1, np.nan, 0, 1, 0, None], object)}),
}


def _written(path, cells):
    path.write_text("x,y\n" + "\n".join(f"{row},{cell}" for row, cell in enumerate(cells)))
    return path


@pytest.mark.parametrize("source", GAPS)
def test_whole_numbers_stay_whole_where_there_are_gaps(source, tmp_path):
    table = read(GAPS[source](pytest.importorskip("pandas"), tmp_path))
    target = Target.of(table.columns["y"], declared=table.declared.get("y"))
    assert target.classes == (0, 1) and set(map(type, target.classes)) == {int}
    assert target.decode(target.encode([1.0, 0.0])).tolist() == [1, 0]


def test_floats_stay_floats_where_there_are_gaps(tmp_path):
    written = _written(tmp_path / "t.csv", ["1.0", "", "0.0", "1.0", "0.0"])
    for table in (read(written), read({"y": [1.0, None, 0.0] * 2})):
        target = Target.of(table.columns["y"], declared=table.declared.get("y"))
        assert target.classes == (0.0, 1.0) and set(map(type, target.classes)) == {float}


@pytest.mark.parametrize(
    ("cells", "word", "meant"),
    [
        (["FALSE", "TRUE"], "FALSE", False),
        (["FALSE", "TRUE"], "true", True),
        ([0.0, 1.0], "1", 1.0),
        ([0, 1], " 1 ", 1),
        ([0, 1], "1.0", 1),
        ([True, False], "TRUE", True),
        ([" >50K", " <=50K"], ">50K", " >50K"),
        ([2**53 + 1, 2**53 + 2], str(2**53 + 2), 2**53 + 2),
    ],
)
def test_a_word_names_a_class_as_the_data_write_it(cells, word, meant):
    target = of(cells * 4, positive=word)
    assert target.positive == meant and type(target.positive) is type(meant)
    y = target.encode(cells * 4)
    weight = with_classes(None, {word: 3.0}, target, y)
    assert weight is not None and (weight == np.where(y == target.classes.index(meant), 1.5, 0.5)).all()


@pytest.mark.parametrize(
    ("cells", "word"),
    [([0, 1], "2"), ([0, 1], "yes"), (["a", "b"], "A"), ([False, True], "maybe"), ([2**53, 7], str(2**53 + 1))],
)
def test_a_word_that_names_no_class_is_refused(cells, word):
    with pytest.raises(ArgumentError, match="no class"):
        of(cells * 4, positive=word)
    target = of(cells * 4)
    with pytest.raises(ArgumentError, match="class_weight names"):
        with_classes(None, {word: 3.0}, target, target.encode(cells * 4))


def test_text_of_a_typed_source_stays_text():
    target = of(["1", "0", "1", "0"], typed=True)
    assert target.classes == ("0", "1") and target.decode([1]).tolist() == ["1"]


@pytest.mark.parametrize(
    ("cells", "arguments", "task", "metric"),
    [
        ([1, 2, 3] * 10, {"task": "regression"}, "regression", "rmse"),
        ([1, 2, 3] * 10, {"metric": "rmse"}, "regression", "rmse"),
        ([1, 2, 3] * 10, {"metric": "f1"}, "multiclass", "f1"),
        (list(range(50)) * 3, {"metric": "log_loss"}, "multiclass", "log_loss"),
        ([1, 2] * 10, {"metric": "rmsle"}, "regression", "rmsle"),
        ([1, 2] * 10, {"metric": "neg_mean_absolute_error"}, "regression", "neg_mean_absolute_error"),
        ([0, 1] * 10, {"metric": "neg_brier_score"}, "binary", "neg_brier_score"),
        ([0, 1] * 10, {"task": "multiclass"}, "multiclass", "log_loss"),
        (["$5", "$7.50"], {"task": "regression"}, "regression", "rmse"),
    ],
)
def test_the_task_and_the_metric_may_be_said(cells, arguments, task, metric):
    pytest.importorskip("sklearn")
    target = of(cells, **arguments)
    assert (target.task, target.metric) == (task, metric)


def test_rows_without_a_target_are_left_out_and_counted():
    cells = ["a", None, "b", "?", "a", "NA", "b"]
    target = of(cells)
    assert target.classes == ("a", "b") and target.counts == (2, 2)
    assert target.present(cells).tolist() == [True, False, True, False, True, False, True]
    assert target.notes[0].data == {"count": 3, "rows": [1, 3, 5], "tokens": {"?": 1, "NA": 1}}
    numbers = of([1.5, None, 2.5])
    assert numbers.present([1.5, None, 2.5]).tolist() == [True, False, True]


def test_a_class_with_a_single_row_is_named_and_left_out():
    cells = ["a", "b", "rare", "a", "b"]
    target = of(cells)
    assert target.classes == ("a", "b") and target.notes[0].data == {"count": 1, "classes": ["rare"]}
    assert "'rare'" in target.notes[0].message
    assert target.present(cells).tolist() == [True, True, False, True, True]


def test_codes_and_classes_are_each_others_inverse():
    for cells in ([True, False, True, False], ["b", "a", "b", "a"], [3, 5, 3, 5], [1.5, 2.5, 1.5, 2.5]):
        target = of(cells)
        back = target.decode(target.encode(cells))
        assert back.tolist() == cells and back.dtype == (object if isinstance(cells[0], str) else np.array(cells).dtype)


LARGE = [2**53 + 1, 2**53 + 2, 2**53 + 3]


@pytest.mark.parametrize(
    "cells",
    [
        np.array(LARGE * 4),
        LARGE * 4,
        [*LARGE * 4, None],
        list(map(str, LARGE * 4)),
        [-(2**62) - 1, -(2**62)] * 4,
        [7, 2**64 + 1] * 4,
    ],
    ids=["int64", "list", "gaps", "text", "negative", "over int64"],
)
def test_whole_numbers_that_no_float_holds_are_classes_as_they_are(cells):
    target = of(cells)
    there = target.present(cells)
    kept = [int(cell) for cell, known in zip(cells, there) if known]
    assert list(target.classes) == sorted(set(kept)) and there.sum() == 8 + 4 * (len(target.classes) == 3)
    assert target.decode(target.encode(np.array(kept, object))).tolist() == kept
    assert Target.from_json(json.loads(json.dumps(target.to_json()))) == target
    assert not target.present([2**53, 2**53 + 4]).any(), "others that are near are other classes"


@pytest.mark.parametrize("other", [[0, 1], ["0", "1"], [0.0, 1.0], [False, True], ["0.0", " 1 "]])
def test_the_same_classes_from_another_source(other):
    assert of([0, 1, 1, 0]).encode(other).tolist() == [0, 1]
    if other != ["0.0", " 1 "]:
        assert of([False, True, True, False]).encode(other).tolist() == [0, 1]


def test_labels_that_are_not_known_are_refused_with_their_row():
    target = of(["a", "b", "a", "b"])
    with pytest.raises(ArgumentError, match=r"'c' is not known in row 1 and 1 row more.*'a', 'b'"):
        target.encode(["a", "c", "d"])
    with pytest.raises(ArgumentError, match="there is none in row 0"):
        target.encode([None, "a"])
    with pytest.raises(ArgumentError, match="'x' is not known in row 1"):
        of([1.5, 2.5, 3.5]).encode(["1.5", "x"])


@pytest.mark.parametrize("metric", [None, "roc_auc", "f1", "average_precision"])
@pytest.mark.parametrize("counts", [(30, 10), (10, 30), (20, 20)])
def test_the_positive_class(metric, counts):
    target = of(["a"] * counts[0] + ["b"] * counts[1], metric=metric)
    rarer = metric in ("f1", "average_precision") and counts[0] < counts[1]
    assert target.positive == ("a" if rarer else "b")
    assert target.looked_for == ("a" if counts[0] < counts[1] else "b")
    assert of(["a"] * 5 + ["b"] * 9, metric=metric, positive="b").looked_for == "b"
    assert of(["a"] * 5 + ["b"] * 9, metric=metric, positive="b").positive == "b"
    assert of([0] * 5 + [1] * 9, metric=metric, positive="0").positive == 0


@pytest.mark.parametrize(
    ("cells", "arguments", "said"),
    [
        ([None, None], {}, "every cell is missing"),
        ([], {}, "no rows"),
        (["a", "a"], {}, "every row has the class 'a'"),
        ([5, 5, None], {}, "every value is 5"),
        ([5.5, 5.5], {}, r"every value is 5\.5"),
        ([f"row {i}" for i in range(9)], {}, "9 of 9 rows have a class of their own"),
        (["a", "b"], {}, "class of their own"),
        (["a", "a", "b"], {}, "the class 'b' has a single row"),
        ([1.5, float("inf"), 2.5], {}, "1 value is infinite, the first in row 1"),
        (["2020-01-01", "2021-01-01"] * 3, {"task": "regression"}, "'2020-01-01' in row 0 is no number"),
        ([np.datetime64("2020-01-01"), np.datetime64("2021-01-01")], {}, "dates"),
        (["a", "b"] * 3, {"task": "regression"}, "'a' in row 0 is no number"),
        (
            ["a", "b"] * 3,
            {"metric": "rmse"},
            "'rmse' is for .*'y' is binary: 'a' in row 0 is no number.* roc_auc, average",
        ),
        (["a", "b", "c"] * 3, {"metric": "neg_max_error"}, "'neg_max_error' is for .*'y' is multiclass.* roc_auc, "),
        (["a", "b", "c", "d"], {"metric": "rmse"}, "'a' in row 0 is no number, and rmse is for numbers"),
        (["1", "1", "2", "2", "3", "x", "x"], {"metric": "mae"}, "'x' in row 5 is no number, and mae is for numbers"),
        (
            [1.5, 2.5, 3.5],
            {"metric": "roc_auc"},
            "'roc_auc' is for .*'y' is regression: 3 of 3 rows.* rmse, rmsle, mae",
        ),
        (
            [*range(6000)] * 2,
            {"metric": "f1"},
            "'f1' is for .*'y' is regression: there are 6,000 different values.* rmse",
        ),
        (["1", "2", "x"] * 3, {"task": "regression"}, "'x' in row 2 is no number"),
        (["a", "b", "c"] * 3, {"task": "binary"}, "3 classes"),
        ([1, 2] * 3, {"task": "regression", "positive": 1}, "positive"),
        ([1, 2] * 3, {"positive": 3}, "positive=3 is no class.*1, 2"),
        ([1, 2, 3] * 3, {"positive": 3}, "positive=3 for 3 classes"),
        ([1, 2] * 3, {"task": "classify"}, "binary, multiclass, regression"),
        ([1, 2] * 3, {"task": "binary", "metric": "rmse"}, "regression"),
        ([1, 2] * 3, {"metric": "roc"}, "Did you mean 'roc_auc'"),
        ([-1.5, 2.5, 3.5], {"metric": "rmsle"}, "-1.5 in row 0 is below 0"),
        ([i // 2 for i in range(6000)], {"task": "multiclass"}, "3,000 classes"),
    ],
)
def test_what_nothing_can_be_learned_from(cells, arguments, said):
    with pytest.raises(ArgumentError, match=f"target 'y'.*({said})|metric.*({said})"):
        of(cells, **arguments)


def test_an_advice_that_the_metric_rules_out_is_not_given():
    for arguments in ({"metric": "f1"}, {}):
        with pytest.raises(ArgumentError, match="class of their own") as refused:
            of([f"row {i}" for i in range(9)], **arguments)
        assert ("task='regression'" in str(refused.value)) == (not arguments)


@pytest.mark.parametrize("cells", [[1, 2] * 5, [True, False] * 5, ["1", "2"] * 5])
def test_two_values_that_a_metric_takes_for_numbers_are_noted(cells):
    found = of(cells, metric="rmse")
    assert found.task == "regression"
    assert [note.kind for note in found.notes] == ["two values"] and "rmse is for numbers" in found.notes[0].message
    for said in ({"metric": "rmse", "task": "regression"}, {"metric": "roc_auc"}, {}):
        assert not of(cells, **said).notes
    assert not of([1, 2, 3] * 5, metric="rmse").notes


@pytest.mark.parametrize("cells", [["a", "b", None, "a", "b"], [True, False] * 2, [1.5, 2.5], [3, 4] * 3])
def test_a_target_is_plain_json(cells):
    target = of(cells)
    again = Target.from_json(json.loads(json.dumps(target.to_json())))
    assert again == target
    assert [type(known) for known in again.classes] == [type(known) for known in target.classes]


def table_of(cells):
    """A target with what its source says of it."""
    table = read({"y": cells})
    return Target.of(table.columns["y"], name="y", typed=True, declared=table.declared.get("y"))


@pytest.mark.parametrize(
    ("cells", "classes"),
    [
        ([True, None, False, True, False], (False, True)),
        ([np.True_, None, np.False_, True, False], (False, True)),
        ([1, "1", 0, "0", 1], (0, 1)),
        ([1, "unknown", 1, "unknown"], (1, "unknown")),
        ([True, "maybe", True, "maybe"], (True, "maybe")),
        ([1.5, "x", 2, "x", 1.5, 2], (1.5, 2, "x")),
        ([2**70, 5, 2**70, 5], (5, 2**70)),
    ],
)
def test_labels_come_back_with_their_types(cells, classes):
    target = table_of(cells)
    assert target.classes == classes and list(map(type, target.classes)) == list(map(type, classes))
    there = target.present(cells)
    assert there.tolist() == [cell is not None for cell in cells]
    kept = [cell for cell in cells if cell is not None]
    back = target.decode(target.encode(kept)).tolist()
    assert [str(one) for one in back] == [str(one) for one in kept]
    assert Target.from_json(json.loads(json.dumps(target.to_json()))) == target


def test_labels_of_a_nullable_frame_come_back_with_their_types():
    pandas = pytest.importorskip("pandas")
    for cells, kind in [
        (pandas.array([True, None, False, True, False], dtype="boolean"), bool),
        (pandas.Categorical([3, 5, 3, 5, None]), int),
        (pandas.Categorical([True, False, True, False, None]), bool),
        (pandas.array([1, None, 0, 1, 0], dtype="Int64"), int),
    ]:
        target = table_of(pandas.Series(cells))
        assert target.task == "binary" and {type(known) for known in target.classes} == {kind}
        assert target.decode([0, 1]).dtype == np.array([kind(1)]).dtype
    many = table_of(pandas.Series(pandas.Categorical(list(range(30)) * 2)))
    assert many.task == "multiclass" and many.classes == tuple(range(30))


def test_a_label_is_one_thing():
    with pytest.raises(ArgumentError, match="target 'y': it has cells of tuple"):
        table_of([(1,), (2,), (1,), (2,)])
    with pytest.raises(ArgumentError, match="cells of list"):
        Target.of([[1], [2], [1], [2]])


MONEY = [f"${1000 + 7.24 * i:,.2f}" for i in range(60)]


@pytest.mark.parametrize("typed", [False, True])
@pytest.mark.parametrize(
    "cells",
    [
        MONEY,
        [f"{1000 + 7 * i:,}" for i in range(60)],
        [f"{i // 4},{i % 4}5" for i in range(60)],
        [f"{i % 15},5" for i in range(300)],
        [f"{i}.5 kg" for i in range(60)],
        [f"{i}%" for i in range(60)],
        [*MONEY, "?", "unknown", None],
    ],
)
def test_numbers_as_people_write_them_are_values(cells, typed):
    target = of(cells, typed=typed)
    assert target.task == "regression", target.why
    known = [cell for cell in cells if cell not in ("?", "unknown", None)]
    assert target.present(cells).sum() == len(known)
    features = read({"x": cells})
    from modelwright.tasks.data.schema import Schema

    as_feature = Schema.of(features).frame(features).numbers["x"]
    assert target.encode(known).tolist() == as_feature[~np.isnan(as_feature)].tolist()


@pytest.mark.parametrize("typed", [False, True])
@pytest.mark.parametrize(
    ("cells", "arguments"),
    [
        (["5%", "10%", "20%"] * 20, {}),
        (["$5", "$10"] * 20, {}),
        (["<5", "5 - 10", "10+"] * 20, {}),
        (["007", "008"] * 20, {}),
        ([f"{i} kg" for i in range(30)] * 4, {"metric": "log_loss"}),
        (MONEY * 2, {"task": "multiclass"}),
    ],
)
def test_a_few_texts_that_repeat_are_classes(cells, arguments, typed):
    target = of(cells, typed=typed, **arguments)
    assert target.task != "regression" and set(target.classes) == set(cells)


def test_digits_that_somebody_made_text_stay_classes():
    cells = [str(i) for i in range(30)] * 4
    assert of(cells, typed=True).classes == tuple(sorted(set(cells)))


def test_a_class_that_reads_as_missing_is_named():
    cells = ["SA"] * 5 + ["NA"] * 7
    with pytest.raises(ArgumentError, match=r"every row has the class 'SA'.*'NA' in 7 rows.*another name"):
        of(cells)
    target = of([*cells, "EU", "EU", None])
    assert "8 rows have no 'y' ('NA' in 7 rows, which stands for a missing cell)" in target.notes[0].message


def test_a_word_among_numbers_is_named_with_its_row():
    cells = [f"{i * 1.04:.2f}" for i in range(600)]
    cells[7] = "oops"
    for typed in (False, True):
        with pytest.raises(ArgumentError, match="1 cell of 600 is no number, the first 'oops' in row 7"):
            of(cells, typed=typed)


def test_numbers_that_no_learner_holds_are_refused():
    huge = list(rng.normal(size=60) * 1e200)
    for cells in (huge, list(map(str, huge)), [1.0] * 30 + huge):
        with pytest.raises(ArgumentError, match=r"values are (3e\+38 or more in size|infinite)"):
            of(cells)


def test_a_second_column_of_the_targets_name_is_refused():
    from modelwright.tasks.data.schema import Schema

    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1.0, 2.0, 3.0], "y": [0, 1, 0]})
    table = read(pandas.concat([frame, frame[["y"]]], axis=1))
    with pytest.raises(ArgumentError, match="table, target: there are several columns 'y'"):
        Schema.of(table, target="y")
    assert len(Schema.of(read(pandas.concat([frame, frame[["a"]]], axis=1)), target="y").columns) == 2


@pytest.mark.parametrize("dtype", ["timedelta64[s]", object])
def test_durations_are_numbers_that_are_said_to_be_seconds(dtype):
    days = (rng.integers(1, 6, 60) * np.timedelta64(86_400, "s")).astype(dtype)
    days[3] = np.timedelta64("NaT", "s")
    table = read({"y": days})
    target = Target.of(table.columns["y"], name="y", declared=table.declared["y"])
    assert (target.task, target.why) == ("regression", "the cells are durations, counted in seconds")
    assert Target.from_json(json.loads(json.dumps(target.to_json()))) == target
    assert target.encode(days[:3]).tolist() == [day / np.timedelta64(1, "s") for day in days[:3]]
    said = Target.of(table.columns["y"], name="y", task="regression", declared=table.declared["y"])
    assert said.why == "it was said, counted in seconds"
