"""What nas.search is asked for, checked before anything runs."""

import warnings

import numpy as np
import pytest

import modelwright as mw
from modelwright import nas
from modelwright.core.errors import ArgumentError
from modelwright.core.objective import parse_objective
from modelwright.nas.asked import class_weights
from modelwright.nas.dataset import dataset
from modelwright.nas.measures import MEASURES
from modelwright.nas.recipe import Recipe
from modelwright.nas.task import METRICS

pytest.importorskip("keras")
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
Y = np.arange(60) % 2


def tiny(hp, x):
    return x.dense(hp.Int("units", 2, 8)).relu().dense(2)


def searched(y=Y, **options):
    options = {"trials": 1, "epochs": 1, "plan": None, "strategy": "random", **options}
    return mw.nas.search(nas.Architecture(tiny, (3,)), X, y, store=":memory:", verbose=0, **options)


# --- recipes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [{"rate": -1}, {"rate": 0}, {"rate": "high"}, {"rate": float("nan")}, {"batch": 0}, {"batch": "32"},
     {"batch": 32.5}, {"smoothing": 1}, {"shift": -1}, {"decay": -1}, {"rise": 1}, {"mirror": "yes"},
     {"erase": 1.5}],
)  # fmt: skip
def test_a_recipe_that_cannot_be_followed(given):
    with pytest.raises(ArgumentError, match=f"{next(iter(given))}=.*Allowed"):
        Recipe(**given)


def test_numbers_of_numpy_are_numbers():
    made = Recipe(rate=np.float32(0.25), batch=np.int64(16))
    assert made == Recipe(rate=0.25, batch=16) and type(made.rate) is float and type(made.batch) is int


@pytest.mark.parametrize("recipe", [{}, 0, "fast"])
def test_what_is_no_recipe(recipe):
    with pytest.raises(ArgumentError, match="recipe is"):
        searched(recipe=recipe)


@pytest.mark.parametrize(
    ("training", "said"),
    [
        (lambda hp: {"lr": 0.1}, "Did you mean 'rate'"),
        (lambda hp: {"smoothin": 0.1}, "Did you mean 'smoothing'"),
        (lambda hp: None, "returned a NoneType"),
        (lambda hp: {"rate": "high"}, "rate='high'"),
        ({"rate": 0.1}, "training is a dict"),
    ],
)
def test_a_training_function_that_gives_no_fields(training, said):
    with pytest.raises(ArgumentError, match=said):
        searched(training=training)


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"objective": "val_acc"}, "Did you mean 'val_accuracy'"),
        ({"objective": "accuracy"}, "Did you mean 'val_accuracy'"),
        ({"objective": "acc"}, "Did you mean 'val_accuracy'"),
        ({"objective": "r2"}, "r2 is no metric of multiclass targets"),
        ({"objective": "val_mae"}, "no metric of multiclass targets"),
        ({"constraints": ["param <= 5"]}, "Did you mean 'params'"),
        ({"constraints": ["parameters <= 5"]}, "Did you mean 'params'"),
        ({"constraints": ["latency_ms <= 5"]}, "latency_ms@onnxruntime,b1"),
        ({"constraints": ["latency_ms@raspi4 <= 5"]}, "devices="),
        ({"constraints": ["latency_ms@onnxruntime,bx <= 5"]}, "'bx'"),
    ],
)
def test_names_of_what_is_not_measured(options, said):
    with pytest.raises(ArgumentError, match=said):
        searched(**options)


@pytest.mark.parametrize("name", ["latency_ms@onnxruntime,b1", *MEASURES])
@pytest.mark.parametrize("made", [mw.Minimize, mw.Maximize])
def test_a_plan_does_not_go_by_what_is_known_before_training(name, made):
    y, options = np.tile([[1, 1], [0, 1]], (30, 1)), {"plan": "auto", "strategy": None}
    said = f"'{name}' is known before training.*Allowed: val_accuracy, val_loss, loss; with plan=None any"
    with pytest.raises(ArgumentError, match=f"{said}.*objective='val_accuracy' with a constraint on {name}; or plan"):
        searched(objective=made(name), constraints=["val_accuracy >= 0.7"], **options)
    with pytest.raises(ArgumentError, match=rf"plan=None, objective=\['val_loss', '{name}'\]"):
        searched(y, objective=made(name), **options)


def test_without_a_plan_the_smallest_network_may_be_searched():
    study = searched(objective="params", trials=3)
    assert study.best.value == min(trial.metrics["params"] for trial in study.trials)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"raspi4": {"a": 1}}, r"devices\['raspi4'\] is a dict. Allowed: .*: nas.device_table\('raspi4', "),
        ([1], "devices is a list"),
        ({3: nas.device_table("raspi4", {"a": 1})}, r"devices\[3\] is a DeviceTable"),
    ],
)
def test_tables_of_devices_that_are_none_are_refused_by_the_search_and_the_meter(given, said):
    with pytest.raises(ArgumentError, match=f"^nas.search: {said}"):
        searched(devices=given, constraints=["latency_ms@raspi4 <= 3"])
    with pytest.raises(ArgumentError, match=f"^Meter: {said}"):
        nas.Meter(["latency_ms@raspi4"], devices=given)


