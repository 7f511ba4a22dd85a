"""Which backend is chosen, where compiled programs are kept, how cores are shared."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from modelwright.api.running import share_devices
from modelwright.core import backend
from modelwright.execute import threads
from modelwright.execute.threads import share_cores, worker_environment
from modelwright.study.limits import Limits
from modelwright.training import keras_backend

pytest.importorskip("jax")

SCRIPT = """
import json, os, stat
from modelwright.core.errors import MissingPackageError
from modelwright.training.keras_backend import ensure_backend
try:
    keras = ensure_backend()
except MissingPackageError as error:
    print(json.dumps({"error": str(error)}))
else:
    import jax
    folder = jax.config.jax_compilation_cache_dir
    mode = oct(stat.S_IMODE(os.stat(folder).st_mode)) if folder and os.path.isdir(folder) else None
    print(json.dumps({"backend": keras.backend.backend(), "cache": folder, "mode": mode}))
"""


def ask(home, configured=None, **environment):
    """What a fresh process with this home folder and environment says."""
    (home / ".keras").mkdir(parents=True, exist_ok=True)
    if configured is not None:
        (home / ".keras" / "keras.json").write_text(json.dumps(configured))
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("KERAS", "MODELWRIGHT", "XDG", "JAX"))}
    clean |= {"HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=clean, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_jax_is_the_default_with_a_private_cache(tmp_path):
    said = ask(tmp_path, backend._UNTOUCHED)
    assert said == {"backend": "jax", "cache": str(tmp_path / ".cache/modelwright/jax"), "mode": "0o700"}


def test_a_choice_is_respected_and_a_missing_package_named(tmp_path):
    if any(map(importlib.util.find_spec, ("torch", "tensorflow"))):
        pytest.skip("other backends are installed")
    said = ask(tmp_path, {**backend._UNTOUCHED, "backend": "torch"})
    assert "'torch'" in said["error"] and "pip install" in said["error"]
    assert "'tensorflow'" in ask(tmp_path, KERAS_BACKEND="tensorflow")["error"]


def test_a_cache_that_the_user_configured_stays(tmp_path):
    said = ask(tmp_path, JAX_COMPILATION_CACHE_DIR=str(tmp_path / "own"))
    assert said["cache"] == str(tmp_path / "own")
    assert ask(tmp_path, MODELWRIGHT_CACHE="off")["cache"] is None


def test_a_folder_that_others_can_write_is_not_trusted(tmp_path):
    tmp_path.chmod(0o777)
    assert not keras_backend._private(tmp_path)
    tmp_path.chmod(0o700)
    assert keras_backend._private(tmp_path)
    assert not keras_backend._private(tmp_path / "none")


def test_seeds_leave_the_generators_as_they_were():
    np.random.seed(1)
    before = np.random.get_state()[1].copy()
    with keras_backend.kept_generators():
        keras_backend.seed_everything(5)
        first = np.random.random()
        keras_backend.seed_everything(5)
        assert np.random.random() == first
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_what_keras_is_set_to_stays_when_models_are_let_go():
    keras = pytest.importorskip("keras")
    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        keras.config.disable_interactive_logging()
        first = keras.layers.Dense(1).name
        keras_backend.release()
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
        assert not keras.config.is_interactive_logging_enabled()
        assert keras.layers.Dense(1).name <= first  # what it counted is gone
    finally:
        keras.config.set_dtype_policy(before)
        keras.config.enable_interactive_logging()


@given(some.integers(1, 20), some.lists(some.integers(0, 63), min_size=1, max_size=32, unique=True))
def test_cores_are_dealt_fairly(slots, cores):
    shares = share_cores(slots, cores)
    assert len(shares) == slots and all(share and set(share) <= set(cores) for share in shares)
    if slots <= len(cores):
        assert sorted(core for share in shares for core in share) == sorted(cores)
        assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_what_the_user_set_stays():
    (own,) = worker_environment(1, [3], given={"OMP_NUM_THREADS": "4", "XLA_FLAGS": "--xla_dump_to=x"})
    assert "OMP_NUM_THREADS" not in own and own["OPENBLAS_NUM_THREADS"] == "1"
    assert own["XLA_FLAGS"] == "--xla_dump_to=x --xla_cpu_multi_thread_eigen=false"
    (wide,) = worker_environment(1, [0, 1], given={})
    assert "XLA_FLAGS" not in wide and wide["OMP_NUM_THREADS"] == "2"


def test_workers_take_of_a_gpu_what_they_need():
    name = "XLA_PYTHON_CLIENT_PREALLOCATE"
    (own,), (told,) = worker_environment(1, [0], given={}), worker_environment(1, [0], given={name: "true"})
    assert own[name] == "false" and own["TF_FORCE_GPU_ALLOW_GROWTH"] == "true" and name not in told


@pytest.mark.parametrize(
    ("options", "left"),
    [((1, None, Limits()), ""), ((2, None, Limits()), "false"), ((1, "processes", Limits()), "false"),
     ((1, None, Limits(seconds=9.0)), "false")],
)  # fmt: skip
def test_a_process_leaves_room_on_a_gpu_where_trials_run_in_others(options, left, monkeypatch):
    name = "XLA_PYTHON_CLIENT_PREALLOCATE"
    monkeypatch.setattr(os, "environ", {})
    share_devices(*options)
    assert os.environ.get(name, "") == left
    os.environ[name] = "true"
    share_devices(*options)
    assert os.environ[name] == "true"


def test_a_process_is_bound_only_where_it_may_run():
    assert threads.bind_to_cores({}) == ()
    assert threads.bind_to_cores({"MODELWRIGHT_CORES": "100000"}) == ()
    before = threads.available_cores()
    if not hasattr(os, "sched_setaffinity"):
        return
    try:
        assert threads.bind_to_cores({"MODELWRIGHT_CORES": str(before[0])}) == before[:1]
        assert threads.available_cores() == before[:1]
    finally:
        os.sched_setaffinity(0, before)
