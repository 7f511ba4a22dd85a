"""Progressive search: levels, what is grown, and that it goes on to the end of a space."""

import numpy as np
import pytest

import modelwright as mw
from modelwright.core.errors import StrategyError
from modelwright.core.rng import Seed
from modelwright.space import HyperParameters, Tree
from modelwright.strategy.ensemble import Ensemble
from modelwright.strategy.progressive import Ladder, Progressive


def deep():
    hp = HyperParameters()
    hp.Float("lr", 1e-4, 1e-1, sampling="log")
    hp.Int("depth", 1, 4)
    for i in range(4):
        with hp.conditional_scope("depth", list(range(i + 1, 5))):
            hp.Choice(f"op{i}", ["a", "b", "c"])
    return hp.tree


def flat(count=6):
    hp = HyperParameters()
    for i in range(count):
        hp.Choice(f"op{i}", ["a", "b", "c"])
    return hp.tree


def searched(space, score, trials, **arguments):
    study = mw.Study(space, objective="maximize", strategy=Progressive(**arguments), store=":memory:", seed=1)
    for _ in range(trials):
        trial = study.ask()
        study.tell(trial, score(trial.config))
    return study


class Named(Tree):
    """A space that says what its levels are."""

    @property
    def levels(self):
        return [{"op1": "c", "op2": "c", "op3": "c"}, {"op2": "c", "op3": "c"}]


def test_a_depth_grows_one_level_after_the_other_and_what_was_decided_stays():
    study = searched(deep(), lambda c: -sum(c[f"op{i}"] != "b" for i in range(c["depth"])) + c["depth"], 40, keep=6)
    shown = [(t.note["level"], t.config["depth"]) for t in study.trials if t.note["by"] == "progressive"]
    assert [level for level, _ in shown] == sorted(level for level, _ in shown)
    assert all(level == depth for level, depth in shown if level <= 4)
    assert study.best.config["depth"] == 4 and [study.best.config[f"op{i}"] for i in range(4)] == ["b"] * 4
    grown = [t.config for t in study.trials if t.note.get("level") == 2]
    first = [t.config for t in study.trials if t.config["depth"] == 1]
    assert {c["op0"] for c in grown} <= {c["op0"] for c in first} and {c["lr"] for c in grown} <= {
        c["lr"] for c in first
    }


def test_a_space_without_depth_lets_its_decisions_go_group_by_group():
    study = searched(flat(), lambda c: sum(v == "b" for v in c.values()), 30, keep=5)
    early = [t.config for t in study.trials if t.note.get("level") == 1]
    assert early and all(c[f"op{i}"] == "a" for c in early for i in range(2, 6))
    assert max(t.note.get("level", 0) for t in study.trials) == 4
    assert study.best.value >= 5


def test_the_levels_that_a_space_names_are_kept():
    study = searched(Named(flat(4).parameters), lambda c: sum(v == "b" for v in c.values()), 20, keep=4)
    by_level = {}
    for trial in study.trials[1:]:
        by_level.setdefault(trial.note["level"], []).append(trial.config)
    assert sorted(by_level) == [1, 2, 3]
    # On the first level op0 alone is free: three candidates, all of them tried.
    assert sorted(c["op0"] for c in by_level[1]) == ["a", "b", "c"]
    assert all(c["op1"] == c["op2"] == c["op3"] == "c" for c in by_level[1])
    assert len(by_level[2]) == 4 and all(c["op2"] == c["op3"] == "c" for c in by_level[2])


def test_held_points_hold_and_grown_ones_keep_what_their_parents_decided():
    space, rng = deep(), np.random.default_rng(0)
    ladder = Ladder.of(space, Seed(0))
    assert ladder.top == 5
    parents = ladder.held(space.sample_vectors(rng, 50), 2, rng)
    grown = ladder.grown(parents, 3, rng)
    for before, after in zip(map(space.decode, parents), map(space.decode, grown), strict=True):
        assert (before["depth"], after["depth"]) == (2, 3)
        assert {n: before[n] for n in ("lr", "op0", "op1")} == {n: after[n] for n in ("lr", "op0", "op1")}


def test_the_surrogate_carries_over_to_larger_configurations():
    """Fitted where three of six decisions are at rest, it ranks those in which all are free."""
    space, rng = flat(), np.random.default_rng(0)
    worth = {"a": 0.0, "b": 1.0, "c": -1.0}
    points = space.sample_vectors(rng, 40)
    scores = np.array([sum(worth[v] for v in space.decode(row).values()) for row in points])
    small = points.copy()
    small[:, 3:] = space.encode(space.default())[3:]
    kept = np.array([sum(worth[v] for v in space.decode(row).values()) for row in small])
    model = Ensemble(small, kept, [True] * 6)
    known = np.array([sum(worth[v] for v in list(space.decode(row).values())[:3]) for row in points])
    mean, std = model.predict(points)
    assert np.corrcoef(mean, known)[0, 1] > 0.8 and np.all(std > 0)
    assert np.corrcoef(Ensemble(points, scores, [True] * 6).predict(points)[0], scores)[0, 1] > 0.95


def test_arguments_that_make_no_sense_are_refused():
    for wrong in ({"keep": 1}, {"neighbours": 1.0}):
        with pytest.raises(StrategyError, match="progressive"):
            Progressive(**wrong)
