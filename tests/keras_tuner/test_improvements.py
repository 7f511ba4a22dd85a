"""Where the drop-in deliberately differs from KerasTuner 1.4.8: each entry of docs/keras_tuner.md has its test."""

from __future__ import annotations

import copy
import importlib.util
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core.errors import StoreError
from modelwright.keras_tuner.engine.base_tuner import BaseTuner
from modelwright.keras_tuner.engine.hyperparameters import Choice, Float, Int
from modelwright.keras_tuner.errors import FatalRuntimeError


def space(kt, declare):
    hp = kt.HyperParameters()
    declare(hp)
    return hp


# --- values --------------------------------------------------------------------------------------


@st.composite
def numbers(draw):
    sampling = draw(st.sampled_from(["linear", "log", "reverse_log"]))
    low = draw(st.integers(1 if sampling != "linear" else -50, 3000))
    high = low + draw(st.integers(0, 3000))
    step = draw(st.none() | st.integers(2, 7))
    if draw(st.booleans()):
        return Int("x", low, high, step=step, sampling=sampling)
    scale = draw(st.sampled_from([1.0, 0.1, 1e-3]))
    return Float("x", low * scale, high * scale, step=step if sampling != "linear" else step and step * scale,
                 sampling=sampling)  # fmt: skip


@given(hp=numbers(), prob=st.floats(0, 1))
def test_no_value_leaves_its_range(hp, prob):
    value = hp.prob_to_value(prob)
    assert hp.min_value <= value <= hp.max_value
    assert type(value) is (int if isinstance(hp, Int) else float)


@given(hp=numbers(), prob=st.floats(0, 1))
def test_a_value_and_its_probability_belong_together(hp, prob):
    value = hp.prob_to_value(prob)
    assert hp.prob_to_value(hp.value_to_prob(value)) == pytest.approx(value, rel=1e-6, abs=1e-9)


def test_the_largest_value_is_reached():
    assert Int("x", 8, 2981, sampling="reverse_log").prob_to_value(1.0) == 2981
    assert list(Float("x", 0, 1, step=0.2).values) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert Float("x", 0.1, 0.3, step=0.1).prob_to_value(0.99) == 0.3


def test_values_of_a_choice_keep_their_type():
    assert Choice("x", [True, False]).values == [True, False] and Choice("x", [True, False]).default is True
    assert Choice("x", [np.int64(2), np.int64(4)]).values == [2, 4]


def test_the_values_of_an_integer_are_integers_also_on_a_logarithmic_scale():
    assert all(type(v) is int for v in Int("x", 2, 32, step=2, sampling="log").values)


# --- oracles -------------------------------------------------------------------------------------


def test_the_seed_zero_counts(kt):
    assert kt.oracles.RandomSearchOracle(seed=0).seed == 0


class Plain(BaseTuner):
    def __init__(self, oracle, function, **kwargs):
        self.function = function
        super().__init__(oracle, **kwargs)

    def run_trial(self, trial, *args, **kwargs):
        return self.function(trial.hyperparameters)


def plain(oracle, function, tmp_path, **kwargs):
    tuner = Plain(oracle, function, directory=tmp_path, project_name="p", **kwargs)
    tuner.search(verbose=0)
    return tuner


@pytest.mark.parametrize("oracle", ["RandomSearchOracle", "BayesianOptimizationOracle"])
def test_a_finite_space_is_used_up_before_the_search_stops(kt, tmp_path, oracle):
    hp = space(kt, lambda hp: (hp.Int("a", 1, 5), hp.Boolean("b")))
    made = getattr(kt.oracles, oracle)(max_trials=1000, hyperparameters=hp, seed=0)
    tuner = plain(made, lambda hp: hp["a"], tmp_path)
    values = {(t.hyperparameters["a"], t.hyperparameters["b"]) for t in tuner.oracle.trials.values()}
    assert len(tuner.oracle.trials) == 10 and values == set(itertools.product(range(1, 6), [False, True]))


