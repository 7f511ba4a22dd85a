"""Open tables: what the schema makes of files that were not written for it."""

import os
from pathlib import Path

import numpy as np
import pytest

from modelwright.tasks.data.reading import read
from modelwright.tasks.data.schema import Schema
from modelwright.tasks.scoring.target import Target

TARGETS = {
    "adult": ("income", "binary"),
    "ames_housing": ("SalePrice", "regression"),
    "bank_marketing": ("y", "binary"),
    "bankchurners_leak": ("Attrition_Flag", "binary"),
    "bike_sharing_hour": ("cnt", "regression"),
    "california_housing": ("median_house_value", "regression"),
    "diamonds": ("price", "regression"),
    "electricity_nsw": ("class", "binary"),
    "employee_salaries": ("current_annual_salary", "regression"),
    "german_credit": ("default", "binary"),
    "insurance": ("charges", "regression"),
    "kin8nm": ("y", "regression"),
    "letter": ("lettr", "multiclass"),
    "mammography": ("class", "binary"),
    "melbourne_housing": ("Price", "regression"),
    "midwest_survey": ("Census_Region", "multiclass"),
    "online_shoppers": ("Revenue", "binary"),
    "phoneme": ("class", "binary"),
    "telco_churn": ("Churn", "binary"),
    "titanic_raw": ("Survived", "binary"),
    "wine_quality_white": ("quality", "multiclass"),
}
KINDS = {
    ("telco_churn", "customerID"): "id",
    ("telco_churn", "TotalCharges"): "number",
    ("ames_housing", "Order"): "number",
    ("ames_housing", "MS SubClass"): "category",
    ("ames_housing", "Alley"): "category",
    ("bankchurners_leak", "CLIENTNUM"): "id",
    ("bankchurners_leak", "Income_Category"): "ordinal",
    ("bike_sharing_hour", "date"): "datetime",
    ("bike_sharing_hour", "instant"): "number",
    ("employee_salaries", "employee_position_title"): "category",
    ("employee_salaries", "date_first_hired"): "datetime",
    ("german_credit", "checking_balance"): "ordinal",
    ("melbourne_housing", "Address"): "text",
    ("melbourne_housing", "Date"): "datetime",
    ("midwest_survey", "Age"): "ordinal",
    ("midwest_survey", "RespondentID"): "id",
    ("titanic_raw", "PassengerId"): "id",
    ("titanic_raw", "Name"): "text",
    ("titanic_raw", "Ticket"): "category",
    ("titanic_raw", "Cabin"): "category",
    ("titanic_raw", "Age"): "number",
    ("online_shoppers", "Weekend"): "boolean",
    ("online_shoppers", "Month"): "ordinal",
    ("adult", "fnlwgt"): "number",
}


def table(name, part="train"):
    path = Path(os.environ.get("MODELWRIGHT_DATA") or "nowhere") / "tabular" / name / f"{part}.csv.gz"
    if not path.exists():
        pytest.skip(f"MODELWRIGHT_DATA names no folder with tabular/{name}")
    return read(path)


@pytest.mark.parametrize("name", TARGETS)
def test_all_columns_are_read_and_read_again(name):
    target, task = TARGETS[name]
    rows = table(name)
    schema = Schema.of(rows, target=target)
    found = Target.of(rows.column(target), name=target)
    assert found.task == task and not rows.notes and not found.notes
    for (owner, column), kind in KINDS.items():
        if owner == name:
            assert schema[column].kind == kind, schema[column]
    test = table(name, "test")
    frame, y = schema.frame(test), found.encode(test.column(target))
    assert frame.rows == len(y) == test.rows
    assert len(frame.numbers) + len(frame.codes) + len(frame.texts) == len(schema.used)


@pytest.mark.parametrize("name", TARGETS)
def test_pandas_reads_the_same_table(name):
    """But for codes with zeros in front, which pandas takes for numbers, all frames are the same."""
    pandas = pytest.importorskip("pandas")
    folder = Path(os.environ.get("MODELWRIGHT_DATA") or "nowhere") / "tabular" / name
    rows = table(name, "test")
    target, _ = TARGETS[name]
    frame = pandas.read_csv(folder / "test.csv.gz")
    schema = Schema.of(table(name), target=target)
    ours, theirs = schema.frame(rows), schema.frame(frame)
    for column in ours.numbers:
        np.testing.assert_allclose(ours.numbers[column], theirs.numbers[column], rtol=1e-12, err_msg=column)
    for column in ours.codes:
        levels = (*schema[column].levels, "new")
        differs = [
            (levels[a], levels[b] if b >= 0 else None)
            for a, b in zip(ours.codes[column], theirs.codes[column])
            if a != b
        ]
        assert not set(differs) - {("None", None)}, column  # pandas takes the text None for nothing
    for column in ours.texts:
        assert ours.texts[column].tolist() == theirs.texts[column].tolist()
    known = Target.of(table(name).column(target), name=target)
    assert known.encode(frame[target]).tolist() == known.encode(rows.column(target)).tolist()
    assert known.classes == Target.of(frame[target], name=target).classes


def test_blank_charges_are_missing_numbers():
    schema = Schema.of(table("telco_churn"), target="Churn")
    assert schema["TotalCharges"].details["seen"]["tokens"] == {"": 8}
    assert int(np.isnan(schema.frame(table("telco_churn")).numbers["TotalCharges"]).sum()) == 8


def test_days_before_months():
    schema = Schema.of(table("melbourne_housing"), target="Price")
    assert schema["Date"].details["day_first"] is True
    years = schema.frame(table("melbourne_housing")).numbers["Date"] / 86400 / 365.25 + 1970
    assert years.min() >= 2016 and years.max() <= 2018
    assert Schema.of(table("employee_salaries"))["date_first_hired"].details["day_first"] is False


def test_labels_in_quotes_stay_what_they_are():
    target = Target.of(table("mammography").column("class"), metric="average_precision")
    assert target.classes == ("'-1'", "'1'") and target.positive == "'1'"
