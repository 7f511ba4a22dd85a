"""The engine end to end with a lookup table as the estimation: ask, pause, kill, resume."""

import os
import random
import subprocess
import sys
import textwrap

import pytest

import modelwright as mw
from modelwright.core import records as r
from modelwright.core.clock import ManualClock
from modelwright.core.objective import Objective
from modelwright.estimation.lookup import LookupTable
from modelwright.execute.processes import ProcessExecutor
from modelwright.execute.serial import SerialExecutor
from modelwright.store.memory import MemoryStore
from modelwright.store.sqlite import SqliteStore
from modelwright.strategy import resolve
from modelwright.study import Budget, Journal, Loop, Machine, Setup
from modelwright.testing.strategy import STEPS, conditional, curve, declared


def journal_of(store, strategy="hyperband", seed=0, name="s", clock=None):
    setup = Setup(
        space=declared(conditional),
        strategy=resolve(strategy, steps=STEPS, resumable=True),
        objectives=(Objective("value", "min"),),
        seed=seed,
    )
    record = store.find(name) or store.create(name, {}, 0.0)
    machine = Machine(setup)
    for event, at in store.load(record.id):
        machine.apply([event], at)
    return Journal(machine, store, record, **({"clock": clock} if clock else {}))


def run(journal, trials=20, executor=None, table=None, **budget):
    executor = executor or SerialExecutor()
    executor.open(table or LookupTable(curve, steps=STEPS))
    loop = Loop(journal, executor, Budget(trials=trials, **budget), resumable=True)
    try:
        loop.run()
    finally:
        executor.close()
    return loop


def facts(journal):
    return [(row.config, row.state, row.values, row.fidelity) for row in journal.machine.history.rows]


def test_a_trial_pauses_at_a_rung_and_goes_on_from_where_it_was():
    journal = journal_of(MemoryStore())
    run(journal, trials=9)
    rows = journal.machine.history.rows
    longest = max(rows, key=lambda row: row.fidelity)
    assert longest.state == "complete" and len(longest.segments) == 3
    assert [step for step, _ in longest.reports] == list(range(1, STEPS + 1))
    assert sum(row.steps for row in rows) == 9 * 1 + 3 * 2 + 1 * 6


def test_every_report_is_kept_and_the_value_is_the_best_step():
    journal = journal_of(MemoryStore(), "random")
    valley = LookupTable(lambda config: [3.0, 1.0, 2.0], steps=3)
    run(journal, trials=1, table=valley)
    row = journal.machine.history.rows[0]
    assert [m["value"] for _, m in row.reports] == [3.0, 1.0, 2.0]
    assert row.values == (1.0,) and row.step == 2 and row.steps == 3


@pytest.mark.parametrize("strategy", ["random", "hyperband", "auto"])
def test_stopping_at_any_point_and_going_on_ends_where_an_uninterrupted_study_ends(strategy, tmp_path):
    whole = journal_of(MemoryStore(), strategy)
    run(whole, trials=12)
    reports = sum(len(row.reports) for row in whole.machine.history.rows)
    for stop_after in (1, 4, 9, 13, reports - 1):
        store = SqliteStore(tmp_path / f"{stop_after}.db")

        class Crash(Exception):
            pass

        class Breaks(LookupTable):
            left = stop_after

            def estimate(self, task, reporter):
                def report(*args):
                    self.left -= 1
                    if self.left < 0:
                        raise Crash
                    return told(*args)

                told, reporter.report = reporter.report, report
                return super().estimate(task, reporter)

        with pytest.raises(Crash):
            run(journal_of(store, strategy), trials=12, table=Breaks(curve, steps=STEPS))
        again = journal_of(store, strategy)
        run(again, trials=12)
        assert facts(again) == facts(whole)


