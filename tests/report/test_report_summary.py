"""Tables, leaderboard, frame, records, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import math
import subprocess
import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_studies import lab, trial, view_of

from modelwright.core import records as r
from modelwright.core.errors import MissingPackageError
from modelwright.core.objective import Objective
from modelwright.report import export, summary
from modelwright.report.text import duration, table, width
from modelwright.report.view import causes, counts, dominates, front, ranked

TWO = (Objective("acc", "max"), Objective("ms", "min"))


def test_the_first_of_the_ranking_is_the_best_of_the_history():
    view = lab(40)
    best = view.history.best()
    assert best is not None and ranked(view)[0].number == best.number
    assert all(row.state in ("complete", "pruned", "paused") for row in ranked(view))


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=20))
def test_the_front_is_what_nothing_dominates(points):
    view = view_of(*(trial(i, {}, (float(a), float(b))) for i, (a, b) in enumerate(points)), objectives=TWO)
    rows = view.history.rows
    expected = {row.number for row in rows if not any(dominates(other, row, TWO) for other in rows)}
    assert {row.number for row in front(view)} == expected


def test_the_leaderboard_has_ranks_values_and_settings():
    view = view_of(*(trial(i, {"units": 2**i}, (v,)) for i, v in enumerate([0.1, 0.9, 0.5])))
    rows = summary.leaderboard_rows(view)
    assert [(row["rank"], row["trial"], row["val_accuracy"]) for row in rows] == [(1, 1, 0.9), (2, 2, 0.5), (3, 0, 0.1)]
    text = summary.leaderboard(view, count=2)
    assert "units=2" in text and "units=1" not in text and "fidelity" not in text


@pytest.mark.parametrize("columns, cut", [(200, False), (80, True), (40, True)])
def test_a_leaderboard_is_cut_to_the_terminal_and_explanations_wrap(columns, cut, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    config = {f"parameter_{i}": 0.123456 for i in range(4)}
    rows = [(1.0, "complete", 0.5), (0.3, "paused", 0.6)]
    trials = [trial(i, config, (v,), state=s, fidelity=f, steps=round(10 * f)) for i, (f, s, v) in enumerate(rows)]
    table = summary.leaderboard(view_of(*trials)).split("\n")
    assert all(width(line) < max(columns, 85) for line in table), "a configuration keeps twenty characters"
    assert (width(table[1]) < 100) == cut and "parameter_0=" in table[2] and "…" in table[2]
    assert all(width(line) < columns for line in summary.explained(view_of(*trials)).split("\n"))


def test_results_list_the_settings_of_the_best_and_the_reasons_of_failures():
    text = summary.results(lab(30), count=2)
    assert "2. trial" in text and "3. trial" not in text
    assert "learning_rate = " in text and "ValueError: bad units (model.py:12)" in text
    assert "No trial has a value yet." in summary.results(view_of())
    assert "No trial" not in summary.results(lab(3), count=0)


def test_results_name_the_fresh_values_that_chose_the_winner():
    view = view_of(*(trial(i, {"x": i}, (0.5 + i / 10,)) for i in range(2)))
    view.history.extend([r.Noted(kind="confirm", data={"number": i, "value": v}) for i, v in ((0, 0.5), (1, 0.4))])
    text = summary.results(view)
    assert "trial 1: 0.4 over 1 fresh run, selected on 0.6" in text and "1. trial 0" in text


def test_counts_and_causes_agree_with_the_rows():
    view = lab(30)
    assert sum(counts(view).values()) == 30
    bad = {n for cause in causes(view) for n in cause.trials}
    assert bad == {row.number for row in view.history.rows if row.state in ("failed", "infeasible")}


def test_the_space_is_described_in_words():
    units = SimpleNamespace(name="units", kind="int", low=32, high=512, step=32, sampling="linear", default=32)
    rate = SimpleNamespace(name="lr", kind="float", low=1e-4, high=1e-1, step=None, sampling="log", default=0.01)
    act = SimpleNamespace(name="act", kind="choice", values=("relu", "tanh"), default="relu", conditions=())
    drop = SimpleNamespace(name="drop", kind="float", low=0.0, high=0.5, default=0.0, conditions=[("act", ("relu",))])
    text = summary.search_space_summary(SimpleNamespace(parameters=[units, rate, act, drop], size=None))
    assert "4 parameters" in text and "32 to 512 by 32" in text and "0.0001 to 0.1, log" in text
    assert "relu, tanh" in text and "act is relu" in text
    assert summary.search_space_summary(None) == "Search space: 0 parameters"


def nested(hp):
    kind = hp.Choice("model", ["mlp", "cnn"])
    hp.Float("rate", 0.1, 1.0)
    with hp.conditional_scope("model", ["mlp"]):
        if kind == "mlp":
            for i in range(hp.Int("layers", 1, 3)):
                with hp.conditional_scope("layers", list(range(i + 1, 4))), hp.name_scope(f"layer_{i}"):
                    hp.Int("units", 8, 64)
    if kind == "cnn":
        hp.Choice("kernel", [3, 5])
    return float(len(hp.values))


def test_a_nested_space_lists_children_below_their_parents_and_when_they_are_there():
    import modelwright as mw

    study = mw.tune(nested, objective="minimize", trials=30, strategy="random", store=":memory:", verbose=0)
    rows = {row["name"]: row["active when"] for row in summary.space_rows(study.space)}
    assert list(rows) == ["model", "layers", "layer_0/units", "layer_1/units", "layer_2/units", "rate", "kernel"]
    assert rows["layer_2/units"] == "model is mlp and layers is 3" and rows["rate"] == rows["model"] == ""
    assert rows["kernel"] == "model is cnn (as seen)"
    text = summary.results(study._view(), count=30)
    for trial_text in text.split("\n\n")[1:]:
        assert ("kernel = " in trial_text) != ("layers = " in trial_text), "only what was active is listed"


def test_a_frame_has_one_row_for_each_trial_with_types_kept():
    pd = pytest.importorskip("pandas")
    view = lab(30)
    frame = summary.frame(view)
    assert list(frame["number"]) == list(range(30))
    assert set(frame["state"]) == {"complete", "pruned", "failed", "infeasible"}
    assert frame["value"].max() == max(row.values[0] for row in view.history.rows if row.values)
    assert str(frame["best_step"].dtype) == "Int64" and frame["config.units"].dtype.kind == "i"
    off = frame[~frame["config.use_dropout"]]
    assert off["config.dropout"].isna().all()
    assert pd.isna(frame.loc[11, "value"]) and frame.loc[11, "error"] == "ValueError: bad units (model.py:12)"


def test_the_types_of_a_frame_do_not_depend_on_how_trials_ended():
    pd = pytest.importorskip("pandas")
    config = {"units": 64, "rate": 0.1, "flag": True, "kind": "a"}
    error = r.Failure(kind="exception", type="ValueError", message="no")
    good = trial(0, config, (1,), metrics={"loss": 1}, step=2, steps=3)
    bad = trial(1, {}, None, state="failed", error=error)
    whole, gaps, empty = (summary.frame(view_of(*trials)) for trials in ([good], [good, bad], []))
    fixed = {"number": "int64", "steps": "int64", "best_step": "Int64", "parent": "Int64", "value": "float64",
             "fidelity": "float64", "duration": "float64"}  # fmt: skip
    for frame in (whole, gaps, empty):
        assert {name: str(frame[name].dtype) for name in fixed} == fixed
    kinds = ["config.units", "config.rate", "config.flag", "metrics.loss"]
    assert [str(whole[name].dtype) for name in kinds] == ["int64", "float64", "bool", "float64"]
    assert [str(gaps[name].dtype) for name in kinds] == ["Int64", "float64", "boolean", "float64"]
    assert gaps.loc[0, "config.units"] == 64 and gaps.loc[0, "config.kind"] == "a" and gaps.loc[0, "best_step"] == 2
    assert all(pd.isna(gaps.loc[1, name]) for name in [*kinds, "config.kind", "value", "best_step", "parent"])


def test_parquet_holds_what_the_frame_holds():
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    view = view_of(trial(0, {"k": (3, 3), "n": 1, "m": "a"}, (0.5,)), trial(1, {"m": 2}, None, state="failed"))
    back = pd.read_parquet(io.BytesIO(export.to_parquet(view)))
    assert back["config.k"][0] == "[3, 3]" and back["config.m"].tolist() == ['"a"', "2"]
    assert str(back["config.n"].dtype) == "Int64" and back["config.n"][0] == 1 and math.isnan(back["value"][1])
    assert list(back["state"]) == ["complete", "failed"]


def test_without_pyarrow_parquet_says_what_to_install(monkeypatch):
    pytest.importorskip("pandas")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingPackageError, match="pip install pyarrow"):
        export.to_parquet(lab(2))


def test_a_frame_of_tuples_and_several_objectives():
    pytest.importorskip("pandas")
    view = view_of(trial(0, {"k": (3, 3)}, (0.5, 2.0)), trial(1, {}, None, state="failed"), objectives=TWO)
    frame = summary.frame(view)
    assert frame.loc[0, "config.k"] == (3, 3) and frame.loc[0, "value.ms"] == 2.0
    assert list(summary.frame(view_of())["number"]) == []


def test_without_pandas_the_frame_says_what_to_install():
    code = (
        "import sys; sys.modules['pandas'] = None\n"
        "from modelwright.core.history import History\n"
        "from modelwright.core.objective import Objective\n"
        "from modelwright.report.view import StudyView\n"
        "from modelwright.report.summary import frame\n"
        "frame(StudyView(name='s', history=History((Objective('loss', 'min'),))))"
    )
    env = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False)
    assert MissingPackageError.__name__ in ran.stderr and "modelwright[frame]" in ran.stderr


@given(st.text(max_size=20), st.sampled_from("=+-@\t\r\n"), st.floats(allow_nan=False))
def test_no_text_of_a_csv_is_a_formula_and_numbers_stay(text, first, value):
    view = view_of(trial(0, {first + text: first + text, "x": value, "y": -5}, (value,)))
    heads, line = csv.reader(io.StringIO(export.to_csv(view), newline=""))
    got = dict(zip(heads, line))
    for cell in [*heads, *line]:
        try:
            float(cell)
        except ValueError:
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert float(got["config.x"]) == value and got["config.y"] == "-5"


def test_text_that_looks_like_a_number_is_made_harmless_as_well():
    view = view_of(trial(0, {"x": "-5", "y": (1, "=2")}))
    _, line = csv.reader(io.StringIO(export.to_csv(view)))
    assert "'-5" in line and '[1, "=2"]' in line


def test_json_is_valid_and_versioned_even_with_nan_and_strange_facts():
    view = view_of(trial(0, {"k": (1, None)}, (math.inf,), metrics={"m": math.nan}, note={"odd": object()}))
    body = json.loads(export.to_json(view))
    assert body["schema_version"] == 1 and body["study"]["objectives"][0]["direction"] == "max"
    first = body["trials"][0]
    assert first["value"] == "inf" and first["metrics"]["m"] == "nan" and first["config"]["k"] == [1, None]


def test_records_keep_python_values():
    first = summary.records(lab(12))[11]
    assert first["error"]["where"] == "model.py:12" and first["value"] is None
    assert isinstance(first["config"]["units"], int)


@given(st.lists(st.lists(st.text(max_size=8), min_size=2, max_size=2), max_size=5))
def test_columns_line_up_whatever_the_cells_hold(rows):
    lines = table(["a", "b"], rows).split("\n")
    assert len(lines) == len(rows) + 2
    second = width(lines[1].split("  ")[0])
    for line in lines[2:]:
        assert width(line) <= width(lines[1]) and second >= 1


@given(st.floats(0, 1e7))
def test_durations_never_show_sixty_of_anything(seconds):
    assert "60 s" not in duration(seconds) and "60 min" not in duration(seconds)
