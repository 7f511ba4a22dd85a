"""What an oracle does with trials: creating, ending, trying again, giving up, ranking; and the built-in ones."""

from __future__ import annotations

import itertools
import threading

import pytest


def space(kt, declare):
    hp = kt.HyperParameters()
    declare(hp)
    return hp


def prepared(oracle, tmp_path):
    oracle._set_project_dir(str(tmp_path), "p")
    oracle.verbose = 0
    return oracle


def end(oracle, trial, value=None, status="COMPLETED"):
    if value is not None:
        oracle.update_trial(trial.trial_id, {oracle.objective.name: value})
    trial.status = status
    oracle.end_trial(trial)


def run(oracle, value_of, limit=200):
    """Run an oracle to its end; the values of all trials in order."""
    values = []
    while len(values) < limit:
        trial = oracle.create_trial("a")
        if trial.status == "STOPPED":
            return values
        assert trial.status == "RUNNING"
        values.append(dict(trial.hyperparameters.values))
        end(oracle, trial, value_of(values[-1]))
    raise AssertionError("the oracle does not stop")


@pytest.fixture
def oracle(kt, tmp_path):
    hp = space(kt, lambda hp: hp.Int("a", 0, 999))
    objective = kt.Objective("score", "max")
    made = kt.oracles.RandomSearchOracle(objective=objective, max_trials=20, hyperparameters=hp, seed=1)
    return prepared(made, tmp_path)


def test_a_trial_lives_from_creation_to_its_end(oracle):
    trial = oracle.create_trial("tuner0")
    assert (trial.trial_id, trial.status) == ("00", "RUNNING")
    assert oracle.create_trial("tuner0").trial_id == "00", "a tuner gets its own trial back until it has ended"
    assert oracle.create_trial("tuner1").trial_id == "01"
    assert set(oracle.ongoing_trials) == {"tuner0", "tuner1"}
    assert oracle.start_order == ["00", "01"]
    oracle.update_trial("00", {"score": 0.5, "other": 1}, step=2)
    oracle.update_trial("00", {"score": 0.4, "other": 2}, step=3)
    end(oracle, trial)
    found = oracle.get_trial("00")
    assert (found.score, found.best_step, found.status) == (0.5, 2, "COMPLETED")
    assert oracle.end_order == ["00"] and set(oracle.ongoing_trials) == {"tuner1"}
    assert oracle.remaining_trials() == 18


def test_a_report_without_the_objective_is_refused(oracle):
    trial = oracle.create_trial("a")
    with pytest.raises(ValueError, match="Objective value missing"):
        oracle.update_trial(trial.trial_id, {"other": 1.0})


def test_best_trials_come_first_and_unfinished_ones_last(oracle):
    trials = [oracle.create_trial(str(i)) for i in range(4)]
    for trial, value in zip(trials, (0.1, 0.9, 0.5), strict=False):
        end(oracle, trial, value)
    assert [t.trial_id for t in oracle.get_best_trials()] == ["01"]
    assert [t.trial_id for t in oracle.get_best_trials(3)] == ["01", "02", "00"]
    assert [t.trial_id for t in oracle.get_best_trials(9)] == ["01", "02", "00", "03"]


def test_a_trial_may_be_tried_again(kt, tmp_path):
    hp = space(kt, lambda hp: hp.Int("a", 0, 999))
    oracle = prepared(kt.oracles.RandomSearchOracle(max_retries_per_trial=1, hyperparameters=hp, seed=1), tmp_path)
    first = oracle.create_trial("a")
    end(oracle, first, status="INVALID")
    assert oracle.get_trial(first.trial_id).status == "INVALID" and oracle.end_order == []
    again = oracle.create_trial("a")
    assert again.trial_id == first.trial_id and again.status == "RUNNING"
    end(oracle, again, status="INVALID")
    assert oracle.get_trial(first.trial_id).status == "FAILED" and oracle.end_order == [first.trial_id]
    assert oracle.create_trial("a").trial_id != first.trial_id


