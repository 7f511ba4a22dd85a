"""The HTML report: complete, self-contained, safe with any text, honest about what it leaves out."""

from __future__ import annotations

import json
import math
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report_studies import lab, trial, view_of

from modelwright.core import records as r
from modelwright.core.errors import ArgumentError
from modelwright.core.objective import Objective
from modelwright.report.chosen import chosen, improvements, thinned
from modelwright.report.html import render, repr_html, write
from modelwright.report.text import clean
from modelwright.report.view import front, ranked

VOID = {"meta", "input", "br", "path", "rect", "circle", "link"}
NASTY = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'><!--\u202e\x1b[31m\x00"


class Page(HTMLParser):
    """Elements, attributes and text of a page; complains about tags that do not match."""

    def __init__(self, source: str):
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.ids: list[str] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.feed(source)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data):
        (self.scripts if self.open and self.open[-1] == "script" else self.texts).append(data)


def check(source: str) -> Page:
    page = Page(source)
    assert page.tags.count("script") == 2 and not {"img", "iframe", "link", "object", "base"} & set(page.tags)
    for name, value in page.attributes:
        assert not name.startswith("on"), name
        if name in ("href", "src"):
            assert (value or "").startswith("#"), value
    assert len(set(page.ids)) == len(page.ids)
    outside = source.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|url\((?!#)|@import", outside)
    return page


@pytest.fixture(scope="module")
def large() -> str:
    return render(lab(1000))


def test_the_page_holds_all_its_parts():
    view = lab(60, model="Model: sequential\n dense (Dense)", commands=("study.best_model()",), store="./studies.db")
    page = check(render(view))
    text = "".join(page.texts)
    for part in ("History", "Learning curves", "Parallel coordinates", "Importance", "Size", "Time", "Trials"):
        assert part in text, part
    for slice_of in ("units", "learning_rate", "activation", "use_dropout", "dropout"):
        assert f"{slice_of}" in text
    assert "dense (Dense)" in text and "ValueError: bad units" in text and 'File "model.py", line 12' in text
    assert "study.best_model()" in text and "./studies.db" in text


def test_each_chart_has_a_title_a_text_summary_and_a_table():
    source = render(lab(60))
    figures = source.split("<figure ")[1:]
    assert len(figures) >= 10
    for figure in figures:
        body = figure.split("</figure>")[0]
        assert re.search(r"<figcaption><h3>[^<]+</h3><p>[^<]{10,}</p>", body)
        assert re.search(r'role="img" aria-label="[^"]{10,}"', body)
        assert "<details><summary>Data as a table" in body and "<td>" in body


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.text(max_size=20), param=st.text(max_size=20), value=st.text(max_size=20), said=st.text(max_size=40))
def test_any_text_of_a_user_is_shown_and_never_run(name, param, value, said):
    error = r.Failure(kind="exception", type=said, message=said + NASTY, where=value, traceback=NASTY + said)
    objective = Objective((name or "x") + NASTY, "max")
    trials = [
        trial(i, {param + NASTY: value + NASTY + str(i % 2), NASTY: i}, (float(i),), metrics={NASTY + said: 1.0})
        for i in range(3)
    ]
    trials.append(trial(3, {param: value}, None, state="failed", error=error))
    view = view_of(
        *trials, objectives=(objective,), name=name + NASTY, model=NASTY, store=NASTY, subject=NASTY,
        stopped=said + NASTY, commands=(NASTY,), strategy=NASTY, facts={NASTY: NASTY}, unit="epoch",
    )  # fmt: skip
    page = check(render(view))
    assert clean(name + NASTY) in "".join(page.texts)
    data = json.loads(page.scripts[0])
    assert data["parameters"][0] == clean(param + NASTY)
    assert "\x1b" not in repr_html(view) and "<script" not in repr_html(view)
    Page(repr_html(view))


def test_the_script_is_the_one_that_the_policy_allows():
    source = render(lab(3))
    assert "default-src 'none'" in source and "'unsafe-inline'; img-src" in source
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/]{43}='\"", source)


def test_a_thousand_trials_of_ten_epochs_stay_below_two_megabytes(large):
    assert len(large.encode()) < 2_000_000
    assert "Showing" not in "".join(check(large).texts)


