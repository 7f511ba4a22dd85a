"""One candidate on the rows of a job: what it takes again, and fits on all rows that the clock has cut."""

import time
from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import modelwright as mw
from modelwright.core.records import Task
from modelwright.execute.serial import SerialExecutor
from modelwright.tasks import learners
from modelwright.tasks.learners import base
from modelwright.tasks.learners.base import MORE
from modelwright.tasks.learners.lightgbm import LightGBM
from modelwright.tasks.scoring.validation import make_split
from modelwright.tasks.search import plan, session, trying
from modelwright.tasks.search.chosen import chosen_learners
from modelwright.tasks.search.estimation import Job, TableEstimation
from modelwright.tasks.search.gathered import Said, gather
from modelwright.tasks.search.portfolio import portfolio, space_of

pytest.importorskip("lightgbm")


class Quiet:
    def traced(self, config, parameters):
        pass

    def report(self, step, metrics, fidelity=None):
        return "go"


@pytest.fixture(scope="module")
def job():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 600))
    data = gather({"a": a, "b": b, "y": a * b + 0.1 * rng.normal(size=600)}, Said(target="y", folds=3))
    chosen = chosen_learners(["lightgbm"], [], "good", "regression")
    return Job(
        frame=data.frame, y=data.y, task="regression", classes=0, weight=None, split=data.split, metric=data.metric,
        learners=chosen, seed=0,
    )  # fmt: skip


def outcome(job, tmp_path, **note):
    config = portfolio(space_of(job.learners, job.task, 600, 2), job.learners)[0]
    folder = tmp_path / "study" / "trials" / "0"
    folder.mkdir(parents=True, exist_ok=True)
    stop = 1.0 if note.get("phase") == "refit" else (job.steps - 1) / job.steps
    return TableEstimation(job).estimate(
        Task(number=0, config=config, stop=stop, folder=str(folder), note=note), Quiet()
    )


def test_what_a_candidate_takes_again_goes_by_the_rounds_that_are_kept(job, tmp_path):
    found = outcome(job, tmp_path)
    assert found.error is None
    most = job.longer({"model": "lightgbm"}, 0, 100) / MORE
    assert 0 < found.note["again_seconds"] <= most * found.note["fit_seconds"] + 1e-3


