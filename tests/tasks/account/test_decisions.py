"""What a fit says it decided: what each decision bought by what was measured, and what is left to the user."""

from types import SimpleNamespace

import numpy as np
import pytest

import modelwright as mw
from modelwright.core.history import Row
from modelwright.space import HyperParameters
from modelwright.tasks.account.decisions import NOT_MEASURED, decided, decision, on_all_rows
from modelwright.tasks.account.gains import FEATURES, Account
from modelwright.tasks.account.listing import LEFT, Decisions
from modelwright.tasks.ensemble.blend import Blend
from modelwright.tasks.learners.recipes import feature_space
from modelwright.tasks.scoring.diagnostics import as_deployed
from modelwright.tasks.scoring.metrics import Metric
from modelwright.tasks.scoring.target import Target
from modelwright.tasks.scoring.thresholds import Cut
from modelwright.tasks.search.compared import Compared, later_half
from modelwright.tasks.search.gathered import Said, gather

pytest.importorskip("lightgbm")
QUICK = {"store": ":memory:", "verbose": 0, "models": ["lightgbm", "linear"]}
USUAL = {name: {"model": name, f"{name}/rate": 0.1, f"{name}/pairs": 0} for name in ("trees", "line")}


def job(metric="auc", higher=True, folds=3):
    return SimpleNamespace(split=SimpleNamespace(folds=folds), metric=SimpleNamespace(name=metric, higher=higher))


def candidate(number, learner, scores, by="portfolio", **changed):
    config = {**USUAL.get(learner, {"model": learner}), **{f"{learner}/{k}": v for k, v in changed.items()}}
    return Row(number=number, config=config, note={"by": by}, facts={"scores": scores})


def blend(*trials, score=0.85, spread=0.01, **judged):
    share = 1 / max(1, len(trials))
    return Blend(
        trials=trials, weights=(share,) * len(trials), rounds=(None,) * len(trials), values=(score,) * len(trials),
        score=score, spread=spread, selected=score, rows=300, judged=judged,
    )  # fmt: skip


def bought(rows, *, deployed=None, **more):
    account = Account(rows, job(**more), deployed or blend(0), USUAL)
    return {one["what"]: one["bought"] for one in account.decisions()}


@pytest.mark.parametrize(
    ("said", "preset", "why"),
    [
        ({"folds": 3}, "good", "folds=3 was asked for, drawn 3 times since there are fewer than 2,000 rows"),
        ({"folds": 4}, "fast", "preset='fast' has 4, drawn 3 times since there are fewer than 2,000 rows"),
        ({"folds": 1}, "good", "folds=1 was asked for"),
        ({"folds": 9}, "good", "folds=9 was asked for, as many as can judge of 40 rows, drawn 3 times"),
        ({}, "good", "40 rows, drawn 3 times since there are fewer than 2,000 rows"),
        ({"seconds": 20.0, "workers": 2}, "good", "40 rows, and the time there is"),
        ({"divided": {"kind": "folds", "folds": 3, "repeats": 1}}, "good", "the call that this one goes on from"),
    ],
)
def test_why_rows_are_divided_is_what_was_asked_or_decided(said, preset, why):
    made = Said(target="y", **said)
    data = gather({"a": np.arange(40.0), "y": ["no", "yes", "no", "no", "no"] * 8}, made)
    account = Account([], job(), blend(0), USUAL)
    found = decided(data, made, blend(0), 1, account, preset)
    assert next(one["why"] for one in found if one["what"] == "validation").startswith(why)


# --- one candidate against another -----------------------------------------------------------------


def test_candidates_are_compared_by_the_folds_that_judged_both():
    compared = Compared([], job())
    few, all_ = candidate(0, "trees", [0.9]), candidate(1, "line", [0.8, 0.1, 0.1])
    assert compared.gain(few, all_) == pytest.approx(0.1)
    assert compared.said(few, all_) == "auc better by 0.1 on 1 fold"
    assert compared.said(all_, few) == "auc worse by 0.1 on 1 fold"
    assert compared.said(few, candidate(2, "line", [None, 0.5])).startswith(NOT_MEASURED)


