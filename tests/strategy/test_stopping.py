"""Stopping: near the optimum, not on a plateau, never early; and how far a value is off."""

from __future__ import annotations

import math

import numpy as np
import pytest
from small_space import Part, Small, end, floats, search

from modelwright.core import records as r
from modelwright.core.history import History
from modelwright.core.objective import Objective
from modelwright.core.rng import Seed
from modelwright.strategy.random import Random
from modelwright.strategy.stopping import due, enough, least, noise, prospect

MAX = (Objective("value", "max"),)
SEED = Seed(0)


def bowl(config) -> float:
    return -sum((v - 0.3) ** 2 for v in config.values())


def after(values, *, space=None, objectives=MAX, seed: int = 0) -> History:
    """A history of random configurations with these values; None is a failure."""
    history, rng = History(objectives), np.random.default_rng(seed)
    space = space or floats(2)
    for value in values:
        end(history, space.sample(rng), value, state="failed" if value is None else "complete")
    return history


def test_a_search_that_is_near_the_optimum_ends():
    near = np.random.default_rng(0)

    def closing_in(strategy_trial: int) -> np.ndarray:
        return np.clip(0.3 + near.normal(size=2) * 0.5 * 0.9**strategy_trial, 0, 1)

    history = History(MAX)
    for number in range(60):
        x = closing_in(number)
        end(history, {"x0": float(x[0]), "x1": float(x[1])}, bowl({"x0": x[0], "x1": x[1]}))
    found = enough(history, floats(2), SEED, 0.001)
    assert found and found["gain"] < 0.001 and "20 more trials would gain about" in found["why"]
    best = history.best()
    assert best is not None and best.values is not None and best.values[0] > -0.001


def test_the_estimate_is_what_random_trials_had_left_to_gain():
    history = search(Random(), floats(3), bowl, 60, seed=SEED)
    left = -max(row.values[0] for row in history.rows)
    found = prospect(history, floats(3), SEED)
    assert found and found.model and left / 4 < found.gain < 4 * left


def test_a_plateau_of_noise_is_no_reason_to_end():
    """The first trials see noise alone; the good corner is small."""
    rng = np.random.default_rng(1)

    def corner(config) -> float:
        return (1.0 if all(v > 0.95 for v in config.values()) else 0.0) + 0.01 * rng.normal()

    history = search(Random(), floats(3), corner, 40, seed=SEED)
    assert max(row.values[0] for row in history.rows) < 0.5
    assert not any(enough(_first(history, count), floats(3), SEED, 0.05) for count in (25, 30, 35, 40))


def _first(history: History, count: int) -> History:
    part = History(history.objectives)
    part.extend(event for event in history if getattr(event, "number", 0) < count)
    return part


def test_pure_noise_ends_a_search_after_a_hundred_trials_and_not_before():
    rng = np.random.default_rng(0)
    history = after([float(rng.normal()) for _ in range(100)])
    for row in history.rows:
        row.facts["executions"] = [row.values[0] + 1.0, row.values[0] - 1.0]
    assert not enough(_facts_too(history, 95), floats(2), SEED, "noise")
    found = enough(history, floats(2), SEED, "noise")
    assert found and "the noise, 1 (the spread between executions)" in found["why"]


def _facts_too(history: History, count: int) -> History:
    part = _first(history, count)
    for row, known in zip(part.rows, history.rows):
        row.facts = known.facts
    return part


def test_it_never_ends_before_the_least():
    history = after([-0.5 + 1e-9 * i for i in range(24)])
    assert enough(history, floats(2), SEED, 1e6) is None
    assert least(2) == 25 and not due(24, 2) and due(25, 2)


def test_an_estimate_that_was_too_low_before_is_raised():
    """The first half promises nothing; then a jump."""
    values = [0.1 + 0.001 * math.sin(i) for i in range(20)]
    history = after([*values, *(0.5 + 0.001 * math.sin(i) for i in range(20))], seed=3)
    plain = prospect(history, floats(2), SEED, checked=False)
    raised = prospect(history, floats(2), SEED)
    assert plain and raised and raised.gain >= plain.gain