def test_of_many_trials_some_are_shown_and_the_best_always_is():
    view = lab(900)
    source = render(view, limit=120)
    page = check(source)
    shown = [t[0] for t in json.loads(page.scripts[0])["trials"]]
    best = view.history.best()
    assert len(shown) == 120 and best is not None and best.number in shown
    assert "Showing 120 of 900 trials" in "".join(page.texts)
    assert {row.number for row in ranked(view)[:50]} <= set(shown)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60), st.integers(1, 30))
def test_the_choice_keeps_its_limit_and_the_best(points, limit):
    objectives = (Objective("acc", "max"), Objective("ms", "min"))
    view = view_of(*(trial(i, {}, (float(a), float(b))) for i, (a, b) in enumerate(points)), objectives=objectives)
    rows = chosen(view, limit)
    assert len(rows) == min(limit, len(points))
    assert [row.number for row in rows] == sorted({row.number for row in rows})
    best = view.history.best()
    assert best is not None and best.number in {row.number for row in rows}
    assert front(view)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300))
def test_a_thinned_curve_keeps_its_ends_and_its_order(values):
    points = list(enumerate(values))
    made = thinned(points)
    assert len(made) <= 40 and made[0] == points[0] and made[-1] == points[-1]
    assert made == sorted(made) and set(made) <= set(points)


def test_improvements_end_with_the_best():
    view = lab(50)
    best = view.history.best()
    assert best is not None and improvements(view)[-1][0] == best.number


STRANGE = {
    "nothing": [],
    "one": [trial(0, {"x": 1})],
    "only failures": [trial(i, {"x": i}, None, state="failed") for i in range(3)],
    "infinite": [trial(i, {"x": i}, (v,)) for i, v in enumerate([math.inf, -math.inf, 1.0, math.nan])],
    "all equal": [trial(i, {"x": i % 2, "y": None}, (1.0,)) for i in range(20)],
    "no parameters": [trial(i, {}, (float(i),)) for i in range(5)],
    "mixed kinds": [trial(i, {"x": v}, (float(i),)) for i, v in enumerate([1, "1", 1.0, True, None, (1, 2), math.inf])],
    "huge": [trial(i, {"x": 10**i, "y": 10.0 ** (i * 20)}, (10.0 ** (i * 25),)) for i in range(12)],
    "tiny": [trial(i, {"x": 1e-300 * i}, (5e-324 * i,)) for i in range(8)],
    "many parameters": [trial(i, {f"p{j}": (i * j) % 7 for j in range(60)}, (float(i),)) for i in range(30)],
    "lost": [trial(i, {"x": i}, None, state="lost") for i in range(2)],
}


@pytest.mark.parametrize("name", STRANGE)
@pytest.mark.parametrize("direction", ["min", "max"])
def test_strange_studies_have_a_page(name, direction):
    view = view_of(*STRANGE[name], objectives=(Objective("v", direction),), name=name)
    source = render(view)
    check(source)
    drawn = " ".join(re.findall(r' d="([^"]*)"', source))
    assert "nan" not in drawn and "inf" not in drawn
    Page(repr_html(view))


def test_a_running_study_has_a_page():
    view = view_of([r.Proposed(number=0, config={"x": 1}), r.Started(number=0),
                    r.Reported(number=0, step=1, metrics={"val_accuracy": 0.1})])  # fmt: skip
    assert "running" in "".join(check(render(view)).texts)


def test_several_objectives_have_a_front():
    objectives = (Objective("acc", "max"), Objective("latency_ms", "min"))
    trials = [trial(i, {"x": i}, (i / 10, float(i * i))) for i in range(8)] + [trial(8, {"x": 9}, (0.1, 60.0))]
    text = "".join(check(render(view_of(*trials, objectives=objectives))).texts)
    assert "acc and latency_ms" in text and "8 of 9 trials are not beaten" in text


