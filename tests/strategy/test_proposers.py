"""What each single-fidelity strategy promises beyond the contract, on problems whose answer is known."""

import time

import numpy as np
import pytest

import modelwright as mw
from modelwright.core import records as r
from modelwright.core.errors import StrategyError
from modelwright.core.history import History
from modelwright.core.objective import Objective
from modelwright.strategy.evolution import Evolution
from modelwright.strategy.merit import merits, nondominated_rank
from modelwright.strategy.reinforce import Policy, Reinforce
from modelwright.strategy.sobol import Sobol
from modelwright.strategy.tpe import TPE, Mixture


def searched(strategy, function, trials, seed=0, objective="minimize"):
    return mw.tune(
        function, objective=objective, strategy=strategy, trials=trials, seed=seed, store=":memory:", verbose=0
    )


def bowl(hp):
    return sum((hp.Float(name, -2.0, 2.0) - 0.7) ** 2 for name in "abc")


def cell(hp):
    """Six choices of five; each has one right answer, and the last two depend on each other."""
    chosen = [hp.Choice(f"e{i}", ["a", "b", "c", "d", "e"], ordered=False) for i in range(6)]
    return sum(value == "abcdea"[i] for i, value in enumerate(chosen)) + 2.0 * (chosen[4] == chosen[5])


def best(study):
    return study.best.value


def test_random_search_is_the_same_when_trials_begin_before_the_first_one_showed_the_space(tmp_path):
    def late(hp, trial):
        (tmp_path / str(trial.number)).touch()
        if trial.number == 0:
            until = time.monotonic() + 60
            while not ((tmp_path / "1").exists() and (tmp_path / "2").exists()):
                assert time.monotonic() < until
                time.sleep(0.01)
        return bowl(hp)

    settings = {"objective": "minimize", "strategy": "random", "trials": 6, "store": ":memory:", "verbose": 0}
    study = mw.tune(late, workers=3, **settings)
    assert [t.config for t in study.trials] == [t.config for t in mw.tune(bowl, **settings).trials]


@pytest.mark.parametrize("name", ["tpe", "evolution", "local", "reinforce"])
def test_learning_beats_chance_on_choices(name):
    learned = [best(searched(name, cell, 90, seed, "maximize")) for seed in range(3)]
    chance = [best(searched("random", cell, 90, seed, "maximize")) for seed in range(3)]
    assert np.mean(learned) > np.mean(chance)


@pytest.mark.parametrize("name", ["tpe", "local"])
def test_learning_beats_chance_on_numbers(name):
    learned = [best(searched(name, bowl, 80, seed)) for seed in range(3)]
    chance = [best(searched("random", bowl, 80, seed)) for seed in range(3)]
    assert np.mean(learned) < 0.7 * np.mean(chance)


def test_cma_es_narrows_down_on_a_bowl():
    pytest.importorskip("cmaes")
    study = searched("cma-es", bowl, 160)
    assert best(study) < 1e-3
    assert {t.state for t in study.trials} == {"complete"}


def test_cma_es_says_what_it_does_where_there_are_no_numbers():
    pytest.importorskip("cmaes")
    study = searched("cma-es", cell, 12, objective="maximize")
    notes = [row.note for row in study._machine.history.rows[1:]]
    assert all(note["by"] == "fallback" and "categories" in note["reason"] for note in notes)


def test_sobol_points_visit_every_eighth_of_every_axis():
    study = searched(Sobol(), bowl, 65)
    for name in "abc":
        eighths = np.floor([(t.config[name] + 2.0) / 0.5 for t in study.trials[1:]])
        counts = np.bincount(eighths.clip(0, 7).astype(int), minlength=8)
        assert counts.min() >= 7 and counts.max() <= 9


@pytest.mark.parametrize("name", ["random", "sobol", "tpe", "evolution", "local", "reinforce", "bayesian", "auto"])
def test_known_candidates_that_were_passed_over_are_counted_in_the_note(name):
    def choice(hp):
        return float(hp.Int("a", 0, 5) + hp.Int("b", 0, 4))

    study = searched(name, choice, 40)
    assert len({tuple(trial.config.values()) for trial in study.trials}) == len(study.trials) == 30
    late = [trial.note for trial in study.trials[-5:]]
    assert sum(note.get("skipped", 0) > 0 for note in late) >= 3, late


# --- evolution -----------------------------------------------------------------------------------


def test_who_dies_is_decided_by_the_removal():
    merit = np.array([5.0, 1.0, np.nan, 4.0, -np.inf, 2.0, 3.0])
    assert Evolution(population=3, sample=2, removal="oldest").living(merit).tolist() == [3, 5, 6]
    assert Evolution(population=3, sample=2, removal="worst").living(merit).tolist() == [0, 3, 6]
    assert sorted(Evolution(population=4, sample=2, removal="mixed").living(merit).tolist()) == [0, 3, 5, 6]