def test_less_is_better_where_the_metric_says_so_and_the_difference_has_a_standard_error():
    one, other = candidate(0, "trees", [1.0, 2.0, 3.0]), candidate(1, "line", [2.0, 4.0, 4.0])
    said = Compared([], job("rmse", higher=False)).said(one, other)
    assert said == f"rmse better by 1.3 ± {np.std([1, 2, 1], ddof=1) / np.sqrt(3):.2g} on 3 folds"


def test_repeats_of_the_same_rows_make_no_difference_surer():
    scores = [0.7, 0.8, 0.9, 0.7, 0.8, 0.9]
    base = candidate(1, "line", [0.5] * 6)
    three, six = (Compared([], job(folds=folds)).said(candidate(0, "trees", scores), base) for folds in (3, 6))
    assert float(three.split("± ")[1].split()[0]) > float(six.split("± ")[1].split()[0])


def test_what_more_folds_have_judged_is_not_better_by_that():
    rows = [
        candidate(0, "constant", [0.5] * 8),
        candidate(1, "bayes", [0.83, 0.85, 0.82, 0.84, 0.83, 0.85, 0.82, 0.84]),
        candidate(2, "trees", [0.84, 0.88, 0.84]),
        candidate(3, "line", [0.835, 0.872, 0.84]),
        candidate(4, "trees", [0.842], rate=0.2),
        candidate(5, "line", [0.80], rate=0.2),
    ]
    order = [row.number for row in Compared(rows, job(folds=8)).rows]
    assert order[0] == 2 and order[-1] == 0
    assert order.index(3) < order.index(1) < order.index(5)
    found = {one["what"]: one for one in Account(rows, job(folds=8), blend(3, 2), USUAL).decisions()}
    assert found["learners"]["bought"].startswith("trees 2: auc better by 0.0") and "worse" not in str(found)
    assert found["features"]["decided"].startswith("trees 2, the best member")
    assert later_half(rows[1:4], job(folds=8)).startswith("the best of the later half: auc better by 0.02 ")


def test_of_equals_the_one_that_more_folds_have_judged_is_first():
    rows = [
        candidate(0, "bayes", [0.80, 0.83, 0.80, 0.86, 0.86, 0.86]),
        candidate(1, "trees", [0.85, 0.87, 0.83]),
        candidate(2, "line", [0.86, 0.86, 0.83, 0.87, 0.86]),
    ]
    assert [row.number for row in Compared(rows, job(folds=8)).rows] == [2, 1, 0]


def test_the_best_is_one_that_is_deployed():
    rows = [candidate(0, "trees", [0.9] * 3), candidate(1, "line", [0.8] * 3)]
    assert bought(rows, deployed=blend(1))["learners"].startswith("line 1: auc worse by 0.1")


def test_by_one_fold_alone_nothing_is_much_better():
    rows = [
        candidate(0, "trees", [0.80, 0.86, 0.83]),
        candidate(1, "line", [0.78, 0.86, 0.79]),
        candidate(2, "line", [0.801]),
    ]
    assert Compared(rows, job()).rows[0].number == 0


def test_the_later_half_of_the_candidates_is_told_against_the_first():
    rows = [candidate(n, "trees", [score] * 3) for n, score in enumerate([0.7, 0.8, 0.75, 0.85])]
    assert later_half(rows, job()).startswith("the best of the later half: auc better by 0.05")
    assert later_half(rows[:1], job()).startswith(NOT_MEASURED)


# --- what decisions bought -------------------------------------------------------------------------


def test_learners_are_told_against_the_next_kind_the_first_model_and_the_constant():
    rows = [
        candidate(0, "trees", [0.6], by="first model", rate=0.3),
        candidate(1, "trees", [0.9, 0.9, 0.9]),
        candidate(2, "line", [0.7, 0.7, 0.7]),
        candidate(3, "constant", [0.5, 0.5, 0.5]),
    ]
    said = bought(rows, deployed=blend(1))["learners"]
    assert said.startswith("trees 1: auc better by 0.2 ± 0 on 3 folds than the best of line; ")
    assert "by 0.3 on 1 fold than the first model" in said and "by 0.4 ± 0 on 3 folds than the constant" in said
    alone = bought(rows[1:2], deployed=blend(1, constant=0.5))["learners"]
    assert alone == "trees 1: with all members auc better by 0.35 than always the same prediction"
    assert bought(rows[1:2], deployed=blend(1))["learners"].startswith(NOT_MEASURED)


