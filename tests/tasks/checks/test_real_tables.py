"""What is known of real tables is found in them."""

import pytest
from examined import of, real

from modelwright.tasks.checks import check
from modelwright.tasks.data.schema import Schema
from modelwright.tasks.scoring.target import Target

TARGETS = {
    "adult": "income",
    "telco_churn": "Churn",
    "titanic_raw": "Survived",
    "ames_housing": "SalePrice",
    "california_housing": "median_house_value",
    "diamonds": "price",
    "bike_sharing_hour": "cnt",
    "insurance": "charges",
    "german_credit": "default",
    "wine_quality_white": "quality",
    "employee_salaries": "current_annual_salary",
    "bank_marketing": "y",
    "phoneme": "class",
    "letter": "lettr",
    "electricity_nsw": "class",
    "mammography": "class",
    "online_shoppers": "Revenue",
    "melbourne_housing": "Price",
    "bankchurners_leak": "Attrition_Flag",
    "midwest_survey": "Census_Region",
    "kin8nm": "y",
}
LEAKS = "Naive_Bayes_Classifier_Attrition_Flag_"


def checked(name):
    table, target = real(name), TARGETS[name]
    return check(table, Schema.of(table, target=target), Target.of(table.columns[target], name=target))


def certain(found):
    return list(of(found, "near-certain"))


def test_both_columns_of_bankchurners_that_leak_are_near_certain():
    found = certain(checked("bankchurners_leak"))
    assert len(found) == 2 and all(name.startswith(LEAKS) for name in found)


def test_the_duration_of_calls_is_dominant_and_999_days_are_none():
    found = checked("bank_marketing")
    assert "duration" in of(found, "dominant") and certain(found) == []
    assert of(found, "sentinel values")["pdays"].message.startswith("999 ")


def test_blank_charges_are_read_as_missing_numbers():
    found = of(checked("telco_churn"), "unreadable cells", "fixed")
    assert found["TotalCharges"].count == 8 and "missing numbers" in found["TotalCharges"].done


def test_mammography_has_duplicates():
    assert of(checked("mammography"), "duplicate rows")[None].count > 2000


@pytest.mark.slow
def test_hardly_any_sound_column_is_near_certain():
    found = {name: certain(checked(name)) for name in TARGETS if name != "bankchurners_leak"}
    assert sum(map(len, found.values())) <= 2, found
