"""What a fit says of itself: the page about a model, the panel while it goes on, the summary at the end."""

import json
import pickle
import re
import shlex
import sys

import numpy as np
import pytest
from stored_files import Opened
from test_report_browser import CHROMIUM, browse

import modelwright as mw
from modelwright.api.running import view_of
from modelwright.core.clock import SystemClock
from modelwright.core.records import Finished
from modelwright.report.panel import panel
from modelwright.tasks.account.course import Course
from modelwright.tasks.account.live import FitScene, Told
from modelwright.tasks.account.summary import _alerts, judged_by

pytest.importorskip("lightgbm")
NASTY = "<script>document.title='run'</script>"
QUICK = {"trials": 2, "store": ":memory:", "verbose": 0, "models": ["lightgbm", "linear"]}


def customers(classes=("no", "yes")):
    rng = np.random.default_rng(0)
    age, plan = rng.integers(18, 80, 400).astype(float), rng.choice(["basic", "plus", "pro"], 400)
    score = 0.08 * (age - 50) + np.select([plan == "basic", plan == "pro"], [-1.5, 1.5], 0.0)
    left = (rng.random(400) < 1 / (1 + np.exp(-2 * score))).astype(int)
    age[:20] = np.nan
    table = {"age": age, "plan": plan.astype(object), "noise": rng.normal(size=400)}
    return {**table, "left": np.array(classes, dtype=object)[left]}


def prices():
    rng = np.random.default_rng(0)
    size = rng.uniform(20, 200, 400)
    return {"size": size, "price": np.exp(0.01 * size + rng.normal(scale=0.05, size=400))}


@pytest.fixture(scope="module")
def model():
    table = customers(classes=("stays", f"{NASTY}leaves"))
    table[f"{NASTY}a"] = table.pop("noise")
    table[NASTY] = table.pop("left")
    return mw.fit(table, NASTY, **QUICK)


@pytest.fixture(scope="module")
def page(model, tmp_path_factory):
    return model.report(tmp_path_factory.mktemp("page") / "model.html").read_text(encoding="utf-8")


# --- the page --------------------------------------------------------------------------------------


def test_a_candidate_without_a_name_has_a_page_too(model, tmp_path):
    file = Opened.of(model.save(tmp_path / "m.mw"))
    for number, name in enumerate(["", " "], start=1):
        file.body["predictor"]["leaderboard"][number]["model"] = name
    file.write(tmp_path / "m.mw")
    assert "Work by kind of model" in mw.load(tmp_path / "m.mw").report(tmp_path / "m.html").read_text(encoding="utf-8")


def test_the_page_says_how_good_by_what_and_how_to_do_it_again(model, page):
    for title in ("How good it is", "What was tried", "The data", "What became of the columns", "What was decided",
                  "How the time was spent", "Using it, and doing it again"):  # fmt: skip
        assert f">{title}</h2>" in page
    assert f"{model.score:.5g}" in page and "3 times 8 folds" in page
    assert all(f"<td>{entry['name']}</td>" in page for entry in model.plan["members"])
    assert all(f"<td>{one['name']}</td>" in page for one in model.checks if one["status"] != "passed")
    counts = model._body["judged"]["confusion"]
    assert sum(map(sum, counts)) == 400 and all(f">{n:,}</text>" in page for row in counts for n in row)
    assert 'id="calibration"' in page and 'id="phases"' in page
    assert "trials=2" in page and "plan=mw.load" in page


