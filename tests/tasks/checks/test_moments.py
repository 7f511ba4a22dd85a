"""Dates that cannot be, the order of dates, and proposals of splits by time and by group."""

import numpy as np
import pytest
from examined import examined, noise, of, passed

rng = np.random.default_rng(5)
START = np.datetime64("2019-01-01T00:00:00", "us")
DAY = np.timedelta64(86_400_000_000, "us")


def days(numbers):
    return START + (np.asarray(numbers) * 86_400_000_000).astype("timedelta64[us]")


def test_ordinary_dates_pass():
    assert passed(examined(noise(at=days(rng.integers(0, 900, 400)))), "impossible dates")


def test_years_that_stand_for_nothing_are_impossible():
    at = days(rng.integers(0, 900, 400))
    at[:3], at[3:8] = np.datetime64("1900-01-01"), np.datetime64("9999-12-31")
    found = of(examined(noise(at=at)), "impossible dates")
    assert found["at"].count == 8 and "1900-01-01" in found["at"].message


@pytest.mark.parametrize("count", [2, 10, 40, 120])
def test_the_first_second_of_1970_stands_for_nothing_however_often(count):
    at = days(rng.integers(0, 900, 400))
    at[:count] = np.datetime64("1970-01-01")
    found = of(examined(noise(at=at)), "impossible dates")
    assert found["at"].count == count and "1970-01-01" in found["at"].message


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_day_is_told_as_it_stands_there(day):
    at = days(rng.integers(0, 900, 400))
    at[:9] = np.datetime64(day)
    assert day in of(examined(noise(at=at)), "impossible dates")["at"].message


def test_dates_about_1970_are_dates():
    at = days(rng.integers(0, 900, 400)) - (START - np.datetime64("1969-01-01", "us"))
    at[:30] = np.datetime64("1970-01-01")
    assert passed(examined(noise(at=at)), "impossible dates")


def test_the_future_is_impossible_where_everything_else_is_past():
    at = days(rng.integers(0, 900, 400))
    at[5] = np.datetime64("2091-05-01")
    assert of(examined(noise(at=at)), "impossible dates")["at"].count == 1


def test_a_date_before_the_one_that_comes_first_elsewhere_is_an_alert():
    opened = rng.integers(0, 900, 400)
    closed = opened + rng.integers(1, 60, 400)
    closed[:6] = opened[:6] - 5
    found = of(examined(noise(opened=days(opened), closed=days(closed))), "impossible dates")
    assert found["closed"].count == 6 and "'opened'" in found["closed"].message


def test_dates_in_any_order_are_no_mistake():
    table = noise(one=days(rng.integers(0, 900, 400)), other=days(rng.integers(0, 900, 400)))
    assert passed(examined(table), "impossible dates")


def test_a_target_that_follows_a_record_of_time_proposes_a_split_by_time():
    at = rng.permutation(1000)
    level = np.sin(at / 60.0) + 0.2 * rng.normal(size=1000)
    found = of(examined(noise(1000, at=days(at), y=level)), "time order")
    assert list(found) == ["at"] and "time='at'" in found["at"].undo and found["at"].status == "alert"


def test_rows_in_order_are_told_without_a_date():
    found = of(examined(noise(600, y=np.cumsum(rng.normal(size=600)))), "time order")
    assert list(found) == [None]


def test_birthdays_and_chance_propose_nothing():
    born = 30_000 * rng.beta(5, 2, 600)
    old = (born < np.median(born)) ^ (rng.random(600) < 0.2)
    assert passed(examined(noise(600, born=days(born - 20_000), y=old.astype(int))), "time order")
    assert passed(examined(noise(600, at=days(np.arange(600)))), "time order")


def patients(rows=1200, each=12):
    who = rng.permutation(np.arange(rows) // each)
    level = rng.normal(size=rows // each + 1)
    return who, level[who] + 0.5 * rng.normal(size=rows)


def test_codes_with_many_rows_each_propose_grouped_folds():
    who, y = patients()
    names = rng.permutation(5000)
    found = of(examined(noise(1200, who=names[who], y=y)), "groups")
    assert found["who"].count == 100 and "groups='who'" in found["who"].undo
    found = of(examined(noise(1200, who=[f"P-{names[i]}" for i in who], y=y)), "groups")
    assert list(found) == ["who"]


def test_counts_that_a_target_follows_are_no_groups():
    age = rng.integers(18, 80, 1200)
    assert passed(examined(noise(1200, age=age, y=age * 1.5 + rng.normal(size=1200))), "groups")
    assert passed(examined(noise(1200, who=rng.integers(0, 100, 1200))), "groups")
