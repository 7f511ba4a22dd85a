"""Mistakes in what is given to a tuner: one error that says what to do, and searches that say what failed."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from modelwright.keras_tuner.errors import FatalError


@pytest.fixture
def tuner(kt, build, tmp_path):
    """A tuner of two small models."""

    def make(hypermodel=build, **kwargs):
        made = {"objective": "val_loss", "max_trials": 2, "directory": tmp_path, "project_name": "p", **kwargs}
        return kt.RandomSearch(hypermodel, **made)

    return make


# --- arguments of search ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mend", "said"),
    [
        (lambda x, y: ((x, y[:-3]), {}), r"different numbers of rows: \[32, 29\]"),
        (lambda x, y: ((x, y), {"epoch": 3}), "does not know 'epoch'.*Did you mean 'epochs'"),
        (lambda x, y: ((x, y), {"worker": 3}), "does not know 'worker'.*Did you mean 'workers'"),
        (lambda x, y: ((x, y), {"x": x}), "x was given twice"),
        (lambda x, y: ((), {}), r"no data to train on.*tuner\.search\(x, y"),
        (lambda x, y: ((x,), {}), r"y is missing.*tuner\.search\(x, y"),
        (lambda x, y: ((x[:, :3], y), {}), r"shape \(32, 3\), and the model takes \(rows, 4\)"),
        (lambda x, y: ((x, y), {"validation_split": None, "validation_data": (x, y[:5])}), r"\[32, 5\]"),
        (lambda x, y: ((x, y), {"validation_split": None, "validation_data": x}), "validation_data is one array"),
        (lambda x, y: ((x, y), {"validation_split": 1.5}), "between 0 and 1"),
        (lambda x, y: ((x, y), {"sample_weight": np.ones(5)}), "sample_weight 5 entries"),
    ],
)
def test_a_mistake_in_search_is_one_error_at_the_first_trial(tuner, tiny, capfd, mend, said):
    made = tuner()
    args, kwargs = mend(*tiny)
    with pytest.raises(FatalError, match=said):
        made.search(*args, **{"validation_split": 0.25, "verbose": 0, **kwargs})
    assert capfd.readouterr() == ("", "")
    # Mended, the same tuner goes on: nothing has failed.
    made.search(*tiny, validation_split=0.25, verbose=0)
    assert [t.status for t in made.oracle.trials.values()] == ["COMPLETED"] * 2


def test_a_mistake_is_one_error_with_workers_too(tuner, tiny):
    with pytest.raises(FatalError, match="different numbers of rows"):
        tuner().search(tiny[0], tiny[1][:-3], validation_split=0.25, verbose=0, workers=2)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"validation_split": 0.0, "validation_data": "given"},
        {"validation_split": 0.5, "validation_data": "given"},
        {"validation_data": "given", "validation_batch_size": 8, "shuffle": False},
    ],
)
def test_what_keras_takes_is_taken(tuner, tiny, kwargs):
    x, y = tiny
    made = tuner()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        made.search(x=x, y=y, verbose=0, **{**kwargs, "validation_data": (x, y)})
    assert [t.status for t in made.oracle.trials.values()] == ["COMPLETED"] * 2


def test_a_fit_of_ones_own_is_given_what_it_likes(kt, tuner, build, tiny):
    class Own(kt.HyperModel):
        def build(self, hp):
            return build(hp)

        def fit(self, hp, model, pairs, epoch, **kwargs):
            return model.fit(*pairs, epochs=epoch, validation_split=0.25, **kwargs)

    made = tuner(Own())
    made.search(tiny, epoch=1, verbose=0)
    assert [t.status for t in made.oracle.trials.values()] == ["COMPLETED"] * 2


# --- trials that fail ---------------------------------------------------------------------------------------


def fails(hp):
    hp.Float("x", 0, 1)
    raise ValueError("no such luck")


def test_a_search_in_which_all_failed_says_so_and_why(make_tuner, capfd):
    made = make_tuner(fails, max_trials=2)
    with pytest.warns(
        UserWarning, match=r"no trial completed: 2 trials failed, the first \(0\) with ValueError: no such"
    ):
        made.search(verbose=0)
    assert capfd.readouterr() == ("", "")
    assert "Traceback" in made.oracle.trials["0"].message


def test_a_search_in_which_some_failed_does_not_warn(make_tuner):
    made = make_tuner(lambda hp: fails(hp) if len(made.oracle.trials) == 1 else hp.Float("x", 0, 1), max_trials=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made.search(verbose=0)
    assert [t.status for t in made.oracle.trials.values()] == ["FAILED", "COMPLETED", "COMPLETED"]


@pytest.mark.filterwarnings("ignore:no trial completed")
def test_a_failed_trial_is_shown_as_failed(make_tuner, capfd):
    make_tuner(fails, max_trials=2).search()
    printed, errors = capfd.readouterr()
    assert "Trial 1 Failed [" in printed and "Complete" not in printed and "So Far: None" not in printed
    assert errors.count("Traceback") == 2 and "ValueError: no such luck" in errors


@pytest.mark.filterwarnings("ignore:no trial completed")
def test_what_keras_refuses_is_said_with_shapes_and_by_get_best_models(tuner, tiny):
    x, y = tiny
    made = tuner()
    made.search(x, np.stack([y] * 3, 1), validation_split=0.25, verbose=0)
    assert [t.status for t in made.oracle.trials.values()] == ["FAILED"] * 2
    with pytest.raises(FatalError, match=r"no trial has completed(.|\n)*y \(32, 3\)(.|\n)*gives \(None, 1\)"):
        made.get_best_models()


def test_the_best_values_are_those_of_completed_trials(make_tuner, capsys):
    made = make_tuner(lambda hp: hp["x"], max_trials=2)
    made.oracle.hyperparameters.Float("x", 0, 1)
    made.search()
    rows = [line for line in capsys.readouterr().out.splitlines() if line.endswith("|x")]
    first, second = ([cell.strip() for cell in row.split("|")] for row in rows)
    assert first[1] == "?" and second[1] == first[0]


# --- arguments of a tuner -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["RandomSearch", "BayesianOptimization", "GridSearch"])
@pytest.mark.parametrize("given", ["a", -1, float("nan"), [3]])
def test_a_number_of_trials_that_is_no_count_is_refused(kt, build, tmp_path, kind, given):
    with pytest.raises(ValueError, match=r"max_trials: .* is no count\. Allowed: a whole number from 1, or None"):
        getattr(kt, kind)(build, objective="val_loss", max_trials=given, directory=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["max_retries_per_trial", "max_consecutive_failed_trials"])
def test_a_number_of_failures_that_is_no_count_is_refused(tuner, name):
    with pytest.raises(ValueError, match=rf"{name}: 'a' is no count\. Allowed: a whole number from 0"):
        tuner(**{name: "a"})


def test_no_trials_at_all_are_no_limit_and_that_is_said(kt, make_tuner):
    space = kt.HyperParameters()
    space.Int("x", 1, 3)
    with pytest.warns(UserWarning, match="max_trials=0 sets no limit"):
        made = make_tuner(lambda hp: hp["x"], max_trials=0, hyperparameters=space)
    made.search(verbose=0)
    assert len(made.oracle.trials) == 3


@pytest.mark.parametrize("below", ["", "deep"])
def test_a_directory_that_is_a_file_is_said_to_be_one(tuner, tmp_path, below):
    file = tmp_path / "data.py"
    file.write_text("kept")
    with pytest.raises(RuntimeError, match=r"a folder is needed, and .*data\.py is a file\. Choose another") as caught:
        tuner(directory=file / below)
    assert "space" not in str(caught.value) and file.read_text() == "kept"


def test_a_project_that_is_a_file_is_said_to_be_one(tuner, tmp_path):
    (tmp_path / "p").touch()
    with pytest.raises(RuntimeError, match=r"a folder is needed, and .*p is a file"):
        tuner()
