"""Import paths of KerasTuner: those of 1.4.8, its inner ones, and what scripts for older releases still say."""

from __future__ import annotations

import subprocess
import sys

import pytest

PATHS = """
from {kt} import HyperModel, HyperParameters, Objective, Oracle, Tuner, synchronized
from {kt} import BayesianOptimization, GridSearch, Hyperband, RandomSearch, SklearnTuner
import {kt}.tuners
from {kt}.tuners import Hyperband, RandomSearch, Tuner
from {kt}.tuners.randomsearch import RandomSearch, RandomSearchOracle
from {kt}.tuners.bayesian import BayesianOptimizationOracle
from {kt}.tuners.sklearn_tuner import SklearnTuner
from {kt}.oracles import BayesianOptimizationOracle, GridSearchOracle, HyperbandOracle, RandomSearchOracle
from {kt}.errors import FailedTrialError, FatalError, FatalRuntimeError, FatalTypeError, FatalValueError
from {kt}.applications import HyperEfficientNet, HyperImageAugment, HyperResNet, HyperXception
from {kt}.engine import base_tuner, hypermodel, hyperparameters, metrics_tracking, oracle, trial, tuner
from {kt}.engine import tuner as tuner_module, tuner_utils
from {kt}.engine.base_tuner import BaseTuner
from {kt}.engine.conditions import Condition, Parent
from {kt}.engine.hypermodel import HyperModel
from {kt}.engine.hyperparameters import Boolean, Choice, Fixed, Float, HyperParameter, HyperParameters, Int
from {kt}.engine.hyperparameters.hp_utils import index_to_prob, prob_to_index
from {kt}.src.version import __version__
from {kt}.src.backend.config import backend
from {kt}.src.engine.hyperparameters.hp_types.numerical import Numerical
from {kt}.engine.hyperparameters import deserialize, hp_types, serialize
from {kt}.engine.metrics_tracking import infer_metric_direction
from {kt}.engine.metrics_tracking import MetricHistory, MetricObservation, MetricsTracker
from {kt}.engine.multi_execution_tuner import MultiExecutionTuner
from {kt}.engine.objective import MultiObjective
from {kt}.engine.oracle import Objective, Oracle
from {kt}.engine.stateful import Stateful
from {kt}.engine.trial import Trial, TrialStatus
from {kt}.engine.tuner import Tuner, maybe_distribute
from {kt}.engine.tuner_utils import SaveBestEpoch, TunerCallback, convert_to_metrics_dict
import {kt}.engine.trial as trial_lib
import {kt}.src.tuners.randomsearch as rs
import {kt}.src.engine.trial
from {kt} import src
from {kt}.src import HyperParameters, utils
from {kt}.src.backend import config, keras, ops
from {kt}.src.engine import hyperparameters as hp_module, trial as trial_module, tuner_utils
from {kt}.src.engine.hyperparameters.hp_types.int_hp import Int
from {kt}.src.engine.hyperparameters.hyperparameters import HyperParameters
from {kt}.src.engine.objective import DefaultObjective, MultiObjective, create_objective
from {kt}.src.engine.tuner import maybe_compute_model_size
from {kt}.src.engine.tuner_utils import get_best_step, validate_trial_results
from {kt}.src.tuners.hyperband import HyperbandOracle
from {kt}.src.utils import create_directory, load_json, save_json, to_list
""".strip().splitlines()
ONE_AND_THE_SAME = """
import {kt} as root
from {kt}.engine.hyperparameters import HyperParameters as public
from {kt}.src.engine.hyperparameters.hyperparameters import HyperParameters as inner
assert public is inner is root.HyperParameters is root.engine.hyperparameters.HyperParameters
assert root.src.engine.tuner_utils.convert_to_metrics_dict and root.__spec__.name == "modelwright.keras_tuner"
import {kt}.engine.hparams
import modelwright.keras_tuner.engine.hparams as ours
assert {kt}.engine.hparams is ours and ours.__spec__.name == "modelwright.keras_tuner.engine.hparams"
"""
NAMES = {
    "": "BayesianOptimization GridSearch HyperModel HyperParameters Hyperband Objective Oracle RandomSearch "
    "SklearnTuner Tuner applications engine errors oracles src synchronized tuners",
    ".applications": "HyperEfficientNet HyperImageAugment HyperResNet HyperXception",
    ".engine": "base_tuner hypermodel hyperparameters metrics_tracking oracle trial tuner",
    ".oracles": "BayesianOptimizationOracle GridSearchOracle HyperbandOracle RandomSearchOracle",
    ".tuners": "BayesianOptimization GridSearch Hyperband RandomSearch SklearnTuner Tuner",
}


@pytest.mark.parametrize("line", PATHS)
def test_a_path_below_our_own_name(line):
    exec(line.format(kt="modelwright.keras_tuner"), {})


def test_all_paths_in_a_script_that_is_run_for_us(tmp_path):
    lines = [line.format(kt=kt) for kt in ("keras_tuner", "kerastuner") for line in [*PATHS, ONE_AND_THE_SAME]]
    (tmp_path / "script.py").write_text("\n".join([*lines, "print('found')"]))
    command = [sys.executable, "-m", "modelwright.keras_tuner", "script.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stdout == "found\n", done.stderr


def test_modules_are_one_and_the_same_by_all_their_names():
    exec(ONE_AND_THE_SAME.format(kt="modelwright.keras_tuner"), {})


@pytest.mark.parametrize("name", NAMES)
def test_a_module_shows_the_names_that_kerastuner_shows(sub, kt, name):
    module = sub(name[1:]) if name else kt
    assert {shown for shown in dir(module) if not shown.startswith("__")} == set(NAMES[name].split())
    assert {"__name__", "__file__", "__doc__"} <= set(dir(module))


@pytest.mark.parametrize(
    ("name", "way_out"),
    [
        ("distribute", "workers=2"),
        ("src.protos", "get_config"),
        ("src.backend.io", "shutil"),
        ("engine.logger", "on_trial_end"),
        ("src.api_export", "exports"),
        ("test_utils", "no more"),
    ],
)
def test_what_is_missing_says_what_there_is_instead(name, way_out):
    with pytest.raises(ModuleNotFoundError, match=way_out):
        exec(f"import modelwright.keras_tuner.{name}", {})


def test_a_path_that_never_was_is_not_found():
    with pytest.raises(ModuleNotFoundError, match=r"modelwright\.keras_tuner\.engine\.nowhere"):
        exec("import modelwright.keras_tuner.engine.nowhere", {})
    with pytest.raises(ImportError):
        exec("from modelwright.keras_tuner.src.engine import nowhere", {})