def test_where_some_folds_alone_have_judged_it_is_said_which_part_of_the_rows(model, tmp_path):
    assert model.leaderboard()[0]["units"] == 24 and judged_by(model._body).startswith("3 times 8 folds")
    split = {"kind": "folds", "folds": 8, "repeats": 1, "said": "8 folds, classes spread evenly"}
    body = {"split": split, "judged": {"rows": 150}, "rows": 400, "leaderboard": [{"model": "ensemble", "units": 3}]}
    assert judged_by(body) == "by 3 folds, 150 of 400 rows, of 8 folds, classes spread evenly"
    assert "by 3 folds, 100 of 200 rows, of 8 folds" in judged_by(
        {**body, "judged": {"rows": 100}, "split": {**split, "rows": 200}}
    )
    assert judged_by({**body, "leaderboard": [{"model": "ensemble"}]}) == split["said"]
    few = mw.load(model.save(tmp_path / "few.mw"))
    few._body |= body
    assert "expected of new rows (by 3 folds, 150 of 400 rows, of 8 folds, classes spread evenly)" in few.summary()
    page = few.report(tmp_path / "few.html").read_text(encoding="utf-8")
    assert "Judged by 3 folds, 150 of 400 rows, of 8 folds" in page


def test_the_page_asks_for_nothing_and_runs_nothing_that_a_table_holds(page):
    assert "<script>document" not in page and "&lt;script&gt;document" in page
    assert not re.search(r"""(src|href)=["'](?!#)""", page)
    assert "default-src 'none'" in page
    data = re.search(r'id="data">(.*?)</script>', page)
    assert data and json.loads(data[1])["kind"] == "fit"


def test_the_page_of_a_model_that_was_loaded_is_the_same(model, page, tmp_path):
    again = mw.load(model.save(tmp_path / "m.mw"))
    assert again.report(tmp_path / "m.html").read_text(encoding="utf-8") == page


def test_numbers_have_residuals_in_place_of_classes(tmp_path):
    made = mw.fit(prices(), "price", trials=1, store=":memory:", verbose=0, models=["linear"])
    text = made.report(tmp_path / "prices.html").read_text(encoding="utf-8")
    assert 'id="residuals"' in text and 'id="confusion"' not in text and 'id="calibration"' not in text
    assert "How far it is off" in text


def test_a_page_that_cannot_be_written_is_refused_with_its_name(model, tmp_path):
    with pytest.raises(mw.ArgumentError, match="pdf"):
        model.report(tmp_path / "model.pdf")
    with pytest.raises(mw.ArgumentError, match="gone"):
        model.report(tmp_path / "gone" / "model.html")


HOST = """<!doctype html><meta charset="utf-8"><pre id="out"></pre>
<iframe src="model.html" style="width:WIDTHpx;height:900px;border:0"></iframe><script>
const frame = document.querySelector("iframe");
frame.addEventListener("load", () => {
  const out = {}, win = frame.contentWindow, doc = frame.contentDocument;
  try {
    out.overflow = doc.documentElement.scrollWidth - win.innerWidth;
    out.title = doc.title;
    const heads = [...doc.querySelectorAll("#table th")];
    heads[1].querySelector("button").click();
    out.sorted = heads[1].getAttribute("aria-sort");
    const input = doc.querySelector("#filter input");
    input.value = "linear";
    input.dispatchEvent(new win.Event("input"));
    out.shown = [...doc.querySelectorAll("#table tbody tr")].filter((r) => !r.hidden).length;
    const svg = doc.querySelector("#calibration svg"), box = svg.getBoundingClientRect();
    svg.dispatchEvent(new win.PointerEvent("pointermove", { clientX: box.x + 90, clientY: box.y + 90, bubbles: true }));
    out.cells = [...doc.querySelectorAll("#confusion rect.cell")].length;
    const links = [...doc.querySelectorAll('a[href^="#"]')];
    out.dead = links.filter((a) => !doc.querySelector(a.getAttribute("href"))).length;
    out.unnamed = [...doc.querySelectorAll("svg.chart")].filter((s) => !s.getAttribute("aria-label")).length;
    out.later = true;
  } catch (error) { out.error = String(error.stack || error); }
  document.getElementById("out").textContent = JSON.stringify(out);
});</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here (Debian: apt-get install chromium)")
@pytest.mark.parametrize("width", [390, 1440])
def test_in_a_browser_the_page_fits_sorts_and_filters(page, tmp_path, width):
    (tmp_path / "model.html").write_text(page, encoding="utf-8")
    (tmp_path / "host.html").write_text(HOST.replace("WIDTH", str(width)), encoding="utf-8")
    dom, console = browse(tmp_path, "host.html")
    found = re.search(r'<pre id="out">([^<]+)</pre>', dom)
    assert found, dom[:500]
    out = json.loads(found[1].replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&"))
    assert "error" not in out and console == []
    assert out["overflow"] <= 0, "the page is wider than the window"
    assert out["title"].startswith("Model for <script>") and out["cells"] == 4
    assert out["sorted"] == "ascending" and out["shown"] == 1
    assert out["dead"] == 0 and out["unnamed"] == 0


# --- while it goes on ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A fit whose plain lines were kept, with its study."""
    from _pytest.monkeypatch import MonkeyPatch

    place = tmp_path_factory.mktemp("told")
    with MonkeyPatch.context() as patch, (place / "said.txt").open("w+", encoding="utf-8") as stream:
        patch.setattr(sys, "stderr", stream)
        made = mw.fit(customers(), "left", trials=4, store=place / "s.db", name="told", models=["lightgbm", "linear"])
        stream.seek(0)
        said = stream.read()
    return made, said, mw.load_study("told", place / "s.db")


