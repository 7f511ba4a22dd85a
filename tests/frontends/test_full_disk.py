"""A disk that takes no more ends a search of Keras models without blaming a trial, and the search goes on later."""

import json
import subprocess
import sys
import textwrap

import pytest

SCRIPT = textwrap.dedent(
    """
    import json, resource, sys
    import keras, numpy as np
    import modelwright as mw

    def build(hp):
        units = hp.Choice("units", [4, 20000])
        hp.Fixed("wide", True) if options["strategy"] == "grid" else hp.Float("wide", 0.0, 1.0)
        model = keras.Sequential([keras.layers.Input((8,)), keras.layers.Dense(units), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    def limit_files(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    store, options = sys.argv[1], json.loads(sys.argv[2])

    def tune():
        x = np.linspace(0, 1, 64, dtype="float32").reshape(8, 8)
        return mw.tune(build, x, x[:, :1], objective="loss", name="s", store=store, verbose=0, **options)

    def states():
        return [(trial.state, trial.error is None) for trial in mw.load_study("s", store).trials]

    limit_files(300_000)
    try:
        tune()
    except mw.StoreError as error:
        print(json.dumps([str(error), states()]))
    limit_files(-1)
    tune()
    print(json.dumps(states()))
    """
)


@pytest.mark.parametrize(
    ("options", "file"),
    [
        ({"strategy": "grid", "epochs": 2, "trials": 2}, "model.keras"),
        ({"strategy": "grid", "epochs": 2, "trials": 2, "workers": 2}, "model.keras"),
        ({"strategy": "hyperband", "epochs": 9, "trials": 2, "seed": 3}, "checkpoint.ckpt"),
    ],
)
def test_a_model_that_cannot_be_kept_ends_the_search_and_runs_again_when_there_is_room(tmp_path, options, file):
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "s.db"), json.dumps(options)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    message, before = first
    assert file in message and "Free some space and run again" in message and "finished is lost" in message
    assert {state for state, _ in before} <= {"complete", "paused", "running"} and ["running", True] in before
    after = second
    assert len(after) == options["trials"]
    assert {state for state, _ in after} <= {"complete", "paused"} and all(clean for _, clean in after)
