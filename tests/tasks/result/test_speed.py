"""What predicting a row is said to take: of one core, whatever runs beside it."""

import time

import numpy  # noqa: F401 - its linear algebra is what has threads
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import modelwright as mw
from modelwright.tasks import speed


def test_time_without_a_core_does_not_count():
    def waiting(rows):
        time.sleep(0.02)

    assert speed.row_us(waiting, 500) < 0.02 / 500 * 1e6
    assert speed.busy(lambda: time.sleep(0.05))[1] < 0.05


def test_as_many_rows_are_predicted_as_there_is_time_for_in_one_thread(monkeypatch):
    asked, threads = [], set()

    def predict(rows, each=0.0):
        asked.append(rows)
        threads.update(one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas")
        return each * rows

    spent = {"seconds": 0.0}
    monkeypatch.setattr(speed, "busy", lambda compute: (compute(), spent["seconds"] or 1e-4))
    with threadpool_limits(2, user_api="blas"):
        assert speed.row_us(predict, 10_000) == 0.2
    assert asked == [1, 10, 50, 250, 500, 500, 500] and threads == {1}
    asked.clear()
    assert speed.row_us(predict, 7) == 14.0 and asked == [1, 7, 7, 7]
    asked.clear()
    spent["seconds"] = 0.03
    assert speed.row_us(predict, 10_000) == 3000.0 and asked == [1, 10, 10, 10]
    asked.clear()
    spent["seconds"] = 2.0
    assert speed.row_us(predict, 10_000) == 200_000.0 and asked == [1, 10]


def test_a_leaderboard_tells_it_in_two_digits():
    pytest.importorskip("lightgbm")
    data = {"a": [float(i % 7) for i in range(80)], "y": ["no", "yes"] * 40}
    model = mw.fit(data, "y", models=["linear"], trials=1, folds=2, store=":memory:", verbose=0)
    for row in model.leaderboard():
        assert row["row_us"] == float(f"{row['row_us']:.2g}") > 0
    assert f"{model.leaderboard()[0]['row_us']:g}" in str(model.leaderboard()).splitlines()[1]