def test_a_fit_is_told_as_one_with_its_phases_in_order(told):
    _, said, _ = told
    lines = said.splitlines()
    assert lines[0].startswith("Fit 'left': binary by roc_auc, 400 rows, 3 columns, 3 times 8 folds")
    assert "4 trials, seed 0" in lines[0] and "s.db as told" in lines[0]
    assert sum(line.startswith(("Fit ", "Study ")) for line in lines) == 1
    phases = ["trying candidates", "choosing the ensemble", "fitting the members on all rows", "putting the model"]
    places = [next(i for i, line in enumerate(lines) if phase in line) for phase in phases]
    assert places == sorted(places)
    assert not any("best so far" in line for line in lines[places[2] :])


def test_the_summary_is_a_few_lines_and_says_what_comes_next(told):
    made, said, _ = told
    summary = made.summary()
    assert said.rstrip().endswith(summary)
    lines = summary.splitlines()
    assert 5 <= len(lines) <= 8
    assert f"roc_auc {made.score:.5g}" in lines[1] and "3 times 8 folds" in lines[1]
    assert lines[-1].startswith("Next: ")
    for call in re.findall(r"model\.(\w+)\(", lines[-1]):
        assert callable(getattr(made, call))


def test_seconds_of_all_sessions_are_told_beside_those_of_this_one(told):
    made, _, _ = told
    again = pickle.loads(pickle.dumps(made))
    again._body["time"] |= {"seconds": 7.6, "before": 32.4, "budget": 40.0}
    assert "  40 s of 40 s in all sessions, 7.6 s in this one: " in again.summary()
    course = Course(SystemClock(), SystemClock().monotonic())
    assert "before" not in course.to_json()
    course.before = 32.4
    assert course.to_json(budget=40.0) | {"before": 32.4, "budget": 40.0} == course.to_json(budget=40.0)


def test_the_best_so_far_is_the_best_on_the_folds_that_judged_both_and_no_refit_takes_its_place(told):
    made, _, study = told
    scene = FitScene(words(study), view_of(study))
    shown = dict.fromkeys(line for _, line in scene.picture(0.0, 120))
    best = next(line for line in shown if "best so far" in line)
    rows = [row for row in made.leaderboard()[1:] if row["units"] == 24]
    top = max(rows, key=lambda row: row["score"])
    assert f"by {top['model']}, 24 of 24 folds" in best and f"{top['score']:.5g}" in best
    assert any("4 of 4 candidates" in line for line in shown)