def test_names_that_are_measured_pass():
    study = searched(objective="val_loss", constraints=["params <= 500", "val_accuracy >= 0", "duration < 1000"])
    assert study.best.metrics["params"] <= 500


@pytest.mark.parametrize("kind", METRICS)
def test_the_metrics_of_a_task_are_those_that_it_gives(kind):
    several = np.tile([[1, 1], [0, 1]], (30, 1))
    y = {"multiclass": Y, "binary": Y, "multilabel": several, "regression": rng.random(60)}[kind]
    made = dataset(X, y, outputs=1 if kind == "binary" else None)
    _, truth = made.held_back()
    assert made.task.kind == kind and set(made.task.metrics(np.zeros_like(truth), truth)) == set(METRICS[kind])


def test_what_is_measured_is_an_objective_by_its_name():
    names = [name for kind in METRICS.values() for name in kind]
    for name in (*names, *MEASURES, "latency_ms@jax,b1"):
        (found,) = parse_objective(name)
        larger = name in ("val_accuracy", "val_exact", "val_r2")
        assert found.direction == ("max" if larger else "min")


# --- weights of classes --------------------------------------------------------------------------


def test_weights_of_classes_are_by_their_labels():
    data = dataset(X, np.array(["b", "a"] * 30))
    assert class_weights({"b": 3}, data) == {1: 3.0}
    assert class_weights({-1: 2.0, np.int64(1): 0}, dataset(X, Y * 2 - 1)) == {0: 2.0, 1: 0.0}
    assert class_weights("balanced", data) == pytest.approx({0: 1, 1: 1}, abs=0.1)


@pytest.mark.parametrize(
    "given", [{"a": 1}, {7: 1}, {0: -1}, {0: "x"}, {0: float("nan")}, {0: 0, 1: 0}, [1, 2], 5, "x"]
)
def test_weights_that_are_none(given):
    with pytest.raises(ArgumentError, match="class_weight"):
        searched(class_weight=given)


def test_numbers_have_no_classes():
    with pytest.raises(ArgumentError, match="class_weight for regression"):
        class_weights({0: 1}, dataset(X, rng.random(60)))


# --- words of other tools, and how trials run -----------------------------------------------------


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("batch_size", r"batch_size= is written recipe=nas.Recipe\(batch=...\)"),
        ("lr", r"lr= is written recipe=nas.Recipe\(rate=...\)"),
        ("callbacks", r"Allowed: objective, .*How networks are trained goes into recipe=nas.Recipe"),
        ("fit", "How networks are trained"),
        ("validation_split", "validation_split= is written validation=0.15"),
        ("max_trials", "max_trials= is written trials=..."),
        ("max_model_size", "max_model_size= is written constraints="),
        ("train_data", r"by position: mw.nas.search\(space, x, y, ...\)"),
        ("triasl", "Did you mean 'trials'"),
    ],
)
def test_a_keyword_that_a_search_lacks_is_answered_with_what_it_has(word, said):
    with pytest.raises(ArgumentError, match=f"^nas.search: there is no argument {word!r}.*{said}") as caught:
        searched(**{word: 3})
    assert "tune" not in str(caught.value).partition("Allowed: ")[0] + str(caught.value).partition("devices")[2]
    assert "fit=" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"workers": 0}, "^nas.search: workers=0. Allowed: 1, 2, 3"),
        ({"workers": 2, "executor": "serial"}, "^nas.search: workers=2 with the serial"),
        ({"executor": "threads"}, "no executor 'threads'"),
        ({"executor": "serial", "trial_seconds": 3}, "processes of their own"),
        ({"verbose": None}, "^nas.search: verbose=None. Allowed: 0, 1 or 2$"),
        ({"verbose": "auto"}, "^nas.search: verbose='auto'"),
    ],
)
def test_how_trials_run_is_checked_before_anything_is_prepared(options, said):
    with pytest.raises(ArgumentError, match=said):
        mw.nas.search("no space", object(), None, trials=1, store=":memory:", **options)


# --- the rest ------------------------------------------------------------------------------------


@pytest.mark.parametrize("epochs", [float("nan"), float("inf"), 0, -1, "3", True])
def test_epochs_that_are_no_number(epochs):
    with pytest.raises(ArgumentError, match="epochs="):
        searched(epochs=epochs)


def test_epochs_without_effect_are_told_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="epochs=3 has no effect"):
            searched(epochs=3, seconds=5, plan="auto", strategy=None)


def test_any_whole_number_is_a_seed():
    assert len(searched(seed=-1).trials) == 1


def test_messages_name_the_function_that_was_called():
    with pytest.raises(ArgumentError, match="^nas.search: trial_seconds=-1"):
        searched(trial_seconds=-1)


def test_a_space_for_sequences_takes_rows_as_sequences():
    def sequence(hp, x):
        return x.conv(hp.Int("filters", 2, 8), 3).relu().global_avg_pool().dense(2)

    space = nas.Architecture(sequence, (30, 17))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        study = mw.nas.search(space, rng.normal(size=(60, 30, 17)), Y, trials=1, epochs=1, plan=None,
                              strategy="random", store=":memory:", verbose=0)  # fmt: skip
    assert study.best_model().input_shape == (None, 30, 17)