def test_a_declared_space_is_listed_with_conditions():
    drop = SimpleNamespace(name="drop", kind="float", low=0.0, high=0.5, default=0.1, conditions=[("act", ("relu",))])
    act = SimpleNamespace(name="act", kind="choice", values=("relu", "tanh"), default="relu")
    space = SimpleNamespace(parameters=[act, drop], size=12)
    view = view_of(*(trial(i, {"act": "relu", "drop": i / 10}, (float(i),)) for i in range(5)), space=space)
    text = "|".join(check(render(view)).texts)
    assert "12 different configurations" in text and "act is relu" in text and "0 to 0.5" in text


def test_one_diverged_trial_does_not_flatten_the_others():
    trials = [trial(i, {"x": i}, (0.2 + i / 100,)) for i in range(20)] + [trial(20, {"x": 20}, (1e12,))]
    source = render(view_of(*trials, objectives=(Objective("loss", "min"),)))
    assert "Values far from the others lie beyond the axis: 1." in source
    history = source.split('id="history"')[1].split("</figure>")[0]
    heights = {round(float(y)) for y in re.findall(r"M-?[\d.]+ (-?[\d.]+)h0", history)}
    assert max(heights) - min(heights) > 150


def test_writing_replaces_the_file_and_leaves_nothing_else(tmp_path):
    target = tmp_path / "lab.html"
    target.write_text("old")
    assert write(lab(3), target) == target
    assert target.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir()] == ["lab.html"]


@pytest.mark.parametrize("where", ["missing/lab.html", "", "a\0b.html"])
def test_a_path_that_cannot_be_written_is_said_clearly(tmp_path, where):
    with pytest.raises(ArgumentError, match="cannot write the report"):
        write(lab(2), f"{tmp_path}/{where}")


@pytest.mark.parametrize("name", ["lab.html", "lab.HTM", "lab"])
def test_a_report_may_end_in_html_or_in_nothing(tmp_path, name):
    assert write(lab(2), tmp_path / name).is_file()