def test_a_best_one_of_a_lower_mean_says_by_which_folds_it_is_better(told):
    from copy import deepcopy

    view = deepcopy(view_of(told[2]))
    given = [[0.9], [0.91, 0.7], [0.92, 0.75, 0.8], [0.8]]
    for row, scores in zip(view.history.rows, given, strict=True):
        row.facts = {**row.facts, "scores": scores}
    assert "0.82333" in (best := FitScene(words(told[2]), view).best()) and best.endswith("3 of 24 folds")
    view.history.rows[2].facts["scores"] = [0.8]
    assert FitScene(words(told[2]), view).best().endswith("2 of 24 folds, better on the first")
    view.history.rows[2].facts["scores"] = [0.92, 0.7, 0.6]
    assert FitScene(words(told[2]), view).best().endswith("3 of 24 folds, better on the first 2")


def test_the_best_one_loses_its_place_by_further_folds_that_are_worse(told):
    from copy import deepcopy

    view = deepcopy(view_of(told[2]))
    rows = view.history.rows
    for row, scores in zip(rows, [[0.9], [0.75, 0.8, 0.85], [0.7], [0.6]], strict=True):
        row.facts, row.note = {**row.facts, "scores": scores}, {}
    scene = FitScene(words(told[2]), view)
    assert f"by {scene._name(rows[0])}, 1 of" in scene.best()
    rows[0].facts["scores"] = [0.9, 0.7, 0.7]
    ended = Finished(number=0, state="paused")
    new = scene.fold(ended, view)
    said = f"roc_auc 0.8 ± 0.029 by {scene._name(rows[1])}, 3 of 24 folds"
    assert new and scene.best() == f"best so far {said}"
    assert scene.line(ended, new, 1).startswith(f"best so far: {said}, ")
    rows[1].facts["scores"] = [0.75, 0.8, 0.85, 0.9]
    assert scene.fold(Finished(number=1, state="paused"), view) and "4 of 24 folds" in scene.best()


def words(study, seconds=12.0, phase="trying candidates"):
    return Told(
        header="Fit", metric="roc_auc", higher=True, units=24, phase=lambda: phase,
        elapsed=lambda: seconds, final=lambda: "",
    )  # fmt: skip


def test_a_candidate_that_was_cut_short_does_not_run_in_later_phases(told):
    from dataclasses import replace

    from modelwright.core import records as r

    _, _, study = told
    view = view_of(study)
    shown = {}
    for phase in ("trying candidates", "choosing the ensemble", "fitting the members on all rows"):
        scene = FitScene(words(study, phase=phase), replace(view, trials=None))
        member = next(row.number for row in view.history.rows if "model" in row.artifacts)
        scene.fold(r.Started(number=member, worker="w"), view)
        shown[phase] = [line for _, line in scene.picture(1.0, 100) if line.startswith("running: ")]
    assert len(shown["trying candidates"]) == 1 and not shown["choosing the ensemble"]
    assert "on all rows" in shown["fitting the members on all rows"][0]


def test_who_interrupts_is_told_the_seconds_that_it_takes_at_least(told):
    from dataclasses import replace

    from modelwright.core import records as r

    view = replace(view_of(told[2]), trials=None)
    scene = FitScene(words(told[2]), view)
    scene.fold(r.Started(number=0, worker="w"), view)
    said = scene.stopping(view.time)
    assert "after the running trial (at least " in said and "about" not in said
    assert said.endswith("A model is made of what there is, which takes its time after them.")


def test_the_picture_fits_narrow_terminals_and_says_the_time_that_is_left_for_everything(told):
    from dataclasses import replace

    _, _, study = told
    view = replace(view_of(study), seconds=60.0, trials=None)
    for columns in (30, 60, 120):
        lines = [line for _, line in FitScene(words(study), view).picture(12.0, columns)]
        assert all(len(line) <= columns for line in lines)
    said = " ".join(lines)
    assert "12 s of 1 min 00 s" in said and "48 s left, the last fits among them" in said and "20%" in said


def test_nothing_is_printed_where_that_was_asked_for(capfd):
    mw.fit(customers(), "left", trials=1, store=":memory:", verbose=0, models=["linear"])
    assert capfd.readouterr() == ("", "")


