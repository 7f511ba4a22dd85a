"""What ``import modelwright`` loads. Looked up in the modules, since times depend on the machine."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("keras", "jax", "tensorflow", "torch", "pandas", "sklearn", "scipy", "sqlalchemy", "rich", "cloudpickle")


def loaded_by(program: str) -> set[str]:
    """Top-level packages that a fresh interpreter has loaded after ``program``."""
    shown = f"{program}\nimport sys, json\nprint(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True, timeout=120)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "program",
    [
        "import modelwright",
        "import modelwright; dir(modelwright); modelwright.__version__",
        "import modelwright as mw; mw.HyperParameters, mw.Minimize, mw.SpaceError, mw.Strategy",
    ],
)
def test_importing_loads_nothing_heavy(program):
    assert not loaded_by(program) & set(HEAVY)


def test_tuning_a_plain_function_needs_no_machine_learning_library():
    program = (
        "import modelwright as mw\n"
        "mw.tune(lambda hp: hp.Float('x', 0, 1), objective='minimize', strategy='random', trials=3,"
        " store=':memory:', verbose=0)"
    )
    unneeded = {"keras", "jax", "tensorflow", "torch", "pandas", "sklearn", "sqlalchemy", "scipy"}
    assert not loaded_by(program) & unneeded
