"""Bad input through all of a fit: each case gives a model that predicts the same file, or is refused in our words."""

import csv
import io
import warnings

import numpy as np
import pytest
from odd_files import HANDLED, REFUSED

import modelwright as mw

pytest.importorskip("lightgbm")
FEW = {"models": ["lightgbm", "linear"], "trials": 2, "folds": None, "verbose": 0, "store": ":memory:"}


@pytest.mark.parametrize("case", HANDLED)
def test_a_file_that_is_odd_gives_a_model_that_predicts_it(case, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes(HANDLED[case][0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = mw.fit(path, "y", **FEW)
        found = model.predict(path)
        shares = None if model.task == "regression" else model.predict_proba(path)
    assert len(found) > 0
    if shares is None:
        assert np.isfinite(found).all()
    else:
        assert set(found.tolist()) <= set(model.classes_.tolist())
        assert np.allclose(shares.sum(axis=1), 1)
    assert not any(one["what"] in ("fallback", "learner") for one in model.decisions), model.decisions
    assert np.isfinite(model.score)


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_is_of_no_use_is_refused_by_the_fit(case, tmp_path):
    data, said = REFUSED[case]
    path = tmp_path / "rows.csv"
    path.write_bytes(data)
    with pytest.raises(mw.ModelwrightError, match=said):
        mw.fit(path, "y", **FEW)


def written(**columns):
    """A file with these columns."""
    told = io.StringIO()
    writer = csv.writer(told, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values()))
    return told.getvalue().encode()


@pytest.mark.parametrize("rows", [2, 3, 5, 9])
@pytest.mark.parametrize("target", ["numbers", "classes"])
def test_so_few_rows_are_fitted_or_refused(rows, target, tmp_path):
    path = tmp_path / "rows.csv"
    numbers = [i * 1.5 for i in range(rows)]
    classes = ["no" if i < (rows + 1) // 2 else "yes" for i in range(rows)]
    a = [(i * 7) % 5 + 0.5 for i in range(rows)]
    path.write_bytes(written(a=a, y=numbers if target == "numbers" else classes))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = mw.fit(path, "y", **{**FEW, "models": None, "trials": 7, "block": ["mlp", "random_forest"]})
        except mw.ModelwrightError as error:
            assert "row" in str(error)
        else:
            assert len(model.predict(path)) == rows
            assert not any(one["what"] == "learner" for one in model.decisions), model.decisions


@pytest.mark.slow
def test_ten_thousand_columns_are_fitted(tmp_path):
    rng = np.random.default_rng(0)
    wide = {f"c{i}": rng.normal(size=60) for i in range(10_000)}
    wide["y"] = np.where(wide["c7"] > 0, "yes", "no")
    model = mw.fit(wide, "y", **{**FEW, "models": ["linear"], "trials": 1, "folds": 2})
    assert len(model.predict(wide)) == 60