def test_a_fit_that_fails_says_so_and_gives_the_terminal_back(capsys):
    from sklearn.base import BaseEstimator, ClassifierMixin

    table = {"x": np.random.default_rng(0).normal(size=60), "y": np.array(["a", "b"] * 30, dtype=object)}

    class Broken(ClassifierMixin, BaseEstimator):
        def fit(self, x, y):
            raise RuntimeError("no luck")

        def predict(self, x):
            return np.zeros(len(x), int)

    with pytest.raises(RuntimeError, match="no luck"):
        mw.fit(table, "y", trials=1, store=":memory:", models=[Broken()])
    said = capsys.readouterr().err
    assert "broken 0 failed" in said and "The fit ended without a model" in said and "Model for" not in said
    assert type(panel(1).inner).__name__ == "Lines"


def test_what_was_said_of_classes_and_columns_is_in_the_command():
    from modelwright.cli.parser import parse
    from modelwright.tasks.account.again import commands

    given = {"class_weight": {"yes": 9.0, "no way": 1.0}, "folds": 3, "positive": "no way"}
    given |= {"kinds": {"zip": "category", "size": ["under 1,000", "more"]}, "monotone": {"age": 1, "debt": -1}}
    told = dict(commands("y", {"asked": {"table": "a b.csv", "arguments": given, "budget": {"trials": 2}}}))
    args = parse(shlex.split(told["The same from a shell:"])[1:])
    assert args.table == "a b.csv" and args.folds == 3 and args.positive == "no way"
    assert args.class_weight == [("yes", 9.0), ("no way", 1.0)] and args.monotone == [("age", 1), ("debt", -1)]
    assert args.kind == [("zip", "category"), ("size", ["under 1,000", "more"])]


def test_what_compares_new_rows_reads_them_as_the_fit_did():
    from modelwright.cli.parser import parse
    from modelwright.tasks.account.left_to_people import left
    from modelwright.tasks.search.gathered import Said, gather

    table = {"g": ["silver", "gold", "very gold"] * 20, "x": np.linspace(0, 1, 60), "y": [0, 1, 2, 5] * 15}
    said = Said(target="y", metric="mae", kinds={"g": ["silver", "gold", "very gold"], "x": "number"})
    args = parse(shlex.split(left(gather(table, said), said, [])[-1]["undo"])[1:])
    assert (args.table, args.target, args.test, args.metric, args.task) == ("TRAIN", "y", "NEW", "mae", None)
    assert args.kind == [("g", ["silver", "gold", "very gold"]), ("x", "number")]


def test_the_summary_says_what_predicted_numbers_are_counted_in():
    hours = {**prices(), "price": np.round(60 * prices()["price"]).astype("timedelta64[m]")}
    made = mw.fit(hours, "price", **{**QUICK, "trials": 1, "folds": 1, "models": ["linear"]})
    lines = made.summary().splitlines()
    assert lines[0] == "Model for 'price', regression, in seconds:"
    assert "for comparison, by the same score: one answer for every row" in lines[3]
    assert next(one["why"] for one in made.decisions if one["what"] == "task").endswith("counted in seconds")


def test_numbers_with_thousands_behind_them_are_written_out_and_have_no_unit():
    rows = {"size": list(range(60)), "price": [f"{n % 7 + 1}.{n % 10}k" for n in range(60)]}
    model = mw.fit(rows, "price", models=["linear"], trials=1, folds=2, store=":memory:", verbose=0)
    assert model.summary().splitlines()[0] == "Model for 'price', regression:"
    assert model.predict({"size": 3.0})[0] > 500


def test_alerts_about_columns_that_differ_at_their_ends_are_told_apart():
    names = [f"{'count_of_a_long_name_' * 6}{end}" for end in "12"]
    said = _alerts([{"name": "near-certain", "status": "alert", "column": name, "columns": ()} for name in names])
    first, second = said.partition(": ")[2].split(", ")
    assert first != second and first.endswith("_1'") and second.endswith("_2'") and len(said) < 200