@pytest.mark.parametrize("name", ["lab.pdf", "lab.csv", "lab.html.gz"])
def test_an_ending_that_promises_something_else_is_refused(tmp_path, name):
    with pytest.raises(ArgumentError, match=r"ends in '\.\w+'.*\.html or \.htm"):
        write(lab(2), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_slices_say_that_they_are_measured_and_hold_nothing_fixed():
    page = check(render(lab(40)))
    text = "".join(page.texts)
    assert "one trial with the value that was measured" in text and "Nothing is held fixed" in text
    assert "after fewer epochs" in text, "some of these trials were pruned"
    best = lab(40).history.best()
    assert best is not None and f"as measured. The best trial, {best.number}, has {best.config['units']}." in text
    even = "".join(check(render(view_of(*(trial(i, {"x": i}, (float(i),)) for i in range(5))))).texts)
    assert "Nothing is held fixed" in even and "after fewer" not in even
    assert "5 trials, as measured. The best trial, 4, has 4." in even


def test_a_slice_says_when_the_best_trial_did_not_have_the_parameter():
    trials = [trial(i, {"x": i, **({"y": i} if i < 5 else {})}, (float(i),)) for i in range(8)]
    text = "".join(check(render(view_of(*trials))).texts)
    assert "5 trials, as measured. In the best trial, 7, it was not active." in text


def test_what_needs_the_script_is_said_only_where_it_runs():
    source = render(lab(20))
    assert '<p class="quiet js" hidden>Drag along an axis' in source
    script = source.rpartition("<script>")[2]
    assert 'querySelectorAll(".js")' in script


def test_the_history_says_why_its_line_may_fall():
    assert "a trial that was trained for longer counts more" in render(
        view_of(trial(0, {"x": 0}, (0.9,), state="paused", fidelity=0.3), trial(1, {"x": 1}, (0.6,)))
    )
    assert "counts more" not in render(view_of(trial(0, {"x": 0}, (0.5,)), trial(1, {"x": 1}, (0.6,))))


def test_fresh_values_that_chose_the_winner_are_shown():
    view = view_of(*(trial(i, {"x": i}, (0.5 + i / 10,)) for i in range(2)))
    assert "fresh run" not in render(view)
    view.history.extend([r.Noted(kind="confirm", data={"number": i, "value": v}) for i, v in ((0, 0.5), (1, 0.4))])
    text = "".join(check(render(view)).texts)
    assert "trial 1: 0.4 over 1 fresh run, selected on 0.6 (difference -0.2)" in text


def test_a_wide_summary_of_a_model_is_shown_whole():
    wide = "layer" + " " * 150 + "1,234,567"
    assert wide in render(view_of(trial(0, {"x": 1}), model=f"{wide}\n{wide}"))


def test_a_notebook_card_is_small_and_has_no_script():
    card = repr_html(lab(200))
    assert len(card) < 5000 and "<style" not in card and "<script" not in card and "Best: trial" in card
    assert "no trials yet" in repr_html(view_of())


def test_the_summary_of_the_best_model_is_found_among_its_facts():
    trials = [trial(i, {"x": i}, (float(i),), note={"summary": f"Model {i}\n dense <{i}>"}) for i in range(3)]
    text = "".join(check(render(view_of(*trials))).texts)
    assert "dense <2>" in text and "dense <1>" not in text


def sections_of(view) -> list[str]:
    return re.findall(r'<section id="(\w+)"', render(view))


def test_what_matters_most_stands_on_top():
    error = r.Failure(kind="exception", type="ValueError", message="no")
    failed = view_of(*(trial(i, {"x": i}, None, state="failed", error=error) for i in range(3)))
    assert sections_of(failed) == ["best", "failures", "trials", "space", "facts"]
    two = (Objective("acc", "max"), Objective("ms", "min"))
    choice = view_of(*(trial(i, {"x": i}, (i / 10, float(i))) for i in range(8)), objectives=two)
    assert sections_of(choice)[:3] == ["best", "tradeoff", "search"]
    assert "trial 7, one of 8 that no other beats in everything" in "".join(check(render(choice)).texts)
    assert sections_of(lab(20))[:2] == ["best", "search"]


def test_axes_of_whole_numbers_have_no_ticks_between_them():
    source = render(view_of(*(trial(i, {"depth": i % 4 + 2, "share": i / 7}, (float(i),)) for i in range(6))))
    figure = source.split('id="slice')[1:]
    depth = next(part for part in figure if "<h3>depth</h3>" in part).split("</svg>")[0]
    labels = re.findall(r'class="t m"[^>]*>([^<]+)<', depth)
    assert labels and all(label.isdigit() for label in labels)
    share = next(part for part in figure if "<h3>share</h3>" in part).split("</svg>")[0]
    assert any("." in label for label in re.findall(r'class="t m"[^>]*>([^<]+)<', share))


def test_columns_in_which_nothing_stands_are_left_out():
    def heads(view):
        return re.findall(
            r'<th scope="col">([^<]*)</th>', render(view).split('<table id="table">')[1].split("</thead>")[0]
        )

    assert heads(view_of(trial(0, {"x": 1}), trial(1, {"x": 2}))) == ["trial", "state", "val_accuracy", "time", "x"]
    assert {"best epoch", "epochs", "size", "error"} <= set(heads(lab(20)))


def test_long_names_are_cut_where_they_do_not_differ_and_kept_as_titles():
    names = [f"a_name_as_long_as_some_names_are_{i}" for i in range(6)]
    trials = [trial(i, {name: (i * (j + 1)) % 7 for j, name in enumerate(names)}, (float(i),)) for i in range(20)]
    chart = render(view_of(*trials)).split('id="parallel"')[1].split("</svg>")[0]
    for i, name in enumerate(names):
        assert re.search(rf">a_[^<]*…[^<]*_{i}<title>{name}</title>", chart)


def test_what_is_a_metric_is_not_repeated_as_measured():
    view = view_of(trial(0, {"x": 1}, metrics={"params": 16810.0, "loss": 0.5}, note={"params": 16810, "restarts": 0}))
    best = render(view).split('id="best"')[1].split("</section>")[0]
    assert best.count("16,810") == 1 and "restarts" in best


def test_nothing_is_said_to_explain_most_where_there_are_too_few_trials():
    assert "explains most" not in render(lab(9)) and "Take the order as a hint" in render(lab(9))
    assert "explains most" in render(lab(60))