def test_bayesian_search_repeats_nothing(kt, tmp_path):
    hp = space(kt, lambda hp: hp.Int("a", 1, 40))
    oracle = kt.oracles.BayesianOptimizationOracle(max_trials=20, hyperparameters=hp, seed=1)
    tuner = plain(oracle, lambda hp: (hp["a"] - 17) ** 2, tmp_path)
    values = [t.hyperparameters["a"] for t in tuner.oracle.trials.values()]
    assert len(set(values)) == 20 and 17 in values


def test_the_same_seed_gives_the_same_search(kt, tmp_path):
    def values(name):
        hp = space(kt, lambda hp: (hp.Float("a", 0, 1), hp.Choice("b", ["x", "y"])))
        oracle = kt.oracles.BayesianOptimizationOracle(max_trials=9, num_initial_points=4, hyperparameters=hp, seed=5)
        tuner = plain(oracle, lambda hp: hp["a"] + (hp["b"] == "x"), tmp_path / name)
        return [t.hyperparameters.values for t in tuner.oracle.trials.values()]

    assert values("one") == values("two")


def test_hyperband_ends_well_in_a_small_space(kt, tmp_path):
    hp = space(kt, lambda hp: hp.Int("a", 1, 5))
    oracle = kt.oracles.HyperbandOracle(max_epochs=9, factor=3, hyperparameters=hp, seed=0)
    tuner = plain(oracle, lambda hp: float(hp["a"]), tmp_path)
    trials = list(tuner.oracle.trials.values())
    assert {t.hyperparameters["a"] for t in trials} == {1, 2, 3, 4, 5}
    longest = [t for t in trials if t.hyperparameters["tuner/epochs"] == 9]
    assert [t.hyperparameters["a"] for t in longest] == [1], "the best of them got through all rounds"


def test_hyperband_promotes_although_some_trials_failed(kt, tmp_path):
    def function(hp):
        if hp["tuner/round"] == 0 and hp["tuner/bracket"] == 2 and len(calls) % 2:
            calls.append(1)
            raise ValueError("every other")
        calls.append(1)
        return hp["a"]

    calls = []
    hp = space(kt, lambda hp: hp.Float("a", 0, 1))
    oracle = kt.oracles.HyperbandOracle(max_epochs=9, factor=3, hyperparameters=hp, seed=0)
    tuner = plain(oracle, function, tmp_path)
    rounds = [t.hyperparameters["tuner/round"] for t in tuner.oracle.trials.values()
              if t.hyperparameters["tuner/bracket"] == 2]  # fmt: skip
    assert rounds.count(1) == 3 and rounds.count(2) == 1


def test_a_trial_that_is_tried_again_begins_with_a_clean_record(kt, tmp_path):
    scores = iter([math.nan, 2.0])
    oracle = kt.oracles.RandomSearchOracle(max_trials=1, max_retries_per_trial=1)
    tuner = plain(oracle, lambda hp: next(scores), tmp_path)
    assert tuner.oracle.trials["0"].score == 2.0


def test_configurations_that_cannot_be_run_do_not_end_a_search(kt, sub, tmp_path):
    def function(hp):
        if hp.Int("a", 0, 99) % 4:
            raise MemoryError
        return 1.0

    hp = space(kt, lambda hp: hp.Int("a", 0, 9))
    tuner = plain(kt.oracles.GridSearchOracle(hyperparameters=hp), function, tmp_path)
    states = [t.status for t in tuner.oracle.trials.values()]
    assert len(states) == 10 and states.count("COMPLETED") == 3


def test_an_old_streak_of_failures_does_not_end_a_resumed_search(kt, tmp_path):
    def function(hp):
        hp.Float("a", 0, 1)
        if broken:
            raise ValueError("a bug")
        return 1.0

    broken = [1]
    with pytest.raises(RuntimeError):
        plain(kt.oracles.RandomSearchOracle(max_trials=6, seed=1), function, tmp_path)
    broken.clear()
    tuner = plain(kt.oracles.RandomSearchOracle(max_trials=6, seed=1), function, tmp_path)
    assert [t.status for t in tuner.oracle.trials.values()] == ["FAILED"] * 3 + ["COMPLETED"] * 3