def test_features_take_no_more_threads_than_the_learner(job, tmp_path, monkeypatch):
    seen, made = [], LightGBM.features

    def features(self, frame, config):
        recipe = made(self, frame, config)

        class Spied:
            key = recipe.key

            def fit(self, *data, **settings):
                seen.append({one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"})
                return recipe.fit(*data, **settings)

        return Spied()

    monkeypatch.setattr(LightGBM, "features", features)
    for note in ({}, {"phase": "refit"}, {"phase": "refit", "threads": 2}):
        with threadpool_limits(2, user_api="blas"):
            outcome(job, tmp_path, value=1.0, rounds=5, **note)
    assert seen == [{1}] * job.split.units + [{1}, {2}]


def test_after_a_sample_trees_are_grown_for_more_rounds_and_nothing_else_is(job, monkeypatch):
    few = make_split(job.y[:100], "regression", seed=0, folds=2).among(np.arange(100), 600)
    both = replace(job, split=few, learners=learners.learners(["lightgbm", "linear"]))
    assert job.longer({"model": "lightgbm"}, 0, 100) == pytest.approx(1.5 ** (1 / 3))  # a unit has two of three folds
    assert both.longer({"model": "lightgbm"}, 0, 100) == pytest.approx(12 ** (1 / 3))
    assert both.longer({"model": "linear"}, 0, 100) == MORE
    table, rounds = {**job.frame.numbers, "y": job.y}, []
    for growth in (0.0, 1 / 3):
        monkeypatch.setattr(base, "GROWTH", growth)
        model = mw.fit(table, "y", trials=1, max_rows=100, folds=2, models=["lightgbm"], store=":memory:", verbose=0)
        rounds.append(model.plan["members"][0]["rounds"])
    assert rounds[1] == pytest.approx(12 ** (1 / 3) / MORE * rounds[0], abs=2)


def test_after_a_sample_a_network_has_no_more_than_the_usual_epochs_of_all_rows(job):
    y = np.zeros(200_000)
    few = make_split(y[:2000], "regression", seed=0, folds=8).among(np.arange(2000), 200_000)
    sampled = replace(job, y=y, split=few, learners=learners.learners(["mlp"]))
    epochs = {rounds: rounds * sampled.longer({"model": "mlp"}, 0, rounds) for rounds in (256, 17, 4)}
    assert epochs == {256: 16.0, 17: 16.0, 4: 4 * MORE}


def test_trees_of_all_rows_are_grown_for_as_many_rounds_more_as_all_units_say(job, monkeypatch):
    """The first of four periods is judged by trees of half of the rows, the last one by those of seven eighths."""
    table, rounds = {**job.frame.numbers, "t": np.arange(600.0), "y": job.y}, []
    how = {"trials": 1, "time": "t", "folds": 4, "models": ["lightgbm"], "store": ":memory:", "verbose": 0}
    for growth in (0.0, 3.0):
        monkeypatch.setattr(base, "GROWTH", growth)
        rounds.append(mw.fit(table, "y", **how).plan["members"][0]["rounds"])
    times = [(8 / part) ** 3 / MORE for part in (4, 5, 6, 7)]
    assert rounds[1] < 0.8 * times[0] * rounds[0], "the first period alone does not decide"
    assert times[-1] * rounds[0] < rounds[1]


def test_importing_a_library_takes_nothing_of_a_candidates_seconds(job, tmp_path, monkeypatch):
    given = []
    fit = LightGBM.fit
    monkeypatch.setattr(LightGBM, "load", lambda self: time.sleep(0.3))
    monkeypatch.setattr(LightGBM, "fit", lambda self, *a, **how: given.append(how) or fit(self, *a, **how))
    began = time.monotonic()
    found = outcome(job, tmp_path, seconds=5.0, left=60.0)
    assert found.note["load_seconds"] >= 0.3
    assert given[0]["deadline"] >= began + 5.3
    assert began + 60.0 <= given[0]["limit"] < began + 60.3, "the time of all goes on meanwhile"


def test_a_candidate_whose_seconds_are_up_at_once_is_a_model_all_the_same_and_said_to_be_cut(job, tmp_path):
    for number, (left, rounds) in enumerate(((60.0, 20), (0.0, 1))):
        found = outcome(job, tmp_path / str(number), seconds=0.0, left=left)
        assert found.note["rounds"][0] >= 0.8 * rounds and found.note["ended"][0] == "deadline"
        assert left or found.note["rounds"] == [1]


def test_what_a_worker_took_to_start_is_taken_from_the_time_of_all(job, tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(LightGBM, "fit", lambda self, *a, **how: given.append(how) or 1 / 0)
    folder = tmp_path / "study" / "trials" / "0"
    folder.mkdir(parents=True)
    config = portfolio(space_of(job.learners, job.task, 600, 2), job.learners)[0]
    note = {"seconds": 50.0, "left": 60.0}
    task = Task(number=0, config=config, stop=0.75, folder=str(folder), note=note, waited=40.0)
    began = time.monotonic()
    TableEstimation(job).estimate(task, Quiet())
    assert began + 19 < given[0]["deadline"] == given[0]["limit"] < began + 40


def test_members_that_the_clock_has_cut_are_said_to_be(monkeypatch):
    monkeypatch.setattr(trying, "_QUICK", 0.0)
    rng = np.random.default_rng(0)
    table = {"a": rng.normal(size=300), "b": rng.normal(size=300)}
    table["y"] = table["a"] * table["b"]
    model = mw.fit(table, "y", seconds=3.9, models=["lightgbm"], folds=2, store=":memory:", verbose=0)
    (member,), (said,) = model.plan["members"], [one for one in model.decisions if one["what"] == "cut short"]
    assert member["cut"] and member["rounds"] > 1
    assert said["decided"] == f"lightgbm 0 after {member['rounds']} rounds"
    assert f"lightgbm 0 (cut short after {member['rounds']} rounds)" in model.summary()
    assert "cut short" in model.leaderboard()[1]["why"]


def test_a_fit_on_all_rows_that_came_to_its_end_is_kept(job, tmp_path):
    found = outcome(job, tmp_path, phase="refit", value=0.5, rounds=30)
    assert found.error is None
    assert "model" in found.artifacts
    assert found.note["refit"]["rounds"] == 30


def test_a_fit_on_all_rows_that_the_clock_has_cut_is_not_kept(job, tmp_path):
    found = outcome(job, tmp_path, phase="refit", value=0.5, rounds=300, until=time.time() - 1)
    assert found.error is None
    assert "model" not in found.artifacts
    assert found.note["refit"]["ended"] == "deadline"


def test_a_fit_on_all_rows_is_the_last_one_unless_a_later_call_may_want_more_of_it(job, tmp_path):
    def state(name, **note):
        made = replace(job, learners=chosen_learners([name], [], "good", "regression"))
        return outcome(made, tmp_path, phase="refit", value=0.5, **note).state

    assert state("lightgbm", rounds=30, most=30) == state("linear", rounds=9, most=11) == "complete"
    assert state("lightgbm", rounds=300, until=time.time() - 1) == "paused"
    assert state("random_forest", rounds=20, most=50) == "paused"
    assert state("random_forest", rounds=50, most=50) == state("random_forest", rounds=20) == "complete"


def test_the_seconds_that_a_candidate_had_are_not_those_of_its_fit_on_all_rows(job, tmp_path):
    found = outcome(job, tmp_path, phase="refit", value=0.5, rounds=300, seconds=0.0, until=time.time() + 600)
    assert found.note["refit"]["rounds"] == 300
    assert "model" in found.artifacts


def test_a_fit_on_all_rows_has_the_cores_that_it_is_given(job, tmp_path):
    for number, more in enumerate(({}, {"threads": 2})):
        found = outcome(job, tmp_path / str(number), phase="refit", value=0.5, rounds=30, **more)
        assert found.error is None
        assert found.note["threads"] == number + 1


def test_cores_that_no_other_fit_takes_are_those_of_the_last_one_and_the_plan_knows_it(monkeypatch):
    monkeypatch.setattr(session, "available_cores", lambda: (0, 1))
    monkeypatch.setattr(session, "_THREADED", 0)
    monkeypatch.setattr(plan, "STARTING", 0.0)
    run = session.Session.run
    here = lambda own, engine, budget, executor, workers: run(own, engine, budget, SerialExecutor(), 1)  # noqa: E731
    monkeypatch.setattr(session.Session, "run", here)
    rng = np.random.default_rng(0)
    table = {"a": rng.normal(size=300), "b": rng.normal(size=300)}
    table["y"] = table["a"] * table["b"]
    how = {"models": ["lightgbm"], "folds": 2, "store": ":memory:", "verbose": 0}
    model = mw.fit(table, "y", seconds=600, trials=1, workers=2, **how)
    (member,) = model.plan["members"]
    assert member["whole"] and member["threads"] == 2
    assert model.plan["threads"] == 1
    again = mw.fit(table, "y", plan=model.plan, store=":memory:", verbose=0)
    assert np.array_equal(again.predict(table), model.predict(table))
    assert again.plan["members"][0]["threads"] == 2


def test_a_constant_that_is_added_to_the_target_changes_no_score_and_no_weight(tmp_path):
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=(2, 150))
    y = 3 * x + 2 * np.sin(3 * z) + 0.5 * rng.normal(size=150)
    models = []
    for off in (0.0, 1.7e9):
        table = {"x": x, "z": z, "y": y + off}
        model = mw.fit(table, "y", trials=2, models=["linear", "neighbours"], folds=3, verbose=0)
        models.append(model)
        again = mw.fit(table, "y", plan=model.plan, verbose=0)
        loaded = mw.load(model.save(tmp_path / f"{off:.0f}.mw"))
        for other in (again, loaded):
            assert np.allclose(other.predict(table) - off, model.predict(table) - off, atol=1e-4)
    near, far = models
    assert far.score == pytest.approx(near.score, rel=1e-4)
    assert [one["weight"] for one in far.plan["members"]] == pytest.approx(
        [one["weight"] for one in near.plan["members"]], abs=1e-3
    )
    rows = {"x": x, "z": z}
    assert np.allclose(far.predict(rows) - 1.7e9, near.predict(rows), atol=0.01)