def test_a_child_differs_from_its_parent_in_one_decision():
    study = searched(Evolution(population=8, sample=3, mutations=0.0), cell, 40, objective="maximize")
    rows = study._machine.history.rows
    children = [row for row in rows if row.note["by"] == "evolution"]
    assert len(children) > 20
    for row in children:
        parent = rows[row.note["from"]].config
        assert sum(row.config[name] != parent[name] for name in parent) == 1


@pytest.mark.parametrize(
    "wrong", [{"removal": "youngest"}, {"population": 3, "sample": 4}, {"crossover": 2.0}, {"mutations": 1.0}]
)
def test_evolution_refuses_arguments_that_make_no_sense(wrong):
    with pytest.raises(StrategyError, match="allowed|Allowed"):
        Evolution(**wrong)


def test_fronts_and_crowding_order_trials_of_several_objectives():
    history = History((Objective("cost", "min"), Objective("gain", "max")))
    for number, values in enumerate([(1.0, 1.0), (2.0, 3.0), (3.0, 2.0), (1.5, 2.0), (5.0, 0.0)]):
        history.extend(
            [
                r.Proposed(number=number, config={}),
                r.Finished(number=number, state="complete", values=values, metrics={}, fidelity=1.0),
            ]
        )
    history.extend([r.Proposed(number=5, config={}), r.Finished(number=5, state="failed", fidelity=0.0)])
    history.extend([r.Proposed(number=6, config={})])
    found = merits(history)
    assert found[5] == -np.inf and np.isnan(found[6])
    assert min(found[[0, 1, 3]]) > found[2] > found[4]
    assert found[3] < min(found[0], found[1])


def test_the_rank_is_a_permutation_and_respects_dominance():
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 6, size=(40, 3)).astype(float)
    rank = nondominated_rank(scores)
    assert sorted(rank.tolist()) == list(range(40))
    for i in range(40):
        for j in range(40):
            if (scores[i] >= scores[j]).all() and (scores[i] > scores[j]).any():
                assert rank[i] < rank[j]


# --- densities and policies ----------------------------------------------------------------


def test_a_mixture_is_a_density_over_numbers_lattices_and_categories():
    points = np.array([[0.2, 0.1, 0.25], [0.9, 0.5, np.nan], [0.4, 0.9, 0.75]])
    mixture = Mixture.of(points, [0, 0, 2], [None, 5, None])
    line = (np.arange(400) + 0.5) / 400
    whole = 0.0
    for level in (np.arange(5) + 0.5) / 5:
        for category in (0.25, 0.75):
            rows = np.column_stack([line, np.full(400, level), np.full(400, category)])
            whole += np.exp(mixture.log_density(rows)).mean() / 5 / 2
    assert whole == pytest.approx(1.0, abs=0.01)


def test_what_a_mixture_draws_lies_where_it_is_dense():
    mixture = Mixture.of(np.full((20, 1), 0.3), [0], [None])
    drawn = mixture.draw(np.random.default_rng(0), 500)
    assert ((drawn >= 0) & (drawn <= 1)).all()
    assert np.mean(np.abs(drawn - 0.3) < 2.5 * mixture.width) > 0.9
    assert mixture.log_density(np.array([[0.3]])) > mixture.log_density(np.array([[0.95]])) + 1


def test_an_inactive_parameter_does_not_count_in_the_density():
    mixture = Mixture.of(np.array([[0.2, np.nan], [0.3, np.nan]]), [0, 0], [None, None])
    with_, without = mixture.log_density(np.array([[0.25, 0.9], [0.25, np.nan]]))
    assert with_ == pytest.approx(without)


def test_the_policy_moves_toward_what_was_better_than_usual():
    policy = Policy.flat([3, 2])
    policy.learn(np.array([0.1, np.nan]), push=1.0, entropy=0.0)
    assert policy.logits[0][0] > policy.logits[0][1] == policy.logits[0][2]
    assert (policy.logits[1] == 0).all()
    before = policy.spread()
    policy.learn(np.array([0.1, 0.1]), push=0.0, entropy=1.0)
    assert policy.spread() > before


def test_reinforce_settles_on_the_better_choice():
    study = searched(Reinforce(), lambda hp: float(hp.Choice("c", list("abcdefgh")) == "f") + hp.Float("x", 0, 1) * 0.1,
                     60, objective="maximize")  # fmt: skip
    late = [t.config["c"] for t in study.trials[-20:]]
    assert late.count("f") > 10


def test_tpe_refuses_arguments_that_make_no_sense():
    with pytest.raises(StrategyError):
        TPE(initial=1)