def test_a_lock_is_released_when_a_method_raises(kt, tmp_path):
    oracle = kt.oracles.RandomSearchOracle(objective="loss")
    oracle._set_project_dir(tmp_path, "p")
    oracle.verbose = 0
    trial = oracle.create_trial("a")
    with pytest.raises(ValueError):
        oracle.update_trial(trial.trial_id, {})
    import threading

    done = threading.Thread(target=lambda: oracle.update_trial(trial.trial_id, {"loss": 1.0}), daemon=True)
    done.start()
    done.join(10)
    assert not done.is_alive()


# --- objectives ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["val_f1_score", "val_auc_1", "r2_score", "val_mean_io_u"])
def test_more_directions_are_known(kt, name):
    assert kt.oracles.RandomSearchOracle(objective=name).objective.direction == "max"


def test_a_direction_that_is_none_is_refused_at_once(kt):
    with pytest.raises(ValueError, match="maximize"):
        kt.Objective("loss", "maximize")


def test_several_objectives_may_be_returned_as_a_dict(kt, tmp_path):
    oracle = kt.oracles.RandomSearchOracle(objective=["loss", kt.Objective("gain", "max")], max_trials=1)
    tuner = plain(oracle, lambda hp: {"loss": 3.0, "gain": 1.0}, tmp_path)
    assert tuner.oracle.trials["0"].score == 2.0


# --- tuners --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("objective", "error"), [("val_loss", ValueError), (None, TypeError)])
def test_a_missing_objective_is_found_after_the_first_epoch(kt, build, tiny, tmp_path, objective, error):
    epochs = []

    class Watched(kt.RandomSearch):
        def on_epoch_end(self, trial, model, epoch, logs=None):
            epochs.append(epoch)

    tuner = Watched(build, objective=objective, max_trials=5, directory=tmp_path, project_name="p")
    with pytest.raises(error, match=r"'acc', 'loss'"):
        tuner.search(*tiny, epochs=5, verbose=0)
    assert epochs == [0]


def test_a_model_that_is_not_compiled_is_told_at_once(kt, tiny, tmp_path):
    import keras

    def build(hp):
        return keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])

    tuner = kt.RandomSearch(build, objective="val_loss", max_trials=5, directory=tmp_path, project_name="p")
    with pytest.raises(ValueError, match="not compiled"):
        tuner.search(*tiny, verbose=0)


def test_scores_that_are_no_numbers_do_not_end_a_search(kt, tmp_path):
    hp = space(kt, lambda hp: hp.Int("a", 0, 9))
    tuner = plain(kt.oracles.GridSearchOracle(hyperparameters=hp), lambda hp: math.nan if hp["a"] else 1.0, tmp_path)
    states = [t.status for t in tuner.oracle.trials.values()]
    assert states == ["COMPLETED"] + ["FAILED"] * 9
    assert "not a number" in tuner.oracle.trials["0001"].message


def test_a_folder_that_cannot_be_written_is_named(kt, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"file.*cannot be written.*directory="):
        plain(kt.oracles.RandomSearchOracle(), lambda hp: 1.0, tmp_path / "file")


def test_a_chief_is_refused_with_the_way_out(kt, monkeypatch, tmp_path):
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    with pytest.raises(FatalRuntimeError, match="workers=2"):
        Plain(kt.oracles.RandomSearchOracle(), lambda hp: 1.0, directory=tmp_path)


def test_protobufs_are_refused_with_the_way_out(kt):
    with pytest.raises(NotImplementedError, match="get_config"):
        kt.HyperParameters().to_proto()


def test_a_condition_that_can_never_hold_does_not_hang(kt, tmp_path):
    def build(hp):
        hp.Choice("kind", ["a", "b"])
        with hp.conditional_scope("kind", ["a"]):
            hp.Int("n", 1, 3)
            with hp.conditional_scope("kind", ["b"]):
                hp.Int("m", 1, 3)

    tuner = Plain(kt.oracles.RandomSearchOracle(), None, hypermodel=build, directory=tmp_path)
    assert [hp.name for hp in tuner.oracle.get_space().space] == ["kind", "n", "m"]


def test_a_scope_may_depend_on_what_was_declared_outside_the_scope_around_it(kt):
    hp = kt.HyperParameters()
    hp.Choice("kind", ["a", "b"])
    hp.Boolean("deep", default=True)
    with hp.conditional_scope("kind", ["a"]), hp.conditional_scope("deep", [True]):
        assert hp.Int("n", 1, 3) == 1