def test_a_study_killed_again_and_again_repeats_nothing_that_was_finished(tmp_path):
    script = textwrap.dedent(
        """
        import sys, time
        sys.path.insert(0, sys.argv[2])
        from test_walkthrough import *
        class Slow(LookupTable):
            def estimate(self, task, reporter):
                time.sleep(0.01)
                with open(sys.argv[1] + ".log", "a") as log:
                    log.write(f"{task.number} {task.segment}\\n")
                return super().estimate(task, reporter)
        journal = journal_of(SqliteStore(sys.argv[1]))
        run(journal, trials=30, table=Slow(curve, steps=STEPS))
        print("done")
        """
    )
    chance, path = random.Random(0), tmp_path / "s.db"
    here = os.path.dirname(__file__)
    for _ in range(40):
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(path), here], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            out, err = process.communicate(timeout=1.0 + chance.random() * 0.4)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            continue
        assert "done" in out, err
        break
    else:
        run(journal_of(SqliteStore(path)), trials=30)
    whole = journal_of(MemoryStore())
    run(whole, trials=30)
    again = journal_of(SqliteStore(path))
    assert facts(again) == facts(whole)
    finished = [e.number for e in again.machine.history if isinstance(e, r.Finished)]
    segments = [(row.number, len(row.segments)) for row in again.machine.history.rows]
    assert len(finished) == sum(count for _, count in segments)


def test_two_processes_find_valid_trials_and_lose_none(tmp_path):
    journal = journal_of(SqliteStore(tmp_path / "s.db"))
    run(journal, trials=20, executor=ProcessExecutor(2))
    rows = journal.machine.history.rows
    assert len(rows) == 20 and {row.state for row in rows} <= {"complete", "paused"}
    assert [row.number for row in rows] == list(range(20))
    assert any(row.fidelity == 1 for row in rows)


def test_seconds_are_a_total_over_sessions_and_an_unfinished_trial_goes_on(tmp_path):
    store, clock = SqliteStore(tmp_path / "s.db"), ManualClock()

    class Takes(LookupTable):
        def estimate(self, task, reporter):
            def report(*args):
                clock.advance(1.0)
                return told(*args)

            told, reporter.report = reporter.report, report
            return super().estimate(task, reporter)

    table = Takes(curve, steps=STEPS)
    first = journal_of(store, "random", clock=clock)
    run(first, trials=None, table=table, seconds=13.5)
    rows = first.machine.history.rows
    assert [(row.state, row.steps) for row in rows] == [("complete", 9), ("paused", 5)]
    assert first.elapsed == 14.0
    second = journal_of(store, "random", clock=clock)
    run(second, trials=None, table=table, seconds=13.5)
    assert second.elapsed == 14.0 and len(second.machine.history.rows) == 2
    third = journal_of(store, "random", clock=clock)
    run(third, trials=None, table=table, seconds=18)
    assert [(row.state, row.steps) for row in third.machine.history.rows] == [("complete", 9)] * 2


def test_a_worker_that_dies_every_time_loses_its_trial_but_not_the_study():
    class Dies(LookupTable):
        def estimate(self, task, reporter):
            if task.number == 3:
                os.abort()
            return super().estimate(task, reporter)

    journal = journal_of(MemoryStore(), "random")
    run(journal, trials=6, table=Dies(curve, steps=STEPS), executor=ProcessExecutor(1))
    states = [row.state for row in journal.machine.history.rows]
    assert states == ["complete"] * 3 + ["failed"] + ["complete"] * 2
    row = journal.machine.history.rows[3]
    assert row.attempt == 1 and "SIGABRT" in row.error.message


def test_a_broken_observer_is_switched_off_and_the_study_goes_on():
    class Bad:
        def events(self, events):
            raise RuntimeError("tracker down")

    journal = journal_of(MemoryStore(), "random")
    journal.observers.append(Bad())
    with pytest.warns(UserWarning, match="tracker down"):
        run(journal, trials=3)
    assert len(journal.machine.history.rows) == 3


def test_confirmation_runs_the_best_again_with_other_seeds_and_names_the_winner_by_them():
    def noisy(hp, trial):
        x = hp.Int("x", 0, 5)
        lucky = trial.seed % 7 == 0
        trial.report(1, loss=x + (0 if lucky else 0.5))

    study = mw.tune(noisy, objective="loss", strategy="grid", trials=6, confirm=2, store=":memory:", verbose=0)
    notes = [n.data for n in study._machine.history.notes if n.kind == "confirm"]
    assert sorted((n["number"], n["run"]) for n in notes) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert study.best.number == 0