def test_a_space_that_is_used_up_has_nothing_left():
    space = Small(Part("a", 4, "categorical"), Part("b", 4))
    history = History(MAX)
    for config in space.enumerate():
        end(history, config, float(config["a"]))
    found = prospect(history, space, SEED)
    assert found and found.gain == 0 and found.ahead == 0


@pytest.mark.parametrize(
    "values",
    [
        [],
        [1.0],
        [None] * 30,
        [1.0] * 40,
        [math.nan] * 30 + [1.0],
        [1e300, -1e300] * 20,
        [math.inf, 1.0, 2.0] * 15,
        [1e-300 * i for i in range(40)],
        [5e-324 * (i % 3) for i in range(40)],
    ],
)
def test_whatever_the_trials_hold_nothing_is_raised(values):
    history = after(values)
    found = prospect(history, floats(2), SEED)
    assert found is None or (found.gain >= 0 and math.isfinite(found.gain))
    assert enough(history, floats(2), SEED, "noise") is None or found is not None
    noise(history)


@pytest.mark.parametrize("width", [1, 200])
def test_one_axis_and_two_hundred(width):
    space = floats(width)
    history = search(Random(), space, lambda c: c["x0"], 40, seed=SEED)
    found = prospect(history, space, SEED)
    assert found and math.isfinite(found.gain) and found.gain >= 0


def test_conditional_axes_and_categories():
    space = Small(Part("kind", 3, "categorical"), Part("inner", None, only_if=("kind", 1)), Part("x"))
    history = search(Random(), space, lambda c: c["x"] + c.get("inner", 0.0), 50, seed=SEED)
    found = prospect(history, space, SEED)
    assert found and found.model and 0 <= found.gain < 1


def test_each_objective_has_a_prospect_and_all_must_be_done():
    both = (Objective("value", "max"), Objective("cost", "min"))
    history = search(Random(), floats(2), lambda c: (bowl(c), c["x0"]), 40, seed=SEED, history=History(both))
    one, two = (prospect(history, floats(2), SEED, place) for place in (0, 1))
    assert one and two and one.gain != two.gain
    assert enough(history, floats(2), SEED, min(one.gain, two.gain)) is None


# --- noise ----------------------------------------------------------------------------------------------


def test_executions_tell_how_far_their_mean_is_off():
    history = after([0.5] * 3)
    for row in history.rows:
        row.facts["executions"] = [{"value": 0.4}, {"value": 0.6}]
    found = noise(history)
    assert found and found.value == pytest.approx(math.sqrt(0.02) / math.sqrt(2)) and "executions" in found.source


def test_confirming_runs_tell():
    history = after([0.5, 0.6])
    for run, value in enumerate((0.4, 0.6)):
        history.extend([r.Noted(kind="confirm", data={"number": 1, "run": run, "value": value, "state": "complete"})])
    found = noise(history)
    assert found and found.value == pytest.approx(math.sqrt(0.02)) and "confirmed" in found.source


def test_folds_tell_with_the_correction_for_shared_training_data():
    history = after([0.5])
    history.rows[0].facts["folds"] = {"value": [0.4, 0.5, 0.6, 0.5, 0.5]}
    found = noise(history)
    spread = float(np.std([0.4, 0.5, 0.6, 0.5, 0.5], ddof=1))
    assert found and found.value == pytest.approx(spread * math.sqrt(1 / 5 + 1 / 4))


def test_equal_configurations_tell():
    history = History(MAX)
    for value in (1.0, 1.2):
        end(history, {"x0": 0.5, "x1": 0.5}, value)
    found = noise(history)
    assert found and found.value == pytest.approx(float(np.std([1.0, 1.2], ddof=1)))


def test_the_model_tells_where_nothing_else_does_and_is_silent_of_exact_values():
    rng = np.random.default_rng(0)
    exact = search(Random(), floats(2), bowl, 60, seed=SEED)
    off = search(Random(), floats(2), lambda c: bowl(c) + 0.05 * rng.normal(), 80, seed=SEED)
    assert noise(exact) is None and noise(off) is None
    one, two = prospect(exact, floats(2), SEED), prospect(off, floats(2), SEED)
    assert one and one.noise is None
    assert two and two.noise and two.noise.value == pytest.approx(0.05, rel=0.5)