def test_an_import_needs_no_keras():
    import subprocess
    import sys

    code = "import sys, modelwright.keras_tuner; print([m for m in ('keras', 'jax', 'sqlalchemy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr


def test_a_promoted_trial_goes_on_with_the_state_of_the_optimizer(kt, build, tiny, tmp_path):
    steps = {}

    class Watched(kt.Hyperband):
        def on_epoch_begin(self, trial, model, epoch, logs=None):
            steps.setdefault(trial.trial_id, int(model.optimizer.iterations))

    tuner = Watched(build, objective="val_loss", max_epochs=4, factor=2, seed=0, directory=tmp_path, project_name="p")
    tuner.search(*tiny, validation_split=0.25, batch_size=8, verbose=0)
    batches = 3
    for trial_id, trial in tuner.oracle.trials.items():
        assert steps[trial_id] == batches * trial.hyperparameters["tuner/initial_epoch"]


@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is not None, reason="TensorFlow is installed")
def test_tensorboard_without_tensorflow_ends_the_search_with_what_to_do(kt, build, tiny, tmp_path):
    import keras

    tuner = kt.RandomSearch(build, objective="val_loss", max_trials=5, directory=tmp_path, project_name="p")
    with pytest.raises(FatalRuntimeError, match=r"pip install tensorflow.*leave the callback out"):
        tuner.search(*tiny, callbacks=[keras.callbacks.TensorBoard(tmp_path / "logs")], verbose=0)
    assert len(tuner.oracle.trials) == 1


def test_each_execution_has_a_folder_for_a_tensorboard_that_needs_no_tensorflow(kt, build, tiny, tmp_path):
    import keras

    class TensorBoard(keras.callbacks.Callback):
        def __init__(self, log_dir):
            super().__init__()
            self.log_dir = log_dir

        def on_train_end(self, logs=None):
            seen.append(self.log_dir)

    seen = []
    tuner = kt.RandomSearch(
        build, objective="loss", max_trials=1, executions_per_trial=2, directory=tmp_path, project_name="p"
    )
    tuner.search(*tiny, callbacks=TensorBoard("logs"), verbose=0)
    assert seen == ["logs/0/execution0", "logs/0/execution1"]


def test_a_callback_used_before_is_copied_without_the_model_of_that_fit(kt, build, tiny, tmp_path):
    import keras

    class Kept(keras.callbacks.Callback):
        def __deepcopy__(self, memo):
            made = Kept()
            made.model_before = copy.deepcopy(self._model, memo)
            copies.append(made)
            return made

    copies = []
    used = Kept()
    used.set_model(build(kt.HyperParameters()))
    tuner = kt.RandomSearch(build, objective="loss", max_trials=1, directory=tmp_path, project_name="p")
    tuner.search(*tiny, callbacks=[used], verbose=0)
    assert len(copies) == 1 and copies[0].model_before is None and used.model is not copies[0].model


def test_an_efficientnet_without_a_download(kt):
    hp = kt.HyperParameters()
    make = kt.applications.HyperEfficientNet(input_shape=(32, 32, 1), classes=3, weights=None)
    model = make.build(hp)
    assert [p.name for p in hp.space] == ["version", "pooling", "top_dropout_rate", "learning_rate"]
    assert model.output_shape == (None, 3)


def test_directions_of_augmentation_are_what_their_names_say(kt):
    import keras

    hp = kt.HyperParameters()
    hp.Fixed("factor_translate_x", 0.5)
    make = kt.applications.HyperImageAugment(
        input_shape=(4, 8, 1), rotate=None, contrast=None, translate_y=None, augment_layers=0
    )
    rows = np.arange(4, dtype="float32")[None, :, None, None] * np.ones((1, 4, 8, 1), "float32")
    keras.utils.set_random_seed(0)
    np.testing.assert_allclose(make.build(hp)(rows, training=True), rows, atol=1e-5)


def test_without_a_seed_pythons_own_generator_decides_and_is_left_alone(kt):
    import random

    random.seed(5)
    expected = random.random()
    random.seed(5)
    seeds = {kt.oracles.RandomSearchOracle().seed for _ in range(20)}
    assert len(seeds) > 10 and random.random() == expected