def test_features_are_told_by_candidates_that_differ_in_nothing_else():
    rows = [
        candidate(0, "trees", [0.8, 0.8, 0.8]),
        candidate(1, "trees", [0.9, 0.8, 0.9], pairs=12),
        candidate(2, "trees", [0.95, 0.95, 0.95], by="gp", pairs=40, rate=0.2),
    ]
    said = bought(rows)["features"]
    assert said.startswith("trees with pairs=12: auc better by 0.067") and "pairs=40" not in said
    rows.append(candidate(3, "trees", [0.85, 0.85, 0.85], by="gp", rate=0.2))
    assert "trees with pairs=40: auc better by 0.1" in bought(rows)["features"]
    assert bought(rows[:1])["features"].startswith(NOT_MEASURED)


def test_every_decision_on_features_is_known_as_one():
    hp = HyperParameters()
    feature_space(hp)
    assert set(hp.tree.default()) <= set(FEATURES)


def test_tuning_is_told_against_the_default_of_its_learner():
    rows = [candidate(0, "trees", [0.8] * 3), candidate(1, "line", [0.84] * 3)]
    assert bought(rows)["tuning"].startswith(NOT_MEASURED)
    tuned = [candidate(2, "trees", [0.9] * 3, by="gp", rate=0.2), candidate(3, "trees", [0.7] * 3, by="gp", rate=0.3)]
    said = bought(rows + tuned)["tuning"]
    assert "by 0.1 ± 0 on 3 folds than trees as it begins" in said
    assert "by 0.06 ± 0 on 3 folds than the best of the portfolio, line" in said
    assert "chosen among 2" in said


@pytest.mark.parametrize(("score", "noise"), [(0.85, False), (0.805, True)])
def test_an_ensemble_is_told_against_its_best_candidate_with_the_noise(score, noise):
    said = Account([], job(), blend(0, 1, score=score, single=0.8), USUAL).ensemble()
    assert said.startswith(f"auc better by {score - 0.8:.2g} than the best candidate alone (0.8")
    assert ("no more than noise" in said) == noise and "0.01" in said
    assert Account([], job(), blend(0), USUAL).ensemble().startswith("nothing")
    assert Account([], job(), blend(0, 1), USUAL).ensemble() == NOT_MEASURED


def test_temperature_and_threshold_are_told_by_what_was_before_and_after():
    rng = np.random.default_rng(0)
    chance = rng.uniform(size=1000)
    y = (rng.uniform(size=1000) < 0.3 * chance).astype(int)
    metric = Metric.of("f1", Target.of(np.array(["no", "yes"], object)[y], metric="f1"))
    shares = np.stack([1 - chance, chance], 1)
    judged = as_deployed(y, shares, None, task="binary", metric=metric, temperature=2.0, cut=Cut(0.8))
    before, after = judged["log_loss"]
    at_half, at_cut = judged["thresholds"]
    assert before > after and at_half != at_cut
    assert at_half == pytest.approx(metric.score(y, (chance >= 0.5).astype(int)), rel=1e-4)
    account = Account([], job("f1"), blend(0, **judged), USUAL)
    assert account.calibration().startswith(f"log loss {before:.5g} before, {after:.5g} after")
    assert account.threshold().startswith(f"f1 {at_half:.5g} at 0.5, {at_cut:.5g} at this one")
    plain = as_deployed(y, shares, None, task="binary", metric=metric)
    assert "log_loss" not in plain and "thresholds" not in plain
    assert Account([], job("f1"), blend(0, **plain), USUAL).threshold() == NOT_MEASURED