def test_a_score_that_is_no_number_is_invalid(kt, tmp_path):
    hp = space(kt, lambda hp: hp.Int("a", 0, 999))
    oracle = prepared(kt.oracles.RandomSearchOracle(hyperparameters=hp, seed=1), tmp_path)
    end(oracle, oracle.create_trial("a"), float("nan"))
    assert [t.status for t in oracle.trials.values()] == ["FAILED"]


def test_failures_in_a_row_end_the_search(oracle):
    end(oracle, oracle.create_trial("a"), status="FAILED")
    end(oracle, oracle.create_trial("a"), status="FAILED")
    end(oracle, oracle.create_trial("a"), 1.0)
    end(oracle, oracle.create_trial("a"), status="FAILED")
    end(oracle, oracle.create_trial("a"), status="FAILED")
    trial = oracle.create_trial("a")
    trial.message = "the reason"
    with pytest.raises(RuntimeError, match="consecutive failures exceeded the limit of 3(.|\n)*the reason"):
        end(oracle, trial, status="FAILED")


def test_the_old_way_to_end_a_trial_still_works(oracle):
    trial = oracle.create_trial("a")
    oracle.update_trial(trial.trial_id, {"score": 1.0})
    oracle.end_trial(trial.trial_id, "COMPLETED")
    assert oracle.get_trial(trial.trial_id).status == "COMPLETED"


def test_the_space_grows_as_trials_ask_for_more(kt, oracle):
    trial = oracle.create_trial("a")
    trial.hyperparameters.Choice("b", [1, 2])
    end(oracle, trial, 1.0)
    assert [hp.name for hp in oracle.get_space().space] == ["a", "b"]
    assert set(oracle.create_trial("a").hyperparameters.values) == {"a", "b"}


def test_new_entries_may_be_forbidden_or_left_alone(kt):
    with pytest.raises(ValueError):
        kt.oracles.RandomSearchOracle(allow_new_entries=False)
    with pytest.raises(ValueError):
        kt.oracles.RandomSearchOracle(tune_new_entries=False)
    hp = space(kt, lambda hp: hp.Int("a", 0, 9))
    more = hp.copy()
    more.Int("b", 0, 9)
    closed = kt.oracles.RandomSearchOracle(hyperparameters=hp.copy(), allow_new_entries=False)
    with pytest.raises(RuntimeError, match="new entries"):
        closed.update_space(more)
    fixed = kt.oracles.RandomSearchOracle(hyperparameters=hp.copy(), tune_new_entries=False)
    fixed.update_space(more)
    assert [hp.name for hp in fixed.get_space().space] == ["a"]


def test_a_state_comes_back(kt, oracle, tmp_path):
    for value in (0.1, 0.2):
        end(oracle, oracle.create_trial("a"), value)
    running = oracle.create_trial("a")
    oracle.save()
    fresh = prepared(
        kt.oracles.RandomSearchOracle(objective=kt.Objective("score", "max"), max_trials=20, seed=9), tmp_path
    )
    fresh.reload()
    assert {t: v.score for t, v in fresh.trials.items()} == {"00": 0.1, "01": 0.2, "02": None}
    assert fresh.start_order == ["00", "01", "02"] and fresh.end_order == ["00", "01"] and fresh.seed == 1
    assert fresh.create_trial("a").trial_id == running.trial_id, "what was running runs again"


def test_synchronized_methods_exclude_each_other_and_may_nest(kt, tmp_path):
    inside, seen = [], []

    class Slow(kt.oracles.RandomSearchOracle):
        @kt.synchronized
        def update_trial(self, trial_id, metrics, step=0):
            inside.append(trial_id)
            seen.append(len(inside))
            super().update_trial(trial_id, metrics, step)
            inside.pop()

    oracle = prepared(Slow(max_trials=8, hyperparameters=space(kt, lambda hp: hp.Int("a", 0, 999)), seed=0), tmp_path)
    trials = [oracle.create_trial(str(i)) for i in range(8)]
    threads = [
        threading.Thread(target=oracle.update_trial, args=(t.trial_id, {"default_objective": 1.0})) for t in trials
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1] * 8


