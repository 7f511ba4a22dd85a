"""The fidelity audit: who is let go on by lot, what that shows, and when a fidelity is given up."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau

from modelwright.core import records as r
from modelwright.core.history import History
from modelwright.core.objective import Objective
from modelwright.core.rng import Seed
from modelwright.space import HyperParameters
from modelwright.strategy import audit
from modelwright.strategy.asha import ASHA
from modelwright.strategy.halving import Hyperband

STEPS = 9
RUNGS = (1, 3, 9)
LEVELS = [rung / STEPS for rung in RUNGS]

#: How a trial of some quality looks at each rung: weight of its quality, and spread of the noise.
CLEAR = {1: (1.0, 0.3), 3: (1.0, 0.2), 9: (1.0, 0.0)}
WEAK = {1: (0.5, 1.0), 3: (0.8, 0.6), 9: (1.0, 0.0)}
MISLEADING = {1: (-0.1, 0.02), 3: (0.5, 0.1), 9: (1.0, 0.0)}


def looks(kind, rng, count):
    """(count, rungs): the best value shown by each rung."""
    quality = rng.normal(size=count)
    raw = [kind[rung][0] * quality + kind[rung][1] * rng.normal(size=count) for rung in RUNGS]
    return np.maximum.accumulate(np.array(raw).T, axis=1)


def truth(kind, low=0, high=1):
    table = looks(kind, np.random.default_rng(0), 4000)
    return kendalltau(table[:, low], table[:, high]).statistic


def play(strategy, kind, trials, seed, stepped=True):
    """A whole study, one trial at a time; without ``stepped`` nothing is reported on the way, as for shares of rows."""
    tree = HyperParameters()
    tree.Float("x", 0.0, 1.0)
    history = History((Objective("value", "max"),))
    state, table = strategy.init(Seed(seed), history), looks(kind, np.random.default_rng(seed + 7), trials)
    while isinstance(answer := strategy.ask(state, tree.tree, _room(history, trials)), r.Proposal):
        number = len(history.rows) if answer.trial is None else answer.trial
        if answer.trial is None:
            history.extend(
                [r.Proposed(number=number, config=answer.config, fidelity=answer.fidelity, note=answer.note)]
            )
        else:
            history.extend([r.Continued(number=number, fidelity=answer.fidelity, note=answer.note)])
        row = history.rows[number]
        history.extend([r.Started(number=number, segment=row.segment + 1)])
        history.extend([r.Configured(number=number, config=row.config)])
        ended, value = _segment(strategy, state, history, row, table[number], stepped)
        steps = row.steps if stepped else 0
        reached = row.fidelity if stepped else row.target
        history.extend([r.Finished(number=number, state=ended, values=(value,), fidelity=reached, steps=steps)])
    return history


def _room(history, trials):
    return len(history.rows) if len(history.rows) < trials else None


def _segment(strategy, state, history, row, values, stepped):
    begun, value = max(row.segments, default=0.0), 0.0
    for level, rung, value in zip(LEVELS, RUNGS, values, strict=True):
        if stepped and begun + 1e-9 < level < row.target + 1e-9:
            report = r.Reported(number=row.number, step=rung, metrics={"value": float(value)}, fidelity=level)
            history.extend([report])
            if strategy.judge(state, row) == "stop":
                return "pruned", float(value)
        if level >= row.target - 1e-9:
            break
    return "complete" if row.target > 1 - 1e-9 else "paused", float(value)


def continued(history):
    return [event for event in history if isinstance(event, r.Continued)]


@pytest.mark.parametrize("make", [lambda: ASHA(steps=STEPS, resumable=True), lambda: Hyperband(steps=STEPS)])
def test_one_promotion_of_twelve_goes_to_a_trial_that_was_passed_over(make):
    history = play(make(), CLEAR, 120, seed=1)
    promoted = continued(history)
    audits = [event for event in promoted if event.note["why"] == "audit"]
    assert 0.05 <= len(audits) / len(promoted) <= 0.10
    assert {event.note["why"] for event in promoted} == {"audit", "promoted"}
    assert all(event.note["of"] >= 1 for event in audits)
    for event in audits:
        assert round(event.note["audited"][-1], 9) in [round(level, 9) for level in LEVELS]


def test_of_trials_that_cannot_pause_a_few_are_not_stopped_and_their_proposals_say_so():
    history = play(ASHA(steps=STEPS), CLEAR, 150, seed=2)
    spared = [row for row in history.rows if row.note.get("why") == "audit"]
    assert 5 <= len(spared) <= 15
    far = {row.number: row.fidelity for row in spared}
    assert all(far[row.number] > row.note["audited"][0] for row in spared if row.note["audited"][0] < 0.2)


def test_the_same_seed_audits_the_same_trials():
    runs = [play(ASHA(steps=STEPS, resumable=True), WEAK, 60, seed=s) for s in (5, 5, 6)]
    marks = [[(e.number, e.note["why"]) for e in continued(run)] for run in runs]
    assert marks[0] == marks[1] != marks[2]


@pytest.mark.parametrize("make", [lambda: ASHA(steps=STEPS, resumable=True), lambda: ASHA(steps=STEPS)])
def test_the_winners_alone_would_flatter_and_the_weights_do_not(make):
    """What shone at the low rung counts at the high one too, so the tau of the winners alone is too good."""
    ours, plain = [], []
    for seed in range(8):
        history = play(make(), WEAK, 120, seed=seed)
        found = audit.agreement(history, LEVELS, LEVELS[0], LEVELS[1], steps=STEPS)
        assert found is not None
        ours.append(found.tau)
        low, high = (audit.merits_at(history, level, STEPS) for level in LEVELS[:2])
        both = [n for n in high if not history.rows[n].note.get("audited")]
        plain.append(kendalltau([low[n] for n in both], [high[n] for n in both]).statistic)
    assert np.mean(plain) - truth(WEAK) > 0.1 > abs(np.mean(ours) - truth(WEAK))


@pytest.mark.parametrize("kind", [CLEAR, WEAK])
def test_the_interval_holds_the_truth_as_often_as_it_says(kind):
    held = []
    for seed in range(24):
        history = play(ASHA(steps=STEPS, resumable=True), kind, 60, seed=100 + seed)
        found = audit.agreement(history, LEVELS, LEVELS[0], LEVELS[1], steps=STEPS)
        if found is not None:
            held.append(found.interval[0] <= truth(kind) <= found.interval[1])
    assert len(held) > 15 and np.mean(held) >= 0.8


@pytest.mark.parametrize("tau", [-0.33, 0.0, 0.41, 0.71])
def test_the_interval_of_a_weighted_tau_holds_the_truth_over_many_samples(tau):
    rng, correlation, held = np.random.default_rng(3), np.sin(np.pi * tau / 2), []
    for _ in range(200):
        x = rng.normal(size=90)
        y = correlation * x + np.sqrt(1 - correlation**2) * rng.normal(size=90)
        order = np.argsort(-x)
        seen = np.concatenate([order[:30], rng.choice(order[30:], 3, replace=False)])
        _, (low, high) = audit.weighted_tau(x[seen], y[seen], np.array([1.0] * 30 + [20.0] * 3))
        held.append(low <= tau <= high)
    assert np.mean(held) >= 0.85


def test_without_an_audit_nothing_is_claimed():
    history = play(ASHA(steps=STEPS, resumable=True), CLEAR, 9, seed=0)
    assert not any(row.note.get("audited") for row in history.rows)
    assert audit.agreement(history, LEVELS, LEVELS[0], LEVELS[1], steps=STEPS) is None


@pytest.mark.parametrize(
    "make", [lambda: ASHA(steps=STEPS, resumable=True), lambda: ASHA(steps=STEPS), lambda: Hyperband(steps=STEPS)]
)
def test_a_fidelity_that_misleads_is_given_up_and_the_proposal_says_why(make):
    runs = [play(make(), MISLEADING, 120, seed=seed) for seed in range(8)]
    raised = [run for run in runs if audit.lowest(run) > 0]
    assert len(raised) >= 3
    history = raised[0]
    number, note = next((row.number, row.note["raised"]) for row in history.rows if "raised" in row.note)
    assert note["from"] == pytest.approx(LEVELS[0]) and note["to"] == pytest.approx(LEVELS[1])
    assert note["pairs"] >= 10 and note["tau"] <= note["high"] < note["bound"] == audit.BOUND
    assert audit.lowest(history) >= LEVELS[1] - 1e-6
    begun = [min(row.segments) for row in history.rows[number:]]
    assert min(begun) > LEVELS[0] + 1e-6


def test_a_fidelity_that_ranks_well_is_kept():
    for seed in range(5):
        assert audit.lowest(play(ASHA(steps=STEPS, resumable=True), CLEAR, 100, seed=seed)) == 0


def test_fidelities_without_steps_are_audited_alike():
    """A share of rows, a resolution, a number of filters: nothing is reported on the way to a fidelity."""
    history = play(ASHA(steps=STEPS, resumable=True), CLEAR, 120, seed=4, stepped=False)
    found = audit.agreement(history, LEVELS, LEVELS[0], LEVELS[1])
    assert found is not None and found.audits >= 2
    assert found.interval[0] <= truth(CLEAR) <= found.interval[1]


def test_a_study_with_audits_goes_on_from_its_stored_events_as_if_nothing_had_happened():
    whole = play(ASHA(steps=STEPS, resumable=True), WEAK, 60, seed=8)
    strategy, again = ASHA(steps=STEPS, resumable=True), History((Objective("value", "max"),))
    state = strategy.init(Seed(8), again)
    tree = HyperParameters()
    tree.Float("x", 0.0, 1.0)
    for event in whole:
        if isinstance(event, r.Continued):
            answer = strategy.ask(state, tree.tree, _room(again, 60))
            assert (answer.trial, answer.fidelity, answer.note) == (event.number, event.fidelity, event.note)
        again.extend([event])
