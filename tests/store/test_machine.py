"""Every store does what one model in memory does, whatever is done to it, in whatever order."""

import itertools
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from machine import StoreMachine, histories, play

from modelwright.store.memory import MemoryStore
from modelwright.store.postgres import PostgresStore
from modelwright.store.sqlite import SqliteStore

_names = (f"machine{i}" for i in itertools.count())
_slack = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
QUICK = settings(max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=_slack)
LONG = settings(max_examples=400, stateful_step_count=60, deadline=None, suppress_health_check=_slack)
LONG_KILLS = settings(LONG, max_examples=120, phases=[Phase.explicit, Phase.generate])


def memory():
    class Machine(StoreMachine):
        def __init__(self):
            super().__init__()
            store = MemoryStore()
            self.open = lambda: store

    return Machine


def sqlite(kills=True):
    class Machine(StoreMachine):
        def __init__(self):
            super().__init__()
            self._folder = tempfile.TemporaryDirectory()
            self.place = str(Path(self._folder.name) / "s.db")
            self.open = lambda: SqliteStore(self.place)

        def teardown(self):
            super().teardown()
            self._folder.cleanup()

    if not kills:
        Machine.killed = None
    return Machine


def postgresql(server, folder):
    class Machine(StoreMachine):
        def __init__(self):
            super().__init__()
            self.place = f"{server.make(next(_names))}?files={folder}"
            self.open = lambda: PostgresStore(self.place)

    return Machine


def test_memory():
    run_state_machine_as_test(memory(), settings=QUICK)


def test_sqlite():
    run_state_machine_as_test(sqlite(), settings=QUICK)


def test_postgresql(postgres, tmp_path):
    run_state_machine_as_test(postgresql(postgres, tmp_path), settings=settings(QUICK, max_examples=4))


@pytest.mark.faults
def test_memory_for_long():
    run_state_machine_as_test(memory(), settings=LONG)


@pytest.mark.faults
def test_sqlite_for_long():
    run_state_machine_as_test(sqlite(), settings=LONG_KILLS)


@pytest.mark.faults
def test_postgresql_for_long(postgres, tmp_path):
    run_state_machine_as_test(postgresql(postgres, tmp_path), settings=settings(LONG_KILLS, max_examples=40))


@pytest.mark.parametrize("path", histories(), ids=lambda path: path.stem)
@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgresql"])
def test_what_went_wrong_once_goes_right(path, kind, request, tmp_path):
    found = json.loads(path.read_text("utf-8"))
    if kind not in found["stores"]:
        pytest.skip(f"this history needs {' or '.join(found['stores'])}")
    if kind == "postgresql":
        made = postgresql(request.getfixturevalue("postgres"), tmp_path)
    else:
        made = {"memory": memory, "sqlite": sqlite}[kind]()
    play(made(), found["steps"])
