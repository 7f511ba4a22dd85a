"""``mw.check``: the checks of a table from Python, as a fit and the command make them."""

import numpy as np
import pandas as pd
import pytest

import modelwright as mw


def table(rows=300, seed=0, shift=0.0):
    draw = np.random.default_rng(seed)
    size = draw.normal(size=rows) + shift
    return pd.DataFrame(
        {"size": size, "unit": "m", "days": 999, "sold": np.where(draw.random(rows) < 0.5, "no", "yes")}
    )


def told(found, name):
    return [(one["status"], one["column"]) for one in found if one["name"] == name]


def test_the_findings_are_those_of_a_fit():
    rows = table().assign(days=[999] * 30 + list(range(27)) * 10)
    quick = ("constants", "sentinel values", "ids", "duplicate rows", "outliers")
    here = mw.check(rows, "sold")
    fitted = mw.fit(rows, "sold", trials=1, models="constant", store=":memory:", verbose=0).checks
    for name in quick:
        assert told(here, name) == told(fitted, name)
    assert told(here, "sentinel values") == [("alert", "days")]
    assert [one["status"] for one in here] == sorted(
        (one["status"] for one in here), key=["alert", "skipped", "fixed", "passed"].index
    )
    assert "sentinel values" in str(here).splitlines()[1]


def test_a_second_table_is_looked_at_for_drift(tmp_path):
    later = tmp_path / "later.csv"
    table(seed=1, shift=2.0).drop(columns="sold").to_csv(later, index=False)
    assert ("alert", "size") in told(mw.check(table(), "sold", test=later), "drift")
    assert told(mw.check(table(), "sold", test=table(seed=1)), "drift") == [("passed", None)]


def test_what_is_said_of_columns_and_of_the_target_counts():
    rows = table().assign(code=np.arange(300) % 7, sold=np.arange(300) % 3)
    assert told(mw.check(rows, "sold", kinds={"unit": "category", "code": "id"}), "ids")[0] == ("fixed", "code")
    with pytest.raises(mw.ArgumentError, match="task='binary'"):
        mw.check(rows, "sold", metric="roc_auc", task="regression")


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"target": "sould"}, "sold"),
        ({"target": 3.5}, "target is a float"),
        ({"target": "sold", "kinds": ["size"]}, "kinds is a list"),
        ({"target": "sold", "kinds": {"size": "nomber"}}, "nomber"),
        ({"target": "sold", "seconds": -1}, "seconds=-1"),
        ({"target": "sold", "metric": "acuracy"}, "accuracy"),
        ({"target": "sold", "test": "nowhere.csv"}, "nowhere.csv"),
        ({"target": "sold", "seed": "x"}, "seed"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(given, match):
    with pytest.raises(mw.ArgumentError, match=match):
        mw.check(table(40), **given)
