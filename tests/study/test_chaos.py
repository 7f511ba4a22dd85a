"""Members are killed, stopped, cancelled and misled about the time: what was measured is there, once, and nothing else.

``MODELWRIGHT_SOAK_MINUTES`` says for how long the soak runs: 60 for 20,000 trials, 4 by default.
"""

import collections
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from chaos import noted

import modelwright as mw
from modelwright.core import records as r
from modelwright.store.sqlite import SqliteStore
from modelwright.study.invariants import check_store

HERE = Path(__file__).parent


def chaos(folder, timeout=500, **options):
    """What was done, once the budget is used up."""
    command = [sys.executable, str(HERE / "chaos.py"), str(folder), json.dumps(options)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    errors = noted(folder / "errors")
    assert done.returncode == 0 and not errors, [done.stderr, *(text for (text,) in errors)][:3]
    return json.loads(done.stdout)


def as_undisturbed(trials):
    """The configurations of the same search, in one process that nobody harms."""

    def function(hp):
        return hp.Float("x", -1.0, 1.0) ** 2 + (hp.Choice("kind", ["a", "b"]) == "b")

    settings = {"objective": "minimize", "strategy": "random", "seed": 5, "verbose": 0}
    return [trial.config for trial in mw.tune(function, trials=trials, store=":memory:", **settings).trials]


def check(folder, trials):
    """I1 to I6; returns how many trials ended how."""
    store = SqliteStore(folder / "s.db")
    found = [finding for finding in check_store(store) if finding.check != "leases"]  # of the dead; they run out
    assert not found
    events = [event for event, _ in store.load(1)]
    ended = {e.number: (e.state, None if e.values is None else list(e.values)) for e in events if type(e) is r.Finished}
    assert sum(type(event) is r.Finished for event in events) == len(ended) == trials, "each trial ended once"
    for number, state, values in noted(folder / "told"):
        assert ended[number] == (state, values), "a result of which a member was told that it is stored"
    measured = collections.defaultdict(set)
    for number, x, value in noted(folder / "measured"):
        measured[number].add((x, value))
    study = mw.load_study("s", store)
    for trial in study.trials:
        if trial.state == "complete":
            assert measured[trial.number] == {(trial.config["x"], trial.value)}, "run again, the configuration stays"
        else:
            assert trial.state == "lost"
    assert [trial.config for trial in study.trials] == as_undisturbed(trials)
    store.close()
    return collections.Counter(trial.state for trial in study.trials)


def test_members_that_are_killed_at_random_lose_and_double_nothing(tmp_path):
    assert chaos(tmp_path, trials=30, seed=0, every=0.4)["kill"] >= 2
    check(tmp_path, 30)


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(1, 21))
def test_of_200_trials_none_is_lost_whoever_is_killed(tmp_path, seed):
    assert chaos(tmp_path, trials=200, seed=seed)["kill"] >= 10
    check(tmp_path, 200)


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(3))
def test_worker_processes_and_those_who_have_them_are_killed(tmp_path, seed):
    """Two coordinators with two workers each: most kills meet a worker, some the coordinator with its workers."""
    harms = ["worker"] * 4 + ["kill"]
    done = chaos(tmp_path, trials=60, seed=seed, members=2, workers=2, every=1.5, harms=harms, pace=0.2)
    assert done["worker"] >= 3
    assert check(tmp_path, 60)["complete"] > 50


def test_clocks_that_jump_by_an_hour_change_no_lease_no_duration_and_no_order(tmp_path):
    done = chaos(tmp_path, trials=30, seed=3, every=1.0, members=3, jumps=True, lease=2.0)
    assert check(tmp_path, 30)["complete"] == 30
    store = SqliteStore(tmp_path / "s.db")
    events = list(store.load(1))
    assert all(0 <= event.duration < 60 for event, _ in events if type(event) is r.Finished)
    assert all(0 <= at < 600 for _, at in events)
    ran = collections.Counter(event.number for event, _ in events if type(event) is r.Started)
    assert ran.total() - 30 <= done["kill"], "a jump took nobody's trial away"
    store.close()


def growth(folder):
    """MB a minute and open files at most and at least, of the member that nobody kills, after the first quarter."""
    seconds, memory, files = np.array(noted(folder / "steady")).T
    late = seconds > seconds[-1] / 4
    slope = np.polyfit(seconds[late] / 60, memory[late], 1)[0]
    return slope, memory[-1], files[late].min(), files[late].max()


@pytest.mark.faults
def test_a_long_search_under_every_harm_loses_nothing_and_does_not_grow(tmp_path):
    minutes = float(os.environ.get("MODELWRIGHT_SOAK_MINUTES", "4"))
    trials = max(100, round(20_000 / 60 * minutes))
    harms = ["kill", "kill", "kill", "stop", "cancel"]
    options = {"every": 2.0, "lease": 1.0, "steady": 2.0, "pace": 0.6, "harms": harms, "jumps": True}
    done = chaos(tmp_path, timeout=minutes * 60 * 4 + 300, trials=trials, seed=8, **options)
    ended = check(tmp_path, trials)
    slope, memory, fewest, most = growth(tmp_path)
    print(f"{dict(ended)}; harms {done}; {slope:.2f} MB/min, {memory:.0f} MB, {fewest} to {most} files")
    assert ended["lost"] <= done["cancel"] + done["kill"] / 10
    assert slope < 1.0, "MB of memory a minute"
    assert most - fewest <= 8, "open files"
