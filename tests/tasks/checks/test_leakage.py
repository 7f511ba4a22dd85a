"""Leakage in its two levels: what almost determines the target, and what the gain hangs on."""

import numpy as np
import pytest
from examined import examined, noise, of, passed

from modelwright.tasks.checks import LEAKS
from modelwright.tasks.search.gathered import Said, checked, gather

rng = np.random.default_rng(6)
ROWS = 1500


def sound(rows=ROWS, seed=7):
    """A table whose columns say something each, and its target as a number."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(rows, 5))
    value = x @ [1.0, 1.0, -1.0, 0.8, 0.0] + 0.8 * draw.normal(size=rows)
    return {f"x{i}": x[:, i] for i in range(5)}, value


def certain(found):
    return set(of(found, "near-certain"))


def dominant(found):
    return set(of(found, "dominant"))


def neither(found):
    return passed(found, "near-certain") and passed(found, "dominant")


def test_sound_columns_are_neither():
    columns, value = sound()
    assert neither(examined({**columns, "y": value}))
    assert neither(examined({**columns, "y": (value > 0).astype(int)}))
    assert neither(examined(noise(1000)))


@pytest.mark.parametrize("flipped", [0.0, 0.01, 0.02])
def test_a_copy_of_the_classes_is_near_certain(flipped):
    columns, value = sound()
    y = value > 0
    copy = np.where(rng.random(ROWS) < flipped, ~y, y)
    found = examined({**columns, "code": np.where(copy, "left", "stayed").tolist(), "y": y.astype(int)})
    assert certain(found) == {"code"} and of(found, "near-certain")["code"].done == "kept"


def test_two_columns_that_leak_are_both_named():
    columns, value = sound()
    y = (value > 1.5).astype(int)
    first = y * 0.99 + 0.005 * rng.random(ROWS)
    found = examined({**columns, "p": first, "q": 1 - y * 0.9 - 0.05 * rng.random(ROWS), "y": y})
    assert certain(found) == {"p", "q"}


def flipped(y, share, seed):
    draw = np.random.default_rng(seed)
    return np.where(draw.random(len(y)) < share, ~y, y).astype(int)


@pytest.mark.parametrize("share", [0.003, 0.01])
def test_two_columns_that_almost_leak_do_not_hide_each_other(share):
    columns, value = sound()
    y = value > 1
    found = examined({**columns, "p": flipped(y, share, 1), "q": flipped(y, share, 2), "y": y.astype(int)})
    assert certain(found) == {"p", "q"}


def test_copies_of_a_number_do_not_hide_each_other():
    columns, value = sound(600)
    value = value + 3 * np.random.default_rng(9).normal(size=600)
    leaks = {f"p{i}": value + 0.1 * value.std() * np.random.default_rng(i).normal(size=600) for i in range(3)}
    assert certain(examined({**columns, **leaks, "y": value})) == set(leaks)


def test_copies_of_the_classes_that_are_too_often_wrong_are_dominant_together():
    columns, value = sound()
    y = value + 3 * np.random.default_rng(9).normal(size=ROWS) > 0
    found = examined({**columns, "p": flipped(y, 0.06, 1), "q": flipped(y, 0.06, 2), "y": y.astype(int)})
    assert certain(found) == set() and len(dominant(found)) == 1 and dominant(found) <= {"p", "q"}


def test_strong_columns_that_say_much_the_same_are_no_leaks():
    draw = np.random.default_rng(3)
    kind = draw.integers(0, 3, 600)
    parts = {"length": 1.5, "width": 1.2, "height": 0.4, "depth": 0.3}
    table = {name: kind * much + 0.25 * draw.normal(size=600) for name, much in parts.items()}
    table |= {"length in inches": table["length"] / 2.54, "width in inches": table["width"] / 2.54}
    assert neither(examined({**table, "y": kind}, task="multiclass"))


def test_a_class_by_another_name_leaks_in_many_classes():
    columns, value = sound()
    y = np.digitize(value, np.quantile(value, np.linspace(0, 1, 9)[1:-1]))
    found = examined({**columns, "letter": np.array(list("qwertzui"))[y].tolist(), "y": y}, task="multiclass")
    assert certain(found) == {"letter"}


def test_a_number_made_of_the_target_is_near_certain():
    columns, value = sound()
    price = np.exp(value + 10)
    found = examined({**columns, "tax": price * 0.19 + rng.normal(size=ROWS) * 5, "y": price})
    assert certain(found) == {"tax"}


def test_absence_that_gives_the_class_away_is_near_certain():
    columns, value = sound()
    y = (value > 0).astype(int)
    reason = [["price", "moved", "other"][i % 3] if left else None for i, left in enumerate(y)]
    assert certain(examined({**columns, "reason": reason, "y": y})) == {"reason"}


def test_a_number_of_the_row_in_the_order_of_the_target_is_near_certain():
    columns, value = sound()
    y = (value > 0).astype(int)
    number = np.argsort(np.argsort(y + rng.random(ROWS))) + 100
    table = {**columns, "number": number, "y": y}
    found = examined(table)
    assert list(of(found, "row numbers")) == ["number"] and certain(found) == {"number"}
    counted = examined({**table, "number": number - 100})
    assert list(of(counted, "ids")) == ["number"] and certain(counted) == {"number"}


def test_the_main_driver_of_a_price_is_no_leak():
    carat = rng.gamma(3.0, 0.3, ROWS) + 0.2
    cut = rng.integers(0, 5, ROWS)
    price = carat**2 * (1 + 0.15 * cut) * np.exp(0.08 * rng.normal(size=ROWS))
    found = examined(
        {"carat": carat, "width": carat ** (1 / 3) * np.exp(0.01 * rng.normal(size=ROWS)), "cut": cut, "y": price}
    )
    assert certain(found) == set() and dominant(found) <= {"carat", "width"} and dominant(found)


def test_where_every_column_tells_the_class_none_leaks():
    y = np.arange(600) % 2
    table = {name: y * 4 + rng.normal(size=600) * 0.5 for name in "abc"}
    assert certain(examined({**table, "y": y})) == set()


def test_most_columns_may_leak_where_the_others_know_nothing():
    y = rng.normal(size=ROWS)
    leaks = {"a": y + 0.01 * rng.normal(size=ROWS), "b": 5 + 2 * y + 0.02 * rng.normal(size=ROWS)}
    assert certain(examined({**leaks, "z": rng.normal(size=ROWS), "y": y})) == {"a", "b"}


def test_a_column_that_most_of_the_gain_hangs_on_is_dominant():
    columns, value = sound()
    duration = rng.normal(size=ROWS)
    y = (0.4 * value + 1.6 * duration + 0.5 * rng.normal(size=ROWS) > 0).astype(int)
    found = examined({**columns, "duration": duration, "y": y})
    assert certain(found) == set() and dominant(found) == {"duration"}


def test_its_copy_does_not_hide_it():
    columns, value = sound()
    duration = np.round(np.exp(rng.normal(size=ROWS)), 4)
    y = (0.4 * value + 1.6 * np.log(duration + 1e-3) + 0.5 * rng.normal(size=ROWS) > 0).astype(int)
    found = examined({**columns, "seconds": duration, "minutes": duration / 60, "y": y})
    assert len(dominant(found)) == 1 and "which say the same" in next(iter(of(found, "dominant").values())).message


def test_columns_that_add_up_to_the_target_are_named():
    columns, _ = sound()
    casual, members = rng.poisson(30, ROWS), rng.poisson(120, ROWS)
    found = examined({**columns, "casual": casual, "members": members, "y": (casual + members).astype(float)})
    assert certain(found) >= {"casual", "members"} and not certain(found) & set(columns)


def test_a_column_of_words_can_leak():
    columns, value = sound()
    y = (value > 0).astype(int)
    words = [
        f"case {i} was {'closed by the customer' if left else 'kept open'} at desk {i * 7 % 13}"
        for i, left in enumerate(y)
    ]
    assert certain(examined({**columns, "note": words, "y": y})) == {"note"}


def test_the_same_seed_finds_the_same():
    columns, value = sound()
    table = {**columns, "y": (value > 0).astype(int)}
    assert [one.to_json() for one in examined(table, seed=3)] == [one.to_json() for one in examined(table, seed=3)]


def test_a_leak_among_very_many_columns_is_found():
    y = np.arange(300) % 2
    table = {f"c{i}": rng.normal(size=300) for i in range(700)} | {"leak": y + 0.1 * rng.random(300), "y": y}
    assert certain(examined(table)) == {"leak"}


def fitted(columns, **said):
    """The findings of a fit, which divides its rows by groups or time."""
    said = Said(target="y", folds=4, **said)
    return checked(gather(columns, said), LEAKS, seed=0, seconds=None)


def customers(seed=0):
    draw = np.random.default_rng(seed)
    who = draw.permutation(np.repeat(np.arange(60), 8))
    names = np.array([f"Person {chr(65 + one % 26)}{chr(65 + one // 26)}" for one in range(60)])
    return {"customer": who, "name": names[who], **noise(480, 50 + seed), "y": draw.integers(0, 2, 60)[who]}


def test_what_names_the_groups_is_no_leak_where_they_are_kept_apart():
    table = customers()
    assert certain(fitted(table, without=["customer"])) == {"name"}
    assert neither(fitted(table, groups="customer"))


def test_a_leak_is_found_across_groups():
    table = customers()
    table["told"] = table["y"] + rng.normal(scale=0.05, size=480)
    assert certain(fitted(table, groups="customer")) == {"told"}


@pytest.mark.parametrize("seed", range(4))
def test_a_date_is_no_leak_of_a_target_that_wanders_where_later_rows_judge(seed):
    assert neither(fitted(wandering(seed), time="day"))


def wandering(seed, trend=0.0):
    draw = np.random.default_rng(seed)
    day = np.datetime64("2018-01-01", "D") + np.arange(800)
    return {**noise(800, 50 + seed), "day": day, "y": 20 + draw.normal(size=800).cumsum() + trend * np.arange(800)}


@pytest.mark.parametrize("trend", [0.0, 0.5])
def test_a_leak_is_found_in_later_rows_even_beyond_what_earlier_ones_reach(trend):
    table = wandering(1, trend)
    table["told"] = 1.2 * table["y"] + rng.normal(scale=0.1, size=800)
    assert "told" in certain(fitted(table, time="day", without=["day"]))
    classes = {**table, "y": np.array(["no", "yes"])[(np.diff(table["y"], prepend=0) > 0).astype(int)]}
    classes["told"] = (classes["y"] == "yes") + rng.normal(scale=0.05, size=800)
    assert certain(fitted(classes, time="day")) == {"told"}
