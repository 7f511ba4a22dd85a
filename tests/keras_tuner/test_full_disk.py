"""A disk that takes no more ends a search with one clear error, no trial fails for it, and the search goes on later."""

import json
import subprocess
import sys
import textwrap

import pytest

SCRIPT = textwrap.dedent(
    """
    import json, resource, sys
    import keras, numpy as np
    import modelwright.keras_tuner as kt

    def build(hp):
        units = hp.Choice("units", [4, 20000])
        model = keras.Sequential([keras.layers.Input((8,)), keras.layers.Dense(units), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    def limit_files(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    def search():
        tuner = kt.GridSearch(build, objective="loss", directory=".", project_name="p")
        x = np.linspace(0, 1, 64, dtype="float32").reshape(8, 8)
        said = ""
        try:
            tuner.search(x, x[:, :1], epochs=1, verbose=0, workers=int(sys.argv[1]))
        except kt.errors.FatalError as error:
            said = str(error)
        print("::" + json.dumps([said, [trial.status for trial in tuner.oracle.trials.values()]]))
        return tuner

    limit_files(300_000)
    search()
    limit_files(-1)
    print("::" + json.dumps([model.count_params() for model in search().get_best_models(2)]))
    """
)


@pytest.mark.parametrize("workers", [1, 2])
def test_weights_that_cannot_be_written_end_the_search_and_the_trial_runs_again(tmp_path, workers):
    command = [sys.executable, "-c", SCRIPT, str(workers)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line[2:]) for line in done.stdout.splitlines() if line.startswith("::")]
    (said, before), (nothing, after), sizes = lines
    assert "checkpoint.weights.h5: the disk is full" in said and "Free some space and run again" in said
    assert "RUNNING" in before and set(before) <= {"RUNNING", "COMPLETED"}
    assert nothing == "" and after == ["COMPLETED"] * 2
    assert sorted(sizes) == [41, 200_001]
