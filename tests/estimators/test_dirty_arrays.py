"""Arrays as they come, empty, of one row, constant, full of holes, huge: a result, or an error of ours."""

import warnings

import numpy as np
import pytest
from small_subjects import bayes, tune

import modelwright as mw

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3))
Y = (X[:, 0] > 0).astype(int)


def holed():
    x = X.copy()
    x[:, 1] = np.nan
    return x


CORPUS = {
    "empty": (X[:0], Y[:0]),
    "one row": (X[:1], Y[:1]),
    "no columns": (X[:, :0], Y),
    "a constant target": (X, np.zeros(30, int)),
    "a column of nothing": (holed(), Y),
    "an infinite value": (np.where(np.arange(90).reshape(30, 3) == 7, np.inf, X), Y),
    "text among numbers": (np.array([["a", 1, 2.5]] * 30, object), Y),
    "huge integers": (np.full((30, 3), 2**70, object), Y),
    "emoji as labels": (X, np.where(Y, "\U0001f600", "\ufeffno")),
    "rows that do not match": (X, Y[:-1]),
    "ten thousand columns": (RNG.normal(size=(30, 10_000)), Y),
}


@pytest.mark.parametrize("name", CORPUS)
def test_dirty_arrays_end_in_a_result_or_in_an_error_of_ours(name):
    x, y = CORPUS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            study = tune(bayes, x, y, trials=2)
        except mw.ModelwrightError as error:
            assert len(str(error)) > 20
        else:
            assert all(trial.state in ("complete", "infeasible") for trial in study.trials)