# --- random ------------------------------------------------------------------------------------------


def test_random_search_repeats_nothing_and_stops(kt, tmp_path):
    hp = space(kt, lambda hp: (hp.Choice("a", [1, 2, 3]), hp.Boolean("b")))
    oracle = prepared(kt.oracles.RandomSearchOracle(max_trials=100, hyperparameters=hp, seed=1), tmp_path)
    values = run(oracle, lambda v: v["a"])
    assert len({tuple(sorted(v.items())) for v in values}) == len(values) <= 6


def test_a_seed_gives_the_same_trials_as_under_kerastuner(kt, tmp_path):
    hp = space(kt, lambda hp: (hp.Int("a", 0, 999), hp.Float("b", 1e-4, 1, sampling="log"), hp.Choice("c", "xyz")))
    oracle = prepared(kt.oracles.RandomSearchOracle(max_trials=3, hyperparameters=hp, seed=7), tmp_path)
    values = run(oracle, lambda v: v["a"])
    assert [(v["a"], round(v["b"], 7), v["c"]) for v in values] == [
        (323, 0.0008069, "y"),
        (571, 0.0064494, "y"),
        (259, 0.0002675, "z"),
    ]


# --- grid --------------------------------------------------------------------------------------------


def test_grid_search_takes_the_default_first_and_the_last_parameter_fastest(kt, tmp_path):
    hp = space(kt, lambda hp: (hp.Choice("a", [1, 2, 3], default=2), hp.Boolean("b"), hp.Fixed("k", 5)))
    oracle = prepared(kt.oracles.GridSearchOracle(hyperparameters=hp), tmp_path)
    values = run(oracle, lambda v: v["a"])
    assert [(v["a"], v["b"]) for v in values] == list(itertools.product([2, 1, 3], [False, True]))


def test_grid_search_skips_what_is_inactive(kt, tmp_path):
    def declare(hp):
        hp.Choice("kind", ["a", "b"])
        with hp.conditional_scope("kind", ["b"]):
            hp.Int("n", 1, 3)

    oracle = prepared(kt.oracles.GridSearchOracle(hyperparameters=space(kt, declare)), tmp_path)
    values = run(oracle, lambda v: 1.0)
    assert [tuple(v.values()) for v in values] == [("a",), ("b", 1), ("b", 2), ("b", 3)]


def test_grid_search_finds_what_appears_on_the_way(kt, tmp_path):
    oracle = prepared(kt.oracles.GridSearchOracle(), tmp_path)
    seen = []
    while (trial := oracle.create_trial("a")).status == "RUNNING":
        hp = trial.hyperparameters
        if hp.Choice("a", [1, 2]) == 2:
            with hp.conditional_scope("a", [2]):
                hp.Choice("b", ["x", "y"])
        seen.append(tuple(hp.values.values()))
        end(oracle, trial, 1.0)
    assert seen == [(1,), (2, "x"), (2, "y")]


def test_grid_search_waits_for_a_running_trial_that_may_show_more(kt, tmp_path):
    hp = space(kt, lambda hp: hp.Choice("a", [1, 2]))
    oracle = prepared(kt.oracles.GridSearchOracle(hyperparameters=hp), tmp_path)
    first, second = oracle.create_trial("a"), oracle.create_trial("b")
    assert oracle.create_trial("c").status == "IDLE"
    end(oracle, first, 1.0)
    assert oracle.create_trial("c").status == "IDLE"
    end(oracle, second, 1.0)
    assert oracle.create_trial("c").status == "STOPPED"


# --- hyperband ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("max_epochs", "factor", "trials", "epochs"),
    [(10, 3, 30, {2: 12, 4: 10, 10: 8}), (8, 2, 36, None), (3, 3, 6, None), (1, 3, 1, None), (81, 3, 211, None)],
)
def test_hyperband_runs_kerastuners_plan(kt, tmp_path, max_epochs, factor, trials, epochs):
    hp = space(kt, lambda hp: hp.Float("a", 0, 1))
    oracle = prepared(
        kt.oracles.HyperbandOracle(max_epochs=max_epochs, factor=factor, hyperparameters=hp, seed=1), tmp_path
    )
    values = run(oracle, lambda v: v["a"], limit=300)
    assert len(values) == trials
    if epochs:
        assert {e: sum(v["tuner/epochs"] == e for v in values) for e in epochs} == epochs


