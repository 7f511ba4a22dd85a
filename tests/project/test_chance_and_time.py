"""Chance and time come in by hand: nobody reads the clock of the machine or a generator that others share."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from source_tree import PACKAGE, modules, parsed, short

#: Name of a call -> where it is allowed, because that file is its one door.
BANNED = {
    "time.time": {"core/clock.py"},
    "time.time_ns": set(),
    "datetime.datetime.now": set(),
    "datetime.datetime.utcnow": set(),
    "datetime.date.today": set(),
    "random.seed": {"training/keras_backend.py"},
    "numpy.random.seed": {"training/keras_backend.py"},
    # Keras itself shuffles rows with it, and the fast path has to give the same order.
    "numpy.random.permutation": {"training/keras_fast.py"},
    "keras.utils.set_random_seed": set(),
    "tensorflow.random.set_seed": set(),
    "torch.manual_seed": set(),
}
#: What may be taken from the modules of chance: things with a state of their own.
OWN_STATE = {
    "random": {"Random", "SystemRandom", "getstate", "setstate"},
    "numpy.random": {"Generator", "PCG64", "SeedSequence", "RandomState", "default_rng", "get_state", "set_state"},
}


def calls(path: Path) -> list[tuple[int, str, ast.Call]]:
    """Every call of a file whose full name its imports tell, as (line, name, call)."""
    tree, known = parsed(path), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.split(".")[0]
                known[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            parts, at = [], node.func
            while isinstance(at, ast.Attribute):
                parts.append(at.attr)
                at = at.value
            if isinstance(at, ast.Name) and at.id in known:
                found.append((node.lineno, ".".join([known[at.id], *reversed(parts)]), node))
    return found


def violations(path: Path, place: str) -> list[str]:
    """What a file at ``place`` in the package may not do."""
    found = []
    for line, name, call in calls(path):
        home, _, last = name.rpartition(".")
        if name in BANNED:
            if place not in BANNED[name]:
                found.append(f"line {line}: {name}()")
        elif home in OWN_STATE and last not in OWN_STATE[home]:
            found.append(f"line {line}: {name}() draws from the generator everybody shares; use core.rng.Seed")
        elif name in ("numpy.random.default_rng", "random.Random") and not (call.args or call.keywords):
            found.append(f"line {line}: {name}() without a seed")
    return found


@pytest.mark.parametrize("path", modules(), ids=short)
def test_no_module_reads_the_clock_or_a_shared_generator(path):
    assert not violations(path, path.relative_to(PACKAGE).as_posix())


def test_the_search_for_violations_finds_them(tmp_path):
    bad = tmp_path / "bad.py"
    bad.write_text(
        "import time, random\nimport numpy as np\nfrom time import time as now\nfrom datetime import datetime\n"
        "time.time()\nnow()\nnp.random.seed(1)\nnp.random.rand(3)\nrandom.choice([1])\nnp.random.default_rng()\n"
        "datetime.now()\n"
    )
    assert [found.split(":")[0] for found in violations(bad, "bad.py")] == [f"line {n}" for n in range(5, 12)]
    good = tmp_path / "good.py"
    good.write_text(
        "import time, random\nimport numpy as np\n"
        "time.monotonic()\nnp.random.default_rng(7)\nrandom.Random(3).random()\n"
    )
    assert not violations(good, "good.py")
