"""Objectives, directions and the record of a trial's metrics."""

from __future__ import annotations

import math

import numpy as np
import pytest


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("accuracy", "max"),
        ("val_acc", "max"),
        ("val_auc", "max"),
        ("weighted_acc", "max"),
        ("val_weighted_loss", "min"),
        ("mse", "min"),
        ("mean_squared_error", "min"),
        ("sparse_categorical_accuracy", "max"),
        ("precision", "max"),
        ("huber", "min"),
        ("my_metric", None),
    ],
)
def test_directions_follow_from_names(sub, name, direction):
    assert sub("engine.metrics_tracking").infer_metric_direction(name) == direction


def test_directions_follow_from_keras_objects(sub):
    import keras

    infer = sub("engine.metrics_tracking").infer_metric_direction
    assert infer(keras.metrics.Accuracy()) == "max"
    assert infer(keras.losses.MeanSquaredError()) == "min"
    assert infer(keras.metrics.binary_accuracy) == "max"
    assert infer(keras.metrics.AUC) == "max"


def test_objectives_are_made_from_names(kt):
    oracle = kt.oracles.RandomSearchOracle(objective="val_loss")
    assert (oracle.objective.name, oracle.objective.direction) == ("val_loss", "min")
    assert str(oracle.objective) == 'Objective(name="val_loss", direction="min")'
    assert oracle.objective == kt.Objective("val_loss", "min")
    assert oracle.objective != kt.Objective("val_loss", "max")


def test_an_unknown_metric_needs_a_direction(kt):
    with pytest.raises(ValueError, match="direction"):
        kt.oracles.RandomSearchOracle(objective="my_metric")
    with pytest.raises(TypeError):
        kt.oracles.RandomSearchOracle(objective=3)


def test_no_objective_is_a_number_to_be_made_small(kt):
    objective = kt.oracles.RandomSearchOracle().objective
    assert (objective.name, objective.direction) == ("default_objective", "min")


def test_several_objectives_are_summed(kt):
    objective = kt.oracles.RandomSearchOracle(objective=["val_loss", kt.Objective("val_acc", "max")]).objective
    assert (objective.name, objective.direction) == ("multi_objective", "min")
    assert objective.get_value({"val_loss": 0.75, "val_acc": 0.5, "other": 9}) == pytest.approx(0.25)
    assert objective.has_value({"val_loss": 1, "val_acc": 1}) and not objective.has_value({"val_loss": 1})
    assert objective.better_than(0.1, 0.2)


def test_a_tracker_keeps_executions_by_step(sub):
    tracker = sub("src.engine.metrics_tracking").MetricsTracker()
    assert tracker.update("val_accuracy", 0.5, step=0)
    assert tracker.update("val_accuracy", 0.7, step=1)
    assert not tracker.update("val_accuracy", 0.6, step=2)
    tracker.update("val_accuracy", 0.9, step=1)
    assert tracker.get_best_value("val_accuracy") == pytest.approx(0.8)
    assert tracker.get_best_step("val_accuracy") == 1
    assert tracker.get_last_value("val_accuracy") == 0.6
    assert tracker.get_direction("val_accuracy") == "max"
    assert [(o.value, o.step) for o in tracker.get_history("val_accuracy")] == [([0.5], 0), ([0.7, 0.9], 1), ([0.6], 2)]
    assert tracker.get_statistics("val_accuracy")["max"] == pytest.approx(0.8)
    with pytest.raises(ValueError, match="Unknown metric"):
        tracker.get_best_value("loss")
    with pytest.raises(ValueError, match="already exists"):
        tracker.register("val_accuracy")


def test_a_tracker_comes_back_from_its_configuration(sub):
    module = sub("src.engine.metrics_tracking")
    tracker = module.MetricsTracker()
    tracker.register("x", direction="max")
    tracker.update("x", np.float32(2), step=3)
    config = tracker.get_config()
    assert config == {"metrics": {"x": {"direction": "max", "observations": [{"value": [2.0], "step": 3}]}}}
    assert module.MetricsTracker.from_config(config).get_config() == config


def test_an_empty_history_has_no_best(sub):
    history = sub("src.engine.metrics_tracking").MetricHistory("min")
    assert history.get_best_value() is None and history.get_best_step() is None and history.get_last_value() is None
    assert history.get_statistics() == {}
    history.update(math.nan, step=0)
    history.update(1.0, step=1)
    assert history.get_best_value() == 1.0
    with pytest.raises(ValueError):
        sub("src.engine.metrics_tracking").MetricHistory("up")


def test_trials_come_back_from_their_state(kt, sub, capsys):
    trial_module = sub("engine.trial")
    hp = kt.HyperParameters()
    hp.Int("i", 1, 5)
    trial = trial_module.Trial(hp, trial_id="07", status="COMPLETED")
    trial.metrics.update("loss", 0.5)
    trial.score = 0.5
    back = trial_module.Trial.from_state(trial.get_state())
    assert (back.trial_id, back.score, back.best_step, back.status) == ("07", 0.5, 0, "COMPLETED")
    assert back.get_state() == trial.get_state()
    back.summary()
    assert capsys.readouterr().out == "Trial 07 summary\nHyperparameters:\ni: 1\nScore: 0.5\n"
    assert trial_module.Trial(hp).trial_id != trial_module.Trial(hp).trial_id