def test_fits_on_all_rows_say_what_they_had_and_that_nobody_can_judge_them():
    said = on_all_rows(2, 3, 1000, 800, 1.5, "", "")
    assert said["decided"].startswith("2 of 3") and "1.25 times as many, for 1.5 s" in said["bought"]
    assert NOT_MEASURED in said["bought"]
    none = on_all_rows(0, 3, 1000, 800, 0.0, "there was no time for more", "seconds=")
    assert "as they were judged" in none["decided"] and none["why"] == "there was no time for more"


# --- a whole fit -----------------------------------------------------------------------------------


def shop(rows=300, seed=0):
    """Who buys: told by what happened afterwards, and by little else; with a date."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(18, 80, rows)
    buys = (rng.random(rows) < 1 / (1 + np.exp(-(age - 60) / 10))).astype(int)
    told = np.where(rng.random(rows) < 0.995, buys, 1 - buys) + 0.0
    day = np.datetime64("2024-01-01") + rng.integers(0, 700, rows).astype("timedelta64[D]")
    return {
        "age": age, "day": day, "told": told, "same": np.zeros(rows),
        "buys": np.array(["no", "yes"], object)[buys],
    }  # fmt: skip


@pytest.fixture(scope="module")
def model():
    return mw.fit(shop(), "buys", trials=4, metric="f1", **QUICK)


def of(model, what):
    return [one for one in model.decisions if one["what"] == what]


def test_each_decision_says_what_it_bought_or_that_it_was_not_measured(model):
    made = [one for one in model.decisions if one["what"] != LEFT]
    kinds = {"task", "metric", "validation", "learners", "features", "tuning", "ensemble", "last fits", "candidates"}
    assert kinds <= {one["what"] for one in made}
    assert all(one["bought"] for one in made)
    assert "standard error" in of(model, "validation")[0]["bought"]
    assert "better by" in of(model, "learners")[0]["bought"]
    assert of(model, "metric")[0]["why"] == "asked for"


def test_what_no_table_tells_is_left_to_the_user(model):
    asked = {one["undo"]: one["decided"] for one in of(model, LEFT)}
    assert "later than these" in asked["time="]
    assert "'yes'" in asked["positive="] or "'no'" in asked["positive="]
    assert any("--test" in undo for undo in asked)
    assert any("'told' is known when predictions are made" in said for said in asked.values())
    assert not any(undo == "metric=" for undo in asked)


def test_what_was_said_is_not_asked():
    made = mw.fit(shop(), "buys", trials=1, time="day", without=["told"], class_weight="balanced", **QUICK)
    asked = {one["undo"] for one in of(made, LEFT)}
    assert "time=" not in asked and "positive=" not in asked and "metric=" in asked
    assert not any("class_weight" in undo for undo in asked)
    assert not any("told" in one["decided"] for one in of(made, LEFT))


def test_a_column_that_leaks_and_is_dropped_says_what_the_check_had_measured():
    made = mw.fit(shop(), "buys", trials=1, drop_suspected=True, **QUICK)
    (said,) = [one for one in of(made, "column") if "'told'" in one["decided"]]
    assert "it alone explains" in said["bought"]
    assert not any("'told'" in one["decided"] for one in of(made, LEFT))


def test_it_is_the_same_after_saving_and_stands_in_the_report(model, tmp_path):
    again = mw.load(model.save(tmp_path / "m.mw"))
    assert again.decisions == model.decisions and str(again.decisions) == str(model.decisions)
    page = again.report(tmp_path / "m.html").read_text(encoding="utf-8")
    assert "what it bought" in page and "Left to you" in page
    assert of(model, "learners")[0]["bought"].split(":")[0] in page


def test_it_prints_as_two_tables_that_fit_a_line(model):
    first, second = str(model.decisions).split("\n\n")
    assert first.splitlines()[0].split() == ["what", "decided", "bought", "else"]
    assert second.startswith(LEFT)
    assert all(len(line) <= 120 for line in str(model.decisions).splitlines())


def test_lists_of_older_models_print_without_what_they_lack():
    old = Decisions([{"what": "task", "decided": "binary", "why": "two classes", "undo": "task="}])
    assert str(old).splitlines()[0].split() == ["what", "decided", "else"]
    assert decision("task", "binary", "", "task=")["bought"] == NOT_MEASURED