def test_hyperband_promotes_the_best_and_says_from_where(kt, tmp_path):
    hp = space(kt, lambda hp: hp.Float("a", 0, 1))
    oracle = prepared(
        kt.oracles.HyperbandOracle(
            objective=kt.Objective("score", "max"), max_epochs=9, factor=3, hyperparameters=hp, seed=5
        ),
        tmp_path,
    )
    run(oracle, lambda v: v["a"])
    trials = list(oracle.trials.values())
    assert trials[0].trial_id == "0000"
    first = [t for t in trials if t.hyperparameters["tuner/round"] == 0 and t.hyperparameters["tuner/bracket"] == 2]
    promoted = [t for t in trials if t.hyperparameters["tuner/round"] == 1 and t.hyperparameters["tuner/bracket"] == 2]
    best = sorted(first, key=lambda t: -t.score)[: len(promoted)]
    assert [t.hyperparameters["tuner/trial_id"] for t in promoted] == [t.trial_id for t in best]
    assert all(t.hyperparameters["tuner/epochs"] == 3 for t in promoted)
    assert all(t.hyperparameters["tuner/initial_epoch"] == 1 for t in promoted)
    assert [t.hyperparameters["a"] for t in promoted] == [t.hyperparameters["a"] for t in best]


def test_hyperband_goes_on_from_its_state(kt, tmp_path):
    def make():
        hp = space(kt, lambda hp: hp.Float("a", 0, 1))
        return prepared(kt.oracles.HyperbandOracle(max_epochs=9, factor=3, hyperparameters=hp, seed=5), tmp_path)

    oracle = make()
    for _ in range(12):
        trial = oracle.create_trial("a")
        end(oracle, trial, trial.hyperparameters["a"])
    resumed = make()
    resumed.reload()
    run(resumed, lambda v: v["a"])
    (tmp_path / "q").mkdir()
    whole = prepared(make(), tmp_path / "q")
    run(whole, lambda v: v["a"])
    assert {i: t.hyperparameters.values for i, t in resumed.trials.items()} == {
        i: t.hyperparameters.values for i, t in whole.trials.items()
    }


def test_hyperband_wants_a_factor_above_one(kt):
    with pytest.raises(ValueError):
        kt.oracles.HyperbandOracle(factor=1)


# --- bayesian ----------------------------------------------------------------------------------------


def test_bayesian_search_comes_closer_than_its_random_start(kt, tmp_path):
    hp = space(kt, lambda hp: (hp.Float("a", 0, 1), hp.Int("b", 1, 50), hp.Choice("c", ["x", "y"])))
    oracle = prepared(
        kt.oracles.BayesianOptimizationOracle(max_trials=14, num_initial_points=8, hyperparameters=hp, seed=2), tmp_path
    )
    scores = [loss(v) for v in run(oracle, loss)]
    assert min(scores[8:]) < min(scores[:8])


def loss(v):
    return (v["a"] - 0.3) ** 2 + ((v["b"] - 40) / 50) ** 2 + (v["c"] == "y")


def test_bayesian_search_lives_with_conditions_and_infinite_scores(kt, tmp_path):
    def declare(hp):
        hp.Choice("kind", ["a", "b"])
        with hp.conditional_scope("kind", ["b"]):
            hp.Float("n", 1e-3, 1, sampling="log")

    oracle = prepared(
        kt.oracles.BayesianOptimizationOracle(
            max_trials=8, num_initial_points=2, hyperparameters=space(kt, declare), seed=2
        ),
        tmp_path,
    )
    values = run(oracle, lambda v: float("inf") if v["kind"] == "a" else v["n"])
    assert all(("n" in v) == (v["kind"] == "b") for v in values)
