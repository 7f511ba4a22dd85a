"""How far trials were trained, and what is said about it wherever trials are listed."""

from __future__ import annotations

import pytest
from report_studies import halved, trial, view_of

from modelwright.report import summary
from modelwright.report.fidelity import explanation, trained
from modelwright.report.html import render, repr_html
from modelwright.report.view import ranked


def test_the_order_is_explained_by_the_trials_that_show_it():
    said = explanation(halved())
    assert "trained for longer stand first" in said[0]
    assert "trial 2 (0.78 after 10 epochs) is above trial 3 (0.82 after 3 epochs)" in said[0]
    assert said[1].startswith("3 trials are paused: set aside after 1 or 3 of 10 epochs")
    assert "auto, trains the better ones further" in said[1] and len(said) == 2


def test_no_trial_is_named_where_the_order_is_that_of_the_values():
    made = [(1.0, "complete", 0.9), (0.3, "paused", 0.5), (0.1, "paused", 0.4)]
    trials = [trial(i, {}, (v,), state=s, steps=round(10 * f), fidelity=f) for i, (f, s, v) in enumerate(made)]
    assert "That is why" not in explanation(view_of(*trials))[0]
    low = trial(3, {}, (0.45,), state="paused", steps=1, fidelity=0.1)
    assert "That is why" not in explanation(view_of(*trials, low))[0]
    better = trial(3, {}, (0.6,), state="paused", steps=1, fidelity=0.1)
    said = explanation(view_of(*trials, better))[0]
    assert "trial 1 (0.5 after 3 steps) is above trial 3 (0.6 after 1 step)" in said


def test_the_order_is_explained_only_where_it_can_be_seen():
    full = [trial(i, {}, (0.9 - 0.01 * i,), steps=10) for i in range(5)]
    view = view_of(*full, trial(5, {}, (0.95,), state="paused", steps=3, fidelity=0.3), unit="epoch")
    for said in (summary.final_block(view), summary.results(view, 5), repr_html(view)):
        assert "stand first" not in said and "1 trial is paused" in said
    told = " ".join(summary.results(view, 6).split())
    assert "stand first" in told and "is above trial 5 (0.95 after 3 epochs)" in told


def test_a_pause_that_no_strategy_asked_for_blames_none():
    said = explanation(view_of(trial(0, {}, (0.5,), state="paused", steps=4, fidelity=0.4), strategy="random"))
    assert len(said) == 1 and "1 trial is paused: set aside after 4 of 10 steps" in said[0] and "random" not in said[0]


def test_pruned_trials_are_explained_as_given_up():
    trials = [trial(i, {}, (0.1 * i,), state="pruned", steps=i + 2, step=1, fidelity=(i + 2) / 20) for i in range(7)]
    said = explanation(view_of(*trials, trial(7, {}, (0.9,), steps=20, step=3), unit="step"))
    assert any("7 trials were pruned: given up after 2 to 8 of 20 steps" in line for line in said)
    assert not any("paused" in line for line in said)


def test_nothing_is_explained_where_all_were_trained_alike():
    assert explanation(view_of(*(trial(i, {}, (float(i),)) for i in range(3)))) == []
    assert explanation(view_of()) == []
    assert "epochs" not in summary.leaderboard(view_of(*(trial(i, {}, (float(i),)) for i in range(3)), unit="epoch"))


def test_a_fidelity_without_steps_stays_a_number():
    view = view_of(trial(0, {}, (0.5,), state="paused", fidelity=0.25), trial(1, {}, (0.4,)))
    assert [trained(row) for row in ranked(view)] == ["1", "0.25"]
    assert "fidelity" in summary.leaderboard(view)
    assert "at fidelity 1) is above trial 0 (0.5 at fidelity 0.25)" in explanation(view)[0]


def text_of(kind: str) -> str:
    view = halved()
    if kind == "card":
        return repr_html(view)
    return {"page": render, "results": summary.results, "end": summary.final_block}[kind](view)


@pytest.mark.parametrize("kind", ["card", "page", "results", "end"])
def test_it_stands_wherever_trials_are_listed(kind):
    said = " ".join(text_of(kind).split())
    assert "3 of 10" in said and "Paused is no failure" in said and "stand first" in said


def test_the_table_shows_epochs_and_states():
    lines = summary.leaderboard(halved()).splitlines()
    assert lines[0].split() == ["rank", "trial", "val_accuracy", "epochs", "state", "time", "configuration"]
    assert lines[2].split()[3:5] == ["10", "complete"] and lines[4].split()[3:7] == ["3", "of", "10", "paused"]


def test_a_line_of_a_paused_trial_says_how_far_it_came():
    rows = halved().history.rows
    assert "trial 3 paused after 3 of 10 epochs: val_accuracy=0.82, " in summary.trial_line(rows[3], halved())
    assert "trial 0 complete: val_accuracy=0.8 at epoch 10 of 10, " in summary.trial_line(rows[0], halved())


def test_the_page_can_be_sorted_by_what_it_shows():
    page = render(halved())
    assert '<td data-v="3">3 of 10</td>' in page and '<td data-v="10">10</td>' in page
    assert '"3 of 10 epochs"' in page, "the script's tooltip"


def test_the_live_panel_says_how_far_the_best_came():
    from modelwright.report.progress import Progress, picture

    view = view_of(trial(0, {"x": 1}, (0.5,), state="paused", steps=3, fidelity=0.3), unit="epoch")
    lines = [line for _, line in picture(Progress(view), 1.0, 90)]
    assert "best: trial 0  val_accuracy=0.5  after 3 of 10 epochs" in lines


def test_a_trial_that_failed_at_once_was_trained_for_nothing():
    view = view_of(trial(0, {"x": 1}, None, state="failed"))
    assert trained(view.history.rows[0]) == "" and "epochs</th>" not in render(view)


def test_importance_says_in_epochs_what_it_compared():
    from modelwright.report.importance import importance

    trials = [
        trial(i, {"x": i}, (0.01 * i,), state="paused", reports=[{"val_accuracy": 0.01 * i}], steps=1, fidelity=0.1)
        for i in range(20)
    ]
    view = view_of(*trials, trial(20, {"x": 3}, (0.5,), steps=10), unit="epoch")
    assert importance(view).message.startswith("From 20 trials, after 1 of 10 epochs.")
